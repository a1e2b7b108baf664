/*
 * conv_tiles.c - the input rows that a block of output pixels sums over, as steps of a reduction.
 *
 * An output pixel's sum has a step for each tap: the row of channels of the input pixel under it.
 * So a tile of m pixels and t taps is t steps of m row pointers; nothing is copied.  A tap outside
 * the input points to a row of padding if others of the tile's pixels need it, and is left out if
 * none does.  Where the taps of a kernel row lie side by side in memory, they are one longer step:
 * a first layer of 3 channels and 7 x 7 taps has 7 steps of 21 products, not 49 of 3.  The few
 * pixels at the ends of an image row then have their short rows of taps patched up with padding:
 * zeros, or a zero point.
 *
 * In narrow images, tiles end with image rows, and the pixels at the left and right ends of rows
 * are tiles of their own, from top to bottom: then most taps in the padding are left out, which are
 * a fifth of all at 7 x 7 and 3 x 3 taps.
 *
 *     L 0 0 0 0 0 R        0  rows at the top have no taps above, those at the bottom none below
 *     L 1 1 1 1 1 R        L  columns have none on the left
 *     L 2 2 2 2 2 R        R  none on the right
 */
#include "conv_walk.h"

#include <string.h>

static const uint32_t one_step[2] = {0, 1};

typedef struct tile_builder {
    const hew_conv_rows *rows;
    walk walk;
    pixel pixels[HEW_MAX_MR];
    intptr_t base[HEW_MAX_MR]; /* theirs; past m, any */
    hew_range taps[HEW_MAX_MR]; /* of a kernel row, that lie inside: unless inner_row */
    hew_range all;              /* of a kernel row, that the tile takes */
    int m;
    bool inner, inner_row; /* all taps of every pixel are inside; those of a kernel row are */
    hew_reduce_step *next;
    char *patch; /* room for rows of taps that are partly padding */
    uint32_t *first;
    size_t slot;
    const hew_tile *model; /* a tile of inner pixels of one row, as most are; null: none yet */
    intptr_t model_base;
} tile_builder;

/* Rows of taps that straddle words, so that none can be left out. */
HEW_INLINE bool straddling(const hew_conv *op)
{
    return op->reduction.taps < (size_t)op->d.kernel[2];
}

/* A row of taps of which some lie outside, in one piece: the input's values, and padding. */
static const char *patched(tile_builder *b, int i, const char *row)
{
    const hew_conv *op = b->rows->op;
    const size_t tap = op->group_in * op->format.a_size, taps = (size_t)op->d.kernel[2];
    const size_t begin = (size_t)b->taps[i].begin * tap, end = (size_t)b->taps[i].end * tap;
    if (begin == end)
        return b->rows->pad;
    char *p = b->patch;
    b->patch += taps * tap;
    memcpy(p, b->rows->pad, begin);
    memcpy(p + begin, moved(row, (int64_t)begin), end - begin);
    memcpy(p + end, b->rows->pad, taps * tap - end);
    return p;
}

/* The steps of taps [t0, t1) of a kernel row under pixels that have all of it inside. */
static void add_inner_row(tile_builder *b, size_t row, size_t t0, size_t t1, bool merged,
                          int64_t down)
{
    const hew_conv *op = b->rows->op;
    const int64_t right = op->d.dilation[2] * pixel_bytes(op);
    for (size_t t = t0; t < t1; t += merged ? t1 - t0 : 1, b->next++) {
        const intptr_t offset = down + (int64_t)t * right;
        b->next->b_row = (row * op->reduction.taps + t) * op->reduction.channels;
        for (int i = 0; i < HEW_MAX_MR; i++)
            b->next->a[i] = (const char *)(b->base[i] + offset);
    }
}

