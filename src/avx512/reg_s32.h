/* reg_s32.h - reg.h's register as 32-bit integers, for sums of products of bytes. */
#ifndef HEW_REG_S32_H
#define HEW_REG_S32_H

#include "reg.h"

/* Not __m512i, whose lanes are of 64 bits: gcc 12 would copy every sum between the two types in
 * every iteration, through the stack. */
typedef int32_t vi __attribute__((vector_size(64)));

HEW_INLINE vi vi_zero(void) { return (vi)_mm512_setzero_si512(); }
HEW_INLINE vi vi_set(int32_t x) { return (vi)_mm512_set1_epi32(x); }
HEW_INLINE vi vi_load(const void *p) { return (vi)_mm512_loadu_si512(p); }
HEW_INLINE vi vi_load_masked(vf_mask m, const void *p)
{
    return (vi)_mm512_maskz_loadu_epi32(m, p);
}
HEW_INLINE void vi_store(void *p, vi x) { _mm512_storeu_si512(p, (__m512i)x); }
HEW_INLINE void vi_store_masked(vf_mask m, void *p, vi x)
{
    _mm512_mask_storeu_epi32(p, m, (__m512i)x);
}
/* Modulo 2^32. */
HEW_INLINE vi vi_add(vi a, vi b) { return (vi)_mm512_add_epi32((__m512i)a, (__m512i)b); }
HEW_INLINE vi vi_sub(vi a, vi b) { return (vi)_mm512_sub_epi32((__m512i)a, (__m512i)b); }
HEW_INLINE vi vi_mul(vi a, vi b) { return (vi)_mm512_mullo_epi32((__m512i)a, (__m512i)b); }
HEW_INLINE vi vi_xor(vi a, vi b) { return (vi)_mm512_xor_si512((__m512i)a, (__m512i)b); }

/* LANES bytes, each in the low byte of its lane under zeros. */
HEW_INLINE vi vi_load_bytes(const void *p) { return (vi)_mm512_cvtepu8_epi32(_mm_loadu_si128(p)); }
HEW_INLINE vi vi_load_bytes_masked(vf_mask m, const void *p)
{
    return (vi)_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(m, p));
}
/* The lanes' low bytes. */
HEW_INLINE void vi_store_bytes(void *p, vi x)
{
    _mm_storeu_si128(p, _mm512_cvtepi32_epi8((__m512i)x));
}
HEW_INLINE void vi_store_bytes_masked(vf_mask m, void *p, vi x)
{
    _mm_mask_storeu_epi8(p, m, _mm512_cvtepi32_epi8((__m512i)x));
}

/* Rounded as MXCSR says. */
HEW_INLINE vf vf_of(vi x) { return _mm512_cvtepi32_ps((__m512i)x); }
/* Half to even, whatever MXCSR says, of |x| < 2^31; a NaN gives INT32_MIN, whose low byte is 0. */
HEW_INLINE vi vi_round(vf x)
{
    return (vi)_mm512_cvt_roundps_epi32(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* What is added to rounded results before they are bytes, and the bytes' least and largest.  Signed
 * ones are unsigned for a while, 128 higher. */
enum { HAS_PLAIN_BYTES = 1 };
typedef struct byte_range {
    __m512i zero, lo, hi, flip; /* s16, bytes, bytes, bytes */
} byte_range;
HEW_INLINE byte_range byte_range_set(bool is_signed, int32_t zero, int32_t lo, int32_t hi)
{
    const int32_t up = is_signed ? 128 : 0;
    return (byte_range){_mm512_set1_epi16((short)(zero + up)), _mm512_set1_epi8((char)(lo + up)),
                        _mm512_set1_epi8((char)(hi + up)), _mm512_set1_epi8((char)up)};
}

/* x0 | x1 | .. of nv registers as bytes; plain ones are u8 with nothing to add and no other limits.
 * Packing saturates twice, and leaves dword j of each 128 bits four bytes of register j. */
HEW_INLINE __m512i vi_to_bytes(const int nv, vi x0, vi x1, vi x2, vi x3, const bool plain,
                               const byte_range *r)
{
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i low = _mm512_packs_epi32((__m512i)x0, (__m512i)x1), high = low;
    if (!plain)
        high = low = _mm512_adds_epi16(low, r->zero);
    if (nv > 2)
        high = _mm512_packs_epi32((__m512i)x2, (__m512i)x3);
    if (nv > 2 && !plain)
        high = _mm512_adds_epi16(high, r->zero);
    __m512i bytes = _mm512_packus_epi16(low, high);
    if (!plain)
        bytes = _mm512_xor_si512(_mm512_min_epu8(_mm512_max_epu8(bytes, r->lo), r->hi), r->flip);
    return _mm512_permutexvar_epi32(order, bytes);
}

/* The first n of them. */
HEW_INLINE void vi_store_row_of_bytes(void *p, int n, const int nv, vi x0, vi x1, vi x2, vi x3,
                                      const bool plain, const byte_range *r)
{
    const __m512i bytes = vi_to_bytes(nv, x0, x1, x2, x3, plain, r);
    /* Whole registers without a mask: for bytes that costs Zen 4 several stores. */
    if (n == 64)
        _mm512_storeu_si512(p, bytes);
    else if (n == 32)
        _mm256_storeu_si256(p, _mm512_castsi512_si256(bytes));
    else if (n == 16)
        _mm_storeu_si128(p, _mm512_castsi512_si128(bytes));
    else
        _mm512_mask_storeu_epi8(p, ~(uint64_t)0 >> (64 - n), bytes);
}

#endif
