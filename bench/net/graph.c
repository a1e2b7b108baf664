/* Building a net: shapes are inferred, and everything is checked, as each layer is appended. */
#include "graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool net_fail(struct net *net, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(net->error, sizeof net->error, format, args);
    va_end(args);
    return false;
}

/* Arrays grow by doubling, at the powers of two of their count. */
static bool grow(void **array, int count, size_t element)
{
    if (count > 0 && (count & (count - 1)) != 0)
        return true;
    void *larger = realloc(*array, (count ? 2 * (size_t)count : 1) * element);
    if (larger == NULL)
        return false;
    *array = larger;
    return true;
}

static bool shape_fits(int h, int w, int c)
{
    const int limit = NET_MAX_ELEMENTS;
    return h > 0 && w > 0 && c > 0 && h <= limit && w <= limit / h && c <= limit / (h * w);
}

static int add_tensor(struct net *net, int h, int w, int c)
{
    if (!shape_fits(h, w, c)) {
        net_fail(net, "tensor of %d x %d x %d is empty or too large", h, w, c);
        return -1;
    }
    if (!grow((void **)&net->tensors, net->tensor_count, sizeof *net->tensors)) {
        net_fail(net, "out of memory");
        return -1;
    }
    net->tensors[net->tensor_count] = (struct net_tensor){ .h = h, .w = w, .c = c, .parent = -1 };
    return net->tensor_count++;
}

bool net_begin(struct net *net, int h, int w, int c)
{
    *net = (struct net){ .output = -1, .logits = -1 };
    if (c < 1 || c > NET_MAX_CHANNELS)
        return net_fail(net, "pictures of %d channels (at most %d)", c, NET_MAX_CHANNELS);
    for (int i = 0; i < NET_MAX_CHANNELS; i++)
        net->in_scale[i] = 1.0f;
    return add_tensor(net, h, w, c) == 0;
}

struct net_layer net_layer_default(enum net_op op, int in)
{
    return (struct net_layer){
        .op = op, .in = { in }, .in_count = 1, .kernel = { 1, 1 }, .stride = { 1, 1 },
        .dilation = { 1, 1 }, .groups = 1,
    };
}

int net_weight_count(const struct net *net, const struct net_layer *layer)
{
    const struct net_tensor *in = &net->tensors[layer->in[0]];
    int count = layer->out_c;
    if (count <= 0)
        return 0;
    const bool conv = layer->op == NET_CONV;
    const int factors[3] = {
        conv ? layer->kernel[0] : in->h,
        conv ? layer->kernel[1] : in->w,
        conv && layer->groups > 0 ? in->c / layer->groups : in->c,
    };
    for (int i = 0; i < 3; i++) {
        if (factors[i] <= 0 || count > NET_MAX_ELEMENTS / factors[i])
            return 0;
        count *= factors[i];
    }
    return count;
}

static bool in_range(int value, int least)
{
    return value >= least && value <= NET_MAX_ELEMENTS;
}

/* Output extent of a window along axis d, or 0 where it doesn't fit. */
static int window_extent(const struct net_layer *l, int d, int in)
{
    if (!in_range(l->kernel[d], 1) || !in_range(l->stride[d], 1) || !in_range(l->dilation[d], 1)
        || !in_range(l->pad_lo[d], 0) || !in_range(l->pad_hi[d], 0))
        return 0;
    const int64_t span = (int64_t)(l->kernel[d] - 1) * l->dilation[d] + 1;
    const int64_t padded = (int64_t)in + l->pad_lo[d] + l->pad_hi[d];
    if (padded < span)
        return 0;
    const int64_t steps = padded - span, s = l->stride[d];
    int64_t out = steps / s + 1;
    /* ceil mode: one more window for the remainder, unless it would begin past the input. */
    if (l->ceil_mode && steps % s != 0 && out * s < in + l->pad_lo[d])
        out++;
    return (int)out;
}

