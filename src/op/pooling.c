/*
 * pooling.c - pooling: what a descriptor means, and windows clipped to the input.
 *
 * A plane of output is cut into rectangles of pixels whose windows are alike: the middle, whose
 * windows lie inside the input, and around it one for each row and column of windows that don't.
 */
#include "format.h"

enum {
    TASK_BYTES = 128 << 10, /* of input that a task reads: 2 us in the cache, 6 from memory */
    CHANNEL_UNIT = 128      /* channels are cut at multiples of this */
};

/* One axis with its defaults filled in. */
typedef struct axis {
    int64_t in, out, kernel, stride, dilation, pad_lo, pad_hi;
    int64_t middle, middle_end; /* output positions whose windows lie inside the input */
} axis;

/* The part of a window that lies inside the input. */
typedef struct span {
    size_t first, count; /* the first input position, and how many, a dilation apart */
    int64_t padded;      /* positions of the window inside the padded input */
} span;

typedef struct pooling {
    hew_pooling_kind kind;
    int family;
    size_t size; /* bytes of an element */
    hew_pooling_fn *fn;
    axis axis[3]; /* unused ranks lead, with extent 1 */
    int rank;
    size_t batch, channels, in_stride, out_stride;
    size_t rows;       /* output rows of the whole batch */
    size_t task_rows, chunk, chunks; /* a task's rows and channels */
    int32_t zero;
    const char *in;
    char *out;
} pooling;

static hew_status check_axis(const axis *a)
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

static void finish_axis(axis *a, bool ceil_mode)
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

static hew_status make_axes(const hew_pooling_desc *d, pooling *p)
{
    const int64_t *extents = d->global ? d->in : d->kernel;
    int rank = 0;
    while (rank < 3 && extents[rank] != 0)
        rank++;
    if (rank == 0)
        return hew_fail(HEW_ERR_INVALID, "pooling: %s[0] is 0; the rank is taken from %s",
                        d->global ? "in" : "kernel", d->global ? "in" : "kernel");
    for (int i = 0; i < 3; i++) {
        const bool shape = d->stride[i] | d->dilation[i] | d->pad_lo[i] | d->pad_hi[i];
        if (i >= rank && (shape || d->in[i] | d->kernel[i]))
            return hew_fail(HEW_ERR_INVALID, "pooling: rank %d by %s, but entry %d is set", rank,
                            d->global ? "in" : "kernel", i);
        if (d->global && (shape || d->kernel[i]))
            return hew_fail(HEW_ERR_INVALID, "pooling: global, but kernel, stride, dilation or "
                            "padding %d is set", i);
    }
    p->rank = rank;
    for (int i = 0; i < 3; i++) {
        const int k = i - (3 - rank);
        axis *a = &p->axis[i];
        *a = (axis){.in = 1, .kernel = 1, .stride = 1, .dilation = 1};
        if (k >= 0)
            *a = (axis){.in = d->in[k],
                        .kernel = extents[k],
                        .stride = d->stride[k] ? d->stride[k] : 1,
                        .dilation = d->dilation[k] ? d->dilation[k] : 1,
                        .pad_lo = d->pad_lo[k],
                        .pad_hi = d->pad_hi[k]};
        const hew_status s = check_axis(a);
        if (s != HEW_OK)
            return s;
        finish_axis(a, d->ceil_mode);
    }
    return HEW_OK;
}

static hew_status check_tensors(const hew_pooling_desc *d, pooling *p)
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
    if (d->type != HEW_F32 && d->kind != HEW_POOLING_MAX && window > HEW_POOLING_SUMMANDS)
        return hew_fail(HEW_ERR_UNSUPPORTED,
                        "pooling: an average of %lld bytes; their sum is an s32 up to %d",
                        (long long)window, (int)HEW_POOLING_SUMMANDS);
    p->batch = d->channels ? (size_t)batch : 0;
    p->channels = (size_t)d->channels;
    p->in_stride = (size_t)in_stride;
    p->out_stride = (size_t)out_stride;
    return HEW_OK;
}

