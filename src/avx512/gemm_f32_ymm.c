/*
 * gemm_f32, direct_f32 - f32 matrix kernels for up to eight columns.  ISA: AVX-512VL.
 * The body: src/simd/gemm_f32.h.
 *
 * Registers (32 ymm)    8x8: acc 8 | b 1 | a 1
 *
 * Half a zmm would be wasted on so few columns, and ymm loads start two a cycle.
 */
#include "reg_bf16_ymm.h"

#include "../simd/gemm_f32.h"

GEMM_8(hew_gemm_f32_8x8_avx512, 1, false)
GEMM_8(hew_direct_f32_8x8_avx512, 1, true)
