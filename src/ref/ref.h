/*
 * ref.h - what the definitions in this folder share.
 *
 * Code here says what a result is, element by element, and takes nothing from the drivers but the
 * rule that cuts a sum into blocks.  Every rounding is written out: fmaf where it is one, and a
 * separate operation where there are two.
 */
#ifndef HEW_REF_H
#define HEW_REF_H

#include "core.h"

#include <math.h>

/* One element's activation.  `act` has its defaults filled in. */
float hew_ref_act(hew_act act, float x);

/*
 * The first step of the epilogue: column j of a sum, scaled and shifted.  bias + 0.0f turns a bias
 * of -0.0 into +0.0, and with it a sum of -0.0 into +0.0: what a tap of zeros adds can't be told
 * from a tap that is left out.
 */
HEW_INLINE float hew_ref_scale(float sum, float alpha, const float *scale, const float *bias,
                               int64_t j)
{
    const float factor = scale ? alpha * scale[j] : alpha;
    return fmaf(sum, factor, (bias ? bias[j] : 0.0f) + 0.0f);
}

#endif
