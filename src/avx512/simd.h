/*
 * simd.h - sixteen floats as one AVX-512 register, under the names that src/simd is written in.
 *
 * src/avx2/simd.h has the same names over two registers.  So a template of src/simd does the same
 * operations in the same order, lane by lane, on both.
 */
#ifndef HEW_SIMD_H
#define HEW_SIMD_H

#include <immintrin.h>

#include "core.h"
#include "poly.h"

typedef __m512 f32x16;
typedef __m512i i32x16;
typedef __mmask16 mask16;

/* Registers that a loop may fill with independent work. */
enum { X16_REGISTERS = 32 };

HEW_INLINE mask16 x16_first(size_t n) { return (mask16)((1u << hew_min(n, 16)) - 1); }
HEW_INLINE bool x16_any(mask16 m) { return m != 0; }
HEW_INLINE mask16 x16_or(mask16 a, mask16 b) { return a | b; }
HEW_INLINE mask16 x16_and_not(mask16 a, mask16 b) { return (mask16)(a & ~(unsigned)b); }

HEW_INLINE f32x16 x16_set(float x) { return _mm512_set1_ps(x); }
HEW_INLINE f32x16 x16_load(const float *p) { return _mm512_loadu_ps(p); }
/* The same where stores that may be far behind go before it: Zen 4 keeps a load of a whole
 * register, but not of a half, waiting for earlier stores whose addresses have the same low 12
 * bits. */
HEW_INLINE f32x16 x16_load_past_stores(const float *p)
{
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps(p)), _mm256_loadu_ps(p + 8),
                              1);
}
HEW_INLINE void x16_store(float *p, f32x16 x) { _mm512_storeu_ps(p, x); }
/* Past the cache, to 64-byte aligned memory; _mm_sfence() before another thread may read it. */
HEW_INLINE void x16_stream(float *p, f32x16 x) { _mm512_stream_ps(p, x); }
/* Memory of lanes that are not in the mask is not touched; they read as `fill`. */
HEW_INLINE f32x16 x16_load_masked(mask16 m, const float *p, f32x16 fill)
{
    return _mm512_mask_loadu_ps(fill, m, p);
}
HEW_INLINE void x16_store_masked(mask16 m, float *p, f32x16 x) { _mm512_mask_storeu_ps(p, m, x); }

HEW_INLINE f32x16 x16_add(f32x16 a, f32x16 b) { return _mm512_add_ps(a, b); }
HEW_INLINE f32x16 x16_sub(f32x16 a, f32x16 b) { return _mm512_sub_ps(a, b); }
HEW_INLINE f32x16 x16_mul(f32x16 a, f32x16 b) { return _mm512_mul_ps(a, b); }
HEW_INLINE f32x16 x16_div(f32x16 a, f32x16 b) { return _mm512_div_ps(a, b); }
HEW_INLINE f32x16 x16_fma(f32x16 a, f32x16 b, f32x16 c) { return _mm512_fmadd_ps(a, b, c); }
HEW_INLINE f32x16 x16_fms(f32x16 a, f32x16 b, f32x16 c) { return _mm512_fmsub_ps(a, b, c); }
HEW_INLINE f32x16 x16_fnma(f32x16 a, f32x16 b, f32x16 c) { return _mm512_fnmadd_ps(a, b, c); }
/* The same of operands that compilers may not swap: of two NaNs the first's. */
#define X16_ORDERED(name, instruction)                                                             \
    HEW_INLINE f32x16 name(f32x16 a, f32x16 b)                                                     \
    {                                                                                              \
        f32x16 c;                                                                                  \
        __asm__(instruction " %2, %1, %0" : "=v"(c) : "v"(a), "v"(b));                             \
        return c;                                                                                  \
    }
X16_ORDERED(x16_ordered_add, "vaddps")
X16_ORDERED(x16_ordered_sub, "vsubps")
X16_ORDERED(x16_ordered_mul, "vmulps")
X16_ORDERED(x16_ordered_div, "vdivps")
HEW_INLINE f32x16 x16_neg(f32x16 a) { return _mm512_xor_ps(a, _mm512_set1_ps(-0.0f)); }

