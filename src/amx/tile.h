/*
 * tile.h - AMX's instructions on a tile register whose number is known when inlined, and which
 * register holds which tile.
 *
 *     C    rows x cols of them    0 .. 3, row by row
 *     A    2 x 2: 4, 5            1 x cols: 4                     rows x 1: 4, 5, 4, last row 6
 *     B    2 x 2: 6, 7            1 x cols: 5, 6, 5, 7            rows x 1: 7
 *
 * The last row of tiles, which may be lower than 16, has a register of its own for A.
 */
#ifndef HEW_AMX_TILE_H
#define HEW_AMX_TILE_H

#include <immintrin.h>

#include "kernels_amx.h"

enum { TILE_ROWS = 16, ROW_BYTES = 64 };

HEW_INLINE int a_register(const int rows, const int cols, const int r)
{
    return cols > 1 ? 4 + r : r == rows - 1 ? 6 : 4 + r % 2;
}
HEW_INLINE int b_register(const int rows, const int cols, const int q)
{
    return rows > 1 ? 8 - cols + q : q == cols - 1 ? 7 : 5 + q % 2;
}

/* gcc 12's intrinsics don't say that they read memory. */
#define TO_MEMORY __asm__ volatile("" ::: "memory")

#define EACH_REGISTER(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7)

HEW_INLINE void tile_zero(const int tile)
{
    switch (tile) {
#define ZERO(i) case i: _tile_zero(i); break;
        EACH_REGISTER(ZERO)
#undef ZERO
    }
}

HEW_INLINE void tile_load(const int tile, const void *p, size_t stride)
{
    switch (tile) {
#define LOAD(i) case i: _tile_loadd(i, p, stride); break;
        EACH_REGISTER(LOAD)
#undef LOAD
    }
}

HEW_INLINE void tile_store(const int tile, void *p, size_t stride)
{
    switch (tile) {
#define STORE(i) case i: _tile_stored(i, p, stride); break;
        EACH_REGISTER(STORE)
#undef STORE
    }
}

/* C += A * B for the registers that go together. */
#define EACH_PRODUCT(f)                                                                            \
    f(0, 4, 6) f(1, 4, 7) f(2, 5, 6) f(3, 5, 7)                                                    \
    f(0, 4, 5) f(1, 4, 6) f(2, 4, 5) f(3, 4, 7)                                                    \
    f(0, 4, 7) f(1, 5, 7) f(2, 4, 7) f(3, 6, 7) f(0, 6, 7) f(1, 6, 7) f(2, 6, 7)
#define PRODUCT(c, a, b) ((c) * 64 + (a) * 8 + (b))

#endif
