/*
 * math.h - the special functions, one float at a time: the definition of their bits.
 *
 * Each has a twin of the same name in src/simd/math.h that does the same operations on 16 lanes.
 * Every rounding is written out.  max_of and min_of are x86's maxps and minps: when an operand is
 * NaN, or both are zero, the second one is the result; so max_of(limit, x) hands a NaN on.
 *
 * NaN.  A NaN comes out quieted and otherwise as it went in, payload and sign.  For that no step
 * may negate x on the way (-|x| is min_of(-x, x), which is x when x is NaN), since an operation
 * on two NaNs that differ would depend on the order of its operands, which compilers swap.
 *
 * Infinities give the functions' limits: silu(-inf) is -0, not -inf * 0.
 */
#ifndef HEW_REF_MATH_H
#define HEW_REF_MATH_H

#include "core.h"
#include "poly.h"

#include <math.h>
#include <string.h>

HEW_INLINE uint32_t ref_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

HEW_INLINE float ref_from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

HEW_INLINE float max_of(float a, float b) { return a > b ? a : b; }
HEW_INLINE float min_of(float a, float b) { return a < b ? a : b; }
HEW_INLINE float minus_abs(float x) { return min_of(-x, x); }

/* An integer n, as POLY_ROUND + n. */
HEW_INLINE uint32_t ref_integer(float biased) { return ref_bits(biased) - ref_bits(POLY_ROUND); }

/* 2^n, -126 <= n <= 127. */
HEW_INLINE float ref_pow2(uint32_t n) { return ref_from_bits((n + 127) << 23); }

/* x 2^n with one rounding, -190 <= n <= 0, where |x| < 2^62 and, unless n = 0, x is normal or zero:
 * the first of the two products is exact. */
HEW_INLINE float ref_scale(float x, float biased_n)
{
    return x * ref_pow2(ref_integer(biased_n) + 64) * 0x1p-64f;
}

/* exp(x) = exp(r) 2^n, |r| <= 1.0005 ln2 / 2. */
typedef struct ref_power {
    float r, biased_n;
} ref_power;

/* For |x| < 190 ln2. */
HEW_INLINE ref_power ref_power_of(float x)
{
    const float biased = fmaf(x, POLY_LOG2E, POLY_ROUND);
    const float n = biased - POLY_ROUND;
    return (ref_power){fmaf(n, -POLY_LN2_LO, fmaf(n, -POLY_LN2_HI, x)), biased};
}

/* The same of x + x_lo, |x_lo| <= ulp(x). */
HEW_INLINE ref_power ref_power_of_sum(float x, float x_lo)
{
    const float biased = fmaf(x, POLY_LOG2E, POLY_ROUND);
    const float n = biased - POLY_ROUND;
    return (ref_power){fmaf(n, -POLY_LN2_HI, x) + fmaf(n, -POLY_LN2_LO, x_lo), biased};
}

/* (exp(r) - 1 - r) / r^2 */
HEW_INLINE float ref_exp_poly(float r)
{
    float q = fmaf(POLY_EXP_4, r, POLY_EXP_3);
    q = fmaf(q, r, POLY_EXP_2);
    q = fmaf(q, r, POLY_EXP_1);
    return fmaf(q, r, POLY_EXP_0);
}

/* exp(r) - 1 */
HEW_INLINE float ref_expm1_small(float r) { return fmaf(ref_exp_poly(r), r * r, r); }

/* exp(r) */
HEW_INLINE float ref_exp_small(float r)
{
    return fmaf(fmaf(ref_exp_poly(r), r, 1.0f), r, 1.0f);
}

/* exp(x) for x <= 0, or NaN; 1 ULP.  Below the clamp it vanishes anyway. */
HEW_INLINE float ref_exp(float x)
{
    const ref_power p = ref_power_of(max_of(-105.0f, x));
    return ref_scale(ref_exp_small(p.r), p.biased_n);
}

/* exp(x) - 1, |x| <= 80. */
HEW_INLINE float ref_expm1(float x)
{
    const ref_power p = ref_power_of(x);
    const float power = ref_pow2(ref_integer(p.biased_n));
    return fmaf(ref_expm1_small(p.r), power, power - 1.0f);
}