/* The steps of taps [t0, t1) of a kernel row; none where the row lies outside for all pixels. */
static void add_row(tile_builder *b, size_t row, size_t t0, size_t t1, bool merged)
{
    const hew_conv *op = b->rows->op;
    const hew_conv_desc *d = &op->d;
    const int64_t kd = d->kernel[0] == 1 ? 0 : (int64_t)row / d->kernel[1];
    const int64_t kh = (int64_t)row - kd * d->kernel[1];
    const int64_t down =
        (kd * d->dilation[0] * d->in[1] + kh * d->dilation[1]) * d->in[2] * pixel_bytes(op);
    if (b->inner) {
        add_inner_row(b, row, t0, t1, merged, down);
        return;
    }
    const char *start[HEW_MAX_MR]; /* null: outside */
    bool any = b->rows->all_taps;
    for (int i = 0; i < b->m; i++) {
        const int64_t *at = b->pixels[i].at;
        const bool in = inside(at[0], kd, d->dilation[0], d->in[0]) &&
                        inside(at[1], kh, d->dilation[1], d->in[1]);
        start[i] = in ? moved(b->pixels[i].base, down) : NULL;
        any |= in;
    }
    if (!any)
        return;
    for (size_t t = t0; t < t1; t += merged ? t1 - t0 : 1) {
        const int64_t across = (int64_t)t * d->dilation[2] * pixel_bytes(op);
        hew_reduce_step *s = b->next;
        any = b->rows->all_taps;
        for (int i = 0; i < b->m; i++) {
            const bool in = start[i] && (b->inner_row || merged ||
                                         ((int64_t)t >= b->taps[i].begin &&
                                          (int64_t)t < b->taps[i].end));
            s->a[i] = in ? moved(start[i], across) : b->rows->pad;
            if (in && merged && !b->inner_row &&
                b->taps[i].end - b->taps[i].begin < d->kernel[2])
                s->a[i] = patched(b, i, start[i]);
            any |= in;
        }
        s->b_row = (row * op->reduction.taps + t) * op->reduction.channels;
        if (any)
            b->next++;
    }
}

/* The usual case: m pixels of one row, with every tap inside.  Else nothing is done. */
static bool take_inner_pixels(tile_builder *b, int m)
{
    const hew_conv *op = b->rows->op;
    walk *w = &b->walk;
    const int64_t first = w->next.at[2], end = first + m * op->d.stride[2];
    if (!w->inner_row || w->out[2] + m > op->out[2] || (uint64_t)first >= w->inside ||
        (uint64_t)(end - op->d.stride[2]) >= w->inside)
        return false;
    for (int i = 0; i < HEW_MAX_MR; i++)
        b->base[i] = (intptr_t)w->next.base + i * w->right;
    w->next.base = moved(w->next.base, m * w->right);
    w->next.at[2] = end;
    w->out[2] += m;
    if (w->out[2] == op->out[2])
        next_row(w, op);
    b->inner = b->inner_row = true;
    return true;
}

/* Whether they are those of the usual case. */
static bool look_at_pixels(tile_builder *b, int m)
{
    const hew_conv_desc *d = &b->rows->op->d;
    b->m = m;
    if (take_inner_pixels(b, m))
        return true;
    b->inner = b->inner_row = true;
    for (int i = 0; i < m; i++) {
        const bool rows_inside = b->walk.inner_row;
        b->pixels[i] = walk_on(&b->walk, b->rows->op);
        b->base[i] = (intptr_t)b->pixels[i].base;
        const bool taps_inside = (uint64_t)b->pixels[i].at[2] < b->walk.inside;
        b->taps[i] = (hew_range){0, d->kernel[2]};
        if (HEW_UNLIKELY(!taps_inside))
            b->taps[i] = hew_taps_inside(b->pixels[i].at[2], d->kernel[2], d->dilation[2],
                                         d->in[2]);
        b->inner_row &= taps_inside;
        b->inner &= taps_inside && rows_inside;
    }
    return false;
}

/* The same of pixels below one another in column x, which all have the taps `all` inside. */
static void look_at_column(tile_builder *b, int m, size_t x)
{
    const hew_conv *op = b->rows->op;
    const size_t width = (size_t)op->out[2];
    b->m = m;
    b->inner = b->inner_row = true;
    for (int i = 0; i < m; i++) {
        b->inner &= b->walk.inner_row;
        b->pixels[i] = b->walk.next;
        b->base[i] = (intptr_t)b->pixels[i].base;
        walk_over(&b->walk, op, width - x);
        if (x > 0)
            walk_over(&b->walk, op, x);
    }
    for (int i = m; i < HEW_MAX_MR; i++)
        b->base[i] = b->base[0];
}

