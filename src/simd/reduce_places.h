/*
 * reduce_places - where the least or largest element is: kernels_reduce.h.
 *
 * The including file has its narrow.h included first and defines HEW_REDUCE_FIND_KERNEL and
 * HEW_REDUCE_PLACES_KERNEL, the kernels' names.
 *
 * Along rows the extreme is known (reduce_rows) and looked for; a few elements of the right
 * register are compared one by one.  Across rows each lane has its column's best so far and where
 * that was; nothing but s32 is more than a float can hold.
 */
#include "reduce_lanes.h"

/* Elements that may be as good as `value`: equal, or NaN where it is NaN. */
HEW_INLINE bool any_equal(const hew_type type, const void *p, f32x16 value, bool nan)
{
    const f32x16 x = x16_load_type(type, p);
    if (nan)
        return x16_any(x16_unordered(x, x));
    return x16_any(x16_and_not(x16_first(16), x16_or(x16_unordered(x, value),
                                                     x16_or(x16_less(x, value),
                                                            x16_less(value, x)))));
}

HEW_INLINE bool equal_at(const hew_type type, const char *in, size_t j, const void *value)
{
    switch (type) {
    case HEW_S8: return ((const int8_t *)in)[j] == *(const int32_t *)value;
    case HEW_U8: return ((const uint8_t *)in)[j] == *(const int32_t *)value;
    case HEW_S32: return ((const int32_t *)in)[j] == *(const int32_t *)value;
    default: break;
    }
    const float v = *(const float *)value;
    const float x = x16_lane0(x16_load_type_first(type, 1, x16_at(type, in, j), x16_set(0.0f)));
    return x == v || (x != x && v != v);
}

/* Floats that hold no match are passed over sixteen at a time. */
HEW_INLINE size_t find_of(const hew_type type, const bool last, size_t n, const void *in,
                          const void *value)
{
    const float sought = is_float(type) ? *(const float *)value : 0.0f;
    const f32x16 v = x16_set(sought);
    for (size_t k = 0; k < n;) {
        const size_t j = last ? n - 1 - k : k;
        if (is_float(type) && k + 16 <= n &&
            !any_equal(type, x16_at(type, in, last ? j - 15 : j), v, sought != sought)) {
            k += 16;
            continue;
        }
        for (size_t end = hew_min(k + 16, n); k < end; k++)
            if (equal_at(type, in, last ? n - 1 - k : k, value))
                return last ? n - 1 - k : k;
    }
    return n;
}

size_t HEW_REDUCE_FIND_KERNEL(hew_type type, bool last, size_t n, const void *in,
                              const void *value)
{
    return type == HEW_F32 ? find_of(HEW_F32, last, n, in, value)
                           : find_of(type, last, n, in, value);
}

/* Where x takes the place of `best`, which is the largest so far. */
HEW_INLINE mask16 better(const bool last, f32x16 x, f32x16 best)
{
    const mask16 nan = x16_unordered(x, x), best_nan = x16_unordered(best, best);
    if (last)
        return x16_or(nan, x16_and_not(x16_first(16), x16_or(x16_less(x, best), best_nan)));
    return x16_or(x16_less(best, x), x16_and_not(nan, best_nan));
}
HEW_INLINE mask16 better_int(const bool last, i32x16 x, i32x16 best)
{
    return last ? x16_and_not(x16_first(16), x16_less_int(x, best)) : x16_less_int(best, x);
}

HEW_INLINE void places_of(const hew_type type, const bool last, const hew_reduce_places *p,
                          size_t first, size_t rows, size_t j, size_t n)
{
    const hew_reduce_columns *const c = &p->columns;
    const mask16 m = x16_first(n);
    float *const best = (float *)c->out + j, *const where = (float *)(p->where + j);
    /* The least is the largest of what is turned round: -x, or ~x. */
    const bool least = c->kind == HEW_REDUCE_KIND_MIN;
    const i32x16 flip = x16_set_int(!least ? 0 : is_float(type) ? INT32_MIN : -1);
    f32x16 value = x16_load_masked(m, best, x16_set(0.0f));
    i32x16 place = x16_bits(x16_load_masked(m, where, x16_set(0.0f)));
    for (size_t i = first; i < first + rows; i++) {
        const char *const row = (const char *)c->in + c->offset[i];
        f32x16 x;
        mask16 take;
        if (is_float(type)) {
            const void *const at = x16_at(type, row, j);
            x = n == 16 ? x16_load_type(type, at)
                        : x16_load_type_first(type, n, at, x16_set(0.0f));
            x = x16_from_bits(x16_xor_int(x16_bits(x), flip));
            take = better(last, x, value);
        } else {
            i32x16 y = n == 16 ? load_ints(type, row, j)
                               : load_ints_first(type, n, row, j, x16_set_int(0));
            y = x16_xor_int(y, flip);
            take = better_int(last, y, x16_bits(value));
            x = x16_from_bits(y);
        }
        value = x16_select(take, x, value);
        place = select_int(take, x16_set_int((int32_t)(p->first + i)), place);
    }
    x16_store_masked(m, best, value);
    x16_store_masked(m, where, x16_from_bits(place));
}

HEW_INLINE void places_of_type(const hew_type type, const bool last, const hew_reduce_places *p)
{
    const hew_reduce_columns *const c = &p->columns;
    const size_t most = c->n > 64 ? 4 : HEW_REDUCE_ROWS; /* bands, as in reduce_columns.h */
    for (size_t i = 0; i < c->rows; i += most) {
        const size_t rows = hew_min(most, c->rows - i);
        for (size_t j = 0; j < c->n; j += 16)
            places_of(type, last, p, i, rows, j, hew_min(c->n - j, 16));
    }
}

HEW_INLINE void places_last(const bool last, const hew_reduce_places *p)
{
    if (p->columns.type == HEW_F32)
        places_of_type(HEW_F32, last, p);
    else
        places_of_type(p->columns.type, last, p);
}

void HEW_REDUCE_PLACES_KERNEL(const hew_reduce_places *p)
{
    if (p->last)
        places_last(true, p);
    else
        places_last(false, p);
}
