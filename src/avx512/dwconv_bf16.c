/*
 * dwconv_bf16 - depthwise convolution of bf16, runs of pixels.  ISA: AVX-512BW + VL.
 * The body: src/simd/dwconv_f32.h.
 *
 * Inputs become floats as they are loaded; strips (dwconv_strip_bf16.c) take what is common, so
 * that there is one form for all taps.
 */
#include "reg_bf16.h"

enum { BF16 = true };

#include "../simd/dwconv_f32.h"

void hew_dwconv_bf16_avx512(const hew_dwconv_f32_run *r) { dwconv_run(r, false); }
