/*
 * dwconv_f32, gconv_f32 - convolution depthwise and in small groups.  ISA: AVX-512F.
 * The bodies: src/simd/dwconv_f32.h, src/simd/gconv_f32.h.
 *
 * Registers (32 zmm)    seven pixels, three taps: acc 7 | w 3 | x 1    five: acc 7 | w 5 | x 1
 */
#include "reg_bf16.h"

enum { BF16 = false };

#include "../simd/dwconv_f32.h"
#include "../simd/gconv_f32.h"

void hew_dwconv_f32_avx512(const hew_dwconv_f32_run *r) { dwconv_run(r, true); }
GCONV_GROUP(2)
GCONV_GROUP(4)
GCONV_GROUP(8)

void hew_gconv_f32_avx512(const hew_dwconv_f32_run *r)
{
    if (r->group == 2)
        gconv_2(r);
    else if (r->group == 4)
        gconv_4(r);
    else
        gconv_8(r);
}
