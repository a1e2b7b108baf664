/*
 * dwconv_u8s8 - depthwise convolution of bytes.  ISA: AVX-VNNI.
 * The body: src/simd/dwconv_u8s8.h.
 *
 * Registers (16 ymm)    sums 4 | pixels, words, results 8; weights come from memory.
 *
 * Bound: 8 shuffles beside 4 dot products for four taps.
 */
#include "../avx2/interleave.h"

enum { DEPTH = 4, PIXELS = 1 };
HEW_INLINE vi dot(vi sum, vb u8, vb s8)
{
    return (vi)_mm256_dpbusd_avx_epi32((__m256i)sum, u8, s8);
}

#include "../simd/dwconv_bytes.h"
#include "../simd/dwconv_u8s8.h"

void hew_dwconv_u8s8_1x32_avx2_vnni(const hew_dwconv_u8s8_block *b) { dwconv_flat(b); }
