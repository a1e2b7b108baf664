/*
 * conv_amx_run.c - running a convolution in tile registers.
 */
#include "conv_amx.h"

#include <string.h>

enum { TILE = 16, SUMS = 32 * 32 }; /* words of sums that a call of a kernel leaves */

/* At the start of a worker's scratch: whose copy is in it. */
typedef struct kept {
    size_t group, band;
} kept;
enum { NONE = -1 };

typedef struct runner {
    hew_amx_task t;
    hew_amx_state amx;
    hew_block block; /* C and what is added to it from the batch's first pixel on */
    hew_quant quant;
    hew_zeros zeros;
    hew_reduce_step *steps;
    char *sums, *stage;
    int32_t *row_sums; /* of each position; null where they aren't needed */
    char *masked;      /* a panel without some taps, instead of the packed one; or null */
    size_t runs, length; /* runs of positions at one distance */
    size_t pitch;        /* positions of an image row */
} runner;

/* ------------------------------------------------------------------------- positions ------- */

/* Where run `i` begins, in bytes from A's first row. */
static size_t run_offset(const runner *r, size_t i)
{
    const hew_conv *op = r->t.op;
    const hew_conv_amx *a = &op->amx;
    if (a->form == HEW_AMX_COPIED) {
        const size_t image = i / r->t.size.rows, row = i % r->t.size.rows;
        return (image * (r->t.size.rows + a->down.reach) + row) * r->pitch * a->stride;
    }
    return i * (size_t)(op->d.stride[1] * op->d.in[2] * op->d.in_stride) * op->format.a_size;
}

static void find_runs(runner *r)
{
    const hew_conv_amx *a = &r->t.op->amx;
    const hew_amx_band *size = &r->t.size;
    r->pitch = size->columns;
    if (a->form == HEW_AMX_COPIED)
        r->pitch = size->columns + a->across.reach;
    else if (a->flat)
        r->pitch = a->all.columns + a->across.reach;
    r->runs = size->images * size->rows;
    r->length = size->columns;
    if (a->flat) {
        r->runs = 1;
        r->length = ((size->images - 1) * (size->rows + a->down.reach) + size->rows - 1) *
                        r->pitch + size->columns;
    }
}

/* --------------------------------------------------------------------------- the sums ------ */

/* Panels whose columns a call of a kernel computes: one, or two for rows that fill one tile. */
typedef struct columns {
    const hew_panel *panel;
    int panels, n;
    hew_panel_end end;
} columns;

static void start_columns(const runner *r, columns *c)
{
    hew_panel all = *c->panel;
    c->n = all.n = c->panels == 2 ? c->panel[0].n + c->panel[1].n : c->panel->n;
    hew_start_panel(&r->block, &all, &c->end);
}

/* `rows` outputs that follow each other, the first one's sums in row `at` of a call's. */
static void finish(runner *r, columns *c, size_t at, size_t rows, size_t pixel, size_t position)
{
    const hew_conv *op = r->t.op;
    const size_t nr = (size_t)(c->panel->kernel->nr * c->panels);
    char *const out = r->block.c + pixel * r->block.c_stride + c->panel->column * r->block.c_size;
    hew_start_tile(&r->block, c->panel, pixel, pixel, &c->end);
    if (r->row_sums)
        c->end.q.row_sums = r->row_sums + position;
    const hew_gemm_tile tile = {.partial = r->sums + at * nr * HEW_WORD,
                                .last = true,
                                .c = r->stage ? r->stage : out,
                                .c_stride = r->stage ? nr * sizeof(float) : r->block.c_stride,
                                .m = (int)rows,
                                .n = c->n,
                                .epilogue = &c->end.e,
                                .quant = &c->end.q};
    op->amx.finish(&tile);
    if (HEW_UNLIKELY(op->act.kind != HEW_ACT_NONE || r->stage))
        hew_finish_tile(&r->block, &tile, out, r->block.c_stride);
}

/* The outputs among `count` positions from `at` on in run `run`. */
static void finish_positions(runner *r, columns *c, size_t run, size_t at, size_t count)
{
    const hew_conv_amx *a = &r->t.op->amx;
    const hew_amx_band *size = &r->t.size;
    size_t image = run / size->rows, row = run % size->rows, column = at;
    const size_t rows = size->rows + (a->form == HEW_AMX_COPIED ? a->down.reach : 0);
    if (a->flat) {
        image = at / r->pitch / rows;
        row = at / r->pitch % rows;
        column = at % r->pitch;
    }
    for (size_t done = 0; done < count;) {
        const size_t left = count - done;
        const size_t in_row = a->flat ? hew_min(left, r->pitch - column) : left;
        const size_t pixel = ((r->t.image + image) * a->all.rows + r->t.row + row) *
                                 a->all.columns + r->t.column + column;
        if (row < size->rows && column < size->columns)
            finish(r, c, done, hew_min(in_row, size->columns - column), pixel,
                   run * r->length + at + done);
        done += in_row;
        column = 0;
        if (++row == rows) {
            row = 0;
            image++;
        }
    }
}