static hew_status check(const hew_pooling_desc *d, pooling *p)
{
    if (!d)
        return hew_fail(HEW_ERR_INVALID, "pooling: desc is null");
    if (d->size != sizeof *d)
        return hew_fail(HEW_ERR_INVALID, "pooling: descriptor size is %zu, this library's is %zu",
                        d->size, sizeof *d);
    if ((int)d->kind < 0 || (int)d->kind > HEW_POOLING_AVG_PADDED)
        return hew_fail(HEW_ERR_INVALID, "pooling: there is no kind %d; they are 0 to %d",
                        (int)d->kind, (int)HEW_POOLING_AVG_PADDED);
    if (d->type != HEW_F32 && d->type != HEW_U8 && d->type != HEW_S8)
        return hew_fail(HEW_ERR_UNSUPPORTED, "pooling: type %d (%s); f32, u8 and s8 are what there "
                        "is", (int)d->type, hew_type_name(d->type));
    p->family = d->type == HEW_F32  ? HEW_FAMILY_pooling_f32
                : d->type == HEW_U8 ? HEW_FAMILY_pooling_u8
                                    : HEW_FAMILY_pooling_s8;
    p->size = hew_type_size(d->type);
    p->kind = d->kind;
    p->zero = d->zero;
    hew_status s = hew_check_zero("pooling", "the tensor", d->zero, d->type);
    if (s == HEW_OK)
        s = make_axes(d, p);
    return s == HEW_OK ? check_tensors(d, p) : s;
}

hew_status hew_pooling_out_shape(const hew_pooling_desc *desc, int64_t out[3])
{
    pooling p = {0};
    const hew_status s = check(desc, &p);
    if (s != HEW_OK)
        return s;
    if (!out)
        return hew_fail(HEW_ERR_INVALID, "hew_pooling_out_shape: out is null");
    for (int i = 0; i < 3; i++)
        out[i] = i < p.rank ? p.axis[3 - p.rank + i].out : 1;
    return HEW_OK;
}

/* The window of output position o. */
static span span_of(const axis *a, int64_t o)
{
    const int64_t start = o * a->stride - a->pad_lo;
    const int64_t before = start < 0 ? (-start + a->dilation - 1) / a->dilation : 0;
    const int64_t end = start >= a->in ? 0 : (a->in - 1 - start) / a->dilation + 1;
    const int64_t padded = (a->in + a->pad_hi - 1 - start) / a->dilation + 1;
    const int64_t first = before < a->kernel ? before : a->kernel;
    const int64_t last = end < a->kernel ? end : a->kernel;
    return (span){.first = last > first ? (size_t)(start + first * a->dilation) : 0,
                  .count = last > first ? (size_t)(last - first) : 0,
                  .padded = padded < a->kernel ? padded : a->kernel};
}

/* Where the piece ends that begins with output position o: the middle is one, all others are
 * pieces of their own. */
static int64_t piece_end(const axis *a, int64_t o, int64_t limit)
{
    const int64_t end = o >= a->middle && o < a->middle_end ? a->middle_end : o + 1;
    return end < limit ? end : limit;
}

/* A piece of an output row's width, which has its windows' depth and height already. */
static void run_piece(const pooling *p, hew_pooling_block *block, const span rows[2], int64_t begin,
                      int64_t end, const char *image, char *out)
{
    const axis *a = p->axis;
    const span s = span_of(&a[2], begin);
    const size_t pixel =
        (rows[0].first * (size_t)a[1].in + rows[1].first) * (size_t)a[2].in + s.first;
    const int64_t inside = (int64_t)(rows[0].count * rows[1].count * s.count);
    const int64_t padded = rows[0].padded * rows[1].padded * s.padded;
    const int64_t divisor = p->kind == HEW_POOLING_AVG ? inside : padded;
    block->divisor = divisor ? (float)divisor : 1.0f;
    block->box[2] = s.count;
    block->pixels = (size_t)(end - begin);
    block->in = image + pixel * p->in_stride * p->size;
    block->out = out + (size_t)begin * p->out_stride * p->size;
    p->fn(block);
}

