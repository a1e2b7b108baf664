/*
 * gemm_u8s8, gemm_s8s8 - integer matrix kernels.  ISA: AVX-512BW, without VNNI.
 * The body: src/simd/gemm_s8_wide.h.
 *
 * Registers (32 zmm)    6x64: acc 24 | b 4 | a 1 | product    8x48: acc 24 | b 3 | a 1 | product
 *                       8x32: acc 16 | b 2 | a 1 | product    8x16: acc  8 | b 1 | a 1 | product
 *
 * Elements of 16 bits: their products need all 32.  Bound: multiplies and the additions beside
 * them, which share ports on Intel's CPUs and don't on AMD's.
 */
#include "bytes_first.h"
#include "reg_s32.h"

HEW_INLINE vi dot(vi sum, vi a, vi b)
{
    return vi_add(sum, (vi)_mm512_madd_epi16((__m512i)a, (__m512i)b));
}

#include "../simd/gemm_s8_wide.h"

GEMM_6(hew_gemm_u8s8_6x64_avx512, 4, false)
GEMM_8(hew_gemm_u8s8_8x48_avx512, 3, false)
GEMM_8(hew_gemm_u8s8_8x32_avx512, 2, false)
GEMM_8(hew_gemm_u8s8_8x16_avx512, 1, false)

GEMM_6(hew_gemm_s8s8_6x64_avx512, 4, true)
GEMM_8(hew_gemm_s8s8_8x48_avx512, 3, true)
GEMM_8(hew_gemm_s8s8_8x32_avx512, 2, true)
GEMM_8(hew_gemm_s8s8_8x16_avx512, 1, true)
