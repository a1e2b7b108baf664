/*
 * hew/order.h - along one axis of a tensor: the largest elements, running sums.
 */
#ifndef HEW_API_ORDER_H
#define HEW_API_ORDER_H

#include "base.h"

HEW_BEGIN_C

/* -------------------------------------------------------------------------------- top k ----- */

/*
 * ONNX TopK: of each line along `axis`, the k largest (or smallest) elements in falling (rising)
 * order, and their indices in the line.  Of equals the lower index comes first; +0 and -0 are
 * equal, and a NaN counts as larger than everything else, whatever its sign.
 *
 * values and indices have in's extents, but k along the axis, k <= in's.
 */
typedef struct hew_topk_desc {
    size_t size;
    int axis;
    bool smallest;
    hew_tensor in, values; /* f32, bf16, f16, s8, u8, s32: the same type; any strides             */
    hew_tensor indices;    /* s64                                                                 */
} hew_topk_desc;
#define HEW_TOPK_DESC(...) ((hew_topk_desc){.size = sizeof(hew_topk_desc), __VA_ARGS__})

/* Bytes of scratch for runs with so many threads; 0 for a small k.  SIZE_MAX if they are too many,
 * or if the descriptor is refused. */
HEW_API size_t hew_topk_scratch_size(const hew_topk_desc *desc, size_t threads);

/* Lines are shared among threads; one line isn't.  Outputs may not overlap in. */
HEW_API hew_status hew_topk(const hew_topk_desc *desc, const void *in, void *values, void *indices,
                            void *scratch, const hew_threads *threads);

/* ----------------------------------------------------------------------- cumulative sum ----- */

/*
 * ONNX CumSum: out[i] = in[0] + ... + in[i] along `axis`; `exclusive`: up to in[i - 1], so that the
 * first is 0; `reverse`: from the last element on.  One chain of additions from +0; of bf16 and f16
 * it is a chain of floats, each of which is rounded to out's type.  s32: modulo 2^32.
 */
typedef struct hew_cumsum_desc {
    size_t size;
    int axis;
    bool exclusive, reverse;
    hew_tensor in, out; /* f32, bf16, f16 or s32: the same type and extents; any strides          */
} hew_cumsum_desc;
#define HEW_CUMSUM_DESC(...) ((hew_cumsum_desc){.size = sizeof(hew_cumsum_desc), __VA_ARGS__})

/* out may be in (same strides). */
HEW_API hew_status hew_cumsum(const hew_cumsum_desc *desc, const void *in, void *out,
                              const hew_threads *threads);

HEW_END_C
#endif
