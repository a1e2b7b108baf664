#include "gemm_case.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------ operands ---- */

static layout matrix(int64_t rows, int64_t columns, int64_t row_stride, int64_t batch,
                     int64_t stride)
{
    layout l = {.outer = batch, .rows = rows, .columns = columns};
    l.row_stride = row_stride ? row_stride : columns;
    l.outer_stride = stride ? stride : rows * l.row_stride;
    if (stride == HEW_STRIDE_SHARED) {
        l.outer = batch > 0;
        l.outer_stride = 0;
    }
    return l;
}

gemm_layouts gemm_layouts_of(const hew_gemm_desc *d)
{
    const int64_t batch = d->batch == 0 ? 1 : d->batch < 0 ? 0 : d->batch;
    gemm_layouts l;
    l.a = d->transpose_a ? matrix(d->k, d->m, d->lda, batch, d->stride_a)
                         : matrix(d->m, d->k, d->lda, batch, d->stride_a);
    const int64_t members_b = d->b_packed ? 1 : batch; /* packed also where the batch is empty */
    l.b = d->transpose_b ? matrix(d->n, d->k, d->ldb, members_b, d->stride_b)
                         : matrix(d->k, d->n, d->ldb, members_b, d->stride_b);
    if (d->b_type == HEW_S4) { /* bytes of two */
        const int64_t columns = (l.b.columns + 1) / 2;
        l.b = matrix(l.b.rows, columns, d->ldb / 2, members_b, d->stride_b);
    }
    l.c = matrix(d->m, d->n, d->ldc, batch, d->stride_c);
    l.r = matrix(d->m, d->n, d->ldr ? d->ldr : d->ldc, batch, d->stride_r);
    return l;
}

static operands make_operands(const gemm_case *g, rng *r)
{
    const gemm_layouts l = gemm_layouts_of(&g->d);
    const bool reads_c = g->d.beta != 0.0f || g->residual == RESIDUAL_IN_PLACE;
    const layout row = layout_of(1, g->d.n, g->d.n);
    const int64_t group = g->d.b_group, groups = group ? (g->d.k + group - 1) / group : 1;
    const layout factors = layout_of(groups, g->d.n, g->d.n);
    const hew_type b_type = g->d.b_type == HEW_S4 ? HEW_S8 : g->d.b_type;
    operands o;
    o.of[OPERAND_A] = operand_new(r, true, g->d.a_type, l.a, g->a);
    o.of[OPERAND_B] = operand_new(r, true, b_type, l.b, g->b);
    o.of[SCALE] = operand_new(r, g->scale, HEW_F32, factors, g->rest);
    o.of[BIAS] = operand_new(r, g->bias, HEW_F32, row, g->rest);
    o.of[BIAS_S32] = operand_new(r, g->bias_s32, HEW_S32, row, FILL_MIXED);
    o.of[ZEROS] = operand_new(r, g->b_zero, b_type, factors, FILL_MIXED);
    o.of[ADDEND] = operand_new(r, g->residual == RESIDUAL, g->d.residual_type, l.r, g->rest);
    o.of[OPERAND_C] =
        operand_new(r, true, g->d.c_type, l.c, reads_c ? g->rest : FILL_POISON);
    operands_keep(&o);
    return o;
}

/* ---------------------------------------------------------------------------------- runs ---- */

/* Everything but the memory of its own that a run needs. */
static hew_gemm_args args_of(const gemm_case *g, void *const p[OPERANDS])
{
    return HEW_GEMM_ARGS(
            .a = p[OPERAND_A], .b = g->d.b_packed ? NULL : p[OPERAND_B], .scale = p[SCALE],
            .bias = p[BIAS], .c = p[OPERAND_C], .bias_s32 = p[BIAS_S32], .b_zero = p[ZEROS],
            .a_zero = g->a_zero, .c_zero = g->c_zero, .residual_zero = g->residual_zero,
            .c_scale = g->c_scale, .residual_scale = g->residual_scale,
            .residual = g->residual == RESIDUAL_IN_PLACE ? p[OPERAND_C] : p[ADDEND]);
}

/* What is wanted, straight from the definition. */
static void compute_want(const gemm_case *g, operands *o)
{
    void *p[OPERANDS];
    for (int i = 0; i < OPERANDS; i++)
        p[i] = i == OPERAND_C ? o->want : o->of[i].p;
    hew_gemm *op;
    use_ref();
    check_status(hew_gemm_create(&op, &g->d), HEW_OK);
    void *packed = hew_alloc(hew_gemm_packed_size(op));
    if (g->d.b_packed)
        check_status(hew_gemm_pack(op, p[OPERAND_B], packed), HEW_OK);
    void *scratch = hew_alloc(hew_gemm_scratch_size(op, 1));
    hew_gemm_args args = args_of(g, p);
    args.packed_b = g->d.b_packed ? packed : NULL;
    args.scratch = scratch;
    check_status(hew_gemm_run(op, &args), HEW_OK);
    hew_free(scratch);
    hew_free(packed);
    hew_gemm_destroy(op);
    use_test_rung();
}

