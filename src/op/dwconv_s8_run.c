/*
 * dwconv_s8_run.c - depthwise convolution of bytes: output rows become runs of pixels.
 *
 * All taps of all runs are in memory: those in the padding lie on pixels of zero points in scratch.
 * What dwconv_slide_u8s8 gets is rows with padding at their ends.  dwconv_u8s8 gets pixels whose
 * taps are all inside as runs with one table of offsets, and others as runs with their own: rows
 * above and below the input over a row of padding, what is left pixel by pixel.
 */
#include "dwconv_s8.h"

#include <string.h>

enum {
    TASK_MACS = 1 << 17,
    TASKS_PER_THREAD = 4,
    PIECE_PIXELS = 128
};

typedef struct run_state {
    const hew_conv *op;
    const hew_conv_args *args;
    hew_epilogue epilogue; /* at channel 0 of the batch's first pixel */
    hew_quant quant;
    float c_inverse; /* of what is staged */
    hew_zeros zeros;
    bool slide;
    size_t rows, pieces, chunks; /* a task is a chunk of the blocks of a piece of the output rows */
} run_state;

/* A task, and the runs that it has gathered. */
typedef struct gathered {
    const run_state *s;
    size_t part_begin, part_end; /* its channels */
    const uint8_t *pad;
    ptrdiff_t *tables; /* of offsets: of pixels with all taps inside, then each run's own */
    uint32_t *is_tap;
    float *stage;
    size_t slots; /* of a table */
    size_t n;
    hew_dwconv_u8s8_run runs[HEW_DWCONV_RUNS];
} gathered;

/* Runs that are floats for a while, one after the other. */
static void run_staged(const gathered *g, hew_dwconv_u8s8_block b, dwconv_u8s8_fn *fn)
{
    const run_state *s = g->s;
    const hew_conv *op = s->op;
    hew_epilogue e = *b.epilogue;
    for (size_t i = 0; i < g->n; i++) {
        hew_dwconv_u8s8_run run = g->runs[i];
        char *out = (char *)b.out + run.pixel * b.out_step;
        hew_dwconv_u8s8_block one = b;
        if (e.add)
            e.add = (const char *)b.epilogue->add + run.pixel * e.add_stride;
        run.pixel = 0;
        one.epilogue = &e;
        one.runs = &run;
        one.n_runs = 1;
        one.out = op->staged ? (char *)g->stage : out;
        one.out_step = op->staged ? b.n * sizeof(float) : b.out_step;
        fn(&one);
        if (op->act.kind != HEW_ACT_NONE)
            op->act_fn(&(hew_act_f32_rows){.act = op->act,
                                           .x = one.out,
                                           .x_stride = one.out_step,
                                           .rows = run.pixels,
                                           .n = b.n});
        if (op->staged)
            op->quantize_fn(&(hew_quantize_rows){.x = one.out,
                                                 .x_stride = one.out_step,
                                                 .y = out,
                                                 .y_stride = b.out_step,
                                                 .type = op->d.out_type,
                                                 .inverse = s->c_inverse,
                                                 .zero = s->quant.c_zero,
                                                 .rows = run.pixels,
                                                 .n = b.n});
    }
}

static void run_part(const gathered *g, hew_dwconv_s8_part at)
{
    const run_state *s = g->s;
    const hew_conv *op = s->op;
    const hew_conv_desc *d = &op->d;
    const size_t c = at.channel;
    hew_epilogue e = s->epilogue;
    hew_quant q = s->quant;
    int32_t zeros[64];
    e.scale = e.scale ? e.scale + c : NULL;
    e.bias = e.bias ? e.bias + c : NULL;
    e.add = e.add ? (const char *)e.add + c * op->format.residual_size : NULL;
    q.b_sums += c;
    q.bias = q.bias ? q.bias + c : NULL;
    if (s->zeros.zero || s->zeros.b_unsigned) {
        for (size_t i = 0; i < at.n; i++)
            zeros[i] = hew_zero_of(&s->zeros, c + i);
        q.b_zero = zeros;
    }
    const hew_dwconv_u8s8_block b = {
        .runs = g->runs,
        .n_runs = g->n,
        .channel = c,
        .n = at.n,
        .w = hew_dwconv_s8_packed(op, s->args->packed, at),
        .in_signed = op->format.a_signed,
        .pad = g->pad,
        .words = op->bytes.words,
        .in_step = (size_t)(d->stride[2] * d->in_stride),
        .multiplier = op->group_out,
        .is_tap = g->is_tap,
        .out = (char *)s->args->out + c * op->format.c_size,
        .out_step = (size_t)d->out_stride * op->format.c_size,
        .epilogue = &e,
        .quant = &q,
    };
    dwconv_u8s8_fn *fn = s->slide ? HEW_FN(dwconv_slide_u8s8, op->bytes.slide[at.width])
                                  : HEW_FN(dwconv_u8s8, op->bytes.flat[at.width]);
    if (op->staged || op->act.kind != HEW_ACT_NONE)
        run_staged(g, b, fn);
    else
        fn(&b);
}

