/*
 * stream.h - stores past the caches, for what is larger than they are: a line is not read first.
 *
 * The including file has its simd.h included first.  Addresses are aligned to what is stored.
 */
#ifndef HEW_STREAM_H
#define HEW_STREAM_H

HEW_INLINE void x16_stream_halves(void *p, __m256i a) { _mm256_stream_si256(p, a); }
/* Before others read it. */
HEW_INLINE void x16_stream_end(void) { _mm_sfence(); }

#endif
