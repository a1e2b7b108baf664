/* The ONNX operators that have weights or windows, as layers. */
#include "onnx.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ----------------------------------------------------------------- windows: Conv, pools ----- */

/* A spatial attribute of `want` numbers, each an extent; the defaults stay where there is none. */
static bool extents(struct onnx_reader *r, const struct onnx_node *node, const char *name,
                    int *out, int want)
{
    int64_t values[4];
    const int count = onnx_ints(node, name, values, 4);
    if (count == 0)
        return true;
    bool good = count == want;
    for (int i = 0; good && i < want; i++) {
        good = values[i] >= 0 && values[i] <= NET_MAX_ELEMENTS;
        out[i] = good ? (int)values[i] : 0;
    }
    return good ? true : net_fail(r->net, "attribute '%s' must be %d extents (2-D)", name, want);
}

/* auto_pad SAME_*: as many windows as there are strides; the odd element goes to the named end. */
static void pad_same(struct net_layer *l, const struct net_tensor *in, bool upper)
{
    const int extent[2] = { in->h, in->w };
    for (int d = 0; d < 2; d++) {
        const int64_t s = l->stride[d] > 0 ? l->stride[d] : 1;
        const int64_t out = (extent[d] + s - 1) / s;
        const int64_t span = ((int64_t)l->kernel[d] - 1) * l->dilation[d] + 1;
        const int64_t pad = (out - 1) * s + span - extent[d];
        const int total = pad > 0 && pad <= NET_MAX_ELEMENTS ? (int)pad : 0;
        l->pad_lo[d] = upper ? total / 2 : total - total / 2;
        l->pad_hi[d] = total - l->pad_lo[d];
    }
}

static bool read_window(struct onnx_reader *r, const struct onnx_node *node, struct net_layer *l)
{
    int pads[4] = { 0 };
    if (!extents(r, node, "kernel_shape", l->kernel, 2)
        || !extents(r, node, "strides", l->stride, 2)
        || !extents(r, node, "dilations", l->dilation, 2) || !extents(r, node, "pads", pads, 4))
        return false;
    for (int d = 0; d < 2; d++) {
        l->pad_lo[d] = pads[d];
        l->pad_hi[d] = pads[2 + d];
    }
    const struct pb_bytes mode = onnx_string(node, "auto_pad");
    if (pb_is(mode, "SAME_UPPER") || pb_is(mode, "SAME_LOWER"))
        pad_same(l, &r->net->tensors[l->in[0]], pb_is(mode, "SAME_UPPER"));
    else if (mode.size > 0 && !pb_is(mode, "NOTSET") && !pb_is(mode, "VALID"))
        return net_fail(r->net, "an unknown auto_pad");
    return true;
}

static float *copy_floats(const float *from, int count)
{
    float *copy = malloc((size_t)count * sizeof(float) + 1);
    if (copy != NULL && count > 0)
        memcpy(copy, from, (size_t)count * sizeof(float));
    return copy;
}

bool onnx_conv(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_value *x = onnx_image_input(r, node, 0);
    const struct onnx_tensor *w = x ? onnx_float_input(r, node, 1, -1) : NULL, *b = NULL;
    if (w == NULL)
        return false;
    if (w->rank != 4 || w->dims[0] < 1)
        return net_fail(r->net, "weights of rank %d (only 2-D convolution is supported)", w->rank);
    if (onnx_given(node, 2) && (b = onnx_float_input(r, node, 2, (int)w->dims[0])) == NULL)
        return false;

    struct net_layer layer = net_layer_default(NET_CONV, x->tensor);
    const int64_t groups = onnx_int(node, "group", 1);
    layer.kernel[0] = (int)w->dims[2];
    layer.kernel[1] = (int)w->dims[3];
    if (!read_window(r, node, &layer))
        return false;
    layer.out_c = (int)w->dims[0];
    layer.groups = groups > 0 && groups <= w->dims[0] ? (int)groups : 0;
    const int64_t in_c = r->net->tensors[x->tensor].c;
    if (layer.kernel[0] != w->dims[2] || layer.kernel[1] != w->dims[3] || layer.groups == 0
        || w->dims[1] * layer.groups != in_c || net_weight_count(r->net, &layer) != w->count)
        return net_fail(r->net, "weights don't fit the kernel, the groups or the %d input channels",
                        (int)in_c);
    layer.weights = copy_floats(w->floats, w->count);
    layer.bias = b ? copy_floats(b->floats, b->count) : NULL;
    return onnx_add_layer(r, node, &layer, false);
}

