/*
 * gemm_f32s8, gemm_f32s4 - the definition of hew_gemm_run for floats times integer weights q:
 *
 *     sum = 0;  for each group g of k:  s = 0;  for each kk in g:  w = q[kk][j] - zero[g][j]
 *                                                                  s = fma(a[i][kk], w, s)
 *               sum = fma(s, scale[g][j], sum)
 *
 * and what hew_ref_gemm makes of it.  Without groups, the blocks of src/core/reduce.h take their
 * place, with one row of zeros and a factor of 1: the scale is the epilogue's, as that of f32 is.
 *
 * On this rung packed B is k x n bytes, dense, behind the header.
 */
#include "gemm.h"
#include "reduce.h"
#include "ref/ref.h"

static float sum_of(const hew_gemm *op, const hew_gemm_args *args, int64_t member, int64_t i,
                    int64_t j)
{
    const hew_gemm_desc *d = &op->d;
    const int64_t row = d->transpose_a ? 1 : d->lda;
    const float *a = (const float *)args->a + member * d->stride_a + i * row;
    const int64_t step = d->transpose_a ? d->lda : 1;
    const int8_t *q = (const int8_t *)hew_gemm_packed_panels(op, args->packed_b) + j;
    const int8_t *zero = args->b_zero ? (const int8_t *)args->b_zero + j : NULL;
    const float *scale = d->b_group && args->scale ? args->scale + j : NULL;
    const int64_t group =
        d->b_group ? d->b_group : (int64_t)hew_reduction_of(1, 1, (size_t)d->k).block_channels;
    float sum = 0.0f;
    for (int64_t start = 0, g = 0; start < d->k; start += group, g += d->b_group ? d->n : 0) {
        const int64_t end = d->k - start < group ? d->k : start + group;
        float s = 0.0f;
        for (int64_t kk = start; kk < end; kk++)
            s = fmaf(a[kk * step], (float)(q[kk * d->n] - (zero ? zero[g] : 0)), s);
        sum = fmaf(s, scale ? scale[g] : 1.0f, sum);
    }
    return sum;
}

void hew_gemm_f32s8_ref(const hew_gemm *op, const hew_gemm_args *args)
{
    hew_ref_gemm(op, args, sum_of);
}

void hew_gemm_f32s4_ref(const hew_gemm *op, const hew_gemm_args *args)
{
    hew_ref_gemm(op, args, sum_of);
}
