/*
 * gemm_s8_bytes - gemm_u8s8 and gemm_s8s8 on words of four bytes: gemm_s8.h has the rest.
 *
 * Instructions want A unsigned.  A of s8 has its sign bits flipped on the way, which makes a of it
 * a + 128.  So its sums, those in `partial` too, are of (a + 128) b, and the epilogue's zero point
 * of A is 128 higher.
 */
#include "gemm_s8.h"

/* What is left of a row of k > 0 bytes after its whole words, with zeros behind it. */
HEW_INLINE uint32_t last_word(const char *row, size_t k)
{
    uint32_t word;
    if (k > 4) { /* the last four bytes, less those that were in the word before */
        memcpy(&word, row + k - 4, 4);
        return word >> 8 * (4 - k % 4);
    }
    word = (uint8_t)row[0];
    if (k > 1)
        word |= (uint32_t)(uint8_t)row[1] << 8;
    if (k > 2)
        word |= (uint32_t)(uint8_t)row[2] << 16;
    return word;
}

HEW_INLINE void multiply_step(const int mr, const int nv, const bool flipped,
                              vi acc[MAX_NV][HEW_MAX_MR], const hew_gemm_tile *t,
                              const hew_reduce_step *step)
{
    const size_t k = t->k;
    const char *b = (const char *)t->b + step->b_row * OFFSET(nv), *a[HEW_MAX_MR];
    HEW_UNROLL for (int i = 0; i < mr; i++) {
        a[i] = (const char *)step->a[i] + t->a_offset;
        HEW_HIDE(a[i]); /* gcc would add two at a time, in a vector register */
    }
    multiply(mr, nv, flipped, acc, a, b, k / 4);
    if (k % 4 == 0)
        return;
    uint32_t last[HEW_MAX_MR], *words = last;
    HEW_HIDE(words); /* or it looks like a spill to make check-spills */
    for (int i = 0; i < mr; i++)
        words[i] = last_word((const char *)step->a[i] + t->a_offset, k);
    HEW_UNROLL for (int i = 0; i < mr; i++)
        a[i] = (const char *)(words + i);
    multiply(mr, nv, flipped, acc, a, b + OFFSET(nv) * (k / 4), 1);
}

HEW_INLINE void gemm_tile(const hew_gemm_tile *t, const int mr, const int nv, const bool is_signed)
{
    vi acc[MAX_NV][HEW_MAX_MR];
    clear(mr, nv, acc);
    for (const hew_reduce_step *s = t->steps; s < t->steps + t->n_steps; s++)
        multiply_step(mr, nv, is_signed, acc, t, s);
    finish(t, mr, nv, is_signed ? 128 : 0, acc);
}
