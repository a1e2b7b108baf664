/*
 * observe.c - observers: what a tensor holds over many batches, and the scale that suits it.
 */
#include "calibrate.h"
#include "ref/ref.h"

#include <float.h>
#include <string.h>

enum {
    DEFAULT_BINS = 8192,
    LEAST_BINS = 1 << 10,
    MOST_BINS = 1 << 20,
    LEAST_LOG_WIDTH = -110 /* so that one over the width is a float, for any number of bins */
};

struct hew_observer {
    hew_observer_desc d; /* with its defaults filled in */
    hew_bounds seen;     /* of all elements */
    hew_bounds average;
    uint64_t batches; /* with a finite element in them */
    hew_histogram histogram;
    /* the counts follow */
};

static bool has_histogram(const hew_observer_desc *d)
{
    return d->kind >= HEW_OBSERVER_PERCENTILE;
}

/* ----------------------------------------------------------------------- scale and zero ---- */

hew_affine hew_affine_of(hew_span span, bool symmetric, hew_bounds range)
{
    const int32_t half = (span.high - span.low) / 2;
    const float most = -range.lo > range.hi ? -range.lo : range.hi;
    float scale = symmetric ? most / (float)half
                            : (range.hi - range.lo) / (float)(span.high - span.low);
    /* Its inverse has to be a number, and a denormal's may not be. */
    if (scale < FLT_MIN)
        scale = 1;
    if (symmetric)
        return (hew_affine){scale, span.low + half + 1};
    return (hew_affine){scale, span.low + hew_ref_round(-range.lo / scale)};
}

static hew_status check_type(const char *name, hew_type type)
{
    if (type == HEW_S8 || type == HEW_U8)
        return HEW_OK;
    return hew_fail(HEW_ERR_UNSUPPORTED, "%s: type is %s; there are s8 and u8", name,
                    hew_type_name(type));
}

static hew_status scale_of(const char *name, hew_type type, bool symmetric, hew_bounds range,
                           float *scale, int32_t *zero)
{
    if (!hew_is_finite(range.hi - range.lo))
        return hew_fail(HEW_ERR_INVALID, "%s: from %g to %g is no range of floats", name,
                        (double)range.lo, (double)range.hi);
    const hew_bounds wide = {range.lo < 0 ? range.lo : 0, range.hi > 0 ? range.hi : 0};
    const hew_affine affine = hew_affine_of(hew_span_of(type), symmetric, wide);
    *scale = affine.scale;
    *zero = affine.zero;
    return HEW_OK;
}

hew_status hew_scale_of_range(hew_type type, bool symmetric, float lo, float hi, float *scale,
                              int32_t *zero)
{
    if (!scale || !zero)
        return hew_fail(HEW_ERR_INVALID, "scale_of_range: %s is null", scale ? "zero" : "scale");
    const hew_status s = check_type("scale_of_range", type);
    if (s != HEW_OK)
        return s;
    if (lo > hi)
        return hew_fail(HEW_ERR_INVALID, "scale_of_range: lo = %g is over hi = %g", (double)lo,
                        (double)hi);
    return scale_of("scale_of_range", type, symmetric, (hew_bounds){lo, hi}, scale, zero);
}

/* --------------------------------------------------------------------------- histograms ---- */

