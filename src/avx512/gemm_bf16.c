/*
 * gemm_bf16 - bf16 matrix kernels.  ISA: AVX-512BW, without AVX512_BF16.
 * The body: src/simd/gemm_bf16_staged.h.
 *
 * Registers (32 zmm)    6x64: acc 24 | b 4 | a 1        8x48: acc 24 | b 3 | a 1
 *                       8x32: acc 16 | b 2 | a 1        8x16: acc  8 | b 1 | a 1
 *
 * Bound: as f32's tiles, multiplies in the wide ones and loads in the narrow.  To 48 multiplies,
 * making floats of B adds 6 or 8 operations, which share ports with them on Intel's CPUs and have
 * their own on AMD's.
 */
#include "reg_bf16.h"

#include "../simd/gemm_bf16_staged.h"

GEMM_6(hew_gemm_bf16_6x64_avx512, 4, true)
GEMM_8(hew_gemm_bf16_8x48_avx512, 3, true)
GEMM_8(hew_gemm_bf16_8x32_avx512, 2, true)
GEMM_8(hew_gemm_bf16_8x16_avx512, 1, true)
