/*
 * power.h - exp, log and what is made of them, for every float: the definition of their bits.
 *
 * math.h's are for the ranges that activations need; these go with them wherever both have a
 * result.  Twins of the same names: src/simd/power.h.
 */
#ifndef HEW_REF_POWER_H
#define HEW_REF_POWER_H

#include "math.h"

/* To compilers a NaN's sum or product is as good as that NaN, unless they don't know of it; it is
 * quiet, though. */
HEW_INLINE float ref_opaque(float x)
{
    __asm__("" : "+x"(x));
    return x;
}

/* y, made of v and others; but where v is a NaN it is that, quieted, whatever the others are. */
HEW_INLINE float ref_nan_first(float v, float y)
{
    return v != v ? ref_from_bits(ref_bits(v) | 0x400000) : ref_opaque(y);
}
HEW_INLINE float ref_product(float a, float b) { return ref_nan_first(a, a * b); }

#define REF_NAN ref_from_bits(0x7fc00000)

/* x 2^n with one rounding, |n| <= 250, for |x| about 1. */
HEW_INLINE float ref_scale_far(float x, float biased_n)
{
    const uint32_t n = ref_integer(biased_n), half = (uint32_t)((int32_t)n >> 1);
    return x * ref_pow2(half) * ref_pow2(n - half);
}

HEW_INLINE float ref_exp_full(float x)
{
    const ref_power p = ref_power_of(min_of(105.0f, max_of(-105.0f, x)));
    return ref_scale_far(ref_exp_small(p.r), p.biased_n);
}

/* Half of it until the last step: exp(88.7) - 1 is a float, 2^128 is not. */
HEW_INLINE float ref_expm1_full(float x)
{
    const ref_power p = ref_power_of(min_of(89.0f, max_of(-80.0f, x)));
    const float half = ref_pow2(ref_integer(p.biased_n) - 1);
    return copysignf(2.0f * fmaf(ref_expm1_small(p.r), half, half - 0.5f), x);
}

/* y where x > 0 and -inf at 0; NaN below.  NaN and +inf are x itself. */
HEW_INLINE float ref_log_domain(float x, float y)
{
    y = 0.0f < x ? y : x < 0.0f ? REF_NAN : -INFINITY;
    return x < INFINITY ? y : ref_opaque(x + x);
}

HEW_INLINE float ref_log_full(float x)
{
    const bool tiny = x < 0x1p-126f;
    const ref_parts parts =
        ref_parts_of(tiny ? x * 0x1p25f : x, tiny ? POLY_ROUND + 25.0f : POLY_ROUND);
    return ref_log_domain(x, ref_log_of(parts.n, parts.f));
}

/* log(u + u_lo) where u is the rounded 1 + x, for x > -1: of small x it is f itself, exactly. */
HEW_INLINE float ref_log1p_above(float x)
{
    const float u = 1.0f + x, part = u - 1.0f;
    const float u_lo = (1.0f - (u - part)) + (x - part);
    const ref_parts p = ref_parts_of(u, POLY_ROUND);
    const float f_lo = u_lo * ref_pow2(0u - p.exponent);
    return ref_log_of(p.n, p.f + (x < 0x1p24f ? f_lo : 0.0f));
}

HEW_INLINE float ref_log1p(float x)
{
    const float y = copysignf(ref_log1p_above(x), x);
    return ref_log_domain(1.0f + x, y);
}

/* log(1 + exp(alpha x)) / alpha, by a polynomial in e = exp(-|alpha x|) */
HEW_INLINE float ref_softplus(float x, float alpha)
{
    const float v = alpha * x, e = ref_exp(minus_abs(v));
    float p = fmaf(POLY_LOG1P_8, e, POLY_LOG1P_7);
    p = fmaf(p, e, POLY_LOG1P_6);
    p = fmaf(p, e, POLY_LOG1P_5);
    p = fmaf(p, e, POLY_LOG1P_4);
    p = fmaf(p, e, POLY_LOG1P_3);
    p = fmaf(p, e, POLY_LOG1P_2);
    p = fmaf(p, e, POLY_LOG1P_1);
    p = fmaf(p, e, POLY_LOG1P_0);
    return (max_of(0.0f, v) + fmaf(e * e, p, e)) * (1.0f / alpha);
}

