/*
 * resample_axis.c - where along an axis a resampled element comes from.
 *
 * All of it is computed in double precision by single operations, so that it is the same
 * everywhere; weights are rounded to float at the end.
 */
#include "resample.h"

/* floor of what fits in an int64_t. */
static int64_t floor_of(double x)
{
    const int64_t t = (int64_t)x;
    return t - ((double)t > x);
}

static int64_t ceil_of(double x)
{
    const int64_t t = (int64_t)x;
    return t + ((double)t < x);
}

static double place(const hew_resample_desc *d, int64_t n, int64_t m, double scale, int64_t o)
{
    const double at = (double)o, half = at + 0.5;
    switch (d->place) {
    case HEW_RESAMPLE_ASYMMETRIC:
        return scale != 0 ? at / scale : at * (double)n / (double)m;
    case HEW_RESAMPLE_ALIGN_CORNERS:
        if (m == 1)
            return 0;
        return at * (double)(n - 1) / ((scale != 0 ? (double)n * scale : (double)m) - 1);
    case HEW_RESAMPLE_TF_HALF_PIXEL:
        return scale != 0 ? half / scale : half * (double)n / (double)m;
    case HEW_RESAMPLE_PYTORCH_HALF_PIXEL:
        if (m == 1)
            return 0;
        break;
    case HEW_RESAMPLE_HALF_PIXEL: break;
    }
    return (scale != 0 ? half / scale : half * (double)n / (double)m) - 0.5;
}

/* One or two taps of the o-th element; how many. */
static int taps_of(const hew_resample_desc *d, int64_t n, int64_t m, double scale, int64_t o,
                   int32_t *at, float *w)
{
    double x = place(d, n, m, scale, o);
    const double last = (double)(n - 1);
    w[0] = 1.0f;
    if (d->kind == HEW_RESAMPLE_NEAREST) {
        x = !(x > -1) ? -1 : x > (double)n ? (double)n : x; /* NaN: the first */
        const int64_t i = d->round == HEW_RESAMPLE_FLOOR               ? floor_of(x)
                          : d->round == HEW_RESAMPLE_CEIL              ? ceil_of(x)
                          : d->round == HEW_RESAMPLE_ROUND_PREFER_CEIL ? floor_of(x + 0.5)
                                                                       : ceil_of(x - 0.5);
        at[0] = (int32_t)hew_max_i64(hew_min_i64(i, n - 1), 0);
        return 1;
    }
    x = !(x > 0) ? 0 : x > last ? last : x;
    const int64_t i = floor_of(x);
    const double part = x - (double)i;
    at[0] = (int32_t)i;
    if ((float)part == 0.0f)
        return 1;
    w[0] = (float)(1.0 - part);
    w[1] = (float)part;
    at[1] = at[0] + 1;
    if (w[0] != 0.0f)
        return 2;
    at[0] = at[1];
    w[0] = w[1];
    return 1;
}

/* The same products, in the order of what they are multiplied with: taps of the input's elements
 * are the output's. */
static hew_status transpose(hew_resample_axis *a)
{
    const size_t taps = (size_t)a->start[a->out];
    hew_resample_axis t = {.in = a->out, .out = a->in};
    t.start = hew_malloc(sizeof *t.start * ((size_t)t.out + 2));
    t.at = hew_malloc(sizeof *t.at * hew_max(taps, 1));
    t.w = hew_malloc(sizeof *t.w * hew_max(taps, 1));
    if (!t.start || !t.at || !t.w) {
        hew_resample_free_axis(&t);
        return hew_fail(HEW_ERR_NO_MEMORY, "resample: no memory for %zu taps", taps);
    }
    /* start[i + 2] counts element i's taps, then start[i + 1] runs from its first to its last. */
    for (size_t k = 0; k < taps; k++)
        t.start[a->at[k] + 2]++;
    for (int64_t i = 0; i < t.out; i++)
        t.start[i + 2] += t.start[i + 1];
    for (int64_t o = 0; o < a->out; o++)
        for (int32_t k = a->start[o]; k < a->start[o + 1]; k++) {
            const int32_t to = t.start[a->at[k] + 1]++;
            t.at[to] = (int32_t)o;
            t.w[to] = a->w[k];
        }
    hew_resample_free_axis(a);
    *a = t;
    return HEW_OK;
}

hew_status hew_resample_plan_axis(const hew_resample_desc *d, int i, hew_resample_axis *a)
{
    const int64_t n = d->in[i], m = d->out[i];
    *a = (hew_resample_axis){.in = n, .out = m};
    a->start = hew_malloc(sizeof *a->start * ((size_t)m + 1));
    a->at = hew_malloc(sizeof *a->at * ((size_t)m * 2 + 1));
    a->w = hew_malloc(sizeof *a->w * ((size_t)m * 2 + 1));
    if (!a->start || !a->at || !a->w) {
        hew_resample_free_axis(a);
        return hew_fail(HEW_ERR_NO_MEMORY, "resample: no memory for %lld elements", (long long)m);
    }
    for (int64_t o = 0; o < m; o++) {
        const int32_t k = a->start[o];
        a->start[o + 1] = k + (n > 0 ? taps_of(d, n, m, d->scale[i], o, a->at + k, a->w + k) : 0);
    }
    return d->backward ? transpose(a) : HEW_OK;
}

void hew_resample_free_axis(hew_resample_axis *a)
{
    hew_mfree(a->start);
    hew_mfree(a->at);
    hew_mfree(a->w);
    *a = (hew_resample_axis){.in = 0};
}