bool onnx_pool(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_value *x = onnx_image_input(r, node, 0);
    if (x == NULL)
        return false;
    const bool max = pb_is(node->op, "MaxPool");
    struct net_layer layer = net_layer_default(max ? NET_MAXPOOL : NET_AVGPOOL, x->tensor);
    layer.ceil_mode = onnx_int(node, "ceil_mode", 0) != 0;
    layer.count_pad = onnx_int(node, "count_include_pad", 0) != 0;
    if (!read_window(r, node, &layer))
        return false;
    /* What hangs over the edge in ceil mode is not padding, and must not count: no such divisor. */
    if (!max && layer.ceil_mode && layer.count_pad)
        return net_fail(r->net, "ceil_mode with count_include_pad is not supported");
    return onnx_add_layer(r, node, &layer, false);
}

/* Zeros around a picture: a depthwise 1x1 convolution with weight 1 and this padding. */
bool onnx_pad(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_value *x = onnx_image_input(r, node, 0), *given = onnx_input(r, node, 1);
    if (x == NULL)
        return false;
    /* Rank-4 pads: four before, four after.  Since opset 11 they are an input. */
    int64_t pads[8] = { 0 };
    int count = onnx_ints(node, "pads", pads, 8);
    if (given != NULL && given->tensor < 0 && given->constant.type == ONNX_INT64) {
        count = given->constant.count;
        for (int i = 0; i < 8 && i < count; i++)
            pads[i] = given->constant.ints[i];
    }
    const struct pb_bytes mode = onnx_string(node, "mode");
    const struct onnx_tensor *fill = NULL;
    if (onnx_given(node, 2) && (fill = onnx_float_input(r, node, 2, 1)) == NULL)
        return false;
    bool good = count == 8 && (mode.size == 0 || pb_is(mode, "constant"))
                && (fill == NULL || fill->floats[0] == 0.0f)
                && onnx_float(node, "value", 0.0f) == 0.0f;
    for (int i = 0; i < 8; i++)
        good = good && pads[i] >= 0 && pads[i] <= (i % 4 < 2 ? 0 : NET_MAX_ELEMENTS);
    if (!good)
        return net_fail(r->net, "only zeros around height and width are supported");
    if (pads[2] + pads[3] + pads[6] + pads[7] == 0)
        return onnx_define_tensor(r, node, x->tensor, x->flat);

    struct net_layer layer = net_layer_default(NET_CONV, x->tensor);
    layer.groups = layer.out_c = r->net->tensors[x->tensor].c;
    layer.weights = malloc((size_t)layer.out_c * sizeof(float));
    for (int c = 0; layer.weights && c < layer.out_c; c++)
        layer.weights[c] = 1.0f;
    for (int d = 0; d < 2; d++) {
        layer.pad_lo[d] = (int)pads[2 + d];
        layer.pad_hi[d] = (int)pads[6 + d];
    }
    return onnx_add_layer(r, node, &layer, x->flat);
}

bool onnx_global_pool(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_value *x = onnx_image_input(r, node, 0);
    if (x == NULL)
        return false;
    bool flat = false;
    if (pb_is(node->op, "ReduceMean")) {
        /* Since opset 18 the axes are an input. */
        int64_t axes[4] = { 0 };
        int count = onnx_ints(node, "axes", axes, 4);
        const struct onnx_value *given_axes = onnx_input(r, node, 1);
        if (given_axes != NULL && given_axes->tensor < 0
            && given_axes->constant.type == ONNX_INT64) {
            count = given_axes->constant.count;
            for (int i = 0; i < 2 && i < count; i++)
                axes[i] = given_axes->constant.ints[i];
        }
        const int64_t a = axes[0] < 0 ? axes[0] + 4 : axes[0];
        const int64_t b = axes[1] < 0 ? axes[1] + 4 : axes[1];
        if (count != 2 || a + b != 5 || a * b != 6)
            return net_fail(r->net, "only the mean over height and width is supported");
        flat = onnx_int(node, "keepdims", 1) == 0;
    }
    struct net_layer layer = net_layer_default(NET_GLOBAL_AVGPOOL, x->tensor);
    return onnx_add_layer(r, node, &layer, flat);
}

