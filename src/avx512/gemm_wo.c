/*
 * gemm_f32s8, gemm_f32s4, gemm_f32f16 - weight-only products.  ISA: AVX-512F/BW/VL.
 * The body: src/simd/gemm_wo.h.
 *
 * A field of `bits` bits is made a float where it lies, in two operations: the bits above and below
 * it become those of a power of two whose mantissa's unit is the field's lowest bit, and then that
 * power is subtracted, together with what the sign bit, flipped, counts for and the zero point:
 *
 *     ((x & field) ^ power ^ sign) = power + q + 2^(bits-1)      exact: integers below 2^24
 *
 * Two fields lie within the 23 bits of a mantissa, so there is one rotation for two elements.
 * Where no zero point is subtracted, the lower field of s4 is one operation: the index of a
 * permutation of the sixteen floats, which takes no more than the four lowest bits.
 *
 * Words of f16 are half a register of first elements and half a register of second ones.
 *
 * Registers (32 zmm)    m 2: acc 8 | x 4 | w 4 | subtracted 8 | fields, powers 4 | a 1
 *                       m 8: acc 16 | x 2 | w 2 | subtracted 4 | fields, powers 4 | a 1
 *
 * Bound: m = 1, Zen 4 in cache: 1.5 cycles a register and element (s4), 1.8 with zero points or s8.
 */
#include "reg.h"

typedef __m512i vw;
HEW_INLINE vw vw_load(const void *p) { return _mm512_load_si512(p); }

HEW_INLINE vf vf_from_s8(const int8_t *p, int n)
{
    const __m128i bytes = _mm_maskz_loadu_epi8(vf_first(n), p);
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
}

typedef struct decoder {
    vf upper, lower; /* what is subtracted */
} decoder;

HEW_INLINE decoder decoder_of(vf zero, const int bits)
{
    const float half = (float)(1 << (bits - 1)), unit = (float)(1 << 23);
    return (decoder){vf_add(vf_set(unit / (float)(1 << bits) + half), zero),
                     vf_add(vf_set(unit + half), zero)};
}

/* The field at bit `low` plus what decoder_of has. */
HEW_INLINE vf field(vw x, const int bits, const int low)
{
    const __m512i mask = _mm512_set1_epi32(((1 << bits) - 1) << low);
    const __m512i power = _mm512_castps_si512(vf_set((float)(1 << (23 - low))));
    const __m512i sign = _mm512_set1_epi32(1 << (bits - 1) << low);
    const __m512i flip = _mm512_xor_si512(power, sign);
    return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(x, mask, flip, 0x6a)); /* (x & m) ^ f */
}

HEW_INLINE vf decode_first(vw *x, decoder d, const int bits, const bool shifted)
{
    (void)shifted;
    if (bits == 16)
        return _mm512_cvtph_ps(_mm512_castsi512_si256(*x));
    *x = bits == 4 ? _mm512_rol_epi32(*x, 8) : _mm512_rol_epi32(*x, 16);
    return _mm512_sub_ps(field(*x, bits, bits), d.upper);
}

HEW_INLINE vf decode_second(vw *x, decoder d, const int bits, const bool shifted)
{
    if (bits == 16)
        return _mm512_cvtph_ps(_mm512_extracti64x4_epi64(*x, 1));
    if (bits == 8 || shifted)
        return _mm512_sub_ps(field(*x, bits, 0), d.lower);
    const vf s4 = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1);
    return _mm512_permutexvar_ps(*x, s4);
}

#define WIDTH(m) ((m) <= 2 ? 4 : 2)

#include "../simd/gemm_wo.h"

WO_KERNEL(hew_gemm_f32s8_8x64_avx512, 8)
WO_KERNEL(hew_gemm_f32s4_8x64_avx512, 4)
WO_LOW_KERNEL(hew_gemm_f32f16_2x64_avx512, 16)

void hew_expand_s8_avx512(const hew_expand *e) { expand(e, 8); }
void hew_expand_s4_avx512(const hew_expand *e) { expand(e, 4); }
void hew_add_scaled_f32_avx512(size_t m, size_t n, size_t width, const float *x, const float *scale,
                            float *sums)
{
    add_scaled(m, n, width, x, scale, sums);
}
