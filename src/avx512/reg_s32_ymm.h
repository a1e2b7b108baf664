/* reg_s32_ymm.h - reg_s32.h for the registers of reg_ymm.h. */
#ifndef HEW_REG_S32_H
#define HEW_REG_S32_H

#include "reg_ymm.h"

typedef int32_t vi __attribute__((vector_size(32))); /* not __m256i: see reg_s32.h */

HEW_INLINE vi vi_zero(void) { return (vi)_mm256_setzero_si256(); }
HEW_INLINE vi vi_set(int32_t x) { return (vi)_mm256_set1_epi32(x); }
HEW_INLINE vi vi_load(const void *p) { return (vi)_mm256_loadu_si256(p); }
HEW_INLINE vi vi_load_masked(vf_mask m, const void *p)
{
    return (vi)_mm256_maskz_loadu_epi32(m, p);
}
HEW_INLINE void vi_store(void *p, vi x) { _mm256_storeu_si256(p, (__m256i)x); }
HEW_INLINE void vi_store_masked(vf_mask m, void *p, vi x)
{
    _mm256_mask_storeu_epi32(p, m, (__m256i)x);
}
/* Modulo 2^32. */
HEW_INLINE vi vi_add(vi a, vi b) { return (vi)_mm256_add_epi32((__m256i)a, (__m256i)b); }
HEW_INLINE vi vi_sub(vi a, vi b) { return (vi)_mm256_sub_epi32((__m256i)a, (__m256i)b); }
HEW_INLINE vi vi_mul(vi a, vi b) { return (vi)_mm256_mullo_epi32((__m256i)a, (__m256i)b); }
HEW_INLINE vi vi_xor(vi a, vi b) { return (vi)_mm256_xor_si256((__m256i)a, (__m256i)b); }

/* LANES bytes, each in the low byte of its lane under zeros. */
HEW_INLINE vi vi_load_bytes(const void *p) { return (vi)_mm256_cvtepu8_epi32(_mm_loadl_epi64(p)); }
HEW_INLINE vi vi_load_bytes_masked(vf_mask m, const void *p)
{
    return (vi)_mm256_cvtepu8_epi32(_mm_maskz_loadu_epi8(m, p));
}
/* The lanes' low bytes. */
HEW_INLINE void vi_store_bytes(void *p, vi x)
{
    _mm_storel_epi64(p, _mm256_cvtepi32_epi8((__m256i)x));
}
HEW_INLINE void vi_store_bytes_masked(vf_mask m, void *p, vi x)
{
    _mm_mask_storeu_epi8(p, m, _mm256_cvtepi32_epi8((__m256i)x));
}

/* Rounded as MXCSR says. */
HEW_INLINE vf vf_of(vi x) { return _mm256_cvtepi32_ps((__m256i)x); }
/* Half to even, whatever MXCSR says, of |x| < 2^31; a NaN gives INT32_MIN, whose low byte is 0. */
HEW_INLINE vi vi_round(vf x)
{
    return (vi)_mm256_cvtps_epi32(
        _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

/* What is added to rounded results before they are bytes, and the bytes' least and largest. */
enum { HAS_PLAIN_BYTES = 0 };
typedef struct byte_range {
    vi zero, lo, hi;
} byte_range;
HEW_INLINE byte_range byte_range_set(bool is_signed, int32_t zero, int32_t lo, int32_t hi)
{
    (void)is_signed; /* the low byte of what is in the range is the same */
    return (byte_range){vi_set(zero), vi_set(lo), vi_set(hi)};
}

HEW_INLINE vi vi_in_range(vi x, const byte_range *r)
{
    const __m256i v = (__m256i)vi_add(x, r->zero);
    return (vi)_mm256_min_epi32(_mm256_max_epi32(v, (__m256i)r->lo), (__m256i)r->hi);
}

/* x0 | x1 of nv registers as n bytes. */
HEW_INLINE void vi_store_row_of_bytes(void *p, int n, const int nv, vi x0, vi x1, vi x2, vi x3,
                                      const bool plain, const byte_range *r)
{
    (void)plain;
    (void)x2, (void)x3; /* tiles of these registers have no more than two columns of them */
    (void)nv, (void)x1; /* one */
    if (n == LANES)
        vi_store_bytes(p, vi_in_range(x0, r)); /* a mask for bytes costs Zen 4 several stores */
    else
        vi_store_bytes_masked(vf_first(n), p, vi_in_range(x0, r));
}

#endif
