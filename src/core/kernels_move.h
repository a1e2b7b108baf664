/*
 * kernels_move.h - what kernels that move data are given.
 */
#ifndef HEW_KERNELS_MOVE_H
#define HEW_KERNELS_MOVE_H

#include "core.h"
#include "hew/reorder.h"

/* ------------------------------------------------------------------------- transpose_f32 ---- */

/* out[c][r] = in[r][c] for r < rows, c < columns; strides in floats; no overlap. */
typedef void transpose_f32_fn(size_t rows, size_t columns, const float *in, size_t in_stride,
                              float *out, size_t out_stride);
typedef transpose_f32_fn transpose_f32_ref_fn;

#define HEW_KERNELS_LIST "kernels_move.def"
#include "kernels_declare.h"

#endif
