/*
 * widen.h - bytes to 16 bits each.  ISA: AVX-512BW, VL.
 *
 * With 256-bit registers, since kernels of either width use it.  Whole registers are written: up to
 * 15 elements past the end.
 */
#ifndef HEW_WIDEN_H
#define HEW_WIDEN_H

#include <immintrin.h>

#include "../core.h"

/* n > 0 bytes, signed or not; zeros behind them. */
HEW_INLINE void widen(int16_t *out, const char *in, size_t n, const bool is_signed)
{
    for (;; in += 16, out += 16, n -= 16) {
        const __m128i x = _mm_maskz_loadu_epi8((__mmask16)((1u << hew_min(n, 16)) - 1), in);
        _mm256_storeu_si256((__m256i *)out,
                            is_signed ? _mm256_cvtepi8_epi16(x) : _mm256_cvtepu8_epi16(x));
        if (n <= 16)
            return;
    }
}

#endif
