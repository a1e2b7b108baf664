/*
 * bytes.h - one AVX-512 register of bytes (vb_), or of the words (vw_) or dwords (vd_) that they
 * make up, under names that src/simd's integer templates are written in.
 *
 * Byte 2i is the lower half of word i.  Sums are modulo the width of a lane.
 */
#ifndef HEW_BYTES_H
#define HEW_BYTES_H

#include <immintrin.h>

#include "../core.h"

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
/* The quotient of two s32 as floats, rounded half to even whatever MXCSR says, to an s32. */
HEW_INLINE vb vd_ratio(vb a, vb b)
{
    const __m512 ratio = _mm512_div_ps(_mm512_cvtepi32_ps(a), _mm512_cvtepi32_ps(b));
    return _mm512_cvt_roundps_epi32(ratio, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

#endif
