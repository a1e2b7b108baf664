/*
 * transpose_f32 - out[c][r] = in[r][c].  ISA: AVX-512F.  The loops: src/simd/transpose_f32.h.
 *
 * Two rounds of 16 shuffles transpose the 4 x 4 blocks that the 128-bit lanes hold, two more
 * transpose the lanes.
 */
#include "reg.h"

HEW_INLINE void transpose_square(vf x[16])
{
    vf y[16];
    HEW_UNROLL for (int i = 0; i < 16; i += 2) {
        y[i] = _mm512_unpacklo_ps(x[i], x[i + 1]);
        y[i + 1] = _mm512_unpackhi_ps(x[i], x[i + 1]);
    }
    HEW_UNROLL for (int i = 0; i < 16; i += 4)
        HEW_UNROLL for (int j = 0; j < 2; j++) {
            x[i + 2 * j] = _mm512_shuffle_ps(y[i + j], y[i + j + 2], 0x44);
            x[i + 2 * j + 1] = _mm512_shuffle_ps(y[i + j], y[i + j + 2], 0xee);
        }
    HEW_UNROLL for (int i = 0; i < 4; i++) {
        y[i] = _mm512_shuffle_f32x4(x[i], x[i + 4], 0x44);
        y[i + 4] = _mm512_shuffle_f32x4(x[i], x[i + 4], 0xee);
        y[i + 8] = _mm512_shuffle_f32x4(x[i + 8], x[i + 12], 0x44);
        y[i + 12] = _mm512_shuffle_f32x4(x[i + 8], x[i + 12], 0xee);
    }
    HEW_UNROLL for (int i = 0; i < 4; i++) {
        x[i] = _mm512_shuffle_f32x4(y[i], y[i + 8], 0x88);
        x[i + 4] = _mm512_shuffle_f32x4(y[i], y[i + 8], 0xdd);
        x[i + 8] = _mm512_shuffle_f32x4(y[i + 4], y[i + 12], 0x88);
        x[i + 12] = _mm512_shuffle_f32x4(y[i + 4], y[i + 12], 0xdd);
    }
}

#include "../simd/transpose_f32.h"

void hew_transpose_f32_avx512(size_t rows, size_t columns, const float *in, size_t in_stride,
                              float *out, size_t out_stride)
{
    transpose(rows, columns, in, in_stride, out, out_stride);
}
