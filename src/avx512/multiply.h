/*
 * multiply.h - sixteen products of 32 bits by 32, whole.
 */
#ifndef HEW_MULTIPLY_H
#define HEW_MULTIPLY_H

#include "simd.h"

typedef struct x16_wide {
    i32x16 high, low;
} x16_wide;

/* a * m, unsigned. */
HEW_INLINE x16_wide x16_multiply(i32x16 a, uint32_t m)
{
    const __m512i factor = _mm512_set1_epi64(m);
    const __m512i even = _mm512_mul_epu32(a, factor);
    const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), factor);
    return (x16_wide){_mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd),
                      _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32))};
}

#endif
