/*
 * pooling.c - pooling: which windows go to the kernels together.
 *
 * A plane of output is cut into rectangles of pixels whose windows are alike: the middle, whose
 * windows lie inside the input, and around it one for each row and column of windows that don't.
 */
#include "pooling.h"

enum {
    TASK_BYTES = 128 << 10, /* of input that a task reads: 2 us in the cache, 6 from memory */
    CHANNEL_UNIT = 128,     /* channels are cut at multiples of this */
    STRIP = 64,             /* channels, as floats, where windows below each other share rows, */
    WIDE = 16               /* and these are so long that a strip's calls are worth it */
};

typedef struct pooling {
    hew_pooling_plan plan;
    hew_pooling_fn *fn;
    size_t rows;       /* output rows of the whole batch */
    size_t task_rows, chunk, chunks; /* a task's rows and channels */
    const char *in;
    char *out;
    int32_t *indices; /* null: not asked for */
} pooling;

/* Where the piece ends that begins with output position o: the middle is one, all others are
 * pieces of their own. */
static int64_t piece_end(const hew_pooling_axis *a, int64_t o, int64_t limit)
{
    const int64_t end = o >= a->middle && o < a->middle_end ? a->middle_end : o + 1;
    return end < limit ? end : limit;
}

/* Where the part of channels of a task has its image and its first output row. */
typedef struct place {
    const char *image;
    char *out;
    int32_t *index;
} place;

/* A piece of an output row's width, which has its windows' depth and height already. */
static void run_piece(const pooling *op, hew_pooling_block *block, const hew_pooling_part rows[2],
                      int64_t begin, int64_t end, place at)
{
    const hew_pooling_plan *p = &op->plan;
    const hew_pooling_axis *a = p->axis;
    const hew_pooling_part s = hew_pooling_window(&a[2], begin);
    const size_t pixel =
        (rows[0].first * (size_t)a[1].in + rows[1].first) * (size_t)a[2].in + s.first;
    const int64_t inside = (int64_t)(rows[0].count * rows[1].count * s.count);
    const int64_t padded = rows[0].padded * rows[1].padded * s.padded;
    const int64_t divisor = p->kind == HEW_POOLING_AVG ? inside : padded;
    block->divisor = divisor ? (float)divisor : 1.0f;
    block->box[2] = s.count;
    block->pixels = (size_t)(end - begin);
    block->in = at.image + pixel * p->in_stride * p->size;
    block->out = at.out + (size_t)begin * p->out_stride * p->size;
    block->first = (int32_t)pixel;
    block->index = at.index ? at.index + (size_t)begin * p->channels : NULL;
    op->fn(block);
}

static hew_pooling_block block_of(const hew_pooling_plan *p, size_t channels)
{
    const hew_pooling_axis *a = p->axis;
    const size_t in_row = (size_t)a[2].in * p->in_stride, in_plane = (size_t)a[1].in * in_row;
    return (hew_pooling_block){
        .max = p->kind == HEW_POOLING_MAX,
        .type = p->type,
        .power = p->power,
        .zero = p->zero,
        .channels = channels,
        .step = {(size_t)a[0].dilation * in_plane, (size_t)a[1].dilation * in_row,
                 (size_t)a[2].dilation * p->in_stride},
        .in_row = (size_t)a[1].stride * in_row,
        .in_step = (size_t)a[2].stride * p->in_stride,
        .out_row = (size_t)a[2].out * p->out_stride,
        .out_step = p->out_stride,
        .in_pixel = p->in_stride,
        .index_row = (size_t)a[2].out * p->channels,
        .index_step = p->channels,
    };
}

/* Output rows [begin, end) of one plane of output. */
static void run_plane(const pooling *op, int64_t plane, int64_t begin, int64_t end, size_t channels,
                      place first)
{
    const hew_pooling_axis *a = op->plan.axis;
    hew_pooling_part rows[2] = {hew_pooling_window(&a[0], plane)};
    hew_pooling_block block = block_of(&op->plan, channels);
    for (int64_t y = begin, y_end; y < end; y = y_end) {
        y_end = piece_end(&a[1], y, end);
        rows[1] = hew_pooling_window(&a[1], y);
        block.box[0] = rows[0].count;
        block.box[1] = rows[1].count;
        block.rows = (size_t)(y_end - y);
        const size_t down = (size_t)(y - begin);
        const place at = {first.image, first.out + down * block.out_row * op->plan.size,
                          first.index ? first.index + down * block.index_row : NULL};
        for (int64_t x = 0, x_end; x < a[2].out; x = x_end) {
            x_end = piece_end(&a[2], x, a[2].out);
            run_piece(op, &block, rows, x, x_end, at);
        }
    }
}

