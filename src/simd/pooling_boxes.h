/*
 * pooling_boxes - windows walked pixel by pixel, for floats of any storage type: powers of them
 * summed up, or the largest with its number; and the gradients.  Contracts: kernels_pooling.h.
 *
 * The including file has its narrow.h included first and defines the kernels' names:
 * HEW_KERNEL_LP, HEW_KERNEL_INDEX, HEW_KERNEL_GRAD and HEW_KERNEL_LP_GRAD.
 *
 * Some registers of channels go over the pixels of a window, or over the windows of a pixel, and
 * are stored once.  Bound by loads where the power is small; the root costs three divisions a
 * register of results.  Channels that fill no register are masked.
 */
#include <math.h>

#include "kernels_pooling.h"
#include "math.h"
#include "strip.h"

enum { BOX_WIDE = X16_REGISTERS / 8 };

HEW_INLINE i32x16 box_load_int(const strip_lanes l, const int32_t *p, int v)
{
    return l.count == 16 ? x16_load_int(p + 16 * v) : x16_load_int_first(l.count, p);
}

HEW_INLINE void box_store_int(const strip_lanes l, int32_t *p, int v, i32x16 x)
{
    const f32x16 bits = x16_from_bits(x);
    if (l.count == 16)
        x16_store((float *)(void *)(p + 16 * v), bits);
    else
        x16_store_masked(x16_first(l.count), (float *)(void *)p, bits);
}

HEW_INLINE f32x16 one_nan(f32x16 x) { return x16_select(x16_unordered(x, x), x16_set(NAN), x); }

/* ------------------------------------------------------------------------------------ lp ---- */

HEW_INLINE f32x16 add_power(f32x16 sum, f32x16 x, int power)
{
    const f32x16 size = x16_from_bits(x16_and_int(x16_bits(x), x16_set_int(INT32_MAX)));
    f32x16 factor = power > 1 ? size : x16_set(1.0f);
    for (int i = 2; i < power; i++)
        factor = x16_mul(factor, size);
    return x16_fma(factor, size, sum);
}

/* ref_root. */
HEW_INLINE f32x16 x16_root(f32x16 s, int p)
{
    if (p <= 2)
        return p == 1 ? s : x16_sqrt(s);
    const int u = (23 + p) / p;
    const mask16 is_small = x16_less(s, x16_set(0x1p-100f));
    const f32x16 up = x16_from_bits(x16_set_int((127 + p * u) << 23));
    const f32x16 down = x16_from_bits(x16_set_int((127 - u) << 23));
    const f32x16 large = x16_select(is_small, x16_mul(s, up), s);
    const float inverse = 1.0f / (float)p, one = POLY_ROOT_ONE - inverse * POLY_ROOT_ONE;
    f32x16 y = x16_from_bits(x16_truncate(
        x16_fma(x16_to_float(x16_bits(large)), x16_set(inverse), x16_set(one))));
    for (int i = 0; i < 3; i++) {
        f32x16 power = y;
        for (int k = 2; k < p; k++)
            power = x16_mul(power, y);
        y = x16_fma(x16_sub(x16_div(large, power), y), x16_set(inverse), y);
    }
    y = x16_select(is_small, x16_mul(y, down), y);
    const f32x16 none = x16_select(x16_less(s, x16_set(INFINITY)), y, s);
    return x16_select(x16_less(x16_set(0.0f), s), none, s);
}

HEW_INLINE void lp_strip(const hew_type type, const strip_lanes l, const hew_pooling_block *b,
                         const void *in, void *out)
{
    f32x16 sum[BOX_WIDE];
    HEW_UNROLL for (int v = 0; v < l.nb; v++)
        sum[v] = x16_set(0.0f);
    for (size_t d = 0; d < b->box[0]; d++)
        for (size_t h = 0; h < b->box[1]; h++) {
            const void *p = x16_at(type, in, d * b->step[0] + h * b->step[1]);
            for (size_t w = 0; w < b->box[2]; w++, p = x16_at(type, p, b->step[2]))
                HEW_UNROLL for (int v = 0; v < l.nb; v++)
                    sum[v] = add_power(sum[v], strip_load(type, l, p, v), b->power);
        }
    for (int v = 0; v < l.nb; v++)
        strip_store(type, l, out, v, one_nan(x16_root(sum[v], b->power)));
}

/* --------------------------------------------------------------------------------- index ---- */

