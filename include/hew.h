/*
 * hew.h - hand-written SIMD kernels for deep learning on x86-64.
 *
 * A 3x3 convolution with bias, residual add and ReLU in one pass over memory:
 *
 *     hew_conv *conv;
 *     hew_conv_desc d = HEW_CONV_DESC(.batch = 1, .in = {56, 56}, .in_c = 64, .out_c = 64,
 *                                     .kernel = {3, 3}, .pad_lo = {1, 1}, .pad_hi = {1, 1},
 *                                     .act.kind = HEW_ACT_RELU);
 *     if (hew_conv_create(&conv, &d) != HEW_OK)
 *         return puts(hew_last_error());
 *     void *packed = hew_alloc(hew_conv_packed_size(conv));
 *     void *scratch = hew_alloc(hew_conv_scratch_size(conv, 1));
 *     hew_conv_pack(conv, weights, packed);            // once; weights are OIHW
 *     hew_conv_run(conv, &HEW_CONV_ARGS(.in = x, .packed = packed, .bias = bias,
 *                                       .residual = shortcut, .out = y, .scratch = scratch));
 *
 * Rules that hold for every call:
 *
 * - Status.    Everything that can fail returns a hew_status.  On failure nothing was written, and
 *              hew_last_error() says in words, for the calling thread, what was wrong.
 * - Structs.   Descriptors and arguments begin with their own size, which the HEW_..._DESC and
 *              HEW_..._ARGS macros fill in.  A field left at zero means its default.
 * - Extents.   Counted in elements, int64_t.  Strides and leading dimensions too.  A product that
 *              overflows is HEW_ERR_OVERFLOW.
 * - Memory.    Tensors need the alignment of their element type and no more; packed operands and
 *              scratch need HEW_ALIGNMENT bytes.  Nothing outside the described elements is read
 *              or written.  Outputs may alias inputs only where a comment says so.
 * - Objects.   A created operation is immutable: any number of threads may run it at once, each
 *              with its own scratch.  A run allocates nothing and takes no lock.
 * - Threads.   Runs stay on the calling thread unless given a hew_threads.  Results have the same
 *              bits for every thread count, batch size and batch position, and on every CPU.
 * - Layout.    Activations are channels-last: [batch][depth][height][width][channels].
 */
#ifndef HEW_H
#define HEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HEW_API __attribute__((visibility("default")))

#define HEW_VERSION_MAJOR 0
#define HEW_VERSION_MINOR 1
#define HEW_VERSION_PATCH 0

/* "0.1.0": of the library that is linked, which may differ from the header. */
HEW_API const char *hew_version(void);

/* ------------------------------------------------------------------------------- status ----- */

typedef enum hew_status {
    HEW_OK = 0,
    HEW_ERR_INVALID = 1,     /* an argument makes no sense: null, negative, out of range          */
    HEW_ERR_UNSUPPORTED = 2, /* sensible, but this library or this CPU cannot do it               */
    HEW_ERR_OVERFLOW = 3,    /* a size does not fit in size_t or int64_t                          */
    HEW_ERR_NO_MEMORY = 4,   /* an allocation failed                                              */
    HEW_ERR_BUSY = 5,        /* a hew_pool was used from inside one of its own tasks              */
    HEW_ERR_SYSTEM = 6       /* the operating system refused: a thread, an affinity mask          */
} hew_status;

/* "HEW_OK", "HEW_ERR_INVALID", ...; "unknown hew_status" for other values.  Never null. */
HEW_API const char *hew_status_name(hew_status status);

/* What the last failed call of this thread had to say; "" before any.  Valid until the thread's
 * next failing call.  Never null. */
HEW_API const char *hew_last_error(void);

/* ---------------------------------------------------------------------------------- CPU ----- */

/* The ladder.  A rung is usable when CPUID and the operating system (XCR0) both offer it. */
typedef enum hew_isa {
    HEW_ISA_REF = 0,         /* plain C, any x86-64                                               */
    HEW_ISA_AVX2 = 1,        /* AVX2 + FMA + F16C                                                 */
    HEW_ISA_AVX2_VNNI = 2,   /* + AVX-VNNI                                                        */
    HEW_ISA_AVX512 = 3,      /* AVX-512 F, BW, DQ, VL                                             */
    HEW_ISA_AVX512_VNNI = 4, /* + AVX512_VNNI                                                     */
    HEW_ISA_AVX512_BF16 = 5, /* + AVX512_BF16                                                     */
    HEW_ISA_AMX = 6,         /* + AMX-TILE, AMX-INT8, AMX-BF16 and the permission to use them     */
    HEW_ISA_COUNT = 7
} hew_isa;

