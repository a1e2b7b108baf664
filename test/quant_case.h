/* quant_case.h - types, zero points and scales of quantised cases. */
#ifndef HEW_TEST_QUANT_CASE_H
#define HEW_TEST_QUANT_CASE_H

#include "harness.h"

/* One end of a byte type's range, or somewhere between; 0 for other types. */
static inline int32_t some_zero(rng *r, hew_type type)
{
    if (type != HEW_U8 && type != HEW_S8)
        return 0;
    const int32_t low = type == HEW_U8 ? 0 : -128, high = low + 255;
    switch (rng_between(r, 0, 4)) {
    case 0: return low;
    case 1: return high;
    case 2: return 0;
    default: return (int32_t)rng_between(r, low, high);
    }
}

/* Results of sums of so many products then cover a byte's range and a little more. */
static inline float some_scale(rng *r, int64_t products)
{
    const float scale = (float)products * 8.0f;
    return scale * (1.0f + (float)rng_between(r, 0, 9));
}

static inline hew_type some_byte_type(rng *r) { return rng_chance(r, 2) ? HEW_U8 : HEW_S8; }

static inline hew_type some_result_type(rng *r)
{
    static const hew_type types[] = {HEW_U8, HEW_S8, HEW_S32, HEW_F32, HEW_BF16, HEW_U8, HEW_S8};
    return types[rng_between(r, 0, 6)];
}

#endif
