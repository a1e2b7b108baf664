/*
 * power.h - exp, log and what is made of them, for every float, sixteen lanes at a time.
 *
 * The including file has its simd.h included first.  Every function does what its twin in
 * src/ref/power.h does, operation by operation, and its comment there says why.
 */
#ifndef HEW_SIMD_POWER_H
#define HEW_SIMD_POWER_H

#include <math.h>

#include "math.h"

HEW_INLINE f32x16 x16_nan(void) { return x16_from_bits(x16_set_int(0x7fc00000)); }
HEW_INLINE f32x16 x16_abs(f32x16 x)
{
    return x16_from_bits(x16_and_int(x16_bits(x), x16_set_int(0x7fffffff)));
}

HEW_INLINE f32x16 x16_exp_full(f32x16 x)
{
    const f32x16 t = x16_min(x16_set(105.0f), x16_max(x16_set(-105.0f), x));
    const x16_power p = x16_power_of(t);
    return x16_scale_far(x16_exp_small(p.r), p.biased_n);
}

HEW_INLINE f32x16 x16_expm1_full(f32x16 x)
{
    const f32x16 t = x16_min(x16_set(89.0f), x16_max(x16_set(-80.0f), x));
    const x16_power p = x16_power_of(t);
    const i32x16 n = x16_add_int(x16_shift_up(x16_bits(p.biased_n), 23), x16_set_int(126 << 23));
    const f32x16 half = x16_from_bits(n);
    const f32x16 y = x16_fma(x16_expm1_small(p.r), half, x16_sub(half, x16_set(0.5f)));
    return x16_copysign(x16_add(y, y), x);
}

HEW_INLINE f32x16 x16_log_domain(f32x16 x, f32x16 y)
{
    const f32x16 zero = x16_set(0.0f);
    const f32x16 outside = x16_select(x16_less(x, zero), x16_nan(), x16_set(-INFINITY));
    y = x16_select(x16_less(zero, x), y, outside);
    return x16_select(x16_less(x, x16_set(INFINITY)), y, x16_opaque(x16_add(x, x)));
}

/* x may be anything; what isn't positive and finite gives nonsense. */
HEW_INLINE x16_parts x16_parts_of_tiny(f32x16 x)
{
    const mask16 tiny = x16_less(x, x16_set(0x1p-126f));
    return x16_parts_of(x16_select(tiny, x16_mul(x, x16_set(0x1p25f)), x),
                        x16_select(tiny, x16_set(POLY_ROUND + 25.0f), x16_set(POLY_ROUND)));
}

HEW_INLINE f32x16 x16_log_full(f32x16 x)
{
    const x16_parts parts = x16_parts_of_tiny(x);
    return x16_log_domain(x, x16_log_of(parts.n, parts.f));
}

HEW_INLINE f32x16 x16_log1p_above(f32x16 x)
{
    const f32x16 one = x16_set(1.0f);
    const f32x16 u = x16_add(one, x), part = x16_sub(u, one);
    const f32x16 u_lo = x16_add(x16_sub(one, x16_sub(u, part)), x16_sub(x, part));
    const x16_parts p = x16_parts_of(u, x16_set(POLY_ROUND));
    const i32x16 minus_n = x16_sub_int(x16_set_int(127), p.exponent);
    const f32x16 f_lo = x16_mul(u_lo, x16_from_bits(x16_shift_up(minus_n, 23)));
    const f32x16 near = x16_select(x16_less(x, x16_set(0x1p24f)), f_lo, x16_set(0.0f));
    return x16_log_of(p.n, x16_add(p.f, near));
}

HEW_INLINE f32x16 x16_log1p(f32x16 x)
{
    const f32x16 y = x16_copysign(x16_log1p_above(x), x);
    return x16_log_domain(x16_add(x16_set(1.0f), x), y);
}

HEW_INLINE f32x16 x16_softplus(f32x16 x, f32x16 alpha)
{
    const f32x16 v = x16_mul(alpha, x), e = x16_exp(x16_minus_abs(v));
    f32x16 p = x16_step(x16_set(POLY_LOG1P_8), e, POLY_LOG1P_7);
    p = x16_step(p, e, POLY_LOG1P_6);
    p = x16_step(p, e, POLY_LOG1P_5);
    p = x16_step(p, e, POLY_LOG1P_4);
    p = x16_step(p, e, POLY_LOG1P_3);
    p = x16_step(p, e, POLY_LOG1P_2);
    p = x16_step(p, e, POLY_LOG1P_1);
    p = x16_step(p, e, POLY_LOG1P_0);
    const f32x16 rest = x16_fma(x16_mul(e, e), p, e), inverse = x16_div(x16_set(1.0f), alpha);
    return x16_mul(x16_add(x16_max(x16_set(0.0f), v), rest), inverse);
}

