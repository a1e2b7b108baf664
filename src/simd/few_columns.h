/*
 * few_columns - out[c][r] = in[r][c] for two to four columns without a gap between rows:
 * few_rows.h's way back.  Elements of 1, 2, 4 or 8 bytes.
 *
 * 16 bytes of each row of out come from as many registers as there are columns, shuffled by masks
 * that are made for the size and number at hand; a register has LANES pieces, as everywhere here.
 */
#include <immintrin.h>
#include <string.h>

#include "kernels_move.h"

/* Byte i of row k is from register j if its mask is below 128. */
HEW_INLINE void few_masks(size_t size, const size_t columns, lanes mask[4][4])
{
    uint8_t from[4 * 16]; /* where the bytes of all rows are */
    for (size_t k = 0, i = 0; k < columns; k++)
        for (size_t e = 0; e < 16; e += size)
            for (size_t b = 0; b < size; b++)
                from[i++] = (uint8_t)(e * columns + k * size + b);
    HEW_UNROLL for (size_t k = 0; k < columns; k++)
        HEW_UNROLL for (size_t j = 0; j < columns; j++) {
            const __m128i at = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)(from + 16 * k)),
                                            _mm_set1_epi8((char)(16 * j)));
            const __m128i past = _mm_cmpgt_epi8(at, _mm_set1_epi8(15));
            __m128i piece[LANES];
            HEW_UNROLL for (size_t l = 0; l < LANES; l++)
                piece[l] = _mm_or_si128(at, past);
            mask[k][j] = lanes_of(piece);
        }
}

HEW_INLINE void few_columns_of(const size_t columns, const hew_transpose *t, bool stream)
{
    lanes mask[4][4];
    const size_t size = t->size, bytes = t->rows * size;
    const char *in = t->in;
    char *const out = t->out;
    few_masks(size, columns, mask);
    size_t at = 0;
    for (; at + 16 * LANES <= bytes; at += 16 * LANES, in += 16 * LANES * columns) {
        lanes x[4];
        HEW_UNROLL for (size_t j = 0; j < columns; j++) {
            __m128i piece[LANES];
            HEW_UNROLL for (size_t l = 0; l < LANES; l++)
                piece[l] = _mm_loadu_si128((const __m128i *)(in + 16 * (l * columns + j)));
            x[j] = lanes_of(piece);
        }
        HEW_UNROLL for (size_t k = 0; k < columns; k++) {
            lanes y = lanes_pick(x[0], mask[k][0]);
            HEW_UNROLL for (size_t j = 1; j < columns; j++)
                y = lanes_or(y, lanes_pick(x[j], mask[k][j]));
            char *const to = out + (ptrdiff_t)k * t->out_stride + at;
            if (stream)
                lanes_stream(to, y);
            else
                lanes_store(to, y);
        }
    }
    for (; at < bytes; at += size)
        for (size_t k = 0; k < columns; k++, in += size)
            memcpy(out + (ptrdiff_t)k * t->out_stride + at, in, size);
}

/* False if it isn't such a matrix, or is too small for the masks to pay. */
HEW_INLINE bool few_columns(const hew_transpose *t)
{
    const bool stream = t->stream && (((uintptr_t)t->out | (size_t)t->out_stride) & 63) == 0;
    if (t->columns < 2 || t->columns > 4 || t->in_stride != (ptrdiff_t)(t->columns * t->size) ||
        t->rows * t->size < 512)
        return false;
    switch (t->columns) {
    case 2: few_columns_of(2, t, stream); break;
    case 3: few_columns_of(3, t, stream); break;
    case 4: few_columns_of(4, t, stream); break;
    }
    return true;
}