/* log(2^n (1 + f)), sqrt(1/2) <= 1 + f < sqrt(2) */
HEW_INLINE float ref_log_of(float n, float f)
{
    float p = fmaf(POLY_LOG_8, f, POLY_LOG_7);
    p = fmaf(p, f, POLY_LOG_6);
    p = fmaf(p, f, POLY_LOG_5);
    p = fmaf(p, f, POLY_LOG_4);
    p = fmaf(p, f, POLY_LOG_3);
    p = fmaf(p, f, POLY_LOG_2);
    p = fmaf(p, f, POLY_LOG_1);
    p = fmaf(p, f, POLY_LOG_0);
    p = fmaf(f * f, p, n * POLY_LN2_LO);
    return fmaf(n, POLY_LN2_HI, f + p);
}

/* x = 2^n (1 + f), for normal positive x.  n comes as `round` + n; POLY_ROUND + 25 for x that was
 * multiplied by 2^25. */
typedef struct ref_parts {
    float n, f;
    uint32_t exponent; /* n for POLY_ROUND */
} ref_parts;

HEW_INLINE ref_parts ref_parts_of(float x, float round)
{
    const uint32_t shifted = ref_bits(x) - 0x3f3504f3u;
    const uint32_t exponent = (uint32_t)((int32_t)shifted >> 23);
    return (ref_parts){ref_from_bits(exponent + ref_bits(POLY_ROUND)) - round,
                       ref_from_bits((shifted & 0x007fffffu) + 0x3f3504f3u) - 1.0f, exponent};
}

/* For normal positive x. */
HEW_INLINE float ref_log(float x)
{
    const ref_parts parts = ref_parts_of(x, POLY_ROUND);
    return ref_log_of(parts.n, parts.f);
}

/* With e = exp(-|x|) and f = e / (1 + e), which is off by three roundings, e - e f where x < 0,
 * and 1 - f elsewhere: those are off by less. */
HEW_INLINE float ref_sigmoid(float x)
{
    const float e = ref_exp(minus_abs(x));
    const float f = e / (1.0f + e), near = x < 0.0f ? e : 1.0f;
    return fmaf(-near, f, near);
}

/* With h = (1 - exp(-2 |x|)) / 2 and f = h / (1 - h), the result itself but for its roundings,
 * h + h f. */
HEW_INLINE float ref_tanh(float x)
{
    const float t = max_of(-10.0f, minus_abs(x));
    const float h = -0.5f * ref_expm1(t + t);
    return copysignf(fmaf(h, h / (1.0f - h), h), x);
}

/* exp(x) - 1 for x < 0. */
HEW_INLINE float ref_elu(float x) { return ref_expm1(max_of(-80.0f, x)); }

/*
 * The gates: x g(x) for a g that rises from 0 to 1.  With t = -|x| and the part that a gate takes
 * away, v = t g(t), they are v where x < 0 and, for the g with g(x) + g(-x) = 1, x + v elsewhere:
 * no cancellation on either side.  v is scaled by its power of two last, as a normal number, so
 * that it underflows as gradually as it should.
 */
HEW_INLINE float ref_gate(float x, float v) { return max_of(-0.0f, x) + v; }

/* v = t e / (1 + e), e = exp(r) 2^n. */
HEW_INLINE float ref_logistic_gate(float x, float t, ref_power p)
{
    const float tail = ref_expm1_small(p.r), e = ref_scale(1.0f + tail, p.biased_n);
    return ref_gate(x, ref_scale(fmaf(t, tail, t) / (1.0f + e), p.biased_n));
}

HEW_INLINE float ref_silu(float x)
{
    const float t = max_of(-125.0f, minus_abs(x));
    return ref_logistic_gate(x, t, ref_power_of(t));
}

/* (1 + tanh(u)) / 2 is the logistic function of 2u = t (GATE_0 + GATE_1 t^2). */
HEW_INLINE float ref_gelu_tanh(float x)
{
    const float t = max_of(-11.0f, minus_abs(x));
    const float square = t * t;
    const float w = fmaf(POLY_GATE_1_HI, square, POLY_GATE_0_HI);
    float w_lo = fmaf(POLY_GATE_1_HI, square, POLY_GATE_0_HI - w);
    w_lo = fmaf(POLY_GATE_1_HI, fmaf(t, t, -square), w_lo);
    w_lo = fmaf(POLY_GATE_1_LO, square, w_lo + POLY_GATE_0_LO);
    const float u = t * w, u_lo = fmaf(t, w_lo, fmaf(t, w, -u));
    return ref_logistic_gate(x, t, ref_power_of_sum(u, u_lo));
}