/* The highest rung in use: the best the CPU and the system offer, capped by the environment
 * variable HEW_MAX_ISA (a name as hew_isa_name gives it), which is read once. */
HEW_API hew_isa hew_active_isa(void);

/* Whether a rung is in use.  Rungs can be missing in the middle: avx512 without avx2_vnni. */
HEW_API bool hew_isa_available(hew_isa isa);

/* "ref", "avx2", "avx2_vnni", "avx512", "avx512_vnni", "avx512_bf16", "amx"; else "unknown". */
HEW_API const char *hew_isa_name(hew_isa isa);

typedef struct hew_cpu_info {
    size_t size;
    char vendor[16];   /* "GenuineIntel", "AuthenticAMD", ...                                     */
    char brand[64];    /* the brand string, trimmed; "" if there is none                          */
    char features[256];/* space-separated, those that Hew looks at: "avx2 fma f16c avx512f ..."   */
    size_t l1d, l2, l3;/* bytes, as CPUID tells; 0 if it does not                                 */
    int family, model, stepping;
} hew_cpu_info;

/* Fills *info; info->size must be sizeof(hew_cpu_info). */
HEW_API hew_status hew_cpu_query(hew_cpu_info *info);

/* The kernels that the active rungs give: for i = 0, 1, ... until false.  Strings are static. */
typedef struct hew_kernel_info {
    const char *family; /* "gemm_f32", "softmax_f32", ...                                         */
    const char *symbol; /* "hew_gemm_f32_6x64_avx512"                                             */
    hew_isa isa;
} hew_kernel_info;
HEW_API bool hew_active_kernel(size_t i, hew_kernel_info *info);

/* ------------------------------------------------------------------------------- memory ----- */

#define HEW_ALIGNMENT 64 /* bytes: of packed operands and scratch */

/* Aligned memory, 64 bytes or more.  Size 0 gives a valid pointer.  Null when there is none. */
HEW_API void *hew_alloc(size_t bytes);
HEW_API void hew_free(void *p); /* null is fine */

/* ------------------------------------------------------------------------------ threads ----- */

/*
 * How a run spreads its work.  parallel_for must call fn(arg, i) exactly once for every i in
 * [0, n), in any order, from any threads, and return when all calls have returned.  The library
 * asks for n <= count.  A nonzero return means that no call was made; the run then fails with that
 * status and writes nothing.
 */
typedef void hew_task(void *arg, size_t i);
typedef struct hew_threads {
    hew_status (*parallel_for)(void *context, size_t n, hew_task *fn, void *arg);
    void *context;
    size_t count; /* threads that parallel_for can keep busy, >= 1; scratch is sized by it        */
} hew_threads;

/* A bundled pool.  Workers spin for some microseconds after a job and then sleep. */
typedef struct hew_pool hew_pool;
typedef struct hew_pool_desc {
    size_t size;
    size_t threads; /* with the caller's; 0 = as many as the process's affinity mask allows       */
    bool pin;       /* bind worker i to the i-th CPU of the mask; the caller's thread stays free  */
} hew_pool_desc;
#define HEW_POOL_DESC(...) ((hew_pool_desc){.size = sizeof(hew_pool_desc), __VA_ARGS__})

/* HEW_ERR_SYSTEM if a thread cannot be started. */
HEW_API hew_status hew_pool_create(hew_pool **pool, const hew_pool_desc *desc);

/* Waits for nothing: no job may be running.  Null is fine. */
HEW_API void hew_pool_destroy(hew_pool *pool);

/*
 * What to put into a run's `threads`.  Valid while the pool lives.
 * A run from inside one of the pool's own tasks fails with HEW_ERR_BUSY.  Runs from two threads at
 * once are fine: the pool serves the first, the second does its work on its own thread.  In the
 * child of a fork the workers are gone and runs stay on the calling thread.
 */
HEW_API hew_threads hew_pool_threads(hew_pool *pool);

/* ------------------------------------------------------------------- types, activations ----- */

