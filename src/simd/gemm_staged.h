/*
 * gemm_staged - gemm_words.h's loop over rows of A that take another form first.
 *
 * A stretch of each row of a tile is written to the stack in that form, and multiplied from there:
 * it stays in L1.  The including file defines, besides what gemm_words.h asks for,
 *
 *     DEPTH                         elements in a word
 *     STAGE_K, STAGE_BYTES          elements in a stretch of a row, and bytes of them staged
 *     PIECE, PIECE_BYTES            elements that stage_piece takes, and bytes of them staged
 *     stage_piece(out, in, form)    a piece of a row in words of A_WORD bytes
 *     stage_rest(out, in, n, form)  the same of n < PIECE elements, with zeros to the end of the
 *                                   last word; a whole piece may be written
 */
#ifndef HEW_SIMD_GEMM_STAGED_H
#define HEW_SIMD_GEMM_STAGED_H

#include "gemm_words.h"

HEW_INLINE void multiply_step(const int mr, const int nv, const bool form,
                              sums acc[MAX_NV][HEW_MAX_MR], const hew_gemm_tile *t,
                              const hew_reduce_step *step)
{
    _Alignas(64) char buffer[HEW_MAX_MR * STAGE_BYTES];
    char *stage = buffer;
    HEW_HIDE(stage); /* or it looks like a spill to make check-spills */
    const char *staged[HEW_MAX_MR];
    HEW_UNROLL for (int i = 0; i < mr; i++)
        staged[i] = stage + i * STAGE_BYTES;
    const char *b = (const char *)t->b + step->b_row * OFFSET(nv);
    size_t at = t->a_offset;
    for (size_t k = t->k, n; k > 0; k -= n, b += OFFSET(nv * (STAGE_K / DEPTH))) {
        n = hew_min(k, STAGE_K);
        char *out = stage;
        for (size_t p = n / PIECE; p > 0; p--, at += PIECE * ELEMENT, out += PIECE_BYTES)
            HEW_UNROLL for (int i = 0; i < mr; i++)
                stage_piece(out + i * STAGE_BYTES, (const char *)step->a[i] + at, form);
        if (n % PIECE > 0)
            HEW_UNROLL for (int i = 0; i < mr; i++)
                stage_rest(out + i * STAGE_BYTES, (const char *)step->a[i] + at, n % PIECE, form);
        multiply(mr, nv, form, acc, staged, b, hew_ceil_div(n, DEPTH));
    }
}

#endif
