/*
 * reduce_cut.h - in which order hew_reduce goes over the elements of one result.
 *
 * Dimensions of one element don't count.  If the last of the others is reduced, the reduction runs
 * along rows: a row is the product of the last dimensions as far as they are reduced, and the other
 * reduced dimensions tell how many rows there are.  Else it runs across rows, which have one
 * element each for a result.
 *
 *     blocks      along: up to HEW_REDUCE_BLOCK elements, of several rows where they are short
 *                 across: HEW_REDUCE_ROWS rows
 *     pieces      even runs of blocks, which threads may share: at most HEW_REDUCE_PIECES
 *
 * Along, a block has 64 lanes: element j of a row in the block goes to lane j % 64, row after row;
 * then lanes l, l + 16, l + 32, l + 48 become one as (l, l + 16), (l + 32, l + 48), and those
 * sixteen a tree: i and i + 8, then i + 4, i + 2, i + 1.  Across, a block is a chain.  A piece is
 * the chain of its blocks, the result the chain of the pieces.  All chains begin with the neutral
 * element.
 */
#ifndef HEW_REDUCE_CUT_H
#define HEW_REDUCE_CUT_H

#include "reduce.h"

enum {
    HEW_REDUCE_LANES = 64,
    HEW_REDUCE_BLOCK = 4096,
    HEW_REDUCE_BLOCK_ROWS = 512, /* in a block along rows, at most */
    HEW_REDUCE_ROWS = 16,
    HEW_REDUCE_PIECES = 32,
    HEW_REDUCE_PIECE_BLOCKS = 4,         /* in a piece at least, along rows */
    HEW_REDUCE_PIECE_BLOCKS_ACROSS = 64
};

typedef struct hew_reduce_cut {
    bool along;
    size_t rows, n;             /* reduced rows; the elements of each, 1 across */
    size_t block_rows, block_n; /* a full block; one of the two is all there is, or 1 */
    size_t row_blocks;          /* blocks side by side in a row */
    size_t blocks, pieces;      /* pieces >= 1 */
} hew_reduce_cut;

HEW_INLINE hew_reduce_cut hew_reduce_cut_of(bool along, size_t rows, size_t n)
{
    hew_reduce_cut c = {along, rows, n, HEW_REDUCE_ROWS, 1, 1, 0, 1};
    if (along && n > HEW_REDUCE_BLOCK) {
        c.block_rows = 1;
        c.block_n = hew_even_piece(n, HEW_REDUCE_BLOCK, HEW_REDUCE_LANES);
        c.row_blocks = hew_ceil_div(n, c.block_n);
    } else if (along) {
        c.block_n = n;
        c.block_rows = hew_min(HEW_REDUCE_BLOCK / hew_max(n, 1), HEW_REDUCE_BLOCK_ROWS);
    }
    c.blocks = n == 0 ? 0 : hew_ceil_div(rows, c.block_rows) * c.row_blocks;
    const size_t least = along ? HEW_REDUCE_PIECE_BLOCKS : HEW_REDUCE_PIECE_BLOCKS_ACROSS;
    c.pieces = hew_max(hew_min(c.blocks / least, HEW_REDUCE_PIECES), 1);
    return c;
}

/* Block b: where it begins and what it has. */
typedef struct hew_reduce_block {
    size_t row, rows, first, n;
} hew_reduce_block;
HEW_INLINE hew_reduce_block hew_reduce_block_of(const hew_reduce_cut *c, size_t b)
{
    const size_t row = b / c->row_blocks * c->block_rows, first = b % c->row_blocks * c->block_n;
    return (hew_reduce_block){row, hew_min(c->block_rows, c->rows - row), first,
                              hew_min(c->block_n, c->n - first)};
}

#endif
