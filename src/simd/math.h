/*
 * math.h - the special functions, sixteen lanes at a time.
 *
 * The including file has its simd.h included first.  Every function does what its twin in
 * src/ref/math.h does, operation by operation, and its comment there says why.
 */
#ifndef HEW_SIMD_MATH_H
#define HEW_SIMD_MATH_H

HEW_INLINE f32x16 x16_minus_abs(f32x16 x) { return x16_min(x16_neg(x), x); }

/* p q + a constant: a step of Horner's rule. */
HEW_INLINE f32x16 x16_step(f32x16 p, f32x16 q, float c) { return x16_fma(p, q, x16_set(c)); }

/* 2^n from POLY_ROUND + n, -126 <= n <= 127. */
HEW_INLINE f32x16 x16_pow2(f32x16 biased_n)
{
    const i32x16 shifted = x16_shift_up(x16_bits(biased_n), 23); /* POLY_ROUND's bits fall out */
    return x16_from_bits(x16_add_int(shifted, x16_set_int(127 << 23)));
}

typedef struct x16_power {
    f32x16 r, biased_n;
} x16_power;

HEW_INLINE x16_power x16_power_of(f32x16 x)
{
    const f32x16 biased = x16_step(x, x16_set(POLY_LOG2E), POLY_ROUND);
    const f32x16 n = x16_sub(biased, x16_set(POLY_ROUND));
    const f32x16 r = x16_fma(n, x16_set(-POLY_LN2_HI), x);
    return (x16_power){x16_fma(n, x16_set(-POLY_LN2_LO), r), biased};
}

HEW_INLINE x16_power x16_power_of_sum(f32x16 x, f32x16 x_lo)
{
    const f32x16 biased = x16_step(x, x16_set(POLY_LOG2E), POLY_ROUND);
    const f32x16 n = x16_sub(biased, x16_set(POLY_ROUND));
    return (x16_power){x16_add(x16_fma(n, x16_set(-POLY_LN2_HI), x),
                               x16_fma(n, x16_set(-POLY_LN2_LO), x_lo)),
                       biased};
}

HEW_INLINE f32x16 x16_exp_poly(f32x16 r)
{
    f32x16 q = x16_step(x16_set(POLY_EXP_4), r, POLY_EXP_3);
    q = x16_step(q, r, POLY_EXP_2);
    q = x16_step(q, r, POLY_EXP_1);
    return x16_step(q, r, POLY_EXP_0);
}

HEW_INLINE f32x16 x16_expm1_small(f32x16 r) { return x16_fma(x16_exp_poly(r), x16_mul(r, r), r); }

HEW_INLINE f32x16 x16_exp_small(f32x16 r)
{
    return x16_step(x16_step(x16_exp_poly(r), r, 1.0f), r, 1.0f);
}

HEW_INLINE f32x16 x16_exp(f32x16 x)
{
    const x16_power p = x16_power_of(x16_max(x16_set(-105.0f), x));
    return x16_scale(x16_exp_small(p.r), p.biased_n);
}

HEW_INLINE f32x16 x16_expm1(f32x16 x)
{
    const x16_power p = x16_power_of(x);
    const f32x16 power = x16_pow2(p.biased_n);
    return x16_fma(x16_expm1_small(p.r), power, x16_sub(power, x16_set(1.0f)));
}

HEW_INLINE f32x16 x16_log_of(f32x16 n, f32x16 f)
{
    f32x16 p = x16_step(x16_set(POLY_LOG_8), f, POLY_LOG_7);
    p = x16_step(p, f, POLY_LOG_6);
    p = x16_step(p, f, POLY_LOG_5);
    p = x16_step(p, f, POLY_LOG_4);
    p = x16_step(p, f, POLY_LOG_3);
    p = x16_step(p, f, POLY_LOG_2);
    p = x16_step(p, f, POLY_LOG_1);
    p = x16_step(p, f, POLY_LOG_0);
    p = x16_fma(x16_mul(f, f), p, x16_mul(n, x16_set(POLY_LN2_LO)));
    return x16_fma(n, x16_set(POLY_LN2_HI), x16_add(f, p));
}

typedef struct x16_parts {
    f32x16 n, f;
    i32x16 exponent;
} x16_parts;

HEW_INLINE x16_parts x16_parts_of(f32x16 x, f32x16 round)
{
    const i32x16 low = x16_set_int(0x3f3504f3);
    const i32x16 shifted = x16_sub_int(x16_bits(x), low);
    const i32x16 exponent = x16_shift_down(shifted, 23);
    const i32x16 biased = x16_add_int(exponent, x16_bits(x16_set(POLY_ROUND)));
    const i32x16 significand = x16_and_int(shifted, x16_set_int(0x007fffff));
    const f32x16 f = x16_sub(x16_from_bits(x16_add_int(significand, low)), x16_set(1.0f));
    return (x16_parts){x16_sub(x16_from_bits(biased), round), f, exponent};
}

HEW_INLINE f32x16 x16_log(f32x16 x)
{
    const x16_parts parts = x16_parts_of(x, x16_set(POLY_ROUND));
    return x16_log_of(parts.n, parts.f);
}

HEW_INLINE f32x16 x16_sigmoid(f32x16 x)
{
    const f32x16 one = x16_set(1.0f);
    const f32x16 e = x16_exp(x16_minus_abs(x));
    const f32x16 f = x16_div(e, x16_add(one, e));
    const f32x16 near = x16_select(x16_less(x, x16_set(0.0f)), e, one);
    return x16_fnma(near, f, near);
}

