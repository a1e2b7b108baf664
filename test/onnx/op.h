/*
 * op.h - one node of an ONNX graph, and the functions that compute it with Hew.
 *
 * An operator's function maps the node's attributes and inputs to calls of the public API:
 *
 *     static outcome relu(call *c)
 *     {
 *         hew_type type;
 *         if (!op_type(c, 0, &type))                       // says why not
 *             return NOT_SUPPORTED;
 *         const struct onnx_tensor *x = c->in[0];
 *         float *y = op_output(c, 0, x->type, x->rank, x->dims);
 *         return op_status(c, hew_something(&desc, x->data, y, c->threads));
 *     }
 *
 * Whatever it is given and asks for lies before a guard page, and is freed for it.  A new operator
 * is a function and a line in op.c's table; `make onnx-table` then tells what it passes.
 */
#ifndef HEW_TEST_ONNX_OP_H
#define HEW_TEST_ONNX_OP_H

#include "../../bench/net/onnx_proto.h"
#include "harness.h"

typedef enum outcome {
    PASSED,
    FAILED,
    NOT_SUPPORTED /* by the library, or by what the operator's function knows of it */
} outcome;

enum { OP_MAX_IN = 12, OP_MAX_OUT = 4, OP_MAX_MEMORY = 48, WHY_BYTES = 160 };

typedef struct call {
    const struct onnx_node *node;
    int64_t opset;
    const struct onnx_tensor *in[OP_MAX_IN]; /* null: left out */
    bool wanted[OP_MAX_OUT];
    struct onnx_tensor out[OP_MAX_OUT];
    const hew_threads *threads;
    buffer memory[OP_MAX_MEMORY];
    int memory_count;
    char why[WHY_BYTES]; /* unless it passed */
} call;

typedef outcome op_fn(call *c);

/* The function of an operator, or null. */
op_fn *op_find(struct pb_bytes name);

/* ---- what the functions are made of ---- */

/* Notes why, and is NOT_SUPPORTED. */
__attribute__((format(printf, 2, 3))) outcome op_refuse(call *c, const char *format, ...);

/* PASSED; NOT_SUPPORTED if the library says so; any other failure is FAILED. */
outcome op_status(call *c, hew_status status);

/* Hew's name for the type of input k; false, and why, if it has none. */
bool op_type(call *c, int k, hew_type *type);

/* The tensor of a value's elements, dense, of a type of their size. */
bool op_tensor(call *c, const struct onnx_tensor *x, hew_tensor *t);

/* Input k, of integers, or an attribute, if it is left out: at most `most` numbers; how many, or
 * -1, and why. */
int op_integers(call *c, int k, const char *attribute, int64_t *values, int most);

/* Memory that ends at a guard page; for op_aligned up to the slack of HEW_ALIGNMENT. */
void *op_memory(call *c, size_t bytes, size_t alignment);
void *op_aligned(call *c, size_t bytes);

/* Output k, to be filled in; poisoned. */
void *op_output(call *c, int k, int type, int rank, const int64_t *dims);

/* An attribute that counts axes from the end if it is negative; false, and why, if it is none. */
bool op_axis(call *c, int64_t fallback, int rank, int *axis);

/* Input k, of one element or of n, as n elements; null if it is left out.  False, and why, if it
 * has another shape. */
bool op_spread(call *c, int k, int64_t n, const void **out);

/* Input k, one zero point of 8 bits, or 0; one scale, or 1.  False, and why, if there are more. */
bool op_zero(call *c, int k, int32_t *zero);
bool op_scale(call *c, int k, float *scale);

/* Input j's scale times those of input k, as n factors. */
bool op_scales(call *c, int j, int k, int64_t n, const float **out);

/* ---- layout.c ---- */

/* [N, C, extents...] as Hew has it: [N][extents...][C], and back into output k. */
void *op_channels_last(call *c, const struct onnx_tensor *x);
outcome op_channels_first(call *c, int k, const void *from);

/* The extents of an image's axes, outermost first; false, and why, if there are none or over 3. */
bool op_extents(call *c, const struct onnx_tensor *x, int64_t extents[3]);

typedef struct op_window {
    int64_t kernel[3], stride[3], dilation[3], pad_lo[3], pad_hi[3];
} op_window;

/* kernel_shape (or else those given), strides, dilations, pads and auto_pad. */
bool op_window_read(call *c, const struct onnx_tensor *x, const int64_t *kernel, op_window *w);

/* ---- op_*.c ---- */

op_fn op_conv, op_conv_integer, op_qlinear_conv;
op_fn op_gemm, op_matmul, op_matmul_integer, op_qlinear_matmul;
op_fn op_pool, op_global_pool;
op_fn op_quantize, op_dequantize, op_quantize_dynamic;
op_fn op_transpose, op_concat, op_split, op_slice, op_pad, op_tile, op_expand, op_reshape;
op_fn op_cast, op_resize, op_depth_to_space, op_gather, op_gather_elements, op_gather_nd;
op_fn op_scatter_elements, op_scatter_nd;
op_fn op_batch_norm, op_instance_norm, op_layer_norm, op_lrn, op_mean_variance_norm;
op_fn op_reduce, op_arg, op_cumsum, op_topk, op_dropout;
op_fn op_softmax;
op_fn op_unary, op_parametric_activation, op_clip, op_composed;
op_fn op_binary, op_compare, op_variadic, op_where;

#endif
