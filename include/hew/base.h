/*
 * hew/base.h - status, CPU, memory, threads, types: what all operations share.
 */
#ifndef HEW_API_BASE_H
#define HEW_API_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEW_API __attribute__((visibility("default")))
#ifdef __cplusplus
#define HEW_BEGIN_C extern "C" {
#define HEW_END_C }
#else
#define HEW_BEGIN_C
#define HEW_END_C
#endif

#define HEW_VERSION_MAJOR 0
#define HEW_VERSION_MINOR 1
#define HEW_VERSION_PATCH 0

HEW_BEGIN_C

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
    HEW_S4 = 6,  /* weights alone: -8 .. 7, two in a byte, the first in the low half              */
    HEW_S64 = 7  /* indices alone                                                                 */
} hew_type;

/*
 * A tensor, for operations that take any shape.  A stride counts elements from one index to the
 * next in its dimension; it may be negative, and 0 in what is read alone.  All of them 0 stands for
 * a dense tensor, whose last dimension's is 1.  The address that goes with it is that of index 0.
 */
#define HEW_MAX_RANK 6
typedef struct hew_tensor {
    hew_type type;
    int rank;                     /* 0: a scalar                                                  */
    int64_t extent[HEW_MAX_RANK]; /* outermost first; >= 0                                        */
    int64_t stride[HEW_MAX_RANK];
} hew_tensor;
#define HEW_TENSOR(...) ((hew_tensor){__VA_ARGS__})

/* Quantising a row x to its own range: q = saturate(round(x / s) + z) to these types and s, z. */
typedef enum hew_dynamic {
    HEW_DYNAMIC_NONE = 0,
    HEW_DYNAMIC_SYMMETRIC = 1, /* s8: s = max |x| / 127, z = 0; s = 0: all of q is 0              */
    HEW_DYNAMIC_ASYMMETRIC = 2 /* u8: ONNX DynamicQuantizeLinear: lo = min(x, 0), hi = max(x, 0),
                                  s = (hi - lo) / 255, z = saturate(round(-lo / s)); s = 0: z = 0,
                                  and all of q too                                            */
} hew_dynamic;

/* What a product of floats is computed in: hew_gemm, hew_conv. */
typedef enum hew_math {
    HEW_MATH_DEFAULT = 0, /* what the types of the operands say                                   */
    HEW_MATH_BF16 = 1     /* operands of f32 are rounded to bf16 first, to nearest, ties to even;
                             the rest is what operands of bf16 get: oneDNN's fpmath mode bf16     */
} hew_math;

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
    HEW_ACT_ABS = 13,
    HEW_ACT_SQUARE = 14,     /* x x                                                               */
    HEW_ACT_SQRT = 15,
    HEW_ACT_RSQRT = 16,      /* 1 / sqrt(x)                                                       */
    HEW_ACT_EXP = 17,
    HEW_ACT_EXPM1 = 18,      /* exp(x) - 1                                                        */
    HEW_ACT_LOG = 19,
    HEW_ACT_LOG1P = 20,      /* log(1 + x)                                                        */
    HEW_ACT_POW = 21,        /* alpha x^beta, C's pow            alpha: 0 = 1                     */
    HEW_ACT_LINEAR = 22,     /* alpha x + beta                   alpha: 0 = 1                     */
    HEW_ACT_SOFTPLUS = 23,   /* log(1 + exp(alpha x)) / alpha    alpha: 0 = 1                     */
    HEW_ACT_ERF = 24,
    HEW_ACT_ROUND = 25,      /* to an integer, half to even                                       */
    HEW_ACT_SIN = 26,
    HEW_ACT_COS = 27,
    HEW_ACT_COUNT = 28
} hew_act_kind;

typedef struct hew_act {
    hew_act_kind kind;
    float alpha, beta;
} hew_act;

HEW_END_C
#endif
