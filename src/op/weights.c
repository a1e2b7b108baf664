/*
 * weights.c - weights to s8 and s4 and back.
 */
#include "weights.h"
#include "ref/ref.h"

#include <string.h>

hew_status hew_weights_check(const char *op, const hew_weights_desc *d, hew_weights *w)
{
    if (!d)
        return hew_fail(HEW_ERR_INVALID, "%s: desc is null", op);
    if (d->size != sizeof *d)
        return hew_fail(HEW_ERR_INVALID, "%s: descriptor size is %zu, this library's is %zu", op,
                        d->size, sizeof *d);
    const int64_t taps = d->taps == 0 ? 1 : d->taps, groups = d->groups == 0 ? 1 : d->groups;
    if (d->out_c < 0 || d->in_c < 0 || taps < 0 || groups < 0)
        return hew_fail(HEW_ERR_INVALID,
                        "%s: out_c = %lld, in_c = %lld, taps = %lld, groups = %lld", op,
                        (long long)d->out_c, (long long)d->in_c, (long long)taps,
                        (long long)groups);
    if (d->out_c % groups != 0 || d->in_c % groups != 0)
        return hew_fail(HEW_ERR_INVALID,
                        "%s: groups = %lld divides not both out_c = %lld and in_c = %lld", op,
                        (long long)groups, (long long)d->out_c, (long long)d->in_c);
    if (d->in_first && (taps != 1 || groups != 1))
        return hew_fail(HEW_ERR_INVALID,
                        "%s: in_first with taps = %lld and groups = %lld, not a matrix", op,
                        (long long)taps, (long long)groups);
    if (d->k_group < 0)
        return hew_fail(HEW_ERR_INVALID, "%s: k_group = %lld", op, (long long)d->k_group);
    /* Rows of s4 may have an element more. */
    int64_t k, elements;
    if (!hew_mul(d->in_c / groups, taps, &k) || k > INT64_MAX - 1 || d->out_c > INT64_MAX - 1 ||
        !hew_mul(k + 1, d->out_c + 1, &elements) ||
        !hew_mul(elements, (int64_t)sizeof(float), &elements))
        return hew_fail(HEW_ERR_OVERFLOW, "%s: out_c = %lld, in_c = %lld, taps = %lld are too large",
                        op, (long long)d->out_c, (long long)d->in_c, (long long)taps);
    *w = (hew_weights){
        .channels = (size_t)d->out_c,
        .k = (size_t)k,
        .taps = (size_t)taps,
        .group_out = d->out_c ? (size_t)(d->out_c / groups) : 1,
        .group_in = (size_t)(d->in_c / groups),
        .k_group = d->k_group == 0 ? (size_t)hew_max_i64(k, 1) : (size_t)d->k_group,
        .channel = d->in_first ? 1 : (size_t)k,
        .step = d->in_first ? (size_t)d->out_c : 1,
        .row = d->in_first ? (size_t)d->out_c : (size_t)k,
    };
    w->groups = hew_ceil_div(w->k, w->k_group);
    return HEW_OK;
}

hew_status hew_weights_check_q(const char *op, const hew_weights_desc *d, hew_weights *w)
{
    const hew_status s = hew_weights_check(op, d, w);
    if (s != HEW_OK)
        return s;
    if (d->type != HEW_S8 && d->type != HEW_S4)
        return hew_fail(HEW_ERR_UNSUPPORTED, "%s: type is %s; there are s8 and s4", op,
                        hew_type_name(d->type));
    w->is_s4 = d->type == HEW_S4;
    const size_t rows = w->row ? w->channels * w->k / w->row : 0;
    w->bytes = w->is_s4 ? rows * hew_ceil_div(w->row, 2) : rows * w->row;
    return HEW_OK;
}

hew_status hew_weights_size(const hew_weights_desc *desc, size_t *bytes)
{
    hew_weights w;
    if (!bytes)
        return hew_fail(HEW_ERR_INVALID, "weights_size: bytes is null");
    const hew_status s = hew_weights_check_q("weights_size", desc, &w);
    if (s == HEW_OK)
        *bytes = w.bytes;
    return s;
}

/* ----------------------------------------------------------------------------- elements ---- */

/* Where element `at` of the floats, rows without gaps, lies in rows of s4. */
HEW_INLINE size_t nibble_of(const hew_weights *w, size_t at)
{
    return w->row % 2 == 0 ? at : at + at / w->row;
}

