/*
 * pooling_shape.c - what a descriptor of pooling means, and its windows clipped to the input.
 */
#include "pooling.h"

static hew_status check_axis(const hew_pooling_axis *a)
{
    if (a->in < 1 || a->kernel < 1 || a->stride < 1 || a->dilation < 1 || a->pad_lo < 0 ||
        a->pad_hi < 0)
        return hew_fail(HEW_ERR_INVALID,
                        "pooling: in %lld, kernel %lld, stride %lld, dilation %lld, padding %lld, "
                        "%lld: extents start at 1, paddings at 0",
                        (long long)a->in, (long long)a->kernel, (long long)a->stride,
                        (long long)a->dilation, (long long)a->pad_lo, (long long)a->pad_hi);
    int64_t padded, reach, last;
    if (!hew_add(a->in, a->pad_lo, &padded) || !hew_add(padded, a->pad_hi, &padded) ||
        !hew_mul(a->kernel - 1, a->dilation, &reach) || !hew_add(padded, reach, &last) ||
        !hew_add(last, a->stride, &last))
        return hew_fail(HEW_ERR_OVERFLOW,
                        "pooling: extents overflow: in %lld, kernel %lld, stride %lld",
                        (long long)a->in, (long long)a->kernel, (long long)a->stride);
    if (padded <= reach)
        return hew_fail(HEW_ERR_INVALID,
                        "pooling: the window reaches over %lld elements, the padded input has %lld",
                        (long long)reach + 1, (long long)padded);
    return HEW_OK;
}

static void finish_axis(hew_pooling_axis *a, bool ceil_mode)
{
    const int64_t reach = (a->kernel - 1) * a->dilation;
    const int64_t room = a->in + a->pad_lo + a->pad_hi - reach - 1;
    a->out = room / a->stride + 1;
    if (ceil_mode) {
        /* Windows that would start past the input are left out, those of the padding too. */
        const int64_t inside = (a->in + a->pad_lo - 1) / a->stride + 1;
        a->out += room % a->stride != 0;
        a->out = inside < a->out ? inside : a->out;
    }
    a->middle = (a->pad_lo + a->stride - 1) / a->stride;
    const int64_t last = a->in - reach - 1 + a->pad_lo; /* where a window inside may start */
    a->middle_end = last < 0 ? 0 : last / a->stride + 1;
    if (a->middle > a->out)
        a->middle = a->out;
    if (a->middle_end > a->out)
        a->middle_end = a->out;
    if (a->middle_end < a->middle)
        a->middle_end = a->middle;
}

/* Where the rank is taken from: the entries of what are not zero. */
typedef struct shape {
    const int64_t *extents;
    const char *name;
    int rank;
} shape;

static hew_status find_rank(const hew_pooling_desc *d, shape *s)
{
    const bool adaptive = d->adaptive[0] | d->adaptive[1] | d->adaptive[2];
    *s = d->global  ? (shape){d->in, "in", 0}
         : adaptive ? (shape){d->adaptive, "adaptive", 0}
                    : (shape){d->kernel, "kernel", 0};
    while (s->rank < 3 && s->extents[s->rank] != 0)
        s->rank++;
    if (s->rank == 0)
        return hew_fail(HEW_ERR_INVALID, "pooling: %s[0] is 0; the rank is taken from %s", s->name,
                        s->name);
    for (int i = 0; i < 3; i++) {
        const bool window = d->stride[i] | d->dilation[i] | d->pad_lo[i] | d->pad_hi[i];
        if (i >= s->rank && (window || d->in[i] | d->kernel[i] | d->adaptive[i]))
            return hew_fail(HEW_ERR_INVALID, "pooling: rank %d by %s, but entry %d is set",
                            s->rank, s->name, i);
        if (d->global && (window || d->kernel[i] | d->adaptive[i]))
            return hew_fail(HEW_ERR_INVALID, "pooling: global, but kernel, stride, dilation, "
                            "padding or adaptive %d is set", i);
        if (adaptive && (window || d->kernel[i]))
            return hew_fail(HEW_ERR_INVALID, "pooling: adaptive, but kernel, stride, dilation or "
                            "padding %d is set", i);
    }
    return HEW_OK;
}

