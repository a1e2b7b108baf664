/*
 * transpose_f32 - out[c][r] = in[r][c].
 * ISA: AVX2.  Moves bits; nothing is computed.
 *
 * A block of 8 x 8 goes through 8 registers.  Two 16-byte pieces of the input make a register, rows
 * 4 apart, so that what is left is a transposition of 4 x 4 inside each half:
 *
 *     part[q][k] = | in(k, 4q..4q+3) | in(k+4, 4q..4q+3) |
 *     out column 4q+k:  | rows 0-3 | rows 4-7 |
 *
 * Bound by memory when the matrix is out of the cache.
 * Tails are masked.  A row that isn't there is not even loaded under a mask of nothing: where its
 * address isn't mapped, that would cost a hundred times as much.
 * Up to four rows, images of few channels, take a way of their own: src/simd/few_rows_f32.h.
 */
#include <immintrin.h>

#include "../simd/few_rows_f32.h"

enum { B = 8, LINE = 16, STRIP = 64 };

/* x[k] becomes column k of the 4 x 4 in each half. */
HEW_INLINE void transpose_halves(__m256 x[4])
{
    const __m256 a = _mm256_unpacklo_ps(x[0], x[1]), b = _mm256_unpackhi_ps(x[0], x[1]);
    const __m256 c = _mm256_unpacklo_ps(x[2], x[3]), d = _mm256_unpackhi_ps(x[2], x[3]);
    x[0] = _mm256_shuffle_ps(a, c, 0x44);
    x[1] = _mm256_shuffle_ps(a, c, 0xee);
    x[2] = _mm256_shuffle_ps(b, d, 0x44);
    x[3] = _mm256_shuffle_ps(b, d, 0xee);
}

/* All of a row is loaded before the next ones: rows a multiple of 4096 bytes apart share a set of
 * the cache, which has no more ways than the block has rows. */
HEW_INLINE void block(const float *in, size_t in_stride, float *out, size_t out_stride)
{
    __m256 x[B / 4][4];
    HEW_UNROLL for (size_t k = 0; k < 4; k++)
        HEW_UNROLL for (size_t q = 0; q < B / 4; q++) {
            const float *const p = in + k * in_stride + 4 * q;
            x[q][k] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)),
                                           _mm_loadu_ps(p + 4 * in_stride), 1);
        }
    HEW_UNROLL for (size_t q = 0; q < B / 4; q++) {
        transpose_halves(x[q]);
        HEW_UNROLL for (size_t k = 0; k < 4; k++)
            _mm256_storeu_ps(out + (4 * q + k) * out_stride, x[q][k]);
    }
}

HEW_INLINE __m128i first4(size_t n)
{
    return _mm_cmpgt_epi32(_mm_set1_epi32((int)n), _mm_setr_epi32(0, 1, 2, 3));
}

static void tail_block(size_t rows, size_t columns, const float *in, size_t in_stride, float *out,
                       size_t out_stride)
{
    const __m256i row_mask =
        _mm256_cmpgt_epi32(_mm256_set1_epi32((int)rows), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    for (size_t q = 0; q < columns; q += 4) {
        const size_t width = hew_min(columns - q, 4);
        const __m128i column_mask = first4(width);
        const __m128 none = _mm_setzero_ps();
        __m256 x[4];
        HEW_UNROLL for (size_t k = 0; k < 4; k++) {
            const float *const p = in + k * in_stride + q;
            const __m128 lo = k < rows ? _mm_maskload_ps(p, column_mask) : none;
            const __m128 hi =
                k + 4 < rows ? _mm_maskload_ps(p + 4 * in_stride, column_mask) : none;
            x[k] = _mm256_insertf128_ps(_mm256_castps128_ps256(lo), hi, 1);
        }
        transpose_halves(x);
        HEW_UNROLL for (size_t k = 0; k < 4; k++)
            if (k < width)
                _mm256_maskstore_ps(out + (q + k) * out_stride, row_mask, x[k]);
    }
}

/* Up to LINE x LINE: a cache line of each row of out is written at a time. */
HEW_INLINE void lines(size_t rows, size_t columns, const float *in, size_t in_stride, float *out,
                      size_t out_stride)
{
    for (size_t c = 0; c < columns; c += B)
        for (size_t r = 0; r < rows; r += B) {
            const float *const from = in + r * in_stride + c;
            float *const to = out + c * out_stride + r;
            if (rows - r >= B && columns - c >= B)
                block(from, in_stride, to, out_stride);
            else
                tail_block(hew_min(rows - r, B), hew_min(columns - c, B), from, in_stride, to,
                           out_stride);
        }
}

void hew_transpose_f32_avx2(size_t rows, size_t columns, const float *in, size_t in_stride,
                            float *out, size_t out_stride)
{
    if (rows <= 4 && out_stride == rows) {
        few_rows(rows, columns, in, in_stride, out);
        return;
    }
    /* Strips of columns some cache lines wide, so that a row's lines are read one after another. */
    for (size_t strip = 0; strip < columns; strip += STRIP) {
        const size_t strip_end = hew_min(strip + STRIP, columns);
        for (size_t r = 0; r < rows; r += LINE)
            for (size_t c = strip; c < strip_end; c += LINE)
                lines(hew_min(rows - r, LINE), hew_min(columns - c, LINE), in + r * in_stride + c,
                      in_stride, out + c * out_stride + r, out_stride);
    }
}
