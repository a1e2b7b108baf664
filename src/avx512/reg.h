/* reg.h - one AVX-512 register of floats, under names that src/simd's kernels are written in. */
#ifndef HEW_REG_H
#define HEW_REG_H

#include <immintrin.h>

#include "core.h"

enum { LANES = 16 };
typedef __m512 vf;
typedef __mmask16 vf_mask;
enum { MASKED_STORES_ARE_CHEAP = 1 };

/* The first n lanes; n may be out of range. */
HEW_INLINE vf_mask vf_first(int n)
{
    return n >= LANES ? 0xffff : n <= 0 ? 0 : (vf_mask)((1u << n) - 1);
}
HEW_INLINE vf vf_zero(void) { return _mm512_setzero_ps(); }
HEW_INLINE vf vf_set(float x) { return _mm512_set1_ps(x); }
HEW_INLINE vf vf_load(const void *p) { return _mm512_loadu_ps(p); }
HEW_INLINE vf vf_load_masked(vf_mask m, const void *p) { return _mm512_maskz_loadu_ps(m, p); }
HEW_INLINE void vf_store(void *p, vf x) { _mm512_storeu_ps(p, x); }
HEW_INLINE void vf_store_masked(vf_mask m, void *p, vf x) { _mm512_mask_storeu_ps(p, m, x); }
HEW_INLINE vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
HEW_INLINE vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
HEW_INLINE vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); } /* a b + c */
/* Lane i is x's lane index[i]. */
typedef __m512i vf_index;
HEW_INLINE vf vf_permute(vf x, vf_index index) { return _mm512_permutexvar_ps(index, x); }
/* p[lane] - base. */
HEW_INLINE vf_index vf_index_load(const int32_t *p, int32_t base)
{
    return _mm512_sub_epi32(_mm512_loadu_si512(p), _mm512_set1_epi32(base));
}
/* lane - lane % group + i, for a power of two. */
HEW_INLINE vf_index vf_index_group(int group, int i)
{
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return _mm512_add_epi32(_mm512_and_si512(lane, _mm512_set1_epi32(-group)),
                            _mm512_set1_epi32(i));
}
/* Of two, where either is NaN or both are zero, the second. */
HEW_INLINE vf vf_min(vf a, vf b) { return _mm512_min_ps(a, b); }
HEW_INLINE vf vf_max(vf a, vf b) { return _mm512_max_ps(a, b); }

#endif