int32_t hew_weight_at(const hew_weights *w, const void *q, size_t at)
{
    if (!w->is_s4)
        return ((const int8_t *)q)[at];
    const size_t nibble = nibble_of(w, at);
    const int32_t bits = ((const uint8_t *)q)[nibble / 2] >> nibble % 2 * 4 & 15;
    return bits < 8 ? bits : bits - 16;
}

/* Into memory that was zeroed. */
static void put(const hew_weights *w, void *q, size_t at, int32_t value)
{
    if (!w->is_s4) {
        ((int8_t *)q)[at] = (int8_t)value;
        return;
    }
    const size_t nibble = nibble_of(w, at);
    ((uint8_t *)q)[nibble / 2] |= (uint8_t)((uint32_t)(value & 15) << nibble % 2 * 4);
}

/* --------------------------------------------------------------------------- quantising ---- */

static hew_span span_of(const hew_weights *w)
{
    return w->is_s4 ? (hew_span){-8, 7} : (hew_span){-128, 127};
}

/* The elements of a channel that have one scale. */
typedef struct run {
    size_t first, step, n;
} run;

static run run_of(const hew_weights *w, size_t group, size_t channel)
{
    const size_t begin = group * w->k_group;
    return (run){channel * w->channel + begin * w->step, w->step,
                 hew_min(w->k_group, w->k - begin)};
}

static void quantize_run(const hew_weights *w, run r, bool symmetric, const float *from, void *q,
                         float *scale, int8_t *zero)
{
    hew_bounds range = {0, 0};
    for (size_t i = 0; i < r.n; i++) {
        const float x = from[r.first + i * r.step];
        range.lo = x < range.lo ? x : range.lo;
        range.hi = x > range.hi ? x : range.hi;
    }
    const hew_span span = span_of(w);
    const hew_affine affine = hew_affine_of(span, symmetric, range);
    for (size_t i = 0; i < r.n; i++) {
        const size_t at = r.first + i * r.step;
        const int32_t value = hew_ref_quantize(from[at] / affine.scale, affine.zero, HEW_S8);
        put(w, q, at, value < span.low ? span.low : value > span.high ? span.high : value);
    }
    *scale = affine.scale;
    if (zero)
        *zero = (int8_t)affine.zero;
}

hew_status hew_quantize_weights(const hew_weights_desc *desc, const float *from, void *q,
                                float *scale, int8_t *zero)
{
    static const char op[] = "quantize_weights";
    hew_weights w;
    const hew_status s = hew_weights_check_q(op, desc, &w);
    if (s != HEW_OK)
        return s;
    const size_t elements = w.channels * w.k;
    if ((elements > 0 && (!from || !q || !scale)) || (desc->asymmetric && !zero))
        return hew_fail(HEW_ERR_INVALID, "%s: %s is null", op,
                        !from ? "w" : !q ? "q" : !scale ? "scale" : "zero");
    for (size_t i = 0; i < elements; i++)
        if (!hew_is_finite(from[i]))
            return hew_fail(HEW_ERR_INVALID, "%s: weight %zu is %g", op, i, (double)from[i]);
    if (w.is_s4)
        memset(q, 0, w.bytes);
    for (size_t group = 0; group < w.groups; group++)
        for (size_t channel = 0; channel < w.channels; channel++) {
            const size_t at = group * w.channels + channel;
            quantize_run(&w, run_of(&w, group, channel), !desc->asymmetric, from, q, scale + at,
                         zero ? zero + at : NULL);
        }
    return HEW_OK;
}

hew_status hew_dequantize_weights(const hew_weights_desc *desc, const void *q, const float *scale,
                                  const int8_t *zero, float *to)
{
    static const char op[] = "dequantize_weights";
    hew_weights w;
    const hew_status s = hew_weights_check_q(op, desc, &w);
    if (s != HEW_OK || w.channels * w.k == 0)
        return s;
    if (!q || !scale || !to)
        return hew_fail(HEW_ERR_INVALID, "%s: %s is null", op, !q ? "q" : scale ? "w" : "scale");
    for (size_t group = 0; group < w.groups; group++)
        for (size_t channel = 0; channel < w.channels; channel++) {
            const run r = run_of(&w, group, channel);
            const size_t of = group * w.channels + channel;
            for (size_t i = 0; i < r.n; i++) {
                const size_t at = r.first + i * r.step;
                const int32_t value = hew_weight_at(&w, q, at) - (zero ? zero[of] : 0);
                to[at] = (float)value * scale[of];
            }
        }
    return HEW_OK;
}