static bool infer_window(struct net *net, const struct net_layer *l, int shape[3])
{
    const struct net_tensor *in = &net->tensors[l->in[0]];
    shape[0] = window_extent(l, 0, in->h);
    shape[1] = window_extent(l, 1, in->w);
    if (shape[0] == 0 || shape[1] == 0)
        return net_fail(net, "%s: window %d x %d doesn't fit its input of %d x %d", l->name,
                        l->kernel[0], l->kernel[1], in->h, in->w);
    if (l->op != NET_CONV)
        return true;
    if (!in_range(l->groups, 1) || !in_range(l->out_c, 1) || in->c % l->groups != 0
        || l->out_c % l->groups != 0)
        return net_fail(net, "%s: %d groups don't divide %d input and %d output channels",
                        l->name, l->groups, in->c, l->out_c);
    shape[2] = l->out_c;
    return true;
}

static bool same_shape(const struct net_tensor *a, int h, int w, int c)
{
    return a->h == h && a->w == w && a->c == c;
}

static bool infer_concat(struct net *net, const struct net_layer *l, int shape[3])
{
    shape[2] = 0;
    for (int i = 0; i < l->in_count; i++) {
        const struct net_tensor *in = &net->tensors[l->in[i]];
        if (in->h != shape[0] || in->w != shape[1])
            return net_fail(net, "%s: concat of %d x %d and %d x %d", l->name, shape[0],
                            shape[1], in->h, in->w);
        if (shape[2] > NET_MAX_ELEMENTS - in->c)
            return net_fail(net, "%s: too many channels", l->name);
        shape[2] += in->c;
    }
    return true;
}

/* The output's h, w, c.  The inputs are known to exist. */
static bool infer(struct net *net, const struct net_layer *l, int shape[3])
{
    const struct net_tensor *in = &net->tensors[l->in[0]];
    shape[0] = in->h, shape[1] = in->w, shape[2] = in->c;
    switch (l->op) {
    case NET_CONV:
    case NET_MAXPOOL:
    case NET_AVGPOOL:
        return infer_window(net, l, shape);
    case NET_LINEAR:
        shape[2] = l->out_c;
        /* fall through */
    case NET_GLOBAL_AVGPOOL:
        shape[0] = shape[1] = 1;
        return true;
    case NET_CONCAT:
        return infer_concat(net, l, shape);
    case NET_ADD:
    case NET_ACT:
    case NET_SOFTMAX:
        return true;
    }
    return net_fail(net, "%s: unknown operation %d", l->name, (int)l->op);
}

static bool check_inputs(struct net *net, const struct net_layer *l)
{
    const int most = l->op == NET_CONCAT ? NET_MAX_INPUTS
                        : l->op == NET_CONV || l->op == NET_ADD ? 2 : 1;
    const int least = l->op == NET_ADD ? 2 : 1;
    if (l->in_count < least || l->in_count > most)
        return net_fail(net, "%s: %d inputs (%d to %d expected)", l->name, l->in_count, least,
                        most);
    for (int i = 0; i < l->in_count; i++)
        if (l->in[i] < 0 || l->in[i] >= net->tensor_count)
            return net_fail(net, "%s: no tensor %d yet", l->name, l->in[i]);
    return true;
}

static bool check_layer(struct net *net, const struct net_layer *l, int shape[3])
{
    if (net->layer_count >= NET_MAX_LAYERS)
        return net_fail(net, "more than %d layers", NET_MAX_LAYERS);
    if (!check_inputs(net, l) || !infer(net, l, shape))
        return false;
    const bool weighted = l->op == NET_CONV || l->op == NET_LINEAR;
    if (weighted && (l->weights == NULL || net_weight_count(net, l) == 0))
        return net_fail(net, "%s: no weights, or too many", l->name);
    const bool residual = (l->op == NET_CONV && l->in_count == 2) || l->op == NET_ADD;
    if (residual && !same_shape(&net->tensors[l->in[1]], shape[0], shape[1], shape[2]))
        return net_fail(net, "%s: the shapes added differ (broadcasting is not supported)",
                        l->name);
    return true;
}

