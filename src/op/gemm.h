/*
 * gemm.h - a created GEMM: its descriptor with every default filled in, and what was decided.
 */
#ifndef HEW_GEMM_INTERNAL_H
#define HEW_GEMM_INTERNAL_H

#include "edges.h"
#include "pack.h"

/* Floats between the rows of a transposed block of A beyond k: keeps rows of 4 KiB out of one
 * another's cache sets. */
enum { HEW_A_PAD = 16 };

typedef enum hew_gemm_path {
    HEW_GEMM_REF,      /* src/ref */
    HEW_GEMM_PACKED,   /* B comes packed */
    HEW_GEMM_DIRECT,   /* B is read where it lies: too few rows to pay for packing */
    HEW_GEMM_ONE_SHOT, /* B is packed into scratch, once for all members */
    HEW_GEMM_BATCHED,  /* each task packs its own member's B */
    HEW_GEMM_VECTORS,  /* one column of C or few rows: gemv.c */
    HEW_GEMM_WEIGHT_ONLY /* packed integers and floats: gemm_wo.c */
} hew_gemm_path;

struct hew_gemm {
    hew_gemm_desc d; /* no zero left that stands for something else; shared strides are 0 */
    hew_gemm_path path;
    const hew_kernel *kernel; /* that of the first panel, or the definition */
    uint64_t layout;          /* of packed B */
    size_t packed_bytes;
    hew_format format;
    hew_panels panels;
    size_t depth, words;      /* elements of k in a word of a panel; words of all k */
    hew_reduction reduction;  /* of words */
    hew_epilogue epilogue; /* all but the pointers */
    hew_act act;           /* what the epilogue leaves to act_fn */
    act_f32_fn *act_fn;
    transpose_f32_fn *transpose;
    quantize_f32_fn *quantize_fn;
    range_f32_fn *range_fn;
    amx_config_fn *amx_config; /* the kernels are AMX's; else null */
    bool keeps;  /* sums of a whole block rest in scratch from one block of k to the next */
    bool staged; /* integer sums are floats for a while: another activation, or bf16 */

    /* The work: batch x row_blocks x chunks of panels, from the shape alone. */
    size_t block_rows, row_blocks, chunks;
    size_t few_blocks;       /* as caches want them, for a few threads */
    size_t row_unit;         /* blocks of rows are whole numbers of these, but for the last */
    size_t members_per_task; /* small members go together; 1 unless row_blocks and chunks are 1 */
    size_t group_panels;     /* ONE_SHOT packs this many panels at a time */
    size_t worker_bytes;     /* scratch of one worker; in front of them ONE_SHOT's packed group */
    size_t shared_bytes;
    size_t sums_bytes; /* integer B: of its columns' sums, in front of the panels */
    /* Small enough for run_small on one thread: tiles of so many rows, the first few of one
     * more. */
    size_t small_tiles, small_rows, small_extra;
    size_t chunk; /* VECTORS: of C's longer side */
    const hew_kernel *tile; /* VECTORS, WEIGHT_ONLY: for the epilogue */
    size_t group_words;     /* WEIGHT_ONLY: of a chain */
    expand_s8_fn *expand;   /* WEIGHT_ONLY, many rows; else null */
    add_scaled_f32_fn *add_scaled;
    /* Operands of types that d doesn't have: gemm_edges.c. */
    hew_edge a_edge, b_edge, r_edge, c_edge;
    size_t edge_bytes; /* of scratch, for a run's copies */
};

/* What a descriptor of such types needs besides, and a run of it. */
hew_status hew_gemm_plan_edges(hew_gemm *op, const hew_gemm_desc *callers);
hew_status hew_gemm_pack_edge(const hew_gemm *op, const void *b, void *packed);
hew_status hew_gemm_run_edges(const hew_gemm *op, const hew_gemm_args *args);

/* Of operands that are as d says. */
void hew_gemm_pack_inner(const hew_gemm *op, const void *b, void *packed);
hew_status hew_gemm_run_inner(const hew_gemm *op, const hew_gemm_args *args);

/* The few vectors times one matrix of gemv.c: whether they serve, what they need, a task. */
bool hew_gemv_serves(const hew_gemm_desc *d);
void hew_gemv_plan(hew_gemm *op);
void hew_gemv_pack(const hew_gemm *op, const float *b, float *packed);
hew_status hew_gemv_run(const hew_gemm *op, const hew_gemm_args *args, char *workers);

/* The epilogue of rows x columns sums, rows sums_stride floats apart, at C(row, column) of a
 * member: op->tile with nothing left to multiply.  partial: as many floats as that tile has. */
const hew_kernel *hew_gemm_finisher(void);
void hew_gemm_finish(const hew_gemm *op, const hew_gemm_args *args, size_t member, size_t row,
                     size_t rows, size_t column, size_t columns, const float *sums,
                     size_t sums_stride, float *partial);

