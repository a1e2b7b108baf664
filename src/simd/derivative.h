/*
 * derivative.h - dy act'(x), sixteen lanes at a time.
 *
 * The including file has its simd.h included first.  Every function does what its twin in
 * src/ref/derivative.h does, operation by operation, and its comment there says why.
 */
#ifndef HEW_SIMD_DERIVATIVE_H
#define HEW_SIMD_DERIVATIVE_H

#include "power.h"
#include "trig.h"
#include "walk.h"

HEW_INLINE f32x16 x16_within(f32x16 x, float limit)
{
    return x16_min(x16_set(limit), x16_max(x16_set(-limit), x));
}

HEW_INLINE f32x16 x16_sigmoid_slope(f32x16 x)
{
    const f32x16 s = x16_sigmoid(x16_minus_abs(x));
    return x16_sub(s, x16_mul(s, s));
}

HEW_INLINE f32x16 x16_silu_slope(f32x16 x)
{
    const f32x16 t = x16_within(x, 125.0f), s = x16_sigmoid(t);
    return x16_fma(x16_mul(t, s), x16_sub(x16_set(1.0f), s), s);
}

HEW_INLINE f32x16 x16_gelu_erf_slope(f32x16 x)
{
    const f32x16 t = x16_within(x, 15.0f), low = x16_minus_abs(t);
    const f32x16 density = x16_exp(x16_mul(x16_mul(low, low), x16_set(-0.5f)));
    const f32x16 tail = x16_mul(x16_normal_tail(low), density);
    const f32x16 gate = x16_select(x16_less(t, x16_set(0.0f)), tail,
                                   x16_sub(x16_set(1.0f), tail));
    return x16_fma(t, x16_mul(density, x16_set(POLY_DENSITY)), gate);
}

HEW_INLINE f32x16 x16_gelu_tanh_slope(f32x16 x)
{
    const f32x16 t = x16_within(x, 11.0f), square = x16_mul(t, t), g0 = x16_set(POLY_GATE_0_HI);
    const f32x16 s = x16_sigmoid(x16_mul(t, x16_fma(x16_set(POLY_GATE_1_HI), square, g0)));
    const f32x16 slope = x16_fma(x16_set(3.0f * POLY_GATE_1_HI), square, g0);
    return x16_fma(x16_mul(x16_mul(t, s), x16_sub(x16_set(1.0f), s)), slope, s);
}

HEW_INLINE f32x16 x16_mish_slope(f32x16 x)
{
    const f32x16 one = x16_set(1.0f), two = x16_set(2.0f);
    const f32x16 t = x16_min(x16_set(20.0f), x16_max(x16_set(-125.0f), x)), e = x16_exp_full(t);
    const f32x16 n = x16_mul(e, x16_add(e, two)), below = x16_add(n, two);
    const f32x16 sigmoid = x16_div(e, x16_add(one, e));
    const f32x16 slope = x16_div(x16_mul(x16_set(4.0f), x16_add(n, one)), x16_mul(below, below));
    return x16_fma(x16_mul(t, sigmoid), slope, x16_div(n, below));
}

HEW_INLINE f32x16 x16_minus_sin(f32x16 x)
{
    const x16_turn t = x16_turn_of(x);
    return x16_sin_of(t.r, x16_add_int(t.quadrant, x16_set_int(2)));
}

HEW_INLINE f32x16 x16_power_slope(const x16_act *of, f32x16 x)
{
    const f32x16 power = x16_pow(x, x16_set(of->beta - 1.0f));
    return of->beta == 0.0f ? x16_set(0.0f) : x16_mul(x16_set(of->alpha * of->beta), power);
}