typedef enum hew_type {
    HEW_F32 = 0,
    HEW_BF16 = 1,
    HEW_F16 = 2,
    HEW_S8 = 3,
    HEW_U8 = 4,
    HEW_S32 = 5,
    HEW_S4 = 6   /* weights alone: -8 .. 7, two in a byte, the first in the low half              */
} hew_type;

/* Names and formulas are ONNX's operators where ONNX has one.  NaN in, NaN out; at an infinity the
 * limit: silu(-inf) is -0.  Error bounds in ULP, over all floats, are in docs/numerics.md. */
typedef enum hew_act_kind {
    HEW_ACT_NONE = 0,
    HEW_ACT_RELU = 1,        /* x < 0 ? 0 : x                                                     */
    HEW_ACT_LEAKY_RELU = 2,  /* x < 0 ? alpha x : x              alpha: 0 = 0.01                  */
    HEW_ACT_CLIP = 3,        /* min(max(x, alpha), beta)         alpha = beta = 0: 0 and 6 (relu6)*/
    HEW_ACT_ELU = 4,         /* x < 0 ? alpha (exp(x) - 1) : x   alpha: 0 = 1                     */
    HEW_ACT_SIGMOID = 5,     /* 1 / (1 + exp(-x))                                                 */
    HEW_ACT_TANH = 6,
    HEW_ACT_SILU = 7,        /* x sigmoid(x)                                                      */
    HEW_ACT_GELU_ERF = 8,    /* x/2 (1 + erf(x / sqrt(2)))                                        */
    HEW_ACT_GELU_TANH = 9,   /* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))                     */
    HEW_ACT_HARDSWISH = 10,  /* x min(max(x / 6 + 1/2, 0), 1)                                     */
    HEW_ACT_HARDSIGMOID = 11,/* min(max(alpha x + beta, 0), 1)   alpha = beta = 0: 1/6 and 1/2    */
    HEW_ACT_MISH = 12,       /* x tanh(log(1 + exp(x)))                                           */
    HEW_ACT_COUNT = 13
} hew_act_kind;

typedef struct hew_act {
    hew_act_kind kind;
    float alpha, beta;
} hew_act;

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
 *     bf16   bf16   f32, bf16                    sums in f32; no beta; the residual f32 or bf16
 *     u8 s8  s8 u8  f32, bf16, u8, s8, s32       quantised tensors: QLinearMatMul, MatMulInteger
 *     f32    s8     f32, bf16, u8, s8            the same after quantising rows of A: a_dynamic
 *     f32    s8 s4  f32                          weight-only quantisation
 *
 * Sums of bf16 are those of VDPBF16PS on every rung: denormals are zeros, rounding is to nearest,
 * whatever MXCSR says; docs/numerics.md has the order.
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

/* Quantising a row x of A while running: q = saturate(round(x / s) + z) to these types and s, z. */
typedef enum hew_dynamic {
    HEW_DYNAMIC_NONE = 0,
    HEW_DYNAMIC_SYMMETRIC = 1, /* s8: s = max |x| / 127, z = 0; s = 0: all of q is 0              */
    HEW_DYNAMIC_ASYMMETRIC = 2 /* u8: ONNX DynamicQuantizeLinear: lo = min(x, 0), hi = max(x, 0),
                                  s = (hi - lo) / 255, z = saturate(round(-lo / s)); s = 0: z = 0,
                                  and all of q too                                            */
} hew_dynamic;

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
    float beta;                        /* 0: C is never read, and may hold anything.  f32 only    */
    hew_act act;
    hew_dynamic a_dynamic;             /* f32 A: how a run quantises its rows                     */
    int64_t b_group;                   /* weight-only: rows of B with one scale, a multiple of
                                          32, the last ones may be fewer; 0 = all of them         */
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
 * A packed operand is good for this process's ISA only: not a file format. */
HEW_API hew_status hew_gemm_pack(const hew_gemm *op, const void *b, void *packed);

/* Bytes of scratch that a run with `threads` threads needs; may be 0. */
HEW_API size_t hew_gemm_scratch_size(const hew_gemm *op, size_t threads);

HEW_API hew_status hew_gemm_run(const hew_gemm *op, const hew_gemm_args *args);

/* The kernel that does the inner work: "hew_gemm_f32_6x64_avx512".  Static. */
HEW_API const char *hew_gemm_kernel(const hew_gemm *op);

/* -------------------------------------------------------------------------- convolution ----- */

