/*
 * kernels_pooling.h - what kernels of pooling are given.
 */
#ifndef HEW_KERNELS_POOLING_H
#define HEW_KERNELS_POOLING_H

#include "core.h"
#include "hew/pooling.h"

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

#define HEW_KERNELS_LIST "kernels_pooling.def"
#include "kernels_declare.h"

#endif