/* One call of a kernel, for `count` positions. */
static void run_tile(runner *r, columns *c, size_t run, size_t at, size_t count)
{
    const hew_conv *op = r->t.op;
    const hew_conv_amx *a = &op->amx;
    const hew_panel *p = c->panel;
    const size_t words = a->steps * op->reduction.channels * HEW_WORD;
    /* In scratch there is something to read behind the last position. */
    const size_t m = a->copy_bytes ? hew_round_up(count, TILE) : count;
    const hew_gemm_tile tile = {.steps = r->steps,
                                .n_steps = a->steps,
                                .a_offset = run_offset(r, run) + at * a->stride,
                                .a_stride = a->stride,
                                .k = a->step_k,
                                .chunk = a->chunk,
                                .b = r->masked ? r->masked : r->block.b + p->offset * words,
                                .b_next = c->panels == 2 ? r->block.b + p[1].offset * words : NULL,
                                .b_stride = (size_t)p->kernel->nr * HEW_WORD,
                                .partial = r->sums, .m = (int)m, .n = c->n};
    hew_amx_configure(&r->amx, &tile);
    ((hew_gemm_fn *)p->kernel->fn)(&tile);
    finish_positions(r, c, run, at, count);
}

/* All positions that fill calls, or those that are left over, of all runs against some columns. */
static void run_columns(runner *r, columns *c, size_t unit, bool rest)
{
    const size_t full = r->length / unit * unit;
    start_columns(r, c);
    for (size_t run = 0; run < r->runs; run++) {
        for (size_t at = 0; !rest && at < full; at += unit)
            run_tile(r, c, run, at, unit);
        if (rest && full < r->length)
            run_tile(r, c, run, full, r->length - full);
    }
}

/* Full calls first, as tiles are configured for one or the other. */
static void run_panels(runner *r, const hew_panel *begin, const hew_panel *end)
{
    for (int rest = 0; rest < 2; rest++)
        for (const hew_panel *p = begin; p < end;) {
            const size_t unit = SUMS / (size_t)p->kernel->nr;
            const bool low = rest && r->length % unit <= TILE;
            columns c = {.panel = p, .panels = 1};
            if (low && p + 1 < end && p->kernel->nr > TILE && p[1].kernel == p->kernel)
                c.panels = 2;
            run_columns(r, &c, unit, rest);
            p += c.panels;
        }
}

/* ------------------------------------------------------------- weights not finite ---------- */

/* The taps of a pixel's window that lie inside the input, along each rank. */
typedef struct taps {
    hew_range r[3];
} taps;

static taps taps_of(const hew_conv *op, size_t pixel)
{
    const hew_conv_desc *d = &op->d;
    taps t;
    for (int i = 2; i >= 0; i--) {
        const int64_t out = (int64_t)(pixel % (size_t)op->out[i]);
        t.r[i] = hew_taps_inside(out * d->stride[i] - d->pad_lo[i], d->kernel[i], d->dilation[i],
                                 d->in[i]);
        pixel /= (size_t)op->out[i];
    }
    return t;
}

static bool same_taps(const taps *a, const taps *b)
{
    bool same = true;
    for (int i = 0; i < 3; i++)
        same &= a->r[i].begin == b->r[i].begin && a->r[i].end == b->r[i].end;
    return same;
}

/* The panel with zeros for all taps but these. */
static void mask_panel(const runner *r, const hew_panel *p, const taps *inside)
{
    const hew_conv *op = r->t.op;
    const int64_t *kernel = op->d.kernel;
    const size_t nr = (size_t)p->kernel->nr, words = op->reduction.channels;
    const size_t bytes = op->amx.steps * words * HEW_WORD;
    memcpy(r->masked, r->block.b + p->offset * bytes, bytes * nr);
    for (int64_t t = 0; t < kernel[0] * kernel[1] * kernel[2]; t++) {
        const int64_t at[3] = {t / kernel[2] / kernel[1], t / kernel[2] % kernel[1], t % kernel[2]};
        bool in = true;
        for (int i = 0; i < 3; i++)
            in &= at[i] >= inside->r[i].begin && at[i] < inside->r[i].end;
        const size_t step = op->window ? 0 : (size_t)t;
        const size_t k = op->window ? (size_t)t * op->group_in : 0;
        for (size_t c = k; !in && c < k + op->group_in; c++)
            for (size_t j = 0; j < nr; j++)
                ((uint16_t *)r->masked)[((step * words + c / 2) * nr + j) * 2 + c % 2] = 0;
    }
}

