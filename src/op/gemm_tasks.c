/*
 * gemm_tasks.c - the tasks of a GEMM: rows of A found, B packed where a run does that.
 */
#include "gemm.h"

#include <string.h>

/* A product has one step: the rows of A as they are. */
static const uint32_t one_step[2] = {0, 1};

/* Of even heights; AMX's are as high as they can be. */
static void make_tiles(const hew_gemm *op, size_t rows, const char *a, size_t stride,
                       hew_tile *tiles, hew_reduce_step *steps, size_t count)
{
    const size_t mr = (size_t)op->panels.mr;
    for (size_t i = 0; i < count; i++) {
        const size_t row = op->amx_config ? i * mr : hew_cut(rows, count, i);
        const size_t end = op->amx_config ? hew_min(row + mr, rows) : hew_cut(rows, count, i + 1);
        tiles[i] = (hew_tile){row, 1, row, (int)(end - row), (size_t)op->d.k, steps + i, one_step};
        steps[i].b_row = 0;
        for (size_t r = row; r < (op->amx_config ? row + 1 : end); r++)
            steps[i].a[r - row] = a + r * stride;
    }
}

typedef struct piece {
    size_t member, row, row_end, panel_begin, panel_end;
    const char *b; /* as hew_block has it */
    const int32_t *b_sums;
    hew_amx_state *amx; /* of the task */
} piece;

/* Rows of A with neighbouring elements: where they lie, or transposed to scratch. */
static const char *rows_of_a(const hew_gemm_run_state *s, const piece *p, char **scratch,
                             size_t *stride)
{
    const hew_gemm_desc *d = &s->op->d;
    const size_t size = hew_type_size(d->a_type), rows = p->row_end - p->row, k = (size_t)d->k;
    const size_t row = d->transpose_a ? 1 : (size_t)d->lda;
    const char *a = (const char *)s->args->a +
                    (p->member * (size_t)d->stride_a + p->row * row) * size;
    *stride = (size_t)d->lda * size;
    if (!d->transpose_a)
        return a;
    *stride = (k + HEW_A_PAD) * size;
    char *out = hew_take(scratch, s->op->block_rows * *stride);
    if (size == sizeof(float))
        s->op->transpose(k, rows, (const float *)a, (size_t)d->lda, (float *)out, k + HEW_A_PAD);
    for (size_t i = 0; size < sizeof(float) && i < k; i++)
        for (size_t r = 0; r < rows; r++)
            memcpy(out + r * *stride + i * size, a + (i * (size_t)d->lda + r) * size, size);
    return out;
}

/* Rows of f32 become bytes with a zero and a scale of their own. */
static const char *quantised(const hew_gemm *op, const char *a, size_t rows, char **scratch,
                             size_t *stride, hew_quant *q)
{
    const size_t k = (size_t)op->d.k;
    const hew_type type = op->format.a_signed ? HEW_S8 : HEW_U8;
    char *out = hew_take(scratch, (k + HEW_A_PAD) * op->block_rows);
    float *scale = hew_take(scratch, op->block_rows * sizeof(float));
    int32_t *zero = hew_take(scratch, op->block_rows * sizeof(int32_t));
    for (size_t i = 0; i < rows; i++)
        hew_quantize_row(op->range_fn, op->quantize_fn, (const float *)(a + i * *stride), k, type,
                         out + i * (k + HEW_A_PAD), scale + i, zero + i);
    *stride = k + HEW_A_PAD;
    q->row_scale = scale;
    q->row_zero = zero;
    return out;
}

