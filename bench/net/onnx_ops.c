/*
 * ONNX operators as layers.  Values are NCHW in ONNX and NHWC here, so an axis of 1 means channels;
 * a value that was flattened to [N, C*H*W] stays the tensor that it was, and the weights that read
 * it are permuted instead.
 */
#include "onnx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------- inputs ----- */

const struct onnx_value *onnx_input(const struct onnx_reader *r, const struct onnx_node *node,
                                    int k)
{
    if (k >= node->in_count || k >= NET_MAX_INPUTS || node->in[k].size == 0)
        return NULL;
    return onnx_find(r, node->in[k]);
}

bool onnx_given(const struct onnx_node *node, int k)
{
    return k < node->in_count && k < NET_MAX_INPUTS && node->in[k].size > 0;
}

/* Input k as a tensor of the net, or NULL and a message. */
const struct onnx_value *onnx_tensor_input(struct onnx_reader *r, const struct onnx_node *node,
                                           int k)
{
    const struct onnx_value *value = onnx_input(r, node, k);
    if (value == NULL || value->tensor < 0) {
        net_fail(r->net, "input %d is missing or a constant", k + 1);
        return NULL;
    }
    return value;
}

/* The same where the channels must be what the operator sees as axis 1. */
const struct onnx_value *onnx_image_input(struct onnx_reader *r, const struct onnx_node *node,
                                          int k)
{
    const struct onnx_value *value = onnx_tensor_input(r, node, k);
    if (value == NULL || !value->flat)
        return value;
    const struct net_tensor *t = &r->net->tensors[value->tensor];
    if (t->h == 1 && t->w == 1)
        return value;
    net_fail(r->net, "a flattened picture as input %d is not supported", k + 1);
    return NULL;
}

/* Input k as constant floats; `count` of them unless that is -1. */
const struct onnx_tensor *onnx_float_input(struct onnx_reader *r, const struct onnx_node *node,
                                           int k, int count)
{
    const struct onnx_value *value = onnx_input(r, node, k);
    if (value == NULL || value->tensor >= 0 || value->constant.type != ONNX_FLOAT) {
        net_fail(r->net, "input %d is not a float constant", k + 1);
        return NULL;
    }
    if (count >= 0 && value->constant.count != count) {
        net_fail(r->net, "input %d has %d elements where %d are needed", k + 1,
                 value->constant.count, count);
        return NULL;
    }
    return &value->constant;
}

bool onnx_define_tensor(struct onnx_reader *r, const struct onnx_node *node, int tensor,
                        bool flat)
{
    return onnx_define(r, node->out, (struct onnx_value){ .tensor = tensor, .flat = flat });
}

bool onnx_add_layer(struct onnx_reader *r, const struct onnx_node *node, struct net_layer *layer,
                    bool flat)
{
    pb_text(node->out, layer->name, sizeof layer->name);
    return net_add(r->net, layer) && onnx_define_tensor(r, node, layer->out, flat);
}

/* ---------------------------------------------------------------------- no work at run time - */

/* The output is the input under another name. */
static bool alias(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_value *x = onnx_tensor_input(r, node, 0);
    return x != NULL && onnx_define_tensor(r, node, x->tensor, x->flat);
}

/* The picture's bytes become floats on their way in; no other conversion is known. */
static bool cast(struct onnx_reader *r, const struct onnx_node *node)
{
    if (onnx_int(node, "to", 0) != ONNX_FLOAT)
        return net_fail(r->net, "only a cast to float is supported");
    return alias(r, node);
}

static bool flatten(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_value *x = onnx_tensor_input(r, node, 0);
    if (x == NULL)
        return false;
    if (onnx_int(node, "axis", 1) != 1)
        return net_fail(r->net, "only axis 1 is supported");
    return onnx_define_tensor(r, node, x->tensor, true);
}

