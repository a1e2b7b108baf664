/*
 * gemm_s8_wide - gemm_u8s8 and gemm_s8s8 on words of two 16-bit elements: gemm_s8.h has the rest.
 *
 * B comes widened.  Of A, a stretch of each row is widened to the stack and multiplied from there:
 * a load and a store for every 16 elements of a row, which take 8 nv multiplies and as many
 * additions.
 */
enum { KEEPS_SUMS = 0 };

#include "gemm_s8.h"
#include "widen_256.h"

enum { DEPTH = 2, STAGE_K = 64, STAGE_BYTES = STAGE_K * sizeof(int16_t) };
enum { PIECE = 16, PIECE_BYTES = PIECE * sizeof(int16_t) };

HEW_INLINE words a_part(const char *p, const int pass, const bool is_signed)
{
    int32_t word;
    (void)pass, (void)is_signed; /* staging has taken care of that */
    memcpy(&word, p, sizeof word);
    return vi_set(word);
}
HEW_INLINE void stage_piece(char *out, const char *in, const bool is_signed)
{
    widen_16((int16_t *)out, in, is_signed);
}
HEW_INLINE void stage_rest(char *out, const char *in, size_t n, const bool is_signed)
{
    widen((int16_t *)out, in, n, is_signed);
}

#include "gemm_staged.h"

HEW_INLINE void gemm_tile(const hew_gemm_tile *t, const int mr, const int nv, const bool is_signed)
{
    vi acc[MAX_NV][HEW_MAX_MR];
    start(t, mr, nv, 0, acc);
    for (const hew_reduce_step *s = t->steps; s < t->steps + t->n_steps; s++)
        multiply_step(mr, nv, is_signed, acc, t, s);
    finish(t, mr, nv, 0, acc);
}