HEW_INLINE f32x16 x16_slope(const hew_act_kind kind, const x16_act *of, f32x16 x)
{
    const f32x16 zero = x16_set(0.0f), one = x16_set(1.0f), three = x16_set(3.0f);
    switch ((int)kind) {
    case HEW_ACT_ELU:
        return x16_select(x16_less(x, zero), x16_mul(of->alpha_x16, x16_exp(x16_min(zero, x))),
                          one);
    case HEW_ACT_SIGMOID: return x16_sigmoid_slope(x);
    case HEW_ACT_TANH: return x16_mul(x16_set(4.0f), x16_sigmoid_slope(x16_add(x, x)));
    case HEW_ACT_SILU: return x16_silu_slope(x);
    case HEW_ACT_GELU_ERF: return x16_gelu_erf_slope(x);
    case HEW_ACT_GELU_TANH: return x16_gelu_tanh_slope(x);
    case HEW_ACT_HARDSWISH:
        return x16_select(x16_less(x, x16_set(-3.0f)), zero,
                          x16_select(x16_less(three, x), one,
                                     x16_fma(x, x16_set(1.0f / 3.0f), x16_set(0.5f))));
    case HEW_ACT_MISH: return x16_mish_slope(x);
    case HEW_ACT_SQUARE: return x16_add(x, x);
    case HEW_ACT_SQRT: return x16_div(x16_set(0.5f), x16_sqrt(x));
    case HEW_ACT_RSQRT: return x16_div(x16_mul(x16_set(-0.5f), x16_rsqrt(x)), x);
    case HEW_ACT_EXP:
    case HEW_ACT_EXPM1: return x16_exp_full(x);
    case HEW_ACT_LOG: return x16_div(one, x);
    case HEW_ACT_LOG1P: return x16_div(one, x16_add(one, x));
    case HEW_ACT_POW: return x16_power_slope(of, x);
    case HEW_ACT_SOFTPLUS: return x16_sigmoid(x16_mul(of->alpha_x16, x));
    case HEW_ACT_ERF:
        return x16_mul(x16_set(POLY_TWO_OVER_ROOT_PI), x16_exp(x16_minus_abs(x16_mul(x, x))));
    case HEW_ACT_SIN: return x16_cos(x);
    case HEW_ACT_COS: return x16_minus_sin(x);
    }
    return kind == HEW_ACT_LINEAR ? of->alpha_x16 : one;
}

HEW_INLINE f32x16 x16_slope_from_output(const hew_act_kind kind, const x16_act *of, f32x16 y)
{
    const f32x16 one = x16_set(1.0f);
    switch ((int)kind) {
    case HEW_ACT_ELU:
        return x16_select(x16_less(y, x16_set(0.0f)), x16_add(y, of->alpha_x16), one);
    case HEW_ACT_SIGMOID: return x16_sub(y, x16_mul(y, y));
    case HEW_ACT_TANH: return x16_mul(x16_sub(one, y), x16_add(one, y));
    case HEW_ACT_SQRT: return x16_div(x16_set(0.5f), y);
    case HEW_ACT_RSQRT: return x16_mul(x16_mul(x16_mul(x16_set(-0.5f), y), y), y);
    case HEW_ACT_EXP: return y;
    case HEW_ACT_EXPM1: return x16_add(y, one);
    }
    return kind == HEW_ACT_LINEAR ? of->alpha_x16 : one;
}

HEW_INLINE f32x16 x16_inside(f32x16 low, f32x16 x, f32x16 high, f32x16 y)
{
    const f32x16 zero = x16_set(0.0f);
    return x16_select(x16_less(low, x), x16_select(x16_less(x, high), y, zero), zero);
}

HEW_INLINE f32x16 x16_backward(const hew_act_kind kind, const bool from_output, const x16_act *of,
                               f32x16 x, f32x16 dy)
{
    const f32x16 zero = x16_set(0.0f), one = x16_set(1.0f);
    if (kind == HEW_ACT_HARDSIGMOID && !from_output)
        x = x16_fma(of->alpha_x16, x, of->beta_x16);
    switch ((int)kind) {
    case HEW_ACT_NONE: return dy;
    case HEW_ACT_RELU: return x16_select(x16_less(zero, x), dy, zero);
    case HEW_ACT_LEAKY_RELU:
        return x16_mul(x16_opaque(x16_select(x16_less(zero, x), one, of->alpha_x16)), dy);
    case HEW_ACT_CLIP: return x16_inside(of->alpha_x16, x, of->beta_x16, dy);
    case HEW_ACT_HARDSIGMOID: return x16_inside(zero, x, one, x16_mul(of->alpha_x16, dy));
    case HEW_ACT_ABS:
        return x16_select(x16_less(zero, x), dy,
                          x16_select(x16_less(x, zero), x16_neg(dy), zero));
    case HEW_ACT_ROUND: return zero;
    }
    return x16_ordered_mul(dy, from_output ? x16_slope_from_output(kind, of, x)
                                           : x16_slope(kind, of, x));
}

#endif