HEW_INLINE void index_strip(const hew_type type, const strip_lanes l, const hew_pooling_block *b,
                            const void *in, int32_t first, void *out, int32_t *index)
{
    const bool empty = b->box[0] == 0 || b->box[1] == 0 || b->box[2] == 0;
    f32x16 max[BOX_WIDE], where[BOX_WIDE]; /* integers as bits */
    HEW_UNROLL for (int v = 0; v < l.nb; v++) {
        max[v] = empty ? x16_set(-INFINITY) : strip_load(type, l, in, v);
        where[v] = x16_from_bits(x16_set_int(empty ? -1 : first));
    }
    for (size_t d = 0; d < b->box[0]; d++)
        for (size_t h = 0; h < b->box[1]; h++) {
            const size_t row = d * b->step[0] + h * b->step[1];
            int32_t number = first + (int32_t)(row / b->in_pixel);
            const int32_t step = (int32_t)(b->step[2] / b->in_pixel);
            const void *p = x16_at(type, in, row);
            for (size_t w = 0; w < b->box[2]; w++, number += step, p = x16_at(type, p, b->step[2]))
                HEW_UNROLL for (int v = 0; v < l.nb; v++) {
                    const f32x16 x = strip_load(type, l, p, v);
                    const mask16 more = x16_or(x16_less(max[v], x), x16_unordered(x, x));
                    const mask16 take = x16_and_not(more, x16_unordered(max[v], max[v]));
                    where[v] = x16_select(take, x16_from_bits(x16_set_int(number)), where[v]);
                    max[v] = x16_select(take, x, max[v]);
                }
        }
    HEW_UNROLL for (int v = 0; v < l.nb; v++) {
        strip_store(type, l, out, v, max[v]);
        box_store_int(l, index, v, x16_bits(where[v]));
    }
}

/* A strip of channels of one output pixel. */
HEW_INLINE void strip(const hew_type type, const strip_lanes l, const hew_pooling_block *b,
                      const void *in, int32_t first, void *out, int32_t *index)
{
    if (index)
        index_strip(type, l, b, in, first, out, index);
    else
        lp_strip(type, l, b, in, out);
}

HEW_INLINE void boxes(const hew_type type, const bool indexed, const hew_pooling_block *b)
{
    for (size_t y = 0; y < b->rows; y++)
        for (size_t x = 0; x < b->pixels; x++) {
            const size_t from = y * b->in_row + x * b->in_step;
            const int32_t first = b->first + (int32_t)(from / b->in_pixel);
            const void *in = x16_at(type, b->in, from);
            void *out = x16_out_at(type, b->out, y * b->out_row + x * b->out_step);
            int32_t *index = indexed ? b->index + y * b->index_row + x * b->index_step : NULL;
            size_t c = 0;
            for (; c + 16 * BOX_WIDE <= b->channels; c += 16 * BOX_WIDE)
                strip(type, (strip_lanes){BOX_WIDE, 16}, b, x16_at(type, in, c), first,
                      x16_out_at(type, out, c), indexed ? index + c : NULL);
            for (; c < b->channels; c += 16)
                strip(type, (strip_lanes){1, hew_min(b->channels - c, 16)}, b, x16_at(type, in, c),
                      first, x16_out_at(type, out, c), indexed ? index + c : NULL);
        }
}

void HEW_KERNEL_LP(const hew_pooling_block *b)
{
    if (b->type == HEW_F32)
        boxes(HEW_F32, false, b);
    else
        boxes(HEW_BF16, false, b);
}

void HEW_KERNEL_INDEX(const hew_pooling_block *b)
{
    if (b->type == HEW_F32)
        boxes(HEW_F32, true, b);
    else
        boxes(HEW_BF16, true, b);
}

/* ----------------------------------------------------------------------------- gradients ---- */

/* Channels from c on of a pixel with the terms [t, end). */
HEW_INLINE void grad_strip(const hew_type type, const bool max, const strip_lanes l,
                           const hew_pooling_grad *g, const hew_pooling_term *t,
                           const hew_pooling_term *end, size_t pixel, size_t c)
{
    f32x16 sum[BOX_WIDE];
    HEW_UNROLL for (int v = 0; v < l.nb; v++)
        sum[v] = g->resumed ? strip_load(HEW_F32, l, g->carry + c, v) : x16_set(0.0f);
    const i32x16 number = x16_set_int(g->first + (int32_t)pixel);
    for (; t < end; t++) {
        const void *out = x16_at(type, g->out, t->pixel * g->out_step + c);
        const int32_t *index = max ? g->index + t->pixel * g->index_step + c : NULL;
        HEW_UNROLL for (int v = 0; v < l.nb; v++) {
            const f32x16 x = strip_load(type, l, out, v);
            if (max) {
                const mask16 mine = x16_equal_int(box_load_int(l, index, v), number);
                sum[v] = x16_add(sum[v], x16_select(mine, x, x16_set(0.0f)));
            } else {
                sum[v] = x16_fma(x, x16_set(t->factor), sum[v]);
            }
        }
    }
    if (g->suspended) {
        HEW_UNROLL for (int v = 0; v < l.nb; v++)
            strip_store(HEW_F32, l, g->carry + c, v, sum[v]);
        return;
    }
    void *in = x16_out_at(type, g->in, pixel * g->in_step + c);
    HEW_UNROLL for (int v = 0; v < l.nb; v++)
        strip_store(type, l, in, v, one_nan(sum[v]));
}

