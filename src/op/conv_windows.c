/*
 * conv_windows.c - the elements under each output pixel, copied side by side: a convolution is then
 * a product of matrices.  For windows so short that their taps would fill neither words nor tiles.
 */
#include "conv_walk.h"

#include <string.h>

/* n bytes, 1 or more and few, with no call of memcpy: pieces overlap rather than come in sizes. */
HEW_INLINE void copy_few(char *to, const char *from, size_t n)
{
    if (n >= 16) {
        for (size_t i = 0; i + 16 < n; i += 16)
            memcpy(to + i, from + i, 16);
        memcpy(to + n - 16, from + n - 16, 16);
    } else if (n >= 8) {
        memcpy(to, from, 8);
        memcpy(to + n - 8, from + n - 8, 8);
    } else if (n >= 4) {
        memcpy(to, from, 4);
        memcpy(to + n - 4, from + n - 4, 4);
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
    bool together;           /* a row of taps lies in one piece there */
    char pad;
} window;

static window window_of(const hew_conv_rows *rows)
{
    const hew_conv_desc *d = &rows->op->d;
    window w = {.op = rows->op, .tap = rows->op->group_in * rows->op->format.a_size, .pad = 0};
    const int64_t step = pixel_bytes(rows->op), row = d->in[2] * step;
    w.row = (size_t)d->kernel[2] * w.tap;
    w.right = d->dilation[2] * step;
    w.down = d->dilation[1] * row;
    w.in = d->dilation[0] * d->in[1] * row;
    w.together = w.right == (int64_t)w.tap;
    if (rows->op->pad_bytes)
        w.pad = *rows->pad;
    return w;
}

/* The window of a pixel that has every tap inside. */
HEW_INLINE void copy_inner(const window *w, const char *from, char *to)
{
    const int64_t *kernel = w->op->d.kernel;
    for (int64_t z = 0; z < kernel[0]; z++, from = moved(from, w->in)) {
        const char *p = from;
        for (int64_t y = 0; y < kernel[1]; y++, p = moved(p, w->down), to += w->row)
            copy_few(to, p, w->row);
    }
}

/* Any other. */
static void copy_border(const window *w, const pixel *p, char *to)
{
    const hew_conv_desc *d = &w->op->d;
    for (int64_t z = 0; z < d->kernel[0]; z++)
        for (int64_t y = 0; y < d->kernel[1]; y++) {
            const bool in = inside(p->at[0], z, d->dilation[0], d->in[0]) &&
                            inside(p->at[1], y, d->dilation[1], d->in[1]);
            const char *from = moved(p->base, z * w->in + y * w->down);
            for (int64_t x = 0; x < d->kernel[2]; x++, to += w->tap)
                if (in && inside(p->at[2], x, d->dilation[2], d->in[2]))
                    copy_few(to, moved(from, x * w->right), w->tap);
                else
                    memset(to, w->pad, w->tap);
        }
}

void hew_conv_windows(const hew_conv_rows *rows, char *to)
{
    const hew_conv *op = rows->op;
    const window w = window_of(rows);
    const size_t whole = w.row * (size_t)(op->d.kernel[0] * op->d.kernel[1]) / HEW_WORD * HEW_WORD;
    walk at = walk_from(rows, rows->begin);
    for (size_t r = rows->begin; r < rows->end; r++, to += op->window) {
        const bool inner = w.together && at.inner_row && (uint64_t)at.next.at[2] < at.inside;
        const pixel p = walk_on(&at, op);
        for (size_t rest = whole; rest < op->window; rest += HEW_WORD)
            memset(to + rest, 0, HEW_WORD);
        if (HEW_LIKELY(inner))
            copy_inner(&w, p.base, to);
        else
            copy_border(&w, &p, to);
    }
}
