/* op.c - the table of operators, and what all of them use. */
#include "onnx/op.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    op_fn *run;
} table[] = {
    {"Abs", op_unary},
    {"Add", op_binary},
    {"And", op_compare},
    {"ArgMax", op_arg},
    {"ArgMin", op_arg},
    {"AveragePool", op_pool},
    {"BatchNormalization", op_batch_norm},
    {"Cast", op_cast},
    {"CastLike", op_cast},
    {"Celu", op_composed},
    {"Clip", op_clip},
    {"Concat", op_concat},
    {"Conv", op_conv},
    {"ConvInteger", op_conv_integer},
    {"Cos", op_unary},
    {"CumSum", op_cumsum},
    {"DepthToSpace", op_depth_to_space},
    {"DequantizeLinear", op_dequantize},
    {"Div", op_binary},
    {"Dropout", op_dropout},
    {"DynamicQuantizeLinear", op_quantize_dynamic},
    {"Elu", op_parametric_activation},
    {"Equal", op_compare},
    {"Erf", op_unary},
    {"Exp", op_unary},
    {"Expand", op_expand},
    {"Flatten", op_reshape},
    {"Gather", op_gather},
    {"GatherElements", op_gather_elements},
    {"GatherND", op_gather_nd},
    {"Gelu", op_parametric_activation},
    {"Gemm", op_gemm},
    {"GlobalAveragePool", op_global_pool},
    {"GlobalMaxPool", op_global_pool},
    {"Greater", op_compare},
    {"GreaterOrEqual", op_compare},
    {"HardSigmoid", op_parametric_activation},
    {"HardSwish", op_unary},
    {"Identity", op_reshape},
    {"InstanceNormalization", op_instance_norm},
    {"IsInf", op_composed},
    {"IsNaN", op_composed},
    {"LRN", op_lrn},
    {"LayerNormalization", op_layer_norm},
    {"LeakyRelu", op_parametric_activation},
    {"Less", op_compare},
    {"LessOrEqual", op_compare},
    {"Log", op_unary},
    {"LogSoftmax", op_softmax},
    {"MatMul", op_matmul},
    {"MatMulInteger", op_matmul_integer},
    {"Max", op_variadic},
    {"MaxPool", op_pool},
    {"Mean", op_variadic},
    {"MeanVarianceNormalization", op_mean_variance_norm},
    {"Min", op_variadic},
    {"Mish", op_unary},
    {"Mul", op_binary},
    {"Neg", op_unary},
    {"Not", op_compare},
    {"Or", op_compare},
    {"PRelu", op_binary},
    {"Pad", op_pad},
    {"Pow", op_binary},
    {"QLinearConv", op_qlinear_conv},
    {"QLinearMatMul", op_qlinear_matmul},
    {"QuantizeLinear", op_quantize},
    {"Reciprocal", op_composed},
    {"ReduceL1", op_reduce},
    {"ReduceL2", op_reduce},
    {"ReduceLogSum", op_reduce},
    {"ReduceLogSumExp", op_reduce},
    {"ReduceMax", op_reduce},
    {"ReduceMean", op_reduce},
    {"ReduceMin", op_reduce},
    {"ReduceProd", op_reduce},
    {"ReduceSum", op_reduce},
    {"ReduceSumSquare", op_reduce},
    {"Relu", op_unary},
    {"Reshape", op_reshape},
    {"Resize", op_resize},
    {"Round", op_unary},
    {"Scatter", op_scatter_elements},
    {"ScatterElements", op_scatter_elements},
    {"ScatterND", op_scatter_nd},
    {"Selu", op_composed},
    {"Sigmoid", op_unary},
    {"Sin", op_unary},
    {"Slice", op_slice},
    {"Softmax", op_softmax},
    {"Softplus", op_unary},
    {"Softsign", op_composed},
    {"SpaceToDepth", op_depth_to_space},
    {"Split", op_split},
    {"Sqrt", op_unary},
    {"Squeeze", op_reshape},
    {"Sub", op_binary},
    {"Sum", op_variadic},
    {"Tanh", op_unary},
    {"ThresholdedRelu", op_composed},
    {"Tile", op_tile},
    {"TopK", op_topk},
    {"Transpose", op_transpose},
    {"Unsqueeze", op_reshape},
    {"Upsample", op_resize},
    {"Where", op_where},
    {"Xor", op_compare},
};

op_fn *op_find(struct pb_bytes name)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (pb_is(name, table[i].name))
            return table[i].run;
    return NULL;
}

