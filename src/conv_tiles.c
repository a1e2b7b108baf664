/*
 * conv_tiles.c - the input rows that a block of output pixels sums over, as steps of a reduction.
 *
 * An output pixel's sum has a step for each tap: the row of channels of the input pixel under it.
 * So a tile of m pixels and t taps is t steps of m row pointers; nothing is copied.  A tap outside
 * the input points to a row of zeros if others of the tile's pixels need it, and is left out if
 * none does.  Where the taps of a kernel row lie side by side in memory, they are one longer step:
 * a first layer of 3 channels and 7 x 7 taps has 7 steps of 21 products, not 49 of 3.
 */
#include "conv.h"

typedef struct pixel {
    int64_t at[3];     /* of tap 0; may lie outside */
    const float *base; /* where tap 0 lies, or would lie */
} pixel;

HEW_INLINE const float *moved(const float *p, int64_t floats)
{
    return (const float *)((intptr_t)p + floats * (int64_t)sizeof(float));
}

/* Output pixels one after the other, with no division; what holds for a row is found out once. */
typedef struct walk {
    int64_t out[3]; /* the next one's coordinates */
    pixel next;
    int64_t right, down, in, member; /* floats that `base` moves at a step of each rank */
    uint64_t inside;                 /* at[2] below this have every tap of a row inside */
    bool inner_row;                  /* every tap of depth and height is inside */
} walk;

HEW_INLINE bool all_inside(const hew_conv_desc *d, int rank, int64_t at)
{
    return at >= 0 && at + (d->kernel[rank] - 1) * d->dilation[rank] < d->in[rank];
}

static void start_row(walk *w, const hew_conv_desc *d)
{
    w->out[2] = 0;
    w->next.at[2] = -d->pad_lo[2];
    w->inner_row = all_inside(d, 0, w->next.at[0]) && all_inside(d, 1, w->next.at[1]);
}

static walk walk_from(const hew_conv_rows *r, size_t index)
{
    const hew_conv_desc *d = &r->op->d;
    const int64_t *out = r->op->out, row = d->in[2] * d->in_stride, plane = d->in[1] * row;
    const int64_t reach = (d->kernel[2] - 1) * d->dilation[2];
    walk w = {.right = d->stride[2] * d->in_stride};
    w.down = d->stride[1] * row - out[2] * w.right;
    w.in = d->stride[0] * plane - out[1] * d->stride[1] * row;
    w.member = d->in[0] * plane - out[0] * d->stride[0] * plane;
    w.inside = reach < d->in[2] ? (uint64_t)(d->in[2] - reach) : 0;
    size_t rest = index;
    for (int i = 2; i >= 0; i--) {
        w.out[i] = (int64_t)(rest % (size_t)out[i]);
        w.next.at[i] = w.out[i] * d->stride[i] - d->pad_lo[i];
        rest /= (size_t)out[i];
    }
    const int64_t column = w.out[2];
    start_row(&w, d);
    w.out[2] = column;
    w.next.at[2] += column * d->stride[2];
    w.next.base = moved(r->in, (int64_t)rest * d->in[0] * plane + w.next.at[0] * plane +
                                   w.next.at[1] * row + w.next.at[2] * d->in_stride);
    return w;
}

static void next_row(walk *w, const hew_conv *op)
{
    const hew_conv_desc *d = &op->d;
    w->next.base = moved(w->next.base, w->down);
    w->next.at[1] += d->stride[1];
    if (++w->out[1] == op->out[1]) {
        w->out[1] = 0;
        w->next.at[1] = -d->pad_lo[1];
        w->next.base = moved(w->next.base, w->in);
        w->next.at[0] += d->stride[0];
        if (++w->out[0] == op->out[0]) {
            w->out[0] = 0;
            w->next.at[0] = -d->pad_lo[0];
            w->next.base = moved(w->next.base, w->member);
        }
    }
    start_row(w, d);
}

HEW_INLINE pixel walk_on(walk *w, const hew_conv *op)
{
    const pixel p = w->next;
    w->next.base = moved(w->next.base, w->right);
    w->next.at[2] += op->d.stride[2];
    if (HEW_UNLIKELY(++w->out[2] == op->out[2]))
        next_row(w, op);
    return p;
}

HEW_INLINE bool inside(int64_t at, int64_t tap, int64_t dilation, int64_t extent)
{
    const int64_t x = at + tap * dilation;
    return x >= 0 && x < extent;
}

typedef struct tile_builder {
    const hew_conv_rows *rows;
    walk walk;
    pixel pixels[HEW_MAX_MR];
    int m;
    bool inner, inner_row; /* every tap of every pixel is inside; every tap of a kernel row is */
    hew_reduce_step *next;
} tile_builder;