/* An Inf or a NaN must not meet the zeros of padding: neighbours with the same taps inside the
 * input go together, against a panel that has no others. */
static void run_masked(runner *r, const hew_panel *p, char *masked)
{
    const hew_conv_amx *a = &r->t.op->amx;
    const hew_amx_band *size = &r->t.size;
    const size_t unit = SUMS / (size_t)p->kernel->nr;
    const size_t rows = size->rows + (a->form == HEW_AMX_COPIED ? a->down.reach : 0);
    columns c = {.panel = p, .panels = 1};
    start_columns(r, &c);
    r->masked = masked;
    for (size_t i = 0; i < size->images * size->rows; i++) {
        const size_t image = i / size->rows, row = i % size->rows;
        const size_t pixel = ((r->t.image + image) * a->all.rows + r->t.row + row) *
                                 a->all.columns + r->t.column;
        for (size_t x = 0, count; x < size->columns; x += count) {
            const taps inside = taps_of(r->t.op, pixel + x);
            for (count = 1; count < unit && x + count < size->columns; count++) {
                const taps next = taps_of(r->t.op, pixel + x + count);
                if (!same_taps(&inside, &next))
                    break;
            }
            mask_panel(r, p, &inside);
            run_tile(r, &c, a->flat ? 0 : i, a->flat ? (image * rows + row) * r->pitch + x : x,
                     count);
        }
    }
}

/* ------------------------------------------------------------------------------ tasks ------ */

static void find_steps(runner *r)
{
    const hew_conv *op = r->t.op;
    const int64_t *kernel = op->d.kernel;
    hew_reduce_step *s = r->steps;
    if (op->amx.steps == 1 && op->window) {
        *s = (hew_reduce_step){.a[0] = r->t.base};
        return;
    }
    for (int64_t z = 0; z < kernel[0]; z++)
        for (int64_t y = 0; y < kernel[1]; y++)
            for (int64_t x = 0; x < kernel[2]; x++, s++) {
                s->a[0] = r->t.base + hew_amx_tap(&r->t, z, y, x);
                s->b_row = (size_t)(s - r->steps) * op->reduction.channels;
            }
}

/* The sums of A's rows, for zero points of weights: products with a column of ones. */
static void sum_rows(runner *r, char *ones, int32_t *sums)
{
    const hew_conv *op = r->t.op;
    const hew_conv_amx *a = &op->amx;
    const size_t unit = SUMS / TILE;
    memset(ones, 1, TILE * HEW_WORD);
    r->row_sums = sums;
    for (size_t run = 0; run < r->runs; run++)
        for (size_t at = 0, count; at < r->length; at += count) {
            count = hew_min(unit, r->length - at);
            const hew_gemm_tile tile = {.steps = r->steps, .n_steps = a->steps,
                                        .a_offset = run_offset(r, run) + at * a->stride,
                                        .a_stride = a->stride, .k = a->step_k, .chunk = a->chunk,
                                        .b = ones, /* all rows of the panel */
                                        .partial = r->sums, .m = (int)count, .n = TILE};
            hew_amx_configure(&r->amx, &tile);
            a->narrow(&tile);
            for (size_t i = 0; i < count; i++)
                *sums++ = ((const int32_t *)r->sums)[i * TILE];
        }
}

