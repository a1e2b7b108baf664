/*
 * lrn - the definition of hew_lrn and of its gradient:
 *
 *     sum = a chain of additions of v * v from +0 over the window in rising order, what lies
 *           outside the tensor left out
 *     s = fma(sum, alpha / elements, k)      p = s^-beta      out = in * p
 *
 * p is three_quarters(s) for beta = 0.75.  The gradient's window is that of the pixels or channels
 * in whose windows this one lies, and its sum a chain of additions from +0:
 *
 *     t = (d_out * in) * (p / s)
 *     d_in = fma(in * (-2 alpha beta / elements), sum of t, d_out * p)
 */
#include "ref.h"
#include "ref/math.h"
#include "ref/power.h"

typedef struct lrn {
    const hew_lrn_desc *d;
    const void *in, *d_out;
    int64_t extent[3], in_stride, out_stride;
    int64_t lo[4], hi[4]; /* the window's reach along the extents, and channels */
    float factor, slope, k, beta;
} lrn;

static lrn lrn_of(const hew_lrn_desc *d, const void *in, const void *d_out)
{
    lrn l = {.d = d, .in = in, .d_out = d_out, .beta = d->beta == 0.0f ? 0.75f : d->beta,
             .k = d->k == 0.0f ? 1.0f : d->k,
             .in_stride = d->in_stride ? d->in_stride : d->channels,
             .out_stride = d->out_stride ? d->out_stride : d->channels};
    const bool across = d->kind == HEW_LRN_ACROSS;
    int64_t elements = across ? d->window : 1;
    for (int i = 0; i < 4; i++) {
        const bool reaches = i == 3 ? across : !across && d->in[i] != 0;
        l.lo[i] = reaches ? (d->window - 1) / 2 : 0;
        l.hi[i] = reaches ? d->window / 2 : 0;
        if (i < 3) {
            l.extent[i] = d->in[i] == 0 ? 1 : d->in[i];
            elements *= reaches ? d->window : 1;
        }
    }
    const double alpha = (double)(d->alpha == 0.0f ? 1e-4f : d->alpha);
    l.factor = (float)(alpha / (double)elements);
    l.slope = (float)(-2 * alpha * (double)l.beta / (double)elements);
    return l;
}

static int64_t index_of(const lrn *l, const int64_t at[3], int64_t image)
{
    return ((image * l->extent[0] + at[0]) * l->extent[1] + at[1]) * l->extent[2] + at[2];
}

static float in_at(const lrn *l, int64_t pixel, int64_t c)
{
    return hew_ref_load_type(l->d->type, l->in, pixel * l->in_stride + c);
}
static float d_out_at(const lrn *l, int64_t pixel, int64_t c)
{
    return hew_ref_load_type(l->d->type, l->d_out, pixel * l->out_stride + c);
}

typedef float lrn_term(const lrn *l, const int64_t at[3], int64_t image, int64_t c, float sum);

/* Over the window of channel c at a pixel; backward: with its reach the other way about. */
static float window(const lrn *l, const int64_t at[3], int64_t image, int64_t c, bool backward,
                    lrn_term *term)
{
    int64_t first[4], last[4], i[4];
    for (int k = 0; k < 4; k++) {
        const int64_t centre = k == 3 ? c : at[k], end = k == 3 ? l->d->channels : l->extent[k];
        first[k] = hew_max_i64(centre - (backward ? l->hi[k] : l->lo[k]), 0);
        last[k] = hew_min_i64(centre + (backward ? l->lo[k] : l->hi[k]), end - 1);
    }
    float sum = 0.0f;
    for (i[0] = first[0]; i[0] <= last[0]; i[0]++)
        for (i[1] = first[1]; i[1] <= last[1]; i[1]++)
            for (i[2] = first[2]; i[2] <= last[2]; i[2]++)
                for (i[3] = first[3]; i[3] <= last[3]; i[3]++)
                    sum = term(l, i, image, i[3], sum);
    return sum;
}

static float square(const lrn *l, const int64_t at[3], int64_t image, int64_t c, float sum)
{
    const float x = in_at(l, index_of(l, at, image), c);
    return sum + x * x;
}

/* s^(-3/4), s >= 2^-126 or NaN: the root's power -3/2, from near its power -1/2. */
static float three_quarters(float s)
{
    if (!(s < INFINITY))
        return s != s ? s : 0.0f;
    const float z = sqrtf(s), y = ref_from_bits(POLY_ROOT_BITS - (ref_bits(z) >> 1));
    const float square = y * y, cube = square * y, r = fmaf(-z, square, 1.0f);
    float p = fmaf(POLY_ROOT_4, r, POLY_ROOT_3);
    p = fmaf(p, r, POLY_ROOT_2);
    p = fmaf(p, r, POLY_ROOT_1);
    p = fmaf(p, r, POLY_ROOT_0);
    return fmaf(cube, p * r, cube);
}

typedef struct power {
    float s, p;
} power;

static power power_at(const lrn *l, const int64_t at[3], int64_t image, int64_t c)
{
    const float s = fmaf(window(l, at, image, c, false, square), l->factor, l->k);
    if (l->beta == 0.75f)
        return (power){s, three_quarters(s)};
    return (power){s, s != s ? s : ref_pow(s, -l->beta)};
}

static float gradient(const lrn *l, const int64_t at[3], int64_t image, int64_t c, float sum)
{
    const int64_t pixel = index_of(l, at, image);
    const power q = power_at(l, at, image, c);
    return sum + (d_out_at(l, pixel, c) * in_at(l, pixel, c)) * (q.p / q.s);
}

static void run(const lrn *l, void *out)
{
    const hew_lrn_desc *const d = l->d;
    const int64_t images = d->batch == -1 ? 0 : d->batch == 0 ? 1 : d->batch;
    int64_t at[3];
    for (int64_t image = 0; image < images; image++)
        for (at[0] = 0; at[0] < l->extent[0]; at[0]++)
            for (at[1] = 0; at[1] < l->extent[1]; at[1]++)
                for (at[2] = 0; at[2] < l->extent[2]; at[2]++)
                    for (int64_t c = 0; c < d->channels; c++) {
                        const int64_t pixel = index_of(l, at, image);
                        const float p = power_at(l, at, image, c).p, x = in_at(l, pixel, c);
                        if (!l->d_out) {
                            hew_ref_store_type(d->type, out, pixel * l->out_stride + c, x * p);
                            continue;
                        }
                        const float t = window(l, at, image, c, true, gradient);
                        hew_ref_store_type(d->type, out, pixel * l->in_stride + c,
                                           fmaf(x * l->slope, t, d_out_at(l, pixel, c) * p));
                    }
}

void hew_lrn_ref(const hew_lrn_desc *d, const void *in, void *out)
{
    const lrn l = lrn_of(d, in, NULL);
    run(&l, out);
}

void hew_lrn_backward_ref(const hew_lrn_desc *d, const void *in, const void *d_out, void *d_in)
{
    const lrn l = lrn_of(d, in, d_out);
    run(&l, d_in);
}