/* Floats times packed integers, gemm_wo.c: checks and defaults of what they alone have, ... */
hew_status hew_wo_check(hew_gemm_desc *d);
hew_status hew_wo_plan(hew_gemm *op);
void hew_wo_pack_panel(const hew_gemm *op, const void *b, size_t panel, void *out);
void hew_wo_pack_plain(const hew_gemm *op, const void *b, int8_t *out);
hew_status hew_wo_run(const hew_gemm *op, const hew_gemm_args *args, char *workers);

/* The first row of one of so many blocks of rows. */
HEW_INLINE size_t hew_gemm_row(const hew_gemm *op, size_t blocks, size_t block)
{
    const size_t m = (size_t)op->d.m, units = hew_ceil_div(m, op->row_unit);
    return hew_min(m, hew_cut(units, blocks, block) * op->row_unit);
}

/* Parts of packed B: gemm_pack.c. */
HEW_INLINE int32_t *hew_gemm_packed_sums(const void *packed)
{
    return (int32_t *)((uintptr_t)packed + sizeof(hew_packed_header));
}
HEW_INLINE char *hew_gemm_panels(const hew_gemm *op, const void *sums)
{
    return (char *)(uintptr_t)sums + hew_round_up(op->sums_bytes, HEW_ALIGNMENT);
}
HEW_INLINE char *hew_gemm_packed_panels(const hew_gemm *op, const void *packed)
{
    return hew_gemm_panels(op, hew_gemm_packed_sums(packed));
}
void hew_gemm_pack_panel(const hew_gemm *op, const void *b, size_t panel, void *out, int32_t *sums);
/* All of them, sums first. */
void hew_gemm_pack_panels(const hew_gemm *op, const void *b, void *packed);

/* Element (row, column) of a member of a matrix with elements of `size` bytes; null stays null. */
HEW_INLINE char *hew_gemm_at(const void *base, size_t size, size_t member, int64_t member_stride,
                             size_t row, int64_t stride, size_t column)
{
    if (!base)
        return NULL;
    return (char *)(uintptr_t)base +
           (member * (size_t)member_stride + row * (size_t)stride + column) * size;
}

/* The epilogue of a run, at C(row, column) of a member of the batch. */
HEW_INLINE hew_epilogue hew_gemm_epilogue(const hew_gemm *op, const hew_gemm_args *args,
                                          size_t member, size_t row, size_t column)
{
    const hew_gemm_desc *d = &op->d;
    const size_t r_size = op->format.residual_size;
    const void *residual =
        hew_gemm_at(args->residual, r_size, member, d->stride_r, row, d->ldr, column);
    hew_epilogue e = op->epilogue;
    e.scale = args->scale ? args->scale + column : NULL;
    e.bias = args->bias ? args->bias + column : NULL;
    if (d->beta != 0) {
        e.add = hew_gemm_at(args->c, sizeof(float), member, d->stride_c, row, d->ldc, column);
        e.add_stride = (size_t)d->ldc * sizeof(float);
        e.beta = d->beta;
        e.residual = residual;
        e.residual_stride = (size_t)d->ldr * sizeof(float);
    } else if (residual) {
        e.add = residual;
        e.add_stride = (size_t)d->ldr * r_size;
        e.beta = args->residual_scale == 0 ? 1 : args->residual_scale;
    }
    return e;
}

/* What integer sums need besides, at column 0.  b_sums: of packed B, from column 0 on. */
HEW_INLINE hew_quant hew_gemm_quant(const hew_gemm *op, const hew_gemm_args *args,
                                    const int32_t *b_sums)
{
    return (hew_quant){.b_sums = b_sums,
                       .bias = args->bias_s32,
                       .a_zero = args->a_zero,
                       .k = (int32_t)(uint32_t)op->d.k,
                       .add_type = op->d.residual_type,
                       .add_zero = args->residual_zero,
                       .c_type = op->d.c_type,
                       .c_inverse = args->c_scale == 0 ? 1 : 1 / args->c_scale,
                       .c_zero = args->c_zero};
}

/* Spreads a run's tasks (gemm_tasks.c); scratch as planned. */
hew_status hew_gemm_run_tasks(const hew_gemm *op, const hew_gemm_args *args, char *workers);

/* One run's arguments on their way to the tasks. */
typedef struct hew_gemm_run_state {
    const hew_gemm *op;
    const hew_gemm_args *args;
    const char *packed;              /* panels, from panel 0 */
    const int32_t *b_sums;           /* of integer B's columns, from column 0 */
    size_t panel_begin, panel_end;   /* of this group */
    size_t blocks, chunks;           /* it is cut into */
    char *workers;                   /* worker_bytes each */
} hew_gemm_run_state;

#endif
