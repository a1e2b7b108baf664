/*
 * reorder.c - copies of images between layouts and types: one matrix an image, transposed or not.
 */
#include "format.h"
#include "kernels.h"
#include "reorder_blocks.h"

#include <string.h>

enum {
    TASK_FLOATS = 16 << 10, /* about 10 us: several times what handing out a task costs */
    UNIT = 64,              /* a task's edges lie at multiples of this: whole cache lines */
    BLOCK_FLOATS = 4 << 10  /* what is converted and transposed stays in half of an L1 between */
};

/* One image is rows x columns in the input; in the output the same, or transposed. */
typedef struct reorder {
    size_t images, rows, columns;
    size_t in_size, out_size;     /* of an element; strides are in bytes */
    size_t in_stride, out_stride;
    size_t in_image, out_image;     /* from one image to the next */
    size_t task_rows, task_columns; /* the part of an image that a task takes */
    size_t down, across;            /* and how many of them there are */
    const char *in;
    char *out;
    hew_type in_type, out_type;
    transpose_f32_fn *transpose; /* null: a copy */
    quantize_f32_fn *narrow;     /* from f32, or null */
    dequantize_f32_fn *widen;    /* to f32, or null */
} reorder;

static hew_status check_side(const char *name, hew_layout layout, const hew_reorder_desc *d,
                             int64_t batch, size_t size, size_t *stride)
{
    const int64_t block = hew_layout_block(layout);
    int64_t rows = layout == HEW_CHANNELS_LAST ? d->pixels : d->channels;
    const int64_t row = block ? block : layout == HEW_CHANNELS_LAST ? d->channels : d->pixels;
    const int64_t given = name[0] == 'i' ? d->in_stride : d->out_stride;
    if (block && given != 0)
        return hew_fail(HEW_ERR_INVALID, "reorder: %s = %lld of blocks, which are dense", name,
                        (long long)given);
    if (block && !hew_mul(rows / block + (rows % block != 0), d->pixels, &rows))
        rows = INT64_MAX;
    const int64_t used = given == 0 ? row : given;
    if (used < row)
        return hew_fail(HEW_ERR_INVALID, "reorder: %s = %lld is less than the %lld elements of a "
                        "row", name, (long long)given, (long long)row);
    int64_t bytes;
    if (!hew_mul(used, rows, &bytes) || !hew_mul(bytes, batch, &bytes) ||
        !hew_mul(bytes, (int64_t)size, &bytes))
        return hew_fail(HEW_ERR_OVERFLOW,
                        "reorder: %lld images of %lld rows with %s = %lld are too large",
                        (long long)batch, (long long)rows, name, (long long)used);
    *stride = (size_t)used * size;
    return HEW_OK;
}

static bool is_half(hew_type type) { return type == HEW_BF16 || type == HEW_F16; }

static hew_status check_types(const hew_reorder_desc *d, reorder *r)
{
    const hew_type in = d->in_type, out = d->out_type;
    r->in_type = in, r->out_type = out;
    r->in_size = hew_type_size(in), r->out_size = hew_type_size(out);
    const bool converts = (in == HEW_F32 && is_half(out)) || (out == HEW_F32 && is_half(in));
    const bool blocks = hew_layout_block(d->from) || hew_layout_block(d->to);
    if ((in == out && r->in_size != 0) || (converts && !blocks))
        return HEW_OK;
    return hew_fail(HEW_ERR_UNSUPPORTED, "reorder: %s to %s, layout %d to %d; there is f32 to and "
                    "from bf16 and f16, but of blocks, and types as they are",
                    hew_type_name(in), hew_type_name(out), (int)d->from, (int)d->to);
}

static hew_status check(const hew_reorder_desc *d, const void *in, const void *out, reorder *r)
{
    if (!d)
        return hew_fail(HEW_ERR_INVALID, "reorder: desc is null");
    if (d->size != sizeof *d)
        return hew_fail(HEW_ERR_INVALID, "reorder: descriptor size is %zu, this library's is %zu",
                        d->size, sizeof *d);
    if ((int)d->from < 0 || (int)d->from > HEW_BLOCKS_OF_16 || (int)d->to < 0 ||
        (int)d->to > HEW_BLOCKS_OF_16)
        return hew_fail(HEW_ERR_INVALID, "reorder: from layout %d to %d; they are 0 to 3",
                        (int)d->from, (int)d->to);
    if (d->batch < -1 || d->pixels < 0 || d->channels < 0)
        return hew_fail(HEW_ERR_INVALID, "reorder: batch = %lld, pixels = %lld, channels = %lld",
                        (long long)d->batch, (long long)d->pixels, (long long)d->channels);
    const int64_t batch = d->batch == -1 ? 0 : d->batch == 0 ? 1 : d->batch;
    hew_status s = check_types(d, r);
    if (s == HEW_OK)
        s = check_side("in_stride", d->from, d, batch, r->in_size, &r->in_stride);
    if (s == HEW_OK)
        s = check_side("out_stride", d->to, d, batch, r->out_size, &r->out_stride);
    if (s != HEW_OK)
        return s;
    r->images = d->pixels && d->channels ? (size_t)batch : 0;
    if (r->images && (!in || !out))
        return hew_fail(HEW_ERR_INVALID, "reorder: %s is null", in ? "out" : "in");
    if (((uintptr_t)in & (r->in_size - 1)) | ((uintptr_t)out & (r->out_size - 1)))
        return hew_fail(HEW_ERR_INVALID, "reorder: in at %p or out at %p is not aligned to its "
                        "elements", in, out);
    const bool last = d->from == HEW_CHANNELS_LAST;
    r->rows = (size_t)(last ? d->pixels : d->channels);
    r->columns = (size_t)(last ? d->channels : d->pixels);
    r->in_image = r->rows * r->in_stride;
    r->out_image = (d->from == d->to ? r->rows : r->columns) * r->out_stride;
    return HEW_OK;
}

