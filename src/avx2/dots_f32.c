/*
 * dots_f32 - sums[i][j] = [sums[i][j] +] sum over kk < k of v[i][kk] * x[j][kk], m <= 4 vectors v.
 * ISA: AVX2 + FMA, also for AVX-512 machines.
 *
 * A dot product is one chain, so lanes are eight rows of x, four k at a time:
 *
 *     rows j, j+4    q0: x(j  , kk..kk+3) | x(j+4, kk..kk+3)         c0: x(j.., kk  )  8 rows
 *          j+1, j+5  q1:                                        ->   c1: x(j.., kk+1)
 *          j+2, j+6  q2:                4 x 4 in each half           c2: x(j.., kk+2)
 *          j+3, j+7  q3:                                             c3: x(j.., kk+3)
 *
 * Sixteen rows go side by side, so that two chains of a vector are under way, and each eight are
 * read a cache line (16 k) at a time: with row strides of 4 KiB eight lines are all that L1 keeps.
 * Wider registers would need twice the rows in one set.
 *
 * Registers (16 ymm)    sum 2 m, at most 8 | q 4 | c 4, of which some from memory
 * Bound: memory; in cache, 16 loads and inserts and 8 shuffles for 32 products.
 */
#include "reg.h"

enum { ROWS = 8, LINE = 16 };

#include "../kernels.h"

HEW_INLINE vf pair(const char *lo, const char *hi)
{
    const __m128 a = _mm_loadu_ps((const float *)lo), b = _mm_loadu_ps((const float *)hi);
    return _mm256_insertf128_ps(_mm256_castps128_ps256(a), b, 1);
}

HEW_INLINE const float *vector(const hew_gemv_f32_block *b, int i, size_t at)
{
    return (const float *)((const char *)b->v + (size_t)i * b->v_stride + at);
}

/* `quads` times four products of the eight rows at x, which are `at` bytes into the vectors. */
HEW_INLINE void add_quads(const hew_gemv_f32_block *b, const char *x, size_t at, const int quads,
                          const int m, vf sum[HEW_GEMV_M])
{
    const size_t s = b->x_stride;
    const char *x4 = x + 4 * s;
    HEW_UNROLL for (int n = 0; n < quads; n++, x += 16, x4 += 16, at += 16) {
        const vf q0 = pair(x, x4), q1 = pair(x + s, x4 + s);
        const vf q2 = pair(x + 2 * s, x4 + 2 * s), q3 = pair(x + 3 * s, x4 + 3 * s);
        const vf lo = _mm256_unpacklo_ps(q0, q1), lo2 = _mm256_unpacklo_ps(q2, q3);
        const vf hi = _mm256_unpackhi_ps(q0, q1), hi2 = _mm256_unpackhi_ps(q2, q3);
        const vf c[4] = {_mm256_shuffle_ps(lo, lo2, 0x44), _mm256_shuffle_ps(lo, lo2, 0xee),
                         _mm256_shuffle_ps(hi, hi2, 0x44), _mm256_shuffle_ps(hi, hi2, 0xee)};
        __asm__ volatile("" : "+r"(at)); /* else v stays loaded for the other rows, and spills */
        HEW_UNROLL for (int i = 0; i < m; i++)
            HEW_UNROLL for (int t = 0; t < 4; t++)
                sum[i] = vf_fma(vf_set(vector(b, i, at)[t]), c[t], sum[i]);
    }
}

/* Single products from byte `at` to `end` of rows j to j + 7; rows past the last repeat it. */
static __attribute__((noinline)) void add_singles(const hew_gemv_f32_block *b, size_t j, size_t at,
                                                  size_t end, vf sum[HEW_GEMV_M])
{
    for (; at < end; at += sizeof(float)) {
        float column[ROWS];
        for (size_t r = 0; r < ROWS; r++)
            column[r] = *(const float *)((const char *)b->x +
                                         hew_min(j + r, b->n - 1) * b->x_stride + at);
        for (int i = 0; i < b->m; i++)
            sum[i] = vf_fma(vf_set(*vector(b, i, at)), vf_load(column), sum[i]);
    }
}

/* Rows from `from` on of the eight at j. */
HEW_INLINE void store_sums(const hew_gemv_f32_block *b, size_t j, size_t from, const int m,
                           const vf sum[HEW_GEMV_M])
{
    const int skip = from > j ? (int)hew_min(from - j, ROWS) : 0;
    const int count = b->n > j ? (int)hew_min(b->n - j, ROWS) : 0;
    const vf_mask mask = _mm256_andnot_si256(vf_first(skip), vf_first(count));
    HEW_UNROLL for (int i = 0; i < m; i++) {
        char *total = (char *)(b->sums + j) + (size_t)i * b->sums_stride;
        vf v = sum[i];
        if (b->add)
            v = vf_add(vf_load_masked(mask, total), v);
        vf_store_masked(mask, total, v);
    }
}

/* Rows j to j + 15, all of which there are; those before `from` are done already. */
HEW_INLINE void sixteen_rows(const hew_gemv_f32_block *b, size_t j, size_t from, const int m)
{
    const size_t line = LINE * sizeof(float), quad = 4 * sizeof(float);
    const size_t end = b->k * sizeof(float);
    const char *x = (const char *)b->x + j * b->x_stride, *x8 = x + ROWS * b->x_stride;
    vf lo[HEW_GEMV_M], hi[HEW_GEMV_M];
    HEW_UNROLL for (int i = 0; i < m; i++)
        lo[i] = hi[i] = vf_zero();
    size_t at = 0;
    for (; at + line <= end; at += line) {
        add_quads(b, x + at, at, LINE / 4, m, lo);
        add_quads(b, x8 + at, at, LINE / 4, m, hi);
    }
    for (; at + quad <= end; at += quad) {
        add_quads(b, x + at, at, 1, m, lo);
        add_quads(b, x8 + at, at, 1, m, hi);
    }
    if (at < end) {
        vf rest[2][HEW_GEMV_M];
        HEW_UNROLL for (int i = 0; i < m; i++) {
            rest[0][i] = lo[i];
            rest[1][i] = hi[i];
        }
        add_singles(b, j, at, end, rest[0]);
        add_singles(b, j + ROWS, at, end, rest[1]);
        HEW_UNROLL for (int i = 0; i < m; i++) {
            lo[i] = rest[0][i];
            hi[i] = rest[1][i];
        }
    }
    store_sums(b, j, from, m, lo);
    store_sums(b, j + ROWS, from, m, hi);
}

HEW_INLINE void dots(const hew_gemv_f32_block *b, const int m)
{
    if (b->n >= 2 * ROWS) {
        for (size_t j = 0; j < b->n; j += 2 * ROWS)
            sixteen_rows(b, hew_min(j, b->n - 2 * ROWS), j, m);
        return;
    }
    for (size_t j = 0; j < b->n; j += ROWS) {
        vf sum[HEW_GEMV_M];
        HEW_UNROLL for (int i = 0; i < m; i++)
            sum[i] = vf_zero();
        add_singles(b, j, 0, b->k * sizeof(float), sum);
        store_sums(b, j, j, m, sum);
    }
}

#define DOTS_M(m)                                                                                  \
    static __attribute__((noinline)) void dots_##m(const hew_gemv_f32_block *b) { dots(b, m); }
DOTS_M(1)
DOTS_M(2)
DOTS_M(3)
DOTS_M(4)

void hew_dots_f32_avx2(const hew_gemv_f32_block *b)
{
    static dots_f32_fn *const fn[] = {dots_1, dots_2, dots_3, dots_4};
    fn[b->m - 1](b);
}
