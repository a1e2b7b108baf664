/*
 * gemm_u8s8, gemm_s8s8 - the definition of hew_gemm_run for bytes, and for rows of floats that
 * become bytes on the way:
 *
 *     s = sum over kk of (A[i][kk] - a_zero) * (B[kk][j] - b_zero[j]) + bias_s32[j]   modulo 2^32
 *
 * and what hew_ref_store makes of it.
 */
#include "gemm.h"
#include "ref/ref.h"

/* A matrix of bytes as op() sees it. */
typedef struct view {
    const uint8_t *p;
    int64_t row, column;
    bool is_signed;
} view;

static int32_t element(const view *v, int64_t i, int64_t j)
{
    const uint8_t x = v->p[i * v->row + j * v->column];
    return v->is_signed ? (int8_t)x : x;
}

static view view_of(const void *p, int64_t offset, bool transpose, int64_t stride, hew_type type)
{
    return (view){(const uint8_t *)p + offset, transpose ? 1 : stride, transpose ? stride : 1,
                  type == HEW_S8};
}

/* On this rung packed B is k x n and dense, behind the header. */
static view view_of_b(const hew_gemm *op, const hew_gemm_args *args, int64_t member)
{
    const hew_gemm_desc *d = &op->d;
    if (d->b_packed)
        return view_of(hew_gemm_packed_panels(op, args->packed_b), 0, false, d->n, d->b_type);
    return view_of(args->b, member * d->stride_b, d->transpose_b, d->ldb, d->b_type);
}

/* A row of bytes: the caller's, or its floats quantised one by one. */
typedef struct row {
    const hew_gemm *op;
    view bytes;
    const float *floats;
    int64_t i, step; /* of floats */
    float scale;
    int32_t zero;
} row;

static int32_t byte_of(const row *r, float x, int32_t zero)
{
    return hew_ref_quantize(r->scale > 0 ? x / r->scale : 0, zero,
                            r->op->format.a_signed ? HEW_S8 : HEW_U8);
}

static int32_t row_element(const row *r, int64_t kk)
{
    if (!r->floats)
        return element(&r->bytes, r->i, kk);
    return byte_of(r, r->floats[kk * r->step], r->zero);
}

/* The range of a row of floats decides its scale and zero point. */
static void look_at_row(row *r, int64_t k)
{
    float lo = 0, hi = 0;
    for (int64_t kk = 0; kk < k; kk++) {
        const float x = r->floats[kk * r->step];
        lo = x < lo ? x : lo;
        hi = x > hi ? x : hi;
    }
    const bool symmetric = r->op->format.a_signed;
    r->scale = symmetric ? (-lo > hi ? -lo : hi) / 127 : (hi - lo) / 255;
    r->zero = symmetric ? 0 : byte_of(r, -lo, 0);
}

static row row_of(const hew_gemm *op, const hew_gemm_args *args, int64_t member, int64_t i)
{
    const hew_gemm_desc *d = &op->d;
    row r = {.op = op, .i = i, .scale = 1, .zero = args->a_zero};
    if (d->a_dynamic == HEW_DYNAMIC_NONE) {
        r.bytes = view_of(args->a, member * d->stride_a, d->transpose_a, d->lda, d->a_type);
        return r;
    }
    r.floats = (const float *)args->a + member * d->stride_a + i * (d->transpose_a ? 1 : d->lda);
    r.step = d->transpose_a ? d->lda : 1;
    look_at_row(&r, d->k);
    return r;
}

static int32_t dot(const row *a, const view *b, int64_t j, int64_t k, int32_t b_zero)
{
    uint32_t sum = 0;
    for (int64_t kk = 0; kk < k; kk++)
        sum += (uint32_t)((row_element(a, kk) - a->zero) * (element(b, kk, j) - b_zero));
    return (int32_t)sum;
}

static void run(const hew_gemm *op, const hew_gemm_args *args)
{
    const hew_gemm_desc *d = &op->d;
    const hew_quant quant = hew_gemm_quant(op, args, NULL);
    hew_ref_result result = {&quant, args->scale, args->bias, d->alpha,
                             args->residual_scale == 0 ? 1 : args->residual_scale, 1, d->act};
    for (int64_t member = 0; member < d->batch; member++) {
        const view b = view_of_b(op, args, member);
        for (int64_t i = 0; i < d->m; i++) {
            const row a = row_of(op, args, member, i);
            result.row_scale = a.scale;
            for (int64_t j = 0; j < d->n; j++) {
                const view zeros = {args->b_zero, 1, 0, d->b_type == HEW_S8};
                int32_t sum = dot(&a, &b, j, d->k, args->b_zero ? element(&zeros, j, 0) : 0);
                if (args->bias_s32)
                    sum = (int32_t)((uint32_t)sum + (uint32_t)args->bias_s32[j]);
                hew_ref_store(&result, sum, j, args->residual,
                              member * d->stride_r + i * d->ldr + j, args->c,
                              member * d->stride_c + i * d->ldc + j);
            }
        }
    }
}

void hew_gemm_u8s8_ref(const hew_gemm *op, const hew_gemm_args *args) { run(op, args); }
void hew_gemm_s8s8_ref(const hew_gemm *op, const hew_gemm_args *args) { run(op, args); }
