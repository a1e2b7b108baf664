/*
 * dwconv_u8s8, dwconv_slide_u8s8 - depthwise convolution of bytes.  ISA: AVX512_VNNI.
 * The bodies: src/simd/dwconv_u8s8.h, src/simd/dwconv_slide_u8s8.h.
 *
 * Registers (32 zmm)    slide   weights 12 | sums 12 | pixels, words, results 8
 *                       two pixels of any taps   sums 8 | weights 4 | pixels, words, results 10
 *
 * Bound on Zen 4, whose zmm shuffles and multiplies share a pipe: a pixel's 12 dot products, 8 + 3
 * shuffles and 4 multiply-adds, 27 cycles; with any taps, for four of them 4 and 8.
 */
#include "../avx512/interleave.h"

enum { DEPTH = 4, PIXELS = 2 };
HEW_INLINE vi dot(vi sum, vb u8, vb s8)
{
    return (vi)_mm512_dpbusd_epi32((__m512i)sum, u8, s8);
}

#include "../simd/dwconv_bytes.h"
#include "../simd/dwconv_slide_u8s8.h"
#include "../simd/dwconv_u8s8.h"

void hew_dwconv_u8s8_2x64_avx512_vnni(const hew_dwconv_u8s8_block *b) { dwconv_flat(b); }
SLIDE(hew_dwconv_u8s8_k3s1_1x64_avx512_vnni, 3, 1)
SLIDE(hew_dwconv_u8s8_k3s2_1x64_avx512_vnni, 3, 2)
SLIDE(hew_dwconv_u8s8_k5s1_1x64_avx512_vnni, 5, 1)
SLIDE(hew_dwconv_u8s8_k5s2_1x64_avx512_vnni, 5, 2)
