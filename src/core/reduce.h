/*
 * reduce.h - the one rule by which a long sum is cut into blocks.
 *
 * A GEMM-like operation sums rows x taps x channels products for each output element: a GEMM has
 * one row of one tap and k channels; a convolution has kernel depth * height rows of kernel-width
 * taps.  The sum is cut into blocks of at most HEW_K_BLOCK products, in rising order:
 *
 *     total = 0;  for each block b:  s = 0;  for each product in b:  s = fma(a, w, s)
 *                                    total = b is the first ? s : total + s
 *
 * The cut depends on these three extents alone, so every kernel, thread count and batch position
 * gives the same bits.  Blocks are as even as whole rows, whole taps or multiples of 8 channels
 * allow; a block never mixes parts: it holds several rows, or several taps of one row, or several
 * channels of one tap.
 *
 * 512 products keep a 64-column panel of a block (128 KiB) in half of the smallest L2 that has
 * AVX-512, and the rounding error of a chain below that of one long sum.
 */
#ifndef HEW_REDUCE_H
#define HEW_REDUCE_H

#include "core.h"

enum { HEW_K_BLOCK = 512 };

typedef struct hew_reduction {
    size_t rows, taps, channels;                   /* the whole sum */
    size_t block_rows, block_taps, block_channels; /* a full block; the last ones may be shorter */
} hew_reduction;

/* Even pieces of n, each a multiple of `unit` and at most `most` (itself a multiple of unit). */
HEW_INLINE size_t hew_even_piece(size_t n, size_t most, size_t unit)
{
    return n == 0 ? unit : hew_round_up(hew_ceil_div(n, hew_ceil_div(n, most)), unit);
}

HEW_INLINE hew_reduction hew_reduction_of(size_t rows, size_t taps, size_t channels)
{
    const size_t row = taps * channels;
    hew_reduction r = {rows, taps, channels, 1, 1, hew_max(channels, 1)};
    if (channels > HEW_K_BLOCK) {
        r.block_channels = hew_even_piece(channels, HEW_K_BLOCK, 8);
    } else if (row > HEW_K_BLOCK) {
        r.block_taps = hew_even_piece(taps, HEW_K_BLOCK / channels, 1);
    } else {
        r.block_taps = hew_max(taps, 1);
        r.block_rows = hew_even_piece(rows, HEW_K_BLOCK / hew_max(row, 1), 1);
    }
    return r;
}

#endif
