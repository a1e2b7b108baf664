/* op_elementwise.c - operators element by element: activations, functions of two and more tensors,
 * comparisons, logic. */
#include "onnx/op.h"

#include <math.h>
#include <string.h>

/* A tensor of floats, bytes or bools, dense. */
static bool operand(call *c, const struct onnx_tensor *x, hew_operand *o)
{
    static const struct {
        int onnx;
        hew_type hew;
    } types[] = {{ONNX_FLOAT, HEW_F32}, {ONNX_FLOAT16, HEW_F16}, {ONNX_BFLOAT16, HEW_BF16},
                 {ONNX_INT8, HEW_S8},   {ONNX_UINT8, HEW_U8},    {ONNX_BOOL, HEW_U8}};
    *o = (hew_operand){.zero = 0};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].onnx == x->type) {
            if (!op_tensor(c, x, &o->tensor))
                return false;
            o->tensor.type = types[i].hew;
            return true;
        }
    op_refuse(c, "%s", onnx_type_name(x->type));
    return false;
}

static bool is_float(const struct onnx_tensor *x)
{
    return x->type == ONNX_FLOAT || x->type == ONNX_FLOAT16 || x->type == ONNX_BFLOAT16;
}

/* An output of that type with the shape to which the first `inputs` inputs are broadcast. */
static bool result(call *c, int type, int inputs, hew_operand *out)
{
    int64_t dims[ONNX_MAX_RANK];
    int rank = 0;
    for (int k = 0; k < inputs; k++)
        rank = c->in[k]->rank > rank ? c->in[k]->rank : rank;
    for (int j = 0; j < rank; j++) {
        dims[j] = 1;
        for (int k = 0; k < inputs; k++) {
            const int own = j - (rank - c->in[k]->rank);
            if (own >= 0 && c->in[k]->dims[own] != 1)
                dims[j] = c->in[k]->dims[own];
        }
    }
    op_output(c, 0, type, rank, dims);
    return operand(c, &c->out[0], out);
}

/* A scalar operand, in memory of the call. */
static const void *scalar(call *c, float x, hew_operand *o)
{
    float *const p = op_memory(c, sizeof x, sizeof x);
    *p = x;
    *o = (hew_operand){.tensor.type = HEW_F32};
    return p;
}

static outcome run(call *c, const hew_chain_desc *d, const void *const *operands)
{
    return op_status(c, hew_chain(d, c->in[0]->data, operands, c->out[0].data, c->threads));
}

static outcome op_act(call *c, hew_act act)
{
    hew_elementwise_desc d = HEW_ELEMENTWISE_DESC(.act = act);
    if (!operand(c, c->in[0], &d.in) || !result(c, c->in[0]->type, 1, &d.out))
        return NOT_SUPPORTED;
    return op_status(c, hew_elementwise(&d, c->in[0]->data, c->out[0].data, c->threads));
}

/* --------------------------------------------------------------------------- one operand ---- */

