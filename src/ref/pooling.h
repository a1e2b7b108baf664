/*
 * pooling.h - windows, as the definitions of pooling and of its gradient share them.
 */
#ifndef HEW_REF_POOLING_H
#define HEW_REF_POOLING_H

#include "kernels.h"

/* One axis; `fit`: its windows are those of an adaptive pooling. */
typedef struct ref_axis {
    int64_t in, out, kernel, stride, dilation, pad_lo, pad_hi;
    bool fit;
} ref_axis;

/* A descriptor with its defaults filled in; of three axes the first 3 - rank are not in it. */
typedef struct ref_pooling {
    ref_axis axis[3];
    int64_t batch, in_pixels, out_pixels, in_stride, out_stride;
} ref_pooling;
ref_pooling hew_ref_pooling(const hew_pooling_desc *d);

/* Taps of output position o, and where tap t of it lies. */
HEW_INLINE int64_t ref_taps(const ref_axis *a, int64_t o)
{
    return a->fit ? ((o + 1) * a->in + a->out - 1) / a->out - o * a->in / a->out : a->kernel;
}
HEW_INLINE int64_t ref_tap(const ref_axis *a, int64_t o, int64_t t)
{
    return a->fit ? o * a->in / a->out + t : o * a->stride + t * a->dilation - a->pad_lo;
}

/* Where tap t of output pixel o lies. */
typedef struct ref_place {
    bool inside, padded; /* in the input; in the padded input */
    int64_t pixel;
} ref_place;
ref_place hew_ref_tap(const ref_pooling *p, const int64_t o[3], const int64_t t[3]);

#endif
