/*
 * conv_walk.h - output pixels one after the other, and where the input lies under them.
 */
#ifndef HEW_CONV_WALK_H
#define HEW_CONV_WALK_H

#include "conv.h"

typedef struct pixel {
    int64_t at[3];     /* of tap 0; may lie outside */
    const char *base;  /* where tap 0 lies, or would lie */
} pixel;

HEW_INLINE const char *moved(const char *p, int64_t bytes)
{
    return (const char *)((intptr_t)p + bytes);
}

/* Output pixels one after the other, with no division; what holds for a row is found out once. */
typedef struct walk {
    int64_t out[3]; /* the next one's coordinates */
    pixel next;
    int64_t right, down, in, member; /* bytes that `base` moves at a step of each rank */
    uint64_t inside;                 /* at[2] below this have every tap of a row inside */
    bool inner_row;                  /* every tap of depth and height is inside */
} walk;

HEW_INLINE bool all_inside(const hew_conv_desc *d, int rank, int64_t at)
{
    return at >= 0 && at + (d->kernel[rank] - 1) * d->dilation[rank] < d->in[rank];
}

HEW_INLINE void start_row(walk *w, const hew_conv_desc *d)
{
    w->out[2] = 0;
    w->next.at[2] = -d->pad_lo[2];
    w->inner_row = all_inside(d, 0, w->next.at[0]) && all_inside(d, 1, w->next.at[1]);
}

/* From one input pixel to the next. */
HEW_INLINE int64_t pixel_bytes(const hew_conv *op)
{
    return op->d.in_stride * (int64_t)op->format.a_size;
}

static inline walk walk_from(const hew_conv_rows *r, size_t index)
{
    const hew_conv_desc *d = &r->op->d;
    const int64_t *out = r->op->out, step = pixel_bytes(r->op);
    const int64_t row = d->in[2] * step, plane = d->in[1] * row;
    const int64_t reach = (d->kernel[2] - 1) * d->dilation[2];
    walk w = {.right = d->stride[2] * step};
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
                                   w.next.at[1] * row + w.next.at[2] * step);
    return w;
}

static inline void next_row(walk *w, const hew_conv *op)
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

/* Of the next pixels, at most `most`, those of the same row that have every tap inside. */
HEW_INLINE size_t inner_pixels(const walk *w, const hew_conv *op, size_t most)
{
    if (!w->inner_row || (uint64_t)w->next.at[2] >= w->inside)
        return 0;
    const size_t left = (size_t)(op->out[2] - w->out[2]);
    const size_t room = (size_t)(w->inside - 1 - (uint64_t)w->next.at[2]);
    return hew_min(hew_min(left, most), room / (size_t)op->d.stride[2] + 1);
}

/* Over n of them. */
HEW_INLINE void walk_over(walk *w, const hew_conv *op, size_t n)
{
    w->next.base = moved(w->next.base, (int64_t)n * w->right);
    w->next.at[2] += (int64_t)n * op->d.stride[2];
    w->out[2] += (int64_t)n;
    if (w->out[2] == op->out[2])
        next_row(w, op);
}

HEW_INLINE bool inside(int64_t at, int64_t tap, int64_t dilation, int64_t extent)
{
    const int64_t x = at + tap * dilation;
    return x >= 0 && x < extent;
}

#endif
