/*
 * dwconv_strip.c - 3 x 3 and 5 x 5 depthwise convolution: output images cut into strips of pixels.
 *
 * A strip reads its input pixels through a table of offsets.  Strips with no padding under them
 * share one table; the others make their own, with a pixel of zeros for what lies outside.  0 * w
 * leaves a sum as it is only where w is finite, so other weights go the way of dwconv.c.
 */
#include "conv.h"

enum {
    TASK_MACS = 1 << 15, /* bound by loads and stores, so fewer than in a GEMM */
    TASKS_PER_THREAD = 4,
    UNIT = 32, /* channels: two registers, so that only the last chunk has a tail */
    MAX_COLUMNS = 7,
    MAX_PIXELS = ((HEW_STRIP_ROWS - 1) * 2 + 5) * ((MAX_COLUMNS - 1) * 2 + 5) /* under a strip */
};

static bool serves(const hew_conv_desc *d)
{
    return d->kernel[0] == 1 && d->in[0] == 1 && d->pad_lo[0] == 0 && d->pad_hi[0] == 0 &&
           d->kernel[1] == d->kernel[2] && (d->kernel[1] == 3 || d->kernel[1] == 5) &&
           d->dilation[1] == 1 && d->dilation[2] == 1 && d->stride[1] == d->stride[2] &&
           d->stride[1] <= 2 && d->out_c == d->in_c;
}

/*
 * Pixels that lie a large power of two apart share a few sets of the L1 cache, where those under a
 * strip don't fit: each visit to one then costs some 2 ns on Zen 4, for one line of 64 bytes as for
 * two.  A narrower strip of two lines makes half the visits.
 */
static bool crowded(const hew_conv_desc *d)
{
    const int64_t bytes = d->in_stride * (int64_t)hew_type_size(d->in_type);
    return bytes % (d->stride[1] == 1 ? 2048 : 512) == 0;
}

void hew_dwconv_strip_plan(hew_conv *op)
{
    const hew_conv_desc *d = &op->d;
    if (!serves(d))
        return;
    size_t count;
    op->strip = hew_kernels(d->in_type == HEW_BF16 ? HEW_FAMILY_dwconv_strip_bf16
                                                   : HEW_FAMILY_dwconv_strip_f32, &count);
    /* In the order of kernels.def. */
    op->strip += (d->kernel[1] - 3) + (d->stride[1] - 1);
    if (count > 4 && d->kernel[1] == 3 && crowded(d))
        op->strip += 4;
    op->kernel = op->strip;
    op->strips_down = hew_ceil_div((size_t)op->out[1], HEW_STRIP_ROWS);
    op->strips_across = hew_ceil_div((size_t)op->out[2], (size_t)op->strip->nr);
}

typedef struct run_state {
    const hew_conv *op;
    const hew_conv_args *args;
    const float *packed, *zeros;
    size_t strips, pieces, chunks; /* a task is a chunk of the channels of a piece of the strips */
} run_state;

/* Some channels of a row of strips; the tables of its two widths of strips without padding. */
typedef struct strip_row {
    size_t channel, first_row, image; /* the first of each */
    int64_t y; /* the first input row, perhaps in the padding */
    hew_dwconv_f32_strip strip;
    hew_epilogue epilogue;
    size_t tabled[2]; /* rows that are in a table */
    ptrdiff_t table[2][MAX_PIXELS], own[MAX_PIXELS];
    _Alignas(HEW_ALIGNMENT) float sums[HEW_STRIP_SUMS];
} strip_row;