/* The steps of one tile, and where each part of the reduction begins among them. */
static void add_steps(tile_builder *b, const hew_reduce_step *start, bool merged)
{
    const hew_reduction *r = &b->rows->op->reduction;
    const size_t begin = straddling(b->rows->op) ? 0 : (size_t)b->all.begin;
    const size_t end = straddling(b->rows->op) ? r->taps : (size_t)b->all.end;
    for (size_t r0 = 0; r0 < r->rows; r0 += r->block_rows)
        for (size_t t0 = 0; t0 < r->taps; t0 += r->block_taps) {
            const size_t t1 = hew_min(hew_min(t0 + r->block_taps, r->taps), end);
            *b->first++ = (uint32_t)(b->next - start);
            for (size_t row = r0; row < hew_min(r0 + r->block_rows, r->rows); row++)
                add_row(b, row, hew_max(t0, begin), t1, merged);
        }
    *b->first++ = (uint32_t)(b->next - start);
}

/* A tile of the pixels that were looked at. */
static void add_tile(tile_builder *b, hew_tile *tile, size_t row, size_t step)
{
    const hew_conv *op = b->rows->op;
    const hew_reduce_step *start = b->next;
    const uint32_t *first = b->first;
    /* Zeros take part in a merged row, which is right for finite weights alone. */
    const bool merged = op->merge_taps && (b->inner || (b->rows->height > 1 &&
                                                        (b->inner_row || op->patch_bytes)));
    const size_t taps = merged ? (size_t)(b->all.end - b->all.begin) : 1;
    add_steps(b, start, merged);
    *tile = (hew_tile){row, step, b->slot, b->m, taps * op->group_in, start, first};
    b->slot += (size_t)b->m;
}

/* The usual tile's steps are those of another such tile, moved. */
static void move_steps(tile_builder *b)
{
    const size_t parts = hew_parts(&b->rows->op->reduction);
    const hew_reduce_step *from = b->model->steps;
    const hew_reduce_step *const end = from + b->model->first[parts] - b->model->first[0];
    const intptr_t by = b->base[0] - b->model_base;
    for (; from < end; from++, b->next++) {
        b->next->b_row = from->b_row;
        for (int i = 0; i < HEW_MAX_MR; i++)
            b->next->a[i] = moved(from->a[i], by);
    }
}

/* One tap under every pixel, no padding, no stride: output pixel i lies over input pixel i. */
static void linear_tiles(const hew_conv_rows *rows, size_t count, hew_tile *tiles,
                         hew_reduce_step *steps)
{
    const size_t n = rows->end - rows->begin, stride = (size_t)pixel_bytes(rows->op);
    const char *in = rows->in + rows->begin * stride;
    for (size_t i = 0; i < count; i++, steps++) {
        const size_t row = hew_cut(n, count, i), end = hew_cut(n, count, i + 1);
        steps->b_row = 0;
        for (size_t r = row; r < end; r++, in += stride)
            steps->a[r - row] = in;
        tiles[i] = (hew_tile){row, 1, row, (int)(end - row), rows->op->group_in, steps, one_step};
    }
}

/* Each pixel's window, copied, is one row of one step. */
static void window_tiles(const hew_conv_rows *rows, size_t count, hew_tile *tiles,
                         hew_reduce_step *steps, char *patches)
{
    const size_t n = rows->end - rows->begin, stride = rows->op->window;
    hew_conv_windows(rows, patches);
    for (size_t i = 0; i < count; i++, steps++) {
        const size_t row = hew_cut(n, count, i), end = hew_cut(n, count, i + 1);
        steps->b_row = 0;
        for (size_t r = row; r < end; r++)
            steps->a[r - row] = patches + r * stride;
        tiles[i] = (hew_tile){row, 1, row, (int)(end - row), stride, steps, one_step};
    }
}