static void flush(gathered *g)
{
    for (size_t i = g->part_begin; g->n > 0 && i < g->part_end; i++)
        run_part(g, hew_dwconv_s8_part_of(g->s->op, i));
    g->n = 0;
}

static hew_dwconv_u8s8_run *next_run(gathered *g, size_t pixel, int64_t pixels)
{
    if (g->n == g->s->op->bytes.runs)
        flush(g);
    hew_dwconv_u8s8_run *run = &g->runs[g->n++];
    run->pixel = pixel;
    run->pixels = (size_t)pixels;
    return run;
}

/* Input element (member, position), perhaps before or after the batch. */
static const uint8_t *input_at(const run_state *s, int64_t member, const int64_t at[3])
{
    const hew_conv_desc *d = &s->op->d;
    const int64_t pixel = ((member * d->in[0] + at[0]) * d->in[1] + at[1]) * d->in[2] + at[2];
    return (const uint8_t *)((intptr_t)s->args->in + pixel * d->in_stride);
}

/* ------------------------------------------------------------------------- sliding runs ----- */

static void slide_row(gathered *g, size_t first, int64_t member, const int64_t at[3])
{
    const hew_conv *op = g->s->op;
    const hew_conv_desc *d = &op->d;
    const uint8_t *rows[HEW_DWCONV_ROWS];
    size_t steps[HEW_DWCONV_ROWS];
    for (int64_t r = 0; r < d->kernel[2]; r++) { /* as many rows: in height, or in depth */
        const int64_t in[3] = {at[0] + (d->kernel[0] == 1 ? 0 : r * d->dilation[0]),
                               at[1] + (d->kernel[1] == 1 ? 0 : r * d->dilation[1]), at[2]};
        const bool inside = in[0] >= 0 && in[0] < d->in[0] && in[1] >= 0 && in[1] < d->in[1];
        rows[r] = inside ? input_at(g->s, member, in) : g->pad;
        steps[r] = inside ? (size_t)d->in_stride : 0;
    }
    const size_t width = (size_t)op->out[2], pieces = hew_ceil_div(width, HEW_DWCONV_PIXELS);
    for (size_t i = 0; i < pieces; i++) {
        const int64_t begin = (int64_t)hew_cut(width, pieces, i);
        const int64_t pixels = (int64_t)hew_cut(width, pieces, i + 1) - begin;
        const int64_t column = begin * d->stride[2]; /* from the first under the row */
        const int64_t columns = (pixels - 1) * d->stride[2] + d->kernel[2];
        const int64_t left = hew_min_i64(hew_max_i64(-at[2] - column, 0), columns);
        hew_dwconv_u8s8_run *run = next_run(g, first + (size_t)begin, pixels);
        run->left = (size_t)left;
        run->inside =
            (size_t)hew_max_i64(hew_min_i64(d->in[2] - at[2] - column, columns) - left, 0);
        for (int64_t r = 0; r < d->kernel[2]; r++) {
            const size_t past = (size_t)(column + left) * steps[r];
            run->rows[r] = (const uint8_t *)((uintptr_t)rows[r] + past);
            run->steps[r] = steps[r];
        }
    }
}

/* ---------------------------------------------------------------------------- flat runs ----- */

