/*
 * derivative.h - dy act'(x), one float at a time: the definition of its bits.
 *
 * Twin: src/simd/derivative.h.  Where act is constant or a straight line, dy is selected or scaled;
 * elsewhere it is multiplied by the derivative, which beyond where it has reached its limit is that
 * of a nearer x, so that no infinity meets a zero.
 */
#ifndef HEW_REF_DERIVATIVE_H
#define HEW_REF_DERIVATIVE_H

#include "power.h"
#include "trig.h"

HEW_INLINE float ref_within(float x, float limit) { return min_of(limit, max_of(-limit, x)); }

/* s - s^2 of s = sigmoid(x), from the side where s is small. */
HEW_INLINE float ref_sigmoid_slope(float x)
{
    const float s = ref_sigmoid(minus_abs(x));
    return s - s * s; /* no fma: it would negate a NaN */
}

HEW_INLINE float ref_silu_slope(float x)
{
    const float t = ref_within(x, 125.0f), s = ref_sigmoid(t);
    return fmaf(t * s, 1.0f - s, s);
}

HEW_INLINE float ref_gelu_erf_slope(float x)
{
    const float t = ref_within(x, 15.0f), low = minus_abs(t);
    const float density = ref_exp(low * low * -0.5f), tail = ref_normal_tail(low) * density;
    return fmaf(t, density * POLY_DENSITY, t < 0.0f ? tail : 1.0f - tail);
}

HEW_INLINE float ref_gelu_tanh_slope(float x)
{
    const float t = ref_within(x, 11.0f), square = t * t;
    const float s = ref_sigmoid(t * fmaf(POLY_GATE_1_HI, square, POLY_GATE_0_HI));
    const float slope = fmaf(3.0f * POLY_GATE_1_HI, square, POLY_GATE_0_HI);
    return fmaf(t * s * (1.0f - s), slope, s);
}

/* With n = e (e + 2) the gate is n / (n + 2), and its slope 4 (n + 1) / (n + 2)^2 e / (1 + e). */
HEW_INLINE float ref_mish_slope(float x)
{
    const float t = min_of(20.0f, max_of(-125.0f, x)), e = ref_exp_full(t);
    const float n = e * (e + 2.0f), below = n + 2.0f;
    const float sigmoid = e / (1.0f + e);
    return fmaf(t * sigmoid, 4.0f * (n + 1.0f) / (below * below), n / below);
}

/* Half a turn on: no NaN is negated. */
HEW_INLINE float ref_minus_sin(float x)
{
    const hew_turn t = ref_turn_of(x);
    return ref_sin_of(t.r, t.quadrant + 2);
}

HEW_INLINE float ref_power_slope(float x, float alpha, float beta)
{
    return beta == 0.0f ? 0.0f : alpha * beta * ref_pow(x, beta - 1.0f);
}

/* act'(x), where that is a factor. */
HEW_INLINE float ref_slope(hew_act act, float x)
{
    switch ((int)act.kind) {
    case HEW_ACT_ELU: return x < 0.0f ? act.alpha * ref_exp(min_of(0.0f, x)) : 1.0f;
    case HEW_ACT_SIGMOID: return ref_sigmoid_slope(x);
    case HEW_ACT_TANH: return 4.0f * ref_sigmoid_slope(x + x);
    case HEW_ACT_SILU: return ref_silu_slope(x);
    case HEW_ACT_GELU_ERF: return ref_gelu_erf_slope(x);
    case HEW_ACT_GELU_TANH: return ref_gelu_tanh_slope(x);
    case HEW_ACT_HARDSWISH:
        return x < -3.0f ? 0.0f : 3.0f < x ? 1.0f : fmaf(x, 1.0f / 3.0f, 0.5f);
    case HEW_ACT_MISH: return ref_mish_slope(x);
    case HEW_ACT_SQUARE: return x + x;
    case HEW_ACT_SQRT: return 0.5f / sqrtf(x);
    case HEW_ACT_RSQRT: return -0.5f * ref_rsqrt(x) / x;
    case HEW_ACT_EXP:
    case HEW_ACT_EXPM1: return ref_exp_full(x);
    case HEW_ACT_LOG: return 1.0f / x;
    case HEW_ACT_LOG1P: return 1.0f / (1.0f + x);
    case HEW_ACT_POW: return ref_power_slope(x, act.alpha, act.beta);
    case HEW_ACT_SOFTPLUS: return ref_sigmoid(act.alpha * x);
    case HEW_ACT_ERF: return POLY_TWO_OVER_ROOT_PI * ref_exp(minus_abs(x * x));
    case HEW_ACT_SIN: return ref_cos(x);
    case HEW_ACT_COS: return ref_minus_sin(x);
    }
    return act.kind == HEW_ACT_LINEAR ? act.alpha : 1.0f;
}

/* The same of x where y = act(x). */
HEW_INLINE float ref_slope_from_output(hew_act act, float y)
{
    switch ((int)act.kind) {
    case HEW_ACT_ELU: return y < 0.0f ? y + act.alpha : 1.0f;
    case HEW_ACT_SIGMOID: return y - y * y;
    case HEW_ACT_TANH: return (1.0f - y) * (1.0f + y);
    case HEW_ACT_SQRT: return 0.5f / y;
    case HEW_ACT_RSQRT: return -0.5f * y * y * y;
    case HEW_ACT_EXP: return y;
    case HEW_ACT_EXPM1: return y + 1.0f;
    }
    return act.kind == HEW_ACT_LINEAR ? act.alpha : 1.0f;
}

HEW_INLINE float ref_backward(hew_act act, bool from_output, float x, float dy)
{
    if (act.kind == HEW_ACT_HARDSIGMOID && !from_output)
        x = fmaf(act.alpha, x, act.beta);
    switch ((int)act.kind) {
    case HEW_ACT_NONE: return dy;
    case HEW_ACT_RELU: return 0.0f < x ? dy : 0.0f;
    case HEW_ACT_LEAKY_RELU: return ref_opaque(0.0f < x ? 1.0f : act.alpha) * dy; /* as forward */
    case HEW_ACT_CLIP: return act.alpha < x && x < act.beta ? dy : 0.0f;
    case HEW_ACT_HARDSIGMOID: return 0.0f < x && x < 1.0f ? act.alpha * dy : 0.0f;
    case HEW_ACT_ABS: return 0.0f < x ? dy : x < 0.0f ? -dy : 0.0f;
    case HEW_ACT_ROUND: return 0.0f;
    }
    return ref_product(dy, from_output ? ref_slope_from_output(act, x) : ref_slope(act, x));
}

#endif
