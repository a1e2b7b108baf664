/*
 * dwconv_f32, gconv_f32 - convolution depthwise and in small groups.  ISA: AVX2 + FMA.
 * The bodies: src/simd/dwconv_f32.h, src/simd/gconv_f32.h.
 *
 * Registers (16 ymm)    seven pixels, three taps: acc 7 | w 3 | x 1    five: acc 7 | w 5 | x 1
 */
#include "reg_bf16.h"

enum { BF16 = false };

#include "../simd/dwconv_f32.h"
#include "../simd/gconv_f32.h"

void hew_dwconv_f32_avx2(const hew_dwconv_f32_run *r) { dwconv_run(r, true); }
GCONV_GROUP(2)
GCONV_GROUP(4)

void hew_gconv_f32_avx2(const hew_dwconv_f32_run *r)
{
    if (r->group == 2)
        gconv_2(r);
    else
        gconv_4(r);
}