outcome op_refuse(call *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(c->why, sizeof c->why, format, args);
    va_end(args);
    return NOT_SUPPORTED;
}

outcome op_status(call *c, hew_status status)
{
    if (status == HEW_OK)
        return PASSED;
    snprintf(c->why, sizeof c->why, "%s", hew_last_error());
    return status == HEW_ERR_UNSUPPORTED ? NOT_SUPPORTED : FAILED;
}

bool op_type(call *c, int k, hew_type *type)
{
    static const struct {
        int onnx;
        hew_type hew;
    } pairs[] = {
        {ONNX_FLOAT, HEW_F32}, {ONNX_BFLOAT16, HEW_BF16}, {ONNX_FLOAT16, HEW_F16},
        {ONNX_INT8, HEW_S8},   {ONNX_UINT8, HEW_U8},      {ONNX_INT32, HEW_S32},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (pairs[i].onnx == c->in[k]->type) {
            *type = pairs[i].hew;
            return true;
        }
    op_refuse(c, "%s", onnx_type_name(c->in[k]->type));
    return false;
}

void *op_memory(call *c, size_t bytes, size_t alignment)
{
    if (c->memory_count == OP_MAX_MEMORY)
        fail_case("a node asks for more than %d pieces of memory", OP_MAX_MEMORY);
    c->memory[c->memory_count] = buffer_new(bytes, alignment, AT_BACK);
    return c->memory[c->memory_count++].data;
}

void *op_aligned(call *c, size_t bytes) { return op_memory(c, bytes, HEW_ALIGNMENT); }

void *op_output(call *c, int k, int type, int rank, const int64_t *dims)
{
    struct onnx_tensor *t = &c->out[k];
    const size_t size = onnx_type_size(type);
    *t = (struct onnx_tensor){.type = type, .rank = rank, .count = 1};
    for (int d = 0; d < rank; d++) {
        t->dims[d] = dims[d];
        t->count *= (int)dims[d];
    }
    t->data = op_memory(c, size * (size_t)t->count, size);
    memset(t->data, 0xcd, size * (size_t)t->count);
    return t->data;
}

bool op_axis(call *c, int64_t fallback, int rank, int *axis)
{
    const int64_t given = onnx_int(c->node, "axis", fallback);
    if (given < -rank || given >= rank) {
        op_refuse(c, "axis %d of %d", (int)given, rank);
        return false;
    }
    *axis = (int)(given < 0 ? given + rank : given);
    return true;
}

bool op_spread(call *c, int k, int64_t n, const void **out)
{
    const struct onnx_tensor *t = c->in[k];
    *out = NULL;
    if (!t)
        return true;
    if (t->count != 1 && (t->count != n || t->dims[t->rank - 1] != n)) {
        op_refuse(c, "input %d is neither for all columns nor for each", k);
        return false;
    }
    const size_t size = onnx_type_size(t->type);
    char *to = op_memory(c, size * (size_t)n, size);
    for (size_t i = 0; i < (size_t)n; i++)
        memcpy(to + size * i, (char *)t->data + (t->count == 1 ? 0 : size * i), size);
    *out = to;
    return true;
}

/* Whether input k, if there is one, has one element. */
static bool single(call *c, int k)
{
    if (!c->in[k] || c->in[k]->count == 1)
        return true;
    op_refuse(c, "input %d has %d elements", k, c->in[k]->count);
    return false;
}

bool op_zero(call *c, int k, int32_t *zero)
{
    hew_type type = HEW_U8;
    *zero = 0;
    if (!single(c, k) || (c->in[k] && !op_type(c, k, &type)))
        return false;
    if (c->in[k])
        *zero = type == HEW_S8 ? *(int8_t *)c->in[k]->data : *(uint8_t *)c->in[k]->data;
    return true;
}

bool op_scale(call *c, int k, float *scale)
{
    *scale = c->in[k] ? c->in[k]->floats[0] : 1.0f;
    return single(c, k);
}

bool op_scales(call *c, int j, int k, int64_t n, const float **out)
{
    float one;
    const void *each;
    if (!op_scale(c, j, &one) || !op_spread(c, k, n, &each))
        return false;
    float *scale = op_memory(c, sizeof(float) * (size_t)n, sizeof(float));
    for (int64_t i = 0; i < n; i++)
        scale[i] = one * ((const float *)each)[i];
    *out = scale;
    return true;
}
