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
 *     stage_rest(out, in, n, form)  the same of n < STAGE_K elements, with zeros to the end of the
 *                                   last word; whole registers may be written
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
    const char *a[HEW_MAX_MR], *staged[HEW_MAX_MR];
    HEW_UNROLL for (int i = 0; i < mr; i++) {
        a[i] = (const char *)step->a[i] + t->a_offset;
        HEW_HIDE(a[i]); /* gcc would add two at a time, in a vector register */
        staged[i] = stage + i * STAGE_BYTES;
    }
    const char *b = (const char *)t->b + step->b_row * OFFSET(nv);
    size_t k = t->k;
    for (; k >= STAGE_K; k -= STAGE_K, b += OFFSET(nv * (STAGE_K / DEPTH))) {
        HEW_UNROLL for (int piece = 0; piece < STAGE_K / PIECE; piece++)
            HEW_UNROLL for (int i = 0; i < mr; i++)
                stage_piece(stage + i * STAGE_BYTES + piece * PIECE_BYTES,
                            a[i] + piece * PIECE * ELEMENT, form);
        HEW_UNROLL for (int i = 0; i < mr; i++)
            a[i] += STAGE_K * ELEMENT;
        multiply(mr, nv, form, acc, staged, b, STAGE_K / DEPTH);
    }
    if (k == 0)
        return;
    const size_t offset = t->a_offset + (t->k - k) * ELEMENT;
    for (int i = 0; i < mr; i++)
        stage_rest(stage + i * STAGE_BYTES, (const char *)step->a[i] + offset, k, form);
    multiply(mr, nv, form, acc, staged, b, hew_ceil_div(k, DEPTH));
}

#endif
