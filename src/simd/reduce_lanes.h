/*
 * reduce_lanes - the steps of reductions, sixteen lanes at a time: floats of a storage type, and
 * integers, which become 32 bits.
 *
 * The including file has its narrow.h included first.  `kind` is a literal where these are inlined,
 * and `type` where that is worth an instance of its own: F32.  Other types are told apart at each
 * load, by branches that always go the same way.
 */
#ifndef HEW_SIMD_REDUCE_LANES_H
#define HEW_SIMD_REDUCE_LANES_H

#include <math.h>

#include "kernels_reduce.h"
#include "power.h"
#include "typed.h"

HEW_INLINE bool is_extreme(const hew_reduce_kind kind)
{
    return kind == HEW_REDUCE_KIND_MIN || kind == HEW_REDUCE_KIND_MAX;
}

/* ---------------------------------------------------------------------------------- floats ---- */

/* Sixteen results on their way.  Extremes leave NaNs out and note where they were. */
typedef struct lanes {
    f32x16 v;
    mask16 nan;
} lanes;

HEW_INLINE float neutral(const hew_reduce_kind kind)
{
    return kind == HEW_REDUCE_KIND_PROD  ? 1.0f
           : kind == HEW_REDUCE_KIND_MIN ? INFINITY
           : kind == HEW_REDUCE_KIND_MAX ? -INFINITY
                                         : 0.0f;
}
/* An element that changes nothing: exp(-inf) is 0. */
HEW_INLINE float filler(const hew_reduce_kind kind)
{
    return kind == HEW_REDUCE_KIND_EXP ? -INFINITY : neutral(kind);
}

HEW_INLINE lanes lanes_of(const hew_reduce_kind kind)
{
    return (lanes){x16_set(neutral(kind)), x16_first(0)};
}

HEW_INLINE void take(const hew_reduce_kind kind, lanes *a, f32x16 x, f32x16 largest)
{
    switch (kind) {
    case HEW_REDUCE_KIND_SUM: a->v = x16_add(a->v, x); break;
    case HEW_REDUCE_KIND_ABS: a->v = x16_add(a->v, x16_abs(x)); break;
    case HEW_REDUCE_KIND_SQUARES: a->v = x16_fma(x, x, a->v); break;
    case HEW_REDUCE_KIND_EXP: a->v = x16_add(a->v, x16_exp(x16_sub(x, largest))); break;
    case HEW_REDUCE_KIND_PROD: a->v = x16_mul(a->v, x); break;
    case HEW_REDUCE_KIND_MIN: a->v = x16_min(x, a->v); break;
    case HEW_REDUCE_KIND_MAX: a->v = x16_max(x, a->v); break;
    }
    if (is_extreme(kind))
        a->nan = x16_or(a->nan, x16_unordered(x, x));
}

/* Two such results as one. */
HEW_INLINE f32x16 join(const hew_reduce_kind kind, f32x16 a, f32x16 b)
{
    return kind == HEW_REDUCE_KIND_PROD  ? x16_mul(a, b)
           : kind == HEW_REDUCE_KIND_MIN ? x16_min(a, b)
           : kind == HEW_REDUCE_KIND_MAX ? x16_max(a, b)
                                         : x16_add(a, b);
}

/* -------------------------------------------------------------------------------- integers ---- */

HEW_INLINE i32x16 load_ints(const hew_type type, const char *p, size_t j)
{
    if (type == HEW_S8)
        return x16_load_s8(p + j);
    return type == HEW_U8 ? x16_load_u8(p + j) : x16_load_int((const int32_t *)p + j);
}
HEW_INLINE i32x16 select_int(mask16 m, i32x16 yes, i32x16 no)
{
    return x16_bits(x16_select(m, x16_from_bits(yes), x16_from_bits(no)));
}
HEW_INLINE i32x16 load_ints_first(const hew_type type, size_t n, const char *p, size_t j,
                                  i32x16 fill)
{
    const i32x16 x = type == HEW_S8   ? x16_load_s8_first(n, p + j)
                     : type == HEW_U8 ? x16_load_u8_first(n, p + j)
                                      : x16_load_int_first(n, (const int32_t *)p + j);
    return select_int(x16_first(n), x, fill);
}

HEW_INLINE int32_t neutral_int(const hew_reduce_kind kind)
{
    return kind == HEW_REDUCE_KIND_MIN   ? INT32_MAX
           : kind == HEW_REDUCE_KIND_MAX ? INT32_MIN
                                         : 0;
}
HEW_INLINE i32x16 join_int(const hew_reduce_kind kind, i32x16 a, i32x16 b)
{
    return kind == HEW_REDUCE_KIND_MIN   ? x16_min_int(a, b)
           : kind == HEW_REDUCE_KIND_MAX ? x16_max_int(a, b)
                                         : x16_add_int(a, b);
}

HEW_INLINE bool is_float(hew_type type)
{
    return type == HEW_F32 || type == HEW_BF16 || type == HEW_F16;
}

#endif
