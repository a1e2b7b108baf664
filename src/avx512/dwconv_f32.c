/*
 * dwconv_f32 - depthwise convolution.  ISA: AVX-512F.  The body: src/simd/dwconv_f32.h.
 *
 * Registers (32 zmm)    seven pixels, three taps: acc 7 | w 3 | x 1        five taps: acc 7 | w 5 | x 1
 */
#include "reg.h"

#include "../simd/dwconv_f32.h"

void hew_dwconv_f32_avx512(const hew_dwconv_f32_run *r) { dwconv_run(r); }
