/* op_pool.c - MaxPool, AveragePool and the global ones. */
#include "onnx/op.h"

#include <string.h>

/* The maximum and output 1, which counts elements. */
static outcome run_indexed(call *c, const hew_pooling_desc *d, const void *in, void *out)
{
    const struct onnx_tensor *y = &c->out[0];
    const size_t count = (size_t)y->count;
    int32_t *pixels = op_memory(c, count * sizeof *pixels, sizeof *pixels);
    int64_t *flat = op_memory(c, count * sizeof *flat, sizeof *flat);
    const hew_pooling_order order = onnx_int(c->node, "storage_order", 0) == 0
                                        ? HEW_POOLING_NCHW
                                        : HEW_POOLING_NCHW_COLUMNS;
    outcome ran = op_status(c, hew_pooling_max(d, in, out, pixels, c->threads));
    if (ran == PASSED)
        ran = op_status(c, hew_pooling_flat_indices(d, order, pixels, flat, c->threads));
    op_output(c, 1, ONNX_INT64, y->rank, y->dims);
    return ran == PASSED ? op_channels_first(c, 1, flat) : ran;
}

static outcome run(call *c, hew_pooling_desc *d, const struct onnx_tensor *x)
{
    int64_t shape[3], dims[ONNX_MAX_RANK] = {x->dims[0], x->dims[1]};
    d->batch = x->dims[0] == 0 ? -1 : x->dims[0];
    d->channels = x->dims[1];
    if (!op_type(c, 0, &d->type) || !op_extents(c, x, d->in))
        return NOT_SUPPORTED;
    const outcome described = op_status(c, hew_pooling_out_shape(d, shape));
    if (described != PASSED)
        return described;
    memcpy(dims + 2, shape, sizeof shape);
    const size_t size = onnx_type_size(x->type);
    op_output(c, 0, x->type, x->rank, dims);
    void *out = op_memory(c, size * (size_t)c->out[0].count, size);
    const void *in = op_channels_last(c, x);
    const outcome ran = c->wanted[1] ? run_indexed(c, d, in, out)
                                     : op_status(c, hew_pooling(d, in, out, c->threads));
    return ran == PASSED ? op_channels_first(c, 0, out) : ran;
}

outcome op_pool(call *c)
{
    op_window w;
    const bool max = pb_is(c->node->op, "MaxPool");
    if (!op_window_read(c, c->in[0], NULL, &w))
        return NOT_SUPPORTED;
    hew_pooling_desc d = HEW_POOLING_DESC(.ceil_mode = onnx_int(c->node, "ceil_mode", 0));
    d.kind = max                                             ? HEW_POOLING_MAX
             : onnx_int(c->node, "count_include_pad", 0) != 0 ? HEW_POOLING_AVG_PADDED
                                                              : HEW_POOLING_AVG;
    memcpy(d.kernel, w.kernel, sizeof d.kernel);
    memcpy(d.stride, w.stride, sizeof d.stride);
    memcpy(d.dilation, w.dilation, sizeof d.dilation);
    memcpy(d.pad_lo, w.pad_lo, sizeof d.pad_lo);
    memcpy(d.pad_hi, w.pad_hi, sizeof d.pad_hi);
    return run(c, &d, c->in[0]);
}

outcome op_global_pool(call *c)
{
    hew_pooling_desc d = HEW_POOLING_DESC(.global = true);
    d.kind = pb_is(c->node->op, "GlobalMaxPool") ? HEW_POOLING_MAX : HEW_POOLING_AVG;
    return run(c, &d, c->in[0]);
}
