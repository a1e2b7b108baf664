/* reg.h - one AVX2 register of floats, under names that src/simd's kernels are written in. */
#ifndef HEW_REG_H
#define HEW_REG_H

#include <immintrin.h>

#include "core.h"

enum { LANES = 8 };
typedef __m256 vf;
typedef __m256i vf_mask;
enum { MASKED_STORES_ARE_CHEAP = 0 }; /* AMD takes vmaskmovps apart */

/* The first n lanes; n may be out of range. */
HEW_INLINE vf_mask vf_first(int n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
HEW_INLINE vf vf_zero(void) { return _mm256_setzero_ps(); }
HEW_INLINE vf vf_set(float x) { return _mm256_set1_ps(x); }
HEW_INLINE vf vf_load(const void *p) { return _mm256_loadu_ps(p); }
HEW_INLINE vf vf_load_masked(vf_mask m, const void *p) { return _mm256_maskload_ps(p, m); }
HEW_INLINE void vf_store(void *p, vf x) { _mm256_storeu_ps(p, x); }
HEW_INLINE void vf_store_masked(vf_mask m, void *p, vf x) { _mm256_maskstore_ps(p, m, x); }
HEW_INLINE vf vf_add(vf a, vf b) { return _mm256_add_ps(a, b); }
HEW_INLINE vf vf_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
HEW_INLINE vf vf_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); } /* a b + c */
/* Lane i is x's lane index[i]. */
typedef __m256i vf_index;
HEW_INLINE vf vf_permute(vf x, vf_index index) { return _mm256_permutevar8x32_ps(x, index); }
/* p[lane] - base. */
HEW_INLINE vf_index vf_index_load(const int32_t *p, int32_t base)
{
    return _mm256_sub_epi32(_mm256_loadu_si256((const __m256i *)p), _mm256_set1_epi32(base));
}
/* lane - lane % group + i, for a power of two. */
HEW_INLINE vf_index vf_index_group(int group, int i)
{
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_add_epi32(_mm256_and_si256(lane, _mm256_set1_epi32(-group)),
                            _mm256_set1_epi32(i));
}
/* Of two, where either is NaN or both are zero, the second. */
HEW_INLINE vf vf_min(vf a, vf b) { return _mm256_min_ps(a, b); }
HEW_INLINE vf vf_max(vf a, vf b) { return _mm256_max_ps(a, b); }

#endif
