/*
 * channel_norm_backward - sums over pixels for the gradients of channels, and
 * channel_norm_backward_apply, the gradients of pixels: src/ref/channel_norm_backward.c and
 * kernels_norm.h.
 *
 * The including file has its narrow.h included first and defines HEW_CHANNEL_NORM_BACKWARD and
 * HEW_CHANNEL_NORM_BACKWARD_APPLY, the kernels' names.
 *
 * Bound by memory: two or three tensors are read for the sums, and again for the gradients.
 */
#include "kernels_norm.h"
#include "norm_typed.h"

/* d_out of channels j to j + 15, or zeros where y is there and not over 0. */
HEW_INLINE f32x16 gradient_at(const hew_type type, size_t n, const char *d_out, const char *y,
                              size_t j)
{
    const f32x16 g = norm_load(type, n, d_out, j), zero = x16_set(0.0f);
    return y ? x16_select(x16_less(zero, norm_load(type, n, y, j)), g, zero) : g;
}

/* Adds pixel `row` to a chain of each sum. */
HEW_INLINE void gradient_terms(const hew_type type, size_t n, const hew_norm_part *p, size_t row,
                               size_t j, f32x16 mean, f32x16 *s, f32x16 *t)
{
    const char *const y = p->out ? (const char *)p->out + row * p->out_stride : NULL;
    const f32x16 g =
        gradient_at(type, n, (const char *)p->d_out + row * p->out_stride, y, j);
    const f32x16 d =
        x16_sub(norm_load(type, n, (const char *)p->in + row * p->in_stride, j), mean);
    *s = x16_add(*s, g);
    *t = x16_fma(g, d, *t);
}

/* A block of pixels from `row` on. */
HEW_INLINE void gradient_block(const hew_type type, size_t n, const hew_norm_part *p, size_t row,
                               size_t rows, size_t j)
{
    const f32x16 mean = norm_load(HEW_F32, n, p->mean, j);
    norm_lanes s = norm_no_lanes(), t = norm_no_lanes();
    size_t i = 0;
    for (; n == SIZE_MAX && i + 4 <= rows; i += 4)
        HEW_UNROLL for (size_t k = 0; k < 4; k++)
            gradient_terms(type, n, p, row + i + k, j, mean, &s.v[k], &t.v[k]);
    for (; i < rows || i % 4 != 0; i++, s = norm_turn(s), t = norm_turn(t))
        if (i < rows)
            gradient_terms(type, n, p, row + i, j, mean, &s.v[0], &t.v[0]);
    f32x16 a = x16_add(x16_add(s.v[0], s.v[1]), x16_add(s.v[2], s.v[3]));
    f32x16 b = x16_add(x16_add(t.v[0], t.v[1]), x16_add(t.v[2], t.v[3]));
    if (row > 0) {
        a = x16_add(norm_load(HEW_F32, n, p->a, j), a);
        b = x16_add(norm_load(HEW_F32, n, p->b, j), b);
    }
    norm_store(HEW_F32, n, p->a, j, a);
    norm_store(HEW_F32, n, p->b, j, b);
}

HEW_INLINE void gradient_part(const hew_type type, const hew_norm_part *p)
{
    for (size_t row = 0; row < p->rows; row += HEW_NORM_ROWS) {
        const size_t rows = hew_min(p->rows - row, HEW_NORM_ROWS), next = row + HEW_NORM_ROWS;
        const bool more = !p->cached && next + HEW_NORM_ROWS <= p->rows;
        norm_ahead in = norm_ahead_of(
            type, more ? (const char *)p->in + next * p->in_stride : NULL, p->in_stride, p->n);
        norm_ahead d_out = norm_ahead_of(
            type, more ? (const char *)p->d_out + next * p->out_stride : NULL, p->out_stride, p->n);
        norm_ahead out = norm_ahead_of(
            type, more && p->out ? (const char *)p->out + next * p->out_stride : NULL,
            p->out_stride, p->n);
        size_t j = 0;
        for (; j + 16 <= p->n; j += 16) {
            const int lines = type == HEW_F32 ? HEW_NORM_ROWS : HEW_NORM_ROWS / 2;
            norm_fetch(&in, lines);
            norm_fetch(&d_out, lines);
            norm_fetch(&out, lines);
            gradient_block(type, SIZE_MAX, p, row, rows, j);
        }
        if (j < p->n)
            gradient_block(type, p->n, p, row, rows, j);
    }
}