/* Windows of one length are ordinary ones. */
static hew_status adapt(hew_pooling_axis *a, int64_t in, int64_t out)
{
    int64_t product;
    if (in < 1 || out < 1)
        return hew_fail(HEW_ERR_INVALID, "pooling: in %lld, adaptive %lld: extents start at 1",
                        (long long)in, (long long)out);
    if (out == INT64_MAX || !hew_mul(in, out + 1, &product))
        return hew_fail(HEW_ERR_OVERFLOW, "pooling: in %lld times adaptive %lld overflows",
                        (long long)in, (long long)out);
    *a = (hew_pooling_axis){.in = in, .out = out, .dilation = 1, .adaptive = in % out != 0};
    a->kernel = a->adaptive ? hew_min_i64(in, in / out + 2) : in / out;
    a->stride = a->adaptive ? 1 : a->kernel;
    a->middle_end = a->adaptive ? 0 : out;
    return HEW_OK;
}

static hew_status make_axes(const hew_pooling_desc *d, hew_pooling_plan *p)
{
    shape from;
    hew_status s = find_rank(d, &from);
    p->rank = from.rank;
    for (int i = 0; i < 3 && s == HEW_OK; i++) {
        const int k = i - (3 - from.rank);
        hew_pooling_axis *a = &p->axis[i];
        *a = (hew_pooling_axis){.in = 1, .kernel = 1, .stride = 1, .dilation = 1};
        if (k >= 0 && from.extents == d->adaptive) {
            s = adapt(a, d->in[k], d->adaptive[k]);
            continue;
        }
        if (k >= 0)
            *a = (hew_pooling_axis){.in = d->in[k],
                                    .kernel = from.extents[k],
                                    .stride = d->stride[k] ? d->stride[k] : 1,
                                    .dilation = d->dilation[k] ? d->dilation[k] : 1,
                                    .pad_lo = d->pad_lo[k],
                                    .pad_hi = d->pad_hi[k]};
        s = check_axis(a);
        if (s == HEW_OK)
            finish_axis(a, d->ceil_mode);
    }
    return s;
}

static hew_status check_tensors(const hew_pooling_desc *d, hew_pooling_plan *p)
{
    if (d->batch < -1 || d->channels < 0)
        return hew_fail(HEW_ERR_INVALID, "pooling: batch = %lld, channels = %lld",
                        (long long)d->batch, (long long)d->channels);
    const int64_t batch = d->batch == -1 ? 0 : d->batch == 0 ? 1 : d->batch;
    const int64_t in_stride = d->in_stride == 0 ? d->channels : d->in_stride;
    const int64_t out_stride = d->out_stride == 0 ? d->channels : d->out_stride;
    if (in_stride < d->channels || out_stride < d->channels)
        return hew_fail(HEW_ERR_INVALID,
                        "pooling: in_stride = %lld and out_stride = %lld for %lld channels",
                        (long long)d->in_stride, (long long)d->out_stride,
                        (long long)d->channels);
    const int64_t bytes = (int64_t)p->size, images = batch > 0 ? batch : 1;
    int64_t in = 1, out = 1, window = 1;
    bool fits = hew_mul(in_stride, bytes, &in) && hew_mul(out_stride, bytes, &out) &&
                hew_mul(in, images, &in) && hew_mul(out, images, &out);
    for (int i = 0; i < 3; i++)
        fits = fits && (p->axis[i].stride | p->axis[i].dilation | p->axis[i].pad_lo |
                        p->axis[i].pad_hi) >> 40 == 0 &&
               hew_mul(in, p->axis[i].in, &in) && hew_mul(out, p->axis[i].out, &out) &&
               hew_mul(window, p->axis[i].kernel, &window);
    if (!fits)
        return hew_fail(HEW_ERR_OVERFLOW,
                        "pooling: a tensor or window overflows: batch %lld, in %lld x %lld x %lld, "
                        "strides %lld and %lld",
                        (long long)batch, (long long)p->axis[0].in, (long long)p->axis[1].in,
                        (long long)p->axis[2].in, (long long)in_stride, (long long)out_stride);
    if (p->size == 1 && d->kind != HEW_POOLING_MAX && window > HEW_POOLING_SUMMANDS)
        return hew_fail(HEW_ERR_UNSUPPORTED,
                        "pooling: an average of %lld bytes; their sum is an s32 up to %d",
                        (long long)window, (int)HEW_POOLING_SUMMANDS);
    p->batch = d->channels ? (size_t)batch : 0;
    p->channels = (size_t)d->channels;
    p->in_stride = (size_t)in_stride;
    p->out_stride = (size_t)out_stride;
    return HEW_OK;
}

