/*
 * gemm_f32, direct_f32 - f32 matrix kernels.  ISA: AVX-512F.  The body: src/simd/gemm_f32.h.
 *
 * Registers (32 zmm)    6x64: acc 24 | b 4 | a 1        8x48: acc 24 | b 3 | a 1
 *                       8x32: acc 16 | b 2 | a 1        8x16: acc  8 | b 1 | a 1
 *
 * Bound: 24 multiplies against 10 or 11 loads, so multiplies.  Ice Lake and Zen 4 both start about
 * one zmm load or broadcast a cycle, which the narrow tiles meet first: 10 for 16 multiplies, 9 for
 * 8.  More rows would help those, but general registers for row pointers end at eight.
 */
#include "reg_bf16.h"

#include "../simd/gemm_f32.h"

GEMM_6(hew_gemm_f32_6x64_avx512, 4, false)
GEMM_8(hew_gemm_f32_8x48_avx512, 3, false)
GEMM_8(hew_gemm_f32_8x32_avx512, 2, false)
GEMM_8(hew_gemm_f32_8x16_avx512, 1, false)

GEMM_6(hew_direct_f32_6x64_avx512, 4, true)
GEMM_8(hew_direct_f32_8x48_avx512, 3, true)
GEMM_8(hew_direct_f32_8x32_avx512, 2, true)
GEMM_8(hew_direct_f32_8x16_avx512, 1, true)
