/*
 * edges.h - tensors whose type isn't the one that an operation computes with.
 *
 * Operands of f16, and those of f32 under HEW_MATH_BF16, are converted to dense copies in scratch
 * before the operation runs, and results of f16 after it; in between it is one of f32 or bf16.  A
 * copy may also have more columns, of zeros.
 */
#ifndef HEW_EDGES_H
#define HEW_EDGES_H

#include "format.h"

typedef struct hew_edge {
    hew_type type, inner; /* the caller's, and the one that is computed with */
    bool rounds;          /* f32 computed with as such, but rounded to bf16 first */
    /* The caller's tensor; strides in elements. */
    int64_t members, member_stride, rows, stride, columns;
    size_t pad;   /* columns more of the copy */
    size_t bytes; /* of the dense copy, whole cache lines; 0: there is none */
    quantize_f32_fn *narrow;
    dequantize_f32_fn *widen;
} hew_edge;

/* Replaces the types of a descriptor by those that are computed with; nothing where no such are. */
hew_status hew_inner_types(const char *op, hew_math math, hew_type *a, hew_type *b, hew_type *c,
                           hew_type *residual);

/*
 * The edge of a tensor of `type`, computed with as `inner`.  Where these differ or it `rounds`,
 * *stride and *member_stride become those of the copy; a member_stride of 0 means that all share
 * one matrix.
 * False when a copy doesn't fit.
 */
bool hew_edge_of(hew_edge *edge, hew_type type, hew_type inner, bool rounds, int64_t members,
                 int64_t *member_stride, int64_t rows, int64_t *stride, int64_t columns);

/* The edge of a matrix of BF16 whose copy has `pad` > 0 columns more. */
bool hew_edge_pad(hew_edge *edge, int64_t rows, int64_t *stride, int64_t columns, int64_t pad);

/* From the caller's tensor to the copy, and from the copy to the caller's. */
hew_status hew_edge_in(const hew_edge *edge, const void *tensor, void *copy,
                       const hew_threads *threads);
hew_status hew_edge_out(const hew_edge *edge, const void *copy, void *tensor,
                        const hew_threads *threads);

/* What a run takes for an operand: the copy, made from the next bytes of scratch, or itself.  Does
 * nothing after a failure. */
const void *hew_edge_take(hew_status *status, const hew_edge *edge, const void *tensor,
                          char **scratch, const hew_threads *threads);

#endif
