/*
 * few_rows_f32 - out[c][r] = in[r][c] for one to four rows, with no gap between those of out:
 * images of three channels, most of all.
 *
 * Four columns at a time go through a transposition of 4 x 4 and are stored as four times four
 * floats in rising order; what is too much of one store is overwritten by the next.  The last
 * columns are moved one by one, so that nothing is written after the end.
 */
#include <immintrin.h>

#include "kernels_move.h"

HEW_INLINE void few_rows_of(const size_t rows, size_t columns, const float *in, size_t in_stride,
                            float *out)
{
    size_t c = 0;
    /* A store of four floats at column c + 3 must end inside columns. */
    for (; c + 4 + (rows < 4 ? 4 / rows : 0) <= columns; c += 4) {
        __m128 x[4];
        HEW_UNROLL for (size_t r = 0; r < 4; r++)
            x[r] = _mm_loadu_ps(in + hew_min(r, rows - 1) * in_stride + c);
        _MM_TRANSPOSE4_PS(x[0], x[1], x[2], x[3]);
        HEW_UNROLL for (size_t k = 0; k < 4; k++)
            _mm_storeu_ps(out + (c + k) * rows, x[k]);
    }
    for (; c < columns; c++)
        for (size_t r = 0; r < rows; r++)
            out[c * rows + r] = in[r * in_stride + c];
}

static void few_rows(size_t rows, size_t columns, const float *in, size_t in_stride, float *out)
{
    switch (rows) {
    case 1: few_rows_of(1, columns, in, in_stride, out); break;
    case 2: few_rows_of(2, columns, in, in_stride, out); break;
    case 3: few_rows_of(3, columns, in, in_stride, out); break;
    case 4: few_rows_of(4, columns, in, in_stride, out); break;
    }
}
