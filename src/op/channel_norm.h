/*
 * channel_norm.h - group and batch norm, once their descriptors have been understood.
 */
#ifndef HEW_CHANNEL_NORM_H
#define HEW_CHANNEL_NORM_H

#include "norm.h"

/* Bytes of scratch for both directions. */
size_t hew_channel_norm_scratch(const hew_channel_norm *norm, size_t threads);

/* For a norm that has images, pixels and channels, and checked arguments. */
hew_status hew_channel_norm_run(const hew_channel_norm *norm, void *scratch,
                                const hew_threads *threads);
hew_status hew_channel_norm_run_backward(const hew_channel_norm *norm, void *scratch,
                                         const hew_threads *threads);

/* A worker's scratch for one image; rows of `channels` elements. */
typedef struct hew_channel_workspace {
    double *sum, *exact;
    float *parts; /* [parts][2][channels] */
    float *mean, *scale, *shift, *slope;
} hew_channel_workspace;

typedef struct hew_channel_job {
    const hew_channel_norm *p;
    channel_norm_fn *part;
    channel_norm_sums_fn *add_parts;
    channel_norm_lines_fn *lines;
    channel_norm_apply_fn *apply;
    channel_norm_backward_apply_fn *apply_back;
    bool backward;
    bool stream, small, cached; /* results are stored past the cache; all of it fits there; what is
                                   applied is there */
    size_t parts;
    size_t part_task, strips, apply_task; /* parts of a task; strips of channels; pixels */
    size_t image;
    char *scratch; /* of the workers */
    float *sums;   /* backward: [images][2][channels] */
    size_t row, each; /* bytes of a row of floats; of a workspace */
} hew_channel_job;

/* channel_finish.c: from the parts' sums to what becomes of an image's channels. */
void hew_channel_finish(const hew_channel_job *j, const hew_channel_workspace *w, size_t image);

/* Backward: what the sums take, and then what the gradients take, with sums[image]. */
void hew_channel_begin_backward(const hew_channel_job *j, const hew_channel_workspace *w,
                                size_t image);
void hew_channel_finish_backward(const hew_channel_job *j, const hew_channel_workspace *w,
                                 size_t image);

#endif