/*
 * Forward convolution (cross-correlation, as in ONNX Conv), 1-D to 3-D:
 *
 *     out[b][o][oc] = act(scale[oc] * sum over taps t and channels c of
 *                         in[b][o * stride + t * dilation - pad_lo][c] * w[oc][c][t]
 *                         + bias[oc] + residual[b][o][oc])
 *
 * Spatial arrays are outermost first: {w}, {h, w} or {d, h, w}; the rank is the number of leading
 * nonzero entries of `kernel`.  Taps that fall into the padding are left out of the sum.
 * groups == in_c is a depthwise convolution, with any multiplier out_c / in_c.
 *
 * Types of input, weights and output are f32; or bf16, bf16 and f32 | bf16, where denormals count
 * as zeros, in and out; or u8 | s8, s8 | u8, and f32, bf16, u8, s8 or s32:
 * quantised tensors as in hew_gemm (QLinearConv, ConvInteger), with in_zero for a_zero and
 * weight_zero for b_zero.
 */
typedef struct hew_conv_desc {
    size_t size;
    int64_t batch;         /* 0 = 1; -1 = an empty batch                                          */
    int64_t in[3];         /* input extents, each >= 1                                            */
    int64_t in_c, out_c;   /* channels in all groups together                                     */
    int64_t groups;        /* 0 = 1; divides both in_c and out_c                                  */
    int64_t kernel[3];     /* taps, each >= 1                                                     */
    int64_t stride[3];     /* 0 = 1                                                               */
    int64_t dilation[3];   /* distance between taps; 0 = 1: dense                                 */
    int64_t pad_lo[3];     /* padding before the first and after the last element                 */
    int64_t pad_hi[3];
    int64_t in_stride;     /* elements from one pixel to the next; 0 = in_c.  More than in_c      */
    int64_t out_stride;    /* addresses a slice of a wider tensor; 0 = out_c                      */
    int64_t residual_stride; /* 0 = out_stride                                                    */
    hew_type in_type, weight_type, out_type; /* f32, or see above                                 */
    hew_type residual_type; /* f32; also u8, s8 where the operands are integers, or bf16          */
    hew_act act;
} hew_conv_desc;
#define HEW_CONV_DESC(...) ((hew_conv_desc){.size = sizeof(hew_conv_desc), __VA_ARGS__})

typedef struct hew_conv_args {
    size_t size;
    const void *in;       /* [batch][in...][in_stride]                                            */
    const void *packed;   /* from hew_conv_pack of the same operation                             */
    const float *scale;   /* out_c factors, or null: 1                                            */
    const float *bias;    /* out_c summands, or null: 0.  -0.0 counts as +0.0                     */
    const void *residual; /* [batch][out...][residual_stride], or null.  May be `out` itself      */
    void *out;            /* [batch][out...][out_stride]; must not overlap the inputs             */
    void *scratch;        /* hew_conv_scratch_size(op, threads->count) bytes                      */
    const hew_threads *threads; /* null: the calling thread                                       */
    const int32_t *bias_s32;  /* out_c summands of the integer sum, or null: 0                    */
    const void *weight_zero;  /* out_c zero points of the weights' type, or null: 0               */
    int32_t in_zero, out_zero, residual_zero; /* within the range of the type                     */
    float out_scale, residual_scale;          /* 0 = 1                                            */
} hew_conv_args;
#define HEW_CONV_ARGS(...) ((hew_conv_args){.size = sizeof(hew_conv_args), __VA_ARGS__})

typedef struct hew_conv hew_conv;
HEW_API hew_status hew_conv_create(hew_conv **op, const hew_conv_desc *desc);
HEW_API void hew_conv_destroy(hew_conv *op); /* null is fine */

/* out[i] = (in + pad_lo + pad_hi - dilation * (kernel - 1) - 1) / stride + 1, unused ranks 1. */
HEW_API void hew_conv_out_shape(const hew_conv *op, int64_t out[3]);

HEW_API size_t hew_conv_packed_size(const hew_conv *op); /* bytes */

/* weights: [out_c][in_c / groups][kernel...], dense: OIW, OIHW, OIDHW.  packed: 64-byte aligned. */
HEW_API hew_status hew_conv_pack(const hew_conv *op, const void *weights, void *packed);

/* Bytes of scratch that a run with `threads` threads needs; may be 0. */
HEW_API size_t hew_conv_scratch_size(const hew_conv *op, size_t threads);

