/*
 * transpose - out[c][r] = in[r][c], of elements of 1, 2, 4 or 8 bytes.  Moves bits.
 *
 * The including file has its lanes.h included first and defines HEW_TRANSPOSE and
 * HEW_TRANSPOSE_F32, the kernels' names.
 *
 * A row is read in pieces of 16 bytes, E elements.  A register has LANES pieces, of rows E apart,
 * so that what is left is a transposition of E x E inside each piece.  For floats with LANES = 4:
 *
 *     x[k] = | in(k, 0..3) | in(k+4, 0..3) | in(k+8, 0..3) | in(k+12, 0..3) |
 *     out column k:  | rows 0-3 | rows 4-7 | rows 8-11 | rows 12-15 |
 *
 * The pieces come together in the load units.  A transposition of E x E is log2(E) times the same
 * step: elements of registers i and i + E/2 in turns, which rotates the bits of an element's index,
 * (row, column), by one.  Bound by memory when the matrix is out of the cache; in it by the
 * shuffles, log2(E) a register, and for bytes by the loads.
 *
 * Tails are masked.  A row that isn't there is not even loaded under a mask of nothing: where its
 * address isn't mapped, that would cost a hundred times as much.
 */
#include "few_columns.h"
#include "few_rows.h"

enum {
    STRIP = 256, /* bytes of a row: some cache lines, read one after another */
    LINE = 64
};

/* Elements of a piece; rows of a block; pieces of a row that are loaded at a time. */
#define E(size) (16 / (size))
#define BLOCK(size) (LANES * E(size))
#define PIECES(size) (hew_max(hew_min(LANE_REGISTERS / 2 / E(size), 4), 1))

HEW_INLINE void transpose_pieces(const size_t size, lanes *x)
{
    lanes y[16];
    HEW_UNROLL for (size_t step = 1; step < E(size); step *= 2) {
        HEW_UNROLL for (size_t i = 0; i < E(size) / 2; i++) {
            y[2 * i] = lanes_low(size, x[i], x[i + E(size) / 2]);
            y[2 * i + 1] = lanes_high(size, x[i], x[i + E(size) / 2]);
        }
        HEW_UNROLL for (size_t i = 0; i < E(size); i++)
            x[i] = y[i];
    }
}

/* Pieces of a block's rows. */
HEW_INLINE lanes load_rows(const size_t size, const char *in, ptrdiff_t in_stride)
{
    __m128i piece[LANES];
    HEW_UNROLL for (size_t l = 0; l < LANES; l++)
        piece[l] = _mm_loadu_si128((const __m128i *)(in + (ptrdiff_t)(l * E(size)) * in_stride));
    return lanes_of(piece);
}

/* All of a row is loaded before the next ones: rows a multiple of 4096 bytes apart share a set of
 * the cache, which has fewer ways than the block has rows. */
HEW_INLINE void block(const size_t size, bool stream, const char *in, ptrdiff_t in_stride,
                      char *out, ptrdiff_t out_stride)
{
    lanes x[4][16];
    HEW_UNROLL for (size_t k = 0; k < E(size); k++)
        HEW_UNROLL for (size_t q = 0; q < PIECES(size); q++)
            x[q][k] = load_rows(size, in + (ptrdiff_t)k * in_stride + 16 * q, in_stride);
    HEW_UNROLL for (size_t q = 0; q < PIECES(size); q++) {
        transpose_pieces(size, x[q]);
        char *const to = out + (ptrdiff_t)(q * E(size)) * out_stride;
        if (stream)
            HEW_UNROLL for (size_t k = 0; k < E(size); k++)
                lanes_stream(to + (ptrdiff_t)k * out_stride, x[q][k]);
        else
            HEW_UNROLL for (size_t k = 0; k < E(size); k++)
                lanes_store(to + (ptrdiff_t)k * out_stride, x[q][k]);
    }
}

/* `past`: the matrix goes on behind these rows, without gaps, so that whole pieces may be read. */
HEW_INLINE void tail_block(const size_t size, bool past, size_t rows, size_t columns,
                           const char *in, ptrdiff_t in_stride, char *out, ptrdiff_t out_stride)
{
    for (size_t c = 0; c < columns; c += E(size)) {
        const size_t width = hew_min(columns - c, E(size));
        lanes x[16];
        HEW_UNROLL for (size_t k = 0; k < E(size); k++) {
            const char *const from = in + (ptrdiff_t)k * in_stride + c * size;
            __m128i piece[LANES];
            if (past) {
                x[k] = load_rows(size, from, in_stride);
                continue;
            }
            HEW_UNROLL for (size_t l = 0; l < LANES; l++)
                piece[l] = k + l * E(size) < rows
                               ? piece_load_first(from + (ptrdiff_t)(l * E(size)) * in_stride,
                                                  width * size)
                               : _mm_setzero_si128();
            x[k] = lanes_of(piece);
        }
        transpose_pieces(size, x);
        HEW_UNROLL for (size_t k = 0; k < E(size); k++)
            if (k < width)
                lanes_store_first(out + (ptrdiff_t)(c + k) * out_stride, rows * size, x[k]);
    }
}

