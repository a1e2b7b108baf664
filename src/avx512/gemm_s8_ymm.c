/*
 * gemm_u8s8, gemm_s8s8 - integer matrix kernels for up to eight columns.  ISA: AVX-512BW + VL,
 * without VNNI.  The body: src/simd/gemm_s8_wide.h.
 *
 * Registers (32 ymm)    8x8: acc 8 | b 1 | a 1 | product 1
 */
#include "bytes_first.h"
#include "reg_s32_ymm.h"

HEW_INLINE vi dot(vi sum, vi a, vi b)
{
    return vi_add(sum, (vi)_mm256_madd_epi16((__m256i)a, (__m256i)b));
}

#include "../simd/gemm_s8_wide.h"

GEMM_8(hew_gemm_u8s8_8x8_avx512, 1, false)
GEMM_8(hew_gemm_s8s8_8x8_avx512, 1, true)
