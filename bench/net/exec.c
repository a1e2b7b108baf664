/* Running a net: each layer is one call of Hew. */
#include "plan.h"
#include "types.h"

#include <stdlib.h>
#include <string.h>

#define MAX_BATCH 65536

static bool from_hew(struct net *net, const struct net_layer *l, hew_status status)
{
    if (status == HEW_OK)
        return true;
    return net_fail(net, "%s: %s: %s", l->name, hew_status_name(status), hew_last_error());
}

/* ------------------------------------------------------------------------------ prepare ----- */

static hew_status create_conv(struct net *net, struct net_layer *l)
{
    const struct net_tensor *in = &net->tensors[l->in[0]], *out = &net->tensors[l->out];
    const struct net_tensor *residual = l->in_count == 2 ? &net->tensors[l->in[1]] : out;
    return hew_conv_create(&l->conv, &HEW_CONV_DESC(
        .batch = net->batch, .in = { in->h, in->w }, .in_c = in->c, .out_c = l->out_c,
        .groups = l->groups, .kernel = { l->kernel[0], l->kernel[1] },
        .stride = { l->stride[0], l->stride[1] },
        .dilation = { l->dilation[0], l->dilation[1] },
        .pad_lo = { l->pad_lo[0], l->pad_lo[1] }, .pad_hi = { l->pad_hi[0], l->pad_hi[1] },
        .in_stride = in->row_stride, .out_stride = out->row_stride,
        .residual_stride = residual->row_stride, .in_type = in->type,
        .weight_type = net_type_of(net, l)->weights, .out_type = out->type,
        .residual_type = residual->type, .act = l->act));
}

static hew_status create_linear(struct net *net, struct net_layer *l)
{
    const struct net_tensor *in = &net->tensors[l->in[0]], *out = &net->tensors[l->out];
    const bool pixel = in->h == 1 && in->w == 1;
    const int k = in->h * in->w * in->c;
    return hew_gemm_create(&l->gemm, &HEW_GEMM_DESC(
        .m = net->batch, .n = l->out_c, .k = k, .transpose_b = true, .b_packed = true,
        .lda = pixel ? in->row_stride : k, .ldc = out->row_stride, .a_type = in->type,
        .b_type = net_type_of(net, l)->weights, .c_type = out->type, .act = l->act));
}

static size_t threads_of(const struct net *net)
{
    return net->threads ? net->threads->count : 1;
}

static bool pack(struct net *net, struct net_layer *l, size_t size)
{
    const struct net_tensor *in = &net->tensors[l->in[0]];
    if ((l->packed = hew_alloc(size)) == NULL)
        return net_fail(net, "no memory for %zu bytes of weights", size);
    void *weights = NULL;
    hew_status status = net_type_of(net, l)->convert(l, in, net_weight_count(net, l), &weights);
    if (status == HEW_OK)
        status = l->conv ? hew_conv_pack(l->conv, weights, l->packed)
                         : hew_gemm_pack(l->gemm, weights, l->packed);
    if (weights != l->weights)
        free(weights);
    free(l->weights);
    l->weights = NULL;
    return from_hew(net, l, status);
}

/* The operation, its packed weights, and what scratch it asks for. */
static bool create(struct net *net, struct net_layer *l, size_t *scratch)
{
    size_t packed = 0, need = 0;
    if (l->op == NET_CONV) {
        if (!from_hew(net, l, create_conv(net, l)))
            return false;
        packed = hew_conv_packed_size(l->conv);
        need = hew_conv_scratch_size(l->conv, threads_of(net));
    } else if (l->op == NET_LINEAR) {
        if (!from_hew(net, l, create_linear(net, l)))
            return false;
        packed = hew_gemm_packed_size(l->gemm);
        need = hew_gemm_scratch_size(l->gemm, threads_of(net));
    } else {
        return true;
    }
    *scratch = need > *scratch ? need : *scratch;
    return pack(net, l, packed);
}

/* The elements that the bytes of each channel become. */
static bool prepare_entry(struct net *net)
{
    const struct net_tensor *t = &net->tensors[0];
    const struct net_type *type = t->type == HEW_F32 ? &net_types[0] : net->type;
    const size_t size = net_element_size(t->type);
    if ((net->entry = malloc(256 * size * (size_t)t->c)) == NULL)
        return net_fail(net, "out of memory");
    for (int c = 0; c < t->c; c++) {
        float x[256];
        for (int byte = 0; byte < 256; byte++)
            x[byte] = (float)byte * net->in_scale[c] + net->in_shift[c];
        if (type->put(t, x, 256, (char *)net->entry + 256 * size * (size_t)c) != HEW_OK)
            return net_fail(net, "the picture: %s", hew_last_error());
    }
    return true;
}

bool net_prepare(struct net *net, int batch, const hew_threads *threads)
{
    if (batch < 1 || batch > MAX_BATCH || net->batch != 0)
        return net_fail(net, "a batch of %d, or a net prepared twice", batch);
    net->batch = batch;
    net->threads = threads;
    if (net->type == NULL && !net_choose_type(net, &net_types[0], NULL))
        return false;
    if (!net_plan_memory(net) || !prepare_entry(net))
        return false;
    size_t scratch = 0;
    for (int i = 0; i < net->layer_count; i++)
        if (!create(net, &net->layers[i], &scratch))
            return false;
    net->scratch = hew_alloc(scratch);
    return net->scratch ? true : net_fail(net, "no memory for %zu bytes of scratch", scratch);
}

/* ---------------------------------------------------------------------------------- run ----- */