/*
 * The normal distribution over its density, at -15 <= t <= 0: 1 + q times a polynomial
 * in q = (K + t) / (K - t), whose roundings would cost two ULP.  So it is evaluated for t rounded
 * to a multiple of 2^-13, where K +- t are exact; `apart` is how far that t, and the division's
 * rounding, are from the true t, and enters with the tail's derivative, t tail + density.
 */
HEW_INLINE float ref_normal_tail(float t)
{
    const float near = (t + 0x1.8p10f) - 0x1.8p10f;
    const float below = POLY_TAIL_K - near;
    const float q = (POLY_TAIL_K + near) / below;
    const float rest = fmaf(q, below, -POLY_TAIL_K - near);
    const float apart = fmaf(rest, below * (-0.5f / POLY_TAIL_K), t - near);
    float tail = fmaf(POLY_TAIL_9, q, POLY_TAIL_8);
    tail = fmaf(tail, q, POLY_TAIL_7);
    tail = fmaf(tail, q, POLY_TAIL_6);
    tail = fmaf(tail, q, POLY_TAIL_5);
    tail = fmaf(tail, q, POLY_TAIL_4);
    tail = fmaf(tail, q, POLY_TAIL_3);
    tail = fmaf(tail, q, POLY_TAIL_2);
    tail = fmaf(tail, q, POLY_TAIL_1);
    tail = fmaf(tail, q, POLY_TAIL_0);
    tail = fmaf(q, tail, tail);
    return fmaf(apart, fmaf(near, tail, POLY_DENSITY), tail);
}

/* g is the normal distribution: v = t tail(-t) exp(-t^2/2). */
HEW_INLINE float ref_gelu_erf(float x)
{
    const float t = max_of(-15.0f, minus_abs(x)), tail = ref_normal_tail(t);
    const float half = -0.5f * t, square = t * half;
    const ref_power p = ref_power_of_sum(square, fmaf(t, half, -square));
    const float part = t * tail, part_lo = fmaf(t, tail, -part);
    return ref_gate(x, ref_scale(part + fmaf(part, ref_expm1_small(p.r), part_lo), p.biased_n));
}

/* tanh(log(1 + exp(x))): with e = exp(t) it is e (e + 2) / (e (e + 2) + 2) where x < 0, and
 * 1 - 2 e^2 / (e (2 e + 2) + 1) elsewhere. */
HEW_INLINE float ref_mish(float x)
{
    const float t = max_of(-125.0f, minus_abs(x));
    const ref_power p = ref_power_of(t);
    const float tail = ref_expm1_small(p.r), e = ref_scale(1.0f + tail, p.biased_n);
    const float factor = x < 0.0f ? fmaf(t, e, t + t) : (t + t) * e;
    const float below = x < 0.0f ? fmaf(e, e + 2.0f, 2.0f) : fmaf(e, e + e + 2.0f, 1.0f);
    return ref_gate(x, ref_scale(fmaf(factor, tail, factor) / below, p.biased_n));
}

/*
 * The p-th root of s >= 0, 1 <= p <= 16.  The exponent's bits over p are a first guess, three steps
 * of Newton's method follow.  What is small is made larger by 2^(p u) first: no step is denormal.
 */
HEW_INLINE float ref_root(float s, int p)
{
    if (p <= 2)
        return p == 1 ? s : sqrtf(s);
    const uint32_t u = (23 + (uint32_t)p) / (uint32_t)p;
    const bool is_small = s < 0x1p-100f;
    const float large = is_small ? s * ref_pow2((uint32_t)p * u) : s;
    const float inverse = 1.0f / (float)p;
    const float bits = fmaf((float)(int32_t)ref_bits(large), inverse,
                            POLY_ROOT_ONE - inverse * POLY_ROOT_ONE);
    float y = ref_from_bits((uint32_t)(int32_t)bits);
    for (int i = 0; i < 3; i++) {
        float power = y;
        for (int k = 2; k < p; k++)
            power *= y;
        y = fmaf(large / power - y, inverse, y);
    }
    y = is_small ? y * ref_pow2(-u) : y;
    return s > 0.0f && s < INFINITY ? y : s;
}

#endif
