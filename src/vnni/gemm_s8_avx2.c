/*
 * gemm_u8s8, gemm_s8s8 - integer matrix kernels.  ISA: AVX-VNNI.
 * The body: src/simd/gemm_s8_bytes.h.
 *
 * Registers (16 ymm)    6x16: acc 12 | b 2 | a 1        8x8: acc 8 | b 1 | a 1
 *
 * Bound: 12 dot products against 8 loads, two of each a cycle, so dot products.
 */
#include "../avx2/reg_s32.h"

HEW_INLINE vi dot(vi sum, vi a, vi b)
{
    return (vi)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)a, (__m256i)b);
}

#include "../simd/gemm_s8_bytes.h"

GEMM_6(hew_gemm_u8s8_6x16_avx2_vnni, 2, false)
GEMM_8(hew_gemm_u8s8_8x8_avx2_vnni, 1, false)

GEMM_6(hew_gemm_s8s8_6x16_avx2_vnni, 2, true)
GEMM_8(hew_gemm_s8s8_8x8_avx2_vnni, 1, true)
