/*
 * bytes.h - one AVX2 register of bytes (vb_), or of the words (vw_) or dwords (vd_) that they make
 * up: the names of src/avx512/bytes.h, which says what they promise.
 */
#ifndef HEW_BYTES_H
#define HEW_BYTES_H

#include "reg.h"

enum { BYTES = 32, BYTES_REGISTERS = 16 };
typedef __m256i vb;

/* Memory has masks for dwords alone, so that up to three bytes are for plain code. */
typedef struct vb_lanes {
    __m256i dwords, next; /* whole dwords; the one that holds the last bytes, if any */
    size_t whole, rest;   /* bytes */
} vb_lanes;

HEW_INLINE vb_lanes vb_first(size_t n)
{
    const __m256i dword = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i whole = _mm256_set1_epi32((int)(n / 4));
    return (vb_lanes){_mm256_cmpgt_epi32(whole, dword), _mm256_cmpeq_epi32(whole, dword),
                      n / 4 * 4, n % 4};
}
HEW_INLINE vb vb_load_some(vb_lanes lanes, const void *p)
{
    const __m256i x = _mm256_maskload_epi32(p, lanes.dwords);
    if (lanes.rest == 0)
        return x;
    const uint8_t *last = (const uint8_t *)p + lanes.whole;
    uint32_t dword = last[0];
    if (lanes.rest > 1)
        dword |= (uint32_t)last[1] << 8;
    if (lanes.rest > 2)
        dword |= (uint32_t)last[2] << 16;
    return _mm256_or_si256(x, _mm256_and_si256(lanes.next, _mm256_set1_epi32((int)dword)));
}
HEW_INLINE void vb_store_some(vb_lanes lanes, void *p, vb x)
{
    _mm256_maskstore_epi32(p, lanes.dwords, x);
    if (lanes.rest == 0)
        return;
    uint8_t buffer[BYTES], *bytes = buffer;
    HEW_HIDE(bytes); /* or it looks like a spill to make check-spills */
    _mm256_storeu_si256((__m256i *)bytes, x);
    uint8_t *last = (uint8_t *)p + lanes.whole;
    for (size_t i = 0; i < lanes.rest; i++)
        last[i] = bytes[lanes.whole + i];
}
HEW_INLINE vb vb_load(const void *p) { return _mm256_loadu_si256(p); }
HEW_INLINE void vb_store(void *p, vb x) { _mm256_storeu_si256(p, x); }

HEW_INLINE vb vb_set(int x) { return _mm256_set1_epi8((char)x); }
HEW_INLINE vb vb_max_u8(vb a, vb b) { return _mm256_max_epu8(a, b); }
HEW_INLINE vb vb_max_s8(vb a, vb b) { return _mm256_max_epi8(a, b); }
HEW_INLINE vb vb_min_u8(vb a, vb b) { return _mm256_min_epu8(a, b); }
HEW_INLINE vb vb_min_s8(vb a, vb b) { return _mm256_min_epi8(a, b); }
HEW_INLINE vb vb_and(vb a, vb b) { return _mm256_and_si256(a, b); }
HEW_INLINE vb vb_or(vb a, vb b) { return _mm256_or_si256(a, b); }
HEW_INLINE vb vb_xor(vb a, vb b) { return _mm256_xor_si256(a, b); }

HEW_INLINE vb vw_set(int x) { return _mm256_set1_epi16((short)x); }
HEW_INLINE vb vw_add(vb a, vb b) { return _mm256_add_epi16(a, b); }
HEW_INLINE vb vw_sub(vb a, vb b) { return _mm256_sub_epi16(a, b); }
HEW_INLINE vb vw_mul(vb a, vb b) { return _mm256_mullo_epi16(a, b); }
HEW_INLINE vb vw_mul_high_u16(vb a, vb b) { return _mm256_mulhi_epu16(a, b); }
HEW_INLINE vb vw_up(vb a, int n) { return _mm256_slli_epi16(a, n); }
HEW_INLINE vb vw_down_u16(vb a, int n) { return _mm256_srli_epi16(a, n); }
typedef __m128i vw_count;
HEW_INLINE vw_count vw_count_of(int n) { return _mm_cvtsi32_si128(n); }
HEW_INLINE vb vw_down_u16_by(vb a, vw_count n) { return _mm256_srl_epi16(a, n); }
HEW_INLINE vb vw_where_equal(vb a, vb b, vb x)
{
    return _mm256_and_si256(_mm256_cmpeq_epi16(a, b), x);
}

HEW_INLINE vb vd_set(int32_t x) { return _mm256_set1_epi32(x); }
HEW_INLINE vb vd_add(vb a, vb b) { return _mm256_add_epi32(a, b); }
HEW_INLINE vb vd_up(vb a, int n) { return _mm256_slli_epi32(a, n); }
HEW_INLINE vb vd_down_u32(vb a, int n) { return _mm256_srli_epi32(a, n); }
HEW_INLINE vb vd_round(vf x)
{
    return _mm256_cvttps_epi32(
        _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
HEW_INLINE vb vd_ratio(vb a, vb b)
{
    return vd_round(_mm256_div_ps(_mm256_cvtepi32_ps(a), _mm256_cvtepi32_ps(b)));
}

/* Part i has bytes 4i .. 4i + 3 of every sixteen: unpacked within the halves of the register. */
typedef struct vb_floats {
    vf part[4];
} vb_floats;
typedef struct vb_source {
    vb flip;
    vf zero, factor;
} vb_source;

HEW_INLINE vb_source vb_source_of(bool is_signed, int32_t zero, float factor)
{
    const int flip = is_signed ? 128 : 0;
    return (vb_source){vb_set(flip), vf_set((float)((1 << 23) + zero + flip)), vf_set(factor)};
}
HEW_INLINE vf vb_float(vb bits, vf zero) { return _mm256_sub_ps(_mm256_castsi256_ps(bits), zero); }
HEW_INLINE vb_floats vb_to_floats(const vb_source *s, vb x)
{
    const vb none = _mm256_setzero_si256(), two23 = _mm256_set1_epi16(0x4b00);
    const vb u8 = vb_xor(x, s->flip);
    const vb low = _mm256_unpacklo_epi8(u8, none), high = _mm256_unpackhi_epi8(u8, none);
    return (vb_floats){{vb_float(_mm256_unpacklo_epi16(low, two23), s->zero),
                        vb_float(_mm256_unpackhi_epi16(low, two23), s->zero),
                        vb_float(_mm256_unpacklo_epi16(high, two23), s->zero),
                        vb_float(_mm256_unpackhi_epi16(high, two23), s->zero)}};
}
HEW_INLINE vf vb_factor(const vb_source *s, int part)
{
    (void)part;
    return s->factor;
}
HEW_INLINE vb vw_to_bytes(bool is_signed, vb a, vb b)
{
    return is_signed ? _mm256_packs_epi16(a, b) : _mm256_packus_epi16(a, b);
}
HEW_INLINE vb vb_from_floats(bool is_signed, vb_floats x, vb zero)
{
    const vb low = _mm256_packs_epi32(vd_round(x.part[0]), vd_round(x.part[1]));
    const vb high = _mm256_packs_epi32(vd_round(x.part[2]), vd_round(x.part[3]));
    return vw_to_bytes(is_signed, _mm256_adds_epi16(low, zero), _mm256_adds_epi16(high, zero));
}

#endif
