/*
 * gemm_tiles - C[m x n] = epilogue(partial + sum over steps of A_s[m x k] * B_s[k x n]) in tile
 * registers.
 *
 * What the kernels of all types share; what they are given: kernels_amx.h.  A tile of A is rows of
 * A as they lie, one of B is rows of a panel: the instructions want elements of k in words as
 * panels have them.  The including file defines
 *
 *     ELEMENT                bytes of an element
 *     TDP(form, c, a, b)     the multiply, of tile registers
 *     finish_all(t, nv)      the epilogue of rows of nv registers, from the sums at t->partial
 *
 * Loads for multiplies: 2 x 2 tiles 4 for 4, 4 x 1 and 1 x 4 5 for 4, and as many zeros and stores
 * as tiles of C for each call.  Bound: multiplies, 16 cycles each, if loads come from L1 or L2.
 * N has no tail, since panels end in zeros; an M tail is the configuration's, and so is one of k,
 * as long as it is whole words.
 */
#include <string.h>

#include "tile.h"

HEW_INLINE void tile_dot(const int form, const int product)
{
    (void)form;
    switch (product) {
#define DOT(c, a, b) case PRODUCT(c, a, b): TDP(form, c, a, b); break;
        EACH_PRODUCT(DOT)
#undef DOT
    }
}

/* C += A * B, one chunk. */
HEW_INLINE void multiply_chunk(const int form, const int rows, const int cols,
                               const hew_gemm_tile *t, const char *a, size_t a_stride, size_t b_at)
{
    HEW_UNROLL for (int q = 0; q < cols; q++) {
        const char *const b = (const char *)(q < 2 ? t->b : t->b_next) + q % 2 * ROW_BYTES + b_at;
        const int b_tile = b_register(rows, cols, q);
        tile_load(b_tile, b, t->b_stride);
        HEW_UNROLL for (int r = 0; r < rows; r++) {
            const int a_tile = a_register(rows, cols, r);
            if (q == 0)
                tile_load(a_tile, a + (size_t)(r * TILE_ROWS) * a_stride, a_stride);
            tile_dot(form, PRODUCT(r * cols + q, a_tile, b_tile));
        }
    }
}

/* The last `bytes` of rows of A, with zeros behind them: ROW_BYTES each. */
static __attribute__((noinline)) void copy_rest(char *out, const char *a, size_t a_stride, int m,
                                                size_t bytes)
{
    const __mmask64 mask = ~(uint64_t)0 >> (64 - bytes);
    for (int i = 0; i < m; i++)
        _mm512_store_si512(out + i * ROW_BYTES,
                           _mm512_maskz_loadu_epi8(mask, a + (size_t)i * a_stride));
    TO_MEMORY;
}

HEW_INLINE void multiply_step(const int form, const int rows, const int cols,
                              const hew_gemm_tile *t, const hew_reduce_step *step)
{
    const size_t bytes = t->k * ELEMENT, chunk = t->chunk * 4, whole = bytes - bytes % chunk;
    const char *const a = (const char *)step->a[0] + t->a_offset;
    size_t b = step->b_row * t->b_stride;
    for (size_t at = 0; at < whole; at += chunk, b += t->chunk * t->b_stride)
        multiply_chunk(form, rows, cols, t, a + at, t->a_stride, b);
    if (whole == bytes)
        return;
    _Alignas(64) char buffer[4 * TILE_ROWS * ROW_BYTES];
    char *rest = buffer;
    HEW_HIDE(rest); /* or it looks like a spill to make check-spills */
    copy_rest(rest, a + whole, t->a_stride, t->m, bytes - whole);
    multiply_chunk(form, rows, cols, t, rest, ROW_BYTES, b);
}

static __attribute__((noinline)) void finish_rows(const hew_gemm_tile *t, int nv)
{
    if (nv == 4)
        finish_all(t, 4);
    else if (nv == 2)
        finish_all(t, 2);
    else
        finish_all(t, 1);
}

/* partial + A * B to `partial`, and from there to C. */
HEW_INLINE void gemm_tiles(const hew_gemm_tile *t, const int form, const int rows, const int cols)
{
    const size_t stride = (size_t)cols * ROW_BYTES;
    char *const partial = t->partial;
    HEW_UNROLL for (int r = 0; r < rows; r++)
        HEW_UNROLL for (int q = 0; q < cols; q++) {
            if (t->add_partial)
                tile_load(r * cols + q, partial + r * TILE_ROWS * stride + q * ROW_BYTES, stride);
            else
                tile_zero(r * cols + q);
        }
    for (const hew_reduce_step *s = t->steps; s < t->steps + t->n_steps; s++)
        multiply_step(form, rows, cols, t, s);
    HEW_UNROLL for (int r = 0; r < rows; r++)
        HEW_UNROLL for (int q = 0; q < cols; q++)
            tile_store(r * cols + q, partial + r * TILE_ROWS * stride + q * ROW_BYTES, stride);
    TO_MEMORY;
    if (t->last)
        finish_rows(t, cols);
}

/* The kernels of one type: of their shapes all but those with nothing in the last row. */
#define AMX_32x32(name, form)                                                                      \
    void name(const hew_gemm_tile *t)                                                              \
    {                                                                                              \
        if (t->m > TILE_ROWS)                                                                      \
            gemm_tiles(t, form, 2, 2);                                                             \
        else if (t->n > 2 * 16)                                                                    \
            gemm_tiles(t, form, 1, 4);                                                             \
        else                                                                                       \
            gemm_tiles(t, form, 1, 2);                                                             \
    }
#define AMX_64x16(name, form)                                                                      \
    void name(const hew_gemm_tile *t)                                                              \
    {                                                                                              \
        if (t->m > 3 * TILE_ROWS)                                                                  \
            gemm_tiles(t, form, 4, 1);                                                             \
        else if (t->m > 2 * TILE_ROWS)                                                             \
            gemm_tiles(t, form, 3, 1);                                                             \
        else if (t->m > TILE_ROWS)                                                                 \
            gemm_tiles(t, form, 2, 1);                                                             \
        else                                                                                       \
            gemm_tiles(t, form, 1, 1);                                                             \
    }
