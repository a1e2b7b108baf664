/*
 * gemm_run.c - running a created GEMM: arguments checked, small products at once, others in tasks.
 */
#include "gemm.h"

enum { STACK_BYTES = 8 << 10 }; /* a run with little scratch takes it from the stack */

/* All of B's panels behind the sums of their columns: packed before, or now to scratch; null where
 * B is read in place. */
static const void *small_packed(const hew_gemm *op, const hew_gemm_args *args)
{
    if (op->path == HEW_GEMM_DIRECT)
        return NULL;
    if (op->path == HEW_GEMM_PACKED)
        return hew_gemm_packed_sums(args->packed_b);
    hew_gemm_pack_panels(op, args->b, args->scratch);
    return args->scratch;
}

/*
 * The whole of a small product: one block of k, nothing but tiles; of AMX's, one.  What the loops
 * above make of it costs as much as the product itself below some 16 x 16 x 16.
 */
static void run_small(const hew_gemm *op, const hew_gemm_args *args)
{
    const hew_gemm_desc *d = &op->d;
    const size_t lda = (size_t)d->lda * op->format.a_size, c_size = op->format.c_size;
    const size_t ldc = (size_t)d->ldc * c_size;
    const int32_t *b_sums = small_packed(op, args);
    const char *packed = b_sums ? hew_gemm_panels(op, b_sums) : NULL;
    _Alignas(HEW_ALIGNMENT) float partial[HEW_AMX_SUMS]; /* more than other tiles have */
    hew_epilogue e = hew_gemm_epilogue(op, args, 0, 0, 0);
    hew_quant quant;
    hew_tame tame;
    hew_reduce_step step;
    step.b_row = 0;
    hew_gemm_tile tile = {.steps = &step,
                          .n_steps = 1,
                          .a_stride = lda,
                          .k = (size_t)d->k,
                          .chunk = op->amx_config ? hew_amx_cut_of(op->words).chunk : 0,
                          .b_stride = op->amx_config ? (size_t)op->panels.max_nr * HEW_WORD
                                                     : (size_t)d->ldb * sizeof(float),
                          .partial = partial,
                          .last = true,
                          .c_stride = ldc,
                          .epilogue = &e};
    if (op->format.bf16) {
        quant.c_type = d->c_type;
        quant.add_type = d->residual_type;
        tile.quant = &quant;
    } else if (op->format.integer) {
        quant = hew_gemm_quant(op, args, b_sums);
        hew_quant_fold(&e, &quant, false);
        tile.quant = &quant;
    }
    const hew_panel *end = op->panels.panel + op->panels.count;
    for (const hew_panel *p = op->panels.panel; p < end; p++) {
        const char *a = args->a;
        if (p->column > 0) {
            const hew_epilogue here = hew_gemm_epilogue(op, args, 0, 0, p->column);
            e.scale = here.scale;
            e.bias = here.bias;
            e.add = here.add;
            if (op->format.integer) {
                quant.b_sums = b_sums + p->offset;
                quant.bias = args->bias_s32 ? args->bias_s32 + p->column : NULL;
            }
        }
        if (op->format.integer)
            hew_quant_tame(&e, &quant, (size_t)p->n, &tame);
        tile.b = packed ? packed + p->offset * op->words * HEW_WORD
                        : (const char *)args->b + p->column * sizeof(float);
        tile.c = (char *)args->c + p->column * c_size;
        tile.n = p->n;
        for (size_t t = 0; t < op->small_tiles; t++) {
            const size_t rows = op->small_rows + (t < op->small_extra);
            for (size_t i = 0; i < (op->amx_config ? 1 : rows); i++, a += lda)
                step.a[i] = a;
            tile.m = (int)rows;
            if (op->amx_config)
                op->amx_config(&(hew_amx_shape){tile.m, tile.n, (int)tile.chunk});
            ((hew_gemm_fn *)p->kernel->fn)(&tile);
            tile.c = (char *)tile.c + rows * ldc;
            if (e.add)
                e.add = (const char *)e.add + rows * e.add_stride;
        }
    }
    if (op->amx_config)
        op->amx_config(NULL);
}

static bool on_stack(const hew_gemm *op)
{
    return op->shared_bytes == 0 && op->worker_bytes <= STACK_BYTES &&
           op->row_blocks * op->chunks <= 1 && op->members_per_task >= (size_t)op->d.batch;
}

