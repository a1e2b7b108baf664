/* Random GEMMs. */
#include "fuzz.h"

#include <stdlib.h>

typedef struct gemm_case {
    hew_gemm_desc d;
    size_t a, b, c, r; /* floats */
    bool scale, bias, in_place;
    const hew_threads *threads;
} gemm_case;

static hew_status run_gemm(const void *what, float *out)
{
    const gemm_case *g = what;
    hew_gemm *op;
    hew_status status = hew_gemm_create(&op, &g->d);
    if (status != HEW_OK)
        return status;
    const size_t packed_bytes = hew_gemm_packed_size(op);
    const size_t scratch_bytes = hew_gemm_scratch_size(op, g->threads ? g->threads->count : 1);
    if (hew_gemm_kernel(op)[0] == '\0')
        fuzz_broken("a gemm without a kernel", hew_active_isa());
    if (out != NULL) {
        const size_t n = (size_t)g->d.n;
        float *a = fuzz_floats(g->a, 1), *b = fuzz_floats(g->b, 2),
              *r = g->r ? fuzz_floats(g->r, 3) : NULL;
        float *scale = g->scale ? fuzz_floats(n, 4) : NULL,
              *bias = g->bias ? fuzz_floats(n, 5) : NULL;
        void *packed = fuzz_aligned(packed_bytes), *scratch = fuzz_aligned(scratch_bytes);
        if (g->d.b_packed)
            status = hew_gemm_pack(op, b, packed);
        if (status == HEW_OK)
            status = hew_gemm_run(op, &HEW_GEMM_ARGS(.a = a, .b = b, .packed_b = packed,
                                                     .scale = scale, .bias = bias,
                                                     .residual = g->in_place ? out : r, .c = out,
                                                     .scratch = scratch, .threads = g->threads));
        fuzz_unfloats(a), fuzz_unfloats(b), fuzz_unfloats(r), fuzz_unfloats(scale),
            fuzz_unfloats(bias);
        free(packed), free(scratch);
    }
    hew_gemm_destroy(op);
    return status;
}

void fuzz_gemm(fuzz_bytes *in)
{
    gemm_case g = {
        .d = HEW_GEMM_DESC(.m = fuzz_extent(in), .n = fuzz_extent(in), .k = fuzz_extent(in))};
    hew_gemm_desc *d = &g.d;
    d->a_type = fuzz_type(in), d->b_type = fuzz_type(in), d->c_type = fuzz_type(in);
    d->transpose_a = fuzz_one_in(in, 2), d->transpose_b = fuzz_one_in(in, 2),
    d->b_packed = fuzz_one_in(in, 2);
    const int64_t a_rows = d->transpose_a ? d->k : d->m, a_columns = d->transpose_a ? d->m : d->k;
    const int64_t b_rows = d->transpose_b ? d->n : d->k, b_columns = d->transpose_b ? d->k : d->n;
    d->lda = fuzz_stride(in, a_columns), d->ldb = fuzz_stride(in, b_columns);
    d->ldc = fuzz_stride(in, d->n), d->ldr = fuzz_stride(in, d->n);
    d->batch = fuzz_one_in(in, 3) ? fuzz_small(in, 5) : 0;
    if (fuzz_one_in(in, 8))
        d->stride_a = fuzz_one_in(in, 2) ? HEW_STRIDE_SHARED : fuzz_extent(in);
    if (fuzz_one_in(in, 8))
        d->stride_b = fuzz_one_in(in, 2) ? HEW_STRIDE_SHARED : fuzz_extent(in);
    if (fuzz_one_in(in, 8))
        d->stride_c = fuzz_extent(in);
    d->alpha = (float)(fuzz_byte(in) % 5) / 2 - 1;
    d->beta = (float)(fuzz_byte(in) % 4) / 2 - 0.5f;
    d->act = fuzz_activation(in);
    d->size -= fuzz_one_in(in, 100);
    g.scale = fuzz_one_in(in, 2), g.bias = fuzz_one_in(in, 2), g.threads = fuzz_threads(in);

    const int64_t batch = d->batch == 0 ? 1 : d->batch < 0 ? 0 : d->batch;
    const int64_t lda = fuzz_or_dense(d->lda, a_columns), ldb = fuzz_or_dense(d->ldb, b_columns);
    const int64_t ldc = fuzz_or_dense(d->ldc, d->n), ldr = fuzz_or_dense(d->ldr, ldc);
    const bool sane = fuzz_span(1, 0, a_rows, lda, a_columns) <= FUZZ_MOST_FLOATS &&
                      fuzz_span(1, 0, b_rows, ldb, b_columns) <= FUZZ_MOST_FLOATS &&
                      fuzz_span(1, 0, d->m, ldc, d->n) <= FUZZ_MOST_FLOATS &&
                      fuzz_span(1, 0, d->m, ldr, d->n) <= FUZZ_MOST_FLOATS && batch <= 8;
    size_t work = FUZZ_MOST_WORK + 1;
    if (sane) {
        const int64_t shared = HEW_STRIDE_SHARED;
        const int64_t sa = d->stride_a == shared ? 0 : fuzz_or_dense(d->stride_a, a_rows * lda);
        const int64_t sb =
            d->stride_b == shared || d->b_packed ? 0 : fuzz_or_dense(d->stride_b, b_rows * ldb);
        const int64_t sc = fuzz_or_dense(d->stride_c, d->m * ldc), sr = d->m * ldr;
        g.a = fuzz_span(batch, sa, a_rows, lda, a_columns);
        g.b = fuzz_span(d->b_packed ? 1 : batch, sb, b_rows, ldb, b_columns);
        g.c = fuzz_span(batch, sc, d->m, ldc, d->n);
        const size_t r = fuzz_span(batch, sr, d->m, ldr, d->n);
        const unsigned residual = fuzz_byte(in) % 3;
        g.r = residual == 1 ? r : 0;
        g.in_place = residual == 2 && ldr == ldc && sr == sc;
        if (g.a <= FUZZ_MOST_FLOATS && g.b <= FUZZ_MOST_FLOATS && g.c <= FUZZ_MOST_FLOATS &&
            r <= FUZZ_MOST_FLOATS)
            work = (size_t)(batch * d->m * d->n) * (size_t)(d->k + 1);
    }
    fuzz_on_every_rung(run_gemm, &g, g.c, work <= FUZZ_MOST_WORK);
}
