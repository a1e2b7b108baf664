/*
 * typed.h - sixteen elements of a storage type, F32, BF16 or F16, as floats.
 *
 * The including file has its narrow.h included first.  `type` is a literal where these are inlined,
 * so that one body makes an instance for each type; an element's address is x16_at.
 *
 * Loads are exact, but for the quieting of an f16's NaN.  Stores round to nearest, ties to even,
 * whatever MXCSR says, keep denormals, and quiet NaNs: hew_ref_load_type and hew_ref_store_type.
 * A count n below 16 takes the first n; memory beyond them is not touched.
 */
#ifndef HEW_SIMD_TYPED_H
#define HEW_SIMD_TYPED_H

#include "core.h"

HEW_INLINE size_t x16_type_bytes(const hew_type type) { return type == HEW_F32 ? 4 : 2; }

/* Element i of p, and i elements further on. */
HEW_INLINE const void *x16_at(const hew_type type, const void *p, size_t i)
{
    return (const char *)p + i * x16_type_bytes(type);
}
HEW_INLINE void *x16_out_at(const hew_type type, void *p, size_t i)
{
    return (char *)p + i * x16_type_bytes(type);
}

HEW_INLINE f32x16 x16_widen_type(const hew_type type, __m256i halves)
{
    return type == HEW_BF16 ? x16_from_bits(x16_from_upper(halves)) : x16_from_f16(halves);
}
HEW_INLINE f32x16 x16_load_type(const hew_type type, const void *p)
{
    return type == HEW_F32 ? x16_load(p) : x16_widen_type(type, x16_load_halves(p));
}
/* Lanes beyond n read as `fill`. */
HEW_INLINE f32x16 x16_load_type_first(const hew_type type, size_t n, const void *p, f32x16 fill)
{
    if (type == HEW_F32)
        return x16_load_masked(x16_first(n), p, fill);
    return x16_select(x16_first(n), x16_widen_type(type, x16_load_halves_first(n, p)), fill);
}

HEW_INLINE __m256i x16_narrow_type(const hew_type type, f32x16 x)
{
    return type == HEW_BF16 ? x16_upper(x16_to_bf16(x)) : x16_to_f16(x);
}
HEW_INLINE void x16_store_type(const hew_type type, void *p, f32x16 x)
{
    if (type == HEW_F32)
        x16_store(p, x);
    else
        x16_store_halves(p, x16_narrow_type(type, x));
}
HEW_INLINE void x16_store_type_first(const hew_type type, size_t n, void *p, f32x16 x)
{
    if (type == HEW_F32)
        x16_store_masked(x16_first(n), p, x);
    else
        x16_store_halves_first(n, p, x16_narrow_type(type, x));
}

/* Elements before the first at an address that `turn` of them, 16 or 32, divide, or 64 bytes. */
HEW_INLINE size_t x16_unaligned(hew_type type, const void *p, size_t turn)
{
    return type == HEW_F32 ? (0 - (uintptr_t)p / 4) % 16 : (0 - (uintptr_t)p / 2) % turn;
}

/* Of a type that is no literal: elements i to i + 15, or the first n from i on, zeros behind. */
HEW_INLINE f32x16 x16_load_any(hew_type type, const void *p, size_t i)
{
    if (type == HEW_F32)
        return x16_load((const float *)p + i);
    return type == HEW_BF16 ? x16_load_type(HEW_BF16, x16_at(HEW_BF16, p, i))
                            : x16_load_type(HEW_F16, x16_at(HEW_F16, p, i));
}
HEW_INLINE f32x16 x16_load_any_first(hew_type type, size_t n, const void *p, size_t i)
{
    const f32x16 zero = x16_set(0.0f);
    if (type == HEW_F32)
        return x16_load_type_first(HEW_F32, n, (const float *)p + i, zero);
    return type == HEW_BF16 ? x16_load_type_first(HEW_BF16, n, x16_at(HEW_BF16, p, i), zero)
                            : x16_load_type_first(HEW_F16, n, x16_at(HEW_F16, p, i), zero);
}
HEW_INLINE void x16_store_any(hew_type type, void *p, size_t i, f32x16 x)
{
    if (type == HEW_F32)
        x16_store((float *)p + i, x);
    else if (type == HEW_BF16)
        x16_store_type(HEW_BF16, x16_out_at(HEW_BF16, p, i), x);
    else
        x16_store_type(HEW_F16, x16_out_at(HEW_F16, p, i), x);
}
HEW_INLINE void x16_store_any_first(hew_type type, size_t n, void *p, size_t i, f32x16 x)
{
    if (type == HEW_F32)
        x16_store_type_first(HEW_F32, n, (float *)p + i, x);
    else if (type == HEW_BF16)
        x16_store_type_first(HEW_BF16, n, x16_out_at(HEW_BF16, p, i), x);
    else
        x16_store_type_first(HEW_F16, n, x16_out_at(HEW_F16, p, i), x);
}

#endif
