/*
 * dots_f32 - a few vectors times a transposed matrix.  ISA: AVX-512F.
 * The body: src/simd/dots_f32.h.
 *
 * Registers (32 zmm)    sum m, at most 4 | x 16, and some of the next step's while they are turned
 *
 * A square's sixteen multiplies of a chain take 64 cycles, as many as its 64 shuffles: one square.
 */
#include "reg.h"

enum { GROUPS = 1 };

/* Two rounds transpose the 4 x 4 blocks that the 128-bit lanes hold, two more the lanes. */
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

#include "../simd/dots_f32.h"

void hew_dots_f32_avx512(const hew_gemv_f32_block *b) { dots(b); }
