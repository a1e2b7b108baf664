/*
 * pick - a row's bytes from those of another, by a table: src/core/kernels_resample.h.  Moves bits.
 *
 * The including file has its lanes.h included first and defines HEW_PICK, the kernel's name.
 *
 * A piece of a register is loaded from where its window begins and shuffled.  Bound by the loads:
 * one for each 16 bytes of out and window, and the table's.
 */
#include "kernels_resample.h"

enum { WIDTH = 16 * LANES };

/* The h-th register of a block. */
HEW_INLINE lanes window(const hew_pick_block *b, const char *in, const int t, const size_t h)
{
    __m128i piece[LANES];
    HEW_UNROLL for (size_t l = 0; l < LANES; l++)
        piece[l] = _mm_loadu_si128((const __m128i *)(in + b->at[t][LANES * h + l]));
    return lanes_pick(lanes_of(piece), lanes_load((const char *)b->from[t] + h * WIDTH));
}

HEW_INLINE void pick(const bool two, const hew_pick *p)
{
    const hew_pick_block *b = p->blocks;
    const char *const in = p->in;
    char *const out = p->out;
    const size_t n = p->bytes;
    for (size_t i = 0; i < n; i += 64, b++)
        HEW_UNROLL for (size_t h = 0; h < 64 / WIDTH; h++) {
            const size_t at = i + h * WIDTH;
            lanes x = window(b, in, 0, h);
            if (two)
                x = lanes_or(x, window(b, in, 1, h));
            if (at + WIDTH <= n)
                lanes_store(out + at, x);
            else if (at < n)
                lanes_store_first(out + at, n - at, x);
        }
}

void HEW_PICK(const hew_pick *p)
{
    if (p->two)
        pick(true, p);
    else
        pick(false, p);
}
