/* reg_ymm.h - reg.h for 256-bit registers: narrow matrices, with AVX-512VL's masks. */
#ifndef HEW_REG_H
#define HEW_REG_H

#include <immintrin.h>

#include "core.h"

enum { LANES = 8 };
typedef __m256 vf;
typedef __mmask8 vf_mask;
enum { MASKED_STORES_ARE_CHEAP = 1 };

/* The first n lanes; n may be out of range. */
HEW_INLINE vf_mask vf_first(int n)
{
    return n >= LANES ? 0xff : n <= 0 ? 0 : (vf_mask)((1u << n) - 1);
}
HEW_INLINE vf vf_zero(void) { return _mm256_setzero_ps(); }
HEW_INLINE vf vf_set(float x) { return _mm256_set1_ps(x); }
HEW_INLINE vf vf_load(const void *p) { return _mm256_loadu_ps(p); }
HEW_INLINE vf vf_load_masked(vf_mask m, const void *p) { return _mm256_maskz_loadu_ps(m, p); }
HEW_INLINE void vf_store(void *p, vf x) { _mm256_storeu_ps(p, x); }
HEW_INLINE void vf_store_masked(vf_mask m, void *p, vf x) { _mm256_mask_storeu_ps(p, m, x); }
HEW_INLINE vf vf_add(vf a, vf b) { return _mm256_add_ps(a, b); }
HEW_INLINE vf vf_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
HEW_INLINE vf vf_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); } /* a b + c */
/* Of two, where either is NaN or both are zero, the second. */
HEW_INLINE vf vf_min(vf a, vf b) { return _mm256_min_ps(a, b); }
HEW_INLINE vf vf_max(vf a, vf b) { return _mm256_max_ps(a, b); }

#endif