static hew_status run(const hew_gemm *op, const hew_gemm_args *args)
{
    if (op->path == HEW_GEMM_REF) {
        HEW_REF_FN(gemm_f32, op->kernel)(op, args);
        return HEW_OK;
    }
    if (op->small_tiles > 0 && !args->b_zero &&
        (op->row_blocks * op->chunks == 1 || !args->threads || args->threads->count == 1)) {
        run_small(op, args);
        return HEW_OK;
    }
    if (!on_stack(op))
        return hew_gemm_run_tasks(op, args, args->scratch);
    _Alignas(HEW_ALIGNMENT) char scratch[STACK_BYTES];
    return hew_gemm_run_tasks(op, args, scratch);
}

size_t hew_gemm_scratch_size(const hew_gemm *op, size_t threads)
{
    if (!op)
        return 0;
    if (op->path == HEW_GEMM_REF || on_stack(op))
        return op->edge_bytes;
    return hew_scratch_bytes(op->edge_bytes + op->shared_bytes, op->worker_bytes, threads);
}

static bool is_quantised(const hew_gemm_args *args)
{
    return args->bias_s32 || args->b_zero || (args->a_zero | args->c_zero | args->residual_zero) ||
           args->c_scale != 0 || args->residual_scale != 0;
}

static hew_status check_quantised(const hew_gemm *op, const hew_gemm_args *args)
{
    const hew_gemm_desc *d = &op->d;
    const hew_quantised q = {.a_type = d->a_type,
                             .c_type = d->c_type,
                             .residual_type = d->residual_type,
                             .a_zero = args->a_zero,
                             .c_zero = args->c_zero,
                             .residual_zero = args->residual_zero,
                             .c_scale = args->c_scale,
                             .residual_scale = args->residual_scale,
                             .bias_s32 = args->bias_s32,
                             .b_zero = args->b_zero && (!op->format.weight_only ||
                                                        d->b_type == HEW_F16),
                             .floats = args->scale || args->bias || args->residual};
    return hew_check_quantised("gemm", &op->format, &q);
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
    const hew_format *f = &op->format;
    if (((uintptr_t)args->a & f->a_low) | ((uintptr_t)args->b & f->b_low) |
        ((uintptr_t)args->c & f->c_low) | ((uintptr_t)args->residual & f->residual_low) |
        (((uintptr_t)args->scale | (uintptr_t)args->bias | (uintptr_t)args->bias_s32) & 3))
        return hew_fail(HEW_ERR_INVALID, "gemm: a tensor is not aligned to its elements");
    if (f->integer || is_quantised(args)) {
        const hew_status s = check_quantised(op, args);
        if (s != HEW_OK)
            return s;
    }
    if (d->b_packed) {
        const hew_status s = hew_check_packed("gemm", args->packed_b, op->layout);
        if (s != HEW_OK)
            return s;
    }
    if ((op->edge_bytes > 0 || (op->path != HEW_GEMM_REF && !on_stack(op))) &&
        (!args->scratch || (uintptr_t)args->scratch % HEW_ALIGNMENT))
        return hew_fail(HEW_ERR_INVALID,
                        "gemm: scratch is at %p; %zu bytes aligned to %d are needed", args->scratch,
                        hew_gemm_scratch_size(op, args->threads ? args->threads->count : 1),
                        HEW_ALIGNMENT);
    return args->threads ? hew_check_threads(args->threads) : HEW_OK;
}

hew_status hew_gemm_run_inner(const hew_gemm *op, const hew_gemm_args *args)
{
    if (!op->format.bf16)
        return run(op, args);
    const unsigned mode = hew_bf16_mode();
    const hew_status status = run(op, args);
    hew_restore_mode(mode);
    return status;
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
    status = op->edge_bytes ? hew_gemm_run_edges(op, args) : hew_gemm_run_inner(op, args);
    if (HEW_UNLIKELY(start != 0)) {
        const double us = (hew_now() - start) * 1e6;
        hew_verbose_line("gemm %s %lldx%lldx%lldx%lld %s %.1f us %.2f GOP/s",
                         op->format.name, (long long)d->batch, (long long)d->m, (long long)d->n,
                         (long long)d->k, op->kernel->name, us,
                         2e-3 * (double)d->batch * (double)d->m * (double)d->n * (double)d->k / us);
    }
    return status;
}
