/*
 * epilogue_s32 - what happens to a register of integer sums before it is stored: see hew_quant.
 *
 * (float)s rounds as MXCSR says, like the float arithmetic that follows.  The step to integers does
 * not: half to even always.
 *
 * Two clamps follow one another where C is quantised, [lo, hi] before the product with c_inverse
 * and the type's range after it.  A rounded product with a positive number is monotone, so they are
 * one: to [lo * c_inverse, hi * c_inverse], its ends clamped to the type's range.
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
    return (range){clamp_to(type, e->lo * q->c_inverse), clamp_to(type, e->hi * q->c_inverse)};
}

/* Bytes of R - residual_zero as floats.  Signed bytes are flipped to unsigned ones 128 higher. */
HEW_INLINE vf addend_of_bytes(const hew_quant *q, vi bytes)
{
    const int flip = q->add_type == HEW_S8 ? 128 : 0;
    return vf_of(vi_sub(vi_xor(bytes, vi_set(flip)), vi_set(q->add_zero + flip)));
}

/* Of floats in the range, the integers to store; a NaN gives c_zero. */
HEW_INLINE vi quantise(const hew_quant *q, range r, vf v)
{
    const vf x = vf_mul(v, vf_set(q->c_inverse));
    return vi_add(vi_round(vf_min(vf_set(r.hi), vf_max(vf_set(r.lo), x))), vi_set(q->c_zero));
}

#endif
