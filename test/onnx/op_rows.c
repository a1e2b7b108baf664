/* op_rows.c - Softmax and LogSoftmax; activations. */
#include "onnx/op.h"

#include <math.h>

/* Before version 13 all axes from the given one on are one row. */
outcome op_softmax(call *c)
{
    const struct onnx_tensor *x = c->in[0];
    const bool old = c->opset < 13;
    int axis;
    hew_softmax_desc d = HEW_SOFTMAX_DESC(.log = pb_is(c->node->op, "LogSoftmax"), .columns = 1);
    if (!op_type(c, 0, &d.type) || !op_axis(c, old ? 1 : -1, x->rank, &axis))
        return NOT_SUPPORTED;
    for (int i = axis; i < x->rank; i++) {
        if (i > axis && x->dims[i] != 1 && !old)
            return op_refuse(c, "another axis than the last");
        d.columns *= x->dims[i];
    }
    d.rows = d.columns == 0 ? 0 : x->count / d.columns;
    void *y = op_output(c, 0, x->type, x->rank, x->dims);
    return op_status(c, hew_softmax(&d, x->data, y, c->threads));
}

/* The activation of the epilogue, over a residual: no k, so no product. */
static outcome activate(call *c, hew_act act)
{
    const struct onnx_tensor *x = c->in[0];
    hew_type type;
    hew_gemm *op;
    if (!op_type(c, 0, &type))
        return NOT_SUPPORTED;
    hew_gemm_desc d = HEW_GEMM_DESC(.m = 1, .n = x->count, .k = 0, .act = act);
    d.a_type = d.b_type = d.c_type = d.residual_type = type;
    const outcome created = op_status(c, hew_gemm_create(&op, &d));
    if (created != PASSED)
        return created;
    const size_t threads = c->threads ? c->threads->count : 1;
    hew_gemm_args args = HEW_GEMM_ARGS(.residual = x->data, .threads = c->threads);
    args.a = args.b = op_memory(c, 0, sizeof(float));
    args.c = op_output(c, 0, x->type, x->rank, x->dims);
    args.scratch = op_aligned(c, hew_gemm_scratch_size(op, threads));
    const hew_status status = hew_gemm_run(op, &args);
    hew_gemm_destroy(op);
    return op_status(c, status);
}

outcome op_activation(call *c)
{
    static const struct {
        const char *name;
        hew_act_kind kind;
    } kinds[] = {
        {"HardSwish", HEW_ACT_HARDSWISH}, {"Mish", HEW_ACT_MISH}, {"Relu", HEW_ACT_RELU},
        {"Sigmoid", HEW_ACT_SIGMOID},     {"Tanh", HEW_ACT_TANH},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (pb_is(c->node->op, kinds[i].name))
            return activate(c, (hew_act){.kind = kinds[i].kind});
    return op_refuse(c, "no such activation");
}

/* In Hew a parameter of zero stands for its default. */
outcome op_parametric_activation(call *c)
{
    const struct onnx_node *node = c->node;
    if (pb_is(node->op, "Gelu")) {
        const bool form = pb_is(onnx_string(node, "approximate"), "tanh");
        return activate(c, (hew_act){.kind = form ? HEW_ACT_GELU_TANH : HEW_ACT_GELU_ERF});
    }
    const bool hard = pb_is(node->op, "HardSigmoid"), elu = pb_is(node->op, "Elu");
    const hew_act act = {
        .kind = hard ? HEW_ACT_HARDSIGMOID : elu ? HEW_ACT_ELU : HEW_ACT_LEAKY_RELU,
        .alpha = onnx_float(node, "alpha", hard ? 0.2f : elu ? 1.0f : 0.01f),
        .beta = hard ? onnx_float(node, "beta", 0.5f) : 0.0f,
    };
    return act.alpha == 0.0f ? op_refuse(c, "alpha = 0") : activate(c, act);
}

/* Bounds are inputs since version 11, attributes before. */
outcome op_clip(call *c)
{
    hew_type type;
    float bound[2] = {onnx_float(c->node, "min", -INFINITY), onnx_float(c->node, "max", INFINITY)};
    if (!op_type(c, 0, &type))
        return NOT_SUPPORTED;
    if (type != HEW_F32)
        return op_refuse(c, "%s", onnx_type_name(c->in[0]->type));
    for (int i = 0; i < 2; i++)
        if (c->in[1 + i])
            bound[i] = c->in[1 + i]->floats[0];
    if (bound[0] == 0.0f && bound[1] == 0.0f)
        return op_refuse(c, "bounds 0 and 0");
    return activate(c, (hew_act){HEW_ACT_CLIP, bound[0], bound[1]});
}
