/*
 * conv.h - a created convolution: its descriptor with every default filled in, and its plan.
 */
#ifndef HEW_CONV_INTERNAL_H
#define HEW_CONV_INTERNAL_H

#include "edges.h"
#include "pack.h"

typedef enum hew_conv_path {
    HEW_CONV_REF,      /* src/ref */
    HEW_CONV_PANELS,   /* batch-reduce GEMM over taps, group by group */
    HEW_CONV_AMX,      /* the same in tile registers: conv_amx.c */
    HEW_CONV_DEPTHWISE, /* dwconv_f32, dwconv_strip_f32 (3 x 3, 5 x 5), gconv_f32 (small groups) */
    HEW_CONV_DEPTHWISE_S8 /* dwconv_u8s8, dwconv_slide_u8s8 (3 x 3) */
} hew_conv_path;

/* Depthwise of bytes.  Channels go in blocks, wide ones first, each with its kernels: [0] wide, [1]
 * narrow. */
typedef struct hew_dwconv_s8 {
    const hew_kernel *flat[2], *slide[2]; /* slide: null unless it serves */
    size_t wide_blocks, blocks;
    size_t words, depth; /* of a channel's taps; slots in a word */
    size_t runs;         /* that go to a kernel together */
    size_t pad_pixels;   /* in a row of padding */
} hew_dwconv_s8;

/*
 * In tile registers.  Rows of A are output positions at one distance in memory, `stride`, and a tap
 * is an offset.
 */
typedef enum hew_amx_form {
    HEW_AMX_LINEAR,  /* the pixels of the whole batch: 1 x 1, dense, no padding */
    HEW_AMX_WINDOWS, /* the same of windows that are copied one by one: one step */
    HEW_AMX_DIRECT,  /* rows of output pixels over the caller's input: no padding */
    HEW_AMX_COPIED   /* over a copy of a band of the input, its padding in place */
} hew_amx_form;

/*
 * Height or width in the copy.  Output position q and tap t lie over coordinate q s + t d of the
 * padded input.  Coordinates with one remainder by s are a plane, where t is an offset of t d / s
 * positions; or each tap has a plane of its own, with offset 0.
 */
typedef struct hew_amx_axis {
    bool own;
    size_t planes, reach; /* positions in a plane beyond those of outputs */
} hew_amx_axis;

/* How much of the output is a task's: images are planes of depth, batch included. */
typedef struct hew_amx_band {
    size_t images, rows, columns;
} hew_amx_band;

typedef struct hew_conv_amx {
    hew_amx_form form;
    bool flat; /* rows of tiles run on from image row to image row, over junk in between */
    size_t steps, step_k, chunk; /* taps, or 1 of all; elements and words of kernels_amx.h */
    hew_amx_axis down, across;
    hew_amx_band all, band;      /* band: at most */
    size_t pieces[3];            /* bands along images, rows, columns */
    size_t stride;
    size_t copy_bytes, positions; /* of a band; positions: junk included */
    size_t masked_bytes;          /* a panel for weights that aren't finite; 0: no padding */
    amx_config_fn *config;
    hew_gemm_fn *finish, *narrow; /* narrow: the kernel of 16 columns */
} hew_conv_amx;

struct hew_conv {
    hew_conv_desc d; /* always 3-D: unused ranks lead with extent 1; no zero defaults left */
    int64_t out[3];
    int rank;
    hew_conv_path path;
    const hew_kernel *kernel;
    uint64_t layout;
    size_t packed_bytes;

    hew_format format;
    size_t group_in, group_out; /* channels of a group */
    size_t depth;            /* elements of k in a word of a panel */
    hew_reduction reduction; /* of words; its taps are one where merged rows straddle words */
    hew_panels panels; /* of one group */
    size_t sums_bytes; /* integer weights: of all groups' sums, in front of the panels */
    size_t group_bytes; /* of one group's panels */
    bool linear;     /* output pixel i is input pixel i: 1 x 1, dense, no padding */
    bool merge_taps; /* a row of taps lies in one piece in memory: one step */
    size_t window; /* bytes, whole words: a short window that is copied as a whole; else 0 */
    size_t pad_bytes;   /* of scratch: what a tap in the padding points to; 0: there is none */
    size_t patch_bytes; /* for a block's rows of taps that have to be patched up; 0: too many */
    hew_epilogue epilogue;
    hew_act act;
    act_f32_fn *act_fn;
    transpose_f32_fn *transpose;
    quantize_f32_fn *quantize_fn;
    bool staged; /* integer sums are floats for a while: another activation, or bf16 */

    /* The work: groups x blocks of output pixels (of the whole batch) x chunks of panels. */
    size_t pixels, block_rows, row_blocks, chunks;
    size_t few_blocks; /* as caches want them, for a few threads */
    size_t unit; /* pixels that tiles don't cross: an image row, where whole ones lack taps; or 1 */
    size_t worker_bytes;
    size_t strips_down, strips_across; /* depthwise: strips of an image */
    const hew_kernel *dwconv, *strip;  /* depthwise; strip may be null */
    size_t padded_c; /* depthwise: out channels, rounded up to the widest register */
    hew_dwconv_s8 bytes; /* depthwise of bytes */
    hew_conv_amx amx;

    /* Tensors of types that d doesn't have: conv_edges.c. */
    hew_edge in_edge, weight_edge, residual_edge, out_edge;
    size_t edge_bytes; /* of scratch, for a run's copies */
    bool bf16_mode;    /* runs go in hew_bf16_mode */
};