/* A's rows: where they lie in the input, or copied to scratch unless they are there. */
static void find_base(runner *r, size_t band, char *scratch, kept *held)
{
    hew_amx_task *t = &r->t;
    const hew_conv *op = t->op;
    const hew_conv_desc *d = &op->d;
    const size_t pixel = (size_t)d->in_stride * op->format.a_size;
    const char pad = (char)t->args->in_zero;
    if (op->amx.form == HEW_AMX_LINEAR) {
        t->base = t->in + t->column * pixel;
        return;
    }
    if (op->amx.form == HEW_AMX_DIRECT) {
        const int64_t member = (int64_t)t->image / op->out[0], z = (int64_t)t->image % op->out[0];
        const int64_t row = (member * d->in[0] + z * d->stride[0]) * d->in[1] +
                            (int64_t)t->row * d->stride[1];
        t->base = t->in + (size_t)(row * d->in[2] + (int64_t)t->column * d->stride[2]) * pixel;
        return;
    }
    t->base = scratch;
    if (held->group == t->group && held->band == band)
        return;
    *held = (kept){t->group, band};
    if (op->amx.form == HEW_AMX_COPIED)
        hew_amx_copy(t, (uint8_t)pad, scratch);
    else
        hew_conv_windows(&(hew_conv_rows){.op = op, .in = t->in, .pad = &pad, .begin = t->column,
                                          .end = t->column + t->size.columns}, scratch);
}

/* Extent i of the band is piece `piece` of it; columns are cut between tiles. */
static void cut_band(hew_amx_task *t, size_t band)
{
    const hew_conv_amx *a = &t->op->amx;
    const size_t *pieces = a->pieces, units = hew_ceil_div(a->all.columns, 2 * TILE);
    const size_t across = band % pieces[2], down = band / pieces[2] % pieces[1];
    const size_t image = band / pieces[2] / pieces[1];
    t->image = hew_cut(a->all.images, pieces[0], image);
    t->row = hew_cut(a->all.rows, pieces[1], down);
    t->column = hew_cut(units, pieces[2], across) * 2 * TILE;
    t->size = (hew_amx_band){
        hew_cut(a->all.images, pieces[0], image + 1) - t->image,
        hew_cut(a->all.rows, pieces[1], down + 1) - t->row,
        hew_min(hew_cut(units, pieces[2], across + 1) * 2 * TILE, a->all.columns) - t->column};
}

/* Task (group, band, chunk of panels). */
static void run_task(void *context, size_t worker, size_t task)
{
    const hew_amx_task *all = context;
    const hew_conv *op = all->op;
    const hew_conv_amx *a = &op->amx;
    const size_t chunk = task % op->chunks, band = task / op->chunks % op->row_blocks;
    char *scratch = (char *)all->args->scratch + worker * op->worker_bytes;
    kept *held = hew_take(&scratch, sizeof *held);
    char *copy = hew_take(&scratch, a->copy_bytes);
    runner r = {.t = *all, .amx = {.config = a->config}};
    r.t.group = task / op->chunks / op->row_blocks;
    r.t.in = (const char *)all->args->in + r.t.group * op->group_in * op->format.a_size;
    cut_band(&r.t, band);
    find_base(&r, band, copy, held);
    find_runs(&r);
    r.steps = hew_take(&scratch, a->steps * sizeof(hew_reduce_step));
    r.sums = hew_take(&scratch, SUMS * HEW_WORD);
    r.stage = op->staged ? hew_take(&scratch, SUMS * sizeof(float)) : NULL;
    find_steps(&r);

    r.block = hew_conv_block(op, all->args, r.t.group, 0);
    r.block.stage = (float *)r.stage;
    if (op->format.integer) {
        r.zeros = hew_conv_integers(op, all->args, r.t.group, &r.block, &r.quant);
        if (r.zeros.zero || r.zeros.b_unsigned) {
            char *const ones = hew_take(&scratch, HEW_ALIGNMENT);
            sum_rows(&r, ones, (int32_t *)scratch);
            r.block.b_zero = &r.zeros;
        }
    } else {
        r.quant = hew_conv_quant(op, all->args, NULL);
        r.block.quant = &r.quant;
    }
    const hew_panel *begin = op->panels.panel + hew_cut(op->panels.count, op->chunks, chunk);
    const hew_panel *end = op->panels.panel + hew_cut(op->panels.count, op->chunks, chunk + 1);
    if (a->masked_bytes > 0 && ((const hew_packed_header *)all->args->packed)->nonfinite)
        for (const hew_panel *p = begin; p < end; p++)
            run_masked(&r, p, scratch);
    else
        run_panels(&r, begin, end);
    hew_amx_release(&r.amx);
}

hew_status hew_conv_amx_run(const hew_conv *op, const hew_conv_args *args)
{
    const hew_amx_task all = {.op = op, .args = args};
    const size_t workers = args->threads ? args->threads->count : 1;
    for (size_t w = 0; w < workers; w++)
        *(kept *)((char *)args->scratch + w * op->worker_bytes) = (kept){(size_t)NONE, 0};
    return hew_parallel(args->threads, (size_t)op->d.groups * op->row_blocks * op->chunks, run_task,
                        (void *)&all);
}
