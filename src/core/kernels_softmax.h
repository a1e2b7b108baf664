/*
 * kernels_softmax.h - what kernels of softmax are given.
 */
#ifndef HEW_KERNELS_SOFTMAX_H
#define HEW_KERNELS_SOFTMAX_H

#include "core.h"
#include "hew/softmax.h"

/* --------------------------------------------------------------------------- softmax_f32 ---- */

/* `rows` rows of `columns` floats; strides in floats; out may be in. */
typedef void softmax_f32_fn(bool log, size_t rows, size_t columns, const float *in,
                            size_t in_stride, float *out, size_t out_stride);
typedef softmax_f32_fn softmax_f32_ref_fn;

#define HEW_KERNELS_LIST "kernels_softmax.def"
#include "kernels_declare.h"

#endif
