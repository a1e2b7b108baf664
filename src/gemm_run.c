/*
 * gemm_run.c - running a created GEMM: arguments checked, rows of A found, tasks spread.
 */
#include "gemm.h"

/* A product has one step: the rows of A as they are. */
static const uint32_t one_step[2] = {0, 1};

enum { STACK_BYTES = 8 << 10 }; /* a run with little scratch takes it from the stack */

static void make_tiles(const hew_gemm *op, size_t rows, const float *a, size_t stride,
                       hew_tile *tiles, hew_reduce_step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const size_t row = hew_cut(rows, count, i), end = hew_cut(rows, count, i + 1);
        tiles[i] = (hew_tile){row, (int)(end - row), op->reduction.channels, steps + i, one_step};
        steps[i].b_row = 0;
        for (size_t r = row; r < end; r++)
            steps[i].a[r - row] = a + r * stride;
    }
}

typedef struct piece {
    size_t member, row, row_end, panel_begin, panel_end;
    const float *b; /* as hew_block has it */
} piece;

static void run_piece(const hew_gemm_run_state *s, const piece *p, char *scratch)
{
    const hew_gemm *op = s->op;
    const hew_gemm_desc *d = &op->d;
    const size_t rows = p->row_end - p->row, k = op->reduction.channels;
    const size_t count = hew_ceil_div(rows, (size_t)op->panels.mr);
    hew_tile *tiles = hew_take(&scratch, count * (sizeof(hew_tile) + sizeof(hew_reduce_step)));
    hew_reduce_step *steps = (hew_reduce_step *)(tiles + count);
    const size_t kept = k > op->reduction.block_channels ? rows : (size_t)op->panels.mr;
    float *partial = hew_take(&scratch, kept * (size_t)op->panels.max_nr * sizeof(float));

    const float *a = (const float *)s->args->a + p->member * (size_t)d->stride_a;
    if (d->transpose_a) {
        const size_t stride = k + HEW_A_PAD;
        op->transpose(k, rows, a + p->row, (size_t)d->lda, (float *)scratch, stride);
        make_tiles(op, rows, (const float *)scratch, stride, tiles, steps, count);
    } else {
        make_tiles(op, rows, a + p->row * (size_t)d->lda, (size_t)d->lda, tiles, steps, count);
    }
    float *c = (float *)s->args->c + p->member * (size_t)d->stride_c + p->row * (size_t)d->ldc;
    hew_block block = {
        .panels = &op->panels,
        .panel_begin = p->panel_begin,
        .panel_end = p->panel_end,
        .reduction = &op->reduction,
        .tiles = tiles,
        .n_tiles = count,
        .b = p->b,
        .b_stride = op->path == HEW_GEMM_DIRECT ? (size_t)d->ldb * sizeof(float) : 0,
        .partial = partial,
        .c = c,
        .c_stride = (size_t)d->ldc * sizeof(float),
        .epilogue = hew_gemm_epilogue(op, s->args, p->member, p->row, 0),
        .act = op->act,
        .act_fn = op->act_fn,
    };
    hew_block_run(&block);
}

/* Task (member, row block, chunk of panels) of the group; small members come several at a time. */
static void run_task(void *context, size_t worker, size_t task)
{
    const hew_gemm_run_state *s = context;
    const hew_gemm *op = s->op;
    const size_t m = (size_t)op->d.m, batch = (size_t)op->d.batch;
    const size_t chunk = task % s->chunks, block = task / s->chunks % op->row_blocks;
    const size_t panels = s->panel_end - s->panel_begin;
    const size_t first = task / s->chunks / op->row_blocks * op->members_per_task;
    piece p = {.row = hew_cut(m, op->row_blocks, block),
               .row_end = hew_cut(m, op->row_blocks, block + 1),
               .panel_begin = s->panel_begin + hew_cut(panels, s->chunks, chunk),
               .panel_end = s->panel_begin + hew_cut(panels, s->chunks, chunk + 1),
               .b = s->packed};
    for (p.member = first; p.member < hew_min(first + op->members_per_task, batch); p.member++) {
        if (op->path == HEW_GEMM_DIRECT)
            p.b = (const float *)s->args->b + p.member * (size_t)op->d.stride_b;
        run_piece(s, &p, s->workers + worker * op->worker_bytes);
    }
}

static void pack_panel(const hew_gemm *op, const float *b, size_t panel, size_t first, float *out)
{
    const hew_panel *p = op->panels.panel + panel;
    const size_t k = op->reduction.channels;
    hew_pack_panel(p, k, b, (size_t)op->d.ldb, op->d.transpose_b, op->transpose,
                   out + (p->offset - op->panels.panel[first].offset) * k);
}

