/*
 * dwconv_f32 - depthwise convolution of a run of output pixels: see hew_dwconv_f32_run.
 *
 * The body of the kernels of every ISA, over the registers of the including file's reg.h.  Lanes
 * are channels.  G pixels side by side go together, so that a tap's weights are loaded once for
 * all of them; where taps are neighbours (`slide`), so that an input is loaded once for all the
 * pixels and taps that it serves:
 *
 *     inputs    x0   x1   x2   x3   x4 ...           stride 1, three taps:
 *     acc[0]    w0   w1   w2                         G + 2 inputs and 3 weights are loaded
 *     acc[1]         w0   w1   w2                    for 3 G multiplies
 *     acc[2]              w0   w1   w2
 *
 * In either form an element's sum takes its taps in rising order.  Channels are the inner loop: a
 * run reads its input rows once, front to back.
 */
#include "epilogue_f32.h"
#include "kernels_dwconv.h"

enum { MAX_G = 7 };

HEW_INLINE vf load_lanes(const bool full, vf_mask mask, const void *p)
{
    return full ? vf_load(p) : vf_load_masked(mask, p);
}

HEW_INLINE void store_pixels(const hew_dwconv_f32_run *r, size_t pixel, size_t c, const int g,
                             const bool full, vf_mask mask, const vf acc[MAX_G])
{
    const hew_epilogue *e = r->epilogue;
    const size_t offset = c * sizeof(float);
    const column col = column_of(e, offset, full, mask);
    HEW_UNROLL for (int i = 0; i < g; i++) {
        vf v = vf_fma(acc[i], col.scale, col.bias);
        if (e->add) {
            const char *add = (const char *)e->add + (pixel + (size_t)i) * e->add_stride + offset;
            v = vf_fma(col.beta, load_lanes(full, mask, add), v);
        }
        char *out = (char *)r->out + (pixel + (size_t)i) * r->out_step + offset;
        if (full)
            vf_store(out, clamp(&col, v));
        else
            vf_store_masked(mask, out, clamp(&col, v));
    }
}

/* Taps that are neighbours, pixels `stride` taps apart: kw and stride are literals. */
HEW_INLINE void slide(const hew_dwconv_f32_run *r, size_t pixel, size_t c, const int g,
                      const int kw, const int stride)
{
    vf acc[MAX_G];
    HEW_UNROLL for (int i = 0; i < g; i++)
        acc[i] = vf_zero();
    for (size_t row = 0; row < r->n_rows; row++) {
        const char *x = (const char *)(r->rows[row].in + c) + pixel * r->in_step;
        const char *w = (const char *)(r->rows[row].w + c);
        vf wv[5];
        HEW_UNROLL for (int t = 0; t < kw; t++)
            wv[t] = vf_load(w + (size_t)t * r->w_step);
        HEW_UNROLL for (int j = 0; j < (g - 1) * stride + kw; j++) {
            const vf xv = vf_load(x + (size_t)j * r->tap_step);
            HEW_UNROLL for (int i = 0; i < g; i++)
                if (j - i * stride >= 0 && j - i * stride < kw)
                    acc[i] = vf_fma(xv, wv[j - i * stride], acc[i]);
        }
    }
    store_pixels(r, pixel, c, g, true, vf_first(LANES), acc);
}

/* Any taps; `spread` gives each input channel to `multiplier` lanes. */
HEW_INLINE void any_taps(const hew_dwconv_f32_run *r, size_t pixel, size_t c, const int g,
                         const bool full, const bool spread)
{
    const vf_mask mask = vf_first((int)hew_min(r->channels - c, LANES));
    const size_t in_c = spread ? c / r->multiplier : c;
    const size_t in_channels = r->channels / r->multiplier;
    const vf_mask in_mask = spread ? vf_first((int)hew_min(in_channels - in_c, LANES)) : mask;
    vf acc[MAX_G];
    HEW_UNROLL for (int i = 0; i < g; i++)
        acc[i] = vf_zero();
    for (size_t row = 0; row < r->n_rows; row++) {
        const char *x = (const char *)(r->rows[row].in + in_c) + pixel * r->in_step;
        const char *w = (const char *)(r->rows[row].w + c);
        for (size_t t = 0; t < r->taps; t++, x += r->tap_step, w += r->w_step) {
            const vf wv = vf_load(w); /* padded */
            HEW_UNROLL for (int i = 0; i < g; i++) {
                vf xv = load_lanes(full, in_mask, x + (size_t)i * r->in_step);
                if (spread)
                    xv = vf_permute(xv, vf_index_load(r->spread + c, (int32_t)in_c));
                acc[i] = vf_fma(xv, wv, acc[i]);
            }
        }
    }
    store_pixels(r, pixel, c, g, full, mask, acc);
}

/* g pixels of all channels. */
HEW_INLINE void pixels(const hew_dwconv_f32_run *r, size_t pixel, const int g, const int kw,
                       const int stride)
{
    size_t c = 0;
    if (r->multiplier > 1) {
        for (; c < r->channels; c += LANES)
            HEW_UNROLL for (int i = 0; i < g; i++)
                any_taps(r, pixel + (size_t)i, c, 1, false, true);
        return;
    }
    for (; c + LANES <= r->channels; c += LANES) {
        if (kw)
            slide(r, pixel, c, g, kw, stride);
        else
            any_taps(r, pixel, c, g, true, false);
    }
    if (c < r->channels)
        any_taps(r, pixel, c, g, false, false);
}

/* One function for each number of pixels that go together. */
#define DWCONV_G(name, g, kw, stride)                                                              \
    static __attribute__((noinline)) void name##_##g(const hew_dwconv_f32_run *r, size_t pixel)    \
    {                                                                                              \
        pixels(r, pixel, g, kw, stride);                                                           \
    }
#define DWCONV(name, kw, stride)                                                                   \
    DWCONV_G(name, 1, kw, stride)                                                                  \
    DWCONV_G(name, 2, kw, stride)                                                                  \
    DWCONV_G(name, 3, kw, stride)                                                                  \
    DWCONV_G(name, 4, kw, stride)                                                                  \
    DWCONV_G(name, 5, kw, stride)                                                                  \
    DWCONV_G(name, 6, kw, stride)                                                                  \
    DWCONV_G(name, 7, kw, stride)                                                                  \
    static pixels_fn *const name[] = {name##_1, name##_2, name##_3, name##_4,                      \
                                      name##_5, name##_6, name##_7};

typedef void pixels_fn(const hew_dwconv_f32_run *run, size_t pixel);
DWCONV(any, 0, 0)
DWCONV(slide_3, 3, 1)
DWCONV(slide_3_by_2, 3, 2)
DWCONV(slide_5, 5, 1)

HEW_INLINE void dwconv_run(const hew_dwconv_f32_run *r)
{
    pixels_fn *const *fn = any;
    if (r->multiplier == 1 && r->tap_step == r->in_step)
        fn = r->taps == 3 ? slide_3 : r->taps == 5 ? slide_5 : any;
    else if (r->multiplier == 1 && 2 * r->tap_step == r->in_step)
        fn = r->taps == 3 ? slide_3_by_2 : any;
    const size_t groups = hew_ceil_div(r->pixels, MAX_G);
    for (size_t i = 0; i < groups; i++) {
        const size_t begin = hew_cut(r->pixels, groups, i), end = hew_cut(r->pixels, groups, i + 1);
        fn[end - begin - 1](r, begin);
    }
}
