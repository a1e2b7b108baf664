/*
 * kernels_move.h - what kernels that move data are given.
 */
#ifndef HEW_KERNELS_MOVE_H
#define HEW_KERNELS_MOVE_H

#include "core.h"
#include "hew/move.h"
#include "hew/reorder.h"

/* ----------------------------------------------------------------------------- transpose ---- */

/* out[c][r] = in[r][c] for r < rows, c < columns: elements of `size` bytes, 1, 2, 4 or 8, side by
 * side in their rows; strides in bytes, of either sign; no overlap. */
typedef struct hew_transpose {
    size_t size, rows, columns;
    const char *in;
    ptrdiff_t in_stride;
    char *out;
    ptrdiff_t out_stride;
    bool stream; /* all of it is far longer than the cache: better written past it */
} hew_transpose;
typedef void transpose_fn(const hew_transpose *t);
typedef transpose_fn transpose_ref_fn;

/* The same of floats, strides in floats. */
typedef void transpose_f32_fn(size_t rows, size_t columns, const float *in, size_t in_stride,
                              float *out, size_t out_stride);
typedef transpose_f32_fn transpose_f32_ref_fn;

/* ----------------------------------------------------------------------------- copy_rows ---- */

/* out[r][i] = in[r][i] for r < rows, i < bytes; strides in bytes, of either sign, in's perhaps 0.
 * With `at` it is in[at[r]][i]. */
typedef struct hew_copy_rows {
    size_t rows, bytes;
    const char *in;
    ptrdiff_t in_stride;
    char *out;
    ptrdiff_t out_stride;
    bool stream;
    const int32_t *at;
} hew_copy_rows;
typedef void copy_rows_fn(const hew_copy_rows *t);
typedef copy_rows_fn copy_rows_ref_fn;

#define HEW_KERNELS_LIST "kernels_move.def"
#include "kernels_declare.h"

#endif
