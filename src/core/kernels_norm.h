/*
 * kernels_norm.h - what kernels of normalisation are given.
 */
#ifndef HEW_KERNELS_NORM_H
#define HEW_KERNELS_NORM_H

#include "core.h"
#include "hew/norm.h"

/* ------------------------------------------------------------------------------- layer_norm --- */

/* hew_layer_norm of some rows.  Strides in bytes; n >= 1; gamma to rstd may be null. */
typedef struct hew_norm_rows {
    hew_layer_norm_kind kind;
    hew_type type;
    size_t rows, n;
    const void *in, *residual; /* residual: or null */
    void *h;                   /* where in + residual goes: sum or out */
    void *out;
    size_t in_stride, residual_stride, h_stride, out_stride;
    const float *gamma, *beta;
    float *mean, *rstd;
    float epsilon;
} hew_norm_rows;
typedef void layer_norm_fn(const hew_norm_rows *rows);
typedef void layer_norm_ref_fn(const hew_layer_norm_desc *desc, const hew_layer_norm_args *args);

/* ---------------------------------------------------------------------- layer_norm_backward --- */

/* Rows of the backward pass, at most HEW_NORM_BLOCK of them.  d_gamma and d_beta get the sums over
 * these rows: a chain each, from +0 in rising row. */
typedef struct hew_norm_rows_back {
    hew_layer_norm_kind kind;
    hew_type type;
    size_t rows, n;
    const void *in, *d_out, *d_sum; /* d_sum: or null */
    void *d_in;
    size_t in_stride, out_stride, residual_stride; /* of in and d_in, d_out, d_sum */
    const float *gamma, *mean, *rstd;
    float *d_gamma, *d_beta;
} hew_norm_rows_back;
enum { HEW_NORM_BLOCK = 64 };
typedef void layer_norm_backward_fn(const hew_norm_rows_back *rows);
typedef void layer_norm_backward_ref_fn(const hew_layer_norm_desc *desc,
                                        const hew_layer_norm_backward_args *args);

#define HEW_KERNELS_LIST "kernels_norm.def"
#include "kernels_declare.h"

#endif
