/*
 * hew/conv.h - convolution.
 */
#ifndef HEW_API_CONV_H
#define HEW_API_CONV_H

#include "base.h"

HEW_BEGIN_C

/* -------------------------------------------------------------------------- convolution ----- */

/*
 * Forward convolution (cross-correlation, as in ONNX Conv), 1-D to 3-D:
 *
 *     out[b][o][oc] = act(scale[oc] * sum over taps t and channels c of
 *                         in[b][o * stride + t * dilation - pad_lo][c] * w[oc][c][t]
 *                         + bias[oc] + residual[b][o][oc])
 *
 * Spatial arrays are outermost first: {w}, {h, w} or {d, h, w}; the rank is the number of leading
 * nonzero entries of `kernel`.  Taps that fall into the padding are left out of the sum.
 * groups == in_c is a depthwise convolution, with any multiplier out_c / in_c.
 *
 * Types of input, weights and output are f32 or f16, each of them and the residual: f16 becomes
 * f32, and the output the nearest f16; or bf16, bf16 and f32 | bf16, where denormals count as
 * zeros, in and out; or f32 and f32 with math = HEW_MATH_BF16, which are rounded to bf16 and give
 * the bits of those; or u8 | s8, s8 | u8, and f32, bf16, u8, s8 or s32: quantised tensors as in
 * hew_gemm (QLinearConv, ConvInteger), with in_zero for a_zero and weight_zero for b_zero.
 */
typedef struct hew_conv_desc {
    size_t size;
    int64_t batch;         /* 0 = 1; -1 = an empty batch                                          */
    int64_t in[3];         /* input extents, each >= 1                                            */
    int64_t in_c, out_c;   /* channels in all groups together                                     */
    int64_t groups;        /* 0 = 1; divides both in_c and out_c                                  */
    int64_t kernel[3];     /* taps, each >= 1                                                     */
    int64_t stride[3];     /* 0 = 1                                                               */
    int64_t dilation[3];   /* distance between taps; 0 = 1: dense                                 */
    int64_t pad_lo[3];     /* padding before the first and after the last element                 */
    int64_t pad_hi[3];
    int64_t in_stride;     /* elements from one pixel to the next; 0 = in_c.  More than in_c      */
    int64_t out_stride;    /* addresses a slice of a wider tensor; 0 = out_c                      */
    int64_t residual_stride; /* 0 = out_stride                                                    */
    hew_type in_type, weight_type, out_type; /* f32, or see above                                 */
    hew_type residual_type; /* f32; also u8, s8 where the operands are integers, or bf16          */
    hew_act act;
    hew_math math;         /* HEW_MATH_BF16: see above                                            */
} hew_conv_desc;
#define HEW_CONV_DESC(...) ((hew_conv_desc){.size = sizeof(hew_conv_desc), __VA_ARGS__})

typedef struct hew_conv_args {
    size_t size;
    const void *in;       /* [batch][in...][in_stride]                                            */
    const void *packed;   /* from hew_conv_pack of the same operation                             */
    const float *scale;   /* out_c factors, or null: 1                                            */
    const float *bias;    /* out_c summands, or null: 0.  -0.0 counts as +0.0                     */
    const void *residual; /* [batch][out...][residual_stride], or null.  May be `out` itself      */
    void *out;            /* [batch][out...][out_stride]; must not overlap the inputs             */
    void *scratch;        /* hew_conv_scratch_size(op, threads->count) bytes                      */
    const hew_threads *threads; /* null: the calling thread                                       */
    const int32_t *bias_s32;  /* out_c summands of the integer sum, or null: 0                    */
    const void *weight_zero;  /* out_c zero points of the weights' type, or null: 0               */
    int32_t in_zero, out_zero, residual_zero; /* within the range of the type                     */
    float out_scale, residual_scale;          /* 0 = 1                                            */
} hew_conv_args;
#define HEW_CONV_ARGS(...) ((hew_conv_args){.size = sizeof(hew_conv_args), __VA_ARGS__})

typedef struct hew_conv hew_conv;
HEW_API hew_status hew_conv_create(hew_conv **op, const hew_conv_desc *desc);
HEW_API void hew_conv_destroy(hew_conv *op); /* null is fine */

/* out[i] = (in + pad_lo + pad_hi - dilation * (kernel - 1) - 1) / stride + 1, unused ranks 1. */
HEW_API void hew_conv_out_shape(const hew_conv *op, int64_t out[3]);

HEW_API size_t hew_conv_packed_size(const hew_conv *op); /* bytes */

/* weights: [out_c][in_c / groups][kernel...], dense: OIW, OIHW, OIDHW.  packed: 64-byte aligned.
 * HEW_ERR_NO_MEMORY: they are converted (f16, math), and there is none for a copy meanwhile. */
HEW_API hew_status hew_conv_pack(const hew_conv *op, const void *weights, void *packed);

/* Bytes of scratch that a run with `threads` threads needs; may be 0. */
HEW_API size_t hew_conv_scratch_size(const hew_conv *op, size_t threads);

HEW_API hew_status hew_conv_run(const hew_conv *op, const hew_conv_args *args);
HEW_API const char *hew_conv_kernel(const hew_conv *op); /* static */

HEW_END_C
#endif
