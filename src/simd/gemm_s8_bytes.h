/*
 * gemm_s8_bytes - gemm_u8s8 and gemm_s8s8 on words of four bytes: gemm_s8.h has the rest.
 *
 * Instructions want A unsigned.  A of s8 has its sign bits flipped on the way, which makes a of it
 * a + 128.  So its sums, those in `partial` too, are of (a + 128) b, and the epilogue's zero point
 * of A is 128 higher.
 */
enum { KEEPS_SUMS = 1 };

#include "gemm_s8.h"

/* Bytes with their sign bits flipped are 128 higher. */
HEW_INLINE words a_part(const char *p, const int pass, const bool flipped)
{
    int32_t word;
    (void)pass;
    memcpy(&word, p, sizeof word);
    return flipped ? vi_xor(vi_set(word), vi_set((int32_t)0x80808080)) : vi_set(word);
}

#include "gemm_direct.h"

HEW_INLINE void gemm_tile(const hew_gemm_tile *t, const int mr, const int nv, const bool is_signed)
{
    vi acc[MAX_NV][HEW_MAX_MR];
    start(t, mr, nv, is_signed ? 128 : 0, acc);
    for (const hew_reduce_step *s = t->steps; s < t->steps + t->n_steps; s++)
        multiply_step(mr, nv, is_signed, acc, t, s);
    finish(t, mr, nv, is_signed ? 128 : 0, acc);
}
