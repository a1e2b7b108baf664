/*
 * gemm_f32 - the definition of hew_gemm_run for f32:
 *
 *     sum = block sums of op(A)[i][kk] * op(B)[kk][j], added in order          src/core/reduce.h
 *     v = fma(sum, alpha * scale[j], bias[j] + 0)
 *     v = fma(beta, C[i][j], v)      when beta != 0
 *     v = v + residual[i][j]         when there is one
 *     C[i][j] = act(v)
 */
#include "gemm.h"
#include "reduce.h"
#include "ref/ref.h"

/* A matrix as op() sees it: element (i, j) is p[i * row + j * column]. */
typedef struct view {
    const float *p;
    int64_t row, column;
} view;

static view view_of(const void *p, int64_t offset, bool transpose, int64_t stride)
{
    return (view){(const float *)p + offset, transpose ? 1 : stride, transpose ? stride : 1};
}

/* On this rung packed B is k x n and dense, behind the header. */
static view view_of_b(const hew_gemm *op, const hew_gemm_args *args, int64_t member)
{
    if (op->d.b_packed)
        return view_of(args->packed_b, 64 / sizeof(float), false, op->d.n);
    return view_of(args->b, member * op->d.stride_b, op->d.transpose_b, op->d.ldb);
}

static float dot(view a, view b, int64_t i, int64_t j, int64_t k)
{
    const int64_t block = (int64_t)hew_reduction_of(1, 1, (size_t)k).block_channels;
    float total = 0.0f;
    for (int64_t start = 0; start < k; start += block) {
        const int64_t end = k - start < block ? k : start + block;
        float sum = 0.0f;
        for (int64_t kk = start; kk < end; kk++)
            sum = fmaf(a.p[i * a.row + kk * a.column], b.p[kk * b.row + j * b.column], sum);
        total = start == 0 ? sum : total + sum;
    }
    return total;
}

static float sum_of(const hew_gemm *op, const hew_gemm_args *args, int64_t member, int64_t i,
                    int64_t j)
{
    const hew_gemm_desc *d = &op->d;
    const view a = view_of(args->a, member * d->stride_a, d->transpose_a, d->lda);
    return dot(a, view_of_b(op, args, member), i, j, d->k);
}

void hew_ref_gemm(const hew_gemm *op, const hew_gemm_args *args, hew_ref_sum_fn *sum_fn)
{
    const hew_gemm_desc *d = &op->d;
    for (int64_t member = 0; member < d->batch; member++) {
        const float *residual = args->residual;
        float *c = (float *)args->c + member * d->stride_c;
        if (residual)
            residual += member * d->stride_r;
        for (int64_t i = 0; i < d->m; i++)
            for (int64_t j = 0; j < d->n; j++) {
                const float sum = sum_fn(op, args, member, i, j);
                const float *scale = d->b_group ? NULL : args->scale;
                float v = hew_ref_scale(sum, d->alpha, scale, args->bias, j);
                if (d->beta != 0.0f)
                    v = fmaf(d->beta, c[i * d->ldc + j], v);
                if (residual)
                    v = v + residual[i * d->ldr + j];
                c[i * d->ldc + j] = hew_ref_act(d->act, v);
            }
    }
}

void hew_gemm_f32_ref(const hew_gemm *op, const hew_gemm_args *args)
{
    hew_ref_gemm(op, args, sum_of);
}
