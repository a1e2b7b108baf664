/*
 * lanes.h - two pieces of 16 bytes as one AVX2 register, for what moves bytes.
 *
 * src/avx512/lanes.h has the same names over four pieces and says what they promise.
 */
#ifndef HEW_LANES_H
#define HEW_LANES_H

#include <immintrin.h>
#include <string.h>

#include "core.h"

enum { LANES = 2, LANE_REGISTERS = 16 };
typedef __m256i lanes;

HEW_INLINE lanes lanes_of(const __m128i piece[LANES])
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(piece[0]), piece[1], 1);
}

HEW_INLINE lanes lanes_low(const size_t size, lanes a, lanes b)
{
    return size == 1   ? _mm256_unpacklo_epi8(a, b)
           : size == 2 ? _mm256_unpacklo_epi16(a, b)
           : size == 4 ? _mm256_unpacklo_epi32(a, b)
                       : _mm256_unpacklo_epi64(a, b);
}
HEW_INLINE lanes lanes_high(const size_t size, lanes a, lanes b)
{
    return size == 1   ? _mm256_unpackhi_epi8(a, b)
           : size == 2 ? _mm256_unpackhi_epi16(a, b)
           : size == 4 ? _mm256_unpackhi_epi32(a, b)
                       : _mm256_unpackhi_epi64(a, b);
}

HEW_INLINE lanes lanes_pick(lanes a, lanes index) { return _mm256_shuffle_epi8(a, index); }
HEW_INLINE lanes lanes_or(lanes a, lanes b) { return _mm256_or_si256(a, b); }

HEW_INLINE lanes lanes_load(const char *p) { return _mm256_loadu_si256((const __m256i *)p); }
HEW_INLINE void lanes_store(char *p, lanes x) { _mm256_storeu_si256((__m256i *)p, x); }
HEW_INLINE void lanes_stream(char *p, lanes x) { _mm256_stream_si256((__m256i *)p, x); }

/* AVX2 masks words, not bytes: halves, from the largest that fits on. */
HEW_INLINE void copy_first(char *to, const char *from, size_t n)
{
    if (n & 16)
        memcpy(to, from, 16), to += 16, from += 16;
    if (n & 8)
        memcpy(to, from, 8), to += 8, from += 8;
    if (n & 4)
        memcpy(to, from, 4), to += 4, from += 4;
    if (n & 2)
        memcpy(to, from, 2), to += 2, from += 2;
    if (n & 1)
        *to = *from;
}
HEW_INLINE __m128i piece_load_first(const char *p, size_t n)
{
    char bytes[16] __attribute__((aligned(16))) = {0};
    if (n == 16)
        return _mm_loadu_si128((const __m128i *)p);
    copy_first(bytes, p, n);
    return _mm_load_si128((const __m128i *)bytes);
}
HEW_INLINE lanes lanes_load_first(const char *p, size_t n)
{
    char bytes[32] __attribute__((aligned(32))) = {0};
    if (n >= 32)
        return lanes_load(p);
    copy_first(bytes, p, n);
    return _mm256_load_si256((const __m256i *)bytes);
}
HEW_INLINE void lanes_store_first(char *p, size_t n, lanes x)
{
    char bytes[32] __attribute__((aligned(32)));
    if (n >= 32) {
        lanes_store(p, x);
        return;
    }
    _mm256_store_si256((__m256i *)bytes, x);
    copy_first(p, bytes, n);
}

#endif
