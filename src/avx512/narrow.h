/*
 * narrow.h - sixteen integers between the narrow types of memory and the 32-bit lanes of simd.h.
 *
 * A count n below 16 takes the first n; memory beyond them is not touched.
 */
#ifndef HEW_NARROW_H
#define HEW_NARROW_H

#include "simd.h"

/* Half to even, whatever MXCSR says; the nearest int32_t must be one. */
HEW_INLINE i32x16 x16_round(f32x16 a)
{
    return _mm512_cvt_roundps_epi32(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
HEW_INLINE f32x16 x16_to_float(i32x16 a) { return _mm512_cvtepi32_ps(a); }

HEW_INLINE i32x16 x16_load_int(const int32_t *p) { return _mm512_loadu_si512(p); }
HEW_INLINE i32x16 x16_load_int_first(size_t n, const int32_t *p)
{
    return _mm512_maskz_loadu_epi32(x16_first(n), p);
}

/* Bytes, widened; lanes beyond n are 0. */
HEW_INLINE i32x16 x16_load_u8(const void *p)
{
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
}
HEW_INLINE i32x16 x16_load_u8_first(size_t n, const void *p)
{
    return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(x16_first(n), p));
}
HEW_INLINE i32x16 x16_load_s8(const void *p)
{
    return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p));
}
HEW_INLINE i32x16 x16_load_s8_first(size_t n, const void *p)
{
    return _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(x16_first(n), p));
}

/* The low byte of each lane. */
HEW_INLINE void x16_store_bytes(void *p, i32x16 a)
{
    _mm_storeu_si128((__m128i *)p, _mm512_cvtepi32_epi8(a));
}
HEW_INLINE void x16_store_bytes_first(size_t n, void *p, i32x16 a)
{
    _mm_mask_storeu_epi8(p, x16_first(n), _mm512_cvtepi32_epi8(a));
}

/* Sixteen elements of 16 bits: one register everywhere. */
HEW_INLINE __m256i x16_load_halves(const void *p) { return _mm256_loadu_si256(p); }
HEW_INLINE __m256i x16_load_halves_first(size_t n, const void *p)
{
    return _mm256_maskz_loadu_epi16(x16_first(n), p);
}
HEW_INLINE void x16_store_halves(void *p, __m256i a) { _mm256_storeu_si256(p, a); }
HEW_INLINE void x16_store_halves_first(size_t n, void *p, __m256i a)
{
    _mm256_mask_storeu_epi16(p, x16_first(n), a);
}

/* The upper half of each lane, and lanes of such a half and zeros. */
HEW_INLINE __m256i x16_upper(i32x16 a)
{
    const __m512i odd = _mm512_castsi256_si512(_mm256_setr_epi16(
        1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31));
    return _mm512_castsi512_si256(_mm512_permutexvar_epi16(odd, a));
}
HEW_INLINE i32x16 x16_from_upper(__m256i a)
{
    return _mm512_slli_epi32(_mm512_cvtepu16_epi32(a), 16);
}

/* f16: to nearest, ties to even, whatever MXCSR says; denormals are kept, NaNs quieted. */
HEW_INLINE __m256i x16_to_f16(f32x16 a)
{
    return _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
HEW_INLINE f32x16 x16_from_f16(__m256i a) { return _mm512_cvtph_ps(a); }

#endif
