/*
 * quantize.c - tensors of floats to quantised ones, back, and from one quantisation to another.
 *
 * [outer][channels][inner] is a matrix of `outer` rows.  A task takes some rows of some columns,
 * and cuts the columns into segments with one scale, or with scales spread out to one a column
 * where segments would be short.  Short rows without gaps are taken several at a time, as one.
 */
#include "format.h"

enum {
    TASK_ELEMENTS = 64 << 10, /* some 15 us: several times what handing out a task costs */
    SEGMENT = 1024,           /* columns whose scales, zeros and floats fit in the L1 cache */
    LONG_INNER = 64,          /* from here on a channel is a segment of its own */
    LANES = 16,               /* rows that are no multiple have a tail in kernels */
    MERGED = 256              /* columns of several rows taken as one, so that tails are rare */
};

typedef struct conversion {
    const char *name;
    hew_type in_type, out_type;
    size_t rows, channels, inner;
    size_t in_stride, out_stride; /* bytes, as all strides here */
    size_t task_rows, task_columns, across;
    size_t merge; /* rows taken as one */
    const char *in;
    char *out;
    const float *scale; /* of the channels; for requantise, of the input's */
    const void *zero;
    hew_type zero_type;
    float out_scale; /* requantise only */
    int32_t out_zero;
    quantize_f32_fn *quantize; /* null where the output is f32 */
    dequantize_f32_fn *dequantize; /* null where the input is f32 */
} conversion;

/* Some rows of columns with one scale, or with one each in `scales` and `zeros`. */
typedef struct segment {
    size_t rows, n, in_stride, out_stride;
    const char *in;
    char *out;
    float scale;
    int32_t zero;
    const float *scales;
    const int32_t *zeros;
} segment;

static int32_t zero_of(const conversion *c, size_t channel)
{
    if (!c->zero)
        return 0;
    switch ((int)c->zero_type) {
    case HEW_S8: return ((const int8_t *)c->zero)[channel];
    case HEW_U8: return ((const uint8_t *)c->zero)[channel];
    }
    return ((const int32_t *)c->zero)[channel];
}

static void quantize_segment(const conversion *c, const segment *s)
{
    c->quantize(&(hew_quantize_rows){.x = (const float *)s->in, .x_stride = s->in_stride,
                                     .y = s->out, .y_stride = s->out_stride, .type = c->out_type,
                                     .scale = s->scale, .zero = s->zero, .rows = s->rows,
                                     .n = s->n, .scales = s->scales, .zeros = s->zeros});
}

static hew_dequantize_rows dequantized(const conversion *c, const segment *s)
{
    return (hew_dequantize_rows){.x = s->in, .x_stride = s->in_stride, .type = c->in_type,
                                 .y = (float *)s->out, .y_stride = s->out_stride,
                                 .scale = s->scale, .zero = s->zero, .rows = s->rows, .n = s->n,
                                 .scales = s->scales, .zeros = s->zeros};
}

/* Floats in between rest in the cache; their values are those of two calls. */
static void requantize_segment(const conversion *c, const segment *s)
{
    float floats[SEGMENT];
    for (size_t i = 0; i < s->rows; i++)
        for (size_t j = 0; j < s->n; j += SEGMENT) {
            hew_dequantize_rows from = dequantized(c, s);
            from.x = s->in + i * s->in_stride + j * hew_type_size(c->in_type);
            from.y = floats;
            from.rows = 1;
            from.n = hew_min(s->n - j, SEGMENT);
            c->dequantize(&from);
            c->quantize(&(hew_quantize_rows){.x = floats, .y = s->out + i * s->out_stride + j,
                                             .type = c->out_type, .scale = c->out_scale,
                                             .zero = c->out_zero, .rows = 1, .n = from.n});
        }
}

static void run_segment(const conversion *c, const segment *s)
{
    if (c->quantize && c->dequantize) {
        requantize_segment(c, s);
    } else if (c->quantize) {
        quantize_segment(c, s);
    } else {
        const hew_dequantize_rows rows = dequantized(c, s);
        c->dequantize(&rows);
    }
}

/* Scales of the columns from the given one on, and from the first again after the last. */
static void spread(const conversion *c, size_t column, size_t n, float *scales, int32_t *zeros)
{
    size_t channel = column / c->inner, left = c->inner - column % c->inner;
    for (size_t j = 0; j < n; j++) {
        scales[j] = c->scale[channel];
        zeros[j] = zero_of(c, channel);
        if (--left == 0) {
            channel = channel + 1 == c->channels ? 0 : channel + 1;
            left = c->inner;
        }
    }
}

/* Rows without gaps, `merge` of them as one, and those left over as one. */
static void run_merged(const conversion *c, segment s)
{
    const size_t rows = s.rows, columns = s.n;
    s.rows = rows / c->merge;
    s.n = columns * c->merge;
    s.in_stride *= c->merge;
    s.out_stride *= c->merge;
    if (s.rows > 0)
        run_segment(c, &s);
    s.in += s.rows * s.in_stride;
    s.out += s.rows * s.out_stride;
    s.rows = 1;
    s.n = rows % c->merge * columns;
    if (s.n > 0)
        run_segment(c, &s);
}

