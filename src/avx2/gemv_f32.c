/*
 * gemv_f32 - a few vectors times a matrix, row by row.  ISA: AVX2 + FMA.
 * The body: src/simd/gemv_f32.h.
 *
 * Registers (16 ymm)    one vector: v 8 | x 1 | sum 1    four: v 8 | x 1 | sum 4
 */
#include "reg.h"

#include "../simd/gemv_f32.h"

void hew_gemv_f32_avx2(const hew_gemv_f32_block *b) { gemv(b); }
