/*
 * softmax_rows - exp(v - max) / sum, or v - max - log(sum), of each row: src/ref/softmax.c.
 *
 * The including file has its narrow.h included first and defines the kernels' names,
 * HEW_SOFTMAX_F32 and HEW_SOFTMAX_BF16.
 *
 * Three passes over a row, the second and third of which find it in the cache: the maximum; the
 * exponentials, which are stored, and their sum; the division, as a product with 1 / sum.  Rows of
 * a few registers stay in them.  Bound by the second pass: 15 operations for 16 elements.
 * The sum is one chain a lane.  Tails are masked: -inf in the maximum, nothing in the sum.
 *
 * Rows that are scaled, masked or of bf16 become floats first, in place or on the stack.
 */
#include <math.h>

#include "kernels_softmax.h"
#include "math.h"
#include "typed.h"

/* Registers of a row that stays in them: the constants of exp take a dozen more. */
enum { MAX_SHORT = X16_REGISTERS / 4 };

/* A row and what is known of it.  `tail` has the lanes of its last, perhaps only, register. */
typedef struct softmax_row {
    const float *in;
    float *out;
    size_t whole; /* columns before the tail: a multiple of 16, below the row's length */
    mask16 tail;
} softmax_row;

HEW_INLINE float row_max(const softmax_row *row)
{
    const f32x16 lowest = x16_set(-INFINITY);
    f32x16 m0 = x16_load_masked(row->tail, row->in + row->whole, lowest), m1 = lowest, m2 = lowest,
           m3 = lowest;
    size_t j = 0;
    for (; j + 64 <= row->whole; j += 64) {
        m0 = x16_max(x16_load(row->in + j), m0);
        m1 = x16_max(x16_load(row->in + j + 16), m1);
        m2 = x16_max(x16_load(row->in + j + 32), m2);
        m3 = x16_max(x16_load(row->in + j + 48), m3);
    }
    for (; j < row->whole; j += 16)
        m1 = x16_max(x16_load(row->in + j), m1);
    return x16_largest(x16_max(x16_max(m0, m1), x16_max(m2, m3)));
}

HEW_INLINE softmax_row row_of(const float *in, float *out, size_t columns)
{
    const size_t whole = (columns - 1) / 16 * 16;
    return (softmax_row){in, out, whole, x16_first(columns - whole)};
}

/* Adds the exponentials to sum; they go to out if they are wanted. */
HEW_INLINE f32x16 row_exp(const softmax_row *row, f32x16 max, const bool store, f32x16 sum)
{
    for (size_t j = 0; j < row->whole; j += 16) {
        const f32x16 e = x16_exp(x16_sub(x16_load(row->in + j), max));
        if (store)
            x16_store(row->out + j, e);
        sum = x16_add(sum, e);
    }
    const f32x16 x = x16_load_masked(row->tail, row->in + row->whole, max);
    const f32x16 e = x16_exp(x16_sub(x, max));
    if (store)
        x16_store_masked(row->tail, row->out + row->whole, e);
    return x16_add(sum, x16_select(row->tail, e, x16_set(0.0f)));
}

HEW_INLINE void row_scale(const softmax_row *row, f32x16 factor)
{
    for (size_t j = 0; j < row->whole; j += 16)
        x16_store(row->out + j, x16_mul(x16_load(row->out + j), factor));
    const f32x16 e = x16_load_masked(row->tail, row->out + row->whole, factor);
    x16_store_masked(row->tail, row->out + row->whole, x16_mul(e, factor));
}

HEW_INLINE void row_shift(const softmax_row *row, f32x16 max, f32x16 shift)
{
    for (size_t j = 0; j < row->whole; j += 16)
        x16_store(row->out + j, x16_sub(x16_sub(x16_load(row->in + j), max), shift));
    const f32x16 x = x16_load_masked(row->tail, row->in + row->whole, max);
    x16_store_masked(row->tail, row->out + row->whole, x16_sub(x16_sub(x, max), shift));
}

static __attribute__((noinline, cold)) void row_fill(const softmax_row *row, float value)
{
    for (size_t j = 0; j < row->whole; j += 16)
        x16_store(row->out + j, x16_set(value));
    x16_store_masked(row->tail, row->out + row->whole, x16_set(value));
}