/* To [N, everything], or to the shape that the value has anyway. */
static bool reshape(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_value *x = onnx_tensor_input(r, node, 0), *to = onnx_input(r, node, 1);
    if (x == NULL)
        return false;
    if (to == NULL || to->tensor >= 0 || to->constant.type != ONNX_INT64)
        return net_fail(r->net, "the shape is not a constant");
    const struct net_tensor *t = &r->net->tensors[x->tensor];
    const int64_t own[4] = { -1, t->c, t->h, t->w }, *dims = to->constant.ints;
    const int rank = to->constant.count;
    if (rank == 2 && (dims[1] == -1 || dims[1] == (int64_t)t->c * t->h * t->w))
        return onnx_define_tensor(r, node, x->tensor, true);
    bool same = rank == 4 && (!x->flat || (t->h == 1 && t->w == 1));
    for (int d = 1; same && d < 4; d++)
        same = dims[d] == own[d] || (dims[d] == 0 && !x->flat);
    if (!same)
        return net_fail(r->net, "only a reshape to [N, -1] is supported");
    return onnx_define_tensor(r, node, x->tensor, false);
}

/* -------------------------------------------------------------------------- activations ----- */

static bool activate(struct onnx_reader *r, const struct onnx_node *node, hew_act act)
{
    const struct onnx_value *x = onnx_tensor_input(r, node, 0);
    if (x == NULL)
        return false;
    struct net_layer layer = net_layer_default(NET_ACT, x->tensor);
    layer.act = act;
    return onnx_add_layer(r, node, &layer, x->flat);
}

