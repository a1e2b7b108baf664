/*
 * pair_dpbf16.h - src/simd/pair.h's, with AVX512_BF16's conversion: one instruction for eight.
 *
 * It takes denormals for zeros, so where there are some, the integers round.  They aren't seen with
 * MXCSR's DAZ, and may be results all the same.
 */
#ifndef HEW_PAIR_DPBF16_H
#define HEW_PAIR_DPBF16_H

#include "narrow.h"

HEW_INLINE bool sees_denormals(void) { return (_mm_getcsr() & _MM_DENORMALS_ZERO_ON) == 0; }

HEW_INLINE i32x16 rounded_pair(f32x16 a, f32x16 b)
{
    enum { DENORMAL = 0x20 };
    if (HEW_UNLIKELY((_mm512_fpclass_ps_mask(a, DENORMAL) | _mm512_fpclass_ps_mask(b, DENORMAL))))
        return x16_zip_upper(x16_to_bf16(a), x16_to_bf16(b));
    const __m512i apart = (__m512i)_mm512_cvtne2ps_pbh(b, a); /* a's, then b's */
    const __m512i zip = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                         8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(zip, apart);
}

#endif