/* Tiles of pixels [begin, end) of image rows `unit` wide, from row to row. */
static hew_tile *add_rows(tile_builder *b, hew_tile *tile, size_t unit, size_t begin, size_t end)
{
    const hew_conv_rows *rows = b->rows;
    const size_t n = rows->end - rows->begin, width = end - begin;
    const size_t cuts = hew_ceil_div(width, (size_t)rows->height);
    b->all = (hew_range){0, rows->op->d.kernel[2]};
    b->walk = walk_from(rows, rows->begin);
    for (size_t row = 0; row < n; row += unit) {
        if (begin > 0)
            walk_over(&b->walk, rows->op, begin);
        for (size_t i = 0; i < cuts; i++, tile++) {
            const size_t at = hew_cut(width, cuts, i);
            const bool usual = look_at_pixels(b, (int)(hew_cut(width, cuts, i + 1) - at));
            if (usual && b->model) {
                *tile = (hew_tile){row + begin + at, 1,       b->slot,
                                   b->m,             b->model->k, b->next, b->model->first};
                b->slot += (size_t)b->m;
                move_steps(b);
                continue;
            }
            add_tile(b, tile, row + begin + at, 1);
            if (usual) {
                b->model = tile;
                b->model_base = b->base[0];
            }
        }
        if (end < unit)
            walk_over(&b->walk, rows->op, unit - end);
    }
    return tile;
}

/* Tiles of column x, whose pixels have the taps `all` inside. */
static hew_tile *add_column(tile_builder *b, hew_tile *tile, size_t x, hew_range all)
{
    const hew_conv_rows *rows = b->rows;
    const size_t unit = rows->op->unit, n = (rows->end - rows->begin) / unit;
    const size_t cuts = hew_ceil_div(n, (size_t)rows->height);
    b->all = all;
    b->walk = walk_from(rows, rows->begin + x);
    for (size_t i = 0; i < cuts; i++, tile++) {
        const size_t at = hew_cut(n, cuts, i);
        look_at_column(b, (int)(hew_cut(n, cuts, i + 1) - at), x);
        add_tile(b, tile, at * unit + x, unit);
    }
    return tile;
}

/* Which taps lie inside in a column of output pixels. */
static hew_range taps_in_column(const hew_conv *op, int64_t x)
{
    const hew_conv_desc *d = &op->d;
    return hew_taps_inside(x * d->stride[2] - d->pad_lo[2], d->kernel[2], d->dilation[2], d->in[2]);
}

/* Whether the first or last column lacks taps, and can be tiles of its own that leave those out. */
static bool lacks_taps(const hew_conv_rows *rows, int64_t x, int64_t next)
{
    const hew_conv *op = rows->op;
    const hew_range here = taps_in_column(op, x), there = taps_in_column(op, next);
    const int64_t taps = op->d.kernel[2];
    return op->unit >= LOW_TILE + 2 && (rows->end - rows->begin) / op->unit >= LOW_TILE &&
           !rows->all_taps && !straddling(op) && there.end - there.begin == taps &&
           here.end > here.begin && here.end - here.begin < taps;
}

size_t hew_conv_tiles(const hew_conv_rows *rows, hew_tile *tiles, hew_reduce_step *steps,
                      uint32_t *first, char *patches)
{
    const hew_conv *op = rows->op;
    const size_t n = rows->end - rows->begin, count = hew_ceil_div(n, (size_t)rows->height);
    if (op->linear) {
        linear_tiles(rows, count, tiles, steps);
        return count;
    }
    if (op->window) {
        window_tiles(rows, count, tiles, steps, patches);
        return count;
    }
    tile_builder b = {.rows = rows, .next = steps, .patch = patches, .first = first};
    if (op->unit == 1)
        return (size_t)(add_rows(&b, tiles, n, 0, n) - tiles);
    const size_t width = op->unit, last = width - 1;
    const bool left = lacks_taps(rows, 0, 1);
    const bool right = lacks_taps(rows, (int64_t)last, (int64_t)last - 1);
    hew_tile *tile = add_rows(&b, tiles, width, left, width - right);
    if (left)
        tile = add_column(&b, tile, 0, taps_in_column(op, 0));
    if (right)
        tile = add_column(&b, tile, last, taps_in_column(op, (int64_t)last));
    return (size_t)(tile - tiles);
}
