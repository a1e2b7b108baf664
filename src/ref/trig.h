/*
 * trig.h - sine and cosine, for every float: the definition of their bits.  Twin: src/simd/trig.h.
 */
#ifndef HEW_REF_TRIG_H
#define HEW_REF_TRIG_H

#include "math.h"
#include "trig_far.h"

/* x = n pi/2 + r.  Below TRIG_FAR pi/2 in three floats will do. */
HEW_INLINE hew_turn ref_turn_of(float x)
{
    if (!(-minus_abs(x) < POLY_TRIG_FAR))
        return hew_turn_of(x);
    const float biased = fmaf(x, POLY_TWO_OVER_PI, POLY_ROUND), n = biased - POLY_ROUND;
    float r = fmaf(n, -POLY_HALF_PI_1, x);
    r = fmaf(n, -POLY_HALF_PI_2, r);
    r = fmaf(n, -POLY_HALF_PI_3, r);
    return (hew_turn){r, ref_integer(biased)};
}

/* The sine of quadrant pi/2 + r. */
HEW_INLINE float ref_sin_of(float r, uint32_t quadrant)
{
    const float z = r * r;
    float sine = fmaf(POLY_SIN_2, z, POLY_SIN_1);
    sine = fmaf(sine, z, POLY_SIN_0);
    sine = fmaf(r * z, sine, r);
    float cosine = fmaf(POLY_COS_2, z, POLY_COS_1);
    cosine = fmaf(cosine, z, POLY_COS_0);
    cosine = fmaf(cosine, z, -0.5f);
    cosine = fmaf(cosine, z, 1.0f);
    const float y = quadrant & 1 ? cosine : sine;
    return ref_from_bits(ref_bits(y) ^ (quadrant & 2) << 30);
}

HEW_INLINE float ref_sin(float x)
{
    const hew_turn t = ref_turn_of(x);
    return x == 0.0f ? x : ref_sin_of(t.r, t.quadrant); /* which doesn't know of -0 */
}

HEW_INLINE float ref_cos(float x)
{
    const hew_turn t = ref_turn_of(x);
    return ref_sin_of(t.r, t.quadrant + 1);
}

#endif