/* Lines of some of the next rows, into L2: of all of them when a line's blocks are done. */
HEW_INLINE void prefetch_rows(const size_t rows, const char *in, ptrdiff_t in_stride, size_t first)
{
    for (size_t k = first; k < first + rows; k++)
        _mm_prefetch(in + (ptrdiff_t)k * in_stride, _MM_HINT_T1);
}

/* 64 rows of 64 bytes: blocks would come back to a line four times, and where rows share a set of
 * the cache it isn't there any more. */
HEW_INLINE void bytes_of_lines(const char *in, ptrdiff_t in_stride, char *out, ptrdiff_t out_stride)
{
    enum { STRIDE = LINE + 16 };
    _Alignas(LINE) char line[LINE * STRIDE];
    for (size_t r = 0; r < LINE; r++)
        HEW_UNROLL for (size_t i = 0; i < LINE; i += 16 * LANES)
            lanes_store(line + r * STRIDE + i, lanes_load(in + (ptrdiff_t)r * in_stride + i));
    for (size_t r = 0; r < LINE; r += BLOCK(1))
        for (size_t c = 0; c < LINE; c += PIECES(1) * E(1))
            block(1, true, line + r * STRIDE + c, STRIDE, out + (ptrdiff_t)c * out_stride + r,
                  out_stride);
}

/* One block after the other in a strip of columns; a cache line of each row of out at a time.  From
 * memory, `far`, all columns are one strip: few rows are read side by side and far, which
 * prefetching can follow, and the next ones are asked for meanwhile. */
HEW_INLINE void transpose_of(const size_t size, bool far, bool stream, size_t rows, size_t columns,
                             const char *in, ptrdiff_t in_stride, char *out, ptrdiff_t out_stride)
{
    const size_t wide = PIECES(size) * E(size), high = LINE / size;
    const bool dense = in_stride == (ptrdiff_t)(columns * size);
    if (rows >= 2 && rows <= 4 && size < 8 && out_stride == (ptrdiff_t)(rows * size)) {
        few_rows(size, rows, columns, in, in_stride, out);
        return;
    }
    const size_t length = far ? columns : STRIP / size;
    for (size_t strip = 0; strip < columns; strip += length) {
        const size_t end = hew_min(strip + length, columns);
        for (size_t line = 0; line < rows; line += high)
            for (size_t c = strip; c < end; c += wide) {
                if (far && line + 2 * high <= rows)
                    prefetch_rows(size == 1 ? high : wide,
                                  in + (ptrdiff_t)(line + high) * in_stride + c * size, in_stride,
                                  c * size % LINE / size);
                if (stream && size == 1 && c + high <= columns && line + high <= rows) {
                    bytes_of_lines(in + (ptrdiff_t)line * in_stride + c, in_stride,
                                   out + (ptrdiff_t)c * out_stride + line, out_stride);
                    c += high - wide;
                    continue;
                }
                for (size_t r = line; r < rows && r < line + high; r += BLOCK(size)) {
                    const char *const from = in + (ptrdiff_t)r * in_stride + c * size;
                    char *const to = out + (ptrdiff_t)c * out_stride + r * size;
                    if (rows - r >= BLOCK(size) && columns - c >= wide)
                        block(size, stream, from, in_stride, to, out_stride);
                    else
                        tail_block(size, dense && rows - r >= BLOCK(size) + 16,
                                   hew_min(rows - r, BLOCK(size)), hew_min(columns - c, wide),
                                   from, in_stride, to, out_stride);
                }
            }
    }
}

#define TRANSPOSE(size)                                                                            \
    static void transpose##size(const hew_transpose *t)                                            \
    {                                                                                              \
        const bool lines = (((uintptr_t)t->out | (size_t)t->out_stride) & (LINE - 1)) == 0;        \
        transpose_of(size, t->stream, t->stream && lines, t->rows, t->columns, t->in,              \
                     t->in_stride, t->out, t->out_stride);                                         \
    }
TRANSPOSE(1)
TRANSPOSE(2)
TRANSPOSE(4)
TRANSPOSE(8)

void HEW_TRANSPOSE(const hew_transpose *t)
{
    if (!few_columns(t))
        switch (t->size) {
        case 1: transpose1(t); break;
        case 2: transpose2(t); break;
        case 4: transpose4(t); break;
        case 8: transpose8(t); break;
        }
    if (t->stream)
        _mm_sfence();
}

void HEW_TRANSPOSE_F32(size_t rows, size_t columns, const float *in, size_t in_stride, float *out,
                       size_t out_stride)
{
    transpose4(&(hew_transpose){.size = 4, .rows = rows, .columns = columns,
                                .in = (const char *)in, .in_stride = (ptrdiff_t)(4 * in_stride),
                                .out = (char *)out, .out_stride = (ptrdiff_t)(4 * out_stride)});
}