HEW_API hew_status hew_conv_run(const hew_conv *op, const hew_conv_args *args);
HEW_API const char *hew_conv_kernel(const hew_conv *op); /* static */

/* ------------------------------------------------------------------------------ pooling ----- */

typedef enum hew_pooling_kind {
    HEW_POOLING_MAX = 0,         /* NaN wins; a window of padding alone gives -inf, or the least
                                    value of the type                                             */
    HEW_POOLING_AVG = 1,         /* over the window's elements inside the input; none gives zero  */
    HEW_POOLING_AVG_PADDED = 2   /* over the window's elements inside the padded input, padding as
                                    zeros; what ceil_mode lets it reach beyond isn't counted      */
} hew_pooling_kind;

/*
 * ONNX MaxPool and AveragePool (count_include_pad = AVG_PADDED), 1-D to 3-D, channels-last.
 * Spatial arrays as in hew_conv_desc.  `global` takes the whole input as one window.
 *
 * Of u8 and s8 an average is round((float)sum / count), half to even, of the exact sum, where
 * `zero` is what padding counts as.  A tensor keeps its scale, which isn't asked for.
 * Averages of windows of more than 2^31 / 255 elements are HEW_ERR_UNSUPPORTED.
 */
typedef struct hew_pooling_desc {
    size_t size;
    hew_pooling_kind kind;
    hew_type type;         /* f32, u8, s8                                                         */
    int64_t batch;         /* 0 = 1; -1 = an empty batch                                          */
    int64_t in[3];
    int64_t channels;
    bool global;           /* kernel = in; only the rank is taken from in's nonzero entries       */
    bool ceil_mode;        /* round output extents up (never a window that starts past the input) */
    int64_t kernel[3], stride[3], dilation[3], pad_lo[3], pad_hi[3];
    int64_t in_stride, out_stride; /* between pixels; 0 = channels                                */
    int32_t zero;          /* u8, s8: the zero point, within the range of the type                */
} hew_pooling_desc;
#define HEW_POOLING_DESC(...) ((hew_pooling_desc){.size = sizeof(hew_pooling_desc), __VA_ARGS__})

HEW_API hew_status hew_pooling_out_shape(const hew_pooling_desc *desc, int64_t out[3]);

/* in: [batch][in...][in_stride]; out: [batch][out...][out_stride]; they must not overlap. */
HEW_API hew_status hew_pooling(const hew_pooling_desc *desc, const void *in, void *out,
                               const hew_threads *threads);

/* --------------------------------------------------------------------------- elementwise ---- */

typedef enum hew_binary_kind {
    HEW_BINARY_ADD = 0
} hew_binary_kind;

/*
 * Two matrices, element by element: ONNX Add, and QLinearAdd of com.microsoft.  Each may be f32, or
 * u8 or s8 and stand for (q - zero) * scale; f32 has a scale, a factor, but no zero.
 *
 *     v = act(fma(b_scale, b - b_zero, a_scale * (a - a_zero)))
 *     c = v                                              f32
 *     c = saturate(round(v / c_scale) + c_zero)          u8, s8: half to even; NaN gives c_zero
 *
 * The division is hew_gemm's: a product with the float 1 / c_scale, and without an activation or
 * with RELU or CLIP it is a_scale, b_scale and CLIP's bounds that are multiplied by that.
 */
typedef struct hew_binary_desc {
    size_t size;
    hew_binary_kind kind;
    hew_type a_type, b_type, c_type;      /* f32, u8, s8                                          */
    int64_t rows, columns;
    int64_t a_stride, b_stride, c_stride; /* between rows; 0 = columns                            */
    hew_act act;
    float a_scale, b_scale, c_scale;      /* positive; 0 = 1.  c_scale: of u8 and s8              */
    int32_t a_zero, b_zero, c_zero;       /* of u8 and s8, within the range of the type           */
} hew_binary_desc;
#define HEW_BINARY_DESC(...) ((hew_binary_desc){.size = sizeof(hew_binary_desc), __VA_ARGS__})

/* c may be a or b itself, or both, with elements of the same size and the same stride. */
HEW_API hew_status hew_binary(const hew_binary_desc *desc, const void *a, const void *b, void *c,
                              const hew_threads *threads);

/* ------------------------------------------------------------------------------ softmax ----- */

