/*
 * hew/resample.h - images of another size.
 */
#ifndef HEW_API_RESAMPLE_H
#define HEW_API_RESAMPLE_H

#include "base.h"

HEW_BEGIN_C

/* ----------------------------------------------------------------------------- resample ----- */

typedef enum hew_resample_kind {
    HEW_RESAMPLE_NEAREST = 0,
    HEW_RESAMPLE_LINEAR = 1  /* 2, 4 or 8 neighbours, in 1-D, 2-D, 3-D                            */
} hew_resample_kind;

/* Where in an axis of n elements the o-th of m others lies; s is the scale, m / n by default. */
typedef enum hew_resample_place {
    HEW_RESAMPLE_HALF_PIXEL = 0,         /* (o + 1/2) / s - 1/2                                   */
    HEW_RESAMPLE_ASYMMETRIC = 1,         /* o / s                                                 */
    HEW_RESAMPLE_ALIGN_CORNERS = 2,      /* o (n - 1) / (m - 1), m as n s; 0 if m = 1             */
    HEW_RESAMPLE_PYTORCH_HALF_PIXEL = 3, /* as HALF_PIXEL; 0 if m = 1                             */
    HEW_RESAMPLE_TF_HALF_PIXEL = 4       /* (o + 1/2) / s                                         */
} hew_resample_place;

/* The element nearest to a place x. */
typedef enum hew_resample_round {
    HEW_RESAMPLE_ROUND_PREFER_FLOOR = 0, /* ceil(x - 1/2)                                         */
    HEW_RESAMPLE_ROUND_PREFER_CEIL = 1,  /* floor(x + 1/2)                                        */
    HEW_RESAMPLE_FLOOR = 2,
    HEW_RESAMPLE_CEIL = 3
} hew_resample_round;

/*
 * ONNX Resize (nearest, linear) and Upsample, oneDNN's resampling: 1-D to 3-D, channels-last.
 * Spatial arrays as in hew_conv_desc.  Images whose channels are first are batch * channels images
 * of one channel.  Places are clamped to the axis; what they are and the order of sums is in
 * docs/numerics.md.  Integers are rounded to nearest, half to even.
 *
 * `backward` gives the gradient of the input: a run's `in` is then the gradient of the output, of
 * its shape and with out_stride, and `out` that of the input.
 */
typedef struct hew_resample_desc {
    size_t size;
    hew_resample_kind kind;
    hew_type type;           /* f32, bf16, f16; forward also s8, u8                               */
    hew_resample_place place;
    hew_resample_round round; /* nearest                                                          */
    bool backward;
    int64_t batch;           /* 0 = 1; -1 = an empty batch                                        */
    int64_t in[3], out[3];   /* rank: of nonzero entries                                          */
    int64_t channels;
    int64_t in_stride, out_stride; /* between pixels; 0 = channels                                */
    double scale[3];         /* 0 = out / in; else positive and finite                            */
} hew_resample_desc;
#define HEW_RESAMPLE_DESC(...) ((hew_resample_desc){.size = sizeof(hew_resample_desc), __VA_ARGS__})

typedef struct hew_resample_args {
    size_t size;
    const void *in;          /* [batch][in...][in_stride]                                         */
    void *out;               /* [batch][out...][out_stride]; must not overlap in                  */
    void *scratch;           /* hew_resample_scratch_size(op, threads->count) bytes               */
    const hew_threads *threads;
} hew_resample_args;
#define HEW_RESAMPLE_ARGS(...) ((hew_resample_args){.size = sizeof(hew_resample_args), __VA_ARGS__})

typedef struct hew_resample hew_resample;
HEW_API hew_status hew_resample_create(hew_resample **op, const hew_resample_desc *desc);
HEW_API void hew_resample_destroy(hew_resample *op); /* null is fine */

/* Bytes of scratch that a run with `threads` threads needs; may be 0. */
HEW_API size_t hew_resample_scratch_size(const hew_resample *op, size_t threads);

HEW_API hew_status hew_resample_run(const hew_resample *op, const hew_resample_args *args);

/* The kernel that does the inner work.  Static. */
HEW_API const char *hew_resample_kernel(const hew_resample *op);

HEW_END_C
#endif
