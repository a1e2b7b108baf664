/*
 * dwconv_u8s8, dwconv_slide_u8s8 - depthwise convolution of bytes, up to 32 channels.
 * ISA: AVX512_VNNI + VL.  The bodies: src/simd/dwconv_u8s8.h, src/simd/dwconv_slide_u8s8.h.
 *
 * Registers (32 ymm) and bound: as in dwconv_u8s8_avx512.c.
 */
#include "../avx512/interleave_ymm.h"

enum { DEPTH = 4, PIXELS = 2 };
HEW_INLINE vi dot(vi sum, vb u8, vb s8)
{
    return (vi)_mm256_dpbusd_epi32((__m256i)sum, u8, s8);
}

#include "../simd/dwconv_bytes.h"
#include "../simd/dwconv_slide_u8s8.h"
#include "../simd/dwconv_u8s8.h"

void hew_dwconv_u8s8_2x32_avx512_vnni(const hew_dwconv_u8s8_block *b) { dwconv_flat(b); }
SLIDE(hew_dwconv_u8s8_k3s1_1x32_avx512_vnni, 3, 1)
SLIDE(hew_dwconv_u8s8_k3s2_1x32_avx512_vnni, 3, 2)
SLIDE(hew_dwconv_u8s8_k5s1_1x32_avx512_vnni, 5, 1)
SLIDE(hew_dwconv_u8s8_k5s2_1x32_avx512_vnni, 5, 2)
