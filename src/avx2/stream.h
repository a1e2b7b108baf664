/*
 * stream.h - stores past the caches, for what is larger than they are: src/avx512/stream.h.
 */
#ifndef HEW_STREAM_H
#define HEW_STREAM_H

HEW_INLINE void x16_stream_halves(void *p, __m256i a) { _mm256_stream_si256(p, a); }
HEW_INLINE void x16_stream_end(void) { _mm_sfence(); }

#endif