hew_status hew_pooling_check(const hew_pooling_desc *d, hew_pooling_plan *p)
{
    if (!d)
        return hew_fail(HEW_ERR_INVALID, "pooling: desc is null");
    if (d->size != sizeof *d)
        return hew_fail(HEW_ERR_INVALID, "pooling: descriptor size is %zu, this library's is %zu",
                        d->size, sizeof *d);
    if ((int)d->kind < 0 || (int)d->kind > HEW_POOLING_LP)
        return hew_fail(HEW_ERR_INVALID, "pooling: there is no kind %d; they are 0 to %d",
                        (int)d->kind, (int)HEW_POOLING_LP);
    const bool floats = d->type == HEW_F32 || d->type == HEW_BF16, lp = d->kind == HEW_POOLING_LP;
    if (!floats && (lp || (d->type != HEW_U8 && d->type != HEW_S8)))
        return hew_fail(HEW_ERR_UNSUPPORTED, "pooling: kind %d of type %d (%s); there are f32 and "
                        "bf16, and u8 and s8 but for lp", (int)d->kind, (int)d->type,
                        hew_type_name(d->type));
    if (lp ? d->power < 0 || d->power > HEW_POOLING_MOST_POWER : d->power != 0)
        return hew_fail(HEW_ERR_INVALID, "pooling: power = %d, of kind %d; it is 1 to %d, of lp",
                        (int)d->power, (int)d->kind, (int)HEW_POOLING_MOST_POWER);
    p->type = d->type;
    p->size = hew_type_size(d->type);
    p->kind = d->kind;
    p->power = lp ? d->power ? d->power : 2 : 0;
    p->zero = d->zero;
    hew_status s = hew_check_zero("pooling", "the tensor", d->zero, d->type);
    if (s == HEW_OK)
        s = make_axes(d, p);
    return s == HEW_OK ? check_tensors(d, p) : s;
}

hew_status hew_pooling_out_shape(const hew_pooling_desc *desc, int64_t out[3])
{
    hew_pooling_plan p = {0};
    const hew_status s = hew_pooling_check(desc, &p);
    if (s != HEW_OK)
        return s;
    if (!out)
        return hew_fail(HEW_ERR_INVALID, "hew_pooling_out_shape: out is null");
    for (int i = 0; i < 3; i++)
        out[i] = i < p.rank ? p.axis[3 - p.rank + i].out : 1;
    return HEW_OK;
}

hew_status hew_pooling_check_data(const char *name, const void *data, size_t alignment)
{
    if (!data)
        return hew_fail(HEW_ERR_INVALID, "pooling: %s is null", name);
    if ((uintptr_t)data % alignment)
        return hew_fail(HEW_ERR_INVALID, "pooling: %s = %p isn't aligned to %zu bytes", name, data,
                        alignment);
    return HEW_OK;
}

hew_status hew_pooling_check_indices(const hew_pooling_plan *p)
{
    if (p->kind != HEW_POOLING_MAX || p->size == 1)
        return hew_fail(HEW_ERR_UNSUPPORTED, "pooling: indices of kind %d, type %s; they are those "
                        "of a maximum of f32 or bf16", (int)p->kind, hew_type_name(p->type));
    if (hew_pooling_in_pixels(p) > INT32_MAX)
        return hew_fail(HEW_ERR_UNSUPPORTED, "pooling: indices into %zu pixels; they are int32_t",
                        hew_pooling_in_pixels(p));
    int64_t elements = 4;
    if (!hew_mul(elements, (int64_t)hew_pooling_out_pixels(p), &elements) ||
        !hew_mul(elements, (int64_t)p->channels, &elements) ||
        !hew_mul(elements, 2 * (int64_t)p->batch, &elements))
        return hew_fail(HEW_ERR_OVERFLOW, "pooling: %zu images' indices of %zu pixels of %zu "
                        "channels overflow", p->batch, hew_pooling_out_pixels(p), p->channels);
    return HEW_OK;
}

hew_pooling_part hew_pooling_window(const hew_pooling_axis *a, int64_t o)
{
    if (a->adaptive) {
        const int64_t begin = o * a->in / a->out, end = ((o + 1) * a->in - 1) / a->out + 1;
        return (hew_pooling_part){(size_t)begin, (size_t)(end - begin), end - begin};
    }
    const int64_t start = o * a->stride - a->pad_lo;
    const int64_t before = start < 0 ? (-start + a->dilation - 1) / a->dilation : 0;
    const int64_t end = start >= a->in ? 0 : (a->in - 1 - start) / a->dilation + 1;
    const int64_t padded = (a->in + a->pad_hi - 1 - start) / a->dilation + 1;
    const int64_t first = before < a->kernel ? before : a->kernel;
    const int64_t last = end < a->kernel ? end : a->kernel;
    return (hew_pooling_part){.first = last > first ? (size_t)(start + first * a->dilation) : 0,
                              .count = last > first ? (size_t)(last - first) : 0,
                              .padded = padded < a->kernel ? padded : a->kernel};
}

