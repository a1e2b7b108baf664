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

typedef struct operands {
    operand a, b, scale, bias, bias_s32, zeros, residual, c;
    void *want;
} operands;

static operands make_operands(const gemm_case *g, rng *r)
{
    const gemm_layouts l = gemm_layouts_of(&g->d);
    const bool reads_c = g->d.beta != 0.0f || g->residual == RESIDUAL_IN_PLACE;
    const layout row = layout_of(1, g->d.n, g->d.n);
    const int64_t group = g->d.b_group, groups = group ? (g->d.k + group - 1) / group : 1;
    const layout factors = layout_of(groups, g->d.n, g->d.n);
    const hew_type b_type = g->d.b_type == HEW_S4 ? HEW_S8 : g->d.b_type;
    operands o;
    o.a = operand_new(r, true, g->d.a_type, l.a, g->a);
    o.b = operand_new(r, true, b_type, l.b, g->b);
    o.scale = operand_new(r, g->scale, HEW_F32, factors, g->rest);
    o.bias = operand_new(r, g->bias, HEW_F32, row, g->rest);
    o.bias_s32 = operand_new(r, g->bias_s32, HEW_S32, row, FILL_MIXED);
    o.zeros = operand_new(r, g->b_zero, b_type, factors, FILL_MIXED);
    o.residual = operand_new(r, g->residual == RESIDUAL, g->d.residual_type, l.r, g->rest);
    o.c = operand_new(r, true, g->d.c_type, l.c, reads_c ? g->rest : FILL_POISON);
    o.want = malloc(operand_bytes(o.c) + 1);
    if (!o.want)
        fail_case("out of memory");
    memcpy(o.want, o.c.p, operand_bytes(o.c));
    return o;
}

static void free_operands(operands *o)
{
    operand_free(&o->a);
    operand_free(&o->b);
    operand_free(&o->scale);
    operand_free(&o->bias);
    operand_free(&o->bias_s32);
    operand_free(&o->zeros);
    operand_free(&o->residual);
    operand_free(&o->c);
    free(o->want);
}

/* ---------------------------------------------------------------------------------- runs ---- */

/* What is wanted, straight from the definition. */
static void compute_want(const gemm_case *g, operands *o)
{
    hew_gemm *op;
    use_ref();
    check_status(hew_gemm_create(&op, &g->d), HEW_OK);
    void *packed = hew_alloc(hew_gemm_packed_size(op));
    if (g->d.b_packed)
        check_status(hew_gemm_pack(op, o->b.p, packed), HEW_OK);
    void *scratch = hew_alloc(hew_gemm_scratch_size(op, 1));
    const hew_gemm_args args =
        HEW_GEMM_ARGS(.a = o->a.p, .b = g->d.b_packed ? NULL : o->b.p,
                      .packed_b = g->d.b_packed ? packed : NULL, .scale = o->scale.p,
                      .bias = o->bias.p, .c = o->want, .scratch = scratch,
                      .bias_s32 = o->bias_s32.p, .b_zero = o->zeros.p, .a_zero = g->a_zero,
                      .c_zero = g->c_zero, .residual_zero = g->residual_zero,
                      .c_scale = g->c_scale, .residual_scale = g->residual_scale,
                      .residual = g->residual == RESIDUAL_IN_PLACE ? o->want : o->residual.p);
    check_status(hew_gemm_run(op, &args), HEW_OK);
    hew_free(scratch);
    hew_free(packed);
    hew_gemm_destroy(op);
    use_test_rung();
}

enum { A, B, SCALE, BIAS, BIAS_S32, ZEROS, ADDEND, C, PACKED, SCRATCH, BUFFERS };

static void run_placed(const gemm_case *g, const hew_gemm *op, const operands *o,
                       const hew_threads *threads, placement where)
{
    buffer b[BUFFERS] = {
        [A] = operand_place(o->a, where),         [B] = operand_place(o->b, where),
        [BIAS_S32] = operand_place(o->bias_s32, where), [ZEROS] = operand_place(o->zeros, where),
        [SCALE] = operand_place(o->scale, where), [BIAS] = operand_place(o->bias, where),
        [ADDEND] = operand_place(o->residual, where), [C] = operand_place(o->c, where),
        [PACKED] = buffer_of_nans(hew_gemm_packed_size(op), where),
        [SCRATCH] = buffer_of_nans(hew_gemm_scratch_size(op, threads ? threads->count : 1), where),
    };
    if (g->d.b_packed) {
        state_save();
        const hew_status packed = hew_gemm_pack(op, b[B].data, b[PACKED].data);
        state_check();
        check_status(packed, HEW_OK);
    }
    const hew_gemm_args args = HEW_GEMM_ARGS(
            .a = b[A].data, .b = g->d.b_packed ? NULL : b[B].data,
            .packed_b = g->d.b_packed ? b[PACKED].data : NULL, .scale = b[SCALE].data,
            .bias = b[BIAS].data, .c = b[C].data, .scratch = b[SCRATCH].data, .threads = threads,
            .bias_s32 = b[BIAS_S32].data, .b_zero = b[ZEROS].data, .a_zero = g->a_zero,
            .c_zero = g->c_zero, .residual_zero = g->residual_zero,
            .c_scale = g->c_scale, .residual_scale = g->residual_scale,
            .residual = g->residual == RESIDUAL_IN_PLACE ? b[C].data : b[ADDEND].data);
    state_save();
    const hew_status status = hew_gemm_run(op, &args);
    state_check();
    check_status(status, HEW_OK);
    operand_compare("C", o->want, &b[C], o->c, g->nans);
    operand_check("A", &b[A], o->a);
    operand_check("B", &b[B], o->b);
    operand_check("scale", &b[SCALE], o->scale);
    operand_check("bias", &b[BIAS], o->bias);
    operand_check("the s32 bias", &b[BIAS_S32], o->bias_s32);
    operand_check("the zero points", &b[ZEROS], o->zeros);
    operand_check("the residual", &b[ADDEND], o->residual);
    for (int i = 0; i < BUFFERS; i++)
        buffer_free(&b[i]);
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
    free_operands(&o);
}