/* exp(x - max) / sum, or its logarithm, of each of `rows` rows.  A row of -inf alone gives NaN. */
typedef struct hew_softmax_desc {
    size_t size;
    hew_type type;              /* f32                                                            */
    bool log;                   /* log-softmax                                                    */
    int64_t rows, columns;
    int64_t in_stride, out_stride; /* between rows; 0 = columns                                   */
} hew_softmax_desc;
#define HEW_SOFTMAX_DESC(...) ((hew_softmax_desc){.size = sizeof(hew_softmax_desc), __VA_ARGS__})

/* out may be in itself (same stride). */
HEW_API hew_status hew_softmax(const hew_softmax_desc *desc, const void *in, void *out,
                               const hew_threads *threads);

/* ------------------------------------------------------------------------- quantisation ----- */

/*
 * A quantised tensor holds integers q that stand for (q - zero) * scale.  ONNX QuantizeLinear and
 * DequantizeLinear:
 *
 *     hew_quantize      q = saturate(round(x / scale) + zero)       half to even; NaN gives zero
 *     hew_dequantize    x = (float)(q - zero) * scale               q - zero modulo 2^32
 *     hew_requantize    the one after the other, from one type, scale and zero to others
 *
 * A tensor is seen as [outer][channels][inner], with a scale and a zero for each channel: ONNX's
 * axis is `channels`.  One scale for all of it is channels = 1.
 */
typedef struct hew_quantize_desc {
    size_t size;
    hew_type type;         /* of q: u8 or s8; hew_dequantize also s32                             */
    int64_t outer;         /* 0 = 1; -1 = an empty tensor                                         */
    int64_t channels, inner; /* 0 = 1                                                             */
    int64_t in_stride, out_stride; /* from one `outer` to the next; 0 = channels * inner          */
    const float *scale;    /* `channels` of them, positive and finite                             */
    const void *zero;      /* as many of the tensor's type, or null: 0                            */
} hew_quantize_desc;
#define HEW_QUANTIZE_DESC(...) ((hew_quantize_desc){.size = sizeof(hew_quantize_desc), __VA_ARGS__})

/* in and out must not overlap. */
HEW_API hew_status hew_quantize(const hew_quantize_desc *desc, const float *in, void *out,
                                const hew_threads *threads);
HEW_API hew_status hew_dequantize(const hew_quantize_desc *desc, const void *in, float *out,
                                  const hew_threads *threads);

typedef struct hew_requantize_desc {
    size_t size;
    hew_type in_type;      /* s32, u8 or s8                                                       */
    hew_type out_type;     /* u8 or s8                                                            */
    int64_t outer, channels, inner, in_stride, out_stride; /* as above                            */
    const float *in_scale; /* `channels` of them, positive and finite                             */
    const void *in_zero;   /* as many of in's type, or null: 0                                    */
    float out_scale;       /* one for all: positive and finite                                    */
    int32_t out_zero;      /* within the range of the type                                        */
} hew_requantize_desc;
#define HEW_REQUANTIZE_DESC(...)                                                                   \
    ((hew_requantize_desc){.size = sizeof(hew_requantize_desc), __VA_ARGS__})

/* The same bits as hew_dequantize and hew_quantize give.  in and out must not overlap. */
HEW_API hew_status hew_requantize(const hew_requantize_desc *desc, const void *in, void *out,
                                  const hew_threads *threads);

/*
 * Quantises each row to its own range, as hew_gemm does with a_dynamic: see hew_dynamic for the
 * formulas, and ONNX DynamicQuantizeLinear, which takes its tensor as one row.  NaNs are left out
 * of the range, and become the zero.  A row that has an infinity has an infinite scale.
 */
typedef struct hew_quantize_dynamic_desc {
    size_t size;
    hew_dynamic kind;      /* HEW_DYNAMIC_SYMMETRIC: to s8; HEW_DYNAMIC_ASYMMETRIC: to u8         */
    int64_t rows, columns;
    int64_t in_stride, out_stride; /* between rows; 0 = columns                                   */
} hew_quantize_dynamic_desc;
#define HEW_QUANTIZE_DYNAMIC_DESC(...)                                                             \
    ((hew_quantize_dynamic_desc){.size = sizeof(hew_quantize_dynamic_desc), __VA_ARGS__})

