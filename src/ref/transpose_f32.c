/*
 * transpose_f32 - the definition: out[c][r] = in[r][c].
 */
#include "kernels.h"

void hew_transpose_f32_ref(size_t rows, size_t columns, const float *in, size_t in_stride,
                           float *out, size_t out_stride)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            out[c * out_stride + r] = in[r * in_stride + c];
}