/* One channel a group and one block of taps.  In bf16 their order is the same on amx, too. */
HEW_INLINE bool hew_conv_is_depthwise(const hew_conv_desc *d)
{
    const hew_reduction r = hew_reduction_of((size_t)(d->kernel[0] * d->kernel[1]),
                                             (size_t)d->kernel[2], 1);
    return d->groups > 1 && d->groups == d->in_c && r.rows <= r.block_rows &&
           r.taps <= r.block_taps;
}

/* The caller's: one less than d says where conv_edges.c adds one. */
HEW_INLINE int64_t hew_conv_channels(const hew_conv *op)
{
    return op->in_edge.pad ? op->in_edge.columns : op->d.in_c;
}

/* What a descriptor of such types needs besides, and a run of it. */
hew_status hew_conv_plan_edges(hew_conv *op, const hew_conv_desc *callers);
hew_status hew_conv_pack_edge(const hew_conv *op, const void *weights, void *packed);
hew_status hew_conv_run_edges(const hew_conv *op, const hew_conv_args *args);

/* Of tensors that are as d says. */
void hew_conv_pack_inner(const hew_conv *op, const void *weights, void *packed);
hew_status hew_conv_run_inner(const hew_conv *op, const hew_conv_args *args);

/* The problem in benchdnn's words, for HEW_VERBOSE. */
enum { HEW_CONV_TEXT = 400 };
void hew_conv_text(const hew_conv *op, char text[HEW_CONV_TEXT]);

/* Parts of packed weights: conv_pack.c. */
HEW_INLINE int32_t *hew_conv_packed_sums(const void *packed)
{
    return (int32_t *)((uintptr_t)packed + sizeof(hew_packed_header));
}
HEW_INLINE char *hew_conv_packed_panels(const hew_conv *op, const void *packed)
{
    return (char *)hew_conv_packed_sums(packed) + hew_round_up(op->sums_bytes, HEW_ALIGNMENT);
}

/* What integer sums need besides, at column 0 of the first group. */
HEW_INLINE hew_quant hew_conv_quant(const hew_conv *op, const hew_conv_args *args,
                                    const int32_t *sums)
{
    const size_t taps = (size_t)(op->d.kernel[0] * op->d.kernel[1] * op->d.kernel[2]);
    return (hew_quant){.b_sums = sums,
                       .bias = args->bias_s32,
                       .a_zero = args->in_zero,
                       .k = (int32_t)(uint32_t)(taps * op->group_in),
                       .add_type = op->d.residual_type,
                       .add_zero = args->residual_zero,
                       .c_type = op->d.out_type,
                       .c_inverse = args->out_scale == 0 ? 1 : 1 / args->out_scale,
                       .c_zero = args->out_zero};
}

/* Rows of a tile that is worth its loads of B. */
enum { LOW_TILE = 4 };

/* Where a block's input rows lie: fills in tiles and their steps (conv_tiles.c). */
typedef struct hew_conv_rows {
    const hew_conv *op;
    const char *in;    /* the group's first channel of the batch's first pixel */
    const char *pad;   /* op->pad_bytes of the padding's value */
    size_t begin, end; /* output pixels, batch included; whole units */
    int height;        /* of a tile, at most; 1 leaves every tap in the padding out */
    bool all_taps;     /* what zero points add to integers is taken off for all taps, so that none
                          can be left out */
} hew_conv_rows;
size_t hew_conv_tiles(const hew_conv_rows *rows, hew_tile *tiles, hew_reduce_step *steps,
                      uint32_t *first, char *patches);

/* The elements under each of those pixels, side by side: op->window bytes, zeros at their end. */
void hew_conv_windows(const hew_conv_rows *rows, char *to);

/* Which of a window's taps along one rank lie inside the input: [begin, end), 0 and 0 for none. */
typedef struct hew_range {
    int64_t begin, end;
} hew_range;
HEW_INLINE hew_range hew_taps_inside(int64_t at, int64_t taps, int64_t dilation, int64_t extent)
{
    hew_range r = {0, taps};
    if (at < 0)
        r.begin = (-at + dilation - 1) / dilation;
    if (at + (taps - 1) * dilation >= extent)
        r.end = at >= extent ? 0 : (extent - 1 - at) / dilation + 1;
    if (r.end <= r.begin)
        r.begin = r.end = 0;
    return r;
}

/* What a block of rows is given besides its rows of A, at output pixel `pixel` of a group; and, of
 * integers, what `quant` then is.  `zeros` say if sums of the rows of A are needed, too. */
hew_block hew_conv_block(const hew_conv *op, const hew_conv_args *args, size_t group, size_t pixel);
hew_zeros hew_conv_integers(const hew_conv *op, const hew_conv_args *args, size_t group,
                            hew_block *block, hew_quant *quant);

/* In tile registers (conv_amx.c, conv_amx_run.c). */
void hew_conv_amx_start(hew_conv *op);
hew_status hew_conv_amx_plan(hew_conv *op);
hew_status hew_conv_amx_run(const hew_conv *op, const hew_conv_args *args);

/* Depthwise (dwconv.c). */
void hew_dwconv_plan(hew_conv *op);
void hew_dwconv_pack(const hew_conv *op, const float *weights, float *packed);
hew_status hew_dwconv_run(const hew_conv *op, const hew_conv_args *args);
/* Of bytes (dwconv_s8.c). */
hew_status hew_dwconv_s8_plan(hew_conv *op);
void hew_dwconv_s8_pack(const hew_conv *op, const uint8_t *weights, void *packed);
hew_status hew_dwconv_s8_run(const hew_conv *op, const hew_conv_args *args);
/* 3 x 3 and 5 x 5 in strips of output pixels, for finite weights (dwconv_strip.c). */
void hew_dwconv_strip_plan(hew_conv *op);
hew_status hew_dwconv_strip_run(const hew_conv *op, const hew_conv_args *args);

#endif
