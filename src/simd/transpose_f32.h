/*
 * transpose_f32 - out[c][r] = in[r][c], in squares of LANES x LANES that stay in registers.
 *
 * The loops around the square of every ISA: the including file brings reg.h and
 *
 *     void transpose_square(vf x[LANES])     x[i] lane j  <->  x[j] lane i
 *
 * Columns are the outer loop, so that rows of the output are written front to back: a panel, or a
 * channels-last pixel.  Lines are read and written whole, which keeps strides of 4 KiB from
 * mattering.  Tails are masked; rows and columns past the end are neither read nor written.
 */
#include "../kernels.h"

HEW_INLINE void edge_square(size_t rows, size_t columns, const float *in, size_t in_stride,
                            float *out, size_t out_stride)
{
    const vf_mask in_mask = vf_first((int)columns), out_mask = vf_first((int)rows);
    vf x[LANES];
    HEW_UNROLL for (size_t i = 0; i < LANES; i++)
        x[i] = i < rows ? vf_load_masked(in_mask, in + i * in_stride) : vf_zero();
    transpose_square(x);
    HEW_UNROLL for (size_t i = 0; i < LANES; i++)
        if (i < columns)
            vf_store_masked(out_mask, out + i * out_stride, x[i]);
}

HEW_INLINE void full_square(const float *in, size_t in_stride, float *out, size_t out_stride)
{
    vf x[LANES];
    HEW_UNROLL for (size_t i = 0; i < LANES; i++)
        x[i] = vf_load(in + i * in_stride);
    transpose_square(x);
    HEW_UNROLL for (size_t i = 0; i < LANES; i++)
        vf_store(out + i * out_stride, x[i]);
}

HEW_INLINE void transpose(size_t rows, size_t columns, const float *in, size_t in_stride,
                          float *out, size_t out_stride)
{
    for (size_t c = 0; c < columns; c += LANES)
        for (size_t r = 0; r < rows; r += LANES) {
            const float *from = in + r * in_stride + c;
            float *to = out + c * out_stride + r;
            if (rows - r >= LANES && columns - c >= LANES)
                full_square(from, in_stride, to, out_stride);
            else
                edge_square(hew_min(rows - r, LANES), hew_min(columns - c, LANES), from, in_stride,
                            to, out_stride);
        }
}