/* Task (member, chunk): packs the chunk of the member's B, then takes all rows over it. */
static void run_batched(void *context, size_t worker, size_t task)
{
    const hew_gemm_run_state *s = context;
    const hew_gemm *op = s->op;
    char *scratch = s->workers + worker * op->worker_bytes;
    const size_t nr = (size_t)op->panels.max_nr, k = op->reduction.channels;
    float *packed = hew_take(&scratch, op->group_panels * nr * k * sizeof(float));
    const size_t chunk = task % op->chunks, count = op->panels.count;
    piece p = {.panel_begin = hew_cut(count, op->chunks, chunk),
               .panel_end = hew_cut(count, op->chunks, chunk + 1)};
    const size_t first = task / op->chunks * op->members_per_task;
    const size_t end = hew_min(first + op->members_per_task, (size_t)op->d.batch);
    for (p.member = first; p.member < end; p.member++) {
        const float *b = (const float *)s->args->b + p.member * (size_t)op->d.stride_b;
        for (size_t panel = p.panel_begin; panel < p.panel_end; panel++)
            pack_panel(op, b, panel, p.panel_begin, packed);
        p.b = packed - op->panels.panel[p.panel_begin].offset * k;
        for (size_t block = 0; block < op->row_blocks; block++) {
            p.row = hew_cut((size_t)op->d.m, op->row_blocks, block);
            p.row_end = hew_cut((size_t)op->d.m, op->row_blocks, block + 1);
            run_piece(s, &p, scratch);
        }
    }
}

static void pack_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const hew_gemm_run_state *s = context;
    float *out = (float *)s->args->scratch;
    pack_panel(s->op, s->args->b, s->panel_begin + task, s->panel_begin, out);
}

/* A refusal by the caller's threads is an error while nothing is written; later groups then go on
 * without them. */
