/*
 * simd.h - sixteen floats as two AVX2 registers, under the names that src/simd is written in.
 *
 * Lanes 0-7 are in lo, 8-15 in hi.  src/avx512/simd.h has the same names over one register and says
 * what they promise.
 */
#ifndef HEW_SIMD_H
#define HEW_SIMD_H

#include <immintrin.h>

#include "core.h"
#include "poly.h"

typedef struct f32x16 {
    __m256 lo, hi;
} f32x16;
typedef struct i32x16 {
    __m256i lo, hi;
} i32x16;
typedef struct mask16 {
    __m256i lo, hi; /* all ones or zeros a lane */
} mask16;

/* Registers that a loop may fill with independent work. */
enum { X16_REGISTERS = 8 };

/* A function of two halves from one intrinsic. */
#define X16_UNARY(name, type, intrinsic)                                                           \
    HEW_INLINE type name(type a) { return (type){intrinsic(a.lo), intrinsic(a.hi)}; }
#define X16_BINARY(name, type, intrinsic)                                                          \
    HEW_INLINE type name(type a, type b)                                                           \
    {                                                                                              \
        return (type){intrinsic(a.lo, b.lo), intrinsic(a.hi, b.hi)};                               \
    }
#define X16_TERNARY(name, intrinsic)                                                               \
    HEW_INLINE f32x16 name(f32x16 a, f32x16 b, f32x16 c)                                           \
    {                                                                                              \
        return (f32x16){intrinsic(a.lo, b.lo, c.lo), intrinsic(a.hi, b.hi, c.hi)};                 \
    }

HEW_INLINE mask16 x16_first(size_t n)
{
    const __m256i count = _mm256_set1_epi32((int)hew_min(n, 16));
    return (mask16){
        _mm256_cmpgt_epi32(count, _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)),
        _mm256_cmpgt_epi32(count, _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15))};
}
X16_BINARY(x16_or, mask16, _mm256_or_si256)
HEW_INLINE mask16 x16_and_not(mask16 a, mask16 b)
{
    return (mask16){_mm256_andnot_si256(b.lo, a.lo), _mm256_andnot_si256(b.hi, a.hi)};
}
HEW_INLINE bool x16_any(mask16 m)
{
    return !_mm256_testz_si256(_mm256_or_si256(m.lo, m.hi), _mm256_or_si256(m.lo, m.hi));
}