static void add_step(tile_builder *b, int64_t kd, int64_t kh, int64_t kw)
{
    const hew_conv_desc *d = &b->rows->op->d;
    const int64_t down = (kd * d->dilation[0] * d->in[1] + kh * d->dilation[1]) * d->in[2];
    const int64_t offset = (down + kw * d->dilation[2]) * d->in_stride;
    hew_reduce_step *s = b->next;
    bool any = b->inner;
    if (b->inner)
        for (int i = 0; i < b->m; i++)
            s->a[i] = moved(b->pixels[i].base, offset);
    else
        for (int i = 0; i < b->m; i++) {
            const pixel *p = b->pixels + i;
            const bool in = inside(p->at[0], kd, d->dilation[0], d->in[0]) &&
                            inside(p->at[1], kh, d->dilation[1], d->in[1]) &&
                            inside(p->at[2], kw, d->dilation[2], d->in[2]);
            s->a[i] = in ? moved(p->base, offset) : b->rows->zeros;
            any |= in;
        }
    if (!any)
        return;
    const int64_t tap = (kd * d->kernel[1] + kh) * d->kernel[2] + kw;
    s->b_row = (size_t)tap * b->rows->op->group_in;
    b->next++;
}

/* A whole kernel row as one step: only where it is inside for every pixel of the tile.  Rows of
 * taps above or below the input are left out if they are so for all, else not merged. */
static bool merged_rows(const tile_builder *b)
{
    const hew_conv *op = b->rows->op;
    if (!op->merge_taps || !b->inner_row)
        return false;
    if (b->inner)
        return true;
    for (int i = 1; i < b->m; i++)
        if (b->pixels[i].at[0] != b->pixels[0].at[0] || b->pixels[i].at[1] != b->pixels[0].at[1])
            return false;
    return true;
}

static void look_at_pixels(tile_builder *b, int m)
{
    b->m = m;
    b->inner = b->inner_row = true;
    for (int i = 0; i < m; i++) {
        const bool rows_inside = b->walk.inner_row;
        b->pixels[i] = walk_on(&b->walk, b->rows->op);
        const bool taps_inside = (uint64_t)b->pixels[i].at[2] < b->walk.inside;
        b->inner_row &= taps_inside;
        b->inner &= taps_inside && rows_inside;
    }
}

/* The steps of one tile, and where each part of the reduction begins among them. */
static void add_steps(tile_builder *b, const hew_reduce_step *start, uint32_t *first, bool merged)
{
    const hew_conv_desc *d = &b->rows->op->d;
    const hew_reduction *r = &b->rows->op->reduction;
    const size_t per_step = merged ? r->taps : 1;
    for (size_t r0 = 0; r0 < r->rows; r0 += r->block_rows)
        for (size_t t0 = 0; t0 < r->taps; t0 += r->block_taps) {
            *first++ = (uint32_t)(b->next - start);
            for (size_t row = r0; row < hew_min(r0 + r->block_rows, r->rows); row++)
                for (size_t t = t0; t < hew_min(t0 + r->block_taps, r->taps); t += per_step)
                    add_step(b, (int64_t)row / d->kernel[1], (int64_t)row % d->kernel[1],
                             (int64_t)t);
        }
    *first = (uint32_t)(b->next - start);
}

/* One tap under every pixel, no padding, no stride: output pixel i lies over input pixel i. */
static void linear_tiles(const hew_conv_rows *rows, size_t count, hew_tile *tiles,
                         hew_reduce_step *steps)
{
    static const uint32_t one_step[2] = {0, 1};
    const size_t n = rows->end - rows->begin, stride = (size_t)rows->op->d.in_stride;
    const float *in = rows->in + rows->begin * stride;
    for (size_t i = 0; i < count; i++, steps++) {
        const size_t row = hew_cut(n, count, i), end = hew_cut(n, count, i + 1);
        steps->b_row = 0;
        for (size_t r = row; r < end; r++, in += stride)
            steps->a[r - row] = in;
        tiles[i] = (hew_tile){row, (int)(end - row), rows->op->group_in, steps, one_step};
    }
}

size_t hew_conv_tiles(const hew_conv_rows *rows, hew_tile *tiles, hew_reduce_step *steps,
                      uint32_t *first)
{
    const hew_conv *op = rows->op;
    const size_t n = rows->end - rows->begin, count = hew_ceil_div(n, (size_t)rows->height);
    if (op->linear) {
        linear_tiles(rows, count, tiles, steps);
        return count;
    }
    tile_builder b = {.rows = rows, .walk = walk_from(rows, rows->begin), .next = steps};
    for (size_t i = 0; i < count; i++) {
        const size_t row = hew_cut(n, count, i), end = hew_cut(n, count, i + 1);
        look_at_pixels(&b, (int)(end - row));
        const bool merged = merged_rows(&b);
        const hew_reduce_step *start = b.next;
        add_steps(&b, start, first, merged);
        tiles[i] = (hew_tile){row, b.m, merged ? op->reduction.taps * op->group_in : op->group_in,
                              start, first};
        first += hew_parts(&op->reduction) + 1;
    }
    return count;
}
