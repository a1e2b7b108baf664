/*
 * gemm.h - a created GEMM: its descriptor with every default filled in, and what was decided.
 */
#ifndef HEW_GEMM_INTERNAL_H
#define HEW_GEMM_INTERNAL_H

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
    HEW_GEMM_VECTORS   /* one column of C or few rows: gemv.c */
} hew_gemm_path;

struct hew_gemm {
    hew_gemm_desc d; /* no zero left that stands for something else; shared strides are 0 */
    hew_gemm_path path;
    const hew_kernel *kernel; /* that of the first panel, or the definition */
    uint64_t layout;          /* of packed B */
    size_t packed_bytes;
    hew_panels panels;
    hew_reduction reduction;
    hew_epilogue epilogue; /* all but the pointers */
    hew_act act;           /* what the epilogue leaves to act_fn */
    act_f32_fn *act_fn;
    transpose_f32_fn *transpose;

    /* The work: batch x row_blocks x chunks of panels, from the shape alone. */
    size_t block_rows, row_blocks, chunks;
    size_t members_per_task; /* small members go together; 1 unless row_blocks and chunks are 1 */
    size_t group_panels;     /* ONE_SHOT packs this many panels at a time */
    size_t worker_bytes;     /* scratch of one worker; in front of them ONE_SHOT's packed group */
    size_t shared_bytes;
    /* DIRECT or PACKED, and small enough for run_small on one thread: tiles of so many rows, the
     * first few of one more. */
    size_t small_tiles, small_rows, small_extra;
    size_t chunk; /* VECTORS: of C's longer side */
    const hew_kernel *tile; /* VECTORS: for the epilogue */
};

/* The few vectors times one matrix of gemv.c: whether they serve, what they need, a task. */
bool hew_gemv_serves(const hew_gemm_desc *d);
void hew_gemv_plan(hew_gemm *op);
void hew_gemv_pack(const hew_gemm *op, const float *b, float *packed);
hew_status hew_gemv_run(const hew_gemm *op, const hew_gemm_args *args, char *workers);

/* The epilogue of a run, at C(row, column) of a member of the batch. */
HEW_INLINE hew_epilogue hew_gemm_epilogue(const hew_gemm *op, const hew_gemm_args *args,
                                          size_t member, size_t row, size_t column)
{
    const hew_gemm_desc *d = &op->d;
    const size_t ldc = (size_t)d->ldc, ldr = (size_t)d->ldr;
    const float *c = (const float *)args->c + member * (size_t)d->stride_c + row * ldc + column;
    const float *residual = args->residual;
    if (residual)
        residual += member * (size_t)d->stride_r + row * ldr + column;
    hew_epilogue e = op->epilogue;
    e.scale = args->scale ? args->scale + column : NULL;
    e.bias = args->bias ? args->bias + column : NULL;
    if (d->beta != 0) {
        e.add = c;
        e.add_stride = ldc * sizeof(float);
        e.beta = d->beta;
        e.residual = residual;
        e.residual_stride = ldr * sizeof(float);
    } else if (residual) {
        e.add = residual;
        e.add_stride = ldr * sizeof(float);
        e.beta = 1;
    }
    return e;
}

/* One run's arguments on their way to the tasks. */
typedef struct hew_gemm_run_state {
    const hew_gemm *op;
    const hew_gemm_args *args;
    const float *packed;             /* panels, from panel 0 */
    size_t panel_begin, panel_end;   /* of this group */
    size_t chunks;                   /* it is cut into */
    char *workers;                   /* worker_bytes each */
} hew_gemm_run_state;

#endif
