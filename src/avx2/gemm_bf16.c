/*
 * gemm_bf16 - bf16 matrix kernels.  ISA: AVX2 + FMA.  The body: src/simd/gemm_bf16_staged.h.
 *
 * Registers (16 ymm)    6x16: acc 12 | b 2 | a 1 | mask 1
 *
 * Bound: 24 multiplies to a row of words against 16 loads, two of each a cycle, so multiplies; four
 * operations that make floats of B have ports of their own.
 */
#include "reg_bf16.h"

#include "../simd/gemm_bf16_staged.h"

GEMM_6(hew_gemm_bf16_6x16_avx2, 2, true)