HEW_INLINE float ref_erf(float x)
{
    const float t = -minus_abs(x), z = x * x;
    float near = fmaf(POLY_ERF_NEAR_6, z, POLY_ERF_NEAR_5);
    near = fmaf(near, z, POLY_ERF_NEAR_4);
    near = fmaf(near, z, POLY_ERF_NEAR_3);
    near = fmaf(near, z, POLY_ERF_NEAR_2);
    near = fmaf(near, z, POLY_ERF_NEAR_1);
    near = fmaf(near, z, POLY_ERF_NEAR_0);
    near = fmaf(near, x, x);
    const float u = min_of(3.95f, t);
    float far = fmaf(POLY_ERF_FAR_6, u, POLY_ERF_FAR_5);
    far = fmaf(far, u, POLY_ERF_FAR_4);
    far = fmaf(far, u, POLY_ERF_FAR_3);
    far = fmaf(far, u, POLY_ERF_FAR_2);
    far = fmaf(far, u, POLY_ERF_FAR_1);
    far = fmaf(far, u, POLY_ERF_FAR_0);
    far = 1.0f - ref_exp(u * far);
    return t < POLY_ERF_BOUND ? near : copysignf(far, x);
}

HEW_INLINE float ref_rsqrt(float x) { return 1.0f / sqrtf(x); }

/* The nearest integer, ties to even, in every rounding mode; -0.25 gives -0. */
HEW_INLINE float ref_round(float x)
{
    const float t = fabsf(x);
    if (!(t < 0x1p23f))
        return ref_opaque(1.0f) * x;
    const int32_t whole = (int32_t)t;
    const float rest = t - (float)whole;
    const int32_t up = rest > 0.5f || (rest == 0.5f && whole % 2 != 0);
    return copysignf((float)(whole + up), x);
}

/* 2^z by way of e^r, for |z| <= 200 or NaN. */
HEW_INLINE float ref_exp2_double(double z)
{
    const double biased = z + 0x1.8p52, n = biased - 0x1.8p52;
    const float r = (float)((z - n) * POLY_LN2);
    return ref_scale_far(ref_exp_small(r), (float)n + POLY_ROUND);
}

/* log2(2^n (1 + f)) */
HEW_INLINE double ref_log2_double(float n, float x)
{
    const double f = (double)x;
    double p = fma(POLY_LOG2_11, f, POLY_LOG2_10);
    p = fma(p, f, POLY_LOG2_9);
    p = fma(p, f, POLY_LOG2_8);
    p = fma(p, f, POLY_LOG2_7);
    p = fma(p, f, POLY_LOG2_6);
    p = fma(p, f, POLY_LOG2_5);
    p = fma(p, f, POLY_LOG2_4);
    p = fma(p, f, POLY_LOG2_3);
    p = fma(p, f, POLY_LOG2_2);
    p = fma(p, f, POLY_LOG2_1);
    p = fma(p, f, POLY_LOG2_0);
    return fma(p, f, (double)n);
}

HEW_INLINE float ref_one_nan(float y) { return y != y ? REF_NAN : y; }
HEW_INLINE float ref_pow_square(float x) { return ref_one_nan(x * x); }
HEW_INLINE float ref_pow_root(float x)
{
    return ref_one_nan(x == -INFINITY ? INFINITY : sqrtf(x + 0.0f)); /* which makes +0 of -0 */
}

/*
 * x^y with the corners of C's pow: x^0 and 1^y are 1, NaN or not; what NaN comes out is 0x7fc00000.
 * The logarithm is a double, which y may multiply by 128 without harm.  At 0 and inf it is -inf and
 * +inf, and of |x| = 1 it is 0, even times y = inf.  Squares and roots are exact but for a
 * rounding.
 */
HEW_INLINE float ref_pow(float x, float y)
{
    const float t = fabsf(x);
    const bool tiny = t < 0x1p-126f;
    const ref_parts parts =
        ref_parts_of(tiny ? t * 0x1p25f : t, tiny ? POLY_ROUND + 25.0f : POLY_ROUND);
    float n = t == 0.0f ? -INFINITY : parts.n, f = t == 0.0f ? 0.0f : parts.f;
    n = t == INFINITY ? INFINITY : n;
    f = t == INFINITY ? 0.0f : f;
    const double factor = (double)(t == 1.0f ? 0.0f : y);
    double z = factor * ref_log2_double(n, f);
    z = -200.0 > z ? -200.0 : z;
    z = 200.0 < z ? 200.0 : z;
    float v = ref_exp2_double(z);

    const float half = y * 0.5f;
    const bool whole = ref_round(y) == y, odd = whole && ref_round(half) != half;
    if (odd)
        v = copysignf(v, x);
    if (x < 0.0f && t < INFINITY && !whole)
        v = REF_NAN;
    if (x != x || y != y)
        v = REF_NAN;
    if (y == 2.0f)
        v = ref_pow_square(x);
    if (y == 0.5f)
        v = ref_pow_root(x);
    return x == 1.0f || y == 0.0f ? 1.0f : v;
}

#endif
