/*
 * trig.h - sine and cosine, for every float, sixteen lanes at a time.
 *
 * The including file has its simd.h included first.  Twin: src/ref/trig.h.
 */
#ifndef HEW_SIMD_TRIG_H
#define HEW_SIMD_TRIG_H

#include "math.h"
#include "trig_far.h"

typedef struct x16_turn {
    f32x16 r;
    i32x16 quadrant; /* in its two lowest bits */
} x16_turn;

/* Lanes from TRIG_FAR on, one at a time: they are rare. */
static __attribute__((noinline)) void x16_turn_far(const float *x, float *r, float *quadrant)
{
    for (int i = 0; i < 16; i++) {
        if (x[i] < POLY_TRIG_FAR && x[i] > -POLY_TRIG_FAR)
            continue;
        const hew_turn t = hew_turn_of(x[i]);
        r[i] = t.r;
        memcpy(&quadrant[i], &t.quadrant, sizeof t.quadrant);
    }
}

HEW_INLINE x16_turn x16_turn_of(f32x16 x)
{
    const f32x16 biased = x16_step(x, x16_set(POLY_TWO_OVER_PI), POLY_ROUND);
    const f32x16 n = x16_sub(biased, x16_set(POLY_ROUND));
    f32x16 r = x16_fma(n, x16_set(-POLY_HALF_PI_1), x);
    r = x16_fma(n, x16_set(-POLY_HALF_PI_2), r);
    r = x16_fma(n, x16_set(-POLY_HALF_PI_3), r);
    const mask16 far = x16_less(x16_minus_abs(x), x16_set(-POLY_TRIG_NEAR));
    if (HEW_LIKELY(!x16_any(x16_or(far, x16_unordered(x, x)))))
        return (x16_turn){r, x16_bits(biased)};
    float lane[3][16];
    x16_store(lane[0], x);
    x16_store(lane[1], r);
    x16_store(lane[2], biased);
    x16_turn_far(lane[0], lane[1], lane[2]);
    return (x16_turn){x16_load(lane[1]), x16_bits(x16_load(lane[2]))};
}

HEW_INLINE f32x16 x16_sin_of(f32x16 r, i32x16 quadrant)
{
    const f32x16 z = x16_mul(r, r);
    f32x16 sine = x16_step(x16_set(POLY_SIN_2), z, POLY_SIN_1);
    sine = x16_step(sine, z, POLY_SIN_0);
    sine = x16_fma(x16_mul(r, z), sine, r);
    f32x16 cosine = x16_step(x16_set(POLY_COS_2), z, POLY_COS_1);
    cosine = x16_step(cosine, z, POLY_COS_0);
    cosine = x16_step(cosine, z, -0.5f);
    cosine = x16_step(cosine, z, 1.0f);
    const mask16 odd = x16_negative_int(x16_shift_up(quadrant, 31));
    const i32x16 sign = x16_shift_up(x16_and_int(quadrant, x16_set_int(2)), 30);
    return x16_from_bits(x16_xor_int(x16_bits(x16_select(odd, cosine, sine)), sign));
}

HEW_INLINE f32x16 x16_sin(f32x16 x)
{
    const x16_turn t = x16_turn_of(x);
    return x16_select(x16_equal(x, x16_set(0.0f)), x, x16_sin_of(t.r, t.quadrant));
}

HEW_INLINE f32x16 x16_cos(f32x16 x)
{
    const x16_turn t = x16_turn_of(x);
    return x16_sin_of(t.r, x16_add_int(t.quadrant, x16_set_int(1)));
}

#endif