static hew_status run_conv(const struct net *net, const struct net_layer *l)
{
    const struct net_tensor *in = &net->tensors[l->in[0]], *out = &net->tensors[l->out];
    const struct net_tensor *residual = l->in_count == 2 ? &net->tensors[l->in[1]] : NULL;
    return hew_conv_run(l->conv, &HEW_CONV_ARGS(
        .in = in->data, .packed = l->packed, .scale = l->scale, .bias = l->bias,
        .residual = residual ? residual->data : NULL, .out = out->data, .scratch = net->scratch,
        .threads = net->threads, .in_zero = in->zero, .out_zero = out->zero,
        .residual_zero = residual ? residual->zero : 0, .out_scale = out->scale,
        .residual_scale = residual ? residual->scale : 0.0f));
}

static hew_status run_linear(const struct net *net, const struct net_layer *l)
{
    const struct net_tensor *in = &net->tensors[l->in[0]], *out = &net->tensors[l->out];
    return hew_gemm_run(l->gemm, &HEW_GEMM_ARGS(
        .a = in->data, .packed_b = l->packed, .scale = l->scale, .bias = l->bias, .c = out->data,
        .scratch = net->scratch, .threads = net->threads, .a_zero = in->zero,
        .c_zero = out->zero, .c_scale = out->scale));
}

static hew_status run_pool(const struct net *net, const struct net_layer *l)
{
    const struct net_tensor *in = &net->tensors[l->in[0]], *out = &net->tensors[l->out];
    const bool global = l->op == NET_GLOBAL_AVGPOOL;
    hew_pooling_desc d = HEW_POOLING_DESC(
        .kind = l->op == NET_MAXPOOL ? HEW_POOLING_MAX
                : l->count_pad ? HEW_POOLING_AVG_PADDED : HEW_POOLING_AVG,
        .type = in->type, .batch = net->batch, .in = { in->h, in->w }, .channels = in->c,
        .global = global, .in_stride = in->row_stride, .out_stride = out->row_stride,
        .zero = in->zero);
    for (int i = 0; i < 2 && !global; i++) {
        d.kernel[i] = l->kernel[i];
        d.stride[i] = l->stride[i];
        d.dilation[i] = l->dilation[i];
        d.pad_lo[i] = l->pad_lo[i];
        d.pad_hi[i] = l->pad_hi[i];
        d.ceil_mode = l->ceil_mode;
    }
    return hew_pooling(&d, in->data, out->data, net->threads);
}

static hew_status run_softmax(const struct net *net, const struct net_layer *l)
{
    const struct net_tensor *in = &net->tensors[l->in[0]], *out = &net->tensors[l->out];
    return hew_softmax(&HEW_SOFTMAX_DESC(.rows = (int64_t)net->batch * in->h * in->w,
                                         .columns = in->c, .in_stride = in->row_stride,
                                         .out_stride = out->row_stride),
                       in->data, out->data, net->threads);
}

/* Copies those inputs that could not be written into the output to begin with. */
static void run_concat(const struct net *net, const struct net_layer *l)
{
    const struct net_tensor *out = &net->tensors[l->out];
    const size_t pixels = (size_t)net->batch * (size_t)out->h * (size_t)out->w;
    const size_t size = net_element_size(out->type);
    char *to = out->data;
    for (int k = 0; k < l->in_count; k++) {
        const struct net_tensor *in = &net->tensors[l->in[k]];
        const char *from = in->data;
        for (size_t p = 0; from != to && p < pixels; p++)
            memcpy(to + p * (size_t)out->row_stride * size,
                   from + p * (size_t)in->row_stride * size, (size_t)in->c * size);
        to += (size_t)in->c * size;
    }
}

hew_status net_run_layer(const struct net *net, const struct net_layer *l)
{
    switch (l->op) {
    case NET_CONV:
        return run_conv(net, l);
    case NET_LINEAR:
        return run_linear(net, l);
    case NET_MAXPOOL:
    case NET_AVGPOOL:
    case NET_GLOBAL_AVGPOOL:
        return run_pool(net, l);
    case NET_SOFTMAX:
        return run_softmax(net, l);
    case NET_CONCAT:
        run_concat(net, l);
        return HEW_OK;
    case NET_ADD:
    case NET_ACT:
        break;          /* net_fuse has turned them into convolutions */
    }
    return HEW_ERR_UNSUPPORTED;
}

void net_input(struct net *net, int n, const uint8_t *pixels)
{
    const struct net_tensor *t = &net->tensors[0];
    const size_t c = (size_t)t->c, row = (size_t)t->row_stride, count = (size_t)t->h * (size_t)t->w;
    const size_t size = net_element_size(t->type);
    const char *entry = net->entry;
    char *to = (char *)t->data + (size_t)n * count * row * size;
    for (size_t p = 0; p < count; p++)
        for (size_t i = 0; i < c; i++)
            memcpy(to + (p * row + i) * size, entry + (256 * i + pixels[p * c + i]) * size, size);
}

const float *net_logits(const struct net *net, int n)
{
    const struct net_tensor *t = &net->tensors[net->logits];
    return (const float *)t->data + (size_t)n * (size_t)t->row_stride;
}

bool net_run_watched(struct net *net, net_watcher *seen, void *arg)
{
    for (int i = 0; i < net->layer_count; i++) {
        const struct net_layer *l = &net->layers[i];
        if (!from_hew(net, l, net_run_layer(net, l)))
            return false;
        if (seen != NULL)
            seen(arg, net, l);
    }
    return true;
}

bool net_run(struct net *net)
{
    return net_run_watched(net, NULL, NULL);
}
