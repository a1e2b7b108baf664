/*
 * conv_amx.c - convolution in tile registers: how the work is cut.
 *
 * A tile of A is 16 rows at one distance in memory: a tap's channels under 16 output positions.  So
 * lie the pixels of a whole batch under 1 x 1, and those of an image row under any kernel if no tap
 * is in the padding.  Everything else is copied first, a band of the input with its padding
 * in place, where a tap is an offset for all positions, and image rows follow each other so closely
 * that tiles can run on from one to the next:
 *
 *     3 x 3, padding 1, images of 5 x 5:  rows of 7, and of a tile of 16 positions 12 are pixels
 *
 *     position    0  1  2  3  4  .  .  7  8  9 10 11  .  . 14 15
 *     pixel       0,0 .. .. ..0,4       1,0 .. .. ..1,4     2,0
 *
 * What the others, the junk, sum to is not stored.  A stride s along rows or columns makes s planes
 * of the copy, one for each remainder of a coordinate, so that positions stay neighbours.
 *
 * Which way takes the fewest cycles is estimated here.  Sums don't depend on it.
 */
#include "conv.h"

enum {
    TILE = 16,
    BAND_BYTES = 512 << 10,  /* of a copy: a quarter of Sapphire Rapids' L2 */
    WINDOWS_BYTES = 128 << 10, /* of rows that are a task's */
    MAX_STRIDE = 8,          /* that makes planes of remainders */
    TASKS = 32,
    TASK_CYCLES = 4096       /* some 2 us */
};

/* ----------------------------------------------------------------------------- the cost ---- */

/* Cycles of one run of positions against all panels: 16 for a multiply, 8 for what tiles need
 * besides, 16 more for what becomes of a tile of C. */
static double run_cycles(const hew_conv *op, size_t positions)
{
    enum { PAIR = 4 * 16 + 4 * 8, ROW = 4 * 16 + 5 * 8, HALF_ROW = 2 * 16 + 3 * 8, END = 32 };
    const double chunks = (double)op->amx.steps * (double)(op->reduction.channels / op->amx.chunk);
    const size_t full = positions / (2 * TILE), rest = positions % (2 * TILE);
    size_t wide = 0;
    while (wide < op->panels.count && op->panels.panel[wide].kernel->nr > TILE)
        wide++;
    double cycles = (double)wide * (double)full * (PAIR * chunks + 4 * END);
    if (rest > TILE)
        cycles += (double)wide * (PAIR * chunks + 4 * END);
    else if (rest > 0)
        cycles += (double)(wide / 2) * (ROW * chunks + 4 * END) +
                  (double)(wide % 2) * (HALF_ROW * chunks + 2 * END);
    if (wide < op->panels.count)
        cycles += (double)hew_ceil_div(positions, TILE) * (ROW / 4 * chunks + END);
    return cycles;
}

/* The largest of n things cut in `pieces`. */
static size_t most(size_t n, size_t pieces) { return hew_ceil_div(n, pieces); }

/* Positions of a flat run over a band: the last row ends with its last pixel. */
static double flat_positions(const hew_conv_amx *a, const hew_amx_band *b)
{
    const size_t pitch = b->columns + a->across.reach, rows = b->rows + a->down.reach;
    return ((double)(b->images - 1) * (double)rows + (double)(b->rows - 1)) * (double)pitch +
           (double)b->columns;
}

static double copy_bytes(const hew_conv *op, const hew_conv_amx *a, const hew_amx_band *b)
{
    if (a->form != HEW_AMX_COPIED)
        return 0;
    return (double)(size_t)op->d.kernel[0] * (double)a->down.planes * (double)a->across.planes *
           (double)b->images * (double)(b->rows + a->down.reach) *
           (double)(b->columns + a->across.reach) * (double)a->stride;
}

static double band_cycles(const hew_conv *op, const hew_conv_amx *a, const hew_amx_band *b)
{
    const double bytes = copy_bytes(op, a, b), copy = bytes / 32 + bytes / (double)a->stride * 4;
    if (!a->flat)
        return (double)(b->images * b->rows) * run_cycles(op, b->columns) + copy;
    const double positions = flat_positions(a, b);
    return positions < 1e9 ? run_cycles(op, (size_t)positions) + copy : 1e30;
}

/* Columns are cut between tiles. */
static size_t most_columns(const hew_conv_amx *a, size_t pieces)
{
    return hew_min(most(hew_ceil_div(a->all.columns, 2 * TILE), pieces) * 2 * TILE,
                   a->all.columns);
}

/* The whole batch with its output cut into pieces: two sizes of bands along each extent. */
static double all_cycles(const hew_conv *op, const hew_conv_amx *a, const size_t pieces[3])
{
    const size_t n[3] = {a->all.images, a->all.rows, most_columns(a, pieces[2])};
    double cycles = 0;
    for (size_t larger = 0; larger < 4; larger++) {
        const size_t parts[2] = {larger & 1, larger >> 1};
        double bands = (double)pieces[2];
        size_t extent[2];
        for (int i = 0; i < 2; i++) {
            const size_t left = n[i] % pieces[i];
            extent[i] = n[i] / pieces[i] + parts[i];
            bands *= (double)(parts[i] ? left : pieces[i] - left);
        }
        if (bands > 0 && extent[0] > 0 && extent[1] > 0)
            cycles += bands * band_cycles(op, a, &(hew_amx_band){extent[0], extent[1], n[2]});
    }
    return cycles;
}

