/* reg_s32.h - reg.h's register as 32-bit integers, for sums of products of bytes. */
#ifndef HEW_REG_S32_H
#define HEW_REG_S32_H

#include "reg.h"

/* Not __m256i, whose lanes are of 64 bits: gcc 12 would copy every sum between the two types in
 * every iteration, through the stack. */
typedef int32_t vi __attribute__((vector_size(32)));

HEW_INLINE vi vi_zero(void) { return (vi)_mm256_setzero_si256(); }
HEW_INLINE vi vi_set(int32_t x) { return (vi)_mm256_set1_epi32(x); }
HEW_INLINE vi vi_load(const void *p) { return (vi)_mm256_loadu_si256(p); }
HEW_INLINE vi vi_load_masked(vf_mask m, const void *p) { return (vi)_mm256_maskload_epi32(p, m); }
HEW_INLINE void vi_store(void *p, vi x) { _mm256_storeu_si256(p, (__m256i)x); }
HEW_INLINE void vi_store_masked(vf_mask m, void *p, vi x)
{
    _mm256_maskstore_epi32(p, m, (__m256i)x);
}
/* Modulo 2^32. */
HEW_INLINE vi vi_add(vi a, vi b) { return (vi)_mm256_add_epi32((__m256i)a, (__m256i)b); }
HEW_INLINE vi vi_sub(vi a, vi b) { return (vi)_mm256_sub_epi32((__m256i)a, (__m256i)b); }
HEW_INLINE vi vi_mul(vi a, vi b) { return (vi)_mm256_mullo_epi32((__m256i)a, (__m256i)b); }
HEW_INLINE vi vi_xor(vi a, vi b) { return (vi)_mm256_xor_si256((__m256i)a, (__m256i)b); }

/* LANES bytes, each in the low byte of its lane under zeros. */
HEW_INLINE vi vi_load_bytes(const void *p) { return (vi)_mm256_cvtepu8_epi32(_mm_loadl_epi64(p)); }
/* The lanes' low bytes. */
HEW_INLINE __m128i vi_low_bytes(vi x)
{
    const __m128i low = _mm_setr_epi8(0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12);
    const __m256i halves = _mm256_shuffle_epi8((__m256i)x, _mm256_broadcastsi128_si256(low));
    return _mm_unpacklo_epi32(_mm256_castsi256_si128(halves),
                              _mm256_extracti128_si256(halves, 1));
}
HEW_INLINE void vi_store_bytes(void *p, vi x) { _mm_storel_epi64(p, vi_low_bytes(x)); }

/* There are no masks for bytes: one after the other, of the first lanes. */
HEW_INLINE unsigned vf_bits(vf_mask m)
{
    return (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(m));
}
HEW_INLINE vi vi_load_bytes_masked(vf_mask m, const void *p)
{
    uint64_t bytes = 0;
    for (int i = 0; vf_bits(m) >> i & 1; i++)
        bytes |= (uint64_t)((const uint8_t *)p)[i] << 8 * i;
    return (vi)_mm256_cvtepu8_epi32(_mm_cvtsi64_si128((int64_t)bytes));
}
HEW_INLINE void vi_store_bytes_masked(vf_mask m, void *p, vi x)
{
    const uint64_t bytes = (uint64_t)_mm_cvtsi128_si64(vi_low_bytes(x));
    for (int i = 0; vf_bits(m) >> i & 1; i++)
        ((uint8_t *)p)[i] = (uint8_t)(bytes >> 8 * i);
}

/* Rounded as MXCSR says. */
HEW_INLINE vf vf_of(vi x) { return _mm256_cvtepi32_ps((__m256i)x); }
/* Half to even, whatever MXCSR says, of |x| < 2^31; a NaN gives INT32_MIN, whose low byte is 0. */
HEW_INLINE vi vi_round(vf x)
{
    return (vi)_mm256_cvtps_epi32(
        _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

/* What is added to rounded results before they are bytes, and the bytes' least and largest, in
 * 16 bits. */
enum { HAS_PLAIN_BYTES = 0 };
typedef struct byte_range {
    __m256i zero, lo, hi;
} byte_range;
HEW_INLINE byte_range byte_range_set(bool is_signed, int32_t zero, int32_t lo, int32_t hi)
{
    (void)is_signed; /* the low byte of what is in the range is the same */
    return (byte_range){_mm256_set1_epi16((short)zero), _mm256_set1_epi16((short)lo),
                        _mm256_set1_epi16((short)hi)};
}

/* x0 | x1 of nv registers as bytes.  Packing saturates, and leaves each 128 bits four words of x0
 * and four of x1. */
HEW_INLINE void vi_store_row_of_bytes(void *p, int n, const int nv, vi x0, vi x1, vi x2, vi x3,
                                      const bool plain, const byte_range *r)
{
    (void)plain;
    (void)x2, (void)x3; /* tiles of these registers have no more than two columns of them */
    (void)n; /* all of them: nv * LANES */
    const __m256i low = _mm256_set1_epi64x(0x0e0c0a0806040200);
    __m256i x = _mm256_adds_epi16(_mm256_packs_epi32((__m256i)x0, (__m256i)x1), r->zero);
    x = _mm256_min_epi16(_mm256_max_epi16(x, r->lo), r->hi);
    x = _mm256_shuffle_epi8(x, low);
    const __m128i bytes = _mm_unpacklo_epi32(_mm256_castsi256_si128(x),
                                             _mm256_extracti128_si256(x, 1));
    if (nv > 1)
        _mm_storeu_si128(p, bytes);
    else
        _mm_storel_epi64(p, bytes);
}

#endif
