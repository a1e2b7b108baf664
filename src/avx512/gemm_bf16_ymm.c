/*
 * gemm_bf16 - bf16 matrix kernels for up to eight columns.  ISA: AVX-512BW + VL, without
 * AVX512_BF16.  The body: src/simd/gemm_bf16_fma.h.
 *
 * Registers (32 ymm)    8x8: acc 8 | b 2 | a 2 | mask 1
 */
#include "reg_bf16_ymm.h"

#include "../simd/gemm_bf16_fma.h"

GEMM_8(hew_gemm_bf16_8x8_avx512, 1, true)
