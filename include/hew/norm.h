/*
 * hew/norm.h - normalisation: layer, RMS, group, instance and batch norm, local response.
 *
 * What they share.  Tensors are channels-last, f32, bf16 or f16; statistics, gamma, beta and their
 * gradients are f32.  All is computed in f32, sums over much in double precision, and rounded to
 * the type at the end.  A variance is the mean of the squared distances from the mean, which is
 * taken first, so that a mean far larger than the spread costs no accuracy.  Strides are in
 * elements, 0 = dense, and a tensor's gradient has the tensor's own.  docs/numerics.md has the
 * order of operations.
 *
 * Tensors must not overlap, but for those that a comment lets be one.  `threads` may be null.
 */
#ifndef HEW_API_NORM_H
#define HEW_API_NORM_H

#include "base.h"

HEW_BEGIN_C

/* -------------------------------------------------------------------- layer and RMS norm ---- */

typedef enum hew_layer_norm_kind {
    HEW_LAYER_NORM = 0, /* ONNX LayerNormalization                                                */
    HEW_RMS_NORM = 1    /* the mean counts as 0: ONNX RMSNormalization                            */
} hew_layer_norm_kind;

/*
 * Each of `rows` rows of `columns` elements, Ba et al., Layer Normalization, 2016; Zhang and
 * Sennrich, Root Mean Square Layer Normalization, 2019:
 *
 *     out = (h - mean) * rstd * gamma + beta         rstd = 1 / sqrt(variance + epsilon)
 *
 * where h is `in`, or in + residual, rounded to the type as a sum of two tensors is.
 */
typedef struct hew_layer_norm_desc {
    size_t size;
    hew_layer_norm_kind kind;
    hew_type type;               /* f32, bf16, f16                                                */
    int64_t rows, columns;
    int64_t in_stride, out_stride; /* between rows                                                */
    int64_t residual_stride;       /* of residual and sum                                         */
    float epsilon;                 /* 0 = 1e-5                                                    */
} hew_layer_norm_desc;
#define HEW_LAYER_NORM_DESC(...)                                                                   \
    ((hew_layer_norm_desc){.size = sizeof(hew_layer_norm_desc), __VA_ARGS__})

typedef struct hew_layer_norm_args {
    size_t size;
    const void *in;
    const void *residual;     /* null: none                                                       */
    const float *gamma, *beta;/* columns of each; null: 1, 0                                      */
    void *out;                /* may be in or residual, with the same stride                      */
    void *sum;                /* null: not wanted.  h; may be in or residual likewise             */
    float *mean, *rstd;       /* null: not wanted.  rows of each; RMS has no mean                 */
    const hew_threads *threads;
} hew_layer_norm_args;
#define HEW_LAYER_NORM_ARGS(...)                                                                   \
    ((hew_layer_norm_args){.size = sizeof(hew_layer_norm_args), __VA_ARGS__})

HEW_API hew_status hew_layer_norm(const hew_layer_norm_desc *desc, const hew_layer_norm_args *args);

/* The gradients; those of in and of residual are one. */
typedef struct hew_layer_norm_backward_args {
    size_t size;
    const void *in;           /* h: in, or the sum                                                */
    const void *d_out;
    const void *d_sum;        /* null: none.  What else comes back to the sum; is added to d_in   */
    const float *gamma;       /* null: 1                                                          */
    const float *mean, *rstd; /* what the forward run gave; RMS has no mean                       */
    void *d_in;               /* may be d_out or d_sum, with the same stride                      */
    float *d_gamma, *d_beta;  /* null: not wanted.  columns of each                               */
    void *scratch;            /* hew_layer_norm_backward_scratch bytes, HEW_ALIGNMENT             */
    const hew_threads *threads;
} hew_layer_norm_backward_args;
#define HEW_LAYER_NORM_BACKWARD_ARGS(...)                                                          \
    ((hew_layer_norm_backward_args){.size = sizeof(hew_layer_norm_backward_args), __VA_ARGS__})

HEW_API hew_status hew_layer_norm_backward_scratch(const hew_layer_norm_desc *desc, size_t *bytes);
HEW_API hew_status hew_layer_norm_backward(const hew_layer_norm_desc *desc,
                                           const hew_layer_norm_backward_args *args);