HEW_INLINE f32x16 x16_sqrt(f32x16 a) { return _mm512_sqrt_ps(a); }
/* To an integer, half to even, whatever MXCSR says. */
HEW_INLINE f32x16 x16_nearest(f32x16 a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* a > b ? a : b, and a < b ? a : b: the second operand when either is NaN, or both are zero. */
HEW_INLINE f32x16 x16_max(f32x16 a, f32x16 b) { return _mm512_max_ps(a, b); }
HEW_INLINE f32x16 x16_min(f32x16 a, f32x16 b) { return _mm512_min_ps(a, b); }

/* False for NaN. */
HEW_INLINE mask16 x16_less(f32x16 a, f32x16 b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
HEW_INLINE mask16 x16_equal(f32x16 a, f32x16 b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
/* Either is NaN. */
HEW_INLINE mask16 x16_unordered(f32x16 a, f32x16 b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q);
}
HEW_INLINE f32x16 x16_select(mask16 m, f32x16 yes, f32x16 no)
{
    return _mm512_mask_blend_ps(m, no, yes);
}
/* |a| with the sign of b. */
HEW_INLINE f32x16 x16_copysign(f32x16 a, f32x16 b)
{
    const __m512i sign = _mm512_set1_epi32(INT32_MIN);
    /* sign ? b : a */
    return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(sign, _mm512_castps_si512(b),
                                                         _mm512_castps_si512(a), 0xca));
}

HEW_INLINE i32x16 x16_bits(f32x16 a) { return _mm512_castps_si512(a); }
HEW_INLINE f32x16 x16_from_bits(i32x16 a) { return _mm512_castsi512_ps(a); }
HEW_INLINE i32x16 x16_truncate(f32x16 a) { return _mm512_cvttps_epi32(a); }
HEW_INLINE i32x16 x16_set_int(int32_t x) { return _mm512_set1_epi32(x); }
HEW_INLINE i32x16 x16_add_int(i32x16 a, i32x16 b) { return _mm512_add_epi32(a, b); }
HEW_INLINE i32x16 x16_sub_int(i32x16 a, i32x16 b) { return _mm512_sub_epi32(a, b); }
HEW_INLINE i32x16 x16_and_int(i32x16 a, i32x16 b) { return _mm512_and_si512(a, b); }
HEW_INLINE i32x16 x16_or_int(i32x16 a, i32x16 b) { return _mm512_or_si512(a, b); }
HEW_INLINE i32x16 x16_xor_int(i32x16 a, i32x16 b) { return _mm512_xor_si512(a, b); }
HEW_INLINE mask16 x16_negative_int(i32x16 a) { return _mm512_movepi32_mask(a); }
HEW_INLINE mask16 x16_equal_int(i32x16 a, i32x16 b) { return _mm512_cmpeq_epi32_mask(a, b); }
HEW_INLINE i32x16 x16_min_int(i32x16 a, i32x16 b) { return _mm512_min_epi32(a, b); }
HEW_INLINE i32x16 x16_max_int(i32x16 a, i32x16 b) { return _mm512_max_epi32(a, b); }
HEW_INLINE mask16 x16_less_int(i32x16 a, i32x16 b) { return _mm512_cmplt_epi32_mask(a, b); }
HEW_INLINE i32x16 x16_shift_up(i32x16 a, int n) { return _mm512_slli_epi32(a, (unsigned)n); }
HEW_INLINE i32x16 x16_shift_down(i32x16 a, int n) { return _mm512_srai_epi32(a, (unsigned)n); }

/* The nearest bf16, ties to even, whatever MXCSR says, in the upper halves.  Half of what is cut
 * off is added, less one if the result would be even: the carry rounds.  VCVTNEPS2BF16 would drop
 * denormals. */
HEW_INLINE i32x16 x16_to_bf16(f32x16 a)
{
    const __m512i bits = _mm512_castps_si512(a), half = _mm512_set1_epi32(0x8000);
    const __mmask16 odd = _mm512_test_epi32_mask(bits, _mm512_set1_epi32(0x10000));
    const __m512i below = _mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff));
    const __m512i rounded = _mm512_mask_add_epi32(below, odd, bits, half);
    /* A NaN's carry could make it an infinity, or zero: two of fixupimm's cases, quiet and
     * signalling, take the NaN itself, quieted; its lower half is dropped.  Others stay. */
    return _mm512_castps_si512(_mm512_fixupimm_ps(_mm512_castsi512_ps(rounded), a,
                                                  _mm512_set1_epi32(0x22), 0));
}
/* a where all of its lower halves are 0: NaNs are quieted. */
HEW_INLINE i32x16 x16_quiet_bf16(f32x16 a)
{
    return _mm512_castps_si512(_mm512_fixupimm_ps(a, a, _mm512_set1_epi32(0x22), 0));
}
/* Pairs of the upper halves: a's below b's. */
HEW_INLINE i32x16 x16_zip_upper(i32x16 a, i32x16 b)
{
    return _mm512_mask_blend_epi16(0xaaaaaaaa, _mm512_srli_epi32(a, 16), b);
}

/* a 2^n with one rounding, n given as POLY_ROUND + n; ref_scale in src/ref/math.h says for which a
 * and n that has to hold. */
HEW_INLINE f32x16 x16_scale(f32x16 a, f32x16 biased_n)
{
    return _mm512_scalef_ps(a, _mm512_sub_ps(biased_n, _mm512_set1_ps(POLY_ROUND)));
}

