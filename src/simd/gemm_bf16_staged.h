/*
 * gemm_bf16_staged - gemm_bf16 without instructions for bf16, for tiles several registers wide.
 *
 * As gemm_bf16_fma.h, but that a stretch of each row of A is made floats on the stack, from where
 * they are broadcast: a load, two operations and a store for a register of floats, instead of two
 * operations for each word, which on Intel's CPUs take ports of the multiplies.  There are no
 * registers for all halves of a row of the panel, so that it is gone over twice: by odd elements of
 * the words, then by even ones.
 */
#include "finish_f32.h"

typedef vf sums, words;
enum { ELEMENT = 2, DEPTH = 2, PASSES = 2, A_WORD = 2 * sizeof(float) };
/* Short, so that the next stretch is staged while this one is multiplied. */
enum { STAGE_K = 32, STAGE_BYTES = STAGE_K * sizeof(float) };
enum { PIECE = LANES, PIECE_BYTES = sizeof(vf) };

HEW_INLINE words a_part(const char *p, const int pass, const bool form)
{
    (void)form;
    return vf_set(((const float *)p)[1 - pass]);
}
HEW_INLINE words b_part(const char *p, const int pass)
{
    return pass == 0 ? vf_odd(vf_load(p)) : vf_even(vf_load(p));
}
HEW_INLINE sums dot(sums s, words a, words b) { return vf_fma(a, b, s); }

HEW_INLINE void stage_piece(char *out, const char *in, const bool form)
{
    (void)form;
    vf_store(out, vf_load_bf16(in));
}
HEW_INLINE void stage_rest(char *out, const char *in, size_t n, const bool form)
{
    (void)form;
    vf_store(out, vf_load_bf16_masked(vf_first((int)n), in));
}

#include "gemm_staged.h"

#include "gemm_bf16.h"
