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
    bool stream; /* out is stored past the cache: its rows begin on cache lines */
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
    bool stream; /* of d_in */
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

/* ------------------------------------------------------ channel_norm, channel_norm_backward --- */

/* Group and batch norm as one: batch norm is one image whose groups are channels. */
typedef struct hew_channel_norm {
    const char *name;
    hew_type type;
    size_t images, pixels, channels, groups;
    size_t in_stride, out_stride, residual_stride; /* bytes */
    float epsilon, momentum;
    bool relu, unbiased;
    bool frozen; /* the statistics are running_mean and running_variance */
    const void *in, *residual;
    void *out;
    const float *gamma, *beta;
    float *mean, *rstd; /* [images][groups] */
    float *running_mean, *running_variance;
    /* Backward only; `out` is read there. */
    const void *d_out;
    void *d_in, *d_residual;
    float *d_gamma, *d_beta;
} hew_channel_norm;
typedef void channel_norm_ref_fn(const hew_channel_norm *norm);
typedef channel_norm_ref_fn channel_norm_backward_ref_fn;

/*
 * Sums over the pixels of a part, at most HEW_NORM_PART of them, for n channels.  They are taken
 * in blocks of HEW_NORM_ROWS, the last one shorter.  A block's sum is that of four chains from +0,
 * pixel i in chain i % 4: (0 + 1) + (2 + 3).
 *
 * channel_norm: a is the mean, b the sum of squared distances from it.
 *
 *     block      mean_b = sum / rows      m2_b = sum of fma(d, d), d = x - mean_b
 *     first      mean = mean_b, m2 = m2_b
 *     further    delta = mean_b - mean    w = rows_b / rows with it
 *                mean = fma(delta, w, mean)
 *                m2 = fma(delta * delta, rows before * w, m2 + m2_b)
 *
 * channel_norm_backward: with g = d_out, or +0 where there is an `out` and it isn't over 0,
 *
 *     a = sum of g      b = sum of fma(g, x - mean)      blocks added in order
 */
enum { HEW_NORM_PART = 512, HEW_NORM_ROWS = 16 };
typedef struct hew_norm_part {
    hew_type type;
    bool cached; /* all of it is in the cache */
    size_t rows, n;
    const void *in, *d_out, *out;
    size_t in_stride, out_stride; /* bytes */
    const float *mean;            /* backward: of each channel */
    float *a, *b;
} hew_norm_part;
typedef void channel_norm_fn(const hew_norm_part *part);
typedef channel_norm_fn channel_norm_backward_fn;

/*
 * channel_norm_sums, over the parts of an image, k rising, rows_k pixels each; of n channels:
 *
 *     mean null    sum = (sum of rows_k * mean_k) / count
 *     otherwise    sum = (sum of m2_k + rows_k * (mean_k - mean)^2) / count
 *
 * Part k has mean_k at part + 2 * k * step and m2_k a step later.  `mean` and `sum` have room for n
 * rounded up to 16.
 */
typedef struct hew_norm_sums {
    size_t n, pixels, step;
    const float *part;
    const double *mean;
    double count;
    double *sum;
} hew_norm_sums;
typedef void channel_norm_sums_fn(const hew_norm_sums *sums);

/*
 * channel_norm_lines, for n channels or groups: rstd = 1 / sqrt(variance + epsilon); rstd and mean
 * become floats; scale = rstd * gamma.  exact_mean null: mean and variance are the running ones.
 * Otherwise these, which may be null, move by `momentum` to mean and variance * bias / unbias.
 */
typedef struct hew_norm_lines {
    size_t n;
    const double *exact_mean, *variance; /* room for n rounded up to 16 */
    double epsilon, momentum, bias, unbias;
    float *running_mean, *running_variance;
    const float *gamma;        /* null: 1 */
    float *mean, *rstd, *scale;
} hew_norm_lines;
typedef void channel_norm_lines_fn(const hew_norm_lines *lines);

/*
 * channel_norm_apply, for all pixels and channels of a part:
 *
 *     out = fma(in - mean, scale, shift) + residual, and relu
 *
 * channel_norm_backward_apply: with g as above, which goes to d_residual too,
 *
 *     d_in = fma(g, scale, fma(in - mean, slope, shift))     in null: g * scale
 */
typedef struct hew_norm_apply {
    hew_type type;
    bool relu;
    bool stream; /* as hew_norm_rows has it; f32 only */
    size_t rows, n;
    const void *in, *residual; /* residual: or null */
    void *out;
    size_t in_stride, residual_stride, out_stride; /* bytes */
    const float *mean, *scale, *shift;             /* of each channel */
} hew_norm_apply;
typedef struct hew_norm_apply_back {
    hew_type type;
    bool stream, cached; /* of d_in; all of it */
    size_t rows, n;
    const void *in, *d_out, *out; /* in and out: or null */
    void *d_in, *d_residual;      /* d_residual: or null */
    size_t in_stride, residual_stride, out_stride; /* of the tensors and their gradients */
    const float *mean, *scale, *shift, *slope;
} hew_norm_apply_back;
typedef void channel_norm_apply_fn(const hew_norm_apply *part);
typedef void channel_norm_backward_apply_fn(const hew_norm_apply_back *part);

/* ------------------------------------------------------------------------ lrn, lrn_backward --- */

/*
 * Pixels of a local response normalisation.  The window of a pixel's channel c is channels c - lo
 * to c + hi of `window`, those that there are, or, with a box, channel c of each of its pixels.
 *
 * lrn: the sum over the window is a chain of additions of v * v from +0 in rising order, and
 *
 *     s = fma(sum, factor, k)      p = s^-beta      out = in * p
 *
 * lrn_backward: the same with, in place of out,
 *
 *     terms = (d_out * in) * (p / s)      rest = d_out * p
 *
 * and then, `window` being the terms of the first pass and the sum a chain of additions from +0,
 *
 *     out = fma(in * factor, sum, rest)
 */
typedef struct hew_lrn_part {
    hew_type type;
    bool gradient;     /* lrn_backward's second pass */
    size_t pixels, n;  /* with a box: one pixel */
    size_t lo, hi;     /* 0 with a box; less than HEW_LRN_MOST */
    size_t box[3];     /* pixels, outermost first; {0}: none */
    size_t box_step[3];
    const void *window, *in, *d_out;
    void *out;
    size_t window_step, in_step, out_step; /* bytes between pixels; out_step: of d_out or out */
    float *terms, *rest;
    size_t terms_step;
    float factor, k, beta;
} hew_lrn_part;
enum { HEW_LRN_MOST = 256 };
typedef void lrn_fn(const hew_lrn_part *part);
typedef lrn_fn lrn_backward_fn;
typedef void lrn_ref_fn(const hew_lrn_desc *desc, const void *in, void *out);
typedef void lrn_backward_ref_fn(const hew_lrn_desc *desc, const void *in, const void *d_out,
                                 void *d_in);

#define HEW_KERNELS_LIST "kernels_norm.def"
#include "kernels_declare.h"

#endif
