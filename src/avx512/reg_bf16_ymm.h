/* reg_bf16_ymm.h - reg_bf16.h for the registers of reg_ymm.h. */
#ifndef HEW_REG_BF16_H
#define HEW_REG_BF16_H

#include "reg_ymm.h"

#include "../simd/bf16_256.h"

HEW_INLINE vf vf_load_bf16(const void *p) { return vf_of_halves(_mm_loadu_si128(p)); }
HEW_INLINE vf vf_load_bf16_masked(vf_mask m, const void *p)
{
    return vf_of_halves(_mm_maskz_loadu_epi16(m, p));
}
#ifndef VF_TO_HALVES /* the including file may have an instruction for it */
#define VF_TO_HALVES(x) vf_to_halves(x)
#endif
HEW_INLINE void vf_store_bf16(void *p, vf x) { _mm_storeu_si128(p, VF_TO_HALVES(x)); }
HEW_INLINE void vf_store_bf16_masked(vf_mask m, void *p, vf x)
{
    _mm_mask_storeu_epi16(p, m, VF_TO_HALVES(x));
}

#endif