bool net_add(struct net *net, struct net_layer *layer)
{
    if (layer->name[0] == '\0')
        snprintf(layer->name, sizeof layer->name, "layer %d", net->layer_count + 1);
    int shape[3] = { 0 };
    bool good = check_layer(net, layer, shape);
    if (good && !grow((void **)&net->layers, net->layer_count, sizeof *net->layers))
        good = net_fail(net, "out of memory");
    if (good)
        good = (layer->out = add_tensor(net, shape[0], shape[1], shape[2])) >= 0;
    if (!good) {
        free(layer->weights);
        free(layer->bias);
        return false;
    }
    net->layers[net->layer_count++] = *layer;
    return true;
}

bool net_add_affine(struct net *net, int in, const double *scale, const double *shift, int *out)
{
    const int c = net->tensors[in].c;
    struct net_layer layer = net_layer_default(NET_CONV, in);
    layer.groups = layer.out_c = c;
    layer.weights = malloc((size_t)c * sizeof(float));
    layer.bias = malloc((size_t)c * sizeof(float));
    for (int i = 0; layer.weights && layer.bias && i < c; i++) {
        layer.weights[i] = (float)scale[i];
        layer.bias[i] = (float)shift[i];
    }
    if (layer.bias == NULL) {
        free(layer.weights);
        return net_fail(net, "out of memory");
    }
    if (!net_add(net, &layer))
        return false;
    *out = layer.out;
    return true;
}

bool net_is_affine(const struct net *net, const struct net_layer *l)
{
    const struct net_tensor *in = &net->tensors[l->in[0]], *out = &net->tensors[l->out];
    return l->op == NET_CONV && l->in_count == 1 && l->groups == in->c && l->out_c == in->c
           && l->kernel[0] == 1 && l->kernel[1] == 1 && same_shape(out, in->h, in->w, in->c)
           && l->pad_lo[0] == 0 && l->pad_lo[1] == 0;
}

bool net_end(struct net *net, int output)
{
    if (net->layer_count == 0)
        return net_fail(net, "the graph has no layers");
    if (output < 0 || output >= net->tensor_count)
        return net_fail(net, "the graph's output is made by no layer");
    net->output = net->logits = output;
    for (int i = 0; i < net->layer_count; i++)
        if (net->layers[i].out == output && net->layers[i].op == NET_SOFTMAX)
            net->logits = net->layers[i].in[0];
    const struct net_tensor *logits = &net->tensors[net->logits];
    if (net->logits == 0 || logits->h != 1 || logits->w != 1)
        return net_fail(net, "the output is %d x %d x %d, not one score for each class",
                        logits->h, logits->w, logits->c);
    return true;
}

static void forget_classes(struct net *net)
{
    for (int i = 0; i < net->class_count; i++)
        free(net->classes[i]);
    free(net->classes);
    net->classes = NULL;
    net->class_count = 0;
}

bool net_name_classes(struct net *net, const char *text, size_t size)
{
    forget_classes(net);
    for (size_t at = 0; at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        const size_t length = end ? (size_t)(end - text) - at : size - at;
        if (length > 0) {
            char **longer = realloc(net->classes, (size_t)(net->class_count + 1) * sizeof *longer);
            if (longer == NULL)
                return net_fail(net, "out of memory");
            net->classes = longer;
            if ((net->classes[net->class_count] = strndup(text + at, length)) == NULL)
                return net_fail(net, "out of memory");
            net->class_count++;
        }
        at += length + 1;
    }
    return true;
}

static void free_layer(struct net_layer *layer)
{
    hew_conv_destroy(layer->conv);
    hew_gemm_destroy(layer->gemm);
    hew_free(layer->packed);
    free(layer->scale);
    free(layer->weights);
    free(layer->bias);
}

void net_free(struct net *net)
{
    for (int i = 0; i < net->layer_count; i++)
        free_layer(&net->layers[i]);
    for (int i = 0; i < net->buffer_count; i++)
        hew_free(net->buffers[i]);
    forget_classes(net);
    free(net->buffers);
    free(net->entry);
    hew_free(net->scratch);
    free(net->layers);
    free(net->tensors);
    *net = (struct net){ .output = -1 };
}