HEW_INLINE f32x16 x16_tanh(f32x16 x)
{
    const f32x16 t = x16_max(x16_set(-10.0f), x16_minus_abs(x));
    const f32x16 h = x16_mul(x16_set(-0.5f), x16_expm1(x16_add(t, t)));
    const f32x16 f = x16_div(h, x16_sub(x16_set(1.0f), h));
    return x16_copysign(x16_fma(h, f, h), x);
}

HEW_INLINE f32x16 x16_elu(f32x16 x) { return x16_expm1(x16_max(x16_set(-80.0f), x)); }

HEW_INLINE f32x16 x16_gate(f32x16 x, f32x16 v) { return x16_add(x16_max(x16_set(-0.0f), x), v); }

HEW_INLINE f32x16 x16_logistic_gate(f32x16 x, f32x16 t, x16_power p)
{
    const f32x16 one = x16_set(1.0f), tail = x16_expm1_small(p.r);
    const f32x16 e = x16_scale(x16_add(one, tail), p.biased_n);
    const f32x16 v = x16_div(x16_fma(t, tail, t), x16_add(one, e));
    return x16_gate(x, x16_scale(v, p.biased_n));
}

HEW_INLINE f32x16 x16_silu(f32x16 x)
{
    const f32x16 t = x16_max(x16_set(-125.0f), x16_minus_abs(x));
    return x16_logistic_gate(x, t, x16_power_of(t));
}

HEW_INLINE f32x16 x16_gelu_tanh(f32x16 x)
{
    const f32x16 g0 = x16_set(POLY_GATE_0_HI), g1 = x16_set(POLY_GATE_1_HI);
    const f32x16 t = x16_max(x16_set(-11.0f), x16_minus_abs(x));
    const f32x16 square = x16_mul(t, t);
    const f32x16 w = x16_fma(g1, square, g0);
    f32x16 w_lo = x16_fma(g1, square, x16_sub(g0, w));
    w_lo = x16_fma(g1, x16_fms(t, t, square), w_lo);
    w_lo = x16_fma(x16_set(POLY_GATE_1_LO), square, x16_add(w_lo, x16_set(POLY_GATE_0_LO)));
    const f32x16 u = x16_mul(t, w), u_lo = x16_fma(t, w_lo, x16_fms(t, w, u));
    return x16_logistic_gate(x, t, x16_power_of_sum(u, u_lo));
}

/* The normal distribution's tail over its density, at t <= 0. */
HEW_INLINE f32x16 x16_normal_tail(f32x16 t)
{
    const f32x16 k = x16_set(POLY_TAIL_K), round = x16_set(0x1.8p10f);
    const f32x16 near = x16_sub(x16_add(t, round), round);
    const f32x16 below = x16_sub(k, near);
    const f32x16 q = x16_div(x16_add(k, near), below);
    const f32x16 rest = x16_fma(q, below, x16_sub(x16_set(-POLY_TAIL_K), near));
    const f32x16 apart =
        x16_fma(rest, x16_mul(below, x16_set(-0.5f / POLY_TAIL_K)), x16_sub(t, near));
    f32x16 tail = x16_step(x16_set(POLY_TAIL_9), q, POLY_TAIL_8);
    tail = x16_step(tail, q, POLY_TAIL_7);
    tail = x16_step(tail, q, POLY_TAIL_6);
    tail = x16_step(tail, q, POLY_TAIL_5);
    tail = x16_step(tail, q, POLY_TAIL_4);
    tail = x16_step(tail, q, POLY_TAIL_3);
    tail = x16_step(tail, q, POLY_TAIL_2);
    tail = x16_step(tail, q, POLY_TAIL_1);
    tail = x16_step(tail, q, POLY_TAIL_0);
    tail = x16_fma(q, tail, tail);
    return x16_fma(apart, x16_step(near, tail, POLY_DENSITY), tail);
}

HEW_INLINE f32x16 x16_gelu_erf(f32x16 x)
{
    const f32x16 t = x16_max(x16_set(-15.0f), x16_minus_abs(x));
    const f32x16 half = x16_mul(x16_set(-0.5f), t), square = x16_mul(t, half);
    const x16_power p = x16_power_of_sum(square, x16_fms(t, half, square));
    const f32x16 tail = x16_normal_tail(t), part = x16_mul(t, tail);
    const f32x16 rest = x16_fma(part, x16_expm1_small(p.r), x16_fms(t, tail, part));
    return x16_gate(x, x16_scale(x16_add(part, rest), p.biased_n));
}

HEW_INLINE f32x16 x16_mish(f32x16 x)
{
    const f32x16 one = x16_set(1.0f), two = x16_set(2.0f);
    const f32x16 t = x16_max(x16_set(-125.0f), x16_minus_abs(x));
    const mask16 negative = x16_less(x, x16_set(0.0f));
    const x16_power p = x16_power_of(t);
    const f32x16 tail = x16_expm1_small(p.r);
    const f32x16 e = x16_scale(x16_add(one, tail), p.biased_n);
    const f32x16 twice_t = x16_add(t, t), plus_two = x16_add(e, two);
    const f32x16 factor = x16_select(negative, x16_fma(t, e, twice_t), x16_mul(twice_t, e));
    const f32x16 below = x16_select(negative, x16_fma(e, plus_two, two),
                                    x16_fma(e, x16_add(x16_add(e, e), two), one));
    const f32x16 v = x16_div(x16_fma(factor, tail, factor), below);
    return x16_gate(x, x16_scale(v, p.biased_n));
}

#endif
