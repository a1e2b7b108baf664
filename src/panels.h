/*
 * panels.h - B cut into panels, and one block of rows of C computed against them.
 *
 * This is the part that GEMM and convolution share.  A driver says where the rows of A lie (its
 * tiles) and the runner walks panels, blocks of the reduction and tiles, in that order:
 *
 *     for each panel                      a panel's block of B stays in L2 ...
 *         for each block of k             (src/reduce.h)
 *             for each tile of rows       ... while all rows of the block pass over it
 *                 kernel
 *
 * Running sums of a panel stay in scratch, so C is written once, after its epilogue.
 */
#ifndef HEW_PANELS_H
#define HEW_PANELS_H

#include "kernels.h"
#include "reduce.h"

typedef struct hew_panel {
    const hew_kernel *kernel;
    size_t column; /* of B, where it begins */
    size_t offset; /* columns of packed B before it: column rounded up to whole registers */
    int n;         /* columns of B in it; kernel->nr with the padding */
} hew_panel;

typedef struct hew_panels {
    hew_panel *panel; /* hew_mfree it */
    size_t count;
    size_t n, padded_n; /* columns of B and of packed B */
    int mr;             /* rows that every kernel in use can take */
    int max_nr;
} hew_panels;

/* Cuts n columns into as few and as even panels as the family's kernels allow. */
hew_status hew_panels_create(hew_panels *panels, int family, size_t n);

/*
 * The tasks of `members` products with so many rows and macs for each row: blocks of at most
 * block_rows for the caches, chunks of panels, and more blocks where those are few tasks.
 */
enum { HEW_TASK_MACS = 1 << 17 }; /* some 2 us: several times what handing out a task costs */
typedef struct hew_cuts {
    size_t row_blocks, chunks;
} hew_cuts;
hew_cuts hew_cut_tasks(const hew_panels *panels, size_t rows, size_t block_rows, size_t members,
                       double row_macs);

/* A few rows of A and C. */
typedef struct hew_tile {
    size_t row;                   /* in the block */
    int m;                        /* rows */
    size_t k;                     /* of each step, unless the reduction splits channels */
    const hew_reduce_step *steps; /* of all parts, one after the other */
    const uint32_t *first;        /* part p has steps [first[p], first[p + 1]) */
} hew_tile;

/* The reduction's parts: blocks, but for splits of a tap's channels, which share its step. */
HEW_INLINE size_t hew_parts(const hew_reduction *r)
{
    return hew_max(1, hew_ceil_div(r->rows, r->block_rows) * hew_ceil_div(r->taps, r->block_taps));
}

typedef struct hew_block {
    const hew_panels *panels;
    size_t panel_begin, panel_end;
    const hew_reduction *reduction;
    const hew_tile *tiles;
    size_t n_tiles;
    const float *b;        /* the first panel, or with b_stride the caller's B (direct_f32) */
    size_t b_stride;       /* bytes between the caller's rows; 0: panels */
    float *partial;        /* 64-byte aligned, rows x max_nr; mr x max_nr for one block of k */
    float *c;              /* the block's first row, column 0 */
    size_t c_stride;       /* bytes */
    hew_epilogue epilogue; /* scale, bias, add, residual: at the block's first row, column 0 */
    hew_act act;           /* what the epilogue can't say: a pass over the stored tile, or NONE */
    act_f32_fn *act_fn;
} hew_block;

void hew_block_run(const hew_block *block);

/* Splits an activation into the epilogue's clamp and what is left for act_f32. */
hew_act hew_epilogue_act(hew_epilogue *epilogue, hew_act act);

#endif
