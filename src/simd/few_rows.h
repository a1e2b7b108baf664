/*
 * few_rows - out[c][r] = in[r][c] for two to four rows, with no gap between those of out: images of
 * three channels, most of all.  Elements of 1, 2 or 4 bytes.
 *
 * 16 bytes of each row are shuffled into 16, 32, 48 or 64 of the output, which are stored as four
 * registers in rising order.  Three rows are shuffled like four, of which every fourth element is
 * then squeezed out; what is too much of one store is overwritten by the next.  The last columns
 * are moved one by one, so that nothing is written after the end.
 */
#include <immintrin.h>
#include <string.h>

#include "kernels_move.h"

HEW_INLINE __m128i few_low(const size_t size, __m128i a, __m128i b)
{
    return size == 1   ? _mm_unpacklo_epi8(a, b)
           : size == 2 ? _mm_unpacklo_epi16(a, b)
                       : _mm_unpacklo_epi32(a, b);
}
HEW_INLINE __m128i few_high(const size_t size, __m128i a, __m128i b)
{
    return size == 1   ? _mm_unpackhi_epi8(a, b)
           : size == 2 ? _mm_unpackhi_epi16(a, b)
                       : _mm_unpackhi_epi32(a, b);
}

/* Of every four elements the first three. */
HEW_INLINE __m128i few_squeeze(const size_t size, __m128i x)
{
    const __m128i bytes = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
    const __m128i words = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, -1, -1, -1, -1);
    return size == 4 ? x : _mm_shuffle_epi8(x, size == 1 ? bytes : words);
}

HEW_INLINE void few_rows_of(const size_t size, const size_t rows, size_t columns, const char *in,
                            ptrdiff_t in_stride, char *out)
{
    const size_t step = 16 / size, spare = rows == 3 ? 4 / size + 1 : 0;
    size_t c = 0;
    for (; c + step + spare <= columns; c += step) {
        __m128i x[4], y[4];
        HEW_UNROLL for (size_t r = 0; r < 4; r++)
            x[r] = _mm_loadu_si128((const __m128i *)(in + (ptrdiff_t)hew_min(r, rows - 1) *
                                                     in_stride + c * size));
        char *const to = out + c * rows * size;
        if (rows == 2) {
            _mm_storeu_si128((__m128i *)to, few_low(size, x[0], x[1]));
            _mm_storeu_si128((__m128i *)(to + 16), few_high(size, x[0], x[1]));
            continue;
        }
        y[0] = few_low(size, x[0], x[2]), y[1] = few_high(size, x[0], x[2]);
        y[2] = few_low(size, x[1], x[3]), y[3] = few_high(size, x[1], x[3]);
        x[0] = few_low(size, y[0], y[2]), x[1] = few_high(size, y[0], y[2]);
        x[2] = few_low(size, y[1], y[3]), x[3] = few_high(size, y[1], y[3]);
        HEW_UNROLL for (size_t k = 0; k < 4; k++)
            _mm_storeu_si128((__m128i *)(to + 4 * rows * k),
                             rows == 3 ? few_squeeze(size, x[k]) : x[k]);
    }
    for (; c < columns; c++)
        for (size_t r = 0; r < rows; r++)
            memcpy(out + (c * rows + r) * size, in + (ptrdiff_t)r * in_stride + c * size, size);
}

HEW_INLINE void few_rows(const size_t size, size_t rows, size_t columns, const char *in,
                         ptrdiff_t in_stride, char *out)
{
    switch (rows) {
    case 2: few_rows_of(size, 2, columns, in, in_stride, out); break;
    case 3: few_rows_of(size, 3, columns, in, in_stride, out); break;
    case 4: few_rows_of(size, 4, columns, in, in_stride, out); break;
    }
}