/* --------------------------------------------------------- group, instance and batch norm ---- */

/*
 * Each channel of an image, with the mean and variance of its group of channels over the image's
 * pixels: Wu and He, Group Normalization, 2018; ONNX GroupNormalization.  With as many groups as
 * channels it is instance norm: Ulyanov et al., 2016; ONNX InstanceNormalization.
 *
 *     out = act((in - mean) * rstd * gamma + beta + residual)
 *     rstd = 1 / sqrt(variance + epsilon)
 */
typedef struct hew_group_norm_desc {
    size_t size;
    hew_type type;               /* f32, bf16, f16                                                */
    int64_t batch;               /* images; 0 = 1; -1 = none                                      */
    int64_t pixels;              /* of an image, all its spatial dimensions together              */
    int64_t channels, groups;    /* groups divides channels; 0 = 1                                */
    int64_t in_stride, out_stride, residual_stride; /* between pixels                             */
    float epsilon;               /* 0 = 1e-5                                                      */
    bool relu;                   /* act                                                           */
} hew_group_norm_desc;
#define HEW_GROUP_NORM_DESC(...)                                                                   \
    ((hew_group_norm_desc){.size = sizeof(hew_group_norm_desc), __VA_ARGS__})

typedef struct hew_group_norm_args {
    size_t size;
    const void *in;
    const void *residual;        /* null: none                                                    */
    const float *gamma, *beta;   /* channels of each; null: 1, 0                                  */
    void *out;                   /* may be in or residual, with the same stride                   */
    float *mean, *rstd;          /* null: not wanted.  [batch][groups]                            */
    void *scratch;               /* hew_group_norm_scratch bytes, HEW_ALIGNMENT                   */
    const hew_threads *threads;
} hew_group_norm_args;
#define HEW_GROUP_NORM_ARGS(...)                                                                   \
    ((hew_group_norm_args){.size = sizeof(hew_group_norm_args), __VA_ARGS__})

/* Bytes for runs with up to `threads` threads, forward and backward; threads: 0 = 1. */
HEW_API hew_status hew_group_norm_scratch(const hew_group_norm_desc *desc, size_t threads,
                                          size_t *bytes);
HEW_API hew_status hew_group_norm(const hew_group_norm_desc *desc, const hew_group_norm_args *args);

/*
 * Each channel, with its mean and variance over all pixels of all images: Ioffe and Szegedy, Batch
 * Normalization, 2015; ONNX BatchNormalization.
 *
 *     out = act((in - mean) * rstd * gamma + beta + residual)
 *     rstd = 1 / sqrt(variance + epsilon)
 *
 * In training these are the batch's own, and what runs keep of them is
 *
 *     running = (1 - momentum) * running + momentum * the batch's
 *
 * momentum is PyTorch's, ONNX's less from 1.  Without training they are the running ones.
 */
typedef struct hew_batch_norm_desc {
    size_t size;
    hew_type type;               /* f32, bf16, f16                                                */
    bool training;
    int64_t pixels;              /* of all images together                                        */
    int64_t channels;
    int64_t in_stride, out_stride, residual_stride; /* between pixels                             */
    float epsilon;               /* 0 = 1e-5                                                      */
    float momentum;              /* over 0, up to 1; 0 = 0.1                                      */
    bool unbiased;               /* the running variance is that of pixels - 1, PyTorch's way     */
    bool relu;                   /* act                                                           */
} hew_batch_norm_desc;
#define HEW_BATCH_NORM_DESC(...)                                                                   \
    ((hew_batch_norm_desc){.size = sizeof(hew_batch_norm_desc), __VA_ARGS__})

typedef struct hew_batch_norm_args {
    size_t size;
    const void *in;
    const void *residual;        /* null: none                                                    */
    const float *gamma, *beta;   /* channels of each, as all that follow; null: 1, 0              */
    void *out;                   /* may be in or residual, with the same stride                   */
    float *running_mean;         /* training: updated, null: not wanted; else only read           */
    float *running_variance;     /* likewise                                                      */
    float *mean, *rstd;          /* what was used, for the backward run; null: not wanted         */
    void *scratch;               /* hew_batch_norm_scratch bytes, HEW_ALIGNMENT                   */
    const hew_threads *threads;
} hew_batch_norm_args;
#define HEW_BATCH_NORM_ARGS(...)                                                                   \
    ((hew_batch_norm_args){.size = sizeof(hew_batch_norm_args), __VA_ARGS__})

