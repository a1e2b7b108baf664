/*
 * gemm_direct - gemm_words.h's loop over words of A as the caller stores them, A_WORD being 4.
 *
 * What is left of a row after whole words is one more word; the loop over those knows nothing of
 * it.
 */
#ifndef HEW_SIMD_GEMM_DIRECT_H
#define HEW_SIMD_GEMM_DIRECT_H

#include "gemm_words.h"

/* What is left of a row of `bytes` > 0 after its whole words, with zeros behind it. */
HEW_INLINE uint32_t last_word(const char *row, size_t bytes)
{
    uint32_t word;
    if (bytes > 4) { /* the last four bytes, less those that were in the word before */
        memcpy(&word, row + bytes - 4, 4);
        return word >> 8 * (4 - bytes % 4);
    }
    word = (uint8_t)row[0];
    if (bytes > 1)
        word |= (uint32_t)(uint8_t)row[1] << 8;
    if (bytes > 2)
        word |= (uint32_t)(uint8_t)row[2] << 16;
    return word;
}

HEW_INLINE void multiply_step(const int mr, const int nv, const bool form,
                              sums acc[MAX_NV][HEW_MAX_MR], const hew_gemm_tile *t,
                              const hew_reduce_step *step)
{
    const size_t bytes = t->k * ELEMENT;
    const char *b = (const char *)t->b + step->b_row * OFFSET(nv), *a[HEW_MAX_MR];
    HEW_UNROLL for (int i = 0; i < mr; i++) {
        a[i] = (const char *)step->a[i] + t->a_offset;
        HEW_HIDE(a[i]); /* gcc would add two at a time, in a vector register */
    }
    multiply(mr, nv, form, acc, a, b, bytes / 4);
    if (bytes % 4 == 0)
        return;
    uint32_t last[HEW_MAX_MR], *rest = last;
    HEW_HIDE(rest); /* or it looks like a spill to make check-spills */
    for (int i = 0; i < mr; i++)
        rest[i] = last_word((const char *)step->a[i] + t->a_offset, bytes);
    HEW_UNROLL for (int i = 0; i < mr; i++)
        a[i] = (const char *)(rest + i);
    multiply(mr, nv, form, acc, a, b + OFFSET(nv) * (bytes / 4), 1);
}

#endif
