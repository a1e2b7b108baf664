/*
 * resample.h - a resampling operation: what its creation has decided.
 */
#ifndef HEW_RESAMPLE_H
#define HEW_RESAMPLE_H

#include "kernels.h"

/* One axis: from `in` elements to `out`, of which the o-th is the sum over taps k, start[o] <= k <
 * start[o + 1], of w[k] times the element at[k]. */
typedef struct hew_resample_axis {
    int64_t in, out;
    int32_t *start, *at;
    float *w;
} hew_resample_axis;

/*
 * An output row is made in two steps: the rows that it depends on are blended, then its pixels are
 * sums of the blended row's.
 */
typedef enum hew_resample_way {
    HEW_RESAMPLE_COPY,    /* nearest: pixels are copied */
    HEW_RESAMPLE_TAPS,    /* lanes are channels */
    HEW_RESAMPLE_LOOK     /* of few channels: lanes are elements of a row */
} hew_resample_way;

struct hew_resample {
    hew_type type;
    size_t element;           /* bytes */
    hew_resample_way way;
    size_t batch, channels, in_stride, out_stride; /* strides in bytes */
    hew_resample_axis axis[3];  /* from what a run reads to what it writes; unused ones lead */
    hew_look_block *blocks;
    hew_pick_block *picks;    /* of short pixels that are copied, or null */
    bool picks_two;
    size_t in_row, out_row;   /* floats of a row */
    bool blends_late;         /* two rows, by the kernel of pixels */
    bool converts_in, converts_out; /* to floats without gaps; floats to what is stored */
    size_t ring_bytes, blend_bytes, out_bytes; /* of a worker's scratch */
    size_t worker_bytes, task_rows;
    blend_f32_fn *blend;
    taps_f32_fn *taps;
    look_f32_fn *look;
    pick_fn *pick;
    copy_rows_fn *copy_rows;
    quantize_f32_fn *quantize;
    dequantize_f32_fn *dequantize;
    const char *kernel;
};

/* axis.c: fills `axis` for a descriptor's i-th, or its transpose; NO_MEMORY or OVERFLOW. */
hew_status hew_resample_plan_axis(const hew_resample_desc *d, int i, hew_resample_axis *axis);
void hew_resample_free_axis(hew_resample_axis *axis);

/* blocks.c: tables for the elements of a row of few channels. */
hew_status hew_resample_plan_look(hew_resample *op);
hew_status hew_resample_plan_pick(hew_resample *op);

#endif
