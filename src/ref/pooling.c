/*
 * pooling - the definition of hew_pooling and hew_pooling_max, from a valid descriptor:
 *
 *     window of output pixel o = the taps t with o * stride + t * dilation - pad_lo in the input;
 *                                adaptive: [floor(o in / out), ceil((o + 1) in / out))
 *
 * f32, bf16: column by column, rising width, in it rising depth and height
 *     max:      the first NaN, or else the first of the largest elements; -inf without any
 *     average:  for each column a chain of additions from +0, then the chain of the columns' sums,
 *               divided by the taps inside the input, or with AVG_PADDED inside the padded input;
 *               0 without any; a NaN becomes 0x7fc00000
 *
 * f32, bf16: in the order of the pixels' numbers
 *     with indices: the first NaN, or else the first of the largest elements, and its number; -inf
 *               and -1 without any
 *     lp:       from +0, sum = fma(|x|^(power - 1), |x|, sum), where the power is a chain of
 *               products from 1; ref_root of that; a NaN becomes 0x7fc00000
 *
 * u8, s8
 *     max:      the largest; the type's lowest value without any
 *     average:  the sum, exact, where AVG_PADDED counts a tap in the padding as `zero`, as a float
 *               divided by the number of taps, rounded half to even; `zero` without any
 */
#include "ref/pooling.h"
#include "ref/math.h"
#include "ref/ref.h"

/* Axis k of the descriptor. */
static ref_axis axis_of(const hew_pooling_desc *d, int k)
{
    ref_axis a = {.in = d->in[k],
                  .kernel = d->global ? d->in[k] : d->kernel[k],
                  .stride = d->stride[k] ? d->stride[k] : 1,
                  .dilation = d->dilation[k] ? d->dilation[k] : 1,
                  .pad_lo = d->pad_lo[k],
                  .pad_hi = d->pad_hi[k]};
    if (d->adaptive[0]) {
        a.fit = true;
        a.out = d->adaptive[k];
        return a;
    }
    const int64_t room = a.in + a.pad_lo + a.pad_hi - a.dilation * (a.kernel - 1) - 1;
    a.out = room / a.stride + 1;
    if (d->ceil_mode) {
        const int64_t last = (a.in + a.pad_lo - 1) / a.stride; /* that starts in the input */
        a.out += room % a.stride != 0;
        if (a.out > last + 1)
            a.out = last + 1;
    }
    return a;
}

ref_pooling hew_ref_pooling(const hew_pooling_desc *d)
{
    const int64_t *extents = d->global ? d->in : d->adaptive[0] ? d->adaptive : d->kernel;
    ref_pooling p = {.batch = d->batch == -1 ? 0 : d->batch == 0 ? 1 : d->batch,
                     .in_stride = d->in_stride ? d->in_stride : d->channels,
                     .out_stride = d->out_stride ? d->out_stride : d->channels,
                     .in_pixels = 1,
                     .out_pixels = 1};
    int rank = 0;
    while (rank < 3 && extents[rank])
        rank++;
    for (int i = 0; i < 3; i++) {
        const int k = i - (3 - rank);
        p.axis[i] = k < 0 ? (ref_axis){1, 1, 1, 1, 1, 0, 0, false} : axis_of(d, k);
        p.in_pixels *= p.axis[i].in;
        p.out_pixels *= p.axis[i].out;
    }
    return p;
}

ref_place hew_ref_tap(const ref_pooling *p, const int64_t o[3], const int64_t t[3])
{
    ref_place place = {true, true, 0};
    for (int i = 0; i < 3; i++) {
        const ref_axis *a = &p->axis[i];
        const int64_t at = ref_tap(a, o[i], t[i]);
        place.inside &= at >= 0 && at < a->in;
        place.padded &= at < a->in + a->pad_hi;
        place.pixel = place.pixel * a->in + at;
    }
    return place;
}

/* What has been seen of a window. */
typedef struct window {
    float max, column, sum; /* f32; `sum`: of the columns before this one */
    int32_t max_int, sum_int;
    int64_t inside, padded; /* taps in the input; in the padded input */
} window;

/* Element i of a tensor. */
typedef void see_fn(window *w, const void *in, int64_t i);

