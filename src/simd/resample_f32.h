/*
 * resample_f32 - weighted sums of a few rows, pixels or floats: src/ref/resample_f32.c.
 *
 * The including file has its narrow.h included first and defines HEW_BLEND_F32, HEW_TAPS_F32 and
 * HEW_LOOK_F32, the kernels' names.
 *
 * Bound by the loads of what is in a cache.  Single floats are looked up in two registers where
 * sixteen of them come from 32 that lie together, as all do whose image grows.  Tails are masked.
 */
#include "kernels_resample.h"

/* ---------------------------------------------------------------------------- blend_f32 ---- */

/* What the loops need is in locals: stores of floats might change it elsewhere. */
HEW_INLINE f32x16 blend_at(const int rows, const bool add, const float *const *x, const f32x16 *w,
                           const float *y, size_t i, mask16 m, const bool whole)
{
    const f32x16 zero = x16_set(0.0f);
    f32x16 t = zero;
    HEW_UNROLL for (int k = 0; k < rows; k++) {
        const f32x16 v = whole ? x16_load(x[k] + i) : x16_load_masked(m, x[k] + i, zero);
        if (k == 0 && !add)
            t = x16_mul(w[k], v);
        else if (k == 0)
            t = x16_fma(w[k], v, whole ? x16_load(y + i) : x16_load_masked(m, y + i, zero));
        else
            t = x16_fma(w[k], v, t);
    }
    return t;
}

HEW_INLINE void blend_rows(const int rows, const bool add, const hew_blend *b)
{
    const float *x[HEW_BLEND_ROWS];
    f32x16 w[HEW_BLEND_ROWS];
    float *const y = b->y;
    const size_t n = b->n;
    HEW_UNROLL for (int k = 0; k < rows; k++) {
        x[k] = b->x[k];
        w[k] = x16_set(b->w[k]);
    }
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        x16_store(y + i, blend_at(rows, add, x, w, y, i, x16_first(16), true));
    if (i < n) {
        const mask16 m = x16_first(n - i);
        x16_store_masked(m, y + i, blend_at(rows, add, x, w, y, i, m, false));
    }
}

void HEW_BLEND_F32(const hew_blend *b)
{
    switch (b->rows + (b->add ? HEW_BLEND_ROWS : 0)) {
    case 1: blend_rows(1, false, b); break;
    case 2: blend_rows(2, false, b); break;
    case 3: blend_rows(3, false, b); break;
    case 4: blend_rows(4, false, b); break;
    case 5: blend_rows(1, true, b); break;
    case 6: blend_rows(2, true, b); break;
    case 7: blend_rows(3, true, b); break;
    case 8: blend_rows(4, true, b); break;
    }
}

/* ----------------------------------------------------------------------------- taps_f32 ---- */

/* One or two taps, which are all that a forward pass has, of one or two rows.  x[k] is the k-th
 * tap's pixel, and x[2 + k] that of the second row.  Two neighbours may have the same taps, with
 * weights of their own, and share what is blended: y and z. */
typedef struct hew_short {
    const float *x[4];
    f32x16 w[4], row_w[2];
} hew_short;

HEW_INLINE void short_sum(const int rows, const int taps, const int outs, const hew_short *s,
                          float *y, float *z, size_t c, mask16 m, const bool whole)
{
    const f32x16 zero = x16_set(0.0f);
    f32x16 sum[2];
    HEW_UNROLL for (int k = 0; k < taps; k++) {
        const float *const p = s->x[k] + c, *const q = s->x[2 + k] + c;
        f32x16 t = whole ? x16_load(p) : x16_load_masked(m, p, zero);
        if (rows == 2) {
            const f32x16 second = whole ? x16_load(q) : x16_load_masked(m, q, zero);
            t = x16_fma(s->row_w[1], second, x16_mul(s->row_w[0], t));
        }
        HEW_UNROLL for (int o = 0; o < outs; o++)
            sum[o] = k == 0 ? x16_mul(s->w[2 * o], t) : x16_fma(s->w[2 * o + 1], t, sum[o]);
    }
    HEW_UNROLL for (int o = 0; o < outs; o++)
        if (whole)
            x16_store((o ? z : y) + c, sum[o]);
        else
            x16_store_masked(m, (o ? z : y) + c, sum[o]);
}

