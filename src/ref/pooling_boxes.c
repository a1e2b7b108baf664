/*
 * pooling_boxes - the definitions, in ref/pooling.c's words, of windows that are walked in the
 * order of their pixels' numbers, and of the gradients: for each input pixel, from +0 over the
 * output pixels o in the order of their numbers whose window it is in,
 *
 *     max:      sum + gradient[o]                         where its number is index[o]
 *     average:  fma(gradient[o], 1 / divisor[o], sum)     the quotient rounded
 *     lp:       fma(gradient[o], r^(power - 1), sum)      r = |x| / y[o], where y[o] isn't 0; then
 *                                                         with the sign of x
 *
 * and a NaN becomes 0x7fc00000.
 */
#include "ref/pooling.h"
#include "ref/math.h"
#include "ref/ref.h"

static float one_nan(float x) { return x != x ? ref_from_bits(0x7fc00000) : x; }

/* |x|^(power - 1) |x| + sum */
static float add_power(float sum, float x, int power)
{
    float factor = power > 1 ? fabsf(x) : 1.0f;
    for (int i = 2; i < power; i++)
        factor *= fabsf(x);
    return fmaf(factor, fabsf(x), sum);
}

typedef struct seen {
    float max, sum;
    int32_t index;
} seen;

static seen look(const ref_pooling *p, const hew_pooling_desc *d, const int64_t o[3],
                 const void *in, int64_t begin)
{
    seen s = {.max = -INFINITY, .index = -1};
    const int power = d->power ? d->power : 2;
    int64_t t[3];
    for (t[0] = 0; t[0] < ref_taps(&p->axis[0], o[0]); t[0]++)
        for (t[1] = 0; t[1] < ref_taps(&p->axis[1], o[1]); t[1]++)
            for (t[2] = 0; t[2] < ref_taps(&p->axis[2], o[2]); t[2]++) {
                const ref_place at = hew_ref_tap(p, o, t);
                if (!at.inside)
                    continue;
                const float x = hew_ref_load_type(d->type, in, begin + at.pixel * p->in_stride);
                if (s.index == -1 || (s.max == s.max && (x > s.max || x != x))) {
                    s.max = x;
                    s.index = (int32_t)at.pixel;
                }
                s.sum = add_power(s.sum, x, power);
            }
    return s;
}

/* Lp where there are no indices. */
static void pool(const hew_pooling_desc *d, const void *in, void *out, int32_t *indices)
{
    const ref_pooling p = hew_ref_pooling(d);
    int64_t o[3], at = 0;
    for (int64_t b = 0; b < p.batch; b++)
        for (o[0] = 0; o[0] < p.axis[0].out; o[0]++)
            for (o[1] = 0; o[1] < p.axis[1].out; o[1]++)
                for (o[2] = 0; o[2] < p.axis[2].out; o[2]++, at++)
                    for (int64_t c = 0; c < d->channels; c++) {
                        const int64_t image = b * p.in_pixels * p.in_stride;
                        const seen s = look(&p, d, o, in, image + c);
                        const float lp = one_nan(ref_root(s.sum, d->power ? d->power : 2));
                        hew_ref_store_type(d->type, out, at * p.out_stride + c,
                                           indices ? s.max : lp);
                        if (indices)
                            indices[at * d->channels + c] = s.index;
                    }
}

void hew_pooling_lp_ref(const hew_pooling_desc *d, const void *in, void *out)
{
    pool(d, in, out, NULL);
}

void hew_pooling_index_ref(const hew_pooling_desc *d, const void *in, void *out, int32_t *indices)
{
    pool(d, in, out, indices);
}

/* -------------------------------------------------------------------------- gradients ------ */

/* Whether input position i is in the window of output position o. */
static bool is_in(const ref_axis *a, int64_t o, int64_t i)
{
    const int64_t from = i - ref_tap(a, o, 0), step = a->fit ? 1 : a->dilation;
    return from >= 0 && from % step == 0 && from / step < ref_taps(a, o);
}

/* What an average is divided by. */
static int64_t divisor_of(const ref_pooling *p, hew_pooling_kind kind, const int64_t o[3])
{
    int64_t divisor = 1;
    for (int i = 0; i < 3; i++) {
        const ref_axis *a = &p->axis[i];
        int64_t count = 0;
        for (int64_t t = 0; t < ref_taps(a, o[i]); t++) {
            const int64_t at = ref_tap(a, o[i], t);
            count += kind == HEW_POOLING_AVG ? at >= 0 && at < a->in : at < a->in + a->pad_hi;
        }
        divisor *= count;
    }
    return divisor;
}