static void copy_rows(const reorder *r, size_t rows, const char *in, char *out)
{
    const size_t bytes = r->columns * r->in_size;
    if (r->in_stride == bytes && r->out_stride == bytes) {
        memcpy(out, in, rows * bytes);
        return;
    }
    for (; rows > 0; rows--, in += r->in_stride, out += r->out_stride)
        memcpy(out, in, bytes);
}

/* Rows from f32, and rows to f32; strides in bytes. */
static void narrow_rows(const reorder *r, size_t rows, size_t n, const void *in, size_t in_stride,
                        void *out)
{
    r->narrow(&(hew_quantize_rows){.x = in, .x_stride = in_stride, .y = out,
                                   .y_stride = r->out_stride, .type = r->out_type, .rows = rows,
                                   .n = n});
}
static void widen_rows(const reorder *r, size_t rows, size_t n, const void *in, void *out,
                       size_t out_stride)
{
    r->widen(&(hew_dequantize_rows){.x = in, .x_stride = r->in_stride, .type = r->in_type, .y = out,
                                    .y_stride = out_stride, .rows = rows, .n = n});
}

static void transpose_block(const reorder *r, size_t rows, size_t columns, const char *in,
                            char *out)
{
    _Alignas(HEW_ALIGNMENT) float block[BLOCK_FLOATS];
    const size_t in_floats = r->in_stride / sizeof(float);
    const size_t out_floats = r->out_stride / sizeof(float);
    if (r->widen) {
        widen_rows(r, rows, columns, in, block, columns * sizeof(float));
        r->transpose(rows, columns, block, columns, (float *)out, out_floats);
    } else if (r->narrow) {
        r->transpose(rows, columns, (const float *)in, in_floats, block, rows);
        narrow_rows(r, columns, rows, block, rows * sizeof(float), out);
    } else {
        r->transpose(rows, columns, (const float *)in, in_floats, (float *)out, out_floats);
    }
}

/* All at once where nothing is converted. */
static void transpose_rows(const reorder *r, size_t rows, size_t columns, const char *in, char *out)
{
    const bool whole = !r->widen && !r->narrow;
    const size_t high = whole ? rows : hew_min(rows, BLOCK_FLOATS / hew_min(columns, UNIT));
    const size_t wide = whole ? columns : hew_min(columns, BLOCK_FLOATS / high);
    for (size_t i = 0; i < rows; i += high)
        for (size_t j = 0; j < columns; j += wide)
            transpose_block(r, hew_min(high, rows - i), hew_min(wide, columns - j),
                            in + i * r->in_stride + j * r->in_size,
                            out + j * r->out_stride + i * r->out_size);
}

static void run_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const reorder *r = context;
    const size_t image = task / (r->down * r->across), part = task % (r->down * r->across);
    const size_t row = part / r->across * r->task_rows;
    const size_t column = part % r->across * r->task_columns;
    const size_t rows = hew_min(r->task_rows, r->rows - row);
    const size_t columns = hew_min(r->task_columns, r->columns - column);
    const char *in = r->in + image * r->in_image + row * r->in_stride + column * r->in_size;
    char *out = r->out + image * r->out_image;
    if (r->transpose)
        transpose_rows(r, rows, columns, in, out + column * r->out_stride + row * r->out_size);
    else if (r->narrow)
        narrow_rows(r, rows, columns, in, r->in_stride, out + row * r->out_stride);
    else if (r->widen)
        widen_rows(r, rows, columns, in, out + row * r->out_stride, r->out_stride);
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

/* The kernels that it takes; the name of the last of them. */
static const char *choose(reorder *r, const hew_reorder_desc *d)
{
    const char *name = "memcpy";
    size_t count;
    const hew_kernel *line;
    if (d->from != d->to) {
        line = hew_kernels(HEW_FAMILY_transpose_f32, &count);
        r->transpose = HEW_FN(transpose_f32, line);
        name = line->name;
    }
    if (d->in_type == d->out_type)
        return name;
    if (d->in_type == HEW_F32) {
        line = hew_kernels(HEW_FAMILY_quantize_f32, &count);
        r->narrow = HEW_FN(quantize_f32, line);
    } else {
        line = hew_kernels(HEW_FAMILY_dequantize_f32, &count);
        r->widen = HEW_FN(dequantize_f32, line);
    }
    return line->name;
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
    const bool blocks = hew_layout_block(desc->from) || hew_layout_block(desc->to);
    if (blocks || (r.in_type == r.out_type && desc->from != desc->to))
        return hew_reorder_blocks(desc, in, out, threads);
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    const char *kernel = choose(&r, desc);
    plan(&r);
    s = hew_parallel(threads, r.images * r.down * r.across, run_task, &r);
    if (HEW_UNLIKELY(start != 0)) {
        const double seconds = hew_now() - start;
        hew_verbose_line("reorder %s %s %zux%zux%zu %s %.1f us %.2f GB/s",
                         hew_type_name(r.in_type), hew_type_name(r.out_type), r.images, r.rows,
                         r.columns, kernel, seconds * 1e6,
                         1e-9 * (double)(r.images * r.rows * r.columns) *
                             (double)(r.in_size + r.out_size) / seconds);
    }
    return s;
}