/* ------------------------------------------------------------------------- the choice ------ */

static hew_amx_axis axis_of(const hew_conv_desc *d, int rank, bool own)
{
    const int64_t last = (d->kernel[rank] - 1) * d->dilation[rank], stride = d->stride[rank];
    if (own || stride > MAX_STRIDE)
        return (hew_amx_axis){true, (size_t)d->kernel[rank], 0};
    return (hew_amx_axis){false, (size_t)hew_min_i64(stride, last + 1), (size_t)(last / stride)};
}

/* So many pieces of each kind that a band's copy stays in L2, rows first. */
static void cut_for_cache(const hew_conv *op, hew_conv_amx *a, size_t images)
{
    hew_amx_band b = {images, 1, a->all.columns};
    const double fixed = copy_bytes(op, a, &b), more = fixed / (double)(1 + a->down.reach);
    const double fit = fixed < BAND_BYTES ? 1 + (BAND_BYTES - fixed) / (more + 1) : 1;
    a->pieces[0] = hew_ceil_div(a->all.images, images);
    a->pieces[1] = fit < (double)a->all.rows ? hew_ceil_div(a->all.rows, (size_t)fit) : 1;
    a->pieces[2] = 1;
    b.rows = most(a->all.rows, a->pieces[1]);
    const size_t units = hew_ceil_div(a->all.columns, 2 * TILE);
    while (b.rows == 1 && a->pieces[2] < units && copy_bytes(op, a, &b) > BAND_BYTES) {
        a->pieces[2] = hew_min(units, a->pieces[2] * 2);
        b.columns = most_columns(a, a->pieces[2]);
    }
}

/* Takes `a` if it is better than the best so far. */
static void try_form(const hew_conv *op, hew_conv_amx *a, size_t images, hew_conv_amx *best,
                     double *least)
{
    cut_for_cache(op, a, images);
    const double cycles = all_cycles(op, a, a->pieces);
    if (cycles < *least) {
        *least = cycles;
        *best = *a;
    }
}

static void choose_form(const hew_conv *op, hew_conv_amx *best)
{
    const hew_conv_desc *d = &op->d;
    hew_conv_amx a = *best;
    double least = 1e300;
    if (!op->pad_bytes && op->group_in % op->depth == 0) {
        a.form = HEW_AMX_DIRECT;
        a.stride = (size_t)(d->stride[2] * d->in_stride) * op->format.a_size;
        try_form(op, &a, 1, best, &least);
        if (d->stride[1] * d->in[2] % d->stride[2] == 0) {
            const int64_t pitch = d->stride[1] * d->in[2] / d->stride[2];
            a.flat = true;
            a.across.reach = (size_t)pitch - a.all.columns;
            try_form(op, &a, 1, best, &least);
        }
    }
    a.form = HEW_AMX_COPIED;
    a.stride = op->reduction.channels * HEW_WORD;
    for (int way = 0; way < 8; way++) {
        a.down = axis_of(d, 1, way & 1);
        a.across = axis_of(d, 2, way & 2);
        a.flat = way & 4;
        for (size_t images = 1; images <= hew_min(a.flat ? 16 : 1, a.all.images); images *= 2)
            try_form(op, &a, images, best, &least);
    }
}

/* More bands, as long as they cost less than one in a hundred; then chunks of panels. */
static void cut_tasks(hew_conv *op, hew_conv_amx *a)
{
    const size_t groups = (size_t)op->d.groups;
    const double all = all_cycles(op, a, a->pieces);
    const double worth = all * (double)groups / TASK_CYCLES;
    const size_t wanted = worth < TASKS ? hew_max(1, (size_t)worth) : TASKS;
    const int cut = a->all.rows > 1 ? 1 : 2;
    const size_t units = cut == 1 ? a->all.rows : hew_ceil_div(a->all.columns, 2 * TILE);
    size_t pieces[3] = {a->pieces[0], a->pieces[1], a->pieces[2]};
    const size_t others = groups * pieces[0] * pieces[3 - cut];
    for (; pieces[cut] <= hew_min(units, hew_ceil_div(wanted, others)); pieces[cut]++)
        if (all_cycles(op, a, pieces) <= all * 1.01)
            a->pieces[cut] = pieces[cut];
    const size_t tasks = others * a->pieces[cut];
    const size_t pairs = hew_ceil_div(op->panels.count, 2);
    op->chunks = hew_max(1, hew_min(pairs, hew_ceil_div(wanted, tasks)));
    op->row_blocks = a->pieces[0] * a->pieces[1] * a->pieces[2];
}

/* ---------------------------------------------------------------------------- the plan ----- */