/* Channels j to j + 15 of n, of `rows` pixels. */
HEW_INLINE void gradient_results(const hew_type type, const int rows, size_t n,
                                 const hew_norm_apply_back *p, size_t row, size_t j)
{
    const f32x16 scale = norm_load(HEW_F32, n, p->scale, j);
    f32x16 mean = scale, slope = scale, shift = scale;
    if (p->in) {
        mean = norm_load(HEW_F32, n, p->mean, j);
        slope = norm_load(HEW_F32, n, p->slope, j);
        shift = norm_load(HEW_F32, n, p->shift, j);
    }
    HEW_UNROLL for (size_t i = row; i < row + (size_t)rows; i++)
    {
        const char *const y = p->out ? (const char *)p->out + i * p->out_stride : NULL;
        const f32x16 g =
            gradient_at(type, n, (const char *)p->d_out + i * p->out_stride, y, j);
        if (p->d_residual)
            norm_store(type, n, (char *)p->d_residual + i * p->residual_stride, j, g);
        f32x16 v = x16_mul(g, scale);
        if (p->in) {
            const f32x16 x = norm_load(type, n, (const char *)p->in + i * p->in_stride, j);
            v = x16_fma(g, scale, x16_fma(x16_sub(x, mean), slope, shift));
        }
        char *const d_in = (char *)p->d_in + i * p->in_stride;
        if (n == SIZE_MAX)
            norm_give(type, p->stream, d_in, j, v);
        else
            norm_store(type, n, d_in, j, v);
    }
}

HEW_INLINE void gradient_apply(const hew_type type, const hew_norm_apply_back *p)
{
    enum { ROWS = 4 };
    const size_t whole = p->n / 16 * 16;
    size_t i = 0;
    for (; p->cached && i + ROWS <= p->rows; i += ROWS)
        for (size_t j = 0; j < whole; j += 16)
            gradient_results(type, ROWS, SIZE_MAX, p, i, j);
    for (size_t k = 0; k < p->rows; k++) {
        size_t j = k < i ? whole : 0;
        for (; j < whole; j += 16)
            gradient_results(type, 1, SIZE_MAX, p, k, j);
        if (j < p->n)
            gradient_results(type, 1, p->n, p, k, j);
    }
    if (p->stream)
        _mm_sfence();
}

#define GRADIENT_TYPE(name, type)                                                                  \
    static __attribute__((noinline)) void gradient_part_##name(const hew_norm_part *p)             \
    {                                                                                              \
        gradient_part(type, p);                                                                    \
    }                                                                                              \
    static __attribute__((noinline)) void gradient_apply_##name(const hew_norm_apply_back *p)      \
    {                                                                                              \
        gradient_apply(type, p);                                                                   \
    }
GRADIENT_TYPE(f32, HEW_F32)
GRADIENT_TYPE(bf16, HEW_BF16)
GRADIENT_TYPE(f16, HEW_F16)

void HEW_CHANNEL_NORM_BACKWARD(const hew_norm_part *p)
{
    (p->type == HEW_F32    ? gradient_part_f32
     : p->type == HEW_BF16 ? gradient_part_bf16
                           : gradient_part_f16)(p);
}

void HEW_CHANNEL_NORM_BACKWARD_APPLY(const hew_norm_apply_back *p)
{
    (p->type == HEW_F32    ? gradient_apply_f32
     : p->type == HEW_BF16 ? gradient_apply_bf16
                           : gradient_apply_f16)(p);
}