/* Bytes for runs with up to `threads` threads, forward and backward; threads: 0 = 1. */
HEW_API hew_status hew_batch_norm_scratch(const hew_batch_norm_desc *desc, size_t threads,
                                          size_t *bytes);
HEW_API hew_status hew_batch_norm(const hew_batch_norm_desc *desc, const hew_batch_norm_args *args);

/*
 * The gradients of both.  With relu, those of pixels whose `out` isn't over 0 don't pass.  Batch
 * norm that isn't in training is frozen: its mean and rstd are constants.
 */
typedef struct hew_norm_backward_args {
    size_t size;
    const void *in;              /* null: frozen batch norm, neither d_gamma nor d_beta           */
    const void *out;             /* what the forward run gave; null without relu                  */
    const void *d_out;
    const float *gamma;          /* null: 1                                                       */
    const float *mean, *rstd;    /* what the forward run gave                                     */
    void *d_in;                  /* may be d_out, with the same stride                            */
    void *d_residual;            /* null: not wanted.  May be d_out if d_in isn't                 */
    float *d_gamma, *d_beta;     /* null: not wanted                                              */
    void *scratch;
    const hew_threads *threads;
} hew_norm_backward_args;
#define HEW_NORM_BACKWARD_ARGS(...)                                                                \
    ((hew_norm_backward_args){.size = sizeof(hew_norm_backward_args), __VA_ARGS__})

HEW_API hew_status hew_group_norm_backward(const hew_group_norm_desc *desc,
                                           const hew_norm_backward_args *args);
HEW_API hew_status hew_batch_norm_backward(const hew_batch_norm_desc *desc,
                                           const hew_norm_backward_args *args);

/* ---------------------------------------------------------- local response normalisation ---- */

typedef enum hew_lrn_kind {
    HEW_LRN_ACROSS = 0, /* the window is channels: ONNX LRN                                       */
    HEW_LRN_WITHIN = 1  /* the window is pixels of one channel                                    */
} hew_lrn_kind;

/*
 * Krizhevsky, Sutskever and Hinton, ImageNet Classification, 2012:
 *
 *     out = in / (k + alpha / elements * sum over the window of in^2)^beta
 *
 * The window reaches from (window - 1) / 2 before to window / 2 after a channel or pixel, along one
 * axis or each of `in`'s; `elements` counts all of it, what lies beyond the tensor too, as zeros.
 */
typedef struct hew_lrn_desc {
    size_t size;
    hew_lrn_kind kind;
    hew_type type;               /* f32, bf16, f16                                                */
    int64_t batch;               /* 0 = 1; -1 = none                                              */
    int64_t in[3];               /* spatial extents, outermost first; 0: no such axis             */
    int64_t channels;
    int64_t window;              /* 1 to 256                                                      */
    float alpha;                 /* not negative; 0 = 1e-4                                        */
    float beta;                  /* over 0; 0 = 0.75, which is the fastest                        */
    float k;                     /* at least 2^-126; 0 = 1                                        */
    int64_t in_stride, out_stride; /* between pixels                                              */
} hew_lrn_desc;
#define HEW_LRN_DESC(...) ((hew_lrn_desc){.size = sizeof(hew_lrn_desc), __VA_ARGS__})

/* in and out: [batch][in...][channels]. */
HEW_API hew_status hew_lrn(const hew_lrn_desc *desc, const void *in, void *out,
                           const hew_threads *threads);

/* Bytes of scratch for backward runs with up to `threads` threads; 0 = 1. */
HEW_API hew_status hew_lrn_backward_scratch(const hew_lrn_desc *desc, size_t threads,
                                            size_t *bytes);

/* The gradient of in; d_in may be d_out with the same stride.  scratch: HEW_ALIGNMENT. */
HEW_API hew_status hew_lrn_backward(const hew_lrn_desc *desc, const void *in, const void *d_out,
                                    void *d_in, void *scratch, const hew_threads *threads);

HEW_END_C
#endif
