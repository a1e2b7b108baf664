/*
 * gemv_f32 - sums[i][j] = [sums[i][j] +] sum over kk < k of v[i][kk] * x[kk][j], m <= 4 vectors v.
 *
 * The body of the kernels of every ISA, over the registers of the including file's reg.h.  x is
 * read once, a few whole rows side by side, which is what memory and its prefetchers like best:
 *
 *     v[i][kk .. kk+R-1] in R m registers;  for each register of columns j:
 *         chain[i][j] = fma(v[i][kk+R-1], x[kk+R-1][j], ... fma(v[i][kk], x[kk][j], chain[i][j]))
 *
 * The chain rests in memory (L1: the driver cuts columns) between one group of R rows and the next,
 * which loses no bits.  Bound: loads of x.
 */
#include "kernels_matrix.h"

/* R rows of x and m vectors; both literals.  The first group starts from zero, the last one adds
 * the chain to the sums. */
HEW_INLINE void rows_group(const hew_gemv_f32_block *b, size_t kk, const int r, const int m)
{
    const bool first = kk == 0, last = kk + (size_t)r == b->k;
    const char *x = (const char *)b->x + kk * b->x_stride;
    vf v[HEW_GEMV_M][8];
    HEW_UNROLL for (int i = 0; i < m; i++)
        HEW_UNROLL for (int s = 0; s < r; s++)
            v[i][s] = vf_set(*(const float *)((const char *)b->v + (size_t)i * b->v_stride +
                                              (kk + (size_t)s) * sizeof(float)));
    for (size_t j = 0; j < b->n; j += LANES) {
        const vf_mask mask = vf_first((int)hew_min(b->n - j, LANES));
        const size_t offset = j * sizeof(float);
        vf sum[HEW_GEMV_M];
        HEW_UNROLL for (int i = 0; i < m; i++) {
            const char *chain = (const char *)b->chain + (size_t)i * b->sums_stride + offset;
            sum[i] = first ? vf_zero() : vf_load(chain);
        }
        HEW_UNROLL for (int s = 0; s < r; s++) {
            const char *row = x + (size_t)s * b->x_stride + offset;
            const vf xv = vf_load_masked(mask, row);
            /* A row's piece is a page, where the hardware's prefetch stops; so the next rows' come
             * by hand.  Past the last row this touches nothing. */
            _mm_prefetch(row + (size_t)r * b->x_stride, _MM_HINT_T1);
            HEW_UNROLL for (int i = 0; i < m; i++)
                sum[i] = vf_fma(v[i][s], xv, sum[i]);
        }
        HEW_UNROLL for (int i = 0; i < m; i++) {
            char *total = (char *)b->sums + (size_t)i * b->sums_stride + offset;
            char *chain = (char *)b->chain + (size_t)i * b->sums_stride + offset;
            if (last)
                vf_store(total, b->add ? vf_add(vf_load(total), sum[i]) : sum[i]);
            else
                vf_store(chain, sum[i]);
        }
    }
}

#define GEMV_M(m)                                                                                  \
    static __attribute__((noinline)) void gemv_##m(const hew_gemv_f32_block *b)                    \
    {                                                                                              \
        enum { R = LANES == 16 || m <= 2 ? (m <= 2 ? 8 / m : 4) : 2 };                             \
        size_t kk = 0;                                                                             \
        for (; kk + R <= b->k; kk += R)                                                            \
            rows_group(b, kk, R, m);                                                               \
        for (; kk < b->k; kk++)                                                                    \
            rows_group(b, kk, 1, m);                                                               \
    }
GEMV_M(1)
GEMV_M(2)
GEMV_M(3)
GEMV_M(4)

HEW_INLINE void gemv(const hew_gemv_f32_block *b)
{
    static gemv_f32_fn *const fn[] = {gemv_1, gemv_2, gemv_3, gemv_4};
    fn[b->m - 1](b);
}
