/*
 * dwconv_u8s8, dwconv_slide_u8s8 - depthwise convolution of bytes.  ISA: AVX-512BW, without VNNI.
 * The bodies: src/simd/dwconv_u8s8.h, src/simd/dwconv_slide_u8s8.h.
 *
 * Registers (32 zmm)    slide   sums 12 | pixels, words, results 14; weights come from memory
 *                       two pixels of any taps   sums 8 | weights 4 | pixels, words, results 10
 *
 * Words are two s16.  Bound: a pixel's 24 multiplies, 24 additions and 12 + 3 shuffles; with any
 * taps, for two of them 4, 4 and 6.
 */
#include "interleave.h"

enum { DEPTH = 2, PIXELS = 2 };
HEW_INLINE vi dot(vi sum, vb a, vb b)
{
    return vi_add(sum, (vi)_mm512_madd_epi16(a, b));
}

#include "../simd/dwconv_bytes.h"
#include "../simd/dwconv_slide_u8s8.h"
#include "../simd/dwconv_u8s8.h"

void hew_dwconv_u8s8_2x64_avx512(const hew_dwconv_u8s8_block *b) { dwconv_flat(b); }
SLIDE(hew_dwconv_u8s8_k3s1_1x64_avx512, 3, 1)
SLIDE(hew_dwconv_u8s8_k3s2_1x64_avx512, 3, 2)
