/*
 * gemm_f32s8, gemm_f32s4, gemm_f32f16 - weight-only products.  ISA: AVX2 + FMA + F16C.
 * The body: src/simd/gemm_wo.h.
 *
 * The element in a word's highest bits is moved down with its sign and converted; then the word
 * moves up by one element.  Words of f16 are half a register of first elements and half a register
 * of second ones.
 *
 * Registers (16 ymm)    m 1: acc 4 | x 4 | w 1 | zero 4 | a 1      m 4: acc 8 | x 2 | w 2 | zero 2
 *                       m 8: acc 8 | x 1 | w 1 | zero 1 | a 1           | a 1
 *
 * Bound: m = 1 in cache by shifts, two a register and element.
 */
#include "reg.h"

typedef __m256i vw;
HEW_INLINE vw vw_load(const void *p) { return _mm256_load_si256(p); }

HEW_INLINE vf vf_from_s8(const int8_t *p, int n)
{
    if (n >= LANES)
        return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)));
    uint64_t bytes = 0;
    for (int i = n; i-- > 0;)
        bytes = bytes << 8 | (uint8_t)p[i];
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_cvtsi64_si128((int64_t)bytes)));
}

typedef struct decoder {
    vf zero;
} decoder;
HEW_INLINE decoder decoder_of(vf zero, const int bits)
{
    (void)bits;
    return (decoder){zero};
}

HEW_INLINE vf decode_first(vw *x, decoder d, const int bits, const bool shifted)
{
    if (bits == 16) {
        const vf half = _mm256_cvtph_ps(_mm256_castsi256_si128(*x));
        *x = _mm256_permute2x128_si256(*x, *x, 1);
        return half;
    }
    const vf q = _mm256_cvtepi32_ps(_mm256_srai_epi32(*x, 32 - bits));
    *x = _mm256_slli_epi32(*x, bits);
    return shifted ? _mm256_sub_ps(q, d.zero) : q;
}
#define decode_second decode_first

#define WIDTH(m) ((m) == 1 ? 4 : (m) <= 4 ? 2 : 1)

#include "../simd/gemm_wo.h"

WO_KERNEL(hew_gemm_f32s8_8x32_avx2, 8)
WO_KERNEL(hew_gemm_f32s4_8x32_avx2, 4)
WO_LOW_KERNEL(hew_gemm_f32f16_2x32_avx2, 16)

void hew_expand_s8_avx2(const hew_expand *e) { expand(e, 8); }
void hew_expand_s4_avx2(const hew_expand *e) { expand(e, 4); }
void hew_add_scaled_f32_avx2(size_t m, size_t n, size_t width, const float *x, const float *scale,
                          float *sums)
{
    add_scaled(m, n, width, x, scale, sums);
}
