/*
 * reduce_rows - a block along rows as 64 lanes and a tree over them: kernels_reduce.h.
 *
 * The including file has its narrow.h included first and defines HEW_REDUCE_ROWS_KERNEL, the
 * kernel's name.
 *
 *     row      | 0 .. 15 | 16 .. 31 | 32 .. 47 | 48 .. 63 | 64 ..
 *     lanes        a[0]      a[1]       a[2]       a[3]      a[0] ..
 *
 * Four registers of lanes (AVX2: eight) cover the latency of an addition.  Bound by loads.  Tails
 * are masked and filled with an element that changes nothing.
 */
#include "reduce_lanes.h"

/* Bytes.  Rows are short streams, and loads run into the end of what hardware has fetched: on Zen 4
 * this takes sums of 64 MiB from 0.81 to 0.97 of the speed of a plain walk, and sums from L3 to
 * 0.86 of theirs, so that it is for `far` alone. */
enum { AHEAD = 6144 };

HEW_INLINE float along(const hew_type type, const hew_reduce_kind kind, const hew_reduce_rows *r,
                       const char *base, float most)
{
    const f32x16 largest = x16_set(most), fill = x16_set(filler(kind));
    lanes a[4] = {lanes_of(kind), lanes_of(kind), lanes_of(kind), lanes_of(kind)};
    for (size_t i = 0; i < r->rows; i++) {
        const char *const row = base + (r->offset ? r->offset[i] : 0);
        size_t j = 0;
        for (; j + 64 <= r->n; j += 64) {
            const char *const ahead = (const char *)x16_at(type, row, j) + AHEAD;
            if (r->far)
                for (size_t line = 0; line < x16_type_bytes(type); line++)
                    __builtin_prefetch(ahead + 64 * line, 0, 2);
            HEW_UNROLL for (size_t v = 0; v < 4; v++)
                take(kind, &a[v], x16_load_type(type, x16_at(type, row, j + 16 * v)), largest);
        }
        if (j == r->n)
            continue;
        HEW_UNROLL for (size_t v = 0; v < 4; v++, j += 16)
            if (j + 16 <= r->n)
                take(kind, &a[v], x16_load_type(type, x16_at(type, row, j)), largest);
            else if (j < r->n)
                take(kind, &a[v],
                     x16_load_type_first(type, r->n - j, x16_at(type, row, j), fill), largest);
    }
    const f32x16 all = join(kind, join(kind, a[0].v, a[1].v), join(kind, a[2].v, a[3].v));
    if (!is_extreme(kind))
        return kind == HEW_REDUCE_KIND_PROD ? x16_lanes_product(all) : x16_sum(all);
    if (HEW_UNLIKELY(x16_any(x16_or(x16_or(a[0].nan, a[1].nan), x16_or(a[2].nan, a[3].nan)))))
        return NAN;
    return kind == HEW_REDUCE_KIND_MAX ? x16_largest(all) : -x16_largest(x16_neg(all));
}

HEW_INLINE void rows_of(const hew_type type, const hew_reduce_kind kind, const hew_reduce_rows *r)
{
    const char *base = r->in;
    for (size_t i = 0; i < r->results; i++, base += r->step)
        ((float *)r->out)[i] =
            along(type, kind, r, base, kind == HEW_REDUCE_KIND_EXP ? r->largest[i] : 0.0f);
}

HEW_INLINE int32_t along_int(const hew_type type, const hew_reduce_kind kind,
                             const hew_reduce_rows *r, const char *base)
{
    const i32x16 fill = x16_set_int(neutral_int(kind));
    i32x16 a[4] = {fill, fill, fill, fill};
    for (size_t i = 0; i < r->rows; i++) {
        const char *const row = base + (r->offset ? r->offset[i] : 0);
        size_t j = 0;
        for (; j + 64 <= r->n; j += 64)
            HEW_UNROLL for (size_t v = 0; v < 4; v++)
                a[v] = join_int(kind, a[v], load_ints(type, row, j + 16 * v));
        for (; j + 16 <= r->n; j += 16)
            a[0] = join_int(kind, a[0], load_ints(type, row, j));
        if (j < r->n)
            a[1] = join_int(kind, a[1], load_ints_first(type, r->n - j, row, j, fill));
    }
    const i32x16 all = join_int(kind, join_int(kind, a[0], a[1]), join_int(kind, a[2], a[3]));
    return kind == HEW_REDUCE_KIND_SUM   ? x16_sum_int(all)
           : kind == HEW_REDUCE_KIND_MAX ? x16_largest_int(all)
                                         : ~x16_largest_int(x16_sub_int(x16_set_int(-1), all));
}

HEW_INLINE void rows_of_int(const hew_type type, const hew_reduce_kind kind,
                            const hew_reduce_rows *r)
{
    const char *base = r->in;
    for (size_t i = 0; i < r->results; i++, base += r->step)
        ((int32_t *)r->out)[i] = along_int(type, kind, r, base);
}

/* A function for each kind; floats, of which sums and extremes are most wanted, come twice. */
#define KIND(name, kind)                                                                           \
    static __attribute__((noinline)) void name(const hew_reduce_rows *r)                           \
    {                                                                                              \
        if (r->type == HEW_F32)                                                                    \
            rows_of(HEW_F32, kind, r);                                                             \
        else                                                                                       \
            rows_of(r->type, kind, r);                                                             \
    }
KIND(rows_sum, HEW_REDUCE_KIND_SUM)
KIND(rows_abs, HEW_REDUCE_KIND_ABS)
KIND(rows_squares, HEW_REDUCE_KIND_SQUARES)
KIND(rows_min, HEW_REDUCE_KIND_MIN)
KIND(rows_max, HEW_REDUCE_KIND_MAX)
#undef KIND
#define KIND(name, body, kind)                                                                     \
    static __attribute__((noinline)) void name(const hew_reduce_rows *r)                           \
    {                                                                                              \
        body(r->type, kind, r);                                                                    \
    }
KIND(rows_exp, rows_of, HEW_REDUCE_KIND_EXP)
KIND(rows_prod, rows_of, HEW_REDUCE_KIND_PROD)
KIND(rows_int_sum, rows_of_int, HEW_REDUCE_KIND_SUM)
KIND(rows_int_min, rows_of_int, HEW_REDUCE_KIND_MIN)
KIND(rows_int_max, rows_of_int, HEW_REDUCE_KIND_MAX)
#undef KIND

void HEW_REDUCE_ROWS_KERNEL(const hew_reduce_rows *r)
{
    const bool floats = is_float(r->type);
    switch (r->kind) {
    case HEW_REDUCE_KIND_SUM: (floats ? rows_sum : rows_int_sum)(r); break;
    case HEW_REDUCE_KIND_MIN: (floats ? rows_min : rows_int_min)(r); break;
    case HEW_REDUCE_KIND_MAX: (floats ? rows_max : rows_int_max)(r); break;
    case HEW_REDUCE_KIND_ABS: rows_abs(r); break;
    case HEW_REDUCE_KIND_SQUARES: rows_squares(r); break;
    case HEW_REDUCE_KIND_EXP: rows_exp(r); break;
    case HEW_REDUCE_KIND_PROD: rows_prod(r); break;
    }
}
