/* reg_bf16.h - reg.h's register and bf16: two in a lane, or LANES of them in memory. */
#ifndef HEW_REG_BF16_H
#define HEW_REG_BF16_H

#include "narrow.h"
#include "reg.h"

#include "../simd/bf16_256.h"

HEW_INLINE vf vf_load_bf16(const void *p) { return vf_of_halves(_mm_loadu_si128(p)); }
HEW_INLINE void vf_store_bf16(void *p, vf x) { _mm_storeu_si128(p, vf_to_halves(x)); }

/* There are no masks for halves: bytes of the first lanes. */
HEW_INLINE size_t half_bytes(vf_mask m)
{
    return 2 * (size_t)__builtin_popcount((unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(m)));
}
HEW_INLINE vf vf_load_bf16_masked(vf_mask m, const void *p)
{
    const size_t bytes = half_bytes(m);
    return bytes == 16 ? vf_load_bf16(p) : vf_of_halves(bytes_first(bytes, p));
}
HEW_INLINE void vf_store_bf16_masked(vf_mask m, void *p, vf x)
{
    const size_t bytes = half_bytes(m);
    if (bytes == 16)
        vf_store_bf16(p, x);
    else
        bytes_store(bytes, p, vf_to_halves(x));
}

#endif