/* The offsets of the input pixels under a strip whose first tap lies at (at[0], at[1]). */
static void make_table(const run_state *s, const hew_dwconv_f32_strip *b, const int64_t at[2],
                       ptrdiff_t *table)
{
    const hew_conv_desc *d = &s->op->d;
    const ptrdiff_t step = (ptrdiff_t)hew_type_size(d->in_type) * d->in_stride;
    const ptrdiff_t zeros = (ptrdiff_t)((intptr_t)s->zeros - (intptr_t)b->in);
    const int64_t down = ((int64_t)b->rows - 1) * d->stride[1] + d->kernel[1];
    const int64_t across = ((int64_t)b->columns - 1) * d->stride[2] + d->kernel[2];
    const int64_t left = hew_min_i64(hew_max_i64(-at[1], 0), across);
    const int64_t right = hew_max_i64(hew_min_i64(d->in[2] - at[1], across), left);
    for (int64_t i = 0; i < down; i++, table += across) {
        const bool inside = at[0] + i >= 0 && at[0] + i < d->in[1];
        const int64_t begin = inside ? left : across, end = inside ? right : across;
        for (int64_t j = 0; j < begin; j++)
            table[j] = zeros;
        for (int64_t j = begin; j < end; j++)
            table[j] = (i * d->in[2] + j) * step;
        for (int64_t j = end; j < across; j++)
            table[j] = zeros;
    }
}

static void begin_row(const run_state *s, size_t index, strip_row *row)
{
    const hew_conv *op = s->op;
    const size_t oh = (size_t)op->out[1], by = index / op->strips_across % op->strips_down;
    row->image = index / op->strips_across / op->strips_down;
    row->first_row = hew_cut(oh, op->strips_down, by);
    row->y = (int64_t)row->first_row * op->d.stride[1] - op->d.pad_lo[1];
    row->strip.rows = hew_cut(oh, op->strips_down, by + 1) - row->first_row;
}

/* The table of a strip that `width` says the columns of: 0 for the narrow ones, 1 for the wide. */
static const ptrdiff_t *find_table(const run_state *s, strip_row *row, const int64_t at[2],
                                   int width)
{
    const hew_conv_desc *d = &s->op->d;
    const hew_dwconv_f32_strip *b = &row->strip;
    const int64_t bottom = at[0] + ((int64_t)b->rows - 1) * d->stride[1] + d->kernel[1];
    const int64_t right = at[1] + ((int64_t)b->columns - 1) * d->stride[2] + d->kernel[2];
    if (at[0] < 0 || at[1] < 0 || bottom > d->in[1] || right > d->in[2]) {
        make_table(s, b, at, row->own);
        return row->own;
    }
    if (row->tabled[width] < b->rows) {
        make_table(s, b, at, row->table[width]);
        row->tabled[width] = b->rows;
    }
    return row->table[width];
}

static void run_strip(const run_state *s, strip_row *row, size_t bx)
{
    const hew_conv *op = s->op;
    const hew_conv_desc *d = &op->d;
    const size_t oh = (size_t)op->out[1], ow = (size_t)op->out[2];
    const size_t narrow = ow / op->strips_across, wide = ow % op->strips_across;
    const size_t column = bx * narrow + hew_min(bx, wide);
    const size_t pixel = (row->image * oh + row->first_row) * ow + column;
    const int64_t at[2] = {row->y, (int64_t)column * d->stride[2] - d->pad_lo[2]};
    const int64_t in_pixel = ((int64_t)row->image * d->in[1] + at[0]) * d->in[2] + at[1];
    hew_dwconv_f32_strip *b = &row->strip;
    b->columns = narrow + (bx < wide);
    b->in = (const void *)((intptr_t)s->args->in + /* perhaps before the image */
                           (in_pixel * d->in_stride + (int64_t)row->channel) *
                               (int64_t)hew_type_size(d->in_type));
    b->out = (char *)s->args->out + (pixel * (size_t)d->out_stride + row->channel) *
                                        hew_type_size(d->out_type);
    if (s->args->residual)
        row->epilogue.add = (const char *)s->args->residual +
                            (pixel * (size_t)d->residual_stride + row->channel) *
                                hew_type_size(d->residual_type);
    b->offset = find_table(s, row, at, bx < wide);
    HEW_FN(dwconv_strip_f32, op->strip)(b);
    for (size_t r = 0; op->act.kind != HEW_ACT_NONE && r < b->rows; r++)
        op->act_fn(&(hew_act_f32_rows){.act = op->act,
                                       .x = (float *)b->out + r * ow * (size_t)d->out_stride,
                                       .x_stride = b->out_step,
                                       .rows = b->columns,
                                       .n = b->channels});
}

