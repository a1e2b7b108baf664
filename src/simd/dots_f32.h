/*
 * dots_f32 - sums[i][j] = [sums[i][j] +] sum over kk < k of v[i][kk] * x[j][kk], m <= 4 vectors v.
 *
 * The body of the kernels of every ISA, over the registers of the including file's reg.h; that file
 * also brings GROUPS and
 *
 *     void transpose_square(vf x[LANES])     x[i] lane j  <->  x[j] lane i
 *
 * A dot product is one chain, so lanes are rows of x.  A square of x is loaded row by row, turned
 * in registers, and its columns are multiplied in order:
 *
 *     x(j  , kk ..)           | x(j, kk  ) | x(j+1, kk  ) | ... |    sum = fma(v[kk  ], ., sum)
 *     x(j+1, kk ..)    ->     | x(j, kk+1) | x(j+1, kk+1) | ... |    sum = fma(v[kk+1], ., sum)
 *     ...                     ...
 *
 * Whole registers of a row at a time, since rows 4 KiB apart share a cache set that has fewer ways
 * than there are rows.  GROUPS squares go side by side where one chain is slower than its shuffles.
 * Bound: memory; in cache, the shuffles.
 */
#include "kernels_matrix.h"

/* A square's products, from byte `at` of its rows; `count` of its columns, LANES if full. */
HEW_INLINE void add_square(const hew_gemv_f32_block *b, const char *const row[LANES], size_t at,
                           const int m, const bool full, int count, vf sum[HEW_GEMV_M])
{
    const vf_mask mask = vf_first(count);
    vf x[LANES];
    HEW_UNROLL for (int r = 0; r < LANES; r++)
        x[r] = full ? vf_load(row[r] + at) : vf_load_masked(mask, row[r] + at);
    transpose_square(x);
    HEW_UNROLL for (int t = 0; t < LANES; t++)
        HEW_UNROLL for (int i = 0; i < m; i++) {
            const float *v = (const float *)((const char *)b->v + (size_t)i * b->v_stride + at);
            if (full || t < count)
                sum[i] = vf_fma(vf_set(v[t]), x[t], sum[i]);
        }
}

/* The products that don't fill a square. */
static __attribute__((noinline)) void add_rest(const hew_gemv_f32_block *b,
                                               const char *const row[LANES], size_t at, int count,
                                               int i, vf *sum)
{
    hew_gemv_f32_block one = *b;
    one.v = (const float *)((const char *)b->v + (size_t)i * b->v_stride);
    add_square(&one, row, at, 1, false, count, sum);
}

HEW_INLINE void rows_of_sums(const hew_gemv_f32_block *b, size_t j, const int m)
{
    const size_t square = LANES * sizeof(float), end = b->k * sizeof(float);
    const char *row[GROUPS][LANES]; /* rows past the end repeat the last one */
    for (size_t r = 0; r < GROUPS * LANES; r++)
        row[r / LANES][r % LANES] = (const char *)b->x + hew_min(j + r, b->n - 1) * b->x_stride;
    vf sum[GROUPS][HEW_GEMV_M];
    HEW_UNROLL for (int g = 0; g < GROUPS; g++)
        HEW_UNROLL for (int i = 0; i < m; i++)
            sum[g][i] = vf_zero();
    size_t at = 0;
    for (; at + square <= end; at += square)
        HEW_UNROLL for (int g = 0; g < GROUPS; g++)
            add_square(b, row[g], at, m, true, LANES, sum[g]);
    HEW_UNROLL for (int g = 0; g < GROUPS; g++) {
        const size_t first = j + (size_t)g * LANES;
        if (first >= b->n)
            return;
        const vf_mask mask = vf_first((int)hew_min(b->n - first, LANES));
        HEW_UNROLL for (int i = 0; i < m; i++) {
            vf s = sum[g][i];
            if (at < end)
                add_rest(b, row[g], at, (int)((end - at) / sizeof(float)), i, &s);
            char *total = (char *)(b->sums + first) + (size_t)i * b->sums_stride;
            if (b->add)
                s = vf_add(vf_load_masked(mask, total), s);
            vf_store_masked(mask, total, s);
        }
    }
}

#define DOTS_M(m)                                                                                  \
    static __attribute__((noinline)) void dots_##m(const hew_gemv_f32_block *b)                    \
    {                                                                                              \
        for (size_t j = 0; j < b->n; j += GROUPS * LANES)                                          \
            rows_of_sums(b, j, m);                                                                 \
    }
DOTS_M(1)
DOTS_M(2)
DOTS_M(3)
DOTS_M(4)

HEW_INLINE void dots(const hew_gemv_f32_block *b)
{
    static dots_f32_fn *const fn[] = {dots_1, dots_2, dots_3, dots_4};
    fn[b->m - 1](b);
}