static void run_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const conversion *const c = context;
    const size_t row = task / c->across * c->task_rows;
    const size_t columns = c->channels * c->inner;
    size_t column = task % c->across * c->task_columns;
    const size_t end = hew_min(column + c->task_columns, columns);
    segment s = {.rows = hew_min(c->task_rows, c->rows - row), .in_stride = c->in_stride,
                 .out_stride = c->out_stride};
    float scales[SEGMENT];
    int32_t zeros[SEGMENT];
    for (; column < end; column += s.n) {
        const size_t channel = column / c->inner;
        s.in = c->in + row * c->in_stride + column * hew_type_size(c->in_type);
        s.out = c->out + row * c->out_stride + column * hew_type_size(c->out_type);
        if (c->channels == 1 || c->inner >= LONG_INNER) {
            s.scale = c->scale[channel];
            s.zero = zero_of(c, channel);
            s.n = hew_min(end, (channel + 1) * c->inner) - column;
        } else {
            s.n = hew_min(end - column, SEGMENT);
            spread(c, column, s.n * c->merge, scales, zeros);
            s.scales = scales;
            s.zeros = zeros;
        }
        if (c->merge > 1)
            run_merged(c, s);
        else
            run_segment(c, &s);
    }
}

/* A whole row where it is short enough, so that a task's memory has no gaps. */
static void plan(conversion *c)
{
    size_t columns = c->channels * c->inner;
    const bool dense = c->in_stride == columns * hew_type_size(c->in_type) &&
                       c->out_stride == columns * hew_type_size(c->out_type);
    if (c->channels == 1 && dense) {
        c->inner = columns *= c->rows;
        c->rows = 1;
    }
    const bool is_spread = c->channels > 1 && c->inner < LONG_INNER;
    c->merge = 1;
    if (dense && is_spread && columns % LANES != 0)
        c->merge = hew_max(hew_min(MERGED / columns, c->rows), 1);
    c->task_columns = hew_min(columns, TASK_ELEMENTS);
    c->task_rows = hew_min(hew_ceil_div(TASK_ELEMENTS, c->task_columns), c->rows);
    c->across = hew_ceil_div(columns, c->task_columns);
}

static bool is_scale(float x)
{
    return x > 0.0f && x - x == 0.0f;
}

static hew_status check_stride(const conversion *c, const char *name, int64_t given, int64_t row,
                               hew_type type, int64_t outer, size_t *bytes)
{
    const int64_t used = given == 0 ? row : given;
    if (used < row)
        return hew_fail(HEW_ERR_INVALID, "%s: %s = %lld is less than channels * inner = %lld",
                        c->name, name, (long long)given, (long long)row);
    int64_t all;
    if (!hew_mul(used, (int64_t)hew_type_size(type), &all) || !hew_mul(all, outer, &all))
        return hew_fail(HEW_ERR_OVERFLOW, "%s: outer = %lld with %s = %lld is too large", c->name,
                        (long long)outer, name, (long long)used);
    *bytes = (size_t)used * hew_type_size(type);
    return HEW_OK;
}

/* Shape, scale and zero of a descriptor, which for requantise are those of the input. */
static hew_status check_shape(conversion *c, const hew_quantize_desc *d)
{
    if (d->outer < -1 || d->channels < 0 || d->inner < 0)
        return hew_fail(HEW_ERR_INVALID, "%s: outer = %lld, channels = %lld, inner = %lld", c->name,
                        (long long)d->outer, (long long)d->channels, (long long)d->inner);
    const int64_t outer = d->outer == -1 ? 0 : hew_max_i64(d->outer, 1);
    const int64_t channels = hew_max_i64(d->channels, 1), inner = hew_max_i64(d->inner, 1);
    int64_t row;
    if (!hew_mul(channels, inner, &row))
        return hew_fail(HEW_ERR_OVERFLOW, "%s: channels = %lld with inner = %lld are too large",
                        c->name, (long long)channels, (long long)inner);
    hew_status s =
        check_stride(c, "in_stride", d->in_stride, row, c->in_type, outer, &c->in_stride);
    if (s == HEW_OK)
        s = check_stride(c, "out_stride", d->out_stride, row, c->out_type, outer, &c->out_stride);
    if (s != HEW_OK)
        return s;
    c->rows = (size_t)outer;
    c->channels = (size_t)channels;
    c->inner = (size_t)inner;
    c->scale = d->scale;
    c->zero = d->zero;
    c->zero_type = d->type;
    if (!d->scale)
        return hew_fail(HEW_ERR_INVALID, "%s: scale is null", c->name);
    for (size_t i = 0; i < c->channels; i++)
        if (!is_scale(d->scale[i]))
            return hew_fail(HEW_ERR_INVALID,
                            "%s: the scale of channel %zu is %g; it must be positive and finite",
                            c->name, i, (double)d->scale[i]);
    return HEW_OK;
}

