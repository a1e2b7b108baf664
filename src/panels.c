/*
 * panels.c - cutting B into panels, and the loop nest over panels, k blocks and tiles.
 */
#include "panels.h"

#include <math.h>

enum {
    TASKS = 32,    /* blocks of rows are not made smaller for more */
    TASK_TILES = 4 /* of rows, at least, in a block that is made smaller */
};

/* The narrowest kernel of at least `nr` columns; the widest where none is that wide. */
static const hew_kernel *kernel_for(const hew_kernel *lines, size_t count, size_t nr)
{
    const hew_kernel *best = NULL, *widest = lines;
    for (size_t i = 0; i < count; i++) {
        if ((size_t)lines[i].nr >= nr && (!best || lines[i].nr < best->nr))
            best = lines + i;
        if (lines[i].nr > widest->nr)
            widest = lines + i;
    }
    return best ? best : widest;
}

hew_status hew_panels_create(hew_panels *p, int family, size_t n)
{
    size_t lines;
    const hew_kernel *list = hew_kernels(family, &lines);
    const hew_kernel *widest = kernel_for(list, lines, SIZE_MAX);
    *p = (hew_panels){.n = n, .count = hew_ceil_div(n, (size_t)widest->nr), .mr = HEW_MAX_MR};
    p->panel = p->count > SIZE_MAX / sizeof(hew_panel) ? NULL
                                                       : hew_malloc(p->count * sizeof(hew_panel));
    if (!p->panel)
        return HEW_ERR_NO_MEMORY;
    size_t column = 0;
    for (size_t i = 0; i < p->count; i++) {
        const hew_kernel *k = kernel_for(list, lines, hew_ceil_div(n - column, p->count - i));
        const size_t width = hew_min(n - column, (size_t)k->nr);
        p->panel[i] = (hew_panel){k, column, p->padded_n, (int)width};
        p->padded_n += (size_t)k->nr;
        p->mr = (int)hew_min((size_t)p->mr, (size_t)k->mr);
        p->max_nr = (int)hew_max((size_t)p->max_nr, (size_t)k->nr);
        column += width;
    }
    return HEW_OK;
}

hew_cuts hew_cut_tasks(const hew_panels *panels, size_t rows, size_t block_rows, size_t members,
                       double row_macs)
{
    size_t blocks = hew_ceil_div(rows, block_rows);
    const double tasks = (double)rows * row_macs / HEW_TASK_MACS; /* worth while, of a member */
    const double per_block = tasks / (double)hew_max(blocks, 1);
    const size_t chunks = hew_max(
        per_block < (double)panels->count ? (size_t)per_block : panels->count, 1);
    const double all = tasks * (double)members;
    const size_t wanted = all < TASKS ? (size_t)all : TASKS;
    if (members > 0 && blocks < wanted && blocks * chunks * members < wanted) {
        const size_t more = hew_ceil_div(wanted, chunks * members);
        blocks = hew_max(blocks, hew_min(more, rows / ((size_t)panels->mr * TASK_TILES)));
    }
    return (hew_cuts){blocks, chunks};
}

hew_act hew_epilogue_act(hew_epilogue *e, hew_act act)
{
    const hew_act none = {HEW_ACT_NONE, 0, 0};
    e->lo = -INFINITY;
    e->hi = INFINITY;
    e->clamps = act.kind == HEW_ACT_RELU || act.kind == HEW_ACT_CLIP;
    if (act.kind == HEW_ACT_RELU) {
        e->lo = 0;
        return none;
    }
    if (act.kind == HEW_ACT_CLIP) {
        e->lo = act.alpha;
        e->hi = act.beta;
        return none;
    }
    return act;
}

HEW_INLINE const float *at(const float *base, size_t row, size_t stride, size_t column)
{
    return base ? (const float *)((const char *)base + row * stride) + column : NULL;
}

/* The panel's first row for a channel. */
HEW_INLINE const float *panel_of(const hew_block *b, const hew_panel *p, size_t channel)
{
    if (b->b_stride)
        return at(b->b, channel, b->b_stride, p->column);
    const hew_reduction *r = b->reduction;
    return b->b + p->offset * r->rows * r->taps * r->channels + channel * (size_t)p->kernel->nr;
}

/* The tile that was just stored goes through the activation that the epilogue can't say. */
static void activate(const hew_block *b, const hew_gemm_tile *tile)
{
    b->act_fn(&(hew_act_f32_rows){.act = b->act,
                                  .x = tile->c,
                                  .x_stride = b->c_stride,
                                  .rows = (size_t)tile->m,
                                  .n = (size_t)tile->n});
}

/* All tiles of the block against one block of k of one panel. */
static void run_tiles(const hew_block *b, const hew_panel *p, size_t part, size_t channel, size_t k,
                      bool first, bool last)
{
    gemm_f32_fn *const kernel = HEW_FN(gemm_f32, p->kernel);
    const bool post = last && b->act.kind != HEW_ACT_NONE;
    hew_epilogue e = b->epilogue;
    e.scale = at(e.scale, 0, 0, p->column);
    e.bias = at(e.bias, 0, 0, p->column);
    hew_gemm_tile tile = {
        .a_offset = channel * sizeof(float),
        .k = k,
        .b = panel_of(b, p, channel),
        .b_stride = b->b_stride,
        .partial = b->partial,
        .add_partial = !first,
        .last = last,
        .c_stride = b->c_stride,
        .n = p->n,
        .epilogue = &e,
    };
    for (const hew_tile *t = b->tiles; t < b->tiles + b->n_tiles; t++) {
        tile.steps = t->steps + t->first[part];
        tile.n_steps = t->first[part + 1] - t->first[part];
        tile.m = t->m;
        tile.c = (float *)((char *)b->c + t->row * b->c_stride) + p->column;
        e.add = at(b->epilogue.add, t->row, e.add_stride, p->column);
        e.residual = at(b->epilogue.residual, t->row, e.residual_stride, p->column);
        if (k == 0)
            tile.k = t->k;
        if (!(first && last))
            tile.partial = b->partial + t->row * (size_t)p->kernel->nr;
        kernel(&tile);
        if (HEW_UNLIKELY(post))
            activate(b, &tile);
    }
}

void hew_block_run(const hew_block *b)
{
    const hew_reduction *r = b->reduction;
    const size_t parts = hew_parts(r);
    const bool split = r->channels > r->block_channels;
    for (size_t p = b->panel_begin; p < b->panel_end; p++)
        for (size_t part = 0; part < parts; part++)
            for (size_t c = 0; c == 0 || c < r->channels; c += r->block_channels)
                run_tiles(b, b->panels->panel + p, part, c,
                          split ? hew_min(r->block_channels, r->channels - c) : 0,
                          part == 0 && c == 0,
                          part == parts - 1 && c + r->block_channels >= r->channels);
}