/* ----------------------------------------------------------------- linear: Gemm, MatMul ----- */

/* Row o of the result reads the tensor as it lies here: h, w, c; ONNX flattened it as c, h, w. */
static float *linear_weights(const struct net_tensor *t, const struct onnx_tensor *w,
                             bool transposed, int out_c, float alpha)
{
    const int pixels = t->h * t->w, k = pixels * t->c;
    float *to = malloc((size_t)w->count * sizeof(float) + 1);
    for (int o = 0; to != NULL && o < out_c; o++)
        for (int p = 0; p < pixels; p++)
            for (int c = 0; c < t->c; c++) {
                const size_t row = (size_t)c * (size_t)pixels + (size_t)p;
                const size_t from = transposed ? (size_t)o * (size_t)k + row
                                               : row * (size_t)out_c + (size_t)o;
                to[((size_t)o * (size_t)pixels + (size_t)p) * (size_t)t->c + (size_t)c] =
                    alpha * w->floats[from];
            }
    return to;
}

bool onnx_linear(struct onnx_reader *r, const struct onnx_node *node)
{
    const bool gemm = pb_is(node->op, "Gemm");
    const bool transposed = gemm && onnx_int(node, "transB", 0) != 0;
    const struct onnx_value *x = onnx_tensor_input(r, node, 0);
    const struct onnx_tensor *w = x ? onnx_float_input(r, node, 1, -1) : NULL, *b = NULL;
    if (w == NULL)
        return false;
    if (gemm && onnx_int(node, "transA", 0) != 0)
        return net_fail(r->net, "a transposed A is not supported");
    const struct net_tensor *t = &r->net->tensors[x->tensor];
    const int64_t k = (int64_t)t->h * t->w * t->c;
    if (!x->flat || w->rank != 2 || w->dims[transposed ? 1 : 0] != k)
        return net_fail(r->net, "the matrix doesn't fit its %d inputs", (int)k);
    const int out_c = (int)w->dims[transposed ? 0 : 1];
    if (out_c < 1)
        return net_fail(r->net, "an empty matrix");
    if (gemm && onnx_given(node, 2) && (b = onnx_float_input(r, node, 2, out_c)) == NULL)
        return false;

    struct net_layer layer = net_layer_default(NET_LINEAR, x->tensor);
    layer.out_c = out_c;
    layer.weights = linear_weights(t, w, transposed, out_c,
                                   gemm ? onnx_float(node, "alpha", 1.0f) : 1.0f);
    layer.bias = b ? copy_floats(b->floats, b->count) : NULL;
    const float beta = gemm ? onnx_float(node, "beta", 1.0f) : 1.0f;
    for (int i = 0; layer.bias && i < out_c; i++)
        layer.bias[i] *= beta;
    return onnx_add_layer(r, node, &layer, true);
}

/* ---------------------------------------------------- per channel: Add, Sub, Mul, Div ------- */

/* Whether a constant has one value, or one for each channel along the channels' axis. */
static bool per_channel(const struct onnx_tensor *c, bool flat, int channels)
{
    const int axis = flat ? c->rank - 1 : c->rank - 3;
    return c->count == 1 || (c->count == channels && axis >= 0 && c->dims[axis] == channels);
}

static bool convert_with_constant(struct onnx_reader *r, const struct onnx_node *node, int side)
{
    const struct onnx_value *x = onnx_image_input(r, node, 1 - side);
    const struct onnx_tensor *c = x ? onnx_float_input(r, node, side, -1) : NULL;
    if (c == NULL)
        return false;
    const int channels = r->net->tensors[x->tensor].c;
    const bool div = pb_is(node->op, "Div"), sub = pb_is(node->op, "Sub");
    if (!per_channel(c, x->flat, channels) || (div && side == 0))
        return net_fail(r->net, "only one constant, or one for each channel, is supported");
    double *scale = malloc(2 * (size_t)channels * sizeof(double));
    if (scale == NULL)
        return net_fail(r->net, "out of memory");
    double *shift = scale + channels;
    for (int i = 0; i < channels; i++) {
        const double v = c->floats[c->count == 1 ? 0 : i];
        const bool product = div || pb_is(node->op, "Mul");
        scale[i] = div ? 1.0 / v : product ? v : sub && side == 0 ? -1.0 : 1.0;
        shift[i] = product ? 0.0 : sub && side == 1 ? -v : v;
    }
    int out;
    const bool good = net_add_affine(r->net, x->tensor, scale, shift, &out)
                      && onnx_define_tensor(r, node, out, x->flat);
    free(scale);
    return good;
}

