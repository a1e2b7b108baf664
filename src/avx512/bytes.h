/*
 * bytes.h - one AVX-512 register of bytes (vb_), or of the words (vw_) or dwords (vd_) that they
 * make up, under names that src/simd's integer templates are written in.
 *
 * Byte 2i is the lower half of word i.  Sums are modulo the width of a lane.
 */
#ifndef HEW_BYTES_H
#define HEW_BYTES_H

#include "reg.h"

enum { BYTES = 64, BYTES_REGISTERS = 32 };
typedef __m512i vb;
typedef __mmask64 vb_lanes;

/* The first n bytes, n <= BYTES.  Memory of the others is not touched; they are loaded as zeros. */
HEW_INLINE vb_lanes vb_first(size_t n)
{
    return n == BYTES ? ~(vb_lanes)0 : ((vb_lanes)1 << n) - 1;
}
HEW_INLINE vb vb_load_some(vb_lanes lanes, const void *p)
{
    return _mm512_maskz_loadu_epi8(lanes, p);
}
HEW_INLINE void vb_store_some(vb_lanes lanes, void *p, vb x)
{
    _mm512_mask_storeu_epi8(p, lanes, x);
}
HEW_INLINE vb vb_load(const void *p) { return _mm512_loadu_si512(p); }
HEW_INLINE void vb_store(void *p, vb x) { _mm512_storeu_si512(p, x); }

HEW_INLINE vb vb_set(int x) { return _mm512_set1_epi8((char)x); }
HEW_INLINE vb vb_max_u8(vb a, vb b) { return _mm512_max_epu8(a, b); }
HEW_INLINE vb vb_max_s8(vb a, vb b) { return _mm512_max_epi8(a, b); }
HEW_INLINE vb vb_min_u8(vb a, vb b) { return _mm512_min_epu8(a, b); }
HEW_INLINE vb vb_min_s8(vb a, vb b) { return _mm512_min_epi8(a, b); }
HEW_INLINE vb vb_and(vb a, vb b) { return _mm512_and_si512(a, b); }
HEW_INLINE vb vb_or(vb a, vb b) { return _mm512_or_si512(a, b); }
HEW_INLINE vb vb_xor(vb a, vb b) { return _mm512_xor_si512(a, b); }

HEW_INLINE vb vw_set(int x) { return _mm512_set1_epi16((short)x); }
HEW_INLINE vb vw_add(vb a, vb b) { return _mm512_add_epi16(a, b); }
HEW_INLINE vb vw_sub(vb a, vb b) { return _mm512_sub_epi16(a, b); }
HEW_INLINE vb vw_mul(vb a, vb b) { return _mm512_mullo_epi16(a, b); }
HEW_INLINE vb vw_mul_high_u16(vb a, vb b) { return _mm512_mulhi_epu16(a, b); }
HEW_INLINE vb vw_up(vb a, int n) { return _mm512_slli_epi16(a, (unsigned)n); }
HEW_INLINE vb vw_down_u16(vb a, int n) { return _mm512_srli_epi16(a, (unsigned)n); }
/* By a number of bits that is no literal. */
typedef __m128i vw_count;
HEW_INLINE vw_count vw_count_of(int n) { return _mm_cvtsi32_si128(n); }
HEW_INLINE vb vw_down_u16_by(vb a, vw_count n) { return _mm512_srl_epi16(a, n); }
/* a == b ? x : 0 */
HEW_INLINE vb vw_where_equal(vb a, vb b, vb x)
{
    return _mm512_maskz_mov_epi16(_mm512_cmpeq_epi16_mask(a, b), x);
}

HEW_INLINE vb vd_set(int32_t x) { return _mm512_set1_epi32(x); }
HEW_INLINE vb vd_add(vb a, vb b) { return _mm512_add_epi32(a, b); }
HEW_INLINE vb vd_up(vb a, int n) { return _mm512_slli_epi32(a, (unsigned)n); }
HEW_INLINE vb vd_down_u32(vb a, int n) { return _mm512_srli_epi32(a, (unsigned)n); }
/* Half to even, whatever MXCSR says; |x| < 2^31. */
HEW_INLINE vb vd_round(vf x)
{
    return _mm512_cvt_roundps_epi32(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
/* The quotient of two s32 as floats, rounded so. */
HEW_INLINE vb vd_ratio(vb a, vb b)
{
    return vd_round(_mm512_div_ps(_mm512_cvtepi32_ps(a), _mm512_cvtepi32_ps(b)));
}

/*
 * A register of bytes as four of floats, factor (byte - zero) each, and back.  Which part has which
 * bytes is left to the instruction set: here part i those at 4j + i.  No byte is moved: under the
 * exponent of 2^23 the lower two of a dword are added to that as they are, the second one 256 times
 * as large, which its factor takes back.  So factor / 256 must be exact.
 */
typedef struct vb_floats {
    vf part[4];
} vb_floats;
typedef struct vb_source {
    vb bits[2]; /* of 2^23; with 0x80 in the byte for signed ones, which are unsigned then */
    vf zero[2], factor[2];
} vb_source;

HEW_INLINE vb_source vb_source_of(bool is_signed, int32_t zero, float factor)
{
    const int32_t flip = is_signed ? 128 : 0, two23 = 0x4b000000;
    zero += flip;
    return (vb_source){{vd_set(two23 + flip), vd_set(two23 + 256 * flip)},
                       {vf_set((float)((1 << 23) + zero)), vf_set((float)((1 << 23) + 256 * zero))},
                       {vf_set(factor), vf_set(factor / 256)}};
}
HEW_INLINE vb_floats vb_to_floats(const vb_source *s, vb x)
{
    vb_floats v;
    HEW_UNROLL for (int i = 0; i < 4; i++) {
        const vb pair = i < 2 ? x : _mm512_srli_epi32(x, 16);
        /* (pair & mask) ^ bits */
        const vb bits = _mm512_ternarylogic_epi32(pair, vd_set(i % 2 ? 0xff00 : 0xff),
                                                  s->bits[i % 2], 0x6a);
        v.part[i] = _mm512_sub_ps(_mm512_castsi512_ps(bits), s->zero[i % 2]);
    }
    return v;
}
HEW_INLINE vf vb_factor(const vb_source *s, int part) { return s->factor[part % 2]; }

/* Words saturated to bytes: in each sixteen eight of a's and then eight of b's. */
HEW_INLINE vb vw_to_bytes(bool is_signed, vb a, vb b)
{
    return is_signed ? _mm512_packs_epi16(a, b) : _mm512_packus_epi16(a, b);
}
/* Rounded so, plus words of `zero`, saturated. */
HEW_INLINE vb vb_from_floats(bool is_signed, vb_floats x, vb zero)
{
    const vb even = _mm512_packs_epi32(vd_round(x.part[0]), vd_round(x.part[2]));
    const vb odd = _mm512_packs_epi32(vd_round(x.part[1]), vd_round(x.part[3]));
    const vb fours =
        vw_to_bytes(is_signed, _mm512_adds_epi16(even, zero), _mm512_adds_epi16(odd, zero));
    const __m128i order = _mm_setr_epi8(0, 8, 4, 12, 1, 9, 5, 13, 2, 10, 6, 14, 3, 11, 7, 15);
    return _mm512_shuffle_epi8(fours, _mm512_broadcast_i32x4(order));
}

#endif