/* The same for 1/2 <= |a| <= 2 and |n| <= 250. */
HEW_INLINE f32x16 x16_scale_far(f32x16 a, f32x16 biased_n) { return x16_scale(a, biased_n); }

/* Sixteen doubles, for what floats are too short for. */
typedef struct f64x16 {
    __m512d lo, hi;
} f64x16;
#define D16_BINARY(name, intrinsic)                                                                \
    HEW_INLINE f64x16 name(f64x16 a, f64x16 b)                                                     \
    {                                                                                              \
        return (f64x16){intrinsic(a.lo, b.lo), intrinsic(a.hi, b.hi)};                             \
    }
D16_BINARY(d16_add, _mm512_add_pd)
D16_BINARY(d16_sub, _mm512_sub_pd)
D16_BINARY(d16_mul, _mm512_mul_pd)
D16_BINARY(d16_div, _mm512_div_pd)
D16_BINARY(d16_max, _mm512_max_pd)
D16_BINARY(d16_min, _mm512_min_pd)
HEW_INLINE f64x16 d16_set(double x) { return (f64x16){_mm512_set1_pd(x), _mm512_set1_pd(x)}; }
HEW_INLINE f64x16 d16_sqrt(f64x16 a)
{
    return (f64x16){_mm512_sqrt_pd(a.lo), _mm512_sqrt_pd(a.hi)};
}
HEW_INLINE f64x16 d16_load(const double *p)
{
    return (f64x16){_mm512_loadu_pd(p), _mm512_loadu_pd(p + 8)};
}
HEW_INLINE void d16_store(double *p, f64x16 a)
{
    _mm512_storeu_pd(p, a.lo);
    _mm512_storeu_pd(p + 8, a.hi);
}
HEW_INLINE f64x16 d16_fma(f64x16 a, f64x16 b, f64x16 c)
{
    return (f64x16){_mm512_fmadd_pd(a.lo, b.lo, c.lo), _mm512_fmadd_pd(a.hi, b.hi, c.hi)};
}
HEW_INLINE f64x16 d16_from_floats(f32x16 a)
{
    return (f64x16){_mm512_cvtps_pd(_mm512_castps512_ps256(a)),
                    _mm512_cvtps_pd(_mm512_extractf32x8_ps(a, 1))};
}
HEW_INLINE f32x16 d16_to_floats(f64x16 a)
{
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(a.lo)), _mm512_cvtpd_ps(a.hi),
                              1);
}

/* Lane 0 after the tree: lanes i and i + 8, then i + 4, i + 2, i + 1. */
HEW_INLINE float x16_sum(f32x16 a)
{
    const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    const __m128 b = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
    const __m128 c = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(c, _mm_movehdup_ps(c)));
}
HEW_INLINE float x16_lanes_product(f32x16 a)
{
    const __m256 half = _mm256_mul_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    const __m128 b = _mm_mul_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
    const __m128 c = _mm_mul_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_mul_ss(c, _mm_movehdup_ps(c)));
}
/* The same tree; the largest lane, if none is NaN. */
HEW_INLINE float x16_largest(f32x16 a)
{
    const __m256 half = _mm256_max_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    const __m128 b = _mm_max_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
    const __m128 c = _mm_max_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_max_ss(c, _mm_movehdup_ps(c)));
}

/* The sum modulo 2^32, which _mm512_reduce_add_epi32's int would overflow in; the largest lane. */
HEW_INLINE int32_t x16_sum_int(i32x16 a)
{
    const __m256i half =
        _mm256_add_epi32(_mm512_castsi512_si256(a), _mm512_extracti64x4_epi64(a, 1));
    const __m128i high = _mm256_extracti128_si256(half, 1);
    const __m128i b = _mm_add_epi32(_mm256_castsi256_si128(half), high);
    const __m128i c = _mm_add_epi32(b, _mm_unpackhi_epi64(b, b));
    return _mm_cvtsi128_si32(_mm_add_epi32(c, _mm_shuffle_epi32(c, 1)));
}
HEW_INLINE int32_t x16_largest_int(i32x16 a) { return _mm512_reduce_max_epi32(a); }

/* p[index] of 16 floats; and where no index passes 31, with all of p[0..31] there to be read. */
HEW_INLINE f32x16 x16_gather(const float *p, i32x16 index)
{
    return _mm512_i32gather_ps(index, p, 4);
}
HEW_INLINE f32x16 x16_look(const float *p, i32x16 index)
{
    return _mm512_permutex2var_ps(_mm512_loadu_ps(p), index, _mm512_loadu_ps(p + 16));
}

/* a, of which the compiler knows nothing. */
HEW_INLINE f32x16 x16_opaque(f32x16 a)
{
    __asm__("" : "+v"(a));
    return a;
}
HEW_INLINE float x16_lane0(f32x16 a) { return _mm512_cvtss_f32(a); }

#endif
