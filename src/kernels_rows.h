/*
 * kernels_rows.h - what kernels that go over rows of tensors are given.
 */
#ifndef HEW_KERNELS_ROWS_H
#define HEW_KERNELS_ROWS_H

#include "core.h"

/* ------------------------------------------------------------------------------- act_f32 ---- */

/* x[i][j] = act(x[i][j] + add[i][j]), in place, for rows x n elements.  add may be null.
 * `act` has its defaults filled in (hew_act_defaults).  kind may be NONE. */
typedef struct hew_act_f32_rows {
    hew_act act;
    float *x;
    size_t x_stride; /* bytes */
    const float *add;
    size_t add_stride; /* bytes */
    size_t rows, n;
} hew_act_f32_rows;
typedef void act_f32_fn(const hew_act_f32_rows *rows);
typedef act_f32_fn act_f32_ref_fn;

/* Checks an activation and fills in what zeros stand for.  `op` names the caller in the message. */
hew_status hew_act_defaults(const char *op, hew_act *act);

/* ------------------------------------------------------------------------- quantize_f32 ---- */

/*
 * y[i][j] = saturate(round(v) + zero), half to even whatever MXCSR says, where
 *
 *     v = x[i][j] * inverse
 *     v = x[i][j] / scale          if scale is not 0
 *     v = x[i][j] / scales[j]      if there are scales; and zeros[j] is the zero
 *
 * and a v of NaN gives zero, which is within the type's range.  For BF16: the nearest bf16 of
 * x[i][j], ties to even, whatever MXCSR says; a NaN stays one (quieted, its upper half).
 */
typedef struct hew_quantize_rows {
    const float *x;
    size_t x_stride; /* bytes */
    void *y;
    size_t y_stride;
    hew_type type; /* S8, U8, BF16 */
    float inverse, scale;
    int32_t zero;
    size_t rows, n;
    const float *scales; /* n of them, or null */
    const int32_t *zeros; /* n of them, where there are scales */
} hew_quantize_rows;
typedef void quantize_f32_fn(const hew_quantize_rows *rows);
typedef quantize_f32_fn quantize_f32_ref_fn;

/* ----------------------------------------------------------------------- dequantize_f32 ---- */

/* y[i][j] = (float)(x[i][j] - zero) * scale, with scales[j] and zeros[j] if there are scales.  The
 * difference is modulo 2^32. */
typedef struct hew_dequantize_rows {
    const void *x;
    size_t x_stride; /* bytes */
    hew_type type;   /* S8, U8, S32 */
    float *y;
    size_t y_stride;
    float scale;
    int32_t zero;
    size_t rows, n;
    const float *scales;  /* n of them, or null */
    const int32_t *zeros; /* n of them, where there are scales */
} hew_dequantize_rows;
typedef void dequantize_f32_fn(const hew_dequantize_rows *rows);
typedef dequantize_f32_fn dequantize_f32_ref_fn;

/* ----------------------------------------------------------------------------- range_f32 ---- */

/* lo = min(lo, all of x), hi = max(hi, all of x).  NaNs are left out; a zero comes out as +0. */
typedef struct hew_bounds {
    float lo, hi;
} hew_bounds;
typedef hew_bounds range_f32_fn(hew_bounds bounds, size_t n, const float *x);
typedef range_f32_fn range_f32_ref_fn;

/* A row of k floats becomes bytes, with a scale and a zero point of its own: hew_dynamic, symmetric
 * for S8 and asymmetric for U8. */
void hew_quantize_row(quantize_f32_fn *quantize, const float *x, size_t k, hew_type type, void *y,
                      float *scale, int32_t *zero);

/* -------------------------------------------------------------------------------- binary ---- */

/*
 *     v = fma(b_factor, (float)(b[i][j] - b_zero), a_factor * (float)(a[i][j] - a_zero))
 *     v = min(max(v, lo), hi)                     NaN stays NaN
 *     c[i][j] = v, or saturate(round(v) + c_zero) half to even; NaN gives c_zero
 *
 * Floats are taken as they are, without a zero.  C may be A or B, with the same stride.
 */
typedef struct hew_binary_rows {
    hew_type a_type, b_type, c_type; /* F32, U8, S8 */
    const void *a, *b;
    void *c;
    size_t a_stride, b_stride, c_stride; /* bytes */
    float a_factor, b_factor;            /* >= 0 */
    float lo, hi;
    int32_t a_zero, b_zero, c_zero;
    size_t rows, n;
} hew_binary_rows;
typedef void binary_fn(const hew_binary_rows *rows);
typedef void binary_ref_fn(const hew_binary_desc *desc, const void *a, const void *b, void *c);

/* ------------------------------------------------------------------------- transpose_f32 ---- */

/* out[c][r] = in[r][c] for r < rows, c < columns; strides in floats; no overlap. */
typedef void transpose_f32_fn(size_t rows, size_t columns, const float *in, size_t in_stride,
                              float *out, size_t out_stride);
typedef transpose_f32_fn transpose_f32_ref_fn;

/* --------------------------------------------------------------------------- softmax_f32 ---- */

/* `rows` rows of `columns` floats; strides in floats; out may be in. */
typedef void softmax_f32_fn(bool log, size_t rows, size_t columns, const float *in,
                            size_t in_stride, float *out, size_t out_stride);
typedef softmax_f32_fn softmax_f32_ref_fn;

/* ------------------------------------------------------------- pooling_f32, _u8 and _s8 ---- */

/*
 * A rectangle of output pixels whose windows are alike: the max, or the sum / divisor, over a box
 * of input pixels, for each channel.  Extents and strides of the box are outermost first.
 *
 * Floats: the box is walked by columns, in rising width, and in each in rising depth and height, so
 * that boxes that overlap can share their columns.  Max: the first NaN on that walk, or else the
 * first of the largest elements (+0 and -0 are equal).  Average: in each column a chain of
 * additions from +0, then a chain over the columns, then the division; a NaN becomes 0x7fc00000.
 * A box with a zero extent gives -inf or 0.
 *
 * Bytes: average: the exact sum, to which what the divisor counts beyond the box adds `zero` each,
 * as a float over the divisor, rounded half to even.  A box with a zero extent gives the type's
 * lowest value or `zero`.
 */
typedef struct hew_pooling_block {
    bool max;
    float divisor; /* a whole number; bytes: no more than HEW_POOLING_SUMMANDS */
    int32_t zero;  /* bytes only */
    size_t channels, rows, pixels;
    size_t box[3], step[3];  /* steps in elements, as all that follow */
    const void *in;          /* the first pixel of the first box */
    size_t in_row, in_step;  /* from one box to the next below; to the next in its row */
    void *out;
    size_t out_row, out_step;
} hew_pooling_block;
typedef void hew_pooling_fn(const hew_pooling_block *block);
typedef hew_pooling_fn pooling_f32_fn, pooling_u8_fn, pooling_s8_fn;
typedef void hew_pooling_ref_fn(const hew_pooling_desc *desc, const void *in, void *out);
typedef hew_pooling_ref_fn pooling_f32_ref_fn, pooling_u8_ref_fn, pooling_s8_ref_fn;

/* Bytes whose sum is an s32 for certain. */
enum { HEW_POOLING_SUMMANDS = INT32_MAX / 255 };

#endif