static void run_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const pooling *op = context;
    const hew_pooling_plan *p = &op->plan;
    const size_t channel = task % op->chunks * op->chunk;
    const size_t channels = hew_min(op->chunk, p->channels - channel);
    const size_t in_image = hew_pooling_in_pixels(p) * p->in_stride;
    const size_t wide = (size_t)p->axis[2].out;
    const size_t high = (size_t)p->axis[1].out, deep = (size_t)p->axis[0].out;
    const size_t begin = task / op->chunks * op->task_rows;
    const size_t end = hew_min(begin + op->task_rows, op->rows);
    for (size_t row = begin, row_end; row < end; row = row_end) {
        const size_t plane = row / high;
        row_end = hew_min((plane + 1) * high, end);
        const place at = {
            op->in + (plane / deep * in_image + channel) * p->size,
            op->out + (row * wide * p->out_stride + channel) * p->size,
            op->indices ? op->indices + row * wide * p->channels + channel : NULL,
        };
        run_plane(op, (int64_t)(plane % deep), (int64_t)(row - plane * high),
                  (int64_t)(row_end - plane * high), channels, at);
    }
}

/* Whole rows where a row is little work, parts of its channels where it is much. */
static void plan(pooling *op)
{
    const hew_pooling_plan *p = &op->plan;
    const hew_pooling_axis *a = p->axis;
    op->rows = p->batch * (size_t)a[0].out * (size_t)a[1].out;
    const double pixel = (double)a[0].kernel * (double)a[1].kernel * (double)a[2].kernel;
    const double row = pixel * (double)a[2].out * (double)(p->channels * p->size);
    if (p->type == HEW_F32 && a[1].kernel > a[1].stride && a[1].out > 1 && a[2].out >= WIDE) {
        const double task = 4 * TASK_BYTES; /* of loads, most of them from L1 */
        op->chunk = STRIP;
        op->chunks = hew_ceil_div(p->channels, STRIP);
        op->task_rows = (size_t)(task / (row / (double)p->channels * STRIP)) + 1;
        return;
    }
    op->task_rows = row < TASK_BYTES ? (size_t)(TASK_BYTES / row) : 1;
    const size_t wanted = row < TASK_BYTES ? 1 : (size_t)hew_min((size_t)(row / TASK_BYTES), 64);
    op->chunk = hew_round_up(hew_ceil_div(p->channels, wanted), CHANNEL_UNIT);
    op->chunks = hew_ceil_div(p->channels, op->chunk);
}

static int family_of(const pooling *op)
{
    const hew_pooling_plan *p = &op->plan;
    return op->indices                 ? HEW_FAMILY_pooling_index
           : p->kind == HEW_POOLING_LP ? HEW_FAMILY_pooling_lp
           : p->type == HEW_F32        ? HEW_FAMILY_pooling_f32
           : p->type == HEW_BF16       ? HEW_FAMILY_pooling_bf16
           : p->type == HEW_U8         ? HEW_FAMILY_pooling_u8
                                       : HEW_FAMILY_pooling_s8;
}

static hew_status run(pooling *op, const hew_pooling_desc *desc, const hew_threads *threads)
{
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    const hew_pooling_plan *p = &op->plan;
    hew_status s = HEW_OK;
    size_t count;
    const hew_kernel *kernel = hew_kernels(family_of(op), &count);
    if (kernel->isa == HEW_ISA_REF && op->indices) {
        HEW_REF_FN(pooling_index, kernel)(desc, op->in, op->out, op->indices);
    } else if (kernel->isa == HEW_ISA_REF) {
        ((hew_pooling_ref_fn *)kernel->fn)(desc, op->in, op->out);
    } else {
        op->fn = (hew_pooling_fn *)kernel->fn;
        plan(op);
        s = hew_parallel(threads, hew_ceil_div(op->rows, op->task_rows) * op->chunks, run_task, op);
    }
    if (HEW_UNLIKELY(start != 0)) {
        const hew_pooling_axis *a = p->axis;
        hew_verbose_line("pooling %s %zux%lldx%lldx%lldx%zu -> %lldx%lldx%lld %s %.1f us",
                         hew_type_name(desc->type), p->batch, (long long)a[0].in,
                         (long long)a[1].in, (long long)a[2].in, p->channels, (long long)a[0].out,
                         (long long)a[1].out, (long long)a[2].out, kernel->name,
                         (hew_now() - start) * 1e6);
    }
    return s;
}

hew_status hew_pooling(const hew_pooling_desc *desc, const void *in, void *out,
                       const hew_threads *threads)
{
    pooling op = {.in = in, .out = out};
    hew_status s = hew_pooling_check(desc, &op.plan);
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    if (s != HEW_OK || op.plan.batch == 0)
        return s;
    s = hew_pooling_check_data("in", in, op.plan.size);
    if (s == HEW_OK)
        s = hew_pooling_check_data("out", out, op.plan.size);
    return s == HEW_OK ? run(&op, desc, threads) : s;
}

hew_status hew_pooling_max(const hew_pooling_desc *desc, const void *in, void *out,
                           int32_t *indices, const hew_threads *threads)
{
    pooling op = {.in = in, .out = out, .indices = indices};
    hew_status s = hew_pooling_check(desc, &op.plan);
    if (s == HEW_OK)
        s = hew_pooling_check_indices(&op.plan);
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    if (s != HEW_OK || op.plan.batch == 0)
        return s;
    s = hew_pooling_check_data("in", in, op.plan.size);
    if (s == HEW_OK)
        s = hew_pooling_check_data("out", out, op.plan.size);
    if (s == HEW_OK)
        s = hew_pooling_check_data("indices", indices, sizeof *indices);
    return s == HEW_OK ? run(&op, desc, threads) : s;
}
