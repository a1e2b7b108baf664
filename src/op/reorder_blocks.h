/*
 * reorder_blocks.h - reorders that are moves of bits between strides.
 */
#ifndef HEW_REORDER_BLOCKS_H
#define HEW_REORDER_BLOCKS_H

#include "kernels.h"

/* Channels of a layout's block; 0 where it has none. */
HEW_INLINE int64_t hew_layout_block(hew_layout layout)
{
    return layout == HEW_BLOCKS_OF_8 ? 8 : layout == HEW_BLOCKS_OF_16 ? 16 : 0;
}

/* A checked descriptor of one type that has images, pixels and channels. */
hew_status hew_reorder_blocks(const hew_reorder_desc *d, const void *in, void *out,
                              const hew_threads *threads);

#endif
