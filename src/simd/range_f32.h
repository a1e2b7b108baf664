/*
 * range_f32 - the least and the largest element of a row, NaNs left out.
 *
 * The including file has its simd.h included first and defines HEW_RANGE_F32, the kernel's name.
 *
 * A maximum doesn't depend on the order of its elements, but for the sign of a zero, which is made
 * +, so that registers and their number are free.  x is the first operand of min and max: a NaN
 * there gives the second.  Four registers each, to cover the latency of min and max.  Bound by
 * loads.
 */
#include <math.h>

#include "kernels_rows.h"

typedef struct ranges {
    f32x16 lo, hi;
} ranges;

HEW_INLINE void widen(ranges *r, f32x16 x)
{
    r->lo = x16_min(x, r->lo);
    r->hi = x16_max(x, r->hi);
}

hew_bounds HEW_RANGE_F32(hew_bounds bounds, size_t n, const float *x)
{
    enum { WAYS = 4 };
    const ranges given = {x16_set(bounds.lo), x16_set(bounds.hi)};
    ranges r[WAYS] = {given, given, given, given};
    size_t j = 0;
    for (; j + 16 * WAYS <= n; j += 16 * WAYS)
        HEW_UNROLL for (size_t w = 0; w < WAYS; w++)
            widen(&r[w], x16_load(x + j + 16 * w));
    for (; j + 16 <= n; j += 16)
        widen(&r[0], x16_load(x + j));
    if (j < n)
        widen(&r[1], x16_load_masked(x16_first(n - j), x + j, x16_set(NAN)));
    for (int w = 1; w < WAYS; w++) {
        r[0].lo = x16_min(r[w].lo, r[0].lo);
        r[0].hi = x16_max(r[w].hi, r[0].hi);
    }
    return (hew_bounds){-x16_largest(x16_neg(r[0].lo)) + 0.0f, x16_largest(r[0].hi) + 0.0f};
}
