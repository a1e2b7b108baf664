/*
 * transpose_f32 - out[c][r] = in[r][c].
 * ISA: AVX-512F/DQ.  Moves bits; nothing is computed.
 *
 * A block of 16 x 16 goes through 16 registers.  Four 16-byte pieces of the input make a register,
 * rows 4 apart, so that what is left is a transposition of 4 x 4 inside each 16-byte lane:
 *
 *     part[q][k] = | in(k, 4q..4q+3) | in(k+4, ..) | in(k+8, ..) | in(k+12, ..) |
 *     out column 4q+k:  | rows 0-3 | rows 4-7 | rows 8-11 | rows 12-15 |
 *
 * The pieces come together in the load units, which leaves 32 shuffles a block of the 64 that whole
 * rows would take.  Bound by memory when the matrix is out of the cache.
 * Tails are masked.  A row that isn't there is not even loaded under a mask of nothing: where its
 * address isn't mapped, that would cost a hundred times as much.
 * Up to four rows, images of few channels, take a way of their own: src/simd/few_rows_f32.h.
 */
#include <immintrin.h>

#include "../simd/few_rows_f32.h"

enum { B = 16, STRIP = 64 };

/* Four rows' pieces, each 16 bytes, `stride` floats apart. */
HEW_INLINE __m512 gather4(const float *in, size_t stride)
{
    const __m256 lo = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(in)),
                                           _mm_loadu_ps(in + 4 * stride), 1);
    const __m256 hi = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(in + 8 * stride)),
                                           _mm_loadu_ps(in + 12 * stride), 1);
    return _mm512_insertf32x8(_mm512_castps256_ps512(lo), hi, 1);
}

/* The same of a block that ends before 16 rows or, in this piece, before 4 columns. */
HEW_INLINE __m512 gather4_masked(const float *in, size_t stride, size_t rows, __mmask8 columns)
{
    __m128 piece[4];
    for (size_t i = 0; i < 4; i++)
        piece[i] = 4 * i < rows ? _mm_maskz_loadu_ps(columns, in + 4 * i * stride)
                                : _mm_setzero_ps();
    const __m256 lo = _mm256_insertf128_ps(_mm256_castps128_ps256(piece[0]), piece[1], 1);
    const __m256 hi = _mm256_insertf128_ps(_mm256_castps128_ps256(piece[2]), piece[3], 1);
    return _mm512_insertf32x8(_mm512_castps256_ps512(lo), hi, 1);
}

/* x[k] becomes column k of the 4 x 4 in each lane. */
HEW_INLINE void transpose_lanes(__m512 x[4])
{
    const __m512 a = _mm512_unpacklo_ps(x[0], x[1]), b = _mm512_unpackhi_ps(x[0], x[1]);
    const __m512 c = _mm512_unpacklo_ps(x[2], x[3]), d = _mm512_unpackhi_ps(x[2], x[3]);
    x[0] = _mm512_shuffle_ps(a, c, 0x44);
    x[1] = _mm512_shuffle_ps(a, c, 0xee);
    x[2] = _mm512_shuffle_ps(b, d, 0x44);
    x[3] = _mm512_shuffle_ps(b, d, 0xee);
}

/* All of a row is loaded before the next ones: rows a multiple of 4096 bytes apart share a set of
 * the cache, which has fewer ways than the block has rows. */
HEW_INLINE void block(const float *in, size_t in_stride, float *out, size_t out_stride)
{
    __m512 x[B / 4][4];
    HEW_UNROLL for (size_t k = 0; k < 4; k++)
        HEW_UNROLL for (size_t q = 0; q < B / 4; q++)
            x[q][k] = gather4(in + k * in_stride + 4 * q, in_stride);
    HEW_UNROLL for (size_t q = 0; q < B / 4; q++) {
        transpose_lanes(x[q]);
        HEW_UNROLL for (size_t k = 0; k < 4; k++)
            _mm512_storeu_ps(out + (4 * q + k) * out_stride, x[q][k]);
    }
}

static void tail_block(size_t rows, size_t columns, const float *in, size_t in_stride, float *out,
                       size_t out_stride)
{
    const __mmask16 row_mask = (__mmask16)((1u << rows) - 1);
    for (size_t q = 0; q < columns; q += 4) {
        const size_t width = hew_min(columns - q, 4);
        const __mmask8 column_mask = (__mmask8)((1u << width) - 1);
        __m512 x[4];
        HEW_UNROLL for (size_t k = 0; k < 4; k++)
            x[k] = gather4_masked(in + k * in_stride + q, in_stride, rows > k ? rows - k : 0,
                                  column_mask);
        transpose_lanes(x);
        HEW_UNROLL for (size_t k = 0; k < 4; k++)
            if (k < width)
                _mm512_mask_storeu_ps(out + (q + k) * out_stride, row_mask, x[k]);
    }
}

void hew_transpose_f32_avx512(size_t rows, size_t columns, const float *in, size_t in_stride,
                              float *out, size_t out_stride)
{
    if (rows <= 4 && out_stride == rows) {
        few_rows(rows, columns, in, in_stride, out);
        return;
    }
    /* Strips of columns some cache lines wide, so that a row's lines are read one after another. */
    for (size_t strip = 0; strip < columns; strip += STRIP) {
        const size_t strip_end = hew_min(strip + STRIP, columns);
        for (size_t r = 0; r < rows; r += B)
            for (size_t c = strip; c < strip_end; c += B) {
                const float *const from = in + r * in_stride + c;
                float *const to = out + c * out_stride + r;
                if (rows - r >= B && columns - c >= B)
                    block(from, in_stride, to, out_stride);
                else
                    tail_block(hew_min(rows - r, B), hew_min(columns - c, B), from, in_stride, to,
                               out_stride);
            }
    }
}
