/*
 * dw3x3.c - 3 x 3 depthwise convolution: output images cut into blocks of pixels.
 *
 * A block reads its input pixels through a table of offsets.  Blocks with no padding under them
 * share one table; the others make their own, with a pixel of zeros for what lies outside.  0 * w
 * leaves a sum as it is only where w is finite, so other weights go the way of dwconv.c.
 */
#include "conv.h"

enum {
    TASK_MACS = 1 << 18,
    MAX_BLOCK = 4,
    MAX_IN = (MAX_BLOCK - 1) * 2 + 3 /* input rows or columns under a block */
};

static bool serves(const hew_conv_desc *d)
{
    return d->kernel[0] == 1 && d->kernel[1] == 3 && d->kernel[2] == 3 && d->in[0] == 1 &&
           d->pad_lo[0] == 0 && d->pad_hi[0] == 0 && d->dilation[1] == 1 && d->dilation[2] == 1 &&
           d->stride[1] == d->stride[2] && d->stride[1] <= 2 && d->out_c == d->in_c;
}

void hew_dw3x3_plan(hew_conv *op)
{
    if (!serves(&op->d))
        return;
    size_t count;
    op->dw3x3 = hew_kernels(HEW_FAMILY_dw3x3_f32, &count);
    op->kernel = op->dw3x3;
    op->blocks_down = hew_ceil_div((size_t)op->out[1], (size_t)op->dw3x3->mr);
    op->blocks_across = hew_ceil_div((size_t)op->out[2], (size_t)op->dw3x3->nr);
}

typedef struct run_state {
    const hew_conv *op;
    const hew_conv_args *args;
    const float *packed, *zeros;
    size_t tasks, blocks;
} run_state;

/* The offsets of the input pixels under a block whose first tap lies at row y, column x. */
static void make_table(const run_state *s, const hew_dw3x3_f32_block *b, int64_t y, int64_t x,
                       ptrdiff_t *table)
{
    const hew_conv_desc *d = &s->op->d;
    const int64_t down = (b->rows - 1) * b->stride + 3, across = (b->columns - 1) * b->stride + 3;
    const ptrdiff_t zeros = (ptrdiff_t)((intptr_t)s->zeros - (intptr_t)b->in);
    for (int64_t i = 0; i < down; i++)
        for (int64_t j = 0; j < across; j++) {
            const bool inside = y + i >= 0 && y + i < d->in[1] && x + j >= 0 && x + j < d->in[2];
            *table++ = inside ? (i * d->in[2] + j) * d->in_stride * (ptrdiff_t)sizeof(float)
                              : zeros;
        }
}

/* The last table made for a block without padding, and that block's shape. */
typedef struct inner_table {
    int rows, columns;
    ptrdiff_t offset[MAX_IN * MAX_IN];
} inner_table;

static void run_block(const run_state *s, size_t index, inner_table *inner)
{
    const hew_conv *op = s->op;
    const hew_conv_desc *d = &op->d;
    const size_t across = op->blocks_across, down = op->blocks_down;
    const size_t oh = (size_t)op->out[1], ow = (size_t)op->out[2];
    const size_t bx = index % across, by = index / across % down, member = index / across / down;
    const size_t r0 = hew_cut(oh, down, by), c0 = hew_cut(ow, across, bx);
    const int64_t y = (int64_t)r0 * d->stride[1] - d->pad_lo[1];
    const int64_t x = (int64_t)c0 * d->stride[2] - d->pad_lo[2];
    const size_t pixel = (member * oh + r0) * ow + c0;
    hew_epilogue e = op->epilogue;
    e.scale = s->args->scale;
    e.bias = s->args->bias;
    if (s->args->residual) {
        e.add = (const float *)s->args->residual + pixel * (size_t)d->residual_stride;
        e.add_stride = (size_t)d->residual_stride * sizeof(float);
    }
    hew_dw3x3_f32_block b = {
        .in = (const float *)((intptr_t)s->args->in +
                              (((int64_t)member * d->in[1] + y) * d->in[2] + x) * d->in_stride *
                                  (int64_t)sizeof(float)),
        .offset = inner->offset,
        .w = s->packed,
        .w_step = op->padded_c * sizeof(float),
        .channels = (size_t)d->out_c,
        .rows = (int)(hew_cut(oh, down, by + 1) - r0),
        .columns = (int)(hew_cut(ow, across, bx + 1) - c0),
        .stride = (int)d->stride[1],
        .out = (float *)s->args->out + pixel * (size_t)d->out_stride,
        .out_step = (size_t)d->out_stride * sizeof(float),
        .out_row = ow * (size_t)d->out_stride * sizeof(float),
        .add_row = ow * (size_t)d->residual_stride * sizeof(float),
        .epilogue = &e,
    };
    ptrdiff_t own[MAX_IN * MAX_IN];
    if (y < 0 || x < 0 || y + (b.rows - 1) * b.stride + 3 > d->in[1] ||
        x + (b.columns - 1) * b.stride + 3 > d->in[2]) {
        make_table(s, &b, y, x, own);
        b.offset = own;
    } else if (inner->rows != b.rows || inner->columns != b.columns) {
        make_table(s, &b, y, x, inner->offset);
        inner->rows = b.rows;
        inner->columns = b.columns;
    }
    HEW_FN(dw3x3_f32, op->dw3x3)(&b);
    for (int r = 0; op->act.kind != HEW_ACT_NONE && r < b.rows; r++)
        op->act_fn(&(hew_act_f32_rows){.act = op->act,
                                       .x = b.out + (size_t)r * ow * (size_t)d->out_stride,
                                       .x_stride = b.out_step,
                                       .rows = (size_t)b.columns,
                                       .n = b.channels});
}

static void run_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const run_state *s = context;
    inner_table inner;
    inner.rows = inner.columns = 0;
    const size_t end = hew_cut(s->blocks, s->tasks, task + 1);
    for (size_t i = hew_cut(s->blocks, s->tasks, task); i < end; i++)
        run_block(s, i, &inner);
}

hew_status hew_dw3x3_run(const hew_conv *op, const hew_conv_args *args)
{
    const float *packed =
        (const float *)((const char *)args->packed + sizeof(hew_packed_header));
    run_state s = {.op = op, .args = args, .packed = packed, .zeros = packed + 9 * op->padded_c};
    s.blocks = (size_t)op->d.batch * op->blocks_down * op->blocks_across;
    const double macs = 9.0 * (double)op->pixels * (double)op->d.out_c;
    s.tasks = hew_max(1, hew_min(s.blocks, (size_t)(macs / TASK_MACS)));
    return hew_parallel(args->threads, s.tasks, run_task, &s);
}
