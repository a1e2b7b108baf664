/*
 * pooling_floats.h - the max or the average over boxes of pixels of floats: hew_pooling_block in
 * kernels_pooling.h.
 *
 * The including file, pooling_f32.h or pooling_bf16.h, has pool_element, pool_lanes, POOL_LANES and
 * the functions that load and store them.  Bound by loads, one for each element of the new columns.
 *
 * NaN in a maximum: maxps(x, m) hands on m when x is NaN, so the maximum alone would lose it.
 * Beside it runs the sum of all elements, which comes out NaN if one was, and which costs nothing
 * where additions have units of their own.  Then, or after inf - inf, the run is done again with
 * care.
 */
#include <math.h>

/* Registers of channels: where columns are kept, in other maxima, and in other averages. */
enum {
    POOL_SHARING_WIDE = X16_REGISTERS / 8,
    POOL_MAX_WIDE = X16_REGISTERS == 32 ? 4 : 2,
    POOL_AVERAGE_WIDE = 2 * POOL_MAX_WIDE,
    POOL_WIDEST = POOL_AVERAGE_WIDE
};

typedef f32x16 pool_value;
typedef float pool_setup; /* the divisor */

HEW_INLINE int pool_wide(const bool max, const bool sharing)
{
    return sharing ? POOL_SHARING_WIDE : max ? POOL_MAX_WIDE : POOL_AVERAGE_WIDE;
}
HEW_INLINE pool_setup pool_prepare(const bool max, const hew_pooling_block *b)
{
    (void)max;
    return b->divisor;
}
HEW_INLINE f32x16 pool_start(const bool max) { return x16_set(max ? -INFINITY : 0.0f); }
HEW_INLINE f32x16 pool_nothing(const hew_pooling_block *b) { return pool_start(b->max); }
HEW_INLINE f32x16 pool_see(const bool max, f32x16 v, f32x16 x)
{
    return max ? x16_max(x, v) : x16_add(v, x);
}
HEW_INLINE f32x16 pool_join(const bool max, f32x16 v, f32x16 w)
{
    return max ? x16_max(w, v) : x16_add(v, w);
}
HEW_INLINE f32x16 pool_finish(const bool max, const pool_setup *divisor, f32x16 v)
{
    if (max)
        return v;
    const f32x16 y = x16_div(v, x16_set(*divisor));
    return x16_select(x16_unordered(y, y), x16_set(NAN), y);
}

static __attribute__((noinline, cold)) void max_with_nans(const hew_pooling_block *b, size_t pixels,
                                                          const pool_element *in,
                                                          pool_element *out, pool_lanes lanes)
{
    for (size_t i = 0; i < pixels; i++) {
        f32x16 m = x16_set(-INFINITY);
        for (size_t w = 0; w < b->box[2]; w++)
            for (size_t d = 0; d < b->box[0]; d++)
                for (size_t h = 0; h < b->box[1]; h++) {
                    const pool_element *p = in + i * b->in_step + w * b->step[2] + d * b->step[0] +
                                     h * b->step[1];
                    const f32x16 x = pool_load_some(lanes, p);
                    const f32x16 larger = x16_select(x16_unordered(x, x), x, x16_max(x, m));
                    m = x16_select(x16_unordered(m, m), m, larger);
                }
        pool_store_some(lanes, out + i * b->out_step, m);
    }
}

HEW_INLINE f32x16 pool_watch(const bool max, f32x16 seen, f32x16 x)
{
    return max ? x16_add(seen, x) : seen;
}
HEW_INLINE void pool_check(const bool max, f32x16 seen, const hew_pooling_block *b, size_t pixels,
                           const pool_element *in, pool_element *out, pool_lanes lanes)
{
    if (max && HEW_UNLIKELY(x16_any(x16_unordered(seen, seen))))
        max_with_nans(b, pixels, in, out, lanes);
}

#include "pooling.h"
