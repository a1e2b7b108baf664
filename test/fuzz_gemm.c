/* Random GEMMs. */
#include "fuzz.h"

#include <stdlib.h>

typedef struct gemm_case {
    hew_gemm_desc d;
    size_t a, b, c, r; /* elements */
    bool scale, bias, in_place, bias_s32, b_zero;
    int32_t a_zero, c_zero, r_zero;
    float c_scale, r_scale;
    const hew_threads *threads;
} gemm_case;

static hew_status run_gemm(const void *what, void *out)
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
        const size_t groups =
            g->d.b_group > 0 ? (size_t)((g->d.k + g->d.b_group - 1) / g->d.b_group) : 1;
        void *a = fuzz_elements(g->d.a_type, g->a, 1), *b = fuzz_elements(g->d.b_type, g->b, 2),
             *r = g->r ? fuzz_elements(g->d.residual_type, g->r, 3) : NULL,
             *zero = g->b_zero ? fuzz_elements(HEW_S8, n * groups, 8) : NULL,
             *bias_s32 = g->bias_s32 ? fuzz_elements(HEW_S32, n, 9) : NULL;
        float *scale = g->scale ? fuzz_floats(n * groups, 4) : NULL,
              *bias = g->bias ? fuzz_floats(n, 5) : NULL;
        void *packed = fuzz_aligned(packed_bytes), *scratch = fuzz_aligned(scratch_bytes);
        if (g->d.b_packed)
            status = hew_gemm_pack(op, b, packed);
        if (status == HEW_OK)
            status = hew_gemm_run(op, &HEW_GEMM_ARGS(.a = a, .b = b, .packed_b = packed,
                                                     .scale = scale, .bias = bias,
                                                     .residual = g->in_place ? out : r, .c = out,
                                                     .scratch = scratch, .threads = g->threads,
                                                     .bias_s32 = bias_s32, .b_zero = zero,
                                                     .a_zero = g->a_zero, .c_zero = g->c_zero,
                                                     .residual_zero = g->r_zero,
                                                     .c_scale = g->c_scale,
                                                     .residual_scale = g->r_scale));
        fuzz_unfloats(a), fuzz_unfloats(b), fuzz_unfloats(r), fuzz_unfloats(scale),
            fuzz_unfloats(bias), fuzz_unfloats(zero), fuzz_unfloats(bias_s32);
        free(packed), free(scratch);
    }
    hew_gemm_destroy(op);
    return status;
}

/* Rows with one scale: some of those that exist, or wild. */
static int64_t fuzz_group(fuzz_bytes *in)
{
    const int64_t rows = fuzz_small(in, 4);
    return rows >= 0 && rows < 4 ? 32 * rows : rows;
}

void fuzz_gemm(fuzz_bytes *in)
{
    gemm_case g = {
        .d = HEW_GEMM_DESC(.m = fuzz_extent(in), .n = fuzz_extent(in), .k = fuzz_extent(in))};
    hew_gemm_desc *d = &g.d;
    const fuzz_types t = fuzz_product_types(in);
    d->a_type = t.a, d->b_type = t.b, d->c_type = t.c, d->residual_type = t.residual;
    const bool f32 = t.a == HEW_F32 && t.b == HEW_F32;
    if (f32 && fuzz_one_in(in, 6)) {
        d->b_type = fuzz_one_in(in, 2) ? HEW_S8 : HEW_S4;
        d->a_dynamic = (hew_dynamic)(fuzz_byte(in) % 4);
        d->b_group = fuzz_one_in(in, 2) ? fuzz_group(in) : 0;
    } else if (f32 || t.a == HEW_F16 || t.b == HEW_F16) {
        d->math = fuzz_one_in(in, 4) ? (hew_math)(fuzz_byte(in) % 3) : HEW_MATH_DEFAULT;
    } else {
        g.a_zero = fuzz_zero(in, t.a), g.c_zero = fuzz_zero(in, t.c);
        g.r_zero = fuzz_zero(in, t.residual);
        g.c_scale = fuzz_scale(in), g.r_scale = fuzz_scale(in);
        g.bias_s32 = t.a != HEW_BF16 && fuzz_one_in(in, 3);
    }
    g.b_zero = d->b_type != HEW_F32 && d->b_type != HEW_F16 && t.a != HEW_BF16 &&
               fuzz_one_in(in, 4);
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
    d->alpha = t.c == HEW_S32 ? 0 : (float)(fuzz_byte(in) % 5) / 2 - 1;
    d->beta = f32 ? (float)(fuzz_byte(in) % 4) / 2 - 0.5f : 0;
    d->act = fuzz_activation(in);
    d->size -= fuzz_one_in(in, 100);
    g.scale = fuzz_one_in(in, 2), g.bias = fuzz_one_in(in, 2), g.threads = fuzz_threads(in);

    const int64_t batch = d->batch == 0 ? 1 : d->batch < 0 ? 0 : d->batch;
    const int64_t lda = fuzz_or_dense(d->lda, a_columns), ldb = fuzz_or_dense(d->ldb, b_columns);
    const int64_t ldc = fuzz_or_dense(d->ldc, d->n), ldr = fuzz_or_dense(d->ldr, ldc);
    const bool sane = fuzz_span(1, 0, a_rows, lda, a_columns) <= FUZZ_MOST_FLOATS &&
                      fuzz_span(1, 0, b_rows, ldb, b_columns) < FUZZ_MOST_FLOATS &&
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
        /* Rows of s4 begin with a byte. */
        const int64_t row = d->b_type == HEW_S4 ? ldb + ldb % 2 : ldb;
        g.b = fuzz_span(d->b_packed ? 1 : batch, sb, b_rows, row, b_columns);
        g.c = fuzz_span(batch, sc, d->m, ldc, d->n);
        const size_t r = fuzz_span(batch, sr, d->m, ldr, d->n);
        const unsigned residual = fuzz_byte(in) % 3;
        g.r = residual == 1 ? r : 0;
        g.in_place =
            residual == 2 && ldr == ldc && sr == sc && d->residual_type == d->c_type;
        if (g.a <= FUZZ_MOST_FLOATS && g.b <= FUZZ_MOST_FLOATS && g.c <= FUZZ_MOST_FLOATS &&
            r <= FUZZ_MOST_FLOATS)
            work = (size_t)(batch * d->m * d->n) * (size_t)(d->k + 1);
    }
    fuzz_on_every_rung(run_gemm, &g, d->c_type, g.c, work <= FUZZ_MOST_WORK);
}
