/*
 * layer_norm_backward - the gradients of rows with statistics of their own: src/ref/layer_norm.c.
 *
 * The including file has its narrow.h included first and defines HEW_LAYER_NORM_BACKWARD, the
 * kernel's name.
 *
 * A row and its gradient are read once from memory for their two sums, and then from the cache.
 * Several rows at a time go into d_gamma and d_beta, which stay in the cache for a block of rows.
 * RMS has a mean and a shift of 0, which change nothing by being subtracted.
 */
#include "kernels_norm.h"
#include "norm_typed.h"

enum { BACK_ROWS = X16_REGISTERS / 8, BACK_SHORT = 1024 };

/* A row: x = (in - mean) * rstd; d_in = (x * slope + (d_out * gamma - shift)) * rstd. */
typedef struct norm_row_back {
    const char *in, *d_out, *d_sum;
    char *d_in;
    float mean, rstd, shift, slope;
} norm_row_back;

HEW_INLINE f32x16 back_x(const hew_type type, size_t n, const norm_row_back *row, size_t j)
{
    const f32x16 distance = x16_sub(norm_load(type, n, row->in, j), x16_set(row->mean));
    return x16_mul(distance, x16_set(row->rstd));
}

HEW_INLINE void back_statistics(const hew_type type, size_t n, bool rms, const norm_floats *gamma,
                                norm_row_back *row)
{
    norm_lanes s = norm_no_lanes(), q = norm_no_lanes();
    size_t j = 0;
    for (; j + 64 <= n; j += 64)
        HEW_UNROLL for (size_t i = 0; i < 4; i++) {
            const size_t k = j + 16 * i;
            const f32x16 v = x16_mul(norm_load(type, SIZE_MAX, row->d_out, k),
                                     norm_floats_at(gamma, SIZE_MAX, k));
            s.v[i] = x16_add(s.v[i], v);
            q.v[i] = x16_fma(v, back_x(type, SIZE_MAX, row, k), q.v[i]);
        }
    for (int i = 0; j < n || i % 4 != 0; i++, j += 16, s = norm_turn(s), q = norm_turn(q))
        if (j < n) {
            const f32x16 v =
                x16_mul(norm_load(type, n, row->d_out, j), norm_floats_at(gamma, n, j));
            const f32x16 product = x16_fma(v, back_x(type, n, row, j), q.v[0]);
            s.v[0] = x16_select(x16_first(n - j), x16_add(s.v[0], v), s.v[0]);
            q.v[0] = x16_select(x16_first(n - j), product, q.v[0]);
        }
    row->shift = rms ? 0.0f : norm_lanes_sum(&s) / (float)n;
    row->slope = norm_lanes_sum(&q) / (float)-(int64_t)n;
}

/* Columns j to j + 15 of `rows` rows, of n: d_in, and what they add to d_gamma and d_beta. */
HEW_INLINE void back_columns(const hew_type type, const int rows, size_t n,
                             const norm_row_back *row, const hew_norm_rows_back *r,
                             const norm_floats *gammas, size_t j)
{
    const f32x16 gamma = norm_floats_at(gammas, n, j);
    f32x16 d_gamma = norm_load(HEW_F32, n, r->d_gamma, j);
    f32x16 d_beta = norm_load(HEW_F32, n, r->d_beta, j);
    HEW_UNROLL for (int i = 0; i < rows; i++) {
        const f32x16 x = back_x(type, n, &row[i], j);
        const f32x16 d_out = norm_load(type, n, row[i].d_out, j);
        d_gamma = x16_fma(d_out, x, d_gamma);
        d_beta = x16_add(d_beta, d_out);
        f32x16 v = x16_sub(x16_mul(d_out, gamma), x16_set(row[i].shift));
        v = x16_mul(x16_fma(x, x16_set(row[i].slope), v), x16_set(row[i].rstd));
        if (row[i].d_sum)
            v = x16_add(v, norm_load(type, n, row[i].d_sum, j));
        if (n == SIZE_MAX)
            norm_give(type, r->stream, row[i].d_in, j, v);
        else
            norm_store(type, n, row[i].d_in, j, v);
    }
    norm_store(HEW_F32, n, r->d_gamma, j, d_gamma);
    norm_store(HEW_F32, n, r->d_beta, j, d_beta);
}

HEW_INLINE void back_rows(const hew_type type, const hew_norm_rows_back *r)
{
    const norm_floats gamma = norm_floats_or(r->gamma, norm_ones);
    const bool rms = r->kind == HEW_RMS_NORM;
    const size_t n = r->n, whole = n / 16 * 16, at_once = n <= BACK_SHORT ? BACK_ROWS : 1;
    for (size_t j = 0; j < n; j++)
        r->d_gamma[j] = r->d_beta[j] = 0.0f;
    size_t count;
    for (size_t first = 0; first < r->rows; first += count) {
        norm_row_back row[BACK_ROWS];
        count = r->rows - first < at_once ? 1 : at_once;
        for (size_t k = 0; k < count; k++) {
            const size_t i = first + k;
            row[k] = (norm_row_back){
                .in = (const char *)r->in + i * r->in_stride,
                .d_out = (const char *)r->d_out + i * r->out_stride,
                .d_sum = r->d_sum ? (const char *)r->d_sum + i * r->residual_stride : NULL,
                .d_in = (char *)r->d_in + i * r->in_stride,
                .mean = rms ? 0.0f : r->mean[i],
                .rstd = r->rstd[i],
            };
            back_statistics(type, n, rms, &gamma, &row[k]);
        }
        for (size_t j = 0; count == 1 && j < whole; j += 16)
            back_columns(type, 1, SIZE_MAX, row, r, &gamma, j);
        for (size_t j = 0; count > 1 && j < whole; j += 16)
            back_columns(type, BACK_ROWS, SIZE_MAX, row, r, &gamma, j);
        for (size_t k = 0; whole < n && k < count; k++)
            back_columns(type, 1, n, &row[k], r, &gamma, whole);
    }
    if (r->stream)
        _mm_sfence();
}

#define BACK_TYPE(name, type)                                                                      \
    static __attribute__((noinline)) void name(const hew_norm_rows_back *r) { back_rows(type, r); }
BACK_TYPE(back_f32, HEW_F32)
BACK_TYPE(back_bf16, HEW_BF16)
BACK_TYPE(back_f16, HEW_F16)

void HEW_LAYER_NORM_BACKWARD(const hew_norm_rows_back *r)
{
    (r->type == HEW_F32 ? back_f32 : r->type == HEW_BF16 ? back_bf16 : back_f16)(r);
}