/* scale, zero: `rows` of them; zero may be null for HEW_DYNAMIC_SYMMETRIC.  No overlaps. */
HEW_API hew_status hew_quantize_dynamic(const hew_quantize_dynamic_desc *desc, const float *in,
                                        void *out, float *scale, int32_t *zero,
                                        const hew_threads *threads);

/* -------------------------------------------------------------------------- calibration ----- */

/*
 * The scale and zero of the tensors between a network's operations, from samples of what they hold.
 * An observer is shown batches of a tensor and answers with a range [lo, hi]:
 *
 *     MIN_MAX          the least and the largest element of all
 *     MOVING_AVERAGE   of each batch, averaged: lo = lo + rate * (batch's - lo), from the first on
 *     PERCENTILE       `percentile` per cent of the elements are at most hi, as many at least lo;
 *                      with `symmetric`, so many have a magnitude of at most hi
 *     KL               the ends that change the distribution the least: smallest Kullback-Leibler
 *                      divergence (Migacz, 8-bit Inference with TensorRT, 2017)
 *     MSE              the ends with the smallest mean squared error, of clipping and rounding
 *
 * The last three keep a histogram, and search the edges of its bins.  A range is widened to hold 0.
 * Elements that are NaN or infinite are left out everywhere.
 */
typedef enum hew_observer_kind {
    HEW_OBSERVER_MIN_MAX = 0,
    HEW_OBSERVER_MOVING_AVERAGE = 1,
    HEW_OBSERVER_PERCENTILE = 2,
    HEW_OBSERVER_KL = 3,
    HEW_OBSERVER_MSE = 4
} hew_observer_kind;

typedef struct hew_observer_desc {
    size_t size;
    hew_observer_kind kind;
    hew_type type;         /* u8 or s8: what the tensor is to be                                  */
    bool symmetric;        /* zero is 0 (s8) or 128 (u8), and lo = -hi                            */
    float rate;            /* MOVING_AVERAGE: 0 = 0.01; at most 1                                 */
    float percentile;      /* PERCENTILE: 0 = 99.99; over 50, at most 100                         */
    int64_t bins;          /* of the histogram: a power of two, 1024 .. 2^20; 0 = 8192            */
} hew_observer_desc;
#define HEW_OBSERVER_DESC(...) ((hew_observer_desc){.size = sizeof(hew_observer_desc), __VA_ARGS__})

/* Unlike an operation, an observer changes: it serves one thread at a time. */
typedef struct hew_observer hew_observer;
HEW_API hew_status hew_observer_create(hew_observer **observer, const hew_observer_desc *desc);
HEW_API void hew_observer_destroy(hew_observer *observer); /* null is fine */

/* A batch of n elements.  But for MOVING_AVERAGE, the order of batches makes no difference. */
HEW_API hew_status hew_observer_observe(hew_observer *observer, const float *x, int64_t n);

/* HEW_ERR_INVALID before anything finite was observed.  lo and hi may be null. */
HEW_API hew_status hew_observer_result(const hew_observer *observer, float *scale, int32_t *zero,
                                       float *lo, float *hi);

/*
 * The scale and zero of type u8 or s8 with which [lo, hi], widened to hold 0, is what q stands for:
 *
 *     asymmetric    scale = (hi - lo) / 255        zero = lowest + round(-lo / scale)
 *     symmetric     scale = max(-lo, hi) / 127     zero = 0 (s8) or 128 (u8)
 *
 * lo <= hi, finite, hi - lo too.  A scale below the least normal float becomes 1: all q are zero.
 */
HEW_API hew_status hew_scale_of_range(hew_type type, bool symmetric, float lo, float hi,
                                      float *scale, int32_t *zero);

/* ------------------------------------------------------------------------------ weights ----- */

/*
 * Preparing weights, before they are packed.  They are those of a convolution or a GEMM:
 *
 *     in_first = false    [out_c][in_c / groups][taps]    hew_conv_pack; B with transpose_b
 *     in_first = true     [in_c][out_c]                   B
 *
 * q has their layout.  Of s4, the weights of an output channel (in_first: of an input channel)
 * begin with a byte.
 */