HEW_INLINE void grads(const hew_type type, const bool max, const hew_pooling_grad *all)
{
    const hew_pooling_grad own = *all, *const g = &own; /* which no store can change */
    const hew_pooling_term *begin = g->terms;
    for (size_t i = 0; i < g->pixels; i++) {
        const hew_pooling_term *const end = g->terms + g->ends[i];
        size_t c = 0;
        for (; c + 16 * BOX_WIDE <= g->channels; c += 16 * BOX_WIDE)
            grad_strip(type, max, (strip_lanes){BOX_WIDE, 16}, g, begin, end, i, c);
        for (; c + 16 <= g->channels; c += 16)
            grad_strip(type, max, (strip_lanes){1, 16}, g, begin, end, i, c);
        if (c < g->channels)
            grad_strip(type, max, (strip_lanes){1, g->channels - c}, g, begin, end, i, c);
        begin = end;
    }
}

void HEW_KERNEL_GRAD(const hew_pooling_grad *g)
{
    if (g->type == HEW_F32 && g->max)
        grads(HEW_F32, true, g);
    else if (g->type == HEW_F32)
        grads(HEW_F32, false, g);
    else if (g->max)
        grads(HEW_BF16, true, g);
    else
        grads(HEW_BF16, false, g);
}

/* --------------------------------------------------------------------------- lp gradients ---- */

HEW_INLINE f32x16 lp_term(f32x16 sum, f32x16 dy, f32x16 y, f32x16 size, int power)
{
    const f32x16 r = x16_div(size, y);
    f32x16 factor = power > 1 ? r : x16_set(1.0f);
    for (int i = 2; i < power; i++)
        factor = x16_mul(factor, r);
    return x16_select(x16_equal(y, x16_set(0.0f)), sum, x16_fma(dy, factor, sum));
}

HEW_INLINE void lp_grad_strip(const hew_type type, const strip_lanes l, const hew_pooling_grad *g,
                              size_t pixel, size_t c)
{
    const f32x16 zero = x16_set(0.0f);
    const f32x16 x = strip_load(type, l, x16_at(type, g->x, pixel * g->in_step + c), 0);
    const f32x16 size = x16_from_bits(x16_and_int(x16_bits(x), x16_set_int(INT32_MAX)));
    f32x16 sum = g->resumed ? strip_load(HEW_F32, l, g->carry + c, 0) : zero;
    for (uint32_t t = pixel ? g->ends[pixel - 1] : 0; t < g->ends[pixel]; t++) {
        const size_t at = g->terms[t].pixel * g->out_step + c;
        sum = lp_term(sum, strip_load(type, l, x16_at(type, g->out, at), 0),
                      strip_load(type, l, x16_at(type, g->y, at), 0), size, g->power);
    }
    if (g->suspended) {
        strip_store(HEW_F32, l, g->carry + c, 0, sum);
        return;
    }
    const f32x16 whole = x16_select(x16_equal(x, zero), zero, x); /* where x is 0 or NaN */
    const f32x16 up = x16_select(x16_less(zero, x), sum, whole);
    const f32x16 signed_sum = x16_select(x16_less(x, zero), x16_neg(sum), up);
    strip_store(type, l, x16_out_at(type, g->in, pixel * g->in_step + c), 0, one_nan(signed_sum));
}

HEW_INLINE void lp_grads(const hew_type type, const hew_pooling_grad *g)
{
    for (size_t i = 0; i < g->pixels; i++)
        for (size_t c = 0; c < g->channels; c += 16)
            lp_grad_strip(type, (strip_lanes){1, hew_min(g->channels - c, 16)}, g, i, c);
}

void HEW_KERNEL_LP_GRAD(const hew_pooling_grad *g)
{
    if (g->type == HEW_F32)
        lp_grads(HEW_F32, g);
    else
        lp_grads(HEW_BF16, g);
}
