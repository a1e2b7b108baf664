/*
 * layer_norm - the definition of hew_layer_norm and of its gradients, row by row:
 *
 *     h = in, or in + residual rounded to the type
 *     mean = sum of h / n                    0 of RMS
 *     variance = sum of (h - mean)^2 / n     fused multiply-adds
 *     rstd = 1 / sqrt(variance + epsilon)
 *     out = fma((h - mean) * rstd, gamma, beta)
 *
 * A sum over a row is sixty-four chains from +0, element j in chain j % 64, added as
 * (l + (l + 16)) + ((l + 32) + (l + 48)) and then by the tree over 16.
 */
#include "ref.h"

enum { LANES = 64 };

typedef struct lanes {
    float sum[LANES];
} lanes;

static float total(const lanes *l)
{
    float s[16];
    for (size_t i = 0; i < 16; i++)
        s[i] = (l->sum[i] + l->sum[i + 16]) + (l->sum[i + 32] + l->sum[i + 48]);
    for (size_t half = 8; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            s[i] += s[i + half];
    return s[0];
}

static int64_t or_dense(int64_t stride, int64_t columns) { return stride ? stride : columns; }

void hew_layer_norm_ref(const hew_layer_norm_desc *d, const hew_layer_norm_args *a)
{
    const int64_t n = d->columns, in = or_dense(d->in_stride, n);
    const int64_t out = or_dense(d->out_stride, n), residual = or_dense(d->residual_stride, n);
    const float epsilon = d->epsilon == 0.0f ? 1e-5f : d->epsilon;
    void *const to = a->sum ? a->sum : a->out;
    const int64_t to_stride = a->sum ? residual : out;
    for (int64_t i = 0; n > 0 && i < d->rows; i++) {
        for (int64_t j = 0; a->residual && j < n; j++) {
            const float h = hew_ref_load_type(d->type, a->in, i * in + j) +
                            hew_ref_load_type(d->type, a->residual, i * residual + j);
            hew_ref_store_type(d->type, to, i * to_stride + j, h);
        }
        const void *const h = a->residual ? to : a->in;
        const int64_t row = i * (a->residual ? to_stride : in);
        lanes s = {{0}}, q = {{0}};
        for (int64_t j = 0; j < n; j++)
            s.sum[j % LANES] += hew_ref_load_type(d->type, h, row + j);
        const float mean = d->kind == HEW_RMS_NORM ? 0.0f : total(&s) / (float)n;
        for (int64_t j = 0; j < n; j++) {
            const float distance = hew_ref_load_type(d->type, h, row + j) - mean;
            q.sum[j % LANES] = fmaf(distance, distance, q.sum[j % LANES]);
        }
        const float rstd = 1.0f / sqrtf(total(&q) / (float)n + epsilon);
        for (int64_t j = 0; j < n; j++) {
            const float y = (hew_ref_load_type(d->type, h, row + j) - mean) * rstd;
            hew_ref_store_type(d->type, a->out, i * out + j,
                               fmaf(y, a->gamma ? a->gamma[j] : 1.0f,
                                    a->beta ? a->beta[j] : 0.0f));
        }
        if (a->mean && d->kind == HEW_LAYER_NORM)
            a->mean[i] = mean;
        if (a->rstd)
            a->rstd[i] = rstd;
    }
}

/*
 * With g = d_out * gamma and x = (h - mean) * rstd, whose sums over the row are as above:
 *
 *     d_in = fma(x, sum of fma(g, x) / -n, g - sum of g / n) * rstd       RMS: g alone
 *     d_gamma = sum over rows of fma(d_out, x)    d_beta = sum over rows of d_out
 *
 * Sums over rows are chains from +0 over HEW_NORM_BLOCK rows; those are added in double precision.
 */
typedef struct gradient {
    const hew_layer_norm_desc *d;
    const hew_layer_norm_backward_args *a;
    int64_t in, out, sum; /* strides */
} gradient;

static float d_out_of(const gradient *g, int64_t i, int64_t j)
{
    return hew_ref_load_type(g->d->type, g->a->d_out, i * g->out + j);
}

static float x_of(const gradient *g, int64_t i, int64_t j)
{
    const float mean = g->d->kind == HEW_RMS_NORM ? 0.0f : g->a->mean[i];
    return (hew_ref_load_type(g->d->type, g->a->in, i * g->in + j) - mean) * g->a->rstd[i];
}

static void column_gradients(const gradient *g, int64_t j)
{
    double d_gamma = 0, d_beta = 0;
    for (int64_t i = 0; i < g->d->rows;) {
        float chain_x = 0.0f, chain = 0.0f;
        const int64_t end = hew_min_i64(i + HEW_NORM_BLOCK, g->d->rows);
        for (; i < end; i++) {
            chain_x = fmaf(d_out_of(g, i, j), x_of(g, i, j), chain_x);
            chain += d_out_of(g, i, j);
        }
        d_gamma += (double)chain_x;
        d_beta += (double)chain;
    }
    if (g->a->d_gamma)
        g->a->d_gamma[j] = (float)d_gamma;
    if (g->a->d_beta)
        g->a->d_beta[j] = (float)d_beta;
}

void hew_layer_norm_backward_ref(const hew_layer_norm_desc *d,
                                 const hew_layer_norm_backward_args *a)
{
    const int64_t n = d->columns;
    const gradient g = {d, a, or_dense(d->in_stride, n), or_dense(d->out_stride, n),
                        or_dense(d->residual_stride, n)};
    for (int64_t j = 0; j < n; j++)
        column_gradients(&g, j);
    for (int64_t i = 0; n > 0 && i < d->rows; i++) {
        lanes s = {{0}}, q = {{0}};
        for (int64_t j = 0; j < n; j++) {
            const float v = d_out_of(&g, i, j) * (a->gamma ? a->gamma[j] : 1.0f);
            s.sum[j % LANES] += v;
            q.sum[j % LANES] = fmaf(v, x_of(&g, i, j), q.sum[j % LANES]);
        }
        const float shift = d->kind == HEW_RMS_NORM ? 0.0f : total(&s) / (float)n;
        const float slope = total(&q) / (float)-n;
        for (int64_t j = 0; j < n; j++) {
            const float v = d_out_of(&g, i, j) * (a->gamma ? a->gamma[j] : 1.0f);
            float dx = fmaf(x_of(&g, i, j), slope, v - shift) * a->rstd[i];
            if (a->d_sum)
                dx += hew_ref_load_type(d->type, a->d_sum, i * g.sum + j);
            hew_ref_store_type(d->type, a->d_in, i * g.in + j, dx);
        }
    }
}
