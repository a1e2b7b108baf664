/*
 * gemm_u8s8, gemm_s8s8 - integer matrix kernels.  ISA: AVX2.  The body: src/simd/gemm_s8_wide.h.
 *
 * Registers (16 ymm)    6x16: acc 12 | b 2 | a 1 | product 1
 *                       8x8:  acc  8 | b 1 | a 1 | product 1
 *
 * Elements of 16 bits: their products need all 32, and vpmaddubsw would saturate at 255 * 127 * 2.
 * Bound: multiplies, 12 to two of k where f32 has 24, with as many additions beside them.
 */
#include "narrow.h"
#include "reg_s32.h"

HEW_INLINE vi dot(vi sum, vi a, vi b)
{
    return vi_add(sum, (vi)_mm256_madd_epi16((__m256i)a, (__m256i)b));
}

#include "../simd/gemm_s8_wide.h"

GEMM_6(hew_gemm_u8s8_6x16_avx2, 2, false)
GEMM_8(hew_gemm_u8s8_8x8_avx2, 1, false)

GEMM_6(hew_gemm_s8s8_6x16_avx2, 2, true)
GEMM_8(hew_gemm_s8s8_8x8_avx2, 1, true)
