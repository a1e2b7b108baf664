/*
 * gemm_edges.c - matrix products of types that are converted first: edges.h.
 */
#include "gemm.h"

enum { F16_ROWS = 2 }; /* more than two take less time as floats: 0.7 of it at four */

/* Notes the caller's type of an operand that is copied. */
static void note(const hew_edge *e, uintptr_t *low)
{
    if (e->type != e->inner)
        *low = hew_type_size(e->type) - 1;
}

/* Few rows are bound by the weights' bytes: f16 stays so, and becomes floats in registers. */
static void keep_f16(hew_gemm *op, hew_type callers)
{
    hew_gemm_desc *d = &op->d;
    size_t count;
    hew_kernels(HEW_FAMILY_gemm_f32f16, &count);
    if (callers != HEW_F16 || !d->b_packed || d->m > F16_ROWS || count == 0)
        return;
    d->b_type = HEW_F16;
    op->format.name = "f32f16";
    op->format.gemm = HEW_FAMILY_gemm_f32f16;
    op->format.weight_only = true;
    op->format.b_size = 2;
    op->format.b_low = 1;
}

hew_status hew_gemm_plan_edges(hew_gemm *op, const hew_gemm_desc *callers)
{
    hew_gemm_desc *d = &op->d;
    const bool ta = d->transpose_a, tb = d->transpose_b;
    const int64_t members = d->b_packed ? 1 : d->batch;
    if (callers->c_type != d->c_type && d->beta != 0)
        return hew_fail(HEW_ERR_UNSUPPORTED, "gemm: beta = %g with C of %s; a residual adds to C",
                        (double)d->beta, hew_type_name(callers->c_type));
    keep_f16(op, callers->b_type);
    if (!hew_edge_of(&op->a_edge, callers->a_type, d->a_type, false, d->batch, &d->stride_a,
                     ta ? d->k : d->m, &d->lda, ta ? d->m : d->k) ||
        !hew_edge_of(&op->b_edge, callers->b_type, d->b_type, false, members, &d->stride_b,
                     tb ? d->n : d->k, &d->ldb, tb ? d->k : d->n) ||
        !hew_edge_of(&op->r_edge, callers->residual_type, d->residual_type, false, d->batch,
                     &d->stride_r, d->m, &d->ldr, d->n) ||
        !hew_edge_of(&op->c_edge, callers->c_type, d->c_type, false, d->batch, &d->stride_c, d->m,
                     &d->ldc, d->n))
        return hew_fail(HEW_ERR_OVERFLOW, "gemm: copies of matrices, m = %lld, n = %lld, k = %lld, "
                        "are too large", (long long)d->m, (long long)d->n, (long long)d->k);
    op->edge_bytes = op->a_edge.bytes + (d->b_packed ? 0 : op->b_edge.bytes) + op->r_edge.bytes +
                     op->c_edge.bytes;
    note(&op->a_edge, &op->format.a_low);
    note(&op->b_edge, &op->format.b_low);
    note(&op->r_edge, &op->format.residual_low);
    note(&op->c_edge, &op->format.c_low);
    return HEW_OK;
}

hew_status hew_gemm_pack_edge(const hew_gemm *op, const void *b, void *packed)
{
    void *copy = hew_malloc(op->b_edge.bytes);
    if (!copy)
        return hew_fail(HEW_ERR_NO_MEMORY, "hew_gemm_pack: no memory for a copy of B, %zu bytes",
                        op->b_edge.bytes);
    hew_edge_in(&op->b_edge, b, copy, NULL);
    hew_gemm_pack_inner(op, copy, packed);
    hew_mfree(copy);
    return HEW_OK;
}

hew_status hew_gemm_run_edges(const hew_gemm *op, const hew_gemm_args *args)
{
    hew_gemm_args inner = *args;
    char *scratch = args->scratch;
    hew_status s = HEW_OK;
    inner.a = hew_edge_take(&s, &op->a_edge, args->a, &scratch, args->threads);
    if (!op->d.b_packed) /* else a b that is given doesn't count */
        inner.b = hew_edge_take(&s, &op->b_edge, args->b, &scratch, args->threads);
    inner.residual = hew_edge_take(&s, &op->r_edge, args->residual, &scratch, args->threads);
    if (op->c_edge.bytes)
        inner.c = hew_take(&scratch, op->c_edge.bytes);
    inner.scratch = scratch;
    if (s == HEW_OK)
        s = hew_gemm_run_inner(op, &inner);
    if (s == HEW_OK && op->c_edge.bytes)
        s = hew_edge_out(&op->c_edge, inner.c, args->c, args->threads);
    return s;
}
