/*
 * gemm_words - sums of products of words: the loop that matrix kernels of bytes and bf16 share.
 *
 * A step of the reduction goes through it with words of A as the caller stores them
 * (gemm_direct.h), or in another form (gemm_staged.h): each has multiply_step.
 *
 * The including file defines
 *
 *     sums, words      registers of sums, and of words or what is multiplied of them
 *     MAX_NV, OFFSET   registers of a tile's row; bytes before register j
 *     ELEMENT          bytes of an element of A
 *     PASSES           over each row of the panel: 1, or 2 where a word is multiplied part by part
 *     A_WORD           bytes from a word of A to the next, as `multiply` finds them
 *     a_part(p, pass, form)   of the word of A at p what a pass takes, in all lanes; `form` as
 *                      gemm_tile has it
 *     b_part(p, pass)  the same of a register of the panel
 *     dot(s, a, b)     s + a * b, the lanes' elements
 */
#ifndef HEW_SIMD_GEMM_WORDS_H
#define HEW_SIMD_GEMM_WORDS_H

#include <string.h>

/* acc += a * b, pass's part of a word of each row of A, and of a row of the panel. */
HEW_INLINE void multiply_word(const int mr, const int nv, const bool form, const int pass,
                              sums acc[MAX_NV][HEW_MAX_MR], const char *const a[HEW_MAX_MR],
                              size_t at, const char *b)
{
    /* Where registers are too few for it and a word of A, the last of the panel's is an operand in
     * memory each time. */
    const bool full = mr * nv + nv >= 32;
    const int held = full ? nv - 1 : nv;
    words bv[MAX_NV];
    HEW_UNROLL for (int j = 0; j < held; j++)
        bv[j] = b_part(b + OFFSET(j), pass);
    HEW_UNROLL for (int i = 0; i < mr; i++) {
        const words av = a_part(a[i] + at, pass, form);
        HEW_UNROLL for (int j = 0; j < held; j++)
            acc[j][i] = dot(acc[j][i], av, bv[j]);
        if (full) {
            acc[held][i] = dot(acc[held][i], av, b_part(b + OFFSET(held), pass));
            HEW_RELOAD();
        }
    }
}

/* acc += A * B over `count` words of rows of A, `a`, and as many rows of B. */
HEW_INLINE void multiply(const int mr, const int nv, const bool form,
                         sums acc[MAX_NV][HEW_MAX_MR], const char *const a[HEW_MAX_MR],
                         const char *b, size_t count)
{
    for (size_t at = 0; at < count * A_WORD; at += A_WORD, b += OFFSET(nv)) {
        multiply_word(mr, nv, form, 0, acc, a, at, b);
        if (PASSES == 1)
            continue;
        HEW_HIDE(b); /* loaded again: there may be no registers to keep it */
        multiply_word(mr, nv, form, 1, acc, a, at, b);
    }
}

#endif
