/*
 * hew/gemm.h - matrix products.
 */
#ifndef HEW_API_GEMM_H
#define HEW_API_GEMM_H

#include "base.h"

HEW_BEGIN_C

/* --------------------------------------------------------------------------------- GEMM ----- */

/*
 *     C[m x n] = act(scale[n] * alpha * op(A)[m x k] op(B)[k x n] + bias[n] + beta C + residual)
 *
 * for each of `batch` triples.  Matrices are row-major; op(X) is X, or X transposed when
 * transpose_x is set (A is then stored k x m, B n x k).  All of m, n, k may be 0; with k = 0 the
 * product is zero.  This is BLAS's sgemm with an epilogue, and ONNX's Gemm and MatMul.
 *
 * B comes plain, or packed once by hew_gemm_pack (b_packed): for weights.  Packed B is shared by
 * the whole batch.
 *
 * Types of A, B and C, and what is meant:
 *
 *     f32    f32    f32                          the formula above
 *     f32 or f16, each of them and the residual  the same: f16 becomes f32, and C the nearest f16
 *     bf16   bf16   f32, bf16                    sums in f32; no beta; the residual f32 or bf16
 *     u8 s8  s8 u8  f32, bf16, u8, s8, s32       quantised tensors: QLinearMatMul, MatMulInteger
 *     f32    s8     f32, bf16, u8, s8            the same after quantising rows of A: a_dynamic
 *     f32    s8 s4  f32                          weight-only quantisation
 *
 * With math = HEW_MATH_BF16, A and B of f32 are rounded to bf16 and multiplied as such: the bits
 * are those of the bf16 product of the rounded matrices.  C and the residual are f32 or bf16.
 *
 * Sums of bf16 are those of VDPBF16PS on every rung but amx, where they are those of TDPBF16PS:
 * bits of bf16 differ between amx and the others, and only there.  Denormals are zeros, rounding is
 * to nearest, whatever MXCSR says; docs/numerics.md has both orders.
 *
 * Quantised tensors stand for (q - zero) * scale.  Sums are exact, modulo 2^32:
 *
 *     s = sum over kk of (A[i][kk] - a_zero) * (B[kk][j] - b_zero[j]) + bias_s32[j]
 *     v = act(fma(residual_scale, (float)(R[i][j] - residual_zero),
 *                 fma((float)s, alpha * scale[j], bias[j])))
 *     C = saturate(round(v / c_scale) + c_zero)          half to even; NaN gives c_zero
 *     C = v                                              f32, bf16
 *     C = s                                              s32, which knows no float step
 *
 * so scale[j] is A's scale times that of B's column j.  The division is a product with the float
 * 1 / c_scale; without an activation or with RELU or CLIP, it is alpha, bias[j], residual_scale and
 * CLIP's bounds that are multiplied by it.  B of u8 is packed as s8 and a zero point 128 lower.
 *
 * Weight-only: B[kk][j] stands for (q - b_zero[g][j]) * scale[g][j], g = kk / b_group.  A column's
 * group is one chain of fused multiply-adds a * (float)(q - zero) from +0, and its sum times its
 * scale is added by one more to the groups before it.  With b_group = 0 there is one group, and
 * the sum is cut as that of f32 is.  B is packed (b_packed); rows of s4 begin with a byte, so that
 * their stride is even.  docs/quantization.md has the arithmetic.
 */
#define HEW_STRIDE_SHARED INT64_MIN /* a batch stride: every member uses the same matrix */

typedef struct hew_gemm_desc {
    size_t size;
    int64_t m, n, k;
    hew_type a_type, b_type, c_type;   /* f32, or see above                                       */
    hew_type residual_type;            /* f32; also u8, s8 where A and B are integers, or bf16    */
    bool transpose_a, transpose_b;
    bool b_packed;                     /* run takes packed_b, not b                               */
    int64_t lda, ldb, ldc, ldr;        /* row strides of A, B, C, residual; 0 = dense, ldr: ldc   */
    int64_t batch;                     /* 0 = 1; -1 = an empty batch                              */
    int64_t stride_a, stride_b;        /* between members; 0 = dense, or HEW_STRIDE_SHARED        */
    int64_t stride_c, stride_r;        /* 0 = dense; stride_r may be HEW_STRIDE_SHARED            */
    float alpha;                       /* 0 = 1                                                   */
    float beta;                        /* 0: C is never read, and may hold anything.  C of f32    */
    hew_act act;
    hew_dynamic a_dynamic;             /* f32 A: how a run quantises its rows                     */
    int64_t b_group;                   /* weight-only: rows of B with one scale, a multiple of
                                          32, the last ones may be fewer; 0 = all of them         */
    hew_math math;                     /* HEW_MATH_BF16: see above                                */
} hew_gemm_desc;
#define HEW_GEMM_DESC(...) ((hew_gemm_desc){.size = sizeof(hew_gemm_desc), __VA_ARGS__})

typedef struct hew_gemm_args {
    size_t size;
    const void *a;
    const void *b;        /* plain B, when !b_packed                                              */
    const void *packed_b; /* from hew_gemm_pack of the same operation, when b_packed              */
    const float *scale;   /* n factors, or null: 1.  Weight-only: [groups][n]                     */
    const float *bias;    /* n summands, or null: 0.  -0.0 counts as +0.0                         */
    const void *residual; /* m x n, or null.  May be C itself (same strides); else no overlap     */
    void *c;              /* must not overlap A, B, scale or bias                                 */
    void *scratch;        /* hew_gemm_scratch_size(op, threads->count) bytes                      */
    const hew_threads *threads; /* null: the calling thread                                       */
    const int32_t *bias_s32; /* n summands of the integer sum, or null: 0                         */
    const void *b_zero;   /* n zero points of B's type, or null: 0.  Weight-only: [groups][n] of
                             int8_t                                                               */
    int32_t a_zero, c_zero, residual_zero; /* within the range of the type                        */
    float c_scale, residual_scale;         /* 0 = 1                                               */
} hew_gemm_args;
#define HEW_GEMM_ARGS(...) ((hew_gemm_args){.size = sizeof(hew_gemm_args), __VA_ARGS__})

typedef struct hew_gemm hew_gemm;
HEW_API hew_status hew_gemm_create(hew_gemm **op, const hew_gemm_desc *desc);
HEW_API void hew_gemm_destroy(hew_gemm *op); /* null is fine */

/* Bytes of packed B: depends on k, n and the active ISA.  0 if !b_packed. */
HEW_API size_t hew_gemm_packed_size(const hew_gemm *op);

/* b: plain B as described (transpose_b, ldb).  packed: 64-byte aligned.  They must not overlap.
 * HEW_ERR_NO_MEMORY: B is converted (f16, math) and there is no memory for a copy of it meanwhile.
 * A packed operand is good for this process's ISA only: not a file format. */
HEW_API hew_status hew_gemm_pack(const hew_gemm *op, const void *b, void *packed);

/* Bytes of scratch that a run with `threads` threads needs; may be 0. */
HEW_API size_t hew_gemm_scratch_size(const hew_gemm *op, size_t threads);

HEW_API hew_status hew_gemm_run(const hew_gemm *op, const hew_gemm_args *args);

/* The kernel that does the inner work: "hew_gemm_f32_6x64_avx512".  Static. */
HEW_API const char *hew_gemm_kernel(const hew_gemm *op);

HEW_END_C
#endif