static bool simple_activation(struct onnx_reader *r, const struct onnx_node *node)
{
    static const struct {
        const char *name;
        hew_act_kind kind;
    } kinds[] = {
        { "Relu", HEW_ACT_RELU }, { "Sigmoid", HEW_ACT_SIGMOID }, { "Tanh", HEW_ACT_TANH },
        { "HardSwish", HEW_ACT_HARDSWISH }, { "Mish", HEW_ACT_MISH },
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (pb_is(node->op, kinds[i].name))
            return activate(r, node, (hew_act){ .kind = kinds[i].kind });
    return false;
}

/* In Hew zero parameters stand for the defaults, so a true zero needs a second look. */
static bool parametric_activation(struct onnx_reader *r, const struct onnx_node *node)
{
    if (pb_is(node->op, "Gelu")) {
        const bool tanh_form = pb_is(onnx_string(node, "approximate"), "tanh");
        return activate(r, node, (hew_act){ tanh_form ? HEW_ACT_GELU_TANH : HEW_ACT_GELU_ERF,
                                            0.0f, 0.0f });
    }
    const bool hard = pb_is(node->op, "HardSigmoid"), elu = pb_is(node->op, "Elu");
    hew_act act = {
        hard ? HEW_ACT_HARDSIGMOID : elu ? HEW_ACT_ELU : HEW_ACT_LEAKY_RELU,
        onnx_float(node, "alpha", hard ? 0.2f : elu ? 1.0f : 0.01f),
        hard ? onnx_float(node, "beta", 0.5f) : 0.0f,
    };
    if (act.alpha == 0.0f && hard)
        return net_fail(r->net, "alpha = 0 is not supported");
    if (act.alpha == 0.0f)
        act.kind = HEW_ACT_RELU;
    return activate(r, node, act);
}

/* Clip's bounds are inputs since opset 11, attributes before. */
static bool clip(struct onnx_reader *r, const struct onnx_node *node)
{
    static const char *const names[2] = { "min", "max" };
    float bound[2] = { -3.402823466e38f, 3.402823466e38f };
    for (int i = 0; i < 2; i++) {
        bound[i] = onnx_float(node, names[i], bound[i]);
        if (!onnx_given(node, i + 1))
            continue;
        const struct onnx_tensor *c = onnx_float_input(r, node, i + 1, 1);
        if (c == NULL)
            return false;
        bound[i] = c->floats[0];
    }
    if (bound[0] == 0.0f && bound[1] == 0.0f)
        return net_fail(r->net, "bounds 0 and 0 are not supported");
    return activate(r, node, (hew_act){ HEW_ACT_CLIP, bound[0], bound[1] });
}

/* ------------------------------------------------------------------------------- others ----- */

static bool concat(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_value *x = onnx_image_input(r, node, 0);
    if (x == NULL)
        return false;
    if (node->in_count > NET_MAX_INPUTS)
        return net_fail(r->net, "more than %d inputs", NET_MAX_INPUTS);
    const int64_t axis = onnx_int(node, "axis", 1);
    if (axis != 1 && axis != (x->flat ? -1 : -3))
        return net_fail(r->net, "only concatenation of channels (axis 1) is supported");
    struct net_layer layer = net_layer_default(NET_CONCAT, x->tensor);
    for (int i = 1; i < node->in_count; i++) {
        const struct onnx_value *next = onnx_image_input(r, node, i);
        if (next == NULL)
            return false;
        layer.in[layer.in_count++] = next->tensor;
    }
    return onnx_add_layer(r, node, &layer, x->flat);
}

static bool softmax(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_value *x = onnx_image_input(r, node, 0);
    if (x == NULL)
        return false;
    const struct net_tensor *t = &r->net->tensors[x->tensor];
    const int64_t axis = onnx_int(node, "axis", r->opset < 13 ? 1 : -1);
    if (t->h != 1 || t->w != 1 || (axis != 1 && !(axis == -1 && x->flat)))
        return net_fail(r->net, "only a softmax over the channels of [N, C] is supported");
    struct net_layer layer = net_layer_default(NET_SOFTMAX, x->tensor);
    return onnx_add_layer(r, node, &layer, x->flat);
}

/* -------------------------------------------------------------------------------- table ----- */

static const struct {
    const char *name;
    bool (*convert)(struct onnx_reader *, const struct onnx_node *);
} operators[] = {
    { "Conv", onnx_conv },
    { "MaxPool", onnx_pool },
    { "AveragePool", onnx_pool },
    { "Pad", onnx_pad },
    { "GlobalAveragePool", onnx_global_pool },
    { "ReduceMean", onnx_global_pool },
    { "Gemm", onnx_linear },
    { "MatMul", onnx_linear },
    { "BatchNormalization", onnx_batch_norm },
    { "Add", onnx_binary },
    { "Sub", onnx_binary },
    { "Mul", onnx_binary },
    { "Div", onnx_binary },
    { "Relu", simple_activation },
    { "Sigmoid", simple_activation },
    { "Tanh", simple_activation },
    { "HardSwish", simple_activation },
    { "Mish", simple_activation },
    { "LeakyRelu", parametric_activation },
    { "Elu", parametric_activation },
    { "HardSigmoid", parametric_activation },
    { "Gelu", parametric_activation },
    { "Clip", clip },
    { "Concat", concat },
    { "Softmax", softmax },
    { "Flatten", flatten },
    { "Reshape", reshape },
    { "Cast", cast },
    { "Identity", alias },
    { "Dropout", alias },
    { "Constant", onnx_constant },
};

/* Puts the node in front of what went wrong in it. */
static bool blame(struct net *net, const struct onnx_node *node)
{
    char op[32], name[48], reason[160];
    pb_text(node->op, op, sizeof op);
    pb_text(node->name.size ? node->name : node->out, name, sizeof name);
    snprintf(reason, sizeof reason, "%.150s", net->error);
    return net_fail(net, "onnx: %s '%s': %s", op, name, reason);
}

bool onnx_convert(struct onnx_reader *r, const struct onnx_node *node)
{
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
        if (pb_is(node->op, operators[i].name))
            return operators[i].convert(r, node) || blame(r->net, node);
    net_fail(r->net, "this operator is not supported");
    return blame(r->net, node);
}
