/* op_norm.c - BatchNormalization, InstanceNormalization, LayerNormalization, LRN,
 * MeanVarianceNormalization. */
#include "onnx/op.h"

#include <string.h>

static const float *floats_of(call *c, int k) { return c->in[k] ? c->in[k]->floats : NULL; }

/* Whether input k, if there is one, is n floats. */
static bool is_vector(call *c, int k, int64_t n)
{
    if (!c->in[k] || (c->in[k]->type == ONNX_FLOAT && c->in[k]->count == n))
        return true;
    op_refuse(c, "input %d isn't %d floats", k, (int)n);
    return false;
}

static int64_t pixels_of(const struct onnx_tensor *x)
{
    int64_t pixels = 1;
    for (int i = 2; i < x->rank; i++)
        pixels *= x->dims[i];
    return pixels;
}

/* A batch norm whose descriptor lacks pixels and channels, and arguments the tensors. */
static outcome run_batch(call *c, hew_batch_norm_desc *d, hew_batch_norm_args *a)
{
    const struct onnx_tensor *x = c->in[0];
    size_t bytes;
    if (x->rank < 2)
        return op_refuse(c, "a tensor of %d axes", x->rank);
    if (!op_type(c, 0, &d->type))
        return NOT_SUPPORTED;
    d->pixels = x->dims[0] * pixels_of(x);
    d->channels = x->dims[1];
    const size_t threads = c->threads ? c->threads->count : 1;
    const outcome described = op_status(c, hew_batch_norm_scratch(d, threads, &bytes));
    if (described != PASSED)
        return described;
    const size_t size = onnx_type_size(x->type);
    op_output(c, 0, x->type, x->rank, x->dims);
    a->in = op_channels_last(c, x);
    a->out = op_memory(c, size * (size_t)x->count, size);
    a->scratch = op_aligned(c, bytes);
    a->threads = c->threads;
    const outcome ran = op_status(c, hew_batch_norm(d, a));
    return ran == PASSED ? op_channels_first(c, 0, a->out) : ran;
}

/* X, scale, B, input_mean, input_var */
outcome op_batch_norm(call *c)
{
    const int64_t channels = c->in[0]->rank > 1 ? c->in[0]->dims[1] : 0;
    for (int k = 1; k < 5; k++)
        if (!is_vector(c, k, channels))
            return NOT_SUPPORTED;
    if (onnx_int(c->node, "spatial", 1) != 1)
        return op_refuse(c, "statistics of every pixel");
    hew_batch_norm_desc d = HEW_BATCH_NORM_DESC(
        .training = onnx_int(c->node, "training_mode", 0) != 0,
        .epsilon = onnx_float(c->node, "epsilon", 1e-5f),
        .momentum = 1.0f - onnx_float(c->node, "momentum", 0.9f));
    hew_batch_norm_args a = HEW_BATCH_NORM_ARGS(.gamma = floats_of(c, 1), .beta = floats_of(c, 2));
    a.running_mean = op_output(c, 1, ONNX_FLOAT, 1, &channels);
    a.running_variance = op_output(c, 2, ONNX_FLOAT, 1, &channels);
    memcpy(a.running_mean, c->in[3]->data, sizeof(float) * (size_t)channels);
    memcpy(a.running_variance, c->in[4]->data, sizeof(float) * (size_t)channels);
    return run_batch(c, &d, &a);
}

/* X: (X - mean) / (its standard deviation + 1e-9), of each channel. */
outcome op_mean_variance_norm(call *c)
{
    int64_t axes[ONNX_MAX_RANK] = {0, 2, 3};
    const int given = onnx_ints(c->node, "axes", axes, ONNX_MAX_RANK);
    if (c->in[0]->rank != 4 || (given != 0 && given != 3) || axes[0] != 0 || axes[1] != 2 ||
        axes[2] != 3)
        return op_refuse(c, "other axes than those of a channel");
    hew_batch_norm_desc d = HEW_BATCH_NORM_DESC(.training = true, .epsilon = 1e-18f);
    hew_batch_norm_args a = HEW_BATCH_NORM_ARGS(0);
    return run_batch(c, &d, &a);
}

