/*
 * gemm_bf16 - bf16 matrix kernels.  ISA: AVX512_BF16.  The body: src/simd/gemm_bf16.h.
 *
 * Registers (32 zmm)    6x64: acc 24 | b 4 | a 1        8x48: acc 24 | b 3 | a 1
 *                       8x32: acc 16 | b 2 | a 1        8x16: acc  8 | b 1 | a 1
 *
 * Bound: as f32's tiles are, src/avx512/gemm_f32.c: 24 dot products against 10 or 11 loads in the
 * wide ones, loads in the narrow; each takes two elements of k.
 */
#include "reg_bf16_dpbf16.h"
#include "reg_s32.h"

HEW_INLINE vf dot(vf sum, vi a, vi b)
{
    return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
}

#include "../simd/gemm_bf16_dot.h"

GEMM_6(hew_gemm_bf16_6x64_avx512_bf16, 4, true)
GEMM_8(hew_gemm_bf16_8x48_avx512_bf16, 3, true)
GEMM_8(hew_gemm_bf16_8x32_avx512_bf16, 2, true)
GEMM_8(hew_gemm_bf16_8x16_avx512_bf16, 1, true)
