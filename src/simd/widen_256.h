/*
 * widen_256 - bytes to 16 bits each, with 256-bit registers.
 *
 * After a folder's bytes_first(n, p), the first n < 16 bytes with zeros behind them.  Whole
 * registers are written: up to 15 elements past the end.
 */
#ifndef HEW_SIMD_WIDEN_256_H
#define HEW_SIMD_WIDEN_256_H

HEW_INLINE void widen_register(int16_t *out, __m128i x, const bool is_signed)
{
    _mm256_storeu_si256((__m256i *)out,
                        is_signed ? _mm256_cvtepi8_epi16(x) : _mm256_cvtepu8_epi16(x));
}

/* 16 bytes, signed or not. */
HEW_INLINE void widen_16(int16_t *out, const char *in, const bool is_signed)
{
    widen_register(out, _mm_loadu_si128((const __m128i *)in), is_signed);
}

/* n bytes, with zeros behind them. */
HEW_INLINE void widen(int16_t *out, const char *in, size_t n, const bool is_signed)
{
    for (; n >= 16; in += 16, out += 16, n -= 16)
        widen_16(out, in, is_signed);
    if (n > 0)
        widen_register(out, bytes_first(n, in), is_signed);
}

#endif