/* Some channels of the gradients on their way through an input pixel's windows. */
enum { MOST_CHANNELS = 64 };
typedef struct gradients {
    const void *out;
    const int32_t *indices;
    const void *x, *y; /* of lp */
    int64_t begin, end; /* channels */
    float sum[MOST_CHANNELS];
} gradients;

static float add_ratio(float sum, float dy, float x, float y, int power)
{
    const float r = fabsf(x) / y;
    float factor = power > 1 ? r : 1.0f;
    for (int i = 2; i < power; i++)
        factor *= r;
    return y == 0.0f ? sum : fmaf(dy, factor, sum);
}

static float lp_sign(float sum, float x)
{
    return x > 0.0f ? sum : x < 0.0f ? -sum : x == 0.0f ? 0.0f : x;
}

/* Adds what output pixel o, number `at` of the whole tensor, adds to input pixel `pixel`. */
static void add_window(const ref_pooling *p, const hew_pooling_desc *d, const int64_t o[3],
                       int64_t at, int32_t pixel, int64_t from, gradients *g)
{
    const bool max = d->kind == HEW_POOLING_MAX, lp = d->kind == HEW_POOLING_LP;
    const float factor = max || lp ? 1.0f : 1.0f / (float)divisor_of(p, d->kind, o);
    for (int64_t c = g->begin; c < g->end; c++) {
        float *sum = &g->sum[c - g->begin];
        const float x = hew_ref_load_type(d->type, g->out, at * p->out_stride + c);
        if (lp)
            *sum = add_ratio(*sum, x, hew_ref_load_type(d->type, g->x, from + c),
                             hew_ref_load_type(d->type, g->y, at * p->out_stride + c),
                             d->power ? d->power : 2);
        else if (max && g->indices[at * d->channels + c] == pixel)
            *sum += x;
        else if (!max)
            *sum = fmaf(x, factor, *sum);
    }
}

static void gather(const ref_pooling *p, const hew_pooling_desc *d, int64_t b, const int64_t i[3],
                   gradients *g, void *in)
{
    const ref_axis *a = p->axis;
    const int64_t pixel = (i[0] * a[1].in + i[1]) * a[2].in + i[2];
    const int64_t from = (b * p->in_pixels + pixel) * p->in_stride;
    int64_t o[3], at = b * p->out_pixels;
    for (int64_t c = g->begin; c < g->end; c++)
        g->sum[c - g->begin] = 0.0f;
    for (o[0] = 0; o[0] < a[0].out; o[0]++)
        for (o[1] = 0; o[1] < a[1].out; o[1]++)
            for (o[2] = 0; o[2] < a[2].out; o[2]++, at++)
                if (is_in(&a[0], o[0], i[0]) && is_in(&a[1], o[1], i[1]) &&
                    is_in(&a[2], o[2], i[2]))
                    add_window(p, d, o, at, (int32_t)pixel, from, g);
    for (int64_t c = g->begin; c < g->end; c++) {
        float sum = g->sum[c - g->begin];
        if (d->kind == HEW_POOLING_LP)
            sum = lp_sign(sum, hew_ref_load_type(d->type, g->x, from + c));
        hew_ref_store_type(d->type, in, from + c, one_nan(sum));
    }
}

static void gather_all(const hew_pooling_desc *d, gradients g, void *in_gradient)
{
    const ref_pooling p = hew_ref_pooling(d);
    int64_t i[3];
    for (int64_t b = 0; b < p.batch; b++)
        for (i[0] = 0; i[0] < p.axis[0].in; i[0]++)
            for (i[1] = 0; i[1] < p.axis[1].in; i[1]++)
                for (i[2] = 0; i[2] < p.axis[2].in; i[2]++)
                    for (g.begin = 0; g.begin < d->channels; g.begin = g.end) {
                        g.end = hew_min_i64(g.begin + MOST_CHANNELS, d->channels);
                        gather(&p, d, b, i, &g, in_gradient);
                    }
}

void hew_pooling_grad_ref(const hew_pooling_desc *d, const void *out_gradient,
                          const int32_t *indices, void *in_gradient)
{
    gather_all(d, (gradients){.out = out_gradient, .indices = indices}, in_gradient);
}

void hew_pooling_lp_grad_ref(const hew_pooling_desc *d, const void *out_gradient, const void *in,
                             const void *out, void *in_gradient)
{
    gather_all(d, (gradients){.out = out_gradient, .x = in, .y = out}, in_gradient);
}
