/*
 * hew/softmax.h - softmax and log-softmax, with masks, and their gradients.
 */
#ifndef HEW_API_SOFTMAX_H
#define HEW_API_SOFTMAX_H

#include "base.h"

HEW_BEGIN_C

/* ------------------------------------------------------------------------------ softmax ----- */

/*
 * exp(v - max) / sum, or its logarithm, along an axis; v = scale * x.  ONNX Softmax and LogSoftmax:
 * tensors are [rows][columns][inner], and the axis is the one of columns.  Where a NaN, +inf or
 * nothing but -inf is met, all results along the axis are NaN.
 */
typedef struct hew_softmax_desc {
    size_t size;
    hew_type type;              /* f32, bf16: of all tensors but a mask                           */
    bool log;                   /* log-softmax                                                    */
    int64_t rows, columns;
    int64_t in_stride, out_stride; /* between rows; 0 = columns * inner                           */
    int64_t inner;              /* 0 = 1                                                          */
    float scale;                /* 0 = 1; finite                                                  */
} hew_softmax_desc;
#define HEW_SOFTMAX_DESC(...) ((hew_softmax_desc){.size = sizeof(hew_softmax_desc), __VA_ARGS__})

/* out may be in itself (same stride). */
HEW_API hew_status hew_softmax(const hew_softmax_desc *desc, const void *in, void *out,
                               const hew_threads *threads);

/*
 * What of the scores of an attention counts.  Rows are [batch][heads][queries], the last fastest.
 * A row sees its first columns only, as many as the least of what `causal` and `lengths` say; those
 * behind them aren't read, and their probability is 0 (log: -inf).  So are all of a row that sees
 * none.  `add` hides single columns by -inf; a row without any other is NaN.
 */
typedef struct hew_softmax_mask {
    size_t size;
    int64_t heads, queries;     /* 0 = 1; their product divides rows                              */
    const float *add;           /* v = scale * x + add[column], one rounding; null: no such mask  */
    int64_t add_stride[3];      /* elements between those of the batch, heads, queries; 0: shared */
    bool causal;                /* query q, from 0, sees q + offset + 1 columns                   */
    int64_t offset;             /* keys that come before the first query: those in a cache        */
    const int32_t *lengths;     /* columns seen; below 0 is none, above columns all; null: all    */
    bool row_lengths;           /* lengths[row], not lengths[batch]                               */
} hew_softmax_mask;
#define HEW_SOFTMAX_MASK(...) ((hew_softmax_mask){.size = sizeof(hew_softmax_mask), __VA_ARGS__})

/* hew_softmax under a mask; inner is 1.  `add` and `lengths` must not overlap out. */
HEW_API hew_status hew_softmax_masked(const hew_softmax_desc *desc, const hew_softmax_mask *mask,
                                      const void *in, void *out, const hew_threads *threads);

/*
 * The gradient of in from that of out, and out itself:
 *
 *     softmax       scale * (out * (out_gradient - sum of out * out_gradient))
 *     log-softmax   scale * (out_gradient - exp(out) * sum of out_gradient)
 *
 * out and out_gradient have out_stride, in_gradient has in_stride and may be one of them (same
 * stride).  mask: null, or what the forward pass had, whose `add` isn't read; of columns that it
 * hides nothing is read, and their gradient is 0.  An out above 0 counts as 0 in exp.
 */
HEW_API hew_status hew_softmax_backward(const hew_softmax_desc *desc, const hew_softmax_mask *mask,
                                        const void *out, const void *out_gradient,
                                        void *in_gradient, const hew_threads *threads);

HEW_END_C
#endif