static void run_piece(const hew_gemm_run_state *s, const piece *p, char *scratch)
{
    const hew_gemm *op = s->op;
    const hew_gemm_desc *d = &op->d;
    const size_t rows = p->row_end - p->row, nr = (size_t)op->panels.max_nr;
    const size_t mr = (size_t)op->panels.mr, count = hew_ceil_div(rows, mr);
    hew_tile *tiles = hew_take(&scratch, count * (sizeof(hew_tile) + sizeof(hew_reduce_step)));
    hew_reduce_step *steps = (hew_reduce_step *)(tiles + count);
    void *partial = hew_take(&scratch, (op->keeps ? op->block_rows : mr) * nr * HEW_WORD);
    float *stage = op->staged ? hew_take(&scratch, mr * nr * sizeof(float)) : NULL;

    size_t stride;
    const char *a = rows_of_a(s, p, &scratch, &stride);
    hew_block block = {
        .panels = &op->panels,
        .panel_begin = p->panel_begin,
        .panel_end = p->panel_end,
        .reduction = &op->reduction,
        .a_word = op->depth * op->format.a_size,
        .tiles = tiles,
        .n_tiles = count,
        .amx = op->amx_config ? p->amx : NULL,
        .b = p->b,
        .b_stride = op->path == HEW_GEMM_DIRECT ? (size_t)d->ldb * sizeof(float) : 0,
        .partial = partial,
        .c = hew_gemm_at(s->args->c, op->format.c_size, p->member, d->stride_c, p->row, d->ldc, 0),
        .c_stride = (size_t)d->ldc * op->format.c_size,
        .c_size = op->format.c_size,
        .add_size = op->format.residual_size,
        .epilogue = hew_gemm_epilogue(op, s->args, p->member, p->row, 0),
        .act = op->act,
        .act_fn = op->act_fn,
        .stage = stage,
        .c_type = d->c_type,
        .quantize_fn = op->quantize_fn,
    };
    hew_quant quant = hew_gemm_quant(op, s->args, p->b_sums);
    if (!op->format.integer) {
        if (op->format.bf16)
            block.quant = &quant;
        block.a_stride = stride;
        make_tiles(op, rows, a, stride, tiles, steps, count);
        hew_block_run(&block);
        return;
    }
    block.c_inverse = quant.c_inverse;
    block.c_zero = quant.c_zero;
    hew_quant_fold(&block.epilogue, &quant, op->staged);
    if (d->a_dynamic != HEW_DYNAMIC_NONE)
        a = quantised(op, a, rows, &scratch, &stride, &quant);
    block.a_stride = stride;
    make_tiles(op, rows, a, stride, tiles, steps, count);
    const hew_zeros zeros = {s->args->b_zero, op->format.b_unsigned};
    block.quant = &quant;
    if (zeros.zero || zeros.b_unsigned) {
        int32_t *sums = hew_take(&scratch, rows * sizeof(int32_t));
        hew_block_row_sums(&block, op->format.a_signed, sums);
        block.b_zero = &zeros;
        quant.row_sums = sums;
    }
    hew_block_run(&block);
}

/* Task (member, row block, chunk of panels) of the group; small members come several at a time. */
static void run_task(void *context, size_t worker, size_t task)
{
    const hew_gemm_run_state *s = context;
    const hew_gemm *op = s->op;
    const size_t batch = (size_t)op->d.batch;
    const size_t chunk = task % s->chunks, block = task / s->chunks % s->blocks;
    const size_t panels = s->panel_end - s->panel_begin;
    const size_t first = task / s->chunks / s->blocks * op->members_per_task;
    hew_amx_state amx = {.config = op->amx_config};
    piece p = {.row = hew_gemm_row(op, s->blocks, block),
               .row_end = hew_gemm_row(op, s->blocks, block + 1),
               .panel_begin = s->panel_begin + hew_cut(panels, s->chunks, chunk),
               .panel_end = s->panel_begin + hew_cut(panels, s->chunks, chunk + 1),
               .b = s->packed,
               .b_sums = s->b_sums,
               .amx = &amx};
    for (p.member = first; p.member < hew_min(first + op->members_per_task, batch); p.member++) {
        if (op->path == HEW_GEMM_DIRECT)
            p.b = (const char *)s->args->b + p.member * (size_t)op->d.stride_b * sizeof(float);
        run_piece(s, &p, s->workers + worker * op->worker_bytes);
    }
    hew_amx_release(&amx);
}

/* Packs a panel of a group that begins with panel `first` and lies at `packed`, sums in front. */
static void pack_panel(const hew_gemm *op, const void *b, size_t panel, size_t first, char *packed)
{
    const size_t column = op->panels.panel[panel].offset - op->panels.panel[first].offset;
    hew_gemm_pack_panel(op, b, panel,
                        packed + hew_round_up(op->sums_bytes, HEW_ALIGNMENT) +
                            column * op->words * HEW_WORD,
                        (int32_t *)packed + column);
}

/* Where panel 0 and column 0 of such a group would lie. */
static const char *group_panels(const hew_gemm *op, size_t first, const char *packed)
{
    return packed + hew_round_up(op->sums_bytes, HEW_ALIGNMENT) -
           op->panels.panel[first].offset * op->words * HEW_WORD;
}
static const int32_t *group_sums(const hew_gemm *op, size_t first, const char *packed)
{
    return (const int32_t *)packed - op->panels.panel[first].offset;
}