HEW_INLINE void short_pixel(const int rows, const int taps, const int outs, const hew_taps *t,
                            hew_short *s, int32_t first, mask16 tail, float *y)
{
    const size_t n = t->channels;
    HEW_UNROLL for (int k = 0; k < taps; k++) {
        const size_t at = (size_t)t->at[first + k] * n;
        s->x[k] = t->x + at;
        s->x[2 + k] = rows == 2 ? t->second + at : NULL;
    }
    HEW_UNROLL for (int k = 0; k < taps * outs; k++)
        s->w[k] = x16_set(t->w[first + k]);
    float *const z = y + (outs - 1) * t->y_stride;
    size_t c = 0;
    for (; c + 16 <= n; c += 16)
        short_sum(rows, taps, outs, s, y, z, c, tail, true);
    if (c < n)
        short_sum(rows, taps, outs, s, y, z, c, tail, false);
}

/* How many pixels were made. */
HEW_INLINE size_t short_pixels(const int rows, const hew_taps *t, hew_short *s, size_t p,
                               mask16 tail, float *y)
{
    const int32_t first = t->start[p];
    if (t->start[p + 1] - first == 1) {
        short_pixel(rows, 1, 1, t, s, first, tail, y);
        return 1;
    }
    if (p + 1 < t->pixels && t->start[p + 2] - first == 4 && t->at[first] == t->at[first + 2] &&
        t->at[first + 1] == t->at[first + 3]) {
        short_pixel(rows, 2, 2, t, s, first, tail, y);
        return 2;
    }
    short_pixel(rows, 2, 1, t, s, first, tail, y);
    return 1;
}

HEW_INLINE f32x16 pixel_sum(const hew_taps *t, size_t taps, int32_t first, size_t c, mask16 m)
{
    const f32x16 zero = x16_set(0.0f);
    f32x16 sum = zero;
    for (size_t k = 0; k < taps; k++) {
        const int32_t tap = first + (int32_t)k;
        const float *const p = t->x + (size_t)t->at[tap] * t->channels + c;
        const f32x16 x = x16_load_masked(m, p, zero), w = x16_set(t->w[tap]);
        sum = k == 0 ? x16_mul(w, x) : x16_fma(w, x, sum);
    }
    return sum;
}

HEW_INLINE void long_pixel(const hew_taps *t, size_t taps, int32_t first, float *y)
{
    for (size_t c = 0; c < t->channels; c += 16) {
        const mask16 m = x16_first(t->channels - c);
        x16_store_masked(m, y + c, pixel_sum(t, taps, first, c, m));
    }
}

void HEW_TAPS_F32(const hew_taps *taps)
{
    const hew_taps t = *taps;
    const mask16 tail = x16_first(t.channels % 16);
    hew_short s = {.row_w = {x16_set(t.row_w[0]), x16_set(t.row_w[1])}};
    float *y = t.y;
    for (size_t p = 0, made; p < t.pixels; p += made, y += made * t.y_stride) {
        const int32_t first = t.start[p], count = t.start[p + 1] - first;
        made = 1;
        if (t.second)
            made = short_pixels(2, &t, &s, p, tail, y);
        else if (count == 1 || count == 2)
            made = short_pixels(1, &t, &s, p, tail, y);
        else
            long_pixel(&t, (size_t)count, first, y);
    }
}

/* ----------------------------------------------------------------------------- look_f32 ---- */

HEW_INLINE f32x16 looked_up(const hew_look_block *b, const float *x, const int tap)
{
    const i32x16 at = x16_load_int(b->at[tap]);
    return b->near ? x16_look(x, at) : x16_gather(x, at);
}

void HEW_LOOK_F32(const hew_look *l)
{
    const hew_look_block *b = l->blocks;
    for (size_t i = 0; i < l->n; i += 16, b++) {
        const float *const x = l->x + b->base;
        const f32x16 w = x16_load(b->w[1]);
        const f32x16 one = x16_mul(x16_load(b->w[0]), looked_up(b, x, 0));
        const f32x16 two = x16_fma(w, looked_up(b, x, 1), one);
        const f32x16 y = x16_select(x16_less(x16_set(0.0f), w), two, one);
        if (i + 16 <= l->n)
            x16_store(l->y + i, y);
        else
            x16_store_masked(x16_first(l->n - i), l->y + i, y);
    }
}
