/*
 * widen.h - bytes to 16 bits each.  ISA: AVX2.
 *
 * Whole registers are written: up to 15 elements past the end.
 */
#ifndef HEW_WIDEN_H
#define HEW_WIDEN_H

#include <immintrin.h>
#include <string.h>

#include "../core.h"

/* The n < 16 bytes, with zeros behind them; nothing else is read. */
HEW_INLINE __m128i last_bytes(const char *in, size_t n)
{
    uint64_t low = 0, high = 0;
    if (n >= 8) { /* the last eight, of which 16 - n are also among the first eight */
        memcpy(&low, in, 8);
        memcpy(&high, in + n - 8, 8);
        high = n == 8 ? 0 : high >> 8 * (16 - n);
    } else if (n >= 4) {
        uint32_t first, last;
        memcpy(&first, in, 4);
        memcpy(&last, in + n - 4, 4);
        low = first | (uint64_t)last << 8 * (n - 4);
    } else {
        for (size_t i = 0; i < n; i++)
            low |= (uint64_t)(uint8_t)in[i] << 8 * i;
    }
    return _mm_set_epi64x((int64_t)high, (int64_t)low);
}

HEW_INLINE void widen_16(int16_t *out, __m128i x, const bool is_signed)
{
    _mm256_storeu_si256((__m256i *)out,
                        is_signed ? _mm256_cvtepi8_epi16(x) : _mm256_cvtepu8_epi16(x));
}

/* n bytes, signed or not; zeros behind them. */
HEW_INLINE void widen(int16_t *out, const char *in, size_t n, const bool is_signed)
{
    for (; n >= 16; in += 16, out += 16, n -= 16)
        widen_16(out, _mm_loadu_si128((const __m128i *)in), is_signed);
    if (n > 0)
        widen_16(out, last_bytes(in, n), is_signed);
}

#endif
