/*
 * lanes.h - four pieces of 16 bytes as one AVX-512 register, for what moves bytes.
 *
 * src/avx2/lanes.h has the same names over two pieces.  Shuffles stay inside a piece.
 */
#ifndef HEW_LANES_H
#define HEW_LANES_H

#include <immintrin.h>

#include "core.h"

enum { LANES = 4, LANE_REGISTERS = 32 };
typedef __m512i lanes;

HEW_INLINE lanes lanes_of(const __m128i piece[LANES])
{
    const __m256i lo = _mm256_inserti128_si256(_mm256_castsi128_si256(piece[0]), piece[1], 1);
    const __m256i hi = _mm256_inserti128_si256(_mm256_castsi128_si256(piece[2]), piece[3], 1);
    return _mm512_inserti64x4(_mm512_castsi256_si512(lo), hi, 1);
}

/* Elements of `size` bytes of the lower, or upper, halves of each piece of a and b, in turns. */
HEW_INLINE lanes lanes_low(const size_t size, lanes a, lanes b)
{
    return size == 1   ? _mm512_unpacklo_epi8(a, b)
           : size == 2 ? _mm512_unpacklo_epi16(a, b)
           : size == 4 ? _mm512_unpacklo_epi32(a, b)
                       : _mm512_unpacklo_epi64(a, b);
}
HEW_INLINE lanes lanes_high(const size_t size, lanes a, lanes b)
{
    return size == 1   ? _mm512_unpackhi_epi8(a, b)
           : size == 2 ? _mm512_unpackhi_epi16(a, b)
           : size == 4 ? _mm512_unpackhi_epi32(a, b)
                       : _mm512_unpackhi_epi64(a, b);
}

/* Byte i of a piece is its byte index[i], or 0 for 128. */
HEW_INLINE lanes lanes_pick(lanes a, lanes index) { return _mm512_shuffle_epi8(a, index); }
HEW_INLINE lanes lanes_or(lanes a, lanes b) { return _mm512_or_si512(a, b); }

HEW_INLINE lanes lanes_load(const char *p) { return _mm512_loadu_si512(p); }
HEW_INLINE void lanes_store(char *p, lanes x) { _mm512_storeu_si512(p, x); }
/* Past the caches, to an address that is a multiple of the register's length. */
HEW_INLINE void lanes_stream(char *p, lanes x) { _mm512_stream_si512((void *)p, x); }

/* The first n bytes of a piece, n <= 16, and of a register; nothing else is touched. */
HEW_INLINE __m128i piece_load_first(const char *p, size_t n)
{
    return _mm_maskz_loadu_epi8((__mmask16)((1u << n) - 1), p);
}
HEW_INLINE lanes lanes_load_first(const char *p, size_t n)
{
    return _mm512_maskz_loadu_epi8(n < 64 ? (1ull << n) - 1 : ~0ull, p);
}
HEW_INLINE void lanes_store_first(char *p, size_t n, lanes x)
{
    _mm512_mask_storeu_epi8(p, n < 64 ? (1ull << n) - 1 : ~0ull, x);
}

#endif