/* What all strips of a task have in common. */
static void begin_task(const run_state *s, size_t chunk, strip_row *row)
{
    const hew_conv *op = s->op;
    const hew_conv_desc *d = &op->d;
    const size_t channels = (size_t)d->out_c, units = channels / UNIT;
    const size_t c = UNIT * hew_cut(units, s->chunks, chunk);
    const size_t end = chunk + 1 < s->chunks ? UNIT * hew_cut(units, s->chunks, chunk + 1)
                                             : channels;
    const size_t out_step = (size_t)d->out_stride * hew_type_size(d->out_type);
    const hew_conv_args *args = s->args;
    row->channel = c;
    row->tabled[0] = row->tabled[1] = 0;
    row->epilogue = op->epilogue;
    row->epilogue.scale = args->scale ? args->scale + c : NULL;
    row->epilogue.bias = args->bias ? args->bias + c : NULL;
    row->epilogue.add_stride = (size_t)d->residual_stride * hew_type_size(d->residual_type);
    row->strip = (hew_dwconv_f32_strip){
        .w = s->packed + c,
        .w_step = op->padded_c * sizeof(float),
        .channels = end - c,
        .out_bf16 = d->out_type == HEW_BF16,
        .add_bf16 = d->residual_type == HEW_BF16,
        .out_step = out_step,
        .out_row = (size_t)op->out[2] * out_step,
        .epilogue = &row->epilogue,
        .add_row = (size_t)op->out[2] * row->epilogue.add_stride,
        .bias = args->bias ? args->bias + c : s->zeros,
        .zeros = s->zeros,
        .lo = op->epilogue.lo,
        .hi = op->epilogue.hi,
        .sums = row->sums,
    };
}

static void run_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const run_state *s = context;
    const size_t across = s->op->strips_across, piece = task / s->chunks;
    const size_t begin = hew_cut(s->strips, s->pieces, piece);
    const size_t end = hew_cut(s->strips, s->pieces, piece + 1);
    strip_row row;
    begin_task(s, task % s->chunks, &row);
    size_t bx = begin % across;
    for (size_t i = begin; i < end; i++) {
        if (i == begin || bx == 0)
            begin_row(s, i, &row);
        run_strip(s, &row, bx);
        bx = bx + 1 < across ? bx + 1 : 0;
    }
}

hew_status hew_dwconv_strip_run(const hew_conv *op, const hew_conv_args *args)
{
    const size_t taps = op->reduction.rows * op->reduction.taps;
    const size_t threads = args->threads ? args->threads->count : 1;
    run_state s = {.op = op, .args = args};
    s.packed = (const float *)((const char *)args->packed + sizeof(hew_packed_header));
    s.zeros = s.packed + taps * op->padded_c;
    s.strips = (size_t)op->d.batch * op->strips_down * op->strips_across;
    const double macs = (double)taps * (double)op->pixels * (double)op->d.out_c;
    const size_t tasks = hew_max(1, (size_t)(macs / TASK_MACS));
    s.pieces = threads == 1 ? 1 : hew_min(s.strips, tasks);
    /* Fewer pieces than keep the threads evenly busy: the channels are cut as well. */
    const size_t wanted = threads == 1 ? 1 : hew_min(tasks, TASKS_PER_THREAD * threads);
    s.chunks = hew_min(hew_ceil_div(wanted, s.pieces),
                       hew_max(1, (size_t)op->d.out_c / UNIT));
    return hew_parallel(args->threads, s.pieces * s.chunks, run_task, &s);
}
