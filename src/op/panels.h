/*
 * panels.h - B cut into panels, and one block of rows of C computed against them.
 *
 * This is the part that GEMM and convolution share.  A driver says where the rows of A lie (its
 * tiles) and the runner walks panels, blocks of the reduction and tiles, in that order:
 *
 *     for each panel                      a panel's block of B stays in L2 ...
 *         for each block of k             (src/core/reduce.h)
 *             for each tile of rows       ... while all rows of the block pass over it
 *                 kernel
 *
 * Running sums of a panel stay in scratch, so C is written once, after its epilogue.
 */
#ifndef HEW_PANELS_H
#define HEW_PANELS_H

#include "format.h"
#include "reduce.h"

enum { HEW_WORD = 4 }; /* bytes: of a panel's words and of running sums */

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

/* Cuts n columns into as few and as even panels as the family's kernels allow; for AMX, whose
 * multiplies take 16 columns, into full ones and what is left. */
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

/* The tasks for so many threads: large blocks of rows, `few` of them, and fewer chunks, where that
 * is enough.  A block's tiles are found again for each chunk. */
hew_cuts hew_cuts_for(hew_cuts all, size_t few, size_t members, size_t threads);

/* The tiles of one thread during one task: how they are configured. */
typedef struct hew_amx_state {
    amx_config_fn *config;
    hew_amx_shape shape; /* m is 0 before the first one */
} hew_amx_state;

/* As a kernel wants them for a tile. */
void hew_amx_configure(hew_amx_state *state, const hew_gemm_tile *tile);

/* The end of the task. */
HEW_INLINE void hew_amx_release(hew_amx_state *state)
{
    if (state->shape.m > 0)
        state->config(NULL);
    state->shape.m = 0;
}

/* How AMX cuts the reduction: sums go on from block to block, so that this is about caches alone;
 * of a convolution, panels are small. */
HEW_INLINE hew_reduction hew_amx_reduction_of(size_t rows, size_t taps, size_t channels)
{
    const hew_amx_cut cut = hew_amx_cut_of(channels);
    hew_reduction r = {rows, taps, channels, hew_max(rows, 1), hew_max(taps, 1), channels};
    if (rows * taps == 1 && cut.whole > HEW_K_BLOCK)
        r.block_channels =
            hew_even_piece(cut.whole, HEW_K_BLOCK / cut.chunk * cut.chunk, cut.chunk);
    r.block_channels = hew_max(r.block_channels, 1);
    return r;
}

/* Whether a tile of C takes several calls, between which its sums are in `partial`. */
HEW_INLINE bool hew_amx_keeps(const hew_reduction *r)
{
    const hew_amx_cut cut = hew_amx_cut_of(r->channels);
    return cut.rest > 0 || cut.whole > r->block_channels;
}

/* A few rows of A and C. */
typedef struct hew_tile {
    size_t row;                   /* of C in the block */
    size_t step;                  /* from one row of C to the next */
    size_t slot;                  /* in the block's partial sums, and what else rows have */
    int m;                        /* rows */
    size_t k;                     /* elements of each step; its channels, if those are split */
    const hew_reduce_step *steps; /* of all parts, one after the other */
    const uint32_t *first;        /* part p has steps [first[p], first[p + 1]) */
} hew_tile;

/* The reduction's parts: blocks, but for splits of a tap's channels, which share its step. */
HEW_INLINE size_t hew_parts(const hew_reduction *r)
{
    return hew_max(1, hew_ceil_div(r->rows, r->block_rows) * hew_ceil_div(r->taps, r->block_taps));
}

/*
 * A block of rows of C.  The reduction counts words of a panel (kernels.h): channels are words of
 * `depth` elements, which are a_word bytes of a row of A.
 */
typedef struct hew_block {
    const hew_panels *panels;
    size_t panel_begin, panel_end;
    const hew_reduction *reduction;
    size_t a_word;
    const hew_tile *tiles;
    size_t n_tiles;
    hew_amx_state *amx;    /* null: other kernels.  Else one part, the same k in all tiles, and of
                              each step one row, from which the others are */
    size_t a_stride;       /* bytes apart */
    const char *b;         /* the first panel, or with b_stride the caller's B (direct_f32) */
    size_t b_stride;       /* bytes between the caller's rows; 0: panels */
    char *partial;         /* 64-byte aligned, rows x max_nr words; mr x max_nr for one block of k;
                              AMX, m <= 16: rows x 2 max_nr */
    char *c;               /* the block's first row, column 0 */
    size_t c_stride;       /* bytes */
    size_t c_size, add_size; /* bytes of an element of C and of the epilogue's `add` */
    hew_epilogue epilogue; /* scale, bias, add, residual: at the block's first row, column 0 */
    hew_act act;           /* what the epilogue can't say: a pass over the stored tile, or NONE */
    act_f32_fn *act_fn;
    const hew_quant *quant; /* integer sums: at the block's first row, column 0; b_zero apart */
    const hew_zeros *b_zero; /* null: 0 */
    float *stage;          /* integer sums that are floats for a while: mr x max_nr; or null */
    hew_type c_type;       /* what the stage then becomes, by quantize_fn, and c_inverse */
    float c_inverse;
    int32_t c_zero;
    quantize_f32_fn *quantize_fn;
} hew_block;

void hew_block_run(const hew_block *block);

/*
 * The parts of it, for loops of another order.  What becomes of the sums of a panel's columns, of
 * those of a tile that begins in a row of the block, and what comes after the tile's epilogue: the
 * activation that it can't say, and the way from the stage to C.
 */
typedef struct hew_panel_end {
    hew_tame tame;
    hew_epilogue e;
    hew_quant q;
    int32_t b_zero[HEW_MAX_NR];
} hew_panel_end;
void hew_start_panel(const hew_block *block, const hew_panel *panel, hew_panel_end *end);
void hew_start_tile(const hew_block *block, const hew_panel *panel, size_t row, size_t slot,
                    hew_panel_end *end);
void hew_finish_tile(const hew_block *block, const hew_gemm_tile *tile, char *c, size_t c_stride);

/* Bytes without another activation: C's scale goes into the epilogue, as kernels.h has it. */
HEW_INLINE void hew_quant_fold(hew_epilogue *e, hew_quant *q, bool staged)
{
    if (staged || (q->c_type != HEW_U8 && q->c_type != HEW_S8)) {
        q->c_inverse = 1;
        return;
    }
    e->alpha *= q->c_inverse;
    e->beta *= q->c_inverse;
    e->lo *= q->c_inverse;
    e->hi *= q->c_inverse;
}

/* Whether results of n columns are tame (kernels.h): |alpha scale| <= 1/2, so that |s| times it is
 * 2^30 at most, and what is added to that is no more than 2^29 twice.  q->tame is `tame`, then. */
void hew_quant_tame(const hew_epilogue *e, hew_quant *q, size_t n, hew_tame *tame);

/* row_sums[row] of the quant: of each of the block's rows of A, all of whose elements are bytes. */
void hew_block_row_sums(const hew_block *block, bool is_signed, int32_t *row_sums);

/* Splits an activation into the epilogue's clamp and what is left for act_f32. */
hew_act hew_epilogue_act(hew_epilogue *epilogue, hew_act act);

#endif