/* input, scale, B */
outcome op_instance_norm(call *c)
{
    const struct onnx_tensor *x = c->in[0];
    size_t bytes;
    if (x->rank < 3)
        return op_refuse(c, "a tensor of %d axes", x->rank);
    hew_group_norm_desc d = HEW_GROUP_NORM_DESC(
        .batch = x->dims[0] == 0 ? -1 : x->dims[0], .pixels = pixels_of(x),
        .channels = x->dims[1], .groups = x->dims[1],
        .epsilon = onnx_float(c->node, "epsilon", 1e-5f));
    if (!op_type(c, 0, &d.type) || !is_vector(c, 1, d.channels) || !is_vector(c, 2, d.channels))
        return NOT_SUPPORTED;
    const size_t threads = c->threads ? c->threads->count : 1;
    const outcome described = op_status(c, hew_group_norm_scratch(&d, threads, &bytes));
    if (described != PASSED)
        return described;
    const size_t size = onnx_type_size(x->type);
    op_output(c, 0, x->type, x->rank, x->dims);
    hew_group_norm_args a = HEW_GROUP_NORM_ARGS(
        .in = op_channels_last(c, x), .gamma = floats_of(c, 1), .beta = floats_of(c, 2),
        .out = op_memory(c, size * (size_t)x->count, size), .scratch = op_aligned(c, bytes),
        .threads = c->threads);
    const outcome ran = op_status(c, hew_group_norm(&d, &a));
    return ran == PASSED ? op_channels_first(c, 0, a.out) : ran;
}

/* X, Scale, B */
outcome op_layer_norm(call *c)
{
    const struct onnx_tensor *x = c->in[0];
    int axis;
    int64_t dims[ONNX_MAX_RANK];
    hew_layer_norm_desc d = HEW_LAYER_NORM_DESC(
        .rows = 1, .columns = 1, .epsilon = onnx_float(c->node, "epsilon", 1e-5f));
    if (!op_type(c, 0, &d.type) || !op_axis(c, -1, x->rank, &axis))
        return NOT_SUPPORTED;
    for (int i = 0; i < x->rank; i++) {
        d.rows *= i < axis ? x->dims[i] : 1;
        d.columns *= i < axis ? 1 : x->dims[i];
        dims[i] = i < axis ? x->dims[i] : 1;
    }
    if (!is_vector(c, 1, d.columns) || !is_vector(c, 2, d.columns))
        return NOT_SUPPORTED;
    hew_layer_norm_args a = HEW_LAYER_NORM_ARGS(
        .in = x->data, .gamma = floats_of(c, 1), .beta = floats_of(c, 2), .threads = c->threads);
    a.out = op_output(c, 0, x->type, x->rank, x->dims);
    a.mean = op_output(c, 1, ONNX_FLOAT, x->rank, dims);
    a.rstd = op_output(c, 2, ONNX_FLOAT, x->rank, dims);
    return op_status(c, hew_layer_norm(&d, &a));
}

/* X */
outcome op_lrn(call *c)
{
    const struct onnx_tensor *x = c->in[0];
    hew_lrn_desc d = HEW_LRN_DESC(.batch = x->dims[0] == 0 ? -1 : x->dims[0],
                                  .channels = x->dims[1],
                                  .window = onnx_int(c->node, "size", 0),
                                  .alpha = onnx_float(c->node, "alpha", 1e-4f),
                                  .beta = onnx_float(c->node, "beta", 0.75f),
                                  .k = onnx_float(c->node, "bias", 1.0f));
    if (!op_type(c, 0, &d.type) || !op_extents(c, x, d.in))
        return NOT_SUPPORTED;
    if (d.alpha == 0.0f || d.beta == 0.0f || d.k == 0.0f)
        return op_refuse(c, "alpha, beta or bias = 0");
    const size_t size = onnx_type_size(x->type);
    op_output(c, 0, x->type, x->rank, x->dims);
    const void *in = op_channels_last(c, x);
    void *out = op_memory(c, size * (size_t)x->count, size);
    const outcome ran = op_status(c, hew_lrn(&d, in, out, c->threads));
    return ran == PASSED ? op_channels_first(c, 0, out) : ran;
}
