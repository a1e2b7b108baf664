/*
 * gemm_s8_wide - gemm_u8s8 and gemm_s8s8 on words of two 16-bit elements: gemm_s8.h has the rest.
 *
 * B comes widened.  Of A, a stretch of each row is widened to the stack and multiplied from there:
 * a load and a store for every 16 elements of a row, which take 8 nv multiplies and as many
 * additions.
 */
#include "gemm_s8.h"
#include "widen_256.h"

enum { WIDE_K = 64 };

HEW_INLINE void multiply_step(const int mr, const int nv, const bool is_signed,
                              vi acc[MAX_NV][HEW_MAX_MR], const hew_gemm_tile *t,
                              const hew_reduce_step *step)
{
    _Alignas(64) int16_t buffer[HEW_MAX_MR][WIDE_K], (*wide)[WIDE_K] = buffer;
    HEW_HIDE(wide); /* or it looks like a spill to make check-spills */
    const char *a[HEW_MAX_MR], *words[HEW_MAX_MR];
    HEW_UNROLL for (int i = 0; i < mr; i++) {
        a[i] = (const char *)step->a[i] + t->a_offset;
        HEW_HIDE(a[i]); /* gcc would add two at a time, in a vector register */
        words[i] = (const char *)wide[i];
    }
    const char *b = (const char *)t->b + step->b_row * OFFSET(nv);
    size_t k = t->k;
    for (; k >= WIDE_K; k -= WIDE_K, b += OFFSET(nv * (WIDE_K / 2))) {
        HEW_UNROLL for (int kk = 0; kk < WIDE_K; kk += 16)
            HEW_UNROLL for (int i = 0; i < mr; i++)
                widen_16(wide[i] + kk, a[i] + kk, is_signed);
        HEW_UNROLL for (int i = 0; i < mr; i++)
            a[i] += WIDE_K;
        multiply(mr, nv, false, acc, words, b, WIDE_K / 2);
    }
    if (k == 0)
        return;
    const size_t offset = t->a_offset + t->k - k;
    for (int i = 0; i < mr; i++)
        widen(wide[i], (const char *)step->a[i] + offset, k, is_signed);
    multiply(mr, nv, false, acc, words, b, hew_ceil_div(k, 2));
}

HEW_INLINE void gemm_tile(const hew_gemm_tile *t, const int mr, const int nv, const bool is_signed)
{
    vi acc[MAX_NV][HEW_MAX_MR];
    clear(mr, nv, acc);
    for (const hew_reduce_step *s = t->steps; s < t->steps + t->n_steps; s++)
        multiply_step(mr, nv, is_signed, acc, t, s);
    finish(t, mr, nv, 0, acc);
}
