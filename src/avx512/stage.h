/*
 * stage.h - bytes of a row of A in the form that a dot product takes.  ISA: AVX-512BW, VL.
 *
 * 256-bit registers, for they serve kernels of either width.  What is written is whole registers:
 * up to 31 bytes past the end.
 */
#ifndef HEW_STAGE_H
#define HEW_STAGE_H

#include <immintrin.h>

#include "../core.h"

/* n bytes, signed or not, to 16 bits each; zeros behind them. */
HEW_INLINE void stage_wide(char *out, const char *in, size_t n, const bool is_signed)
{
    for (;; in += 16, out += 32, n -= 16) {
        const __m128i x = _mm_maskz_loadu_epi8((__mmask16)((1u << hew_min(n, 16)) - 1), in);
        _mm256_storeu_si256((__m256i *)out,
                            is_signed ? _mm256_cvtepi8_epi16(x) : _mm256_cvtepu8_epi16(x));
        if (n <= 16)
            return;
    }
}

/* n signed bytes plus 128. */
HEW_INLINE void stage_flipped(char *out, const char *in, size_t n)
{
    for (;; in += 32, out += 32, n -= 32) {
        const __m256i x = _mm256_maskz_loadu_epi8((__mmask32)((1ull << hew_min(n, 32)) - 1), in);
        _mm256_storeu_si256((__m256i *)out, _mm256_xor_si256(x, _mm256_set1_epi8(-128)));
        if (n <= 32)
            return;
    }
}

#endif
