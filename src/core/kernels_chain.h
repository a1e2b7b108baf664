/*
 * kernels_chain.h - what kernels of steps of a chain are given.
 */
#ifndef HEW_KERNELS_CHAIN_H
#define HEW_KERNELS_CHAIN_H

#include "core.h"
#include "hew/chain.h"

/*
 * out[i][j] = step of v[i][j], b[i][j] and c[i][j] for rows x n elements, for every kind but ACT.
 * Operands that a kind doesn't have are null.  out may be an operand, with the same rows.  `act`
 * has its defaults filled in.
 */
typedef struct hew_step_source {
    const void *p;
    hew_type type; /* F32, BF16, F16 */
    bool one;      /* one element for all of a row */
    ptrdiff_t row; /* bytes from row to row */
} hew_step_source;

typedef struct hew_step_f32 {
    hew_step_kind kind;
    hew_act act;
    bool from_output;
    hew_step_source v, b, c;
    void *out;
    ptrdiff_t out_row; /* bytes */
    hew_type out_type;
    bool stream; /* out is no operand and won't be read soon: past the caches */
    size_t rows, n;
} hew_step_f32;
typedef void chain_fn(const hew_step_f32 *step);
typedef void chain_ref_fn(const hew_chain_desc *desc, const void *in, const void *const *operands,
                          void *out);

/* The operands that a step of this kind has beside v: 0, 1 or 2. */
HEW_INLINE int hew_step_operands(hew_step_kind kind)
{
    return kind == HEW_STEP_ACT                                              ? 0
           : kind == HEW_STEP_SELECT || kind == HEW_STEP_PRELU_BACKWARD ? 2
                                                                             : 1;
}

#define HEW_KERNELS_LIST "kernels_chain.def"
#include "kernels_declare.h"

#endif
