/*
 * chain.h - what the operations that are chains share.
 */
#ifndef HEW_CHAIN_H
#define HEW_CHAIN_H

#include "kernels.h"
#include "nest.h"

/* Tensors of a chain: the output, the input, the operands in their order. */
enum {
    HEW_CHAIN_OUT = 0,
    HEW_CHAIN_IN = 1,
    HEW_CHAIN_OPERANDS = 10,
    HEW_CHAIN_TENSORS = 2 + HEW_CHAIN_OPERANDS
};

/* How an operation speaks of itself and of its tensors. */
typedef struct hew_chain_words {
    const char *op;
    const char *name[HEW_CHAIN_TENSORS];
    unsigned types; /* 1 << hew_type */
} hew_chain_words;

enum {
    HEW_CHAIN_FLOATS = 1 << HEW_F32 | 1 << HEW_BF16 | 1 << HEW_F16,
    HEW_CHAIN_TYPES = HEW_CHAIN_FLOATS | 1 << HEW_S8 | 1 << HEW_U8
};

/* A hew_chain_desc in pieces, which for a step or two is much shorter. */
typedef struct hew_chain_call {
    const hew_chain_words *words;
    const hew_operand *in_desc, *out_desc;
    const hew_chain_step *step;
    int steps;
    const void *in;
    const void *const *operands;
    void *out;
} hew_chain_call;

typedef struct hew_chain_part {
    hew_type type;
    size_t size;
    float scale; /* of the output: one over it */
    int32_t zero;
    char *data;
    ptrdiff_t step, row; /* bytes, along the two inner loops */
    bool dense, one;     /* a block's elements lie side by side; are one and the same */
    bool direct;         /* so are each of its rows', which is what kernels take */
} hew_chain_part;

typedef struct hew_chain_link {
    hew_step_kind kind;
    hew_act act;
    bool from_output, swap;
    int b, c; /* tensors, or 0 */
} hew_chain_link;

typedef struct hew_chain_op {
    hew_nest nest;
    hew_chain_part part[HEW_CHAIN_TENSORS];
    hew_chain_link link[HEW_MAX_STEPS];
    int links;
    size_t rows, n;             /* of the two inner loops */
    size_t block_rows, block_n; /* of a block */
    size_t down, across;        /* blocks in the two inner loops */
    size_t blocks, task_blocks;
    bool stream; /* the output is large, and no input */
    bool bytes;  /* a tensor is of U8 or S8 */
    chain_fn *step;
    act_f32_fn *act;
    quantize_f32_fn *quantize;
    dequantize_f32_fn *dequantize;
} hew_chain_op;

/* Fills in nest, part and link. */
hew_status hew_chain_check(const hew_chain_call *call, hew_chain_op *op);

hew_status hew_chain_run(const hew_chain_call *call, const hew_threads *threads);

#endif
