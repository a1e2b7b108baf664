/*
 * kernels_elementwise.h - what kernels of operations element by element are given.
 */
#ifndef HEW_KERNELS_ELEMENTWISE_H
#define HEW_KERNELS_ELEMENTWISE_H

#include "core.h"
#include "hew/elementwise.h"

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

#define HEW_KERNELS_LIST "kernels_elementwise.def"
#include "kernels_declare.h"

#endif
