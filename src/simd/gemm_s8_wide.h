/*
 * gemm_s8_wide - gemm_u8s8 and gemm_s8s8 on words of two 16-bit elements: gemm_s8.h has the rest.
 *
 * B comes widened.  Of A, a stretch of each row is widened to the stack, by the including file's
 * widen.h, and multiplied from there: it costs a load and a store for 16 elements of a row, where
 * the stretch takes 8 nv multiplies of the row.
 */
#include "gemm_s8.h"

enum { WIDE_K = 128 };

HEW_INLINE void multiply_step(const int mr, const int nv, const bool is_signed,
                              vi acc[MAX_NV][HEW_MAX_MR], const hew_gemm_tile *t,
                              const hew_reduce_step *step)
{
    _Alignas(64) int16_t buffer[HEW_MAX_MR][WIDE_K], (*wide)[WIDE_K] = buffer;
    HEW_HIDE(wide); /* or it looks like a spill to make check-spills */
    const char *a[HEW_MAX_MR];
    HEW_UNROLL for (int i = 0; i < mr; i++)
        a[i] = (const char *)wide[i];
    const char *b = (const char *)t->b + step->b_row * OFFSET(nv);
    for (size_t at = 0; at < t->k; at += WIDE_K, b += OFFSET(nv * (WIDE_K / 2))) {
        const size_t n = hew_min(t->k - at, WIDE_K);
        for (int i = 0; i < mr; i++)
            widen(wide[i], (const char *)step->a[i] + t->a_offset + at, n, is_signed);
        multiply(mr, nv, false, acc, a, b, hew_ceil_div(n, 2));
    }
}

HEW_INLINE void gemm_tile(const hew_gemm_tile *t, const int mr, const int nv, const bool is_signed)
{
    vi acc[MAX_NV][HEW_MAX_MR];
    clear(mr, nv, acc);
    for (const hew_reduce_step *s = t->steps; s < t->steps + t->n_steps; s++)
        multiply_step(mr, nv, is_signed, acc, t, s);
    finish(t, mr, nv, 0, acc);
}
