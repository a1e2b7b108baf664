/*
 * gemm_bf16 - bf16 matrix kernels for up to eight columns.  ISA: AVX2 + FMA.
 * The body: src/simd/gemm_bf16_fma.h.
 *
 * Registers (16 ymm)    8x8: acc 8 | b 2 | a 2 | mask 1
 *
 * Bound: 16 multiplies and 18 operations to a row of words, against 9 loads where floats take 18.
 */
#include "reg_bf16.h"

#include "../simd/gemm_bf16_fma.h"

GEMM_8(hew_gemm_bf16_8x8_avx2, 1, true)