static void see_float(window *w, float x)
{
    if (w->max == w->max && (x > w->max || x != x))
        w->max = x;
    w->column += x;
}

static void see_f32(window *w, const void *in, int64_t i)
{
    see_float(w, ((const float *)in)[i]);
}

static void see_bf16(window *w, const void *in, int64_t i)
{
    see_float(w, hew_ref_load_type(HEW_BF16, in, i));
}

static void see_int(window *w, int32_t x)
{
    if (x > w->max_int)
        w->max_int = x;
    w->sum_int += x;
}

static void see_u8(window *w, const void *in, int64_t i)
{
    see_int(w, ((const uint8_t *)in)[i]);
}

static void see_s8(window *w, const void *in, int64_t i)
{
    see_int(w, ((const int8_t *)in)[i]);
}

static int64_t divisor_of(const window *w, hew_pooling_kind kind)
{
    return kind == HEW_POOLING_AVG ? w->inside : w->padded;
}

static float result_float(const window *w, const hew_pooling_desc *d)
{
    if (d->kind == HEW_POOLING_MAX)
        return w->max;
    const int64_t divisor = divisor_of(w, d->kind);
    const float mean = divisor ? w->sum / (float)divisor : 0.0f;
    return mean != mean ? ref_from_bits(0x7fc00000) : mean;
}

static int32_t result_int(const window *w, const hew_pooling_desc *d)
{
    if (d->kind == HEW_POOLING_MAX)
        return w->max_int;
    const int64_t divisor = divisor_of(w, d->kind);
    const int32_t sum = w->sum_int + d->zero * (int32_t)(divisor - w->inside);
    return divisor ? hew_ref_round((float)sum / (float)divisor) : d->zero;
}

/* The image and channel begin with element `begin` of `in`. */
static window look(const ref_pooling *p, const int64_t o[3], see_fn *see, const void *in,
                   int64_t begin)
{
    window w = {.max = -INFINITY, .max_int = see == see_s8 ? INT8_MIN : 0};
    const ref_axis *a = p->axis;
    int64_t t[3];
    bool first = true;
    for (t[2] = 0; t[2] < ref_taps(&a[2], o[2]); t[2]++) {
        const int64_t before = w.inside;
        w.column = 0.0f;
        for (t[0] = 0; t[0] < ref_taps(&a[0], o[0]); t[0]++)
            for (t[1] = 0; t[1] < ref_taps(&a[1], o[1]); t[1]++) {
                const ref_place at = hew_ref_tap(p, o, t);
                w.inside += at.inside;
                w.padded += at.padded;
                if (at.inside)
                    see(&w, in, begin + at.pixel * p->in_stride);
            }
        if (w.inside > before) {
            w.sum = first ? w.column : w.sum + w.column;
            first = false;
        }
    }
    return w;
}

static void pool(const hew_pooling_desc *d, see_fn *see, const void *in, void *out)
{
    const ref_pooling p = hew_ref_pooling(d);
    int64_t o[3], at = 0;
    for (int64_t b = 0; b < p.batch; b++)
        for (o[0] = 0; o[0] < p.axis[0].out; o[0]++)
            for (o[1] = 0; o[1] < p.axis[1].out; o[1]++)
                for (o[2] = 0; o[2] < p.axis[2].out; o[2]++, at += p.out_stride)
                    for (int64_t c = 0; c < d->channels; c++) {
                        const window w =
                            look(&p, o, see, in, b * p.in_pixels * p.in_stride + c);
                        if (see == see_f32 || see == see_bf16)
                            hew_ref_store_type(d->type, out, at + c, result_float(&w, d));
                        else
                            ((uint8_t *)out)[at + c] = (uint8_t)result_int(&w, d);
                    }
}

void hew_pooling_f32_ref(const hew_pooling_desc *d, const void *in, void *out)
{
    pool(d, see_f32, in, out);
}

void hew_pooling_bf16_ref(const hew_pooling_desc *d, const void *in, void *out)
{
    pool(d, see_bf16, in, out);
}

void hew_pooling_u8_ref(const hew_pooling_desc *d, const void *in, void *out)
{
    pool(d, see_u8, in, out);
}

void hew_pooling_s8_ref(const hew_pooling_desc *d, const void *in, void *out)
{
    pool(d, see_s8, in, out);
}
