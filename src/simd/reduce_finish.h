/*
 * reduce_finish - what an operation makes of its sums: kernels_reduce.h, src/ref/reduce_tensor.c.
 *
 * The including file has its narrow.h included first and defines HEW_REDUCE_FINISH_KERNEL, the
 * kernel's name.
 */
#include "reduce_lanes.h"

HEW_INLINE f32x16 finish(const hew_reduce_op op, f32x16 x, f32x16 count, f32x16 largest)
{
    switch (op) {
    case HEW_REDUCE_MEAN: x = x16_div(x, count); break;
    case HEW_REDUCE_L2: x = x16_sqrt(x); break;
    case HEW_REDUCE_LOG_SUM: x = x16_log_full(x); break;
    case HEW_REDUCE_LOG_SUM_EXP:
        x = x16_select(x16_less(x16_abs(largest), x16_set(INFINITY)),
                       x16_add(largest, x16_log_full(x)), largest);
        break;
    case HEW_REDUCE_MIN:
    case HEW_REDUCE_MAX: x = x16_add(x, x16_set(0.0f)); break;
    default: break;
    }
    return x16_select(x16_unordered(x, x), x16_set(NAN), x);
}

HEW_INLINE void finish_all(const hew_reduce_op op, const hew_reduce_finish *f)
{
    const f32x16 count = x16_set(f->count), zero = x16_set(0.0f);
    for (size_t j = 0; j < f->n; j += 16) {
        const mask16 m = x16_first(f->n - j);
        const f32x16 largest = op == HEW_REDUCE_LOG_SUM_EXP
                                   ? x16_load_masked(m, f->largest + j, zero)
                                   : zero;
        x16_store_masked(m, f->x + j,
                         finish(op, x16_load_masked(m, f->x + j, zero), count, largest));
    }
}

void HEW_REDUCE_FINISH_KERNEL(const hew_reduce_finish *f)
{
    switch (f->op) {
    case HEW_REDUCE_MEAN: finish_all(HEW_REDUCE_MEAN, f); break;
    case HEW_REDUCE_L2: finish_all(HEW_REDUCE_L2, f); break;
    case HEW_REDUCE_LOG_SUM: finish_all(HEW_REDUCE_LOG_SUM, f); break;
    case HEW_REDUCE_LOG_SUM_EXP: finish_all(HEW_REDUCE_LOG_SUM_EXP, f); break;
    case HEW_REDUCE_MIN:
    case HEW_REDUCE_MAX: finish_all(HEW_REDUCE_MIN, f); break;
    default: finish_all(HEW_REDUCE_SUM, f);
    }
}