/* The activation layer that makes a tensor, or NULL. */
static const struct net_layer *activation_of(const struct net *net, int tensor)
{
    for (int i = 0; i < net->layer_count; i++)
        if (net->layers[i].out == tensor && net->layers[i].op == NET_ACT)
            return &net->layers[i];
    return NULL;
}

/* x * sigmoid(x) and x * hardsigmoid(x) are how exporters write SiLU and hard swish. */
static bool gate(struct onnx_reader *r, const struct onnx_node *node, const struct onnx_value *a,
                 const struct onnx_value *b)
{
    for (int side = 0; side < 2; side++) {
        const struct onnx_value *x = side ? b : a, *gated = side ? a : b;
        const struct net_layer *l = activation_of(r->net, gated->tensor);
        if (l == NULL || l->in[0] != x->tensor)
            continue;
        const bool swish = l->act.kind == HEW_ACT_HARDSIGMOID
                           && fabsf(l->act.alpha - 1.0f / 6.0f) < 1e-6f && l->act.beta == 0.5f;
        if (!swish && l->act.kind != HEW_ACT_SIGMOID)
            continue;
        struct net_layer layer = net_layer_default(NET_ACT, x->tensor);
        layer.act.kind = swish ? HEW_ACT_HARDSWISH : HEW_ACT_SILU;
        return onnx_add_layer(r, node, &layer, x->flat);
    }
    return net_fail(r->net, "of two tensors only x * sigmoid(x) is supported");
}

bool onnx_binary(struct onnx_reader *r, const struct onnx_node *node)
{
    for (int side = 0; side < 2; side++) {
        const struct onnx_value *value = onnx_input(r, node, side);
        if (value != NULL && value->tensor < 0)
            return convert_with_constant(r, node, side);
    }
    const struct onnx_value *a = onnx_tensor_input(r, node, 0);
    const struct onnx_value *b = a ? onnx_tensor_input(r, node, 1) : NULL;
    if (b == NULL)
        return false;
    if (pb_is(node->op, "Mul"))
        return gate(r, node, a, b);
    if (!pb_is(node->op, "Add"))
        return net_fail(r->net, "only a constant operand is supported");
    if (a->flat != b->flat)
        return net_fail(r->net, "a flattened value and a picture don't add");
    struct net_layer layer = net_layer_default(NET_ADD, a->tensor);
    layer.in[layer.in_count++] = b->tensor;
    return onnx_add_layer(r, node, &layer, a->flat);
}

bool onnx_batch_norm(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_value *x = onnx_image_input(r, node, 0);
    if (x == NULL)
        return false;
    const int channels = r->net->tensors[x->tensor].c;
    const struct onnx_tensor *p[4];      /* scale, B, mean, variance */
    for (int i = 0; i < 4; i++)
        if ((p[i] = onnx_float_input(r, node, i + 1, channels)) == NULL)
            return false;
    double *scale = malloc(2 * (size_t)channels * sizeof(double));
    if (scale == NULL)
        return net_fail(r->net, "out of memory");
    double *shift = scale + channels;
    const double epsilon = onnx_float(node, "epsilon", 1e-5f);
    for (int i = 0; i < channels; i++) {
        scale[i] = p[0]->floats[i] / sqrt(p[3]->floats[i] + epsilon);
        shift[i] = p[1]->floats[i] - p[2]->floats[i] * scale[i];
    }
    int out;
    const bool good = net_add_affine(r->net, x->tensor, scale, shift, &out)
                      && onnx_define_tensor(r, node, out, x->flat);
    free(scale);
    return good;
}