static hew_status check_type(const char *name, const char *what, hew_type type, bool wide)
{
    if (type == HEW_S8 || type == HEW_U8 || (wide && type == HEW_S32))
        return HEW_OK;
    return hew_fail(HEW_ERR_UNSUPPORTED, "%s: %s is %s; there are s8%s", name, what,
                    hew_type_name(type), wide ? ", u8 and s32" : " and u8");
}

static hew_status check_size(const char *name, size_t size, size_t wanted)
{
    if (size == wanted)
        return HEW_OK;
    return hew_fail(HEW_ERR_INVALID, "%s: descriptor size is %zu, this library's is %zu", name,
                    size, wanted);
}

static hew_status run(conversion *c, const void *in, void *out, const hew_threads *threads)
{
    hew_status s = hew_check_threads(threads);
    if (s != HEW_OK || c->rows == 0)
        return s;
    if (!in || !out)
        return hew_fail(HEW_ERR_INVALID, "%s: %s is null", c->name, in ? "out" : "in");
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    const size_t elements = c->rows * c->channels * c->inner;
    size_t count;
    const hew_kernel *kernel = NULL;
    if (c->in_type != HEW_F32) {
        kernel = hew_kernels(HEW_FAMILY_dequantize_f32, &count);
        c->dequantize = HEW_FN(dequantize_f32, kernel);
    }
    if (c->out_type != HEW_F32) {
        kernel = hew_kernels(HEW_FAMILY_quantize_f32, &count);
        c->quantize = HEW_FN(quantize_f32, kernel);
    }
    c->in = in;
    c->out = out;
    plan(c);
    s = hew_parallel(threads, hew_ceil_div(c->rows, c->task_rows) * c->across, run_task, c);
    if (HEW_UNLIKELY(start != 0)) {
        const double seconds = hew_now() - start;
        const size_t bytes = hew_type_size(c->in_type) + hew_type_size(c->out_type);
        hew_verbose_line("%s %zu elements, %zu channels, %s %.1f us %.2f GB/s", c->name, elements,
                         c->channels, kernel->name, seconds * 1e6,
                         1e-9 * (double)(elements * bytes) / seconds);
    }
    return s;
}

hew_status hew_quantize(const hew_quantize_desc *desc, const float *in, void *out,
                        const hew_threads *threads)
{
    conversion c = {.name = "quantize", .in_type = HEW_F32};
    if (!desc)
        return hew_fail(HEW_ERR_INVALID, "%s: desc is null", c.name);
    hew_status s = check_size(c.name, desc->size, sizeof *desc);
    if (s == HEW_OK)
        s = check_type(c.name, "type", c.out_type = desc->type, false);
    if (s == HEW_OK)
        s = check_shape(&c, desc);
    return s == HEW_OK ? run(&c, in, out, threads) : s;
}

hew_status hew_dequantize(const hew_quantize_desc *desc, const void *in, float *out,
                          const hew_threads *threads)
{
    conversion c = {.name = "dequantize", .out_type = HEW_F32};
    if (!desc)
        return hew_fail(HEW_ERR_INVALID, "%s: desc is null", c.name);
    hew_status s = check_size(c.name, desc->size, sizeof *desc);
    if (s == HEW_OK)
        s = check_type(c.name, "type", c.in_type = desc->type, true);
    if (s == HEW_OK)
        s = check_shape(&c, desc);
    return s == HEW_OK ? run(&c, in, out, threads) : s;
}

hew_status hew_requantize(const hew_requantize_desc *desc, const void *in, void *out,
                          const hew_threads *threads)
{
    conversion c = {.name = "requantize"};
    if (!desc)
        return hew_fail(HEW_ERR_INVALID, "%s: desc is null", c.name);
    hew_status s = check_size(c.name, desc->size, sizeof *desc);
    if (s == HEW_OK)
        s = check_type(c.name, "in_type", c.in_type = desc->in_type, true);
    if (s == HEW_OK)
        s = check_type(c.name, "out_type", c.out_type = desc->out_type, false);
    if (s == HEW_OK)
        s = check_shape(&c, &(hew_quantize_desc){
                                .type = desc->in_type, .outer = desc->outer,
                                .channels = desc->channels, .inner = desc->inner,
                                .in_stride = desc->in_stride, .out_stride = desc->out_stride,
                                .scale = desc->in_scale, .zero = desc->in_zero});
    if (s != HEW_OK)
        return s;
    c.out_scale = desc->out_scale;
    c.out_zero = desc->out_zero;
    const hew_span span = hew_span_of(c.out_type);
    if (!is_scale(c.out_scale))
        return hew_fail(HEW_ERR_INVALID, "%s: out_scale is %g; it must be positive and finite",
                        c.name, (double)c.out_scale);
    if (c.out_zero < span.low || c.out_zero > span.high)
        return hew_fail(HEW_ERR_INVALID, "%s: out_zero = %d is outside %d .. %d", c.name,
                        (int)c.out_zero, (int)span.low, (int)span.high);
    return run(&c, in, out, threads);
}
