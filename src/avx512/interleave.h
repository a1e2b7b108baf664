/*
 * interleave.h - registers of bytes (bytes.h) interleaved to words of 32 bits (reg_s32.h), and the
 * way back.
 *
 * Both work inside quarters of 16 bytes, and take the lower or the upper half of each.
 */
#ifndef HEW_INTERLEAVE_H
#define HEW_INTERLEAVE_H

#include "bytes.h"
#include "reg_s32.h"

HEW_INLINE vb vb_zero(void) { return _mm512_setzero_si512(); }
HEW_INLINE vb vb_lower_u8(vb a, vb b) { return _mm512_unpacklo_epi8(a, b); }
HEW_INLINE vb vb_upper_u8(vb a, vb b) { return _mm512_unpackhi_epi8(a, b); }
HEW_INLINE vb vb_lower_u16(vb a, vb b) { return _mm512_unpacklo_epi16(a, b); }
HEW_INLINE vb vb_upper_u16(vb a, vb b) { return _mm512_unpackhi_epi16(a, b); }
/* Saturating: s32 to s16, s16 to u8. */
HEW_INLINE vb vw_pack(vi a, vi b) { return _mm512_packs_epi32((__m512i)a, (__m512i)b); }
HEW_INLINE vb vb_pack(vb a, vb b) { return _mm512_packus_epi16(a, b); }
HEW_INLINE vb vw_add_saturated(vb a, vb b) { return _mm512_adds_epi16(a, b); }

/* Quarter i has bytes from in + from[i], of which count[i] are read, as `index` picks them. */
HEW_INLINE vb vb_spread(const uint8_t *in, const size_t from[4], const size_t count[4],
                        const uint8_t index[BYTES])
{
    __m128i q[4];
    HEW_UNROLL for (int i = 0; i < 4; i++)
        q[i] = _mm_maskz_loadu_epi8((__mmask16)((1u << count[i]) - 1), in + from[i]);
    vb x = _mm512_inserti32x4(_mm512_castsi128_si512(q[0]), q[1], 1);
    x = _mm512_inserti32x4(_mm512_inserti32x4(x, q[2], 2), q[3], 3);
    return _mm512_shuffle_epi8(x, vb_load(index));
}

/* Quarter j of x[i] becomes quarter i of x[j]. */
HEW_INLINE void vi_to_quarters(vi x[4])
{
    const __m512i a = (__m512i)x[0], b = (__m512i)x[1], c = (__m512i)x[2], d = (__m512i)x[3];
    const __m512i even_ab = _mm512_shuffle_i32x4(a, b, 0x88);
    const __m512i odd_ab = _mm512_shuffle_i32x4(a, b, 0xdd);
    const __m512i even_cd = _mm512_shuffle_i32x4(c, d, 0x88);
    const __m512i odd_cd = _mm512_shuffle_i32x4(c, d, 0xdd);
    x[0] = (vi)_mm512_shuffle_i32x4(even_ab, even_cd, 0x88);
    x[1] = (vi)_mm512_shuffle_i32x4(odd_ab, odd_cd, 0x88);
    x[2] = (vi)_mm512_shuffle_i32x4(even_ab, even_cd, 0xdd);
    x[3] = (vi)_mm512_shuffle_i32x4(odd_ab, odd_cd, 0xdd);
}
HEW_INLINE void vi_from_quarters(vi x[4]) { vi_to_quarters(x); }

HEW_INLINE vi vi_of_bits(vf x) { return (vi)_mm512_castps_si512(x); }
HEW_INLINE vf vf_of_bits(vi x) { return _mm512_castsi512_ps((__m512i)x); }
HEW_INLINE vf vf_abs(vf x) { return _mm512_abs_ps(x); }
/* a < b in every lane; false where one is NaN. */
HEW_INLINE bool vf_all_less(vf a, vf b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ) == 0xffff;
}

#endif