/* Output rows [begin, end) of one plane of output, the part of its channels at image and out. */
static void run_plane(const pooling *p, int64_t plane, int64_t begin, int64_t end, size_t channels,
                      const char *image, char *out)
{
    const axis *a = p->axis;
    const size_t in_row = (size_t)a[2].in * p->in_stride, in_plane = (size_t)a[1].in * in_row;
    span rows[2] = {span_of(&a[0], plane)};
    hew_pooling_block block = {
        .max = p->kind == HEW_POOLING_MAX,
        .zero = p->zero,
        .channels = channels,
        .step = {(size_t)a[0].dilation * in_plane, (size_t)a[1].dilation * in_row,
                 (size_t)a[2].dilation * p->in_stride},
        .in_row = (size_t)a[1].stride * in_row,
        .in_step = (size_t)a[2].stride * p->in_stride,
        .out_row = (size_t)a[2].out * p->out_stride,
        .out_step = p->out_stride,
    };
    for (int64_t y = begin, y_end; y < end; y = y_end) {
        y_end = piece_end(&a[1], y, end);
        rows[1] = span_of(&a[1], y);
        block.box[0] = rows[0].count;
        block.box[1] = rows[1].count;
        block.rows = (size_t)(y_end - y);
        for (int64_t x = 0, x_end; x < a[2].out; x = x_end) {
            x_end = piece_end(&a[2], x, a[2].out);
            run_piece(p, &block, rows, x, x_end, image,
                      out + (size_t)(y - begin) * block.out_row * p->size);
        }
    }
}

static void run_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const pooling *p = context;
    const axis *a = p->axis;
    const size_t channel = task % p->chunks * p->chunk;
    const size_t channels = hew_min(p->chunk, p->channels - channel);
    const size_t in_image = (size_t)(a[0].in * a[1].in * a[2].in) * p->in_stride;
    const size_t out_row = (size_t)a[2].out * p->out_stride;
    const size_t high = (size_t)a[1].out, deep = (size_t)a[0].out;
    const size_t begin = task / p->chunks * p->task_rows;
    const size_t end = hew_min(begin + p->task_rows, p->rows);
    for (size_t row = begin, row_end; row < end; row = row_end) {
        const size_t plane = row / high;
        row_end = hew_min((plane + 1) * high, end);
        run_plane(p, (int64_t)(plane % deep), (int64_t)(row - plane * high),
                  (int64_t)(row_end - plane * high), channels,
                  p->in + (plane / deep * in_image + channel) * p->size,
                  p->out + (row * out_row + channel) * p->size);
    }
}

/* Whole rows where a row is little work, parts of its channels where it is much. */
static void plan(pooling *p)
{
    const axis *a = p->axis;
    p->rows = p->batch * (size_t)a[0].out * (size_t)a[1].out;
    const double pixel = (double)a[0].kernel * (double)a[1].kernel * (double)a[2].kernel;
    const double row = pixel * (double)a[2].out * (double)(p->channels * p->size);
    p->task_rows = row < TASK_BYTES ? (size_t)(TASK_BYTES / row) : 1;
    const size_t wanted = row < TASK_BYTES ? 1 : (size_t)hew_min((size_t)(row / TASK_BYTES), 64);
    p->chunk = hew_round_up(hew_ceil_div(p->channels, wanted), CHANNEL_UNIT);
    p->chunks = hew_ceil_div(p->channels, p->chunk);
}

hew_status hew_pooling(const hew_pooling_desc *desc, const void *in, void *out,
                       const hew_threads *threads)
{
    pooling p = {.in = in, .out = out};
    hew_status s = check(desc, &p);
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    if (s != HEW_OK || p.batch == 0)
        return s;
    if (!in || !out)
        return hew_fail(HEW_ERR_INVALID, "pooling: %s is null", in ? "out" : "in");
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    size_t count;
    const hew_kernel *kernel = hew_kernels(p.family, &count);
    if (kernel->isa == HEW_ISA_REF) {
        ((hew_pooling_ref_fn *)kernel->fn)(desc, in, out);
    } else {
        p.fn = (hew_pooling_fn *)kernel->fn;
        plan(&p);
        s = hew_parallel(threads, hew_ceil_div(p.rows, p.task_rows) * p.chunks, run_task, &p);
    }
    if (HEW_UNLIKELY(start != 0)) {
        const axis *a = p.axis;
        hew_verbose_line("pooling %s %zux%lldx%lldx%lldx%zu -> %lldx%lldx%lld %s %.1f us",
                         hew_type_name(desc->type), p.batch, (long long)a[0].in, (long long)a[1].in,
                         (long long)a[2].in, p.channels, (long long)a[0].out,
                         (long long)a[1].out, (long long)a[2].out, kernel->name,
                         (hew_now() - start) * 1e6);
    }
    return s;
}
