/*
 * reg_typed.h - a register of floats from and to memory of F32 or BF16.
 *
 * The including file has its reg_bf16.h included first.  `bf16` and `full`, of all lanes, are
 * literals where these are inlined.
 */
#ifndef HEW_SIMD_REG_TYPED_H
#define HEW_SIMD_REG_TYPED_H

HEW_INLINE vf load(const bool bf16, const bool full, vf_mask mask, const void *p)
{
    if (bf16)
        return full ? vf_load_bf16(p) : vf_load_bf16_masked(mask, p);
    return full ? vf_load(p) : vf_load_masked(mask, p);
}

HEW_INLINE void store(const bool bf16, const bool full, vf_mask mask, void *p, vf x)
{
    if (bf16 && full)
        vf_store_bf16(p, x);
    else if (bf16)
        vf_store_bf16_masked(mask, p, x);
    else if (full)
        vf_store(p, x);
    else
        vf_store_masked(mask, p, x);
}

#endif
