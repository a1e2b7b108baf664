/*
 * epilogue_s32 - what happens to a register of integer sums before it is stored: see hew_quant.
 *
 * (float)s rounds as MXCSR says, like the float arithmetic that follows.  The step to integers does
 * not: half to even always.
 *
 * Two clamps follow one another where C is quantised: to [lo, hi], then to the type's range.  They
 * are one, to lo and hi clamped to the type's range.
 */
#ifndef HEW_SIMD_EPILOGUE_S32_H
#define HEW_SIMD_EPILOGUE_S32_H

#include "epilogue_f32.h"

/* A range that a float can be rounded in, so that c_zero can be added and the type not left. */
typedef struct range {
    float lo, hi;
} range;

HEW_INLINE range range_of_type(const hew_quant *q)
{
    const float lo = q->c_type == HEW_U8 ? 0.0f : -128.0f, zero = (float)q->c_zero;
    return (range){lo - zero, lo + 255.0f - zero};
}

HEW_INLINE float clamp_to(range r, float x)
{
    x = r.lo > x ? r.lo : x;
    return r.hi < x ? r.hi : x;
}

/* Of both clamps. */
HEW_INLINE range range_of(const hew_quant *q, const hew_epilogue *e)
{
    const range type = range_of_type(q);
    return (range){clamp_to(type, e->lo), clamp_to(type, e->hi)};
}

/* The columns at `offset` bytes from the epilogue's. */
HEW_INLINE column quantised_column_of(const hew_quant *q, const hew_epilogue *e, size_t offset,
                                      const bool full, vf_mask mask)
{
    column c = column_of(e, offset, full, mask);
    c.bias = vf_mul(c.bias, vf_set(q->c_inverse));
    return c;
}

/* Bytes of R - residual_zero as floats.  Signed bytes are flipped to unsigned ones 128 higher. */
HEW_INLINE vf addend_of_bytes(const hew_quant *q, vi bytes)
{
    const int flip = q->add_type == HEW_S8 ? 128 : 0;
    return vf_of(vi_sub(vi_xor(bytes, vi_set(flip)), vi_set(q->add_zero + flip)));
}

/* The integers whose low bytes are to be stored; of a NaN, that is c_zero. */
HEW_INLINE vi quantise(const hew_quant *q, range r, vf v)
{
    return vi_add(vi_round(vf_min(vf_set(r.hi), vf_max(vf_set(r.lo), v))), vi_set(q->c_zero));
}

/* Rounded, of |x| < 2^31. */
HEW_INLINE int32_t rounded(float x)
{
    return _mm_cvtsi128_si32(_mm_cvtps_epi32(
        _mm_round_ps(_mm_set_ss(x), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)));
}

/* Of tame results: c_zero, and both clamps after rounding, where they are the same. */
HEW_INLINE byte_range byte_range_of(const hew_quant *q)
{
    return byte_range_set(q->c_type == HEW_S8, q->c_zero, q->tame->lo, q->tame->hi);
}

#endif
