/*
 * gemm_u8s8, gemm_s8s8 - integer matrix kernels for up to eight columns.  ISA: AVX512_VNNI + VL.
 * The body: src/simd/gemm_s8_bytes.h.
 *
 * Registers (32 ymm)    8x8: acc 8 | b 1 | a 1
 *
 * Half a zmm would be wasted on so few columns, and ymm loads start two a cycle.
 */
#include "../avx512/reg_s32_ymm.h"

HEW_INLINE vi dot(vi sum, vi a, vi b)
{
    return (vi)_mm256_dpbusd_epi32((__m256i)sum, (__m256i)a, (__m256i)b);
}

#include "../simd/gemm_s8_bytes.h"

GEMM_8(hew_gemm_u8s8_8x8_avx512_vnni, 1, false)
GEMM_8(hew_gemm_s8s8_8x8_avx512_vnni, 1, true)
