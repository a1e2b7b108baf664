/*
 * dwconv_u8s8 - depthwise convolution of bytes.  ISA: AVX2.  The body: src/simd/dwconv_u8s8.h.
 *
 * Registers (16 ymm)    sums 4 | pixels, words, results 6; weights come from memory.
 *
 * Words are two s16, since vpmaddubsw would saturate.  Bound: 6 shuffles, 4 multiplies and 4
 * additions for two taps.
 */
#include "interleave.h"

enum { DEPTH = 2, PIXELS = 1 };
HEW_INLINE vi dot(vi sum, vb a, vb b)
{
    return vi_add(sum, (vi)_mm256_madd_epi16(a, b));
}

#include "../simd/dwconv_bytes.h"
#include "../simd/dwconv_u8s8.h"

void hew_dwconv_u8s8_1x32_avx2(const hew_dwconv_u8s8_block *b) { dwconv_flat(b); }