outcome op_unary(call *c)
{
    static const struct {
        const char *name;
        hew_act act;
    } kinds[] = {
        {"Abs", {HEW_ACT_ABS, 0, 0}},           {"Cos", {HEW_ACT_COS, 0, 0}},
        {"Erf", {HEW_ACT_ERF, 0, 0}},           {"Exp", {HEW_ACT_EXP, 0, 0}},
        {"HardSwish", {HEW_ACT_HARDSWISH, 0, 0}}, {"Log", {HEW_ACT_LOG, 0, 0}},
        {"Mish", {HEW_ACT_MISH, 0, 0}},         {"Neg", {HEW_ACT_LINEAR, -1, 0}},
        {"Relu", {HEW_ACT_RELU, 0, 0}},         {"Round", {HEW_ACT_ROUND, 0, 0}},
        {"Sigmoid", {HEW_ACT_SIGMOID, 0, 0}},   {"Sin", {HEW_ACT_SIN, 0, 0}},
        {"Softplus", {HEW_ACT_SOFTPLUS, 0, 0}}, {"Sqrt", {HEW_ACT_SQRT, 0, 0}},
        {"Tanh", {HEW_ACT_TANH, 0, 0}},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (pb_is(c->node->op, kinds[i].name))
            return op_act(c, kinds[i].act);
    return op_refuse(c, "no such function");
}

/* In Hew a parameter of zero stands for its default. */
outcome op_parametric_activation(call *c)
{
    const struct onnx_node *node = c->node;
    if (pb_is(node->op, "Gelu")) {
        const bool form = pb_is(onnx_string(node, "approximate"), "tanh");
        return op_act(c, (hew_act){.kind = form ? HEW_ACT_GELU_TANH : HEW_ACT_GELU_ERF});
    }
    const bool hard = pb_is(node->op, "HardSigmoid"), elu = pb_is(node->op, "Elu");
    const hew_act act = {
        .kind = hard ? HEW_ACT_HARDSIGMOID : elu ? HEW_ACT_ELU : HEW_ACT_LEAKY_RELU,
        .alpha = onnx_float(node, "alpha", hard ? 0.2f : elu ? 1.0f : 0.01f),
        .beta = hard ? onnx_float(node, "beta", 0.5f) : 0.0f,
    };
    return act.alpha == 0.0f ? op_refuse(c, "alpha = 0") : op_act(c, act);
}

static float bound(const struct onnx_tensor *x)
{
    return x->type == ONNX_INT8    ? (float)*(const int8_t *)x->data
           : x->type == ONNX_UINT8 ? (float)*(const uint8_t *)x->data
                                   : x->floats[0];
}

/* Bounds are inputs since version 11, attributes before. */
outcome op_clip(call *c)
{
    float bounds[2] = {onnx_float(c->node, "min", -INFINITY), onnx_float(c->node, "max", INFINITY)};
    for (int i = 0; i < 2; i++)
        if (c->in[1 + i])
            bounds[i] = bound(c->in[1 + i]);
    if (bounds[0] == 0.0f && bounds[1] == 0.0f)
        return op_refuse(c, "bounds 0 and 0");
    return op_act(c, (hew_act){HEW_ACT_CLIP, bounds[0], bounds[1]});
}

/* What is a chain of some steps with operands x itself and a number or two. */
outcome op_composed(call *c)
{
    const struct onnx_node *const node = c->node;
    const struct onnx_tensor *const x = c->in[0];
    const bool is_test = pb_is(node->op, "IsNaN") || pb_is(node->op, "IsInf");
    hew_chain_desc d = HEW_CHAIN_DESC(.steps = 2);
    const void *operands[3] = {x->data, x->data, x->data};
    hew_chain_step *const s = d.step;
    if (!operand(c, x, &d.in) || !result(c, is_test ? ONNX_BOOL : x->type, 1, &d.out))
        return NOT_SUPPORTED;
    if (!is_float(x))
        return op_refuse(c, "%s", onnx_type_name(x->type));
    if (pb_is(node->op, "Reciprocal")) {
        s[0] = (hew_chain_step){.kind = HEW_STEP_DIV, .swap = true};
        operands[0] = scalar(c, 1.0f, &s[0].b);
        d.steps = 1;
    } else if (pb_is(node->op, "Selu")) {
        s[0].act = (hew_act){HEW_ACT_ELU, onnx_float(node, "alpha", 1.67326319f), 0};
        s[1].act = (hew_act){HEW_ACT_LINEAR, onnx_float(node, "gamma", 1.05070102f), 0};
    } else if (pb_is(node->op, "Celu")) {
        const float alpha = onnx_float(node, "alpha", 1.0f);
        s[0].act = (hew_act){HEW_ACT_LINEAR, 1.0f / alpha, 0};
        s[1].act = (hew_act){HEW_ACT_ELU, 0, 0};
        s[2].act = (hew_act){HEW_ACT_LINEAR, alpha, 0};
        d.steps = 3;
    } else if (pb_is(node->op, "Softsign")) {
        s[0].act.kind = HEW_ACT_ABS;
        s[1].act = (hew_act){HEW_ACT_LINEAR, 1, 1};
        s[2] = (hew_chain_step){.kind = HEW_STEP_DIV, .swap = true, .b = d.in};
        d.steps = 3;
    } else if (pb_is(node->op, "ThresholdedRelu")) {
        s[0].kind = HEW_STEP_GT;
        operands[0] = scalar(c, onnx_float(node, "alpha", 1.0f), &s[0].b);
        s[1] = (hew_chain_step){.kind = HEW_STEP_SELECT, .b = d.in};
        operands[2] = scalar(c, 0.0f, &s[1].c);
    } else if (pb_is(node->op, "IsNaN")) {
        s[0] = (hew_chain_step){.kind = HEW_STEP_NE, .b = d.in};
        d.steps = 1;
    } else {
        const bool low = onnx_int(node, "detect_negative", 1);
        const bool high = onnx_int(node, "detect_positive", 1);
        s[0].act.kind = low && high ? HEW_ACT_ABS : HEW_ACT_NONE;
        s[1].kind = HEW_STEP_EQ;
        operands[0] = scalar(c, high ? INFINITY : -INFINITY, &s[1].b);
        if (!low && !high)
            return op_refuse(c, "neither infinity");
    }
    return run(c, &d, operands);
}

/* ----------------------------------------------------------------------- two and more ---- */

static outcome pairwise(call *c, hew_step_kind kind, int type)
{
    hew_pairwise_desc d = HEW_PAIRWISE_DESC(.kind = kind);
    if (!operand(c, c->in[0], &d.a) || !operand(c, c->in[1], &d.b) || !result(c, type, 2, &d.c))
        return NOT_SUPPORTED;
    return op_status(c, hew_pairwise(&d, c->in[0]->data, c->in[1]->data, c->out[0].data,
                                     c->threads));
}

outcome op_binary(call *c)
{
    static const struct {
        const char *name;
        hew_step_kind kind;
    } kinds[] = {{"Add", HEW_STEP_ADD}, {"Div", HEW_STEP_DIV}, {"Mul", HEW_STEP_MUL},
                 {"PRelu", HEW_STEP_PRELU}, {"Pow", HEW_STEP_POW}, {"Sub", HEW_STEP_SUB}};
    for (int k = 0; k < 2; k++)
        if (!is_float(c->in[k]))
            return op_refuse(c, "arithmetic of %s", onnx_type_name(c->in[k]->type));
    if (c->opset < 7 && onnx_int(c->node, "broadcast", 0) && c->in[1]->count != 1)
        return op_refuse(c, "broadcasting of version 6");
    /* Before version 7 the slopes of channels have no axes for what follows these. */
    struct onnx_tensor slope = *c->in[1];
    const bool old_slope = c->opset < 7 && pb_is(c->node->op, "PRelu") && slope.rank == 1;
    for (int j = 1; old_slope && slope.count > 1 && j < c->in[0]->rank - 1; j++)
        slope.dims[slope.rank++] = 1;
    if (old_slope)
        c->in[1] = &slope;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (pb_is(c->node->op, kinds[i].name))
            return pairwise(c, kinds[i].kind, c->in[0]->type);
    return op_refuse(c, "no such operation");
}

/* Of bools, which are 0 or 1, too. */
outcome op_compare(call *c)
{
    static const struct {
        const char *name;
        hew_step_kind kind;
    } kinds[] = {{"And", HEW_STEP_MIN},     {"Equal", HEW_STEP_EQ},
                 {"Greater", HEW_STEP_GT},  {"GreaterOrEqual", HEW_STEP_GE},
                 {"Less", HEW_STEP_LT},     {"LessOrEqual", HEW_STEP_LE},
                 {"Or", HEW_STEP_MAX},      {"Xor", HEW_STEP_NE}};
    if (pb_is(c->node->op, "Not")) {
        hew_chain_desc d = HEW_CHAIN_DESC(.steps = 1, .step[0].kind = HEW_STEP_EQ);
        if (!operand(c, c->in[0], &d.in) || !result(c, ONNX_BOOL, 1, &d.out))
            return NOT_SUPPORTED;
        const void *const zero = scalar(c, 0.0f, &d.step[0].b);
        return run(c, &d, &zero);
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (pb_is(c->node->op, kinds[i].name))
            return pairwise(c, kinds[i].kind, ONNX_BOOL);
    return op_refuse(c, "no such comparison");
}

/* Max, Mean, Min, Sum of any number of tensors: a chain with all but the first for operands. */
outcome op_variadic(call *c)
{
    const bool max = pb_is(c->node->op, "Max"), min = pb_is(c->node->op, "Min");
    const int count = c->node->in_count;
    hew_chain_desc d = HEW_CHAIN_DESC(.steps = count - 1);
    const void *operands[HEW_MAX_STEPS];
    if (count > HEW_MAX_STEPS)
        return op_refuse(c, "%d tensors", count);
    if (!max && !min && !is_float(c->in[0]))
        return op_refuse(c, "arithmetic of %s", onnx_type_name(c->in[0]->type));
    for (int k = 0; k < count; k++) {
        hew_chain_step *const s = &d.step[k > 0 ? k - 1 : 0];
        s->kind = max ? HEW_STEP_MAX : min ? HEW_STEP_MIN : HEW_STEP_ADD;
        if (!operand(c, c->in[k], k > 0 ? &s->b : &d.in))
            return NOT_SUPPORTED;
        if (k > 0)
            operands[k - 1] = c->in[k]->data;
    }
    if (pb_is(c->node->op, "Mean"))
        d.step[d.steps++] = (hew_chain_step){.act = {HEW_ACT_LINEAR, 1.0f / (float)count, 0}};
    return result(c, c->in[0]->type, count, &d.out) ? run(c, &d, operands) : NOT_SUPPORTED;
}

outcome op_where(call *c)
{
    hew_select_desc d = {.size = sizeof d};
    if (!operand(c, c->in[0], &d.condition) || !operand(c, c->in[1], &d.a) ||
        !operand(c, c->in[2], &d.b) || !result(c, c->in[1]->type, 3, &d.out))
        return NOT_SUPPORTED;
    return op_status(c, hew_select(&d, c->in[0]->data, c->in[1]->data, c->in[2]->data,
                                   c->out[0].data, c->threads));
}
