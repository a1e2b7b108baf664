/*
 * kernels_order.h - what kernels of running sums and of the largest elements are given.
 */
#ifndef HEW_KERNELS_ORDER_H
#define HEW_KERNELS_ORDER_H

#include "core.h"
#include "hew/order.h"

/* -------------------------------------------------------------------------------- cumsum ---- */

/* Running sums of `width` lines whose elements lie side by side: n steps, of in_step and out_step
 * bytes.  F32, BF16, F16, S32; out may be in, with the same step. */
typedef struct hew_cumsum_lines {
    hew_type type;
    bool exclusive;
    size_t n, width;
    const void *in;
    ptrdiff_t in_step;
    void *out;
    ptrdiff_t out_step;
} hew_cumsum_lines;
typedef void cumsum_fn(const hew_cumsum_lines *lines);
typedef void cumsum_ref_fn(const hew_cumsum_desc *desc, const void *in, void *out);

/* ------------------------------------------------------------------------------ topk_keys ---- */

/* Keys of n elements side by side, F32, BF16, F16, S8, U8 or S32: larger ones come first. */
typedef void topk_keys_fn(hew_type type, bool smallest, size_t n, const void *in, uint32_t *key);
typedef void topk_keys_ref_fn(const hew_topk_desc *desc, const void *in, void *values,
                              void *indices);

#define HEW_KERNELS_LIST "kernels_order.def"
#include "kernels_declare.h"

#endif