/* Task (member, chunk): packs the chunk of the member's B, then takes all rows over it. */
static void run_batched(void *context, size_t worker, size_t task)
{
    const hew_gemm_run_state *s = context;
    const hew_gemm *op = s->op;
    char *scratch = s->workers + worker * op->worker_bytes;
    char *packed = hew_take(&scratch, hew_round_up(op->sums_bytes, HEW_ALIGNMENT) +
                                          op->group_panels * (size_t)op->panels.max_nr * op->words *
                                              HEW_WORD);
    const size_t chunk = task % op->chunks, count = op->panels.count;
    hew_amx_state amx = {.config = op->amx_config};
    piece p = {.panel_begin = hew_cut(count, op->chunks, chunk),
               .panel_end = hew_cut(count, op->chunks, chunk + 1),
               .amx = &amx};
    p.b = group_panels(op, p.panel_begin, packed);
    p.b_sums = group_sums(op, p.panel_begin, packed);
    const size_t first = task / op->chunks * op->members_per_task;
    const size_t end = hew_min(first + op->members_per_task, (size_t)op->d.batch);
    for (p.member = first; p.member < end; p.member++) {
        const char *b = (const char *)s->args->b +
                        p.member * (size_t)op->d.stride_b * op->format.b_size;
        for (size_t panel = p.panel_begin; panel < p.panel_end; panel++)
            pack_panel(op, b, panel, p.panel_begin, packed);
        for (size_t block = 0; block < op->few_blocks; block++) {
            p.row = hew_gemm_row(op, op->few_blocks, block);
            p.row_end = hew_gemm_row(op, op->few_blocks, block + 1);
            run_piece(s, &p, scratch);
        }
    }
    hew_amx_release(&amx);
}

static void pack_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const hew_gemm_run_state *s = context;
    pack_panel(s->op, s->args->b, s->panel_begin + task, s->panel_begin, s->args->scratch);
}

/* A refusal by the caller's threads is an error while nothing is written; later groups then go on
 * without them. */
static hew_status run_one_shot(hew_gemm_run_state *s)
{
    const hew_gemm *op = s->op;
    const hew_threads *threads = s->args->threads;
    const size_t members = hew_ceil_div((size_t)op->d.batch, op->members_per_task);
    const size_t chunks = s->chunks;
    for (size_t begin = 0; begin < op->panels.count; begin += op->group_panels) {
        s->panel_begin = begin;
        s->panel_end = hew_min(begin + op->group_panels, op->panels.count);
        s->chunks = hew_min(chunks, s->panel_end - begin);
        s->packed = group_panels(op, begin, s->args->scratch);
        s->b_sums = group_sums(op, begin, s->args->scratch);
        const size_t panels = s->panel_end - begin, tasks = members * s->blocks * s->chunks;
        hew_status status = hew_parallel(threads, panels, pack_task, s);
        if (status == HEW_OK)
            status = hew_parallel(threads, tasks, run_task, s);
        if (status == HEW_OK)
            continue;
        if (begin == 0)
            return status;
        threads = NULL;
        hew_parallel(NULL, panels, pack_task, s);
        hew_parallel(NULL, tasks, run_task, s);
    }
    return HEW_OK;
}

hew_status hew_gemm_run_tasks(const hew_gemm *op, const hew_gemm_args *args, char *workers)
{
    if (op->path == HEW_GEMM_VECTORS)
        return hew_gemv_run(op, args, workers);
    if (op->path == HEW_GEMM_WEIGHT_ONLY)
        return hew_wo_run(op, args, workers);
    const size_t members = hew_ceil_div((size_t)op->d.batch, op->members_per_task);
    const hew_cuts cuts = hew_cuts_for((hew_cuts){op->row_blocks, op->chunks}, op->few_blocks,
                                       members, args->threads ? args->threads->count : 1);
    hew_gemm_run_state s = {.op = op,
                            .args = args,
                            .panel_end = op->panels.count,
                            .blocks = cuts.row_blocks,
                            .chunks = cuts.chunks,
                            .workers = workers + op->shared_bytes};
    if (op->path == HEW_GEMM_ONE_SHOT)
        return run_one_shot(&s);
    if (op->path == HEW_GEMM_BATCHED)
        return hew_parallel(args->threads, members * op->chunks, run_batched, &s);
    if (op->path == HEW_GEMM_PACKED) {
        s.packed = hew_gemm_packed_panels(op, args->packed_b);
        s.b_sums = hew_gemm_packed_sums(args->packed_b);
    }
    return hew_parallel(args->threads, members * s.blocks * s.chunks, run_task, &s);
}
