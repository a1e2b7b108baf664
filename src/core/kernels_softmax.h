/*
 * kernels_softmax.h - what kernels of softmax are given.
 */
#ifndef HEW_KERNELS_SOFTMAX_H
#define HEW_KERNELS_SOFTMAX_H

#include "core.h"
#include "hew/softmax.h"

/* -------------------------------------------------------------- softmax_f32, softmax_bf16 ---- */

/* Rows of `columns` elements, of which the first `visible` count: src/ref/softmax.c.  Strides in
 * elements; out may be in. */
typedef struct hew_softmax_rows {
    hew_type type;
    bool log;
    size_t rows, columns, visible;
    float scale;
    const float *add; /* null: none; one row, for all */
    const void *in;
    size_t in_stride;
    void *out;
    size_t out_stride;
} hew_softmax_rows;
typedef void softmax_f32_fn(const hew_softmax_rows *rows);
typedef softmax_f32_fn softmax_bf16_fn, softmax_f32_ref_fn, softmax_bf16_ref_fn;

/* ---------------------------------------------------------------------------- softmax_axis ---- */

/* `lanes` softmaxes side by side, whose elements are `inner` apart; out may be in. */
typedef struct hew_softmax_axis {
    hew_type type; /* F32, BF16 */
    bool log;
    size_t columns, lanes, inner;
    float scale;
    const void *in;
    void *out;
} hew_softmax_axis;
typedef void softmax_axis_fn(const hew_softmax_axis *axis);
typedef softmax_axis_fn softmax_axis_ref_fn;

/* -------------------------------------------------------- softmax_grad, softmax_axis_grad ---- */

/* The gradients of either.  `in`, the result, may be y or dy. */
typedef struct hew_softmax_grad {
    hew_type type; /* F32, BF16 */
    bool log;
    size_t rows, columns, visible; /* softmax_grad: rows as above */
    size_t lanes, inner;           /* softmax_axis_grad: as above */
    float scale;
    const void *y, *dy;            /* out, and its gradient */
    size_t y_stride;
    void *in;
    size_t in_stride;
} hew_softmax_grad;
typedef void softmax_grad_fn(const hew_softmax_grad *grad);
typedef softmax_grad_fn softmax_grad_ref_fn, softmax_axis_grad_fn, softmax_axis_grad_ref_fn;

#define HEW_KERNELS_LIST "kernels_softmax.def"
#include "kernels_declare.h"

#endif
