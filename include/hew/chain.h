/*
 * hew/chain.h - element by element, over tensors of any shape: one operation, or several at once.
 *
 * Elements of all types are computed with as floats, and rounded at the end.  In all of these:
 *
 * - Every input is broadcast to the output's shape as in NumPy: dimensions are matched from the
 *   last, and one of the input's may be 1 or absent where the output's is not.
 * - The output may be an input itself, of the same type size and the same strides; otherwise they
 *   must not overlap.  No two elements of an output may lie at one address.
 */
#ifndef HEW_API_CHAIN_H
#define HEW_API_CHAIN_H

#include "base.h"

HEW_BEGIN_C

/* A tensor of f32, bf16 or f16, or of u8 or s8, which then stands for (q - zero) * scale; as output
 * saturate(round(v * (1 / scale)) + zero), half to even, where NaN gives zero. */
typedef struct hew_operand {
    hew_tensor tensor;
    float scale;  /* of u8 and s8: positive; 0 = 1                                                */
    int32_t zero; /* of u8 and s8: within the range of the type                                   */
} hew_operand;
#define HEW_OPERAND(...) ((hew_operand){__VA_ARGS__})

/* --------------------------------------------------------------------------- elementwise ---- */

/* out = act(in): ONNX Relu, Clip, Exp, Erf, ...; HEW_ACT_NONE converts. */
typedef struct hew_elementwise_desc {
    size_t size;
    hew_act act;
    hew_operand in, out;
} hew_elementwise_desc;
#define HEW_ELEMENTWISE_DESC(...)                                                                  \
    ((hew_elementwise_desc){.size = sizeof(hew_elementwise_desc), __VA_ARGS__})

HEW_API hew_status hew_elementwise(const hew_elementwise_desc *desc, const void *in, void *out,
                                   const hew_threads *threads);

/*
 * dx = dy * act'(x), for f32, bf16 and f16.  With from_output x is what act gave: for NONE, RELU,
 * LEAKY_RELU, ELU and HARDSIGMOID with alpha >= 0, CLIP, SIGMOID, TANH, SQRT, RSQRT, EXP, EXPM1 and
 * LINEAR.  At a corner the derivative is 0 for relu, clip, hardsigmoid and abs, alpha for
 * leaky_relu, and 1 for elu.
 */
typedef struct hew_elementwise_backward_desc {
    size_t size;
    hew_act act;
    bool from_output;
    hew_tensor x, dy, dx;
} hew_elementwise_backward_desc;
#define HEW_ELEMENTWISE_BACKWARD_DESC(...)                                                         \
    ((hew_elementwise_backward_desc){.size = sizeof(hew_elementwise_backward_desc), __VA_ARGS__})

HEW_API hew_status hew_elementwise_backward(const hew_elementwise_backward_desc *desc,
                                            const void *x, const void *dy, void *dx,
                                            const hew_threads *threads);

/* -------------------------------------------------------------------------------- chains ---- */

/*
 * A step makes v of v.  Its other operands are b and c.  Comparisons give 1 or 0, and with a NaN
 * only NE is true.  Where a sum, product, MIN or MAX has two NaNs it is the first's; MIN and MAX of
 * one NaN are that NaN, of two zeros the second.
 */
typedef enum hew_step_kind {
    HEW_STEP_ACT = 0,          /* act(v)                                                          */
    HEW_STEP_ADD = 1,          /* v + b                                                           */
    HEW_STEP_SUB = 2,
    HEW_STEP_MUL = 3,
    HEW_STEP_DIV = 4,
    HEW_STEP_MIN = 5,
    HEW_STEP_MAX = 6,
    HEW_STEP_POW = 7,          /* v^b, C's pow                                                    */
    HEW_STEP_EQ = 8,
    HEW_STEP_NE = 9,
    HEW_STEP_LT = 10,          /* v < b                                                           */
    HEW_STEP_LE = 11,
    HEW_STEP_GT = 12,
    HEW_STEP_GE = 13,
    HEW_STEP_PRELU = 14,       /* v < 0 ? b v : v                                                 */
    HEW_STEP_SELECT = 15,      /* v != 0 ? b : c                                                  */
    HEW_STEP_BACKWARD = 16,    /* b act'(v), as hew_elementwise_backward                          */
    HEW_STEP_PRELU_BACKWARD = 17, /* v > 0 ? c : b c: of x, slope and dy, dx                      */
    HEW_STEP_SLOPE_BACKWARD = 18, /* v < 0 ? b v : 0: of x and dy, what summed is the slope's     */
    HEW_STEP_COUNT = 19
} hew_step_kind;

typedef struct hew_chain_step {
    hew_step_kind kind;
    hew_act act;      /* of ACT and BACKWARD                                                      */
    bool from_output; /* of BACKWARD                                                              */
    bool swap;        /* of ADD to GE: the other way round, b - v                                 */
    hew_operand b, c;
} hew_chain_step;

/* v = in; each step in turn; out = v: in one pass over memory, with what is between in the L1
 * cache. */
#define HEW_MAX_STEPS 8
typedef struct hew_chain_desc {
    size_t size;
    hew_operand in, out;
    int steps;
    hew_chain_step step[HEW_MAX_STEPS];
} hew_chain_desc;
#define HEW_CHAIN_DESC(...) ((hew_chain_desc){.size = sizeof(hew_chain_desc), __VA_ARGS__})

/* operands: the addresses of all b and c, in the order of their steps; ten at most. */
HEW_API hew_status hew_chain(const hew_chain_desc *desc, const void *in,
                             const void *const *operands, void *out, const hew_threads *threads);

/* ------------------------------------------------------------------------- two and three ---- */

/* c = act(a kind b), kind from ADD to PRELU: ONNX Add, Div, Pow, Less, PRelu, ... */
typedef struct hew_pairwise_desc {
    size_t size;
    hew_step_kind kind;
    hew_act act;
    hew_operand a, b, c;
} hew_pairwise_desc;
#define HEW_PAIRWISE_DESC(...)                                                                     \
    ((hew_pairwise_desc){.size = sizeof(hew_pairwise_desc), __VA_ARGS__})

HEW_API hew_status hew_pairwise(const hew_pairwise_desc *desc, const void *a, const void *b,
                                void *c, const hew_threads *threads);

/* out = condition != 0 ? a : b: ONNX Where. */
typedef struct hew_select_desc {
    size_t size;
    hew_operand condition, a, b, out;
} hew_select_desc;
#define HEW_SELECT_DESC(...) ((hew_select_desc){.size = sizeof(hew_select_desc), __VA_ARGS__})

HEW_API hew_status hew_select(const hew_select_desc *desc, const void *condition, const void *a,
                              const void *b, void *out, const hew_threads *threads);

HEW_END_C
#endif
