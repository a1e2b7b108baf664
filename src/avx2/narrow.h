/*
 * narrow.h - sixteen integers between the narrow types of memory and the 32-bit lanes of simd.h.
 *
 * src/avx512/narrow.h has the same names over one register and says what they promise.
 */
#ifndef HEW_NARROW_H
#define HEW_NARROW_H

#include <string.h>

#include "simd.h"

HEW_INLINE __m256i x16_round_half(__m256 a)
{
    const __m256 whole = _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    return _mm256_cvttps_epi32(whole);
}
HEW_INLINE i32x16 x16_round(f32x16 a)
{
    return (i32x16){x16_round_half(a.lo), x16_round_half(a.hi)};
}
HEW_INLINE f32x16 x16_to_float(i32x16 a)
{
    return (f32x16){_mm256_cvtepi32_ps(a.lo), _mm256_cvtepi32_ps(a.hi)};
}

HEW_INLINE i32x16 x16_load_int(const int32_t *p)
{
    return (i32x16){_mm256_loadu_si256((const __m256i *)p),
                    _mm256_loadu_si256((const __m256i *)(p + 8))};
}
HEW_INLINE i32x16 x16_load_int_first(size_t n, const int32_t *p)
{
    const mask16 m = x16_first(n);
    return (i32x16){_mm256_maskload_epi32(p, m.lo), _mm256_maskload_epi32(p + 8, m.hi)};
}

/* AVX2 has no masks for bytes: the first `bytes` < 16 are 8, 4, 2, 1 of them. */
HEW_INLINE __m128i bytes_first(size_t bytes, const char *p)
{
    __m128i a = _mm_setzero_si128();
    if (bytes & 1)
        a = _mm_cvtsi32_si128((uint8_t)p[bytes - 1]);
    if (bytes & 2) {
        uint16_t two;
        memcpy(&two, p + (bytes & 12), 2);
        a = _mm_or_si128(_mm_slli_si128(a, 2), _mm_cvtsi32_si128(two));
    }
    if (bytes & 4) {
        int32_t four;
        memcpy(&four, p + (bytes & 8), 4);
        a = _mm_unpacklo_epi32(_mm_cvtsi32_si128(four), a);
    }
    return bytes & 8 ? _mm_unpacklo_epi64(_mm_loadl_epi64((const __m128i *)p), a) : a;
}
HEW_INLINE void bytes_store(size_t bytes, char *p, __m128i a)
{
    if (bytes & 8) {
        _mm_storel_epi64((__m128i *)p, a);
        a = _mm_unpackhi_epi64(a, a);
        p += 8;
    }
    if (bytes & 4) {
        memcpy(p, &(int32_t){_mm_cvtsi128_si32(a)}, 4);
        a = _mm_srli_si128(a, 4);
        p += 4;
    }
    if (bytes & 2) {
        memcpy(p, &(int16_t){(int16_t)_mm_cvtsi128_si32(a)}, 2);
        a = _mm_srli_si128(a, 2);
        p += 2;
    }
    if (bytes & 1)
        *p = (char)_mm_cvtsi128_si32(a);
}

HEW_INLINE i32x16 x16_widen_u8(__m128i a)
{
    return (i32x16){_mm256_cvtepu8_epi32(a), _mm256_cvtepu8_epi32(_mm_unpackhi_epi64(a, a))};
}
HEW_INLINE i32x16 x16_load_u8(const void *p) { return x16_widen_u8(_mm_loadu_si128(p)); }
HEW_INLINE i32x16 x16_load_u8_first(size_t n, const void *p)
{
    return x16_widen_u8(bytes_first(n, p));
}
HEW_INLINE i32x16 x16_widen_s8(__m128i a)
{
    return (i32x16){_mm256_cvtepi8_epi32(a), _mm256_cvtepi8_epi32(_mm_unpackhi_epi64(a, a))};
}
HEW_INLINE i32x16 x16_load_s8(const void *p) { return x16_widen_s8(_mm_loadu_si128(p)); }
HEW_INLINE i32x16 x16_load_s8_first(size_t n, const void *p)
{
    return x16_widen_s8(bytes_first(n, p));
}

/* Packing works in halves of a register and leaves lanes 0-3, 8-11, 4-7, 12-15. */
HEW_INLINE __m256i x16_in_order(__m256i packed) { return _mm256_permute4x64_epi64(packed, 0xd8); }

HEW_INLINE __m128i x16_low_bytes(i32x16 a)
{
    const i32x16 byte = x16_and_int(a, x16_set_int(0xff));
    const __m256i halves = x16_in_order(_mm256_packs_epi32(byte.lo, byte.hi));
    return _mm_packus_epi16(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
}
HEW_INLINE void x16_store_bytes(void *p, i32x16 a)
{
    _mm_storeu_si128((__m128i *)p, x16_low_bytes(a));
}
HEW_INLINE void x16_store_bytes_first(size_t n, void *p, i32x16 a)
{
    bytes_store(n, p, x16_low_bytes(a));
}

HEW_INLINE __m256i x16_upper(i32x16 a)
{
    return x16_in_order(
        _mm256_packus_epi32(_mm256_srli_epi32(a.lo, 16), _mm256_srli_epi32(a.hi, 16)));
}
HEW_INLINE i32x16 x16_from_upper(__m256i a)
{
    const __m128i low = _mm256_castsi256_si128(a), high = _mm256_extracti128_si256(a, 1);
    return x16_shift_up((i32x16){_mm256_cvtepu16_epi32(low), _mm256_cvtepu16_epi32(high)}, 16);
}

HEW_INLINE __m256i x16_load_halves(const void *p) { return _mm256_loadu_si256(p); }
HEW_INLINE __m256i x16_load_halves_first(size_t n, const void *p)
{
    if (n < 8)
        return _mm256_zextsi128_si256(bytes_first(2 * n, p));
    return _mm256_setr_m128i(_mm_loadu_si128(p), bytes_first(2 * n - 16, (const char *)p + 16));
}
HEW_INLINE void x16_store_halves(void *p, __m256i a) { _mm256_storeu_si256(p, a); }
HEW_INLINE void x16_store_halves_first(size_t n, void *p, __m256i a)
{
    const __m128i low = _mm256_castsi256_si128(a);
    if (n < 8) {
        bytes_store(2 * n, p, low);
        return;
    }
    _mm_storeu_si128(p, low);
    bytes_store(2 * n - 16, (char *)p + 16, _mm256_extracti128_si256(a, 1));
}

HEW_INLINE __m256i x16_to_f16(f32x16 a)
{
    return _mm256_setr_m128i(_mm256_cvtps_ph(a.lo, _MM_FROUND_TO_NEAREST_INT),
                             _mm256_cvtps_ph(a.hi, _MM_FROUND_TO_NEAREST_INT));
}
HEW_INLINE f32x16 x16_from_f16(__m256i a)
{
    return (f32x16){_mm256_cvtph_ps(_mm256_castsi256_si128(a)),
                    _mm256_cvtph_ps(_mm256_extracti128_si256(a, 1))};
}

#endif
