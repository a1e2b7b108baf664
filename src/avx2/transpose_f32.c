/*
 * transpose_f32 - out[c][r] = in[r][c].  ISA: AVX2.  The loops: src/simd/transpose_f32.h.
 *
 * Three rounds of 8 shuffles swap neighbours at distance 1, 2 and 4:
 *
 *     rows   a: a0 a1 a2 a3 | ...   b: b0 b1 b2 b3 | ...   ->   a0 b0 a1 b1 | ...,  a2 b2 a3 b3 | ...
 */
#include "reg.h"

HEW_INLINE void transpose_square(vf x[8])
{
    vf y[8];
    HEW_UNROLL for (int i = 0; i < 8; i += 2) {
        y[i] = _mm256_unpacklo_ps(x[i], x[i + 1]);
        y[i + 1] = _mm256_unpackhi_ps(x[i], x[i + 1]);
    }
    HEW_UNROLL for (int i = 0; i < 8; i += 4)
        HEW_UNROLL for (int j = 0; j < 2; j++) {
            x[i + 2 * j] = _mm256_shuffle_ps(y[i + j], y[i + j + 2], 0x44);
            x[i + 2 * j + 1] = _mm256_shuffle_ps(y[i + j], y[i + j + 2], 0xee);
        }
    HEW_UNROLL for (int i = 0; i < 4; i++) {
        y[i] = _mm256_permute2f128_ps(x[i], x[i + 4], 0x20);
        y[i + 4] = _mm256_permute2f128_ps(x[i], x[i + 4], 0x31);
    }
    HEW_UNROLL for (int i = 0; i < 8; i++)
        x[i] = y[i];
}

#include "../simd/transpose_f32.h"

void hew_transpose_f32_avx2(size_t rows, size_t columns, const float *in, size_t in_stride,
                            float *out, size_t out_stride)
{
    transpose(rows, columns, in, in_stride, out, out_stride);
}
