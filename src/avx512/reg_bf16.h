/* reg_bf16.h - reg.h's register and bf16: two in a lane, or LANES of them in memory. */
#ifndef HEW_REG_BF16_H
#define HEW_REG_BF16_H

#include "narrow.h"
#include "reg.h"

/* Of words of two: the second element, and the first. */
HEW_INLINE vf vf_odd(vf words)
{
    return _mm512_castsi512_ps(_mm512_maskz_mov_epi16(0xaaaaaaaa, _mm512_castps_si512(words)));
}
HEW_INLINE vf vf_even(vf words)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(words), 16));
}

HEW_INLINE vf vf_of_halves(__m256i x)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
}
HEW_INLINE vf vf_load_bf16(const void *p) { return vf_of_halves(_mm256_loadu_si256(p)); }
HEW_INLINE vf vf_load_bf16_masked(vf_mask m, const void *p)
{
    return vf_of_halves(_mm256_maskz_loadu_epi16(m, p));
}

/* The nearest ones. */
#ifndef VF_TO_HALVES /* reg_bf16_dpbf16.h has an instruction for it */
#define VF_TO_HALVES(x) x16_upper(x16_to_bf16(x))
#endif
HEW_INLINE void vf_store_bf16(void *p, vf x) { _mm256_storeu_si256(p, VF_TO_HALVES(x)); }
HEW_INLINE void vf_store_bf16_masked(vf_mask m, void *p, vf x)
{
    _mm256_mask_storeu_epi16(p, m, VF_TO_HALVES(x));
}

#endif
