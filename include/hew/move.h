/*
 * hew/move.h - tensors copied, permuted, cut, joined.  Bits are moved as they are.
 *
 * In all of these, `in` and `out` must not overlap, and no two elements of an output may lie at one
 * address.  Types are any with whole bytes; elements of others, bool or double, are moved as those
 * of a type of their size.
 */
#ifndef HEW_API_MOVE_H
#define HEW_API_MOVE_H

#include "base.h"

HEW_BEGIN_C

/* --------------------------------------------------------------------------------- copy ----- */

/*
 * out = in, index by index: with the strides of a permuted tensor ONNX Transpose, with those of a
 * smaller one Expand.  in is broadcast to the shape of out as in NumPy: dimensions are matched from
 * the last, and one of in's may be 1 or absent where out's is not.
 */
typedef struct hew_copy_desc {
    size_t size;
    hew_tensor in, out;    /* of one type */
} hew_copy_desc;
#define HEW_COPY_DESC(...) ((hew_copy_desc){.size = sizeof(hew_copy_desc), __VA_ARGS__})

HEW_API hew_status hew_copy(const hew_copy_desc *desc, const void *in, void *out,
                            const hew_threads *threads);

HEW_END_C
#endif