/* What a task's rows of A need: the sizes of a band. */
static hew_status measure(hew_conv *op, hew_conv_amx *a)
{
    a->band = (hew_amx_band){most(a->all.images, a->pieces[0]), most(a->all.rows, a->pieces[1]),
                             most_columns(a, a->pieces[2])};
    const double positions = a->flat ? flat_positions(a, &a->band)
                                     : (double)(a->band.images * a->band.rows) *
                                           (double)a->band.columns;
    const double bytes = a->form == HEW_AMX_WINDOWS ? positions * (double)op->window
                                                    : copy_bytes(op, a, &a->band);
    if (positions > 1e12 || bytes > 1e12 || a->steps > (size_t)1 << 33)
        return hew_fail(HEW_ERR_OVERFLOW, "conv: %zu taps need too much scratch", a->steps);
    a->positions = (size_t)positions;
    a->copy_bytes = bytes > 0 ? (size_t)bytes + 2 * TILE * a->stride : 0; /* whole tiles are read */
    return HEW_OK;
}

/* The words of a step: a whole number of chunks, of which the last one's may end in zeros. */
static hew_reduction reduction_of(const hew_conv *op, size_t *chunk)
{
    const hew_conv_desc *d = &op->d;
    const size_t rows = (size_t)(d->kernel[0] * d->kernel[1]), taps = (size_t)d->kernel[2];
    const bool windows = hew_amx_windows(rows * taps, op->group_in, op->depth);
    const size_t k = windows ? rows * taps * op->group_in : op->group_in;
    const size_t words = hew_ceil_div(k, op->depth);
    *chunk = hew_amx_cut_of(words).chunk;
    return windows ? hew_reduction_of(1, 1, hew_round_up(words, *chunk))
                   : hew_reduction_of(rows, taps, hew_round_up(words, *chunk));
}

/* Before the panels: how long they are. */
void hew_conv_amx_start(hew_conv *op)
{
    const hew_conv_desc *d = &op->d;
    hew_conv_amx *a = &op->amx;
    size_t count;
    op->reduction = reduction_of(op, &a->chunk);
    a->steps = op->reduction.rows * op->reduction.taps;
    if (a->steps == 1 && d->kernel[0] * d->kernel[1] * d->kernel[2] > 1)
        op->window = op->reduction.channels * HEW_WORD;
    a->step_k = op->window ? op->window / op->format.a_size : op->group_in;
    const hew_kernel *k = hew_kernels(hew_format_amx(&op->format), &count);
    while (k->nr != TILE)
        k++;
    a->narrow = (hew_gemm_fn *)k->fn;
    a->config = HEW_FN(amx_config, hew_kernels(HEW_FAMILY_amx_config, &count));
    a->finish = op->format.bf16
                    ? HEW_FN(amx_finish_f32, hew_kernels(HEW_FAMILY_amx_finish_f32, &count))
                    : HEW_FN(amx_finish_s32, hew_kernels(HEW_FAMILY_amx_finish_s32, &count));
}

hew_status hew_conv_amx_plan(hew_conv *op)
{
    const hew_conv_desc *d = &op->d;
    hew_conv_amx *a = &op->amx;
    for (int i = 0; i < 3; i++)
        if (d->pad_lo[i] > 0 || d->pad_hi[i] > 0)
            op->pad_bytes = 1;
    a->all = (hew_amx_band){(size_t)(d->batch * op->out[0]), (size_t)op->out[1],
                            (size_t)op->out[2]};
    a->down.planes = a->across.planes = 1;
    op->row_blocks = op->chunks = 1;
    if (op->pixels == 0)
        return HEW_OK;
    for (int i = 0; i < 3; i++)
        a->pieces[i] = 1;
    if (op->window || op->linear) {
        a->form = op->window ? HEW_AMX_WINDOWS : HEW_AMX_LINEAR;
        a->stride = op->window ? op->window : (size_t)d->in_stride * op->format.a_size;
        a->all = (hew_amx_band){1, 1, op->pixels};
        const size_t rows = hew_max(WINDOWS_BYTES / a->stride, 2 * TILE);
        a->pieces[2] = hew_ceil_div(op->pixels, rows / (2 * TILE) * (2 * TILE));
    } else {
        choose_form(op, a);
    }
    cut_tasks(op, a);
    const hew_status s = measure(op, a);
    if (s != HEW_OK)
        return s;
    if (op->format.bf16 && op->pad_bytes)
        a->masked_bytes = a->steps * op->reduction.channels * (size_t)op->panels.max_nr * HEW_WORD;
    const size_t sums = 32 * 32 * HEW_WORD;
    const size_t pieces[] = {2 * HEW_ALIGNMENT, a->copy_bytes,
                             a->steps * sizeof(hew_reduce_step), sums,
                             op->staged ? sums : 0,
                             op->format.integer ? a->positions * sizeof(int32_t) : a->masked_bytes};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        op->worker_bytes += hew_round_up(pieces[i], HEW_ALIGNMENT);
    return HEW_OK;
}
