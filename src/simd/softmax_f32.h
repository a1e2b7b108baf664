/*
 * softmax_f32 - exp(x - max) / sum, or x - max - log(sum), of each row: src/ref/softmax_f32.c.
 *
 * The including file has its simd.h included first and defines HEW_SOFTMAX_F32, the kernel's name.
 *
 * Three passes over a row, the second and third of which find it in the cache: the maximum; the
 * exponentials, which are stored, and their sum; the division, as a product with 1 / sum.  Rows of
 * a few registers stay in them.  Bound by the second pass: 15 operations for 16 elements.
 * The sum is one chain a lane.  Tails are masked: -inf in the maximum, nothing in the sum.
 */
#include <math.h>

#include "kernels_softmax.h"
#include "math.h"

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

/* The sum of the exponentials, which go to out if they are wanted. */
HEW_INLINE float row_exp(const softmax_row *row, f32x16 max, const bool store)
{
    f32x16 sum = x16_set(0.0f);
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
    return x16_sum(x16_add(sum, x16_select(row->tail, e, x16_set(0.0f))));
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
    const float sum = row_exp(row, max, !log);
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

HEW_INLINE void softmax_rows(const bool log, size_t rows, size_t columns, const float *in,
                             size_t in_stride, float *out, size_t out_stride)
{
    const size_t whole = (columns - 1) / 16 * 16;
    softmax_row row = {in, out, whole, x16_first(columns - whole)};
    for (; rows > 0; rows--, row.in += in_stride, row.out += out_stride)
        switch (whole < 16 * MAX_SHORT ? whole / 16 : SIZE_MAX) {
        case 0: short_row(log, 1, &row); break;
        case 1: short_row(log, 2, &row); break;
        case 2: short_row(log, 3, &row); break;
        case 3: short_row(log, 4, &row); break;
        case 4: short_row(log, 5, &row); break;
        case 5: short_row(log, 6, &row); break;
        case 6: short_row(log, 7, &row); break;
        case 7: short_row(log, 8, &row); break;
        default: long_row(log, &row);
        }
}

void HEW_SOFTMAX_F32(bool log, size_t rows, size_t columns, const float *in, size_t in_stride,
                     float *out, size_t out_stride)
{
    if (columns == 0)
        return;
    if (log)
        softmax_rows(true, rows, columns, in, in_stride, out, out_stride);
    else
        softmax_rows(false, rows, columns, in, in_stride, out, out_stride);
}
