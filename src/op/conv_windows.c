/*
 * conv_windows.c - the elements under each output pixel, copied side by side: a convolution is then
 * a product of matrices.  For windows so short that their taps would fill neither words nor tiles.
 */
#include "conv_walk.h"

#include <string.h>

/* n bytes, piece <= n <= 2 piece, as two that overlap. */
HEW_INLINE void copy_two(const size_t piece, char *to, const char *from, size_t n)
{
    memcpy(to, from, piece);
    memcpy(to + n - piece, from + n - piece, piece);
}

/* n bytes, 1 or more and few, with no call of memcpy. */
static void copy_few(char *to, const char *from, size_t n)
{
    for (; n > 32; n -= 16, to += 16, from += 16)
        memcpy(to, from, 16);
    if (n >= 16) {
        copy_two(16, to, from, n);
    } else if (n >= 8) {
        copy_two(8, to, from, n);
    } else if (n >= 4) {
        copy_two(4, to, from, n);
    } else {
        to[0] = from[0];
        to[n / 2] = from[n / 2];
        to[n - 1] = from[n - 1];
    }
}

/* What the copies of one run's windows have in common; bytes. */
typedef struct window {
    const hew_conv *op;
    size_t tap, row;         /* in the copy */
    int64_t right, down, in; /* in the input, from tap to tap */
    size_t whole;            /* bytes of whole words that elements fill */
    bool together;           /* a row of taps lies in one piece there */
    char pad;
} window;

static window window_of(const hew_conv_rows *rows)
{
    const hew_conv_desc *d = &rows->op->d;
    window w = {.op = rows->op, .tap = rows->op->group_in * rows->op->format.a_size, .pad = 0};
    const int64_t step = pixel_bytes(rows->op), row = d->in[2] * step;
    w.row = (size_t)d->kernel[2] * w.tap;
    w.whole = w.row * (size_t)(d->kernel[0] * d->kernel[1]) / HEW_WORD * HEW_WORD;
    w.right = d->dilation[2] * step;
    w.down = d->dilation[1] * row;
    w.in = d->dilation[0] * d->in[1] * row;
    w.together = w.right == (int64_t)w.tap;
    if (rows->op->pad_bytes)
        w.pad = *rows->pad;
    return w;
}

/* Zeros behind the last element, before those that they may overlap with are written. */
HEW_INLINE void clear_rest(const window *w, char *to)
{
    size_t end = w->op->window;
    for (; end > w->whole && end >= 16; end -= 16)
        memset(to + end - 16, 0, 16);
    for (; end > w->whole; end -= HEW_WORD)
        memset(to + end - HEW_WORD, 0, HEW_WORD);
}

/* The windows of n pixels, `step` bytes apart, that have every tap inside.  piece: of copy_two for
 * a row of taps, or 0. */
HEW_INLINE void copy_inner_by(const size_t piece, const window *w, const char *from, size_t n,
                              int64_t step, char *to)
{
    /* Not read again after each store of bytes, which might be to them. */
    const int64_t depth = w->op->d.kernel[0], height = w->op->d.kernel[1], down = w->down;
    const size_t row = w->row, size = w->op->window;
    for (; n > 0; n--, from = moved(from, step), to += size) {
        const char *plane = from;
        char *out = to;
        clear_rest(w, to);
        for (int64_t z = 0; z < depth; z++, plane = moved(plane, w->in)) {
            const char *p = plane;
            for (int64_t y = 0; y < height; y++, p = moved(p, down), out += row)
                piece ? copy_two(piece, out, p, row) : copy_few(out, p, row);
        }
    }
}

static void copy_inner(const window *w, const char *from, size_t n, int64_t step, char *to)
{
    if (w->row >= 16 && w->row <= 32)
        copy_inner_by(16, w, from, n, step, to);
    else if (w->row >= 8 && w->row <= 16)
        copy_inner_by(8, w, from, n, step, to);
    else
        copy_inner_by(0, w, from, n, step, to);
}

/* Any other. */
static void copy_border(const window *w, const pixel *p, char *to)
{
    const hew_conv_desc *d = &w->op->d;
    const hew_range r = hew_taps_inside(p->at[2], d->kernel[2], d->dilation[2], d->in[2]);
    const size_t begin = (size_t)r.begin * w->tap, end = (size_t)r.end * w->tap;
    for (int64_t z = 0; z < d->kernel[0]; z++)
        for (int64_t y = 0; y < d->kernel[1]; y++, to += w->row) {
            const bool in = begin < end && inside(p->at[0], z, d->dilation[0], d->in[0]) &&
                            inside(p->at[1], y, d->dilation[1], d->in[1]);
            const char *from = moved(p->base, z * w->in + y * w->down);
            memset(to, w->pad, in ? begin : w->row);
            if (!in)
                continue;
            memset(to + end, w->pad, w->row - end);
            if (w->together)
                copy_few(to + begin, moved(from, (int64_t)begin), end - begin);
            for (int64_t x = r.begin; !w->together && x < r.end; x++)
                copy_few(to + (size_t)x * w->tap, moved(from, x * w->right), w->tap);
        }
}

void hew_conv_windows(const hew_conv_rows *rows, char *to)
{
    const hew_conv *op = rows->op;
    const window w = window_of(rows);
    walk at = walk_from(rows, rows->begin);
    for (size_t r = rows->begin, n; r < rows->end; r += n, to += n * op->window) {
        n = w.together ? inner_pixels(&at, op, rows->end - r) : 0;
        if (n > 0) {
            copy_inner(&w, at.next.base, n, at.right, to);
            walk_over(&at, op, n);
            continue;
        }
        const pixel p = walk_on(&at, op);
        clear_rest(&w, to);
        copy_border(&w, &p, to);
        n = 1;
    }
}
