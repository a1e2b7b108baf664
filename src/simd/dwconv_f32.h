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
 *
 * The including file defines BF16: whether inputs are bf16, and not floats.
 */
#include "epilogue_f32.h"
#include "kernels_dwconv.h"
#include "reg_typed.h"

enum { MAX_G = 7, IN_SIZE = BF16 ? 2 : sizeof(float) };

HEW_INLINE void store_pixels(const hew_dwconv_f32_run *r, size_t pixel, size_t c, const int g,
                             const bool full, vf_mask mask, const vf acc[MAX_G])
{
    const hew_epilogue *e = r->epilogue;
    const size_t offset = c * sizeof(float);
    const column col = column_of(e, offset, full, mask);
    HEW_UNROLL for (int i = 0; i < g; i++) {
        vf v = vf_fma(acc[i], col.scale, col.bias);
        const char *add = (const char *)e->add + (pixel + (size_t)i) * e->add_stride;
        if (e->add && BF16 && r->add_bf16)
            v = vf_fma(col.beta, load(true, full, mask, add + offset / 2), v);
        else if (e->add)
            v = vf_fma(col.beta, load(false, full, mask, add + offset), v);
        char *out = (char *)r->out + (pixel + (size_t)i) * r->out_step;
        if (BF16 && r->out_bf16)
            store(true, full, mask, out + offset / 2, clamp(&col, v));
        else
            store(false, full, mask, out + offset, clamp(&col, v));
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
        const char *x = (const char *)r->rows[row].in + c * IN_SIZE + pixel * r->in_step;
        const char *w = (const char *)(r->rows[row].w + c);
        vf wv[5];
        HEW_UNROLL for (int t = 0; t < kw; t++)
            wv[t] = vf_load(w + (size_t)t * r->w_step);
        HEW_UNROLL for (int j = 0; j < (g - 1) * stride + kw; j++) {
            const vf xv = load(BF16, true, vf_first(LANES), x + (size_t)j * r->tap_step);
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
        const char *x = (const char *)r->rows[row].in + in_c * IN_SIZE + pixel * r->in_step;
        const char *w = (const char *)(r->rows[row].w + c);
        for (size_t t = 0; t < r->taps; t++, x += r->tap_step, w += r->w_step) {
            const vf wv = vf_load(w); /* padded */
            HEW_UNROLL for (int i = 0; i < g; i++) {
                vf xv = load(BF16, full, in_mask, x + (size_t)i * r->in_step);
                if (spread)
                    xv = vf_permute(xv, vf_index_load(r->spread + c, (int32_t)in_c));
                acc[i] = vf_fma(xv, wv, acc[i]);
            }
        }
    }
    store_pixels(r, pixel, c, g, full, mask, acc);
}

/* Some input channels have several output channels: a pixel at a time. */
static __attribute__((noinline)) void spread_pixels(const hew_dwconv_f32_run *r, size_t pixel,
                                                    size_t end)
{
    for (; pixel < end; pixel++)
        for (size_t c = 0; c < r->channels; c += LANES)
            any_taps(r, pixel, c, 1, false, true);
}

/* g pixels of the channels from c on. */
typedef void pixels_fn(const hew_dwconv_f32_run *run, size_t pixel, size_t c);
HEW_INLINE void any_pixels(const hew_dwconv_f32_run *r, size_t pixel, size_t c, const int g)
{
    for (; c + LANES <= r->channels; c += LANES)
        any_taps(r, pixel, c, g, true, false);
    if (c < r->channels)
        any_taps(r, pixel, c, g, false, false);
}
HEW_INLINE void slide_pixels(const hew_dwconv_f32_run *r, size_t pixel, size_t c, const int g,
                             const int kw, const int stride, pixels_fn *rest)
{
    for (; c + LANES <= r->channels; c += LANES)
        slide(r, pixel, c, g, kw, stride);
    if (c < r->channels)
        rest(r, pixel, c);
}

/* One function for each number of pixels that go together. */
#define DWCONV_FN(name, body)                                                                      \
    static __attribute__((noinline)) void name(const hew_dwconv_f32_run *r, size_t pixel, size_t c)\
    {                                                                                              \
        body;                                                                                      \
    }
#define ANY_G(g) DWCONV_FN(any_##g, any_pixels(r, pixel, c, g))
#define SLIDE_G(name, g, kw, stride)                                                               \
    DWCONV_FN(name##_##g, slide_pixels(r, pixel, c, g, kw, stride, any_##g))
#define SLIDE(name, kw, stride)                                                                    \
    SLIDE_G(name, 1, kw, stride)                                                                   \
    SLIDE_G(name, 2, kw, stride)                                                                   \
    SLIDE_G(name, 3, kw, stride)                                                                   \
    SLIDE_G(name, 4, kw, stride)                                                                   \
    SLIDE_G(name, 5, kw, stride)                                                                   \
    SLIDE_G(name, 6, kw, stride)                                                                   \
    SLIDE_G(name, 7, kw, stride)                                                                   \
    static pixels_fn *const name[] = {name##_1, name##_2, name##_3, name##_4,                      \
                                      name##_5, name##_6, name##_7};

ANY_G(1)
ANY_G(2)
ANY_G(3)
ANY_G(4)
ANY_G(5)
ANY_G(6)
ANY_G(7)
static pixels_fn *const any[] = {any_1, any_2, any_3, any_4, any_5, any_6, any_7};
SLIDE(slide_3, 3, 1)
SLIDE(slide_3_by_2, 3, 2)
SLIDE(slide_5, 5, 1)

/* `slides`: with functions of their own for what isn't a strip's either, but rows of few taps. */
HEW_INLINE void dwconv_run(const hew_dwconv_f32_run *r, const bool slides)
{
    if (r->multiplier > 1) {
        spread_pixels(r, 0, r->pixels);
        return;
    }
    pixels_fn *const *fn = any;
    if (slides && r->tap_step == r->in_step)
        fn = r->taps == 3 ? slide_3 : r->taps == 5 ? slide_5 : any;
    else if (slides && 2 * r->tap_step == r->in_step)
        fn = r->taps == 3 ? slide_3_by_2 : any;
    const size_t groups = hew_ceil_div(r->pixels, MAX_G);
    for (size_t i = 0; i < groups; i++) {
        const size_t begin = hew_cut(r->pixels, groups, i), end = hew_cut(r->pixels, groups, i + 1);
        fn[end - begin - 1](r, begin, 0);
    }
}