HEW_INLINE f32x16 x16_erf(f32x16 x)
{
    const f32x16 t = x16_neg(x16_minus_abs(x)), z = x16_mul(x, x);
    f32x16 near = x16_step(x16_set(POLY_ERF_NEAR_6), z, POLY_ERF_NEAR_5);
    near = x16_step(near, z, POLY_ERF_NEAR_4);
    near = x16_step(near, z, POLY_ERF_NEAR_3);
    near = x16_step(near, z, POLY_ERF_NEAR_2);
    near = x16_step(near, z, POLY_ERF_NEAR_1);
    near = x16_step(near, z, POLY_ERF_NEAR_0);
    near = x16_fma(near, x, x);
    const f32x16 u = x16_min(x16_set(3.95f), t);
    f32x16 far = x16_step(x16_set(POLY_ERF_FAR_6), u, POLY_ERF_FAR_5);
    far = x16_step(far, u, POLY_ERF_FAR_4);
    far = x16_step(far, u, POLY_ERF_FAR_3);
    far = x16_step(far, u, POLY_ERF_FAR_2);
    far = x16_step(far, u, POLY_ERF_FAR_1);
    far = x16_step(far, u, POLY_ERF_FAR_0);
    far = x16_sub(x16_set(1.0f), x16_exp(x16_mul(u, far)));
    return x16_select(x16_less(t, x16_set(POLY_ERF_BOUND)), near, x16_copysign(far, x));
}

HEW_INLINE f32x16 x16_rsqrt(f32x16 x) { return x16_div(x16_set(1.0f), x16_sqrt(x)); }

HEW_INLINE f32x16 x16_exp2_double(f64x16 z)
{
    const f64x16 round = d16_set(0x1.8p52), biased = d16_add(z, round), n = d16_sub(biased, round);
    const f32x16 r = d16_to_floats(d16_mul(d16_sub(z, n), d16_set(POLY_LN2)));
    return x16_scale_far(x16_exp_small(r), x16_add(d16_to_floats(n), x16_set(POLY_ROUND)));
}

HEW_INLINE f64x16 x16_log2_double(f32x16 n, f32x16 x)
{
    static const double rest[] = {POLY_LOG2_9, POLY_LOG2_8, POLY_LOG2_7, POLY_LOG2_6, POLY_LOG2_5,
                                  POLY_LOG2_4, POLY_LOG2_3, POLY_LOG2_2, POLY_LOG2_1, POLY_LOG2_0};
    const f64x16 f = d16_from_floats(x);
    f64x16 p = d16_fma(d16_set(POLY_LOG2_11), f, d16_set(POLY_LOG2_10));
    HEW_UNROLL for (int i = 0; i < 10; i++)
        p = d16_fma(p, f, d16_set(rest[i]));
    return d16_fma(p, f, d16_from_floats(n));
}

HEW_INLINE f32x16 x16_one_nan(f32x16 y) { return x16_select(x16_unordered(y, y), x16_nan(), y); }

HEW_INLINE f32x16 x16_pow_square(f32x16 x) { return x16_one_nan(x16_mul(x, x)); }

HEW_INLINE f32x16 x16_pow_root(f32x16 x)
{
    const f32x16 infinity = x16_set(INFINITY), root = x16_sqrt(x16_add(x, x16_set(0.0f)));
    return x16_one_nan(x16_select(x16_equal(x, x16_neg(infinity)), infinity, root));
}

HEW_INLINE f32x16 x16_pow(f32x16 x, f32x16 y)
{
    const f32x16 zero = x16_set(0.0f), one = x16_set(1.0f), infinity = x16_set(INFINITY);
    const f32x16 t = x16_abs(x);
    const mask16 t_zero = x16_equal(t, zero), t_infinite = x16_equal(t, infinity);
    const x16_parts parts = x16_parts_of_tiny(t);
    const f32x16 n = x16_select(t_zero, x16_set(-INFINITY), parts.n);
    const f32x16 f = x16_select(x16_or(t_zero, t_infinite), zero, parts.f);
    const f64x16 log = x16_log2_double(x16_select(t_infinite, infinity, n), f);
    f64x16 z = d16_mul(d16_from_floats(x16_select(x16_equal(t, one), zero, y)), log);
    z = d16_min(d16_set(200.0), d16_max(d16_set(-200.0), z));
    f32x16 v = x16_exp2_double(z);

    const f32x16 half = x16_mul(y, x16_set(0.5f));
    const mask16 whole = x16_equal(x16_nearest(y), y);
    const f32x16 negative = x16_select(x16_equal(x16_nearest(half), half), v, x16_copysign(v, x));
    const f32x16 finite = x16_select(x16_less(t, infinity), x16_nan(), v);
    const f32x16 broken = x16_select(x16_less(x, zero), finite, v);
    v = x16_select(whole, negative, broken);
    v = x16_select(x16_unordered(x, y), x16_nan(), v);
    v = x16_select(x16_equal(y, x16_set(2.0f)), x16_pow_square(x), v);
    v = x16_select(x16_equal(y, x16_set(0.5f)), x16_pow_root(x), v);
    return x16_select(x16_or(x16_equal(x, one), x16_equal(y, zero)), one, v);
}

#endif
