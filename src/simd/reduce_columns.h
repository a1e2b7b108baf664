/*
 * reduce_columns - blocks of rows, added up column by column: kernels_reduce.h.
 *
 * The including file has its narrow.h included first and defines HEW_REDUCE_COLUMNS_KERNEL, the
 * kernel's name.
 *
 *     block    for 64 columns at a time:  a[0..3] = chain over up to 16 rows of 64 elements
 *                                         out[64] = out[64] + a[0..3]
 *
 * Many columns are taken in bands of four rows, whose chains rest in L1 from band to band: more
 * rows at a time than that are more streams than are fetched ahead.  Bound by loads.
 */
#include "reduce_lanes.h"

enum { BAND = 4, FEW = 64 }; /* columns that need no bands */

/* Some rows of a block, whose chains come from and go to memory; null: begin, or end in out. */
typedef struct band {
    const ptrdiff_t *offset;
    size_t rows;
    const float *from;
    float *to;
} band;

/* nv registers of columns of a band; the last one has `last` columns. */
HEW_INLINE void band_of(const hew_type type, const hew_reduce_kind kind, const int nv, size_t last,
                        const hew_reduce_columns *c, const band *b, size_t j)
{
    const f32x16 fill = x16_set(filler(kind));
    lanes a[4];
    f32x16 largest[4];
    HEW_UNROLL for (int v = 0; v < nv; v++) {
        a[v] = lanes_of(kind);
        if (b->from)
            a[v].v = x16_load(b->from + j + 16 * v);
        largest[v] = kind != HEW_REDUCE_KIND_EXP ? fill
                     : v < nv - 1 || last == 16
                         ? x16_load(c->largest + j + 16 * v)
                         : x16_load_masked(x16_first(last), c->largest + j + 16 * v, fill);
    }
    const char *const in = x16_at(type, c->in, j);
    for (size_t i = 0; i < b->rows; i++) {
        const char *const row = in + b->offset[i];
        HEW_UNROLL for (int v = 0; v < nv; v++) {
            const void *const p = x16_at(type, row, 16 * (size_t)v);
            take(kind, &a[v],
                 v < nv - 1 || last == 16 ? x16_load_type(type, p)
                                          : x16_load_type_first(type, last, p, fill),
                 largest[v]);
        }
    }
    HEW_UNROLL for (int v = 0; v < nv; v++) {
        float *const out = (float *)c->out + j + 16 * v;
        if (b->to) {
            x16_store(b->to + j + 16 * v, a[v].v);
            continue;
        }
        const size_t n = v < nv - 1 ? 16 : last;
        const f32x16 before = x16_load_masked(x16_first(n), out, fill);
        f32x16 after = join(kind, before, a[v].v);
        if (is_extreme(kind)) {
            after = x16_select(x16_unordered(before, before), before, after);
            after = x16_select(a[v].nan, x16_set(NAN), after);
        }
        x16_store_masked(x16_first(n), out, after);
    }
}

HEW_INLINE void columns_of(const hew_type type, const hew_reduce_kind kind,
                           const hew_reduce_columns *c)
{
    float rest[HEW_REDUCE_COLUMNS] __attribute__((aligned(64)));
    const size_t most = c->n > FEW ? BAND : HEW_REDUCE_ROWS;
    for (size_t i = 0, in_block = 0; i < c->rows;) {
        const size_t left = hew_min(HEW_REDUCE_ROWS - in_block, c->rows - i);
        band b = {c->offset + i, hew_min(most, left), rest, rest};
        if (in_block == 0 || is_extreme(kind)) /* whose order is free */
            b.from = NULL;
        if (b.rows == left || is_extreme(kind))
            b.to = NULL;
        size_t j = 0;
        for (; j + 64 <= c->n; j += 64)
            band_of(type, kind, 4, 16, c, &b, j);
        for (; j + 16 <= c->n; j += 16)
            band_of(type, kind, 1, 16, c, &b, j);
        if (j < c->n)
            band_of(type, kind, 1, c->n - j, c, &b, j);
        i += b.rows;
        in_block = b.rows == left ? 0 : in_block + b.rows;
    }
}