typedef struct hew_weights_desc {
    size_t size;
    int64_t out_c, in_c;   /* channels in all groups together; n and k of a GEMM                  */
    int64_t taps;          /* of a convolution, all spatial dimensions together; 0 = 1            */
    int64_t groups;        /* of a convolution; 0 = 1                                             */
    bool in_first;         /* taps and groups are 1                                               */
    hew_type type;         /* s8, or s4 for weight-only quantisation                              */
    bool asymmetric;       /* with zero points; weight-only too                                   */
    int64_t k_group;       /* weight-only: elements of a channel with one scale, b_group; 0 = all */
} hew_weights_desc;
#define HEW_WEIGHTS_DESC(...) ((hew_weights_desc){.size = sizeof(hew_weights_desc), __VA_ARGS__})

/* Bytes of q. */
HEW_API hew_status hew_weights_size(const hew_weights_desc *desc, size_t *bytes);

/*
 * For each output channel, and each group of k_group elements of it:
 *
 *     symmetric     scale = max |w| / 127 (s8) or 7 (s4)     q = round(w / scale)
 *     asymmetric    scale = (hi - lo) / 255 or 15            q = saturate(round(w / scale) + zero)
 *
 * as hew_scale_of_range has it.  scale and zero: [ceil(k / k_group)][out_c], as hew_gemm takes
 * them; zero may be null unless asymmetric.  A weight that is NaN or infinite is HEW_ERR_INVALID.
 */
HEW_API hew_status hew_quantize_weights(const hew_weights_desc *desc, const float *w, void *q,
                                        float *scale, int8_t *zero);

/* w = (float)(q - zero) * scale.  zero null: 0. */
HEW_API hew_status hew_dequantize_weights(const hew_weights_desc *desc, const void *q,
                                          const float *scale, const int8_t *zero, float *w);

/*
 * Folds the batch normalisation that follows into w and bias, both in place:
 *
 *     f = gamma / sqrt(variance + epsilon)     w = w * f     bias = (bias - mean) * f + beta
 *
 * with f in double precision, and one rounding for each result.
 */
typedef struct hew_batch_norm {
    size_t size;
    const float *gamma, *beta;     /* out_c of each; null: 1, 0                                   */
    const float *mean, *variance;  /* out_c of each                                               */
    float epsilon;                 /* 0 = 1e-5                                                    */
} hew_batch_norm;
#define HEW_BATCH_NORM(...) ((hew_batch_norm){.size = sizeof(hew_batch_norm), __VA_ARGS__})
HEW_API hew_status hew_fold_batch_norm(const hew_weights_desc *desc, const hew_batch_norm *norm,
                                       float *w, float *bias);

/*
 * Takes from the bias the mean error that quantised weights cause in each output channel (Nagel et
 * al., Data-Free Quantization Through Weight Equalization and Bias Correction, 2019):
 *
 *     bias[oc] -= sum over k of ((q - zero) * scale - w)[oc][k] * mean[input channel of k]
 *
 * in double precision, k rising.  mean: in_c averages of the operation's input.
 */
HEW_API hew_status hew_correct_bias(const hew_weights_desc *desc, const float *w, const void *q,
                                    const float *scale, const int8_t *zero, const float *mean,
                                    float *bias);

/* sums[c] += in[p * stride + c] over p < pixels: for the means above.  stride: 0 = channels. */
HEW_API hew_status hew_add_channel_sums(int64_t pixels, int64_t channels, int64_t stride,
                                        const float *in, double *sums);

/* ------------------------------------------------------------------------------ reorder ----- */

typedef enum hew_layout {
    HEW_CHANNELS_LAST = 0, /* NHWC: [batch][pixel][channel]                                       */
    HEW_CHANNELS_FIRST = 1 /* NCHW: [batch][channel][pixel]                                       */
} hew_layout;

/* Copies a batch of images from one layout to another. */
typedef struct hew_reorder_desc {
    size_t size;
    hew_type type;              /* f32                                                            */
    hew_layout from, to;
    int64_t batch;              /* 0 = 1; -1 = an empty batch                                     */
    int64_t pixels, channels;   /* pixels: depth * height * width                                 */
    int64_t in_stride, out_stride; /* between pixels where channels are last, between channels    */
                                   /* where they are first; 0 = dense                             */
} hew_reorder_desc;
#define HEW_REORDER_DESC(...) ((hew_reorder_desc){.size = sizeof(hew_reorder_desc), __VA_ARGS__})

/* in and out must not overlap. */
HEW_API hew_status hew_reorder(const hew_reorder_desc *desc, const void *in, void *out,
                               const hew_threads *threads);

#ifdef __cplusplus
}
#endif
#endif