/* 2^n, -126 <= n <= 127. */
static float power_of_two(int n)
{
    const uint32_t bits = (uint32_t)(n + 127) << 23;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Two bins become one, on each side. */
static void halve(uint64_t *counts, size_t half)
{
    for (size_t i = 0; i < half / 2; i++)
        counts[i] = counts[2 * i] + counts[2 * i + 1];
    memset(counts + half / 2, 0, half / 2 * sizeof *counts);
}

static bool lies_within(const hew_histogram *h, float x)
{
    const float v = x * power_of_two(-h->log_width);
    return -(float)h->half <= v && v < (float)h->half;
}

/* Widens the bins, or sets the width, so that the range lies within. */
static void make_room(hew_histogram *h, hew_bounds range, bool empty)
{
    if (empty)
        h->log_width = LEAST_LOG_WIDTH;
    while (!lies_within(h, range.lo) || !lies_within(h, range.hi)) {
        h->log_width++;
        if (!empty) {
            halve(h->below, h->half);
            halve(h->above, h->half);
        }
    }
}

static void count(hew_histogram *h, const float *x, size_t n)
{
    const float inverse = power_of_two(-h->log_width);
    for (size_t i = 0; i < n; i++) {
        if (!hew_is_finite(x[i]))
            continue;
        const float v = x[i] * inverse; /* exact, or less than a bin */
        const int32_t whole = (int32_t)v; /* towards 0 */
        h->total++;
        if (x[i] == 0.0f)
            h->zeros++;
        else if (x[i] > 0.0f)
            h->above[whole]++;
        else
            h->below[-whole - ((float)whole == v && whole != 0)]++;
    }
}

static float edge(const hew_histogram *h, size_t bins)
{
    return (float)bins * power_of_two(h->log_width);
}

/* Bins up to the element that is the farthest from 0. */
static size_t bins_to(const hew_histogram *h, float distance)
{
    if (!(distance > 0))
        return 0;
    const size_t bins = (size_t)(distance * power_of_two(-h->log_width)) + 1;
    return hew_min(bins, h->half);
}

static hew_bounds clipped(const hew_observer *o)
{
    const hew_histogram *const h = &o->histogram;
    const hew_edges from = {bins_to(h, -o->seen.lo), bins_to(h, o->seen.hi)};
    hew_edges e = from;
    if (h->total > h->zeros) {
        if (o->d.kind == HEW_OBSERVER_PERCENTILE)
            e = hew_clip_percentile(h, from, o->d.symmetric, (double)o->d.percentile);
        else if (o->d.kind == HEW_OBSERVER_KL)
            e = hew_clip_kl(h, from, o->d.symmetric);
        else
            e = hew_clip_mse(h, from, o->d.symmetric);
    }
    const hew_bounds seen = o->seen;
    const float lo = -edge(h, e.below), hi = edge(h, e.above);
    return (hew_bounds){lo < seen.lo ? seen.lo : lo, hi > seen.hi ? seen.hi : hi};
}

/* ---------------------------------------------------------------------------- observers ---- */

static hew_status check(hew_observer_desc *d)
{
    const hew_status s = check_type("observer", d->type);
    if (s != HEW_OK)
        return s;
    if ((int)d->kind < 0 || d->kind > HEW_OBSERVER_MSE)
        return hew_fail(HEW_ERR_INVALID, "observer: kind = %d; they are 0 to %d", (int)d->kind,
                        HEW_OBSERVER_MSE);
    d->rate = d->rate == 0 ? 0.01f : d->rate;
    d->percentile = d->percentile == 0 ? 99.99f : d->percentile;
    d->bins = d->bins == 0 ? DEFAULT_BINS : d->bins;
    if (!(d->rate > 0 && d->rate <= 1))
        return hew_fail(HEW_ERR_INVALID, "observer: rate = %g is not within 0 and 1",
                        (double)d->rate);
    if (!(d->percentile > 50 && d->percentile <= 100))
        return hew_fail(HEW_ERR_INVALID, "observer: percentile = %g is not within 50 and 100",
                        (double)d->percentile);
    if (d->bins < LEAST_BINS || d->bins > MOST_BINS || (d->bins & (d->bins - 1)) != 0)
        return hew_fail(HEW_ERR_INVALID,
                        "observer: bins = %lld is no power of two from %d to %d",
                        (long long)d->bins, LEAST_BINS, MOST_BINS);
    return HEW_OK;
}

hew_status hew_observer_create(hew_observer **observer, const hew_observer_desc *desc)
{
    if (!observer || !desc)
        return hew_fail(HEW_ERR_INVALID, "observer: %s is null", observer ? "desc" : "observer");
    if (desc->size != sizeof *desc)
        return hew_fail(HEW_ERR_INVALID, "observer: descriptor size is %zu, this library's is %zu",
                        desc->size, sizeof *desc);
    hew_observer_desc d = *desc;
    const hew_status s = check(&d);
    if (s != HEW_OK)
        return s;
    const size_t half = has_histogram(&d) ? (size_t)d.bins / 2 : 0;
    const size_t head = hew_round_up(sizeof(hew_observer), HEW_ALIGNMENT);
    hew_observer *const o = hew_malloc(head + 2 * half * sizeof(uint64_t));
    if (!o)
        return hew_fail(HEW_ERR_NO_MEMORY, "observer: no memory for %lld bins", (long long)d.bins);
    o->d = d;
    o->histogram.half = half;
    o->histogram.below = (uint64_t *)((char *)o + head);
    o->histogram.above = o->histogram.below + half;
    *observer = o;
    return HEW_OK;
}

void hew_observer_destroy(hew_observer *observer) { hew_mfree(observer); }

/* The range of the finite elements; lo > hi if there are none. */
static hew_bounds range_of(const float *x, size_t n)
{
    const hew_bounds none = {INFINITY, -INFINITY};
    size_t lines;
    const hew_kernel *const kernel = hew_kernels(HEW_FAMILY_range_f32, &lines);
    const hew_bounds range = HEW_FN(range_f32, kernel)(none, n, x);
    if (hew_is_finite(range.lo) && hew_is_finite(range.hi))
        return range;
    hew_bounds finite = none;
    for (size_t i = 0; i < n; i++)
        if (hew_is_finite(x[i]))
            finite = hew_range_f32_ref(finite, 1, x + i);
    return finite;
}

hew_status hew_observer_observe(hew_observer *o, const float *x, int64_t n)
{
    if (!o || (n > 0 && !x))
        return hew_fail(HEW_ERR_INVALID, "observer: %s is null", o ? "x" : "observer");
    if (n < 0)
        return hew_fail(HEW_ERR_INVALID, "observer: n = %lld", (long long)n);
    const hew_bounds range = range_of(x, (size_t)n);
    if (range.lo > range.hi)
        return HEW_OK;
    const bool first = o->batches++ == 0;
    if (first) {
        o->seen = o->average = range;
    } else {
        o->average.lo += o->d.rate * (range.lo - o->average.lo);
        o->average.hi += o->d.rate * (range.hi - o->average.hi);
    }
    if (range.lo < o->seen.lo)
        o->seen.lo = range.lo;
    if (range.hi > o->seen.hi)
        o->seen.hi = range.hi;
    if (has_histogram(&o->d)) {
        make_room(&o->histogram, range, first);
        count(&o->histogram, x, (size_t)n);
    }
    return HEW_OK;
}

hew_status hew_observer_result(const hew_observer *o, float *scale, int32_t *zero, float *lo,
                               float *hi)
{
    if (!o || !scale || !zero)
        return hew_fail(HEW_ERR_INVALID, "observer: %s is null",
                        !o ? "observer" : scale ? "zero" : "scale");
    if (o->batches == 0)
        return hew_fail(HEW_ERR_INVALID, "observer: nothing finite has been observed");
    hew_bounds range = o->d.kind == HEW_OBSERVER_MOVING_AVERAGE ? o->average
                       : has_histogram(&o->d)                       ? clipped(o)
                                                                : o->seen;
    range = (hew_bounds){range.lo < 0 ? range.lo : 0, range.hi > 0 ? range.hi : 0};
    if (o->d.symmetric) {
        range.hi = -range.lo > range.hi ? -range.lo : range.hi;
        range.lo = -range.hi;
    }
    const hew_status s = scale_of("observer", o->d.type, o->d.symmetric, range, scale, zero);
    if (s == HEW_OK && lo)
        *lo = range.lo + 0.0f;
    if (s == HEW_OK && hi)
        *hi = range.hi + 0.0f;
    return s;
}
