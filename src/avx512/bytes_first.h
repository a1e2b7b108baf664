/* bytes_first.h - a few bytes of memory, with AVX-512BW's and VL's masks. */
#ifndef HEW_BYTES_FIRST_H
#define HEW_BYTES_FIRST_H

#include <immintrin.h>

#include "core.h"

/* The first n < 16, with zeros behind them. */
HEW_INLINE __m128i bytes_first(size_t n, const char *p)
{
    return _mm_maskz_loadu_epi8((__mmask16)((1u << n) - 1), p);
}

#endif
