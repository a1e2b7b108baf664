/*
 * multiply.h - sixteen products of 32 bits by 32, whole.
 */
#ifndef HEW_MULTIPLY_H
#define HEW_MULTIPLY_H

#include "simd.h"

typedef struct x16_wide {
    i32x16 high, low;
} x16_wide;

HEW_INLINE void multiply_half(__m256i a, uint32_t m, __m256i *high, __m256i *low)
{
    const __m256i factor = _mm256_set1_epi64x(m);
    const __m256i even = _mm256_mul_epu32(a, factor);
    const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), factor);
    *high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
    *low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
}

/* a * m, unsigned. */
HEW_INLINE x16_wide x16_multiply(i32x16 a, uint32_t m)
{
    x16_wide p;
    multiply_half(a.lo, m, &p.high.lo, &p.low.lo);
    multiply_half(a.hi, m, &p.high.hi, &p.low.hi);
    return p;
}

#endif
