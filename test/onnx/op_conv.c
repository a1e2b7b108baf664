/* op_conv.c - Conv, ConvInteger, QLinearConv. */
#include "onnx/op.h"

#include <string.h>

/* Everything of the descriptor but the output's type. */
static bool describe(call *c, const struct onnx_tensor *x, const struct onnx_tensor *w,
                     hew_conv_desc *d)
{
    op_window window;
    if (!op_window_read(c, x, w->dims + 2, &window))
        return false;
    *d = HEW_CONV_DESC(.batch = x->dims[0] == 0 ? -1 : x->dims[0], .in_c = x->dims[1],
                       .out_c = w->dims[0], .groups = onnx_int(c->node, "group", 1));
    memcpy(d->kernel, window.kernel, sizeof d->kernel);
    memcpy(d->stride, window.stride, sizeof d->stride);
    memcpy(d->dilation, window.dilation, sizeof d->dilation);
    memcpy(d->pad_lo, window.pad_lo, sizeof d->pad_lo);
    memcpy(d->pad_hi, window.pad_hi, sizeof d->pad_hi);
    return op_extents(c, x, d->in);
}

/* Packs the weights, runs, and puts what comes out into output 0, of `type`. */
static outcome run(call *c, const hew_conv_desc *d, const struct onnx_tensor *x,
                   const struct onnx_tensor *w, hew_conv_args *args, int type)
{
    hew_conv *op;
    int64_t shape[3], dims[ONNX_MAX_RANK] = {x->dims[0], w->dims[0]};
    const outcome created = op_status(c, hew_conv_create(&op, d));
    if (created != PASSED)
        return created;
    hew_conv_out_shape(op, shape);
    memcpy(dims + 2, shape, sizeof shape);
    const size_t size = onnx_type_size(type);
    op_output(c, 0, type, x->rank, dims);
    void *packed = op_aligned(c, hew_conv_packed_size(op));
    const size_t threads = c->threads ? c->threads->count : 1;
    args->in = op_channels_last(c, x);
    args->packed = packed;
    args->out = op_memory(c, size * (size_t)c->out[0].count, size);
    args->scratch = op_aligned(c, hew_conv_scratch_size(op, threads));
    args->threads = c->threads;
    hew_status status = hew_conv_pack(op, w->data, packed);
    if (status == HEW_OK)
        status = hew_conv_run(op, args);
    hew_conv_destroy(op);
    const outcome ran = op_status(c, status);
    return ran == PASSED ? op_channels_first(c, 0, args->out) : ran;
}

/* X, W, B */
outcome op_conv(call *c)
{
    hew_conv_desc d;
    hew_type type;
    if (!op_type(c, 0, &type) || !describe(c, c->in[0], c->in[1], &d))
        return NOT_SUPPORTED;
    d.in_type = d.weight_type = d.out_type = type;
    hew_conv_args args = HEW_CONV_ARGS(.bias = c->in[2] ? c->in[2]->data : NULL);
    return run(c, &d, c->in[0], c->in[1], &args, c->in[0]->type);
}

/* x, w, x_zero_point, w_zero_point */
outcome op_conv_integer(call *c)
{
    hew_conv_desc d;
    hew_conv_args args = HEW_CONV_ARGS(0);
    const struct onnx_tensor *x = c->in[0], *w = c->in[1];
    if (!describe(c, x, w, &d) || !op_type(c, 0, &d.in_type) || !op_type(c, 1, &d.weight_type) ||
        !op_zero(c, 2, &args.in_zero) || !op_spread(c, 3, d.out_c, &args.weight_zero))
        return NOT_SUPPORTED;
    d.out_type = HEW_S32;
    return run(c, &d, x, w, &args, ONNX_INT32);
}

/* x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, B */
outcome op_qlinear_conv(call *c)
{
    hew_conv_desc d;
    hew_conv_args args = HEW_CONV_ARGS(0);
    const struct onnx_tensor *x = c->in[0], *w = c->in[3];
    if (!describe(c, x, w, &d) || !op_type(c, 0, &d.in_type) || !op_type(c, 3, &d.weight_type) ||
        !op_type(c, 7, &d.out_type) || !op_scales(c, 1, 4, d.out_c, &args.scale) ||
        !op_zero(c, 2, &args.in_zero) || !op_spread(c, 5, d.out_c, &args.weight_zero) ||
        !op_scale(c, 6, &args.out_scale) || !op_zero(c, 7, &args.out_zero))
        return NOT_SUPPORTED;
    args.bias_s32 = c->in[8] ? c->in[8]->data : NULL;
    return run(c, &d, x, w, &args, c->in[7]->type);
}
