/*
 * gemm_bf16 - bf16 matrix kernels for up to eight columns.  ISA: AVX512_BF16 + VL.
 * The body: src/simd/gemm_bf16.h.
 *
 * Registers (32 ymm)    8x8: acc 8 | b 1 | a 1
 *
 * Half a zmm would be wasted on so few columns, and ymm loads start two a cycle.
 */
#define VF_TO_HALVES(x) ((__m128i)_mm256_cvtneps_pbh(x)) /* as reg_bf16_dpbf16.h */

#include "reg_bf16_ymm.h"
#include "reg_s32_ymm.h"

HEW_INLINE vf dot(vf sum, vi a, vi b)
{
    return _mm256_dpbf16_ps(sum, (__m256bh)a, (__m256bh)b);
}

#include "../simd/gemm_bf16_dot.h"

GEMM_8(hew_gemm_bf16_8x8_avx512_bf16, 1, true)
