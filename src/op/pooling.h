/*
 * pooling.h - what a descriptor of pooling means, for both directions.
 */
#ifndef HEW_POOLING_PLAN_H
#define HEW_POOLING_PLAN_H

#include "format.h"

/* One axis with its defaults filled in. */
typedef struct hew_pooling_axis {
    int64_t in, out, kernel, stride, dilation, pad_lo, pad_hi; /* adaptive: the longest kernel */
    int64_t middle, middle_end; /* output positions whose windows are whole and alike */
    bool adaptive;
} hew_pooling_axis;

/* The part of a window that lies inside the input. */
typedef struct hew_pooling_part {
    size_t first, count; /* the first input position, and how many, a dilation apart */
    int64_t padded;      /* positions of the window inside the padded input */
} hew_pooling_part;

typedef struct hew_pooling_plan {
    hew_pooling_kind kind;
    hew_type type;
    size_t size;              /* bytes of an element */
    hew_pooling_axis axis[3]; /* unused ranks lead, with extent 1 */
    int rank;
    size_t batch, channels, in_stride, out_stride;
    int power;                /* of Lp; 0 elsewhere */
    int32_t zero;
} hew_pooling_plan;

/* What a descriptor means, or what is wrong with it. */
hew_status hew_pooling_check(const hew_pooling_desc *d, hew_pooling_plan *p);

/* A tensor's address: null or misaligned ones are refused. */
hew_status hew_pooling_check_data(const char *name, const void *data, size_t alignment);

/* Indices are for maxima of floats, of images whose pixels an int32_t counts. */
hew_status hew_pooling_check_indices(const hew_pooling_plan *p);

/* The window of output position o. */
hew_pooling_part hew_pooling_window(const hew_pooling_axis *a, int64_t o);

HEW_INLINE size_t hew_pooling_in_pixels(const hew_pooling_plan *p)
{
    return (size_t)(p->axis[0].in * p->axis[1].in * p->axis[2].in);
}
HEW_INLINE size_t hew_pooling_out_pixels(const hew_pooling_plan *p)
{
    return (size_t)(p->axis[0].out * p->axis[1].out * p->axis[2].out);
}

#endif