HEW_INLINE f32x16 x16_set(float x) { return (f32x16){_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
HEW_INLINE f32x16 x16_load(const float *p)
{
    return (f32x16){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
HEW_INLINE f32x16 x16_load_past_stores(const float *p) { return x16_load(p); }
HEW_INLINE void x16_store(float *p, f32x16 x)
{
    _mm256_storeu_ps(p, x.lo);
    _mm256_storeu_ps(p + 8, x.hi);
}
HEW_INLINE void x16_stream(float *p, f32x16 x)
{
    _mm256_stream_ps(p, x.lo);
    _mm256_stream_ps(p + 8, x.hi);
}

HEW_INLINE __m256 x16_select_half(__m256i m, __m256 yes, __m256 no)
{
    return _mm256_blendv_ps(no, yes, _mm256_castsi256_ps(m));
}
HEW_INLINE f32x16 x16_select(mask16 m, f32x16 yes, f32x16 no)
{
    return (f32x16){x16_select_half(m.lo, yes.lo, no.lo), x16_select_half(m.hi, yes.hi, no.hi)};
}
HEW_INLINE f32x16 x16_load_masked(mask16 m, const float *p, f32x16 fill)
{
    const f32x16 loaded = {_mm256_maskload_ps(p, m.lo), _mm256_maskload_ps(p + 8, m.hi)};
    return x16_select(m, loaded, fill);
}
/* Stores under a mask are slow on some CPUs, so that a half of all lanes has none. */
HEW_INLINE void x16_store_half(__m256i m, float *p, __m256 x)
{
    if (_mm256_movemask_ps(_mm256_castsi256_ps(m)) == 0xff)
        _mm256_storeu_ps(p, x);
    else
        _mm256_maskstore_ps(p, m, x);
}
HEW_INLINE void x16_store_masked(mask16 m, float *p, f32x16 x)
{
    x16_store_half(m.lo, p, x.lo);
    x16_store_half(m.hi, p + 8, x.hi);
}

X16_BINARY(x16_add, f32x16, _mm256_add_ps)
X16_BINARY(x16_sub, f32x16, _mm256_sub_ps)
X16_BINARY(x16_mul, f32x16, _mm256_mul_ps)
X16_BINARY(x16_div, f32x16, _mm256_div_ps)
X16_BINARY(x16_max, f32x16, _mm256_max_ps)
X16_BINARY(x16_min, f32x16, _mm256_min_ps)
#define X16_ORDERED(name, instruction)                                                             \
    HEW_INLINE f32x16 name(f32x16 a, f32x16 b)                                                     \
    {                                                                                              \
        f32x16 c;                                                                                  \
        __asm__(instruction " %2, %1, %0" : "=x"(c.lo) : "x"(a.lo), "x"(b.lo));                    \
        __asm__(instruction " %2, %1, %0" : "=x"(c.hi) : "x"(a.hi), "x"(b.hi));                    \
        return c;                                                                                  \
    }
X16_ORDERED(x16_ordered_add, "vaddps")
X16_ORDERED(x16_ordered_sub, "vsubps")
X16_ORDERED(x16_ordered_mul, "vmulps")
X16_ORDERED(x16_ordered_div, "vdivps")
X16_TERNARY(x16_fma, _mm256_fmadd_ps)
X16_TERNARY(x16_fms, _mm256_fmsub_ps)
X16_TERNARY(x16_fnma, _mm256_fnmadd_ps)

X16_UNARY(x16_sqrt, f32x16, _mm256_sqrt_ps)
HEW_INLINE __m256 x16_nearest_half(__m256 a)
{
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
X16_UNARY(x16_nearest, f32x16, x16_nearest_half)

HEW_INLINE __m256 x16_neg_half(__m256 a) { return _mm256_xor_ps(a, _mm256_set1_ps(-0.0f)); }
X16_UNARY(x16_neg, f32x16, x16_neg_half)

HEW_INLINE __m256i x16_compare_half(__m256 a, __m256 b, const int predicate)
{
    return _mm256_castps_si256(predicate == _CMP_LT_OQ   ? _mm256_cmp_ps(a, b, _CMP_LT_OQ)
                               : predicate == _CMP_EQ_OQ ? _mm256_cmp_ps(a, b, _CMP_EQ_OQ)
                                                         : _mm256_cmp_ps(a, b, _CMP_UNORD_Q));
}
HEW_INLINE mask16 x16_less(f32x16 a, f32x16 b)
{
    return (mask16){x16_compare_half(a.lo, b.lo, _CMP_LT_OQ),
                    x16_compare_half(a.hi, b.hi, _CMP_LT_OQ)};
}
HEW_INLINE mask16 x16_equal(f32x16 a, f32x16 b)
{
    return (mask16){x16_compare_half(a.lo, b.lo, _CMP_EQ_OQ),
                    x16_compare_half(a.hi, b.hi, _CMP_EQ_OQ)};
}
HEW_INLINE mask16 x16_unordered(f32x16 a, f32x16 b)
{
    return (mask16){x16_compare_half(a.lo, b.lo, _CMP_UNORD_Q),
                    x16_compare_half(a.hi, b.hi, _CMP_UNORD_Q)};
}

HEW_INLINE __m256 x16_copysign_half(__m256 a, __m256 b)
{
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return _mm256_or_ps(_mm256_andnot_ps(sign, a), _mm256_and_ps(sign, b));
}
X16_BINARY(x16_copysign, f32x16, x16_copysign_half)

HEW_INLINE i32x16 x16_bits(f32x16 a)
{
    return (i32x16){_mm256_castps_si256(a.lo), _mm256_castps_si256(a.hi)};
}
HEW_INLINE f32x16 x16_from_bits(i32x16 a)
{
    return (f32x16){_mm256_castsi256_ps(a.lo), _mm256_castsi256_ps(a.hi)};
}
HEW_INLINE i32x16 x16_set_int(int32_t x)
{
    return (i32x16){_mm256_set1_epi32(x), _mm256_set1_epi32(x)};
}
HEW_INLINE mask16 x16_equal_int(i32x16 a, i32x16 b)
{
    return (mask16){_mm256_cmpeq_epi32(a.lo, b.lo), _mm256_cmpeq_epi32(a.hi, b.hi)};
}
HEW_INLINE i32x16 x16_truncate(f32x16 a)
{
    return (i32x16){_mm256_cvttps_epi32(a.lo), _mm256_cvttps_epi32(a.hi)};
}
X16_BINARY(x16_add_int, i32x16, _mm256_add_epi32)
X16_BINARY(x16_sub_int, i32x16, _mm256_sub_epi32)
X16_BINARY(x16_and_int, i32x16, _mm256_and_si256)
X16_BINARY(x16_or_int, i32x16, _mm256_or_si256)
X16_BINARY(x16_xor_int, i32x16, _mm256_xor_si256)
HEW_INLINE mask16 x16_negative_int(i32x16 a)
{
    return (mask16){_mm256_srai_epi32(a.lo, 31), _mm256_srai_epi32(a.hi, 31)};
}
X16_BINARY(x16_min_int, i32x16, _mm256_min_epi32)
X16_BINARY(x16_max_int, i32x16, _mm256_max_epi32)
HEW_INLINE mask16 x16_less_int(i32x16 a, i32x16 b)
{
    return (mask16){_mm256_cmpgt_epi32(b.lo, a.lo), _mm256_cmpgt_epi32(b.hi, a.hi)};
}
HEW_INLINE i32x16 x16_shift_up(i32x16 a, int n)
{
    return (i32x16){_mm256_slli_epi32(a.lo, n), _mm256_slli_epi32(a.hi, n)};
}
HEW_INLINE i32x16 x16_shift_down(i32x16 a, int n)
{
    return (i32x16){_mm256_srai_epi32(a.lo, n), _mm256_srai_epi32(a.hi, n)};
}

HEW_INLINE i32x16 x16_to_bf16(f32x16 a)
{
    const i32x16 bits = x16_bits(a);
    const i32x16 odd = x16_and_int(x16_shift_down(bits, 16), x16_set_int(1));
    const i32x16 rounded = x16_add_int(bits, x16_add_int(odd, x16_set_int(0x7fff)));
    const i32x16 quiet = x16_or_int(bits, x16_set_int(0x400000));
    return x16_bits(
        x16_select(x16_unordered(a, a), x16_from_bits(quiet), x16_from_bits(rounded)));
}
HEW_INLINE i32x16 x16_quiet_bf16(f32x16 a)
{
    const i32x16 bits = x16_bits(a), quiet = x16_or_int(bits, x16_set_int(0x400000));
    return x16_bits(x16_select(x16_unordered(a, a), x16_from_bits(quiet), a));
}
HEW_INLINE i32x16 x16_zip_upper(i32x16 a, i32x16 b)
{
    return (i32x16){_mm256_blend_epi16(_mm256_srli_epi32(a.lo, 16), b.lo, 0xaa),
                    _mm256_blend_epi16(_mm256_srli_epi32(a.hi, 16), b.hi, 0xaa)};
}

/* One rounding, as in AVX-512's scalef: the first product is exact.  POLY_ROUND's own bits fall out
 * of the shift. */
HEW_INLINE f32x16 x16_scale(f32x16 a, f32x16 biased_n)
{
    const i32x16 n = x16_shift_up(x16_bits(biased_n), 23);
    const f32x16 power = x16_from_bits(x16_add_int(n, x16_set_int((127 + 64) << 23)));
    return x16_mul(x16_mul(a, power), x16_set(0x1p-64f));
}

HEW_INLINE f32x16 x16_scale_far(f32x16 a, f32x16 biased_n)
{
    const i32x16 n = x16_sub_int(x16_bits(biased_n), x16_set_int(0x4b400000)); /* POLY_ROUND */
    const i32x16 half = x16_shift_down(n, 1), one = x16_set_int(127);
    const i32x16 first = x16_shift_up(x16_add_int(half, one), 23);
    const i32x16 second = x16_shift_up(x16_add_int(x16_sub_int(n, half), one), 23);
    return x16_mul(x16_mul(a, x16_from_bits(first)), x16_from_bits(second));
}

typedef struct f64x16 {
    __m256d part[4];
} f64x16;
#define D16_BINARY(name, intrinsic)                                                                \
    HEW_INLINE f64x16 name(f64x16 a, f64x16 b)                                                     \
    {                                                                                              \
        return (f64x16){{intrinsic(a.part[0], b.part[0]), intrinsic(a.part[1], b.part[1]),         \
                         intrinsic(a.part[2], b.part[2]), intrinsic(a.part[3], b.part[3])}};       \
    }
D16_BINARY(d16_add, _mm256_add_pd)
D16_BINARY(d16_sub, _mm256_sub_pd)
D16_BINARY(d16_mul, _mm256_mul_pd)
D16_BINARY(d16_div, _mm256_div_pd)
D16_BINARY(d16_max, _mm256_max_pd)
D16_BINARY(d16_min, _mm256_min_pd)
HEW_INLINE f64x16 d16_set(double x)
{
    const __m256d v = _mm256_set1_pd(x);
    return (f64x16){{v, v, v, v}};
}
HEW_INLINE f64x16 d16_sqrt(f64x16 a)
{
    HEW_UNROLL for (int i = 0; i < 4; i++)
        a.part[i] = _mm256_sqrt_pd(a.part[i]);
    return a;
}
HEW_INLINE f64x16 d16_load(const double *p)
{
    return (f64x16){{_mm256_loadu_pd(p), _mm256_loadu_pd(p + 4), _mm256_loadu_pd(p + 8),
                     _mm256_loadu_pd(p + 12)}};
}
HEW_INLINE void d16_store(double *p, f64x16 a)
{
    HEW_UNROLL for (int i = 0; i < 4; i++)
        _mm256_storeu_pd(p + 4 * i, a.part[i]);
}
HEW_INLINE f64x16 d16_fma(f64x16 a, f64x16 b, f64x16 c)
{
    HEW_UNROLL for (int i = 0; i < 4; i++)
        c.part[i] = _mm256_fmadd_pd(a.part[i], b.part[i], c.part[i]);
    return c;
}
HEW_INLINE f64x16 d16_from_floats(f32x16 a)
{
    return (f64x16){{_mm256_cvtps_pd(_mm256_castps256_ps128(a.lo)),
                     _mm256_cvtps_pd(_mm256_extractf128_ps(a.lo, 1)),
                     _mm256_cvtps_pd(_mm256_castps256_ps128(a.hi)),
                     _mm256_cvtps_pd(_mm256_extractf128_ps(a.hi, 1))}};
}
HEW_INLINE f32x16 d16_to_floats(f64x16 a)
{
    return (f32x16){_mm256_set_m128(_mm256_cvtpd_ps(a.part[1]), _mm256_cvtpd_ps(a.part[0])),
                    _mm256_set_m128(_mm256_cvtpd_ps(a.part[3]), _mm256_cvtpd_ps(a.part[2]))};
}

HEW_INLINE float x16_sum(f32x16 a)
{
    const __m256 half = _mm256_add_ps(a.lo, a.hi);
    const __m128 b = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
    const __m128 c = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(c, _mm_movehdup_ps(c)));
}
HEW_INLINE float x16_lanes_product(f32x16 a)
{
    const __m256 half = _mm256_mul_ps(a.lo, a.hi);
    const __m128 b = _mm_mul_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
    const __m128 c = _mm_mul_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_mul_ss(c, _mm_movehdup_ps(c)));
}
HEW_INLINE float x16_largest(f32x16 a)
{
    const __m256 half = _mm256_max_ps(a.lo, a.hi);
    const __m128 b = _mm_max_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
    const __m128 c = _mm_max_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_max_ss(c, _mm_movehdup_ps(c)));
}

HEW_INLINE int32_t x16_sum_int(i32x16 a)
{
    const __m256i half = _mm256_add_epi32(a.lo, a.hi);
    const __m128i high = _mm256_extracti128_si256(half, 1);
    const __m128i b = _mm_add_epi32(_mm256_castsi256_si128(half), high);
    const __m128i c = _mm_add_epi32(b, _mm_unpackhi_epi64(b, b));
    return _mm_cvtsi128_si32(_mm_add_epi32(c, _mm_shuffle_epi32(c, 1)));
}
HEW_INLINE int32_t x16_largest_int(i32x16 a)
{
    const __m256i half = _mm256_max_epi32(a.lo, a.hi);
    const __m128i high = _mm256_extracti128_si256(half, 1);
    const __m128i b = _mm_max_epi32(_mm256_castsi256_si128(half), high);
    const __m128i c = _mm_max_epi32(b, _mm_unpackhi_epi64(b, b));
    return _mm_cvtsi128_si32(_mm_max_epi32(c, _mm_shuffle_epi32(c, 1)));
}

HEW_INLINE f32x16 x16_gather(const float *p, i32x16 index)
{
    return (f32x16){_mm256_i32gather_ps(p, index.lo, 4), _mm256_i32gather_ps(p, index.hi, 4)};
}
HEW_INLINE f32x16 x16_look(const float *p, i32x16 index) { return x16_gather(p, index); }

HEW_INLINE f32x16 x16_opaque(f32x16 a)
{
    __asm__("" : "+x"(a.lo), "+x"(a.hi));
    return a;
}
HEW_INLINE float x16_lane0(f32x16 a) { return _mm256_cvtss_f32(a.lo); }

#endif
