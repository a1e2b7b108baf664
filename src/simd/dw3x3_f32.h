/*
 * dw3x3_f32 - 3 x 3 depthwise convolution of a block of output pixels: see hew_dw3x3_f32_block.
 *
 * The body of the kernels of every ISA, over the registers of the including file's reg.h.  Lanes
 * The body of the kernels of every ISA, over the registers of the including file's reg.h.  Lanes
 * are channels.  An input pixel, once loaded, meets every output of its row that it lies under;
 * for a row of three outputs and one row of taps, stride 1:
 *
 *     inputs    x0   x1   x2   x3   x4
 *     acc[0]    w0   w1   w2
 *     acc[1]         w0   w1   w2
 *     acc[2]              w0   w1   w2
 *
 * Rows of taps are the outer loop and output rows the inner one, so that four multiplies or more
 * lie between two of one chain, and each output's taps come in rising order.
 */
#include "epilogue_f32.h"

enum { MAX_ROWS = 4, MAX_COLUMNS = 4 };

HEW_INLINE void store_pixel(const hew_dw3x3_f32_block *b, const column *col, size_t offset, int row,
                            int column_index, const bool full, vf_mask mask, vf sum)
{
    const hew_epilogue *e = b->epilogue;
    vf v = vf_fma(sum, col->scale, col->bias);
    if (e->add) {
        const char *add = (const char *)e->add + (size_t)row * b->add_row +
                          (size_t)column_index * e->add_stride + offset;
        v = vf_fma(col->beta, full ? vf_load(add) : vf_load_masked(mask, add), v);
    }
    char *out = (char *)b->out + (size_t)row * b->out_row + (size_t)column_index * b->out_step +
                offset;
    if (full)
        vf_store(out, clamp(col, v));
    else
        vf_store_masked(mask, out, clamp(col, v));
}

/* One register of channels of the block; rows, columns and stride are literals. */
HEW_INLINE void block_channels(const hew_dw3x3_f32_block *b, size_t offset, const int rows,
                               const int columns, const int stride)
{
    const int in_columns = (columns - 1) * stride + 3;
    const char *in = (const char *)b->in + offset;
    const char *w = (const char *)b->w + offset;
    vf acc[MAX_ROWS * MAX_COLUMNS];
    HEW_UNROLL for (int i = 0; i < rows * columns; i++)
        acc[i] = vf_zero();
    HEW_UNROLL for (int ky = 0; ky < 3; ky++, w += 3 * b->w_step) {
        const vf wv[3] = {vf_load(w), vf_load(w + b->w_step), vf_load(w + 2 * b->w_step)};
        HEW_UNROLL for (int j = 0; j < in_columns; j++)
            HEW_UNROLL for (int r = 0; r < rows; r++) {
                const vf x = vf_load(in + b->offset[(r * stride + ky) * in_columns + j]);
                HEW_UNROLL for (int g = 0; g < columns; g++)
                    if (j - g * stride >= 0 && j - g * stride < 3)
                        acc[r * columns + g] =
                            vf_fma(x, wv[j - g * stride], acc[r * columns + g]);
            }
    }
    const hew_epilogue *e = b->epilogue;
    HEW_HIDE(e); /* else its constants are kept through the multiplies, and spill */
    const column col = column_of(e, offset, true, vf_first(LANES));
    HEW_UNROLL for (int o = 0; o < rows * columns; o++)
        store_pixel(b, &col, offset, o / columns, o % columns, true, vf_first(LANES), acc[o]);
}

/* The last channels, a pixel at a time. */
static __attribute__((noinline)) void channel_tail(const hew_dw3x3_f32_block *b, size_t c)
{
    const vf_mask mask = vf_first((int)(b->channels - c));
    const int in_columns = (b->columns - 1) * b->stride + 3;
    const size_t offset = c * sizeof(float);
    const column col = column_of(b->epilogue, offset, false, mask);
    for (int r = 0; r < b->rows; r++)
        for (int g = 0; g < b->columns; g++) {
            vf sum = vf_zero();
            for (int t = 0; t < 9; t++) {
                const int pixel = (r * b->stride + t / 3) * in_columns + g * b->stride + t % 3;
                const vf x = vf_load_masked(mask, (const char *)b->in + b->offset[pixel] + offset);
                sum = vf_fma(x, vf_load((const char *)b->w + (size_t)t * b->w_step + offset), sum);
            }
            store_pixel(b, &col, offset, r, g, false, mask, sum);
        }
}

/* One function for each shape of block. */
#define DW3X3_BLOCK(rows, columns)                                                                 \
    static __attribute__((noinline)) void block_##rows##x##columns(const hew_dw3x3_f32_block *b)   \
    {                                                                                              \
        size_t c = 0;                                                                              \
        if (b->stride == 1)                                                                        \
            for (; c + LANES <= b->channels; c += LANES)                                           \
                block_channels(b, c * sizeof(float), rows, columns, 1);                            \
        else                                                                                       \
            for (; c + LANES <= b->channels; c += LANES)                                           \
                block_channels(b, c * sizeof(float), rows, columns, 2);                            \
        if (c < b->channels)                                                                       \
            channel_tail(b, c);                                                                    \
    }
#define DW3X3_ROWS(rows)                                                                           \
    DW3X3_BLOCK(rows, 1)                                                                           \
    DW3X3_BLOCK(rows, 2)                                                                           \
    DW3X3_BLOCK(rows, 3)                                                                           \
    DW3X3_BLOCK(rows, 4)
#define DW3X3_LIST(rows) block_##rows##x1, block_##rows##x2, block_##rows##x3, block_##rows##x4
