/*
 * dots_f32 - a few vectors times a transposed matrix.  ISA: AVX2 + FMA.
 * The body: src/simd/dots_f32.h.
 *
 * Registers (16 ymm)    sum 2 m, at most 8 | x 8, as many again while they are turned
 *
 * A square's eight multiplies of a chain take 32 cycles, its 24 shuffles 12 to 24: two squares.
 */
#include "reg.h"

enum { GROUPS = 2 };

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

#include "../simd/dots_f32.h"

void hew_dots_f32_avx2(const hew_gemv_f32_block *b) { dots(b); }
