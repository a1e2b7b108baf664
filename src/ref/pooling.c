/*
 * pooling - the definition of hew_pooling, from a valid descriptor:
 *
 *     window of output pixel o = the taps t with o * stride + t * dilation - pad_lo in the input,
 *                                column by column: rising width, in it rising depth and height
 *
 * f32
 *     max:      the first NaN, or else the first of the largest elements; -inf without any
 *     average:  for each column a chain of additions from +0, then the chain of the columns' sums,
 *               divided by the taps inside the input, or with AVG_PADDED inside the padded input;
 *               0 without any; a NaN becomes 0x7fc00000
 *
 * u8, s8
 *     max:      the largest; the type's lowest value without any
 *     average:  the sum, exact, where AVG_PADDED counts a tap in the padding as `zero`, as a float
 *               divided by the number of taps, rounded half to even; `zero` without any
 */
#include "kernels.h"
#include "ref/math.h"
#include "ref/ref.h"

/* One axis. */
typedef struct axis {
    int64_t in, out, kernel, stride, dilation, pad_lo, pad_hi;
} axis;

/* Axis i of three, of which the first 3 - rank are not in the descriptor. */
static axis axis_of(const hew_pooling_desc *d, int i, int rank)
{
    const int k = i - (3 - rank);
    if (k < 0)
        return (axis){1, 1, 1, 1, 1, 0, 0};
    axis a = {.in = d->in[k],
              .kernel = d->global ? d->in[k] : d->kernel[k],
              .stride = d->stride[k] ? d->stride[k] : 1,
              .dilation = d->dilation[k] ? d->dilation[k] : 1,
              .pad_lo = d->pad_lo[k],
              .pad_hi = d->pad_hi[k]};
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

/* What has been seen of a window. */
typedef struct window {
    float max, column, sum; /* f32; `sum`: of the columns before this one */
    int32_t max_int, sum_int;
    int64_t inside, padded; /* taps in the input; in the padded input */
} window;

/* Element i of a tensor. */
typedef void see_fn(window *w, const void *in, int64_t i);

static void see_f32(window *w, const void *in, int64_t i)
{
    const float x = ((const float *)in)[i];
    if (w->max == w->max && (x > w->max || x != x))
        w->max = x;
    w->column += x;
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

static float result_f32(const window *w, const hew_pooling_desc *d)
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
static window look(const axis a[3], const int64_t o[3], see_fn *see, const void *in, int64_t begin,
                   int64_t in_stride)
{
    window w = {.max = -INFINITY, .max_int = see == see_s8 ? INT8_MIN : 0};
    int64_t t[3];
    bool first = true;
    for (t[2] = 0; t[2] < a[2].kernel; t[2]++) {
        const int64_t before = w.inside;
        w.column = 0.0f;
        for (t[0] = 0; t[0] < a[0].kernel; t[0]++)
            for (t[1] = 0; t[1] < a[1].kernel; t[1]++) {
                bool inside = true, padded = true;
                int64_t pixel = 0;
                for (int i = 0; i < 3; i++) {
                    const int64_t at = o[i] * a[i].stride + t[i] * a[i].dilation - a[i].pad_lo;
                    inside &= at >= 0 && at < a[i].in;
                    padded &= at < a[i].in + a[i].pad_hi;
                    pixel = pixel * a[i].in + at;
                }
                w.inside += inside;
                w.padded += padded;
                if (inside)
                    see(&w, in, begin + pixel * in_stride);
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
    const int64_t *extents = d->global ? d->in : d->kernel;
    int rank = 0;
    while (rank < 3 && extents[rank])
        rank++;
    const axis a[3] = {axis_of(d, 0, rank), axis_of(d, 1, rank), axis_of(d, 2, rank)};
    const int64_t batch = d->batch == -1 ? 0 : d->batch == 0 ? 1 : d->batch;
    const int64_t in_stride = d->in_stride ? d->in_stride : d->channels;
    const int64_t out_stride = d->out_stride ? d->out_stride : d->channels;
    const int64_t image = a[0].in * a[1].in * a[2].in * in_stride;
    int64_t o[3], at = 0;
    for (int64_t b = 0; b < batch; b++)
        for (o[0] = 0; o[0] < a[0].out; o[0]++)
            for (o[1] = 0; o[1] < a[1].out; o[1]++)
                for (o[2] = 0; o[2] < a[2].out; o[2]++, at += out_stride)
                    for (int64_t c = 0; c < d->channels; c++) {
                        const window w = look(a, o, see, in, b * image + c, in_stride);
                        if (see == see_f32)
                            ((float *)out)[at + c] = result_f32(&w, d);
                        else
                            ((uint8_t *)out)[at + c] = (uint8_t)result_int(&w, d);
                    }
}

void hew_pooling_f32_ref(const hew_pooling_desc *d, const void *in, void *out)
{
    pool(d, see_f32, in, out);
}

void hew_pooling_u8_ref(const hew_pooling_desc *d, const void *in, void *out)
{
    pool(d, see_u8, in, out);
}

void hew_pooling_s8_ref(const hew_pooling_desc *d, const void *in, void *out)
{
    pool(d, see_s8, in, out);
}
