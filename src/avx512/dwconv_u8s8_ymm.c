/*
 * dwconv_u8s8, dwconv_slide_u8s8 - depthwise convolution of bytes, up to 32 channels.
 * ISA: AVX-512BW + VL, without VNNI.  The bodies: src/simd/dwconv_u8s8.h,
 * src/simd/dwconv_slide_u8s8.h.
 *
 * Registers (32 ymm) and bound: as in dwconv_u8s8.c.
 */
#include "interleave_ymm.h"

enum { DEPTH = 2, PIXELS = 2 };
HEW_INLINE vi dot(vi sum, vb a, vb b)
{
    return vi_add(sum, (vi)_mm256_madd_epi16(a, b));
}

#include "../simd/dwconv_bytes.h"
#include "../simd/dwconv_slide_u8s8.h"
#include "../simd/dwconv_u8s8.h"

void hew_dwconv_u8s8_2x32_avx512(const hew_dwconv_u8s8_block *b) { dwconv_flat(b); }
SLIDE(hew_dwconv_u8s8_k3s1_1x32_avx512, 3, 1)
SLIDE(hew_dwconv_u8s8_k3s2_1x32_avx512, 3, 2)