HEW_INLINE void block_of_ints(const hew_type type, const hew_reduce_kind kind, size_t n,
                              const hew_reduce_columns *c, const ptrdiff_t *offset, size_t rows,
                              size_t j)
{
    const i32x16 fill = x16_set_int(neutral_int(kind));
    int32_t *const out = (int32_t *)c->out + j;
    i32x16 a = load_ints_first(HEW_S32, n, (const char *)out, 0, fill);
    for (size_t i = 0; i < rows; i++) {
        const char *const row = (const char *)c->in + offset[i];
        a = join_int(kind, a, n == 16 ? load_ints(type, row, j)
                                      : load_ints_first(type, n, row, j, fill));
    }
    x16_store_masked(x16_first(n), (float *)out, x16_from_bits(a));
}

HEW_INLINE void columns_of_int(const hew_type type, const hew_reduce_kind kind,
                               const hew_reduce_columns *c)
{
    const size_t most = c->n > FEW ? BAND : HEW_REDUCE_ROWS;
    for (size_t i = 0; i < c->rows; i += most) {
        const ptrdiff_t *const offset = c->offset + i;
        const size_t rows = hew_min(most, c->rows - i);
        size_t j = 0;
        for (; j + 16 <= c->n; j += 16)
            block_of_ints(type, kind, 16, c, offset, rows, j);
        if (j < c->n)
            block_of_ints(type, kind, c->n - j, c, offset, rows, j);
    }
}

/* A function for each kind; floats, of which sums and extremes are most wanted, come twice. */
#define KIND(name, kind)                                                                           \
    static __attribute__((noinline)) void name(const hew_reduce_columns *c)                        \
    {                                                                                              \
        if (c->type == HEW_F32)                                                                    \
            columns_of(HEW_F32, kind, c);                                                          \
        else                                                                                       \
            columns_of(c->type, kind, c);                                                          \
    }
KIND(columns_sum, HEW_REDUCE_KIND_SUM)
KIND(columns_abs, HEW_REDUCE_KIND_ABS)
KIND(columns_squares, HEW_REDUCE_KIND_SQUARES)
KIND(columns_min, HEW_REDUCE_KIND_MIN)
KIND(columns_max, HEW_REDUCE_KIND_MAX)
#undef KIND
#define KIND(name, body, kind)                                                                     \
    static __attribute__((noinline)) void name(const hew_reduce_columns *c)                        \
    {                                                                                              \
        body(c->type, kind, c);                                                                    \
    }
KIND(columns_exp, columns_of, HEW_REDUCE_KIND_EXP)
KIND(columns_prod, columns_of, HEW_REDUCE_KIND_PROD)
KIND(columns_int_sum, columns_of_int, HEW_REDUCE_KIND_SUM)
KIND(columns_int_min, columns_of_int, HEW_REDUCE_KIND_MIN)
KIND(columns_int_max, columns_of_int, HEW_REDUCE_KIND_MAX)
#undef KIND

void HEW_REDUCE_COLUMNS_KERNEL(const hew_reduce_columns *c)
{
    const bool floats = is_float(c->type);
    switch (c->kind) {
    case HEW_REDUCE_KIND_SUM: (floats ? columns_sum : columns_int_sum)(c); break;
    case HEW_REDUCE_KIND_MIN: (floats ? columns_min : columns_int_min)(c); break;
    case HEW_REDUCE_KIND_MAX: (floats ? columns_max : columns_int_max)(c); break;
    case HEW_REDUCE_KIND_ABS: columns_abs(c); break;
    case HEW_REDUCE_KIND_SQUARES: columns_squares(c); break;
    case HEW_REDUCE_KIND_EXP: columns_exp(c); break;
    case HEW_REDUCE_KIND_PROD: columns_prod(c); break;
    }
}
