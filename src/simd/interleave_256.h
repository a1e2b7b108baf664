/* interleave_256.h - src/avx512/interleave.h for 256-bit registers, of every ISA: after a folder's
 * bytes.h and reg_s32.h, and bytes_first(n, p), the first n < 16 bytes. */
#ifndef HEW_INTERLEAVE_256_H
#define HEW_INTERLEAVE_256_H

HEW_INLINE vb vb_zero(void) { return _mm256_setzero_si256(); }
HEW_INLINE vb vb_lower_u8(vb a, vb b) { return _mm256_unpacklo_epi8(a, b); }
HEW_INLINE vb vb_upper_u8(vb a, vb b) { return _mm256_unpackhi_epi8(a, b); }
HEW_INLINE vb vb_lower_u16(vb a, vb b) { return _mm256_unpacklo_epi16(a, b); }
HEW_INLINE vb vb_upper_u16(vb a, vb b) { return _mm256_unpackhi_epi16(a, b); }
HEW_INLINE vb vw_pack(vi a, vi b) { return _mm256_packs_epi32((__m256i)a, (__m256i)b); }
HEW_INLINE vb vb_pack(vb a, vb b) { return _mm256_packus_epi16(a, b); }
HEW_INLINE vb vw_add_saturated(vb a, vb b) { return _mm256_adds_epi16(a, b); }

HEW_INLINE vb vb_spread(const uint8_t *in, const size_t from[2], const size_t count[2],
                        const uint8_t index[BYTES])
{
    const vb x = _mm256_set_m128i(bytes_first(count[1], (const char *)in + from[1]),
                                  bytes_first(count[0], (const char *)in + from[0]));
    return _mm256_shuffle_epi8(x, vb_load(index));
}

/* There are two quarters to a register: quarter 4 j + i becomes quarter j of x[i]. */
HEW_INLINE void vi_to_quarters(vi x[4])
{
    const __m256i a = (__m256i)x[0], b = (__m256i)x[1], c = (__m256i)x[2], d = (__m256i)x[3];
    x[0] = (vi)_mm256_permute2x128_si256(a, c, 0x20);
    x[1] = (vi)_mm256_permute2x128_si256(a, c, 0x31);
    x[2] = (vi)_mm256_permute2x128_si256(b, d, 0x20);
    x[3] = (vi)_mm256_permute2x128_si256(b, d, 0x31);
}
HEW_INLINE void vi_from_quarters(vi x[4])
{
    const __m256i a = (__m256i)x[0], b = (__m256i)x[1], c = (__m256i)x[2], d = (__m256i)x[3];
    x[0] = (vi)_mm256_permute2x128_si256(a, b, 0x20);
    x[1] = (vi)_mm256_permute2x128_si256(c, d, 0x20);
    x[2] = (vi)_mm256_permute2x128_si256(a, b, 0x31);
    x[3] = (vi)_mm256_permute2x128_si256(c, d, 0x31);
}

HEW_INLINE vi vi_of_bits(vf x) { return (vi)_mm256_castps_si256(x); }
HEW_INLINE vf vf_of_bits(vi x) { return _mm256_castsi256_ps((__m256i)x); }
HEW_INLINE vf vf_abs(vf x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }
HEW_INLINE bool vf_all_less(vf a, vf b)
{
    return _mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_LT_OQ)) == 0xff;
}

#endif
