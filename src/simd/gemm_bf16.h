/*
 * gemm_bf16 - C[m x n] = epilogue(partial + sum over steps of A_s[m x k] * B_s[k x n]), A and B of
 * bf16, sums of floats.
 *
 * What every kernel shares, over the registers of the including file's reg_bf16.h, after what
 * gemm_words.h asks for.  A kernel's own file says which tiles it makes and what bounds them.
 * Each element of C is one chain from +0: of each word the odd elements' product before the even
 * ones', in rising step and word.
 *
 * B panel, 64-byte aligned, columns past n and elements past k zero; nv registers wide, L lanes
 * each:
 *
 *     row q    | b[0]: B(2q, 0) B(2q+1, 0) | B(2q, 1) B(2q+1, 1) | .. | B(2q+1, L-1) | b[1] ..
 *     row q+1  | ...
 *
 * There is one loop for each height and so no M tail; an N tail is a mask in the epilogue.  Half a
 * word at the end of a row of A has a zero beside it.
 */
#include "gemm_heights.h"

HEW_INLINE void gemm_tile(const hew_gemm_tile *t, const int mr, const int nv, const bool typed)
{
    sums acc[MAX_NV][HEW_MAX_MR];
    HEW_UNROLL for (int j = 0; j < nv; j++)
        HEW_UNROLL for (int i = 0; i < mr; i++)
            acc[j][i] = vf_zero();
    for (const hew_reduce_step *s = t->steps; s < t->steps + t->n_steps; s++)
        multiply_step(mr, nv, typed, acc, t, s);
    finish(t, mr, nv, typed, acc);
}
