/*
 * kernels_pooling.h - what kernels of pooling are given.
 */
#ifndef HEW_KERNELS_POOLING_H
#define HEW_KERNELS_POOLING_H

#include "core.h"
#include "hew/pooling.h"

/* ------------------------------------------------------ pooling_f32, _bf16, _u8 and _s8 ---- */

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

    hew_type type;           /* pooling_lp and _index: F32, BF16 */
    int power;               /* pooling_lp */
    int32_t first;           /* pooling_index: the number of the first box's first pixel */
    size_t in_pixel;         /* elements between pixels with neighbouring numbers */
    int32_t *index;
    size_t index_row, index_step;
} hew_pooling_block;
typedef void hew_pooling_fn(const hew_pooling_block *block);
typedef hew_pooling_fn pooling_f32_fn, pooling_bf16_fn, pooling_u8_fn, pooling_s8_fn;
typedef void hew_pooling_ref_fn(const hew_pooling_desc *desc, const void *in, void *out);
typedef hew_pooling_ref_fn pooling_f32_ref_fn, pooling_bf16_ref_fn, pooling_u8_ref_fn;
typedef hew_pooling_ref_fn pooling_s8_ref_fn;

/* Bytes whose sum is an s32 for certain. */
enum { HEW_POOLING_SUMMANDS = INT32_MAX / 255 };

/* ------------------------------------------------------------- pooling_lp, pooling_index ---- */

/*
 * The same rectangles; boxes are walked in the order of their pixels' numbers.  `divisor` means
 * nothing here.
 *
 * pooling_lp: a chain of fma(|x|^(power - 1), |x|, sum) from +0, the power a chain of products, and
 * ref_root of it; a NaN becomes 0x7fc00000.
 *
 * pooling_index: the first NaN, or else the first of the largest elements, and the number of its
 * pixel; -inf and -1 for a box with a zero extent.
 */
enum { HEW_POOLING_MOST_POWER = 16 };
typedef hew_pooling_fn pooling_lp_fn, pooling_index_fn;
typedef hew_pooling_ref_fn pooling_lp_ref_fn;
typedef void pooling_index_ref_fn(const hew_pooling_desc *desc, const void *in, void *out,
                                  int32_t *indices);

/* --------------------------------------------------------------------------- pooling_grad ---- */

/* An output pixel, counted within its image, whose window an input pixel is in. */
typedef struct hew_pooling_term {
    size_t pixel;
    float factor;
} hew_pooling_term;

/*
 * The gradients of a run of input pixels: for each channel a chain over the pixel's terms.
 *
 *     max      sum + gradient, of the terms whose index is the pixel's number
 *     average  fma(gradient, factor, sum)
 *     lp       fma(gradient, r^(power - 1), sum) with r = |x| / y, the power a chain of products,
 *              of the terms whose y isn't 0; after the last the sum has the sign of x, or is +0 if
 *              x is 0 and NaN if x is
 *
 * A chain begins with +0, or with carry[c] where `resumed`; it ends in the input's gradient, where
 * a NaN becomes 0x7fc00000, or in carry[c] where `suspended`.
 */
typedef struct hew_pooling_grad {
    bool max, resumed, suspended;
    int power;             /* of lp; else 0 */
    hew_type type; /* F32, BF16 */
    size_t channels, pixels;
    const hew_pooling_term *terms;
    const uint32_t *ends;  /* pixel i has the terms from ends[i - 1], or 0, to ends[i] */
    const void *out;       /* the output's gradient */
    size_t out_step;       /* elements, as all steps */
    const void *y, *x;     /* lp: what was pooled, as far apart as gradients are, and from what */
    const int32_t *index;
    size_t index_step;
    int32_t first;         /* the first pixel's number */
    void *in;              /* the input's gradient */
    size_t in_step;
    float *carry;
} hew_pooling_grad;
typedef void pooling_grad_fn(const hew_pooling_grad *grad);
typedef void pooling_grad_ref_fn(const hew_pooling_desc *desc, const void *out_gradient,
                                 const int32_t *indices, void *in_gradient);
typedef pooling_grad_fn pooling_lp_grad_fn;
typedef void pooling_lp_grad_ref_fn(const hew_pooling_desc *desc, const void *out_gradient,
                                    const void *in, const void *out, void *in_gradient);

#define HEW_KERNELS_LIST "kernels_pooling.def"
#include "kernels_declare.h"

#endif