static hew_status run_one_shot(hew_gemm_run_state *s)
{
    const hew_gemm *op = s->op;
    const hew_threads *threads = s->args->threads;
    const size_t k = op->reduction.channels;
    const size_t members = hew_ceil_div((size_t)op->d.batch, op->members_per_task);
    for (size_t begin = 0; begin < op->panels.count; begin += op->group_panels) {
        s->panel_begin = begin;
        s->panel_end = hew_min(begin + op->group_panels, op->panels.count);
        s->chunks = hew_min(op->chunks, s->panel_end - begin);
        s->packed = (const float *)s->args->scratch - op->panels.panel[begin].offset * k;
        const size_t panels = s->panel_end - begin, tasks = members * op->row_blocks * s->chunks;
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

static hew_status run(const hew_gemm *op, const hew_gemm_args *args, char *workers)
{
    if (op->path == HEW_GEMM_VECTORS)
        return hew_gemv_run(op, args, workers);
    const size_t members = hew_ceil_div((size_t)op->d.batch, op->members_per_task);
    hew_gemm_run_state s = {.op = op,
                            .args = args,
                            .panel_end = op->panels.count,
                            .chunks = op->chunks,
                            .workers = workers + op->shared_bytes};
    if (op->path == HEW_GEMM_ONE_SHOT)
        return run_one_shot(&s);
    if (op->path == HEW_GEMM_BATCHED)
        return hew_parallel(args->threads, members * op->chunks, run_batched, &s);
    if (op->path == HEW_GEMM_PACKED)
        s.packed = (const float *)((const char *)args->packed_b + sizeof(hew_packed_header));
    return hew_parallel(args->threads, members * op->row_blocks * op->chunks, run_task, &s);
}

/*
 * The whole of a small product: B packed or read in place, one block of k, nothing but tiles.  What
 * the loops above make of it costs as much as the product itself below some 16 x 16 x 16.
 */
static void run_small(const hew_gemm *op, const hew_gemm_args *args)
{
    const hew_gemm_desc *d = &op->d;
    const size_t lda = (size_t)d->lda, ldc = (size_t)d->ldc;
    const float *packed = NULL;
    if (d->b_packed)
        packed = (const float *)((const hew_packed_header *)args->packed_b + 1);
    _Alignas(HEW_ALIGNMENT) float partial[HEW_MAX_MR * 64];
    hew_epilogue e = hew_gemm_epilogue(op, args, 0, 0, 0);
    hew_reduce_step step;
    step.b_row = 0;
    hew_gemm_tile tile = {.steps = &step,
                              .n_steps = 1,
                              .k = (size_t)d->k,
                              .b_stride = (size_t)d->ldb * sizeof(float),
                              .partial = partial,
                              .last = true,
                              .c_stride = ldc * sizeof(float),
                              .epilogue = &e};
    const hew_panel *end = op->panels.panel + op->panels.count;
    for (const hew_panel *p = op->panels.panel; p < end; p++) {
        const float *a = args->a;
        if (p->column > 0)
            e = hew_gemm_epilogue(op, args, 0, 0, p->column);
        tile.b = packed ? packed + p->offset * tile.k : (const float *)args->b + p->column;
        tile.c = (float *)args->c + p->column;
        tile.n = p->n;
        for (size_t t = 0; t < op->small_tiles; t++) {
            const size_t rows = op->small_rows + (t < op->small_extra);
            for (size_t i = 0; i < rows; i++, a += lda)
                step.a[i] = a;
            tile.m = (int)rows;
            HEW_FN(gemm_f32, p->kernel)(&tile);
            tile.c = (float *)tile.c + rows * ldc;
            if (e.add)
                e.add = (const float *)((const char *)e.add + rows * e.add_stride);
        }
    }
}

static bool on_stack(const hew_gemm *op)
{
    return op->shared_bytes == 0 && op->worker_bytes <= STACK_BYTES &&
           op->row_blocks * op->chunks <= 1 && op->members_per_task >= (size_t)op->d.batch;
}

size_t hew_gemm_scratch_size(const hew_gemm *op, size_t threads)
{
    if (!op || op->path == HEW_GEMM_REF || on_stack(op))
        return 0;
    return hew_scratch_bytes(op->shared_bytes, op->worker_bytes, threads);
}

static hew_status check_args(const hew_gemm *op, const hew_gemm_args *args)
{
    const hew_gemm_desc *d = &op->d;
    if (args->size != sizeof *args)
        return hew_fail(HEW_ERR_INVALID, "gemm: args size is %zu, this library's is %zu",
                        args->size, sizeof *args);
    const bool empty = d->m == 0 || d->n == 0 || d->batch == 0;
    if (!empty && (!args->c || (d->k > 0 && (!args->a || (!d->b_packed && !args->b)))))
        return hew_fail(HEW_ERR_INVALID, "gemm: %s is null",
                        !args->c ? "c" : !args->a ? "a" : "b");
    if (((uintptr_t)args->a | (uintptr_t)args->b | (uintptr_t)args->c | (uintptr_t)args->scale |
         (uintptr_t)args->bias | (uintptr_t)args->residual) %
        sizeof(float))
        return hew_fail(HEW_ERR_INVALID, "gemm: a tensor is not aligned to 4 bytes");
    if (d->b_packed) {
        const hew_status s = hew_check_packed("gemm", args->packed_b, op->layout);
        if (s != HEW_OK)
            return s;
    }
    if (op->path != HEW_GEMM_REF && !on_stack(op) &&
        (!args->scratch || (uintptr_t)args->scratch % HEW_ALIGNMENT))
        return hew_fail(HEW_ERR_INVALID,
                        "gemm: scratch is at %p; %zu bytes aligned to %d are needed", args->scratch,
                        hew_gemm_scratch_size(op, args->threads ? args->threads->count : 1),
                        HEW_ALIGNMENT);
    return args->threads ? hew_check_threads(args->threads) : HEW_OK;
}

hew_status hew_gemm_run(const hew_gemm *op, const hew_gemm_args *args)
{
    if (HEW_UNLIKELY(!op || !args))
        return hew_fail(HEW_ERR_INVALID, "hew_gemm_run: %s is null", op ? "args" : "op");
    hew_status status = check_args(op, args);
    const hew_gemm_desc *d = &op->d;
    if (status != HEW_OK || d->m == 0 || d->n == 0 || d->batch == 0)
        return status;
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    if (op->path == HEW_GEMM_REF) {
        HEW_REF_FN(gemm_f32, op->kernel)(op, args);
    } else if (op->small_tiles > 0 && (op->row_blocks * op->chunks == 1 || !args->threads ||
                                       args->threads->count == 1)) {
        run_small(op, args);
    } else if (on_stack(op)) {
        _Alignas(HEW_ALIGNMENT) char scratch[STACK_BYTES];
        status = run(op, args, scratch);
    } else {
        status = run(op, args, args->scratch);
    }
    if (HEW_UNLIKELY(start != 0)) {
        const double us = (hew_now() - start) * 1e6;
        hew_verbose_line("gemm f32 %lldx%lldx%lldx%lld %s %.1f us %.2f GFLOP/s",
                         (long long)d->batch, (long long)d->m, (long long)d->n, (long long)d->k,
                         op->kernel->name, us,
                         2e-3 * (double)d->batch * (double)d->m * (double)d->n * (double)d->k / us);
    }
    return status;
}
