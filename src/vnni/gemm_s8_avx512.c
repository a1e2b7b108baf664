/*
 * gemm_u8s8, gemm_s8s8 - integer matrix kernels.  ISA: AVX512_VNNI.
 * The body: src/simd/gemm_s8_bytes.h.
 *
 * Registers (32 zmm)    7x64: acc 28 | b 3 | a 1        8x48: acc 24 | b 3 | a 1
 *                       8x32: acc 16 | b 2 | a 1        8x16: acc  8 | b 1 | a 1
 *                       6x64 (s8s8, which flips a): acc 24 | b 4 | a 1
 *
 * Bound: as f32's tiles are, src/avx512/gemm_f32.c: 24 dot products against 10 or 11 loads in the
 * wide ones, or 28 against 17; loads in the narrow.  But a row of the panel has four elements of k,
 * so that a short reduction is over before its start and epilogue are paid for.
 */
#include "../avx512/reg_s32.h"

HEW_INLINE vi dot(vi sum, vi a, vi b)
{
    return (vi)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
}

#include "../simd/gemm_s8_bytes.h"

GEMM_7(hew_gemm_u8s8_7x64_avx512_vnni, 4, false)
GEMM_8(hew_gemm_u8s8_8x48_avx512_vnni, 3, false)
GEMM_8(hew_gemm_u8s8_8x32_avx512_vnni, 2, false)
GEMM_8(hew_gemm_u8s8_8x16_avx512_vnni, 1, false)

GEMM_6(hew_gemm_s8s8_6x64_avx512_vnni, 4, true)
GEMM_8(hew_gemm_s8s8_8x48_avx512_vnni, 3, true)
GEMM_8(hew_gemm_s8s8_8x32_avx512_vnni, 2, true)
GEMM_8(hew_gemm_s8s8_8x16_avx512_vnni, 1, true)