static void run_placed(const gemm_case *g, const hew_gemm *op, const operands *o,
                       const hew_threads *threads, placement where)
{
    buffer b[OPERANDS];
    operands_place(o, b, where);
    buffer packed = buffer_of_nans(hew_gemm_packed_size(op), where);
    buffer scratch =
        buffer_of_nans(hew_gemm_scratch_size(op, threads ? threads->count : 1), where);
    void *p[OPERANDS];
    for (int i = 0; i < OPERANDS; i++)
        p[i] = b[i].data;
    hew_gemm_args args = args_of(g, p);
    args.scratch = scratch.data;
    args.threads = threads;
    if (g->d.b_packed) {
        state_save();
        const hew_status status = hew_gemm_pack(op, p[OPERAND_B], packed.data);
        state_check();
        check_status(status, HEW_OK);
        args.packed_b = packed.data;
    }
    state_save();
    const hew_status status = hew_gemm_run(op, &args);
    state_check();
    check_status(status, HEW_OK);
    operands_check(o, b, g->nans);
    buffer_free(&packed);
    buffer_free(&scratch);
}

static const char *describe(const gemm_case *g, char *text, size_t size)
{
    static const char *const residuals[] = {"", " residual", " residual=C"};
    const hew_gemm_desc *d = &g->d;
    int n = snprintf(text, size,
                     "m %" PRId64 " n %" PRId64 " k %" PRId64
                     "%s%s%s alpha %g beta %g act %d(%g,%g)%s%s%s fills %d,%d,%d",
                     d->m, d->n, d->k, d->transpose_a ? " A'" : "", d->transpose_b ? " B'" : "",
                     d->b_packed ? " packed" : "", (double)d->alpha, (double)d->beta,
                     (int)d->act.kind, (double)d->act.alpha, (double)d->act.beta,
                     g->scale ? " scale" : "", g->bias ? " bias" : "", residuals[g->residual],
                     (int)g->a, (int)g->b, (int)g->rest);
    if (d->a_type != HEW_F32 || d->b_type != HEW_F32)
        n += snprintf(text + n, size - (size_t)n,
                      " types %d %d -> %d group %" PRId64 " dynamic %d, residual %d"
                      " zeros %d %d %d%s%s scales %g %g",
                      (int)d->a_type, (int)d->b_type, (int)d->c_type, d->b_group,
                      (int)d->a_dynamic, (int)d->residual_type,
                      g->a_zero, g->c_zero, g->residual_zero,
                      g->b_zero ? " B's" : "", g->bias_s32 ? " bias" : "", (double)g->c_scale,
                      (double)g->residual_scale);
    if (d->math)
        n += snprintf(text + n, size - (size_t)n, " math %d -> %d", (int)d->math, (int)d->c_type);
    if (d->lda || d->ldb || d->ldc || d->ldr)
        n += snprintf(text + n, size - (size_t)n,
                      " lda %" PRId64 " ldb %" PRId64 " ldc %" PRId64 " ldr %" PRId64, d->lda,
                      d->ldb, d->ldc, d->ldr);
    if (d->batch)
        snprintf(text + n, size - (size_t)n,
                 " batch %" PRId64 " strides %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64,
                 d->batch, d->stride_a, d->stride_b, d->stride_c, d->stride_r);
    return text;
}

void check_gemm(const gemm_case *g)
{
    static const size_t counts[] = {1, 2, 3, 8};
    char text[600];
    rng r = case_rng("%s", describe(g, text, sizeof text));
    if (!takes_case(&r, g->d.m * g->d.n * g->d.k))
        return;
    operands o = make_operands(g, &r);
    compute_want(g, &o);
    hew_gemm *op;
    check_status(hew_gemm_create(&op, &g->d), HEW_OK);
    for (int where = 0; where < PLACEMENTS; where++)
        run_placed(g, op, &o, no_threads(), (placement)where);
    for (size_t i = 0; g->threads && i < sizeof counts / sizeof counts[0]; i++) {
        run_placed(g, op, &o, pool_of(counts[i]), AT_BACK);
        run_placed(g, op, &o, reversed_of(counts[i]), AT_FRONT);
    }
    no_threads();
    hew_gemm_destroy(op);
    operands_free(&o);
}
