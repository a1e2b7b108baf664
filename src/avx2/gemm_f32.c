/*
 * gemm_f32, direct_f32 - f32 matrix kernels.  ISA: AVX2 + FMA.  The body: src/simd/gemm_f32.h.
 *
 * Registers (16 ymm)    6x16: acc 12 | b 2 | a 1        8x8: acc 8 | b 1 | a 1
 *
 * Bound: 12 multiplies against 8 loads, two of each a cycle, so multiplies.  The 8-wide tile needs
 * 9 loads for 8 multiplies; its eight chains just cover a latency of four cycles.
 */
#include "reg_bf16.h"

#include "../simd/gemm_f32.h"

GEMM_6(hew_gemm_f32_6x16_avx2, 2, false)
GEMM_8(hew_gemm_f32_8x8_avx2, 1, false)

GEMM_6(hew_direct_f32_6x16_avx2, 2, true)
GEMM_8(hew_direct_f32_8x8_avx2, 1, true)
