/*
 * hew/reduce.h - sums, extremes and norms along the axes of a tensor.
 */
#ifndef HEW_API_REDUCE_H
#define HEW_API_REDUCE_H

#include "base.h"

HEW_BEGIN_C

/* --------------------------------------------------------------------------- reductions ----- */

/*
 * ONNX's Reduce operators, ArgMin and ArgMax.  NaN: a result is 0x7fc00000 if an element is NaN, or
 * if the operation makes one, as the logarithm of a negative sum; so are the least and the largest,
 * of which a zero comes out as +0.  Of no elements at all: 0; 1 for PROD; the highest (MIN) or
 * lowest (MAX) of the type, infinities of floats; NaN for MEAN; -inf for the logarithms.
 */
typedef enum hew_reduce_op {
    HEW_REDUCE_SUM = 0,
    HEW_REDUCE_MEAN = 1,         /* the sum over the number of elements                           */
    HEW_REDUCE_MIN = 2,
    HEW_REDUCE_MAX = 3,
    HEW_REDUCE_PROD = 4,
    HEW_REDUCE_L1 = 5,           /* sum of |x|                                                    */
    HEW_REDUCE_L2 = 6,           /* sqrt(sum of x^2)                                              */
    HEW_REDUCE_SUM_SQUARE = 7,   /* sum of x^2                                                    */
    HEW_REDUCE_LOG_SUM = 8,      /* log(sum of x)                                                 */
    HEW_REDUCE_LOG_SUM_EXP = 9,  /* log(sum of exp(x)), by way of the largest x                   */
    HEW_REDUCE_ARGMIN = 10,      /* where the least is: its index among the reduced, row by row;  */
    HEW_REDUCE_ARGMAX = 11,      /* where a NaN is, if there is one                               */
    HEW_REDUCE_OP_COUNT = 12
} hew_reduce_op;

/*
 * `out` has the rank of `in` and along each dimension as many elements, or one: there `in` is
 * reduced.  (A result without those dimensions is the same memory, described with them.)
 *
 *     in f32, bf16, f16      all operations, in f32; out the nearest f32, bf16 or f16
 *     in s8, u8, s32         SUM to s32, modulo 2^32; MIN and MAX to in's type; nothing else
 *     ARGMIN, ARGMAX         of all these; out s64
 *
 * ARGMIN and ARGMAX take at least one element and at most 2^31 - 1.
 */
typedef struct hew_reduce_desc {
    size_t size;
    hew_reduce_op op;
    bool last_index;    /* ARGMIN, ARGMAX: of equals (or NaNs) the last one; else the first       */
    hew_tensor in, out; /* any strides; out's none 0 where there are several elements             */
} hew_reduce_desc;
#define HEW_REDUCE_DESC(...) ((hew_reduce_desc){.size = sizeof(hew_reduce_desc), __VA_ARGS__})

/* The order of a sum is a function of in's extents and of what is reduced: docs/numerics.md.  out
 * may not overlap in. */
HEW_API hew_status hew_reduce(const hew_reduce_desc *desc, const void *in, void *out,
                              const hew_threads *threads);

HEW_END_C
#endif
