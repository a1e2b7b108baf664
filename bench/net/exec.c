/* Running a net: each layer is one call of Hew. */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
        .residual_stride = residual->row_stride, .act = l->act));
}

static hew_status create_linear(struct net *net, struct net_layer *l)
{
    const struct net_tensor *in = &net->tensors[l->in[0]], *out = &net->tensors[l->out];
    const bool pixel = in->h == 1 && in->w == 1;
    const int k = in->h * in->w * in->c;
    return hew_gemm_create(&l->gemm, &HEW_GEMM_DESC(
        .m = net->batch, .n = l->out_c, .k = k, .transpose_b = true, .b_packed = true,
        .lda = pixel ? in->row_stride : k, .ldc = out->row_stride, .act = l->act));
}

static size_t threads_of(const struct net *net)
{
    return net->threads ? net->threads->count : 1;
}

/* The operation, its packed weights, and what scratch it asks for. */
static bool create(struct net *net, struct net_layer *l, size_t *scratch)
{
    size_t packed = 0, need = 0;
    hew_status status = HEW_OK;
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
    if ((l->packed = hew_alloc(packed)) == NULL)
        return net_fail(net, "no memory for %zu bytes of weights", packed);
    status = l->conv ? hew_conv_pack(l->conv, l->weights, l->packed)
                     : hew_gemm_pack(l->gemm, l->weights, l->packed);
    free(l->weights);
    l->weights = NULL;
    *scratch = need > *scratch ? need : *scratch;
    return from_hew(net, l, status);
}

bool net_prepare(struct net *net, int batch, const hew_threads *threads)
{
    if (batch < 1 || batch > MAX_BATCH || net->batch != 0)
        return net_fail(net, "a batch of %d, or a net prepared twice", batch);
    net->batch = batch;
    net->threads = threads;
    if (!net_plan_memory(net))
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
    return hew_conv_run(l->conv, &HEW_CONV_ARGS(
        .in = net->tensors[l->in[0]].data, .packed = l->packed, .bias = l->bias,
        .residual = l->in_count == 2 ? net->tensors[l->in[1]].data : NULL,
        .out = net->tensors[l->out].data, .scratch = net->scratch, .threads = net->threads));
}

static hew_status run_linear(const struct net *net, const struct net_layer *l)
{
    return hew_gemm_run(l->gemm, &HEW_GEMM_ARGS(
        .a = net->tensors[l->in[0]].data, .packed_b = l->packed, .bias = l->bias,
        .c = net->tensors[l->out].data, .scratch = net->scratch, .threads = net->threads));
}

static hew_status run_pool(const struct net *net, const struct net_layer *l)
{
    const struct net_tensor *in = &net->tensors[l->in[0]], *out = &net->tensors[l->out];
    const bool global = l->op == NET_GLOBAL_AVGPOOL;
    hew_pooling_desc d = HEW_POOLING_DESC(
        .kind = l->op == NET_MAXPOOL ? HEW_POOLING_MAX
                : l->count_pad ? HEW_POOLING_AVG_PADDED : HEW_POOLING_AVG,
        .batch = net->batch, .in = { in->h, in->w }, .channels = in->c, .global = global,
        .in_stride = in->row_stride, .out_stride = out->row_stride);
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
    float *to = out->data;
    for (int k = 0; k < l->in_count; k++) {
        const struct net_tensor *in = &net->tensors[l->in[k]];
        const size_t bytes = (size_t)in->c * sizeof(float);
        for (size_t p = 0; in->data != to && p < pixels; p++)
            memcpy(to + p * (size_t)out->row_stride, in->data + p * (size_t)in->row_stride, bytes);
        to += in->c;
    }
}

static hew_status run_layer(const struct net *net, const struct net_layer *l)
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
    float *to = t->data + (size_t)n * count * row;
    for (size_t p = 0; p < count; p++)
        for (size_t i = 0; i < c; i++)
            to[p * row + i] = (float)pixels[p * c + i] * net->in_scale[i] + net->in_shift[i];
}

const float *net_logits(const struct net *net, int n)
{
    const struct net_tensor *t = &net->tensors[net->logits];
    return t->data + (size_t)n * (size_t)t->row_stride;
}

bool net_run(struct net *net)
{
    for (int i = 0; i < net->layer_count; i++)
        if (!from_hew(net, &net->layers[i], run_layer(net, &net->layers[i])))
            return false;
    return true;
}

/* --------------------------------------------------------------------------------- time ----- */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare_seconds(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *seconds, int count)
{
    qsort(seconds, (size_t)count, sizeof *seconds, compare_seconds);
    return seconds[count / 2];
}

double net_time(struct net *net, int runs)
{
    const int layers = net->layer_count;
    double *seconds = malloc((size_t)runs * (size_t)(layers + 1) * sizeof *seconds);
    if (seconds == NULL || !net_run(net)) {
        free(seconds);
        return 0.0;
    }
    for (int r = 0; r < runs; r++) {
        double *whole = seconds + (size_t)layers * (size_t)runs + r;
        *whole = 0.0;
        for (int i = 0; i < layers; i++) {
            const double start = now();
            run_layer(net, &net->layers[i]);
            seconds[(size_t)i * (size_t)runs + (size_t)r] = now() - start;
            *whole += seconds[(size_t)i * (size_t)runs + (size_t)r];
        }
    }
    for (int i = 0; i < layers; i++)
        net->layers[i].seconds = median(seconds + (size_t)i * (size_t)runs, runs);
    const double whole = median(seconds + (size_t)layers * (size_t)runs, runs);
    free(seconds);
    return whole;
}

double net_layer_flops(const struct net *net, const struct net_layer *l)
{
    const struct net_tensor *in = &net->tensors[l->in[0]], *out = &net->tensors[l->out];
    const double outputs = (double)net->batch * out->h * out->w * out->c;
    if (l->op == NET_CONV)
        return 2.0 * outputs * l->kernel[0] * l->kernel[1] * (in->c / l->groups);
    if (l->op == NET_LINEAR)
        return 2.0 * outputs * in->h * in->w * in->c;
    return 0.0;
}

/* Pools and softmax have no created operation to ask: the active kernel of the family. */
static const char *family_kernel(const char *family)
{
    hew_kernel_info info;
    for (size_t i = 0; hew_active_kernel(i, &info); i++)
        if (strcmp(info.family, family) == 0)
            return info.symbol;
    return "-";
}

const char *net_layer_kernel(const struct net_layer *l)
{
    switch (l->op) {
    case NET_CONV:
        return hew_conv_kernel(l->conv);
    case NET_LINEAR:
        return hew_gemm_kernel(l->gemm);
    case NET_MAXPOOL:
    case NET_AVGPOOL:
    case NET_GLOBAL_AVGPOOL:
        return family_kernel("pooling_f32");
    case NET_SOFTMAX:
        return family_kernel("softmax_f32");
    default:
        return "-";
    }
}
