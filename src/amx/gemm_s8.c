/*
 * gemm_u8s8, gemm_s8s8 - integer matrix kernels.  ISA: AMX-INT8.
 * The body: gemm_tiles.h; the epilogue: src/simd/gemm_s8.h.
 *
 * Both signs of A have their instruction: nothing is added to A of s8.
 */
#include "../avx512/reg_s32.h"

enum { KEEPS_SUMS = 1 };

#include "../simd/gemm_s8.h"

/* What the columns of a row's registers need, and the row's sums with it. */
typedef struct columns {
    vf_mask mask[MAX_NV];
    vi add_to_all[MAX_NV];
    column col[MAX_NV];
} columns;

HEW_INLINE columns columns_of(const hew_gemm_tile *t, const int nv)
{
    const hew_quant *q = t->quant;
    columns c;
    HEW_UNROLL for (int j = 0; j < nv; j++) {
        c.mask[j] = vf_first(t->n - LANES * j);
        c.add_to_all[j] = correction(q, q->a_zero, OFFSET(j), false, c.mask[j]);
        if (q->c_type != HEW_S32)
            c.col[j] = quantised_column_of(q, t->epilogue, OFFSET(j), false, c.mask[j]);
    }
    return c;
}
HEW_INLINE vi whole_sum(const columns *c, const char *from, const int j)
{
    return vi_add(vi_load(from + OFFSET(j)), c->add_to_all[j]);
}

/* Rows of 16 nv bytes that lie in one register, the first n of each to C. */
HEW_INLINE void store_rows(char *const *c, int n, const int nv, __m512i bytes)
{
    const uint64_t mask = ~(uint64_t)0 >> (64 - n);
    if (nv == 4 && n == 64)
        _mm512_storeu_si512(c[0], bytes);
    else if (nv == 4)
        _mm512_mask_storeu_epi8(c[0], mask, bytes);
    else if (nv == 2 && n == 32) {
        _mm256_storeu_si256((__m256i *)c[0], _mm512_castsi512_si256(bytes));
        _mm256_storeu_si256((__m256i *)c[1], _mm512_extracti64x4_epi64(bytes, 1));
    } else if (nv == 2) {
        _mm256_mask_storeu_epi8(c[0], (__mmask32)mask, _mm512_castsi512_si256(bytes));
        _mm256_mask_storeu_epi8(c[1], (__mmask32)mask, _mm512_extracti64x4_epi64(bytes, 1));
    } else {
        _mm_mask_storeu_epi8(c[0], (__mmask16)mask, _mm512_castsi512_si128(bytes));
        _mm_mask_storeu_epi8(c[1], (__mmask16)mask, _mm512_extracti32x4_epi32(bytes, 1));
        _mm_mask_storeu_epi8(c[2], (__mmask16)mask, _mm512_extracti32x4_epi32(bytes, 2));
        _mm_mask_storeu_epi8(c[3], (__mmask16)mask, _mm512_extracti32x4_epi32(bytes, 3));
    }
}

/* Tame bytes: as many rows as are one register of them.  Of the last rows, the last one stands for
 * those that there aren't. */
HEW_INLINE void group_of_bytes(const hew_gemm_tile *t, const int nv, const bool adds,
                               const columns *cs, const byte_range *limits, const int first,
                               const bool all)
{
    vi x[MAX_NV];
    char *c[MAX_NV];
    HEW_UNROLL for (int r = 0; r < MAX_NV / nv; r++) {
        const size_t i = (size_t)(all || first + r < t->m ? first + r : t->m - 1);
        const char *from = (const char *)t->partial + i * OFFSET(nv);
        c[r] = (char *)t->c + i * t->c_stride;
        HEW_UNROLL for (int j = 0; j < nv; j++) {
            const column *col = &cs->col[j];
            vf v = vf_fma(vf_of(whole_sum(cs, from, j)), col->scale, col->bias);
            if (adds) {
                const char *add = (const char *)t->epilogue->add + i * t->epilogue->add_stride;
                const vi bytes = vi_load_bytes_masked(cs->mask[j], add + LANES * j);
                v = vf_fma(col->beta, addend_of_bytes(t->quant, bytes), v);
            }
            x[r * nv + j] = vi_round(v);
        }
    }
    store_rows(c, t->n, nv, vi_to_bytes(MAX_NV, x[0], x[1], x[2], x[3], false, limits));
}

HEW_INLINE void rows_of_bytes(const hew_gemm_tile *tile, const int nv, const bool adds)
{
    const hew_gemm_tile t = *tile;
    const columns cs = columns_of(&t, nv);
    const byte_range limits = byte_range_of(t.quant);
    int i = 0;
    for (; i + MAX_NV / nv <= t.m; i += MAX_NV / nv)
        group_of_bytes(&t, nv, adds, &cs, &limits, i, true);
    if (i < t.m)
        group_of_bytes(&t, nv, adds, &cs, &limits, i, false);
}

/* Rows of S32, or of F32 with floats to add if anything. */
HEW_INLINE void rows_of_words(const hew_gemm_tile *t, const int nv)
{
    const bool s32 = t->quant->c_type == HEW_S32;
    const bool adds = !s32 && t->epilogue->add;
    const size_t c_stride = t->c_stride, add_stride = adds ? t->epilogue->add_stride : 0;
    const columns cs = columns_of(t, nv);
    const char *from = t->partial, *add = adds ? t->epilogue->add : NULL;
    char *c = t->c;
    for (int i = 0; i < t->m; i++, from += OFFSET(nv), c += c_stride, add += add_stride)
        HEW_UNROLL for (int j = 0; j < nv; j++) {
            const vi s = whole_sum(&cs, from, j);
            if (s32) {
                vi_store_masked(cs.mask[j], c + OFFSET(j), s);
                continue;
            }
            vf v = vf_fma(vf_of(s), cs.col[j].scale, cs.col[j].bias);
            if (adds)
                v = vf_fma(cs.col[j].beta, vf_load_masked(cs.mask[j], add + OFFSET(j)), v);
            vf_store_masked(cs.mask[j], c + OFFSET(j), clamp(&cs.col[j], v));
        }
}

/* All rows from their sums in memory to C. */
HEW_INLINE void finish_all(const hew_gemm_tile *t, const int nv)
{
    if (!is_common(t, nv))
        store_general(t, nv, 0);
    else if (!t->quant->tame)
        rows_of_words(t, nv);
    else if (t->epilogue->add)
        rows_of_bytes(t, nv, true);
    else
        rows_of_bytes(t, nv, false);
}

enum { UNSIGNED, SIGNED };
#define TDP(form, c, a, b)                                                                         \
    if ((form) == SIGNED)                                                                          \
        _tile_dpbssd(c, a, b);                                                                     \
    else                                                                                           \
        _tile_dpbusd(c, a, b)

#include "gemm_tiles.h"

AMX_32x32(hew_gemm_u8s8_32x32_amx, UNSIGNED)
AMX_64x16(hew_gemm_u8s8_64x16_amx, UNSIGNED)
AMX_32x32(hew_gemm_s8s8_32x32_amx, SIGNED)
AMX_64x16(hew_gemm_s8s8_64x16_amx, SIGNED)

void hew_finish_s32_amx(const hew_gemm_tile *t) { finish_rows(t, (t->n + 15) / 16); }
