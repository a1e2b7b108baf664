/*
 * dwconv_u8s8 - depthwise convolution of bytes.  ISA: AVX-512BW, without VNNI.
 * The body: src/simd/dwconv_u8s8.h.
 *
 * Registers (32 zmm)    two pixels   sums 8 | weights 4 | pixels, words, results 8
 *
 * Words are two s16.  Bound: 6 shuffles, 4 multiplies and 4 additions for two taps.
 */
#include "interleave.h"

enum { DEPTH = 2, PIXELS = 2 };
HEW_INLINE vi dot(vi sum, vb a, vb b)
{
    return vi_add(sum, (vi)_mm512_madd_epi16(a, b));
}

#include "../simd/dwconv_bytes.h"
#include "../simd/dwconv_u8s8.h"

void hew_dwconv_u8s8_2x64_avx512(const hew_dwconv_u8s8_block *b) { dwconv_flat(b); }