/* The offsets from the padding of the taps of the pixel at `at`. */
static void make_table(const gathered *g, int64_t member, const int64_t at[3], ptrdiff_t *table)
{
    const hew_conv_desc *d = &g->s->op->d;
    const hew_dwconv_s8_slots slots = hew_dwconv_s8_slots_of(g->s->op);
    const int64_t step = d->dilation[2] * d->in_stride;
    const hew_range kw = hew_taps_inside(at[2], d->kernel[2], d->dilation[2], d->in[2]);
    for (int64_t i = 0; i < d->kernel[0]; i++)
        for (int64_t j = 0; j < d->kernel[1]; j++, table += slots.row) {
            const int64_t in[3] = {at[0] + i * d->dilation[0], at[1] + j * d->dilation[1], at[2]};
            const bool inside = in[0] >= 0 && in[0] < d->in[0] && in[1] >= 0 && in[1] < d->in[1];
            const ptrdiff_t first = (intptr_t)input_at(g->s, member, in) - (intptr_t)g->pad;
            for (int64_t t = 0; t < d->kernel[2]; t++)
                table[(size_t)t * slots.tap] =
                    inside && t >= kw.begin && t < kw.end ? first + t * step : 0;
        }
}

/* Pixels whose taps in the padding are the same: the first at `at`. */
static void border_run(gathered *g, size_t pixel, int64_t pixels, int64_t member,
                       const int64_t at[3])
{
    hew_dwconv_u8s8_run *run = next_run(g, pixel, pixels);
    ptrdiff_t *table = g->tables + g->n * g->slots;
    make_table(g, member, at, table);
    run->in = g->pad;
    run->offset = table;
}

static void flat_row(gathered *g, size_t first, int64_t member, const int64_t at[3])
{
    const hew_conv *op = g->s->op;
    const hew_conv_desc *d = &op->d;
    const int64_t width = op->out[2], stride = d->stride[2];
    const int64_t room = d->in[2] - 1 - (d->kernel[2] - 1) * d->dilation[2] - at[2];
    int64_t begin = width, end = width; /* pixels with all taps of a row inside */
    if (room >= 0) {
        begin = hew_min_i64(at[2] < 0 ? (-at[2] + stride - 1) / stride : 0, width);
        end = hew_max_i64(hew_min_i64(room / stride + 1, width), begin);
    }
    bool inside = true;
    for (int i = 0; i < 2; i++)
        inside &= at[i] >= 0 && at[i] + (d->kernel[i] - 1) * d->dilation[i] < d->in[i];
    const int64_t most = inside ? HEW_DWCONV_PIXELS : (int64_t)op->bytes.pad_pixels;
    for (int64_t x = 0, pixels; x < width; x += pixels) {
        const int64_t in[3] = {at[0], at[1], at[2] + x * stride};
        pixels = x < begin || x >= end ? 1 : hew_min_i64(end - x, most);
        if (!inside || x < begin || x >= end) {
            border_run(g, first + (size_t)x, pixels, member, in);
            continue;
        }
        hew_dwconv_u8s8_run *run = next_run(g, first + (size_t)x, pixels);
        run->in = input_at(g->s, member, in);
        run->offset = g->tables;
    }
}

/* The table of pixels with all taps inside, from the first tap; slots that are no tap stay there.
 * And which slots are taps, words of bytes or s16. */
static void begin_tables(gathered *g)
{
    const hew_conv *op = g->s->op;
    const hew_conv_desc *d = &op->d;
    const hew_dwconv_s8_slots slots = hew_dwconv_s8_slots_of(op);
    memset(g->tables, 0, (op->bytes.runs + 1) * g->slots * sizeof *g->tables);
    memset(g->is_tap, 0, op->bytes.words * sizeof *g->is_tap);
    ptrdiff_t *table = g->tables;
    const int64_t first[3] = {0};
    for (int64_t i = 0; i < d->kernel[0]; i++)
        for (int64_t j = 0; j < d->kernel[1]; j++, table += slots.row)
            for (int64_t t = 0; t < d->kernel[2]; t++) {
                const int64_t at[3] = {i * d->dilation[0], j * d->dilation[1], t * d->dilation[2]};
                ptrdiff_t *slot = table + (size_t)t * slots.tap;
                *slot = input_at(g->s, 0, at) - input_at(g->s, 0, first);
                hew_pack_put(g->is_tap, 1, op->bytes.depth, (size_t)(slot - g->tables), 0, 1);
            }
}

