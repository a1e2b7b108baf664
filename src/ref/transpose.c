/*
 * transpose, copy_rows - the definitions: out[c][r] = in[r][c], out[r][i] = in[r][i].
 */
#include "kernels.h"

#include <string.h>

void hew_transpose_ref(const hew_transpose *t)
{
    for (size_t r = 0; r < t->rows; r++)
        for (size_t c = 0; c < t->columns; c++)
            memcpy(t->out + (ptrdiff_t)c * t->out_stride + r * t->size,
                   t->in + (ptrdiff_t)r * t->in_stride + c * t->size, t->size);
}

void hew_transpose_f32_ref(size_t rows, size_t columns, const float *in, size_t in_stride,
                           float *out, size_t out_stride)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            out[c * out_stride + r] = in[r * in_stride + c];
}

void hew_copy_rows_ref(const hew_copy_rows *t)
{
    for (size_t r = 0; r < t->rows; r++) {
        const ptrdiff_t from = t->at ? t->at[r] : (ptrdiff_t)r;
        memcpy(t->out + (ptrdiff_t)r * t->out_stride, t->in + from * t->in_stride, t->bytes);
    }
}
