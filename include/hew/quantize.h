/*
 * hew/quantize.h - quantisation, and the ranges it needs.
 */
#ifndef HEW_API_QUANTIZE_H
#define HEW_API_QUANTIZE_H

#include "base.h"

HEW_BEGIN_C

/* ------------------------------------------------------------------------- quantisation ----- */

/*
 * A quantised tensor holds integers q that stand for (q - zero) * scale.  ONNX QuantizeLinear and
 * DequantizeLinear:
 *
 *     hew_quantize      q = saturate(round(x / scale) + zero)       half to even; NaN gives zero
 *     hew_dequantize    x = (float)(q - zero) * scale               q - zero modulo 2^32
 *     hew_requantize    the one after the other, from one type, scale and zero to others
 *
 * A tensor is seen as [outer][channels][inner], with a scale and a zero for each channel: ONNX's
 * axis is `channels`.  One scale for all of it is channels = 1.
 */
typedef struct hew_quantize_desc {
    size_t size;
    hew_type type;         /* of q: u8 or s8; hew_dequantize also s32                             */
    int64_t outer;         /* 0 = 1; -1 = an empty tensor                                         */
    int64_t channels, inner; /* 0 = 1                                                             */
    int64_t in_stride, out_stride; /* from one `outer` to the next; 0 = channels * inner          */
    const float *scale;    /* `channels` of them, positive and finite                             */
    const void *zero;      /* as many of the tensor's type, or null: 0                            */
} hew_quantize_desc;
#define HEW_QUANTIZE_DESC(...) ((hew_quantize_desc){.size = sizeof(hew_quantize_desc), __VA_ARGS__})

/* in and out must not overlap. */
HEW_API hew_status hew_quantize(const hew_quantize_desc *desc, const float *in, void *out,
                                const hew_threads *threads);
HEW_API hew_status hew_dequantize(const hew_quantize_desc *desc, const void *in, float *out,
                                  const hew_threads *threads);

typedef struct hew_requantize_desc {
    size_t size;
    hew_type in_type;      /* s32, u8 or s8                                                       */
    hew_type out_type;     /* u8 or s8                                                            */
    int64_t outer, channels, inner, in_stride, out_stride; /* as above                            */
    const float *in_scale; /* `channels` of them, positive and finite                             */
    const void *in_zero;   /* as many of in's type, or null: 0                                    */
    float out_scale;       /* one for all: positive and finite                                    */
    int32_t out_zero;      /* within the range of the type                                        */
} hew_requantize_desc;
#define HEW_REQUANTIZE_DESC(...)                                                                   \
    ((hew_requantize_desc){.size = sizeof(hew_requantize_desc), __VA_ARGS__})

/* The same bits as hew_dequantize and hew_quantize give.  in and out must not overlap. */
HEW_API hew_status hew_requantize(const hew_requantize_desc *desc, const void *in, void *out,
                                  const hew_threads *threads);

/*
 * Quantises each row to its own range, as hew_gemm does with a_dynamic: see hew_dynamic for the
 * formulas, and ONNX DynamicQuantizeLinear, which takes its tensor as one row.  NaNs are left out
 * of the range, and become the zero.  A row that has an infinity has an infinite scale.
 */
typedef struct hew_quantize_dynamic_desc {
    size_t size;
    hew_dynamic kind;      /* HEW_DYNAMIC_SYMMETRIC: to s8; HEW_DYNAMIC_ASYMMETRIC: to u8         */
    int64_t rows, columns;
    int64_t in_stride, out_stride; /* between rows; 0 = columns                                   */
} hew_quantize_dynamic_desc;
#define HEW_QUANTIZE_DYNAMIC_DESC(...)                                                             \
    ((hew_quantize_dynamic_desc){.size = sizeof(hew_quantize_dynamic_desc), __VA_ARGS__})

/* scale, zero: `rows` of them; zero may be null for HEW_DYNAMIC_SYMMETRIC.  No overlaps. */
HEW_API hew_status hew_quantize_dynamic(const hew_quantize_dynamic_desc *desc, const float *in,
                                        void *out, float *scale, int32_t *zero,
                                        const hew_threads *threads);

/* -------------------------------------------------------------------------- calibration ----- */

/*
 * The scale and zero of the tensors between a network's operations, from samples of what they hold.
 * An observer is shown batches of a tensor and answers with a range [lo, hi]:
 *
 *     MIN_MAX          the least and the largest element of all
 *     MOVING_AVERAGE   of each batch, averaged: lo = lo + rate * (batch's - lo), from the first on
 *     PERCENTILE       `percentile` per cent of the elements are at most hi, as many at least lo;
 *                      with `symmetric`, so many have a magnitude of at most hi
 *     KL               the ends that change the distribution the least: smallest Kullback-Leibler
 *                      divergence (Migacz, 8-bit Inference with TensorRT, 2017)
 *     MSE              the ends with the smallest mean squared error, of clipping and rounding
 *
 * The last three keep a histogram, and search the edges of its bins.  A range is widened to hold 0.
 * Elements that are NaN or infinite are left out everywhere.
 */
typedef enum hew_observer_kind {
    HEW_OBSERVER_MIN_MAX = 0,
    HEW_OBSERVER_MOVING_AVERAGE = 1,
    HEW_OBSERVER_PERCENTILE = 2,
    HEW_OBSERVER_KL = 3,
    HEW_OBSERVER_MSE = 4
} hew_observer_kind;

typedef struct hew_observer_desc {
    size_t size;
    hew_observer_kind kind;
    hew_type type;         /* u8 or s8: what the tensor is to be                                  */
    bool symmetric;        /* zero is 0 (s8) or 128 (u8), and lo = -hi                            */
    float rate;            /* MOVING_AVERAGE: 0 = 0.01; at most 1                                 */
    float percentile;      /* PERCENTILE: 0 = 99.99; over 50, at most 100                         */
    int64_t bins;          /* of the histogram: a power of two, 1024 .. 2^20; 0 = 8192            */
} hew_observer_desc;
#define HEW_OBSERVER_DESC(...) ((hew_observer_desc){.size = sizeof(hew_observer_desc), __VA_ARGS__})

/* Unlike an operation, an observer changes: it serves one thread at a time. */
typedef struct hew_observer hew_observer;
HEW_API hew_status hew_observer_create(hew_observer **observer, const hew_observer_desc *desc);
HEW_API void hew_observer_destroy(hew_observer *observer); /* null is fine */

/* A batch of n elements.  But for MOVING_AVERAGE, the order of batches makes no difference. */
HEW_API hew_status hew_observer_observe(hew_observer *observer, const float *x, int64_t n);

/* HEW_ERR_INVALID before anything finite was observed.  lo and hi may be null. */
HEW_API hew_status hew_observer_result(const hew_observer *observer, float *scale, int32_t *zero,
                                       float *lo, float *hi);

/*
 * The scale and zero of type u8 or s8 with which [lo, hi], widened to hold 0, is what q stands for:
 *
 *     asymmetric    scale = (hi - lo) / 255        zero = lowest + round(-lo / scale)
 *     symmetric     scale = max(-lo, hi) / 127     zero = 0 (s8) or 128 (u8)
 *
 * lo <= hi, finite, hi - lo too.  A scale below the least normal float becomes 1: all q are zero.
 */
HEW_API hew_status hew_scale_of_range(hew_type type, bool symmetric, float lo, float hi,
                                      float *scale, int32_t *zero);

HEW_END_C
#endif
