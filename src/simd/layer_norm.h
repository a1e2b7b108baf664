/*
 * layer_norm - rows with statistics of their own, layer and RMS norm: src/ref/layer_norm.c.
 *
 * The including file has its narrow.h included first and defines HEW_LAYER_NORM_FORWARD, the
 * kernel's name.
 *
 * A row is read once from memory and then from the L1 cache: for the mean, where the residual is
 * added; for the variance; for the result.  The latter is made for several rows at a time, which
 * share the loads of gamma and beta; what then bounds it are stores.  RMS is a mean of 0, which
 * changes nothing by being subtracted.
 */
#include <math.h>

#include "kernels_norm.h"
#include "norm_typed.h"

enum {
    NORM_ROWS = X16_REGISTERS / 8, /* that share gamma and beta */
    NORM_SHORT = 1536              /* columns of rows that stay in L1 so many at a time */
};

/* The sum of in, or with `add` of in + residual, which goes to h. */
HEW_INLINE f32x16 norm_h(const hew_type type, const bool add, size_t n, const char *in,
                         const char *residual, char *h, size_t j)
{
    f32x16 x = norm_load(type, n, in, j);
    if (add) {
        x = norm_rounded(type, x16_add(x, norm_load(type, n, residual, j)));
        norm_store(type, n, h, j, x);
    }
    return x;
}

HEW_INLINE float norm_sum(const hew_type type, const bool add, size_t n, const char *in,
                          const char *residual, char *h)
{
    norm_lanes s = norm_no_lanes();
    size_t j = 0;
    for (; j + 64 <= n; j += 64)
        HEW_UNROLL for (size_t i = 0; i < 4; i++)
            s.v[i] =
                x16_add(s.v[i], norm_h(type, add, SIZE_MAX, in, residual, h, j + 16 * i));
    for (int i = 0; j < n || i % 4 != 0; i++, j += 16, s = norm_turn(s))
        if (j < n)
            s.v[0] = x16_add(s.v[0], norm_h(type, add, n, in, residual, h, j));
    return norm_lanes_sum(&s);
}

/* The sum of the squared distances from the mean.  The row is in the cache, so that memory is free
 * to fetch the `next` one. */
HEW_INLINE float norm_squares(const hew_type type, size_t n, const char *h, float mean,
                              const char *next)
{
    const f32x16 means = x16_set(mean);
    norm_lanes s = norm_no_lanes();
    size_t j = 0;
    for (; j + 64 <= n; j += 64) {
        for (size_t i = 0; i < 64; i += 64 / x16_type_bytes(type))
            __builtin_prefetch(x16_at(type, next, j + i));
        HEW_UNROLL for (size_t i = 0; i < 4; i++) {
            const f32x16 x = x16_sub(norm_load(type, SIZE_MAX, h, j + 16 * i), means);
            s.v[i] = x16_fma(x, x, s.v[i]);
        }
    }
    for (int i = 0; j < n || i % 4 != 0; i++, j += 16, s = norm_turn(s))
        if (j < n) {
            const f32x16 x = x16_sub(norm_load(type, n, h, j), means);
            s.v[0] = x16_select(x16_first(n - j), x16_fma(x, x, s.v[0]), s.v[0]);
        }
    return norm_lanes_sum(&s);
}

typedef struct norm_statistics {
    float mean, rstd;
} norm_statistics;

HEW_INLINE norm_statistics norm_row(const hew_type type, const hew_norm_rows *r, size_t i)
{
    const char *h = (const char *)r->in + i * r->in_stride;
    const char *const next = h + (i + 1 < r->rows ? r->in_stride : 0);
    const float n = (float)r->n;
    float mean = 0.0f;
    if (r->residual) {
        const char *const residual = (const char *)r->residual + i * r->residual_stride;
        char *const to = (char *)r->h + i * r->h_stride;
        mean = norm_sum(type, true, r->n, h, residual, to) / n;
        h = to;
    } else if (r->kind == HEW_LAYER_NORM) {
        mean = norm_sum(type, false, r->n, h, NULL, NULL) / n;
    }
    if (r->kind == HEW_RMS_NORM)
        mean = 0.0f;
    return (norm_statistics){
        mean, 1.0f / sqrtf(norm_squares(type, r->n, h, mean, next) / n + r->epsilon)};
}