HEW_INLINE void long_row(const bool log, const softmax_row *row)
{
    const f32x16 max = x16_set(row_max(row));
    const float sum = x16_sum(row_exp(row, max, !log, x16_set(0.0f)));
    if (HEW_UNLIKELY(sum != sum))
        row_fill(row, NAN);
    else if (log)
        row_shift(row, max, x16_log(x16_set(sum)));
    else
        row_scale(row, x16_set(1.0f / sum));
}

/* A row of nv registers, the last one masked. */
HEW_INLINE void short_row(const bool log, const int nv, const softmax_row *row)
{
    f32x16 x[8];
    HEW_UNROLL for (int v = 0; v < nv - 1; v++)
        x[v] = x16_load(row->in + 16 * v);
    x[nv - 1] = x16_load_masked(row->tail, row->in + row->whole, x16_set(-INFINITY));
    f32x16 m = x[0];
    HEW_UNROLL for (int v = 1; v < nv; v++)
        m = x16_max(x[v], m);
    const f32x16 max = x16_set(x16_largest(m));

    f32x16 sums = x16_set(0.0f);
    HEW_UNROLL for (int v = 0; v < nv; v++) {
        x[v] = x16_sub(x[v], max);
        f32x16 e = x16_exp(x[v]);
        if (v == nv - 1) /* not exp(-inf): that would be NaN where max is -inf */
            e = x16_select(row->tail, e, x16_set(0.0f));
        sums = x16_add(sums, e);
        if (!log)
            x[v] = e;
    }
    const float sum = x16_sum(sums);
    if (HEW_UNLIKELY(sum != sum)) {
        row_fill(row, NAN);
        return;
    }
    const f32x16 last = log ? x16_log(x16_set(sum)) : x16_set(1.0f / sum);
    HEW_UNROLL for (int v = 0; v < nv; v++) {
        const f32x16 y = log ? x16_sub(x[v], last) : x16_mul(x[v], last);
        if (v == nv - 1)
            x16_store_masked(row->tail, row->out + row->whole, y);
        else
            x16_store(row->out + 16 * v, y);
    }
}

HEW_INLINE void any_row(const bool log, const softmax_row *row)
{
    switch (row->whole < 16 * MAX_SHORT ? row->whole / 16 : SIZE_MAX) {
    case 0: short_row(log, 1, row); break;
    case 1: short_row(log, 2, row); break;
    case 2: short_row(log, 3, row); break;
    case 3: short_row(log, 4, row); break;
    case 4: short_row(log, 5, row); break;
    case 5: short_row(log, 6, row); break;
    case 6: short_row(log, 7, row); break;
    case 7: short_row(log, 8, row); break;
    default: long_row(log, row);
    }
}

static __attribute__((noinline)) void rows_of(const bool log, size_t rows, softmax_row row,
                                              size_t in_stride, size_t out_stride)
{
    for (; rows > 0; rows--, row.in += in_stride, row.out += out_stride)
        if (log)
            any_row(true, &row);
        else
            any_row(false, &row);
}

/* ------------------------------------------------------------- scales, masks, other types ---- */

/* n elements from column j on, as floats, scaled and masked; `to` may be `from`. */
HEW_INLINE void prepare(const hew_type type, const hew_softmax_rows *r, size_t j, size_t n,
                        const void *from, float *to)
{
    const f32x16 scale = x16_set(r->scale), none = x16_set(0.0f);
    const float *add = r->add ? r->add + j : NULL;
    from = x16_at(type, from, j);
    for (; n >= 16; n -= 16, to += 16, from = x16_at(type, from, 16)) {
        const f32x16 x = x16_load_type(type, from);
        x16_store(to, add ? x16_fma(x, scale, x16_load(add)) : x16_mul(x, scale));
        add = add ? add + 16 : NULL;
    }
    if (n == 0)
        return;
    const f32x16 x = x16_load_type_first(type, n, from, none);
    const mask16 lanes = x16_first(n);
    const f32x16 v = add ? x16_fma(x, scale, x16_load_masked(lanes, add, none)) : x16_mul(x, scale);
    x16_store_masked(lanes, to, v);
}

