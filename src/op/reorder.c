/*
 * reorder.c - copies of images between layouts: one matrix an image, transposed or not.
 */
#include "kernels.h"

#include <string.h>

enum {
    TASK_FLOATS = 16 << 10, /* about 10 us: several times what handing out a task costs */
    UNIT = 64               /* a task's edges lie at multiples of this: whole cache lines */
};

/* One image is rows x columns in the input; in the output the same, or transposed. */
typedef struct reorder {
    size_t images, rows, columns, in_stride, out_stride;
    size_t in_image, out_image; /* floats from one image to the next */
    size_t task_rows, task_columns; /* the part of an image that a task takes */
    size_t down, across;            /* and how many of them there are */
    const float *in;
    float *out;
    transpose_f32_fn *transpose; /* null: a copy */
} reorder;

static hew_status check_side(const char *name, hew_layout layout, const hew_reorder_desc *d,
                             int64_t batch, size_t *stride)
{
    const int64_t rows = layout == HEW_CHANNELS_LAST ? d->pixels : d->channels;
    const int64_t row = layout == HEW_CHANNELS_LAST ? d->channels : d->pixels;
    const int64_t given = name[0] == 'i' ? d->in_stride : d->out_stride;
    const int64_t used = given == 0 ? row : given;
    if (used < row)
        return hew_fail(HEW_ERR_INVALID, "reorder: %s = %lld is less than the %lld elements of a "
                        "row", name, (long long)given, (long long)row);
    int64_t bytes;
    if (!hew_mul(used, rows, &bytes) || !hew_mul(bytes, batch, &bytes) ||
        !hew_mul(bytes, (int64_t)sizeof(float), &bytes))
        return hew_fail(HEW_ERR_OVERFLOW,
                        "reorder: %lld images of %lld rows with %s = %lld are too large",
                        (long long)batch, (long long)rows, name, (long long)used);
    *stride = (size_t)used;
    return HEW_OK;
}

static hew_status check(const hew_reorder_desc *d, const void *in, const void *out, reorder *r)
{
    if (!d)
        return hew_fail(HEW_ERR_INVALID, "reorder: desc is null");
    if (d->size != sizeof *d)
        return hew_fail(HEW_ERR_INVALID, "reorder: descriptor size is %zu, this library's is %zu",
                        d->size, sizeof *d);
    if (d->type != HEW_F32)
        return hew_fail(HEW_ERR_UNSUPPORTED, "reorder: type %d; f32 is what there is",
                        (int)d->type);
    if ((int)d->from < 0 || (int)d->from > HEW_CHANNELS_FIRST || (int)d->to < 0 ||
        (int)d->to > HEW_CHANNELS_FIRST)
        return hew_fail(HEW_ERR_INVALID, "reorder: from layout %d to %d; they are 0 and 1",
                        (int)d->from, (int)d->to);
    if (d->batch < -1 || d->pixels < 0 || d->channels < 0)
        return hew_fail(HEW_ERR_INVALID, "reorder: batch = %lld, pixels = %lld, channels = %lld",
                        (long long)d->batch, (long long)d->pixels, (long long)d->channels);
    const int64_t batch = d->batch == -1 ? 0 : d->batch == 0 ? 1 : d->batch;
    hew_status s = check_side("in_stride", d->from, d, batch, &r->in_stride);
    if (s == HEW_OK)
        s = check_side("out_stride", d->to, d, batch, &r->out_stride);
    if (s != HEW_OK)
        return s;
    r->images = d->pixels && d->channels ? (size_t)batch : 0;
    if (r->images && (!in || !out))
        return hew_fail(HEW_ERR_INVALID, "reorder: %s is null", in ? "out" : "in");
    const bool last = d->from == HEW_CHANNELS_LAST;
    r->rows = (size_t)(last ? d->pixels : d->channels);
    r->columns = (size_t)(last ? d->channels : d->pixels);
    r->in_image = r->rows * r->in_stride;
    r->out_image = (d->from == d->to ? r->rows : r->columns) * r->out_stride;
    return HEW_OK;
}

static void copy_rows(const reorder *r, size_t rows, const float *in, float *out)
{
    if (r->in_stride == r->columns && r->out_stride == r->columns) {
        memcpy(out, in, rows * r->columns * sizeof(float));
        return;
    }
    for (; rows > 0; rows--, in += r->in_stride, out += r->out_stride)
        memcpy(out, in, r->columns * sizeof(float));
}

static void run_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const reorder *r = context;
    const size_t image = task / (r->down * r->across), part = task % (r->down * r->across);
    const size_t row = part / r->across * r->task_rows;
    const size_t column = part % r->across * r->task_columns;
    const size_t rows = hew_min(r->task_rows, r->rows - row);
    const float *in = r->in + image * r->in_image + row * r->in_stride + column;
    float *out = r->out + image * r->out_image;
    if (r->transpose)
        r->transpose(rows, hew_min(r->task_columns, r->columns - column), in, r->in_stride,
                     out + column * r->out_stride + row, r->out_stride);
    else
        copy_rows(r, rows, in, out + row * r->out_stride);
}

/* Rows when copying and when transposing few columns; else columns, which are the output's rows. */
static void plan(reorder *r)
{
    const bool columns = r->transpose && r->columns > UNIT;
    const size_t length = columns ? r->rows : r->columns;
    const size_t piece = hew_round_up(hew_max(TASK_FLOATS / length, 1), UNIT);
    r->task_rows = columns ? r->rows : hew_min(piece, r->rows);
    r->task_columns = columns ? hew_min(piece, r->columns) : r->columns;
    r->down = hew_ceil_div(r->rows, r->task_rows);
    r->across = hew_ceil_div(r->columns, r->task_columns);
}

hew_status hew_reorder(const hew_reorder_desc *desc, const void *in, void *out,
                       const hew_threads *threads)
{
    reorder r = {.in = in, .out = out};
    hew_status s = check(desc, in, out, &r);
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    if (s != HEW_OK || r.images == 0)
        return s;
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    const char *kernel = "memcpy";
    if (desc->from != desc->to) {
        size_t count;
        const hew_kernel *line = hew_kernels(HEW_FAMILY_transpose_f32, &count);
        r.transpose = HEW_FN(transpose_f32, line);
        kernel = line->name;
    }
    plan(&r);
    s = hew_parallel(threads, r.images * r.down * r.across, run_task, &r);
    if (HEW_UNLIKELY(start != 0)) {
        const double seconds = hew_now() - start;
        hew_verbose_line("reorder f32 %zux%zux%zu %s %.1f us %.2f GB/s", r.images, r.rows,
                         r.columns, kernel, seconds * 1e6,
                         8e-9 * (double)(r.images * r.rows * r.columns) / seconds);
    }
    return s;
}