/* -------------------------------------------------------------------------------- tasks ----- */

static void run_task(void *context, size_t worker, size_t task)
{
    const run_state *s = context;
    const hew_conv *op = s->op;
    const hew_conv_desc *d = &op->d;
    const size_t oh = (size_t)op->out[1], od = (size_t)op->out[0];
    const size_t chunk = task % s->chunks, piece = task / s->chunks;
    char *scratch = (char *)s->args->scratch + worker * op->worker_bytes;
    gathered g = {.s = s,
                  .part_begin = hew_cut(op->bytes.blocks, s->chunks, chunk),
                  .part_end = hew_cut(op->bytes.blocks, s->chunks, chunk + 1),
                  .slots = op->bytes.words * op->bytes.depth};
    uint8_t *pad = hew_take(&scratch, op->pad_bytes);
    g.tables = hew_take(&scratch, (op->bytes.runs + 1) * g.slots * sizeof *g.tables);
    g.is_tap = hew_take(&scratch, op->bytes.words * sizeof *g.is_tap);
    g.stage = (float *)scratch;
    g.pad = memset(pad, (uint8_t)s->args->in_zero, op->pad_bytes);
    if (!s->slide)
        begin_tables(&g);
    const size_t end = hew_cut(s->rows, s->pieces, piece + 1);
    for (size_t row = hew_cut(s->rows, s->pieces, piece); row < end; row++) {
        const int64_t member = (int64_t)(row / oh / od);
        const int64_t at[3] = {(int64_t)(row / oh % od) * d->stride[0] - d->pad_lo[0],
                               (int64_t)(row % oh) * d->stride[1] - d->pad_lo[1], -d->pad_lo[2]};
        (s->slide ? slide_row : flat_row)(&g, row * (size_t)op->out[2], member, at);
    }
    flush(&g);
}

/* Rows are cut while a piece has many pixels, since a kernel prepares its channels for each; then
 * channels, since a piece's runs are gathered for each chunk of those. */
static void cut_tasks(run_state *s, size_t threads)
{
    const hew_conv *op = s->op;
    const double macs = (double)op->pixels * (double)op->d.out_c * (double)op->bytes.words * 4;
    const size_t tasks = hew_max(1, (size_t)(macs / TASK_MACS));
    const size_t wanted = threads == 1 ? 1 : hew_min(TASKS_PER_THREAD * threads, tasks);
    s->pieces = hew_max(hew_min(wanted, op->pixels / PIECE_PIXELS), 1);
    s->chunks = hew_min(hew_ceil_div(wanted, s->pieces), hew_max(op->bytes.blocks / 2, 1));
    if (s->chunks * s->pieces < hew_min(wanted, 2 * threads))
        s->pieces = hew_ceil_div(hew_min(wanted, 2 * threads), s->chunks);
    s->pieces = hew_min(s->pieces, s->rows);
}

hew_status hew_dwconv_s8_run(const hew_conv *op, const hew_conv_args *args)
{
    const size_t size = op->format.residual_size;
    run_state s = {.op = op, .args = args, .epilogue = op->epilogue};
    s.epilogue.scale = args->scale;
    s.epilogue.bias = args->bias;
    s.epilogue.add = args->residual;
    s.epilogue.add_stride = (size_t)op->d.residual_stride * size;
    s.epilogue.beta = args->residual_scale == 0 ? 1 : args->residual_scale;
    s.quant = hew_conv_quant(op, args, hew_conv_packed_sums(args->packed));
    s.c_inverse = s.quant.c_inverse;
    hew_quant_fold(&s.epilogue, &s.quant, op->staged);
    if (op->staged)
        s.quant.c_type = HEW_F32;
    s.zeros = (hew_zeros){args->weight_zero, op->format.b_unsigned};
    s.slide = op->bytes.slide[0] && !args->weight_zero && !op->format.b_unsigned;

    s.rows = op->pixels / (size_t)op->out[2];
    cut_tasks(&s, args->threads ? args->threads->count : 1);
    return hew_parallel(args->threads, s.pieces * s.chunks, run_task, &s);
}