HEW_INLINE void narrow(const float *from, size_t n, void *to)
{
    for (; n >= 16; n -= 16, from += 16, to = x16_out_at(HEW_BF16, to, 16))
        x16_store_type(HEW_BF16, to, x16_load(from));
    if (n > 0)
        x16_store_type_first(HEW_BF16, n, to,
                             x16_load_masked(x16_first(n), from, x16_set(0.0f)));
}

/* Elements of a row that are not visible. */
HEW_INLINE void hide(const hew_type type, float value, void *out, size_t n)
{
    for (; n >= 16; n -= 16, out = x16_out_at(type, out, 16))
        x16_store_type(type, out, x16_set(value));
    if (n > 0)
        x16_store_type_first(type, n, out, x16_set(value));
}

/* Floats of a row on the stack.  A longer row is made of parts, each of them three times. */
enum { PART = 2048 };

static __attribute__((noinline)) void row_in_parts(const hew_softmax_rows *r, const void *in,
                                                   void *out)
{
    float part[PART];
    f32x16 max = x16_set(-INFINITY), sum = x16_set(0.0f);
    for (size_t j = 0, n; j < r->visible; j += n) {
        n = hew_min(r->visible - j, PART);
        prepare(HEW_BF16, r, j, n, in, part);
        const softmax_row row = row_of(part, part, n);
        max = x16_max(x16_set(row_max(&row)), max);
    }
    for (size_t j = 0, n; j < r->visible; j += n) {
        n = hew_min(r->visible - j, PART);
        prepare(HEW_BF16, r, j, n, in, part);
        const softmax_row row = row_of(part, part, n);
        sum = row_exp(&row, max, false, sum);
    }
    const float total = x16_sum(sum);
    const f32x16 shift = x16_log(x16_set(total)), factor = x16_set(1.0f / total);
    for (size_t j = 0, n; j < r->visible; j += n) {
        n = hew_min(r->visible - j, PART);
        prepare(HEW_BF16, r, j, n, in, part);
        const softmax_row row = row_of(part, part, n);
        if (total != total) {
            row_fill(&row, NAN);
        } else if (r->log) {
            row_shift(&row, max, shift);
        } else {
            row_exp(&row, max, true, x16_set(0.0f));
            row_scale(&row, factor);
        }
        narrow(part, n, x16_out_at(HEW_BF16, out, j));
    }
}

static __attribute__((noinline)) void bf16_row(const hew_softmax_rows *r, const void *in, void *out)
{
    float part[PART];
    prepare(HEW_BF16, r, 0, r->visible, in, part);
    rows_of(r->log, 1, row_of(part, part, r->visible), 0, 0);
    narrow(part, r->visible, out);
}

void HEW_SOFTMAX_BF16(const hew_softmax_rows *r)
{
    for (size_t i = 0; i < r->rows; i++) {
        const void *in = x16_at(HEW_BF16, r->in, i * r->in_stride);
        void *out = x16_out_at(HEW_BF16, r->out, i * r->out_stride);
        if (r->visible > PART)
            row_in_parts(r, in, out);
        else if (r->visible > 0)
            bf16_row(r, in, out);
        hide(HEW_BF16, r->log ? -INFINITY : 0.0f, x16_out_at(HEW_BF16, out, r->visible),
             r->columns - r->visible);
    }
}

void HEW_SOFTMAX_F32(const hew_softmax_rows *r)
{
    const float *in = r->in;
    float *out = r->out;
    if (r->visible == r->columns && r->columns > 0 && r->scale == 1.0f && !r->add) {
        rows_of(r->log, r->rows, row_of(in, out, r->columns), r->in_stride, r->out_stride);
        return;
    }
    for (size_t i = 0; i < r->rows; i++, in += r->in_stride, out += r->out_stride) {
        prepare(HEW_F32, r, 0, r->visible, in, out);
        if (r->visible > 0)
            rows_of(r->log, 1, row_of(out, out, r->visible), 0, 0);
        hide(HEW_F32, r->log ? -INFINITY : 0.0f, out + r->visible, r->columns - r->visible);
    }
}