HEW_INLINE f32x16 norm_result(const norm_statistics *s, f32x16 x, f32x16 gamma, f32x16 beta)
{
    const f32x16 distance = x16_sub(x, x16_set(s->mean));
    return x16_fma(x16_mul(distance, x16_set(s->rstd)), gamma, beta);
}

/* The results of `rows` rows, in whole registers up to n; the rest of a row is norm_tail's. */
HEW_INLINE void norm_apply(const hew_type type, const int rows, const hew_norm_rows *r,
                           const norm_statistics *s, const char *h, size_t h_stride, char *out)
{
    const norm_floats gammas = norm_floats_or(r->gamma, norm_ones);
    const norm_floats betas = norm_floats_or(r->beta, norm_zeros);
    for (size_t j = 0; j + 16 <= r->n; j += 16) {
        const f32x16 gamma = norm_floats_at(&gammas, SIZE_MAX, j);
        const f32x16 beta = norm_floats_at(&betas, SIZE_MAX, j);
        HEW_UNROLL for (int i = 0; i < rows; i++) {
            const f32x16 x = x16_load_type(type, x16_at(type, h + (size_t)i * h_stride, j));
            norm_give(type, r->stream, out + (size_t)i * r->out_stride, j,
                      norm_result(&s[i], x, gamma, beta));
        }
    }
}

HEW_INLINE void norm_tail(const hew_type type, const hew_norm_rows *r, const norm_statistics *s,
                          const char *h, char *out)
{
    const size_t j = r->n / 16 * 16;
    const norm_floats gamma = norm_floats_or(r->gamma, norm_ones);
    const norm_floats beta = norm_floats_or(r->beta, norm_zeros);
    if (j < r->n)
        norm_store(type, r->n, out, j,
                   norm_result(s, norm_load(type, r->n, h, j), norm_floats_at(&gamma, r->n, j),
                               norm_floats_at(&beta, r->n, j)));
}

HEW_INLINE void norm_rows(const hew_type type, const hew_norm_rows *r)
{
    const size_t h_stride = r->residual ? r->h_stride : r->in_stride;
    const char *h = r->residual ? r->h : r->in;
    char *out = r->out;
    /* Rows a page apart would meet in one set of the L1 cache. */
    const bool apart = h_stride % 4096 != 0 && r->out_stride % 4096 != 0;
    const size_t at_once = r->n <= NORM_SHORT && apart && !r->stream ? NORM_ROWS : 1;
    size_t count;
    for (size_t i = 0; i < r->rows; i += count) {
        norm_statistics s[NORM_ROWS];
        count = r->rows - i < at_once ? 1 : at_once;
        for (size_t k = 0; k < count; k++) {
            s[k] = norm_row(type, r, i + k);
            if (r->mean && r->kind == HEW_LAYER_NORM)
                r->mean[i + k] = s[k].mean;
            if (r->rstd)
                r->rstd[i + k] = s[k].rstd;
        }
        if (count == 1)
            norm_apply(type, 1, r, s, h, h_stride, out);
        else
            norm_apply(type, NORM_ROWS, r, s, h, h_stride, out);
        for (size_t k = 0; k < count; k++, h += h_stride, out += r->out_stride)
            norm_tail(type, r, &s[k], h, out);
    }
    if (r->stream)
        _mm_sfence();
}

#define NORM_TYPE(name, type)                                                                      \
    static __attribute__((noinline)) void name(const hew_norm_rows *r) { norm_rows(type, r); }
NORM_TYPE(norm_f32, HEW_F32)
NORM_TYPE(norm_bf16, HEW_BF16)
NORM_TYPE(norm_f16, HEW_F16)

void HEW_LAYER_NORM_FORWARD(const hew_norm_rows *r)
{
    (r->type == HEW_F32 ? norm_f32 : r->type == HEW_BF16 ? norm_bf16 : norm_f16)(r);
}
