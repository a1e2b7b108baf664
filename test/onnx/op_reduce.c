/* op_reduce.c - reductions, places of extremes, running sums, top k, dropout. */
#include "onnx/op.h"

#include <string.h>

static const struct {
    const char *name;
    hew_reduce_op op;
} reductions[] = {
    {"ReduceSum", HEW_REDUCE_SUM},       {"ReduceMean", HEW_REDUCE_MEAN},
    {"ReduceMin", HEW_REDUCE_MIN},       {"ReduceMax", HEW_REDUCE_MAX},
    {"ReduceProd", HEW_REDUCE_PROD},     {"ReduceL1", HEW_REDUCE_L1},
    {"ReduceL2", HEW_REDUCE_L2},         {"ReduceSumSquare", HEW_REDUCE_SUM_SQUARE},
    {"ReduceLogSum", HEW_REDUCE_LOG_SUM},{"ReduceLogSumExp", HEW_REDUCE_LOG_SUM_EXP},
};

/* Input 0 as in's tensor: one of the types that sums are made of. */
static bool input(call *c, hew_tensor *t)
{
    const struct onnx_tensor *x = c->in[0];
    if (!op_type(c, 0, &t->type))
        return false;
    t->rank = x->rank;
    for (int i = 0; i < x->rank && i < HEW_MAX_RANK; i++)
        t->extent[i] = x->dims[i];
    return true;
}

/* The output: of `type`, and without dimensions that are marked unless they are kept. */
static void *output(call *c, int type, const bool *gone, bool keep)
{
    const struct onnx_tensor *x = c->in[0];
    int64_t dims[ONNX_MAX_RANK];
    int rank = 0;
    for (int i = 0; i < x->rank; i++)
        if (!gone[i] || keep)
            dims[rank++] = gone[i] ? 1 : x->dims[i];
    return op_output(c, 0, type, rank, dims);
}

static outcome reduce(call *c, hew_reduce_desc *d, const bool *gone)
{
    if (!input(c, &d->in))
        return NOT_SUPPORTED;
    const bool arg = d->op == HEW_REDUCE_ARGMIN || d->op == HEW_REDUCE_ARGMAX;
    d->out = d->in;
    d->out.type = arg ? HEW_S64 : d->in.type;
    for (int i = 0; i < d->in.rank; i++)
        d->out.extent[i] = gone[i] ? 1 : d->in.extent[i];
    void *y = output(c, arg ? ONNX_INT64 : c->in[0]->type, gone,
                     onnx_int(c->node, "keepdims", 1) != 0);
    return op_status(c, hew_reduce(d, c->in[0]->data, y, c->threads));
}

outcome op_reduce(call *c)
{
    hew_reduce_desc d = HEW_REDUCE_DESC(.op = HEW_REDUCE_SUM);
    bool gone[ONNX_MAX_RANK] = {false};
    const int rank = c->in[0]->rank;
    for (size_t i = 0; i < sizeof reductions / sizeof reductions[0]; i++)
        if (pb_is(c->node->op, reductions[i].name))
            d.op = reductions[i].op;
    int64_t axes[ONNX_MAX_RANK];
    const int count = op_integers(c, 1, "axes", axes, ONNX_MAX_RANK);
    if (count < 0)
        return NOT_SUPPORTED;
    const bool all = count == 0 && onnx_int(c->node, "noop_with_empty_axes", 0) == 0;
    for (int i = 0; i < rank && all; i++)
        gone[i] = true;
    for (int i = 0; i < count; i++) {
        const int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (axis < 0 || axis >= rank)
            return op_refuse(c, "axis %d of %d", (int)axes[i], rank);
        gone[axis] = true;
    }
    return reduce(c, &d, gone);
}

outcome op_arg(call *c)
{
    hew_reduce_desc d = HEW_REDUCE_DESC(
        .op = pb_is(c->node->op, "ArgMin") ? HEW_REDUCE_ARGMIN : HEW_REDUCE_ARGMAX,
        .last_index = onnx_int(c->node, "select_last_index", 0) != 0);
    bool gone[ONNX_MAX_RANK] = {false};
    int axis;
    if (!op_axis(c, 0, c->in[0]->rank, &axis))
        return NOT_SUPPORTED;
    gone[axis] = true;
    return reduce(c, &d, gone);
}

outcome op_cumsum(call *c)
{
    const struct onnx_tensor *x = c->in[0];
    hew_cumsum_desc d = HEW_CUMSUM_DESC(.exclusive = onnx_int(c->node, "exclusive", 0) != 0,
                                        .reverse = onnx_int(c->node, "reverse", 0) != 0);
    int64_t axis;
    if (!input(c, &d.in) || op_integers(c, 1, NULL, &axis, 1) != 1)
        return NOT_SUPPORTED;
    d.axis = (int)(axis < 0 ? axis + x->rank : axis);
    d.out = d.in;
    void *y = op_output(c, 0, x->type, x->rank, x->dims);
    return op_status(c, hew_cumsum(&d, x->data, y, c->threads));
}

outcome op_topk(call *c)
{
    const struct onnx_tensor *x = c->in[0];
    hew_topk_desc d = HEW_TOPK_DESC(.smallest = onnx_int(c->node, "largest", 1) == 0);
    int64_t k, dims[ONNX_MAX_RANK];
    if (!input(c, &d.in) || !op_axis(c, -1, x->rank, &d.axis))
        return NOT_SUPPORTED;
    if (op_integers(c, 1, NULL, &k, 1) != 1)
        k = onnx_int(c->node, "k", 0);
    memcpy(dims, x->dims, sizeof dims);
    dims[d.axis] = k;
    d.values = d.indices = d.in;
    d.values.extent[d.axis] = d.indices.extent[d.axis] = k;
    d.indices.type = HEW_S64;
    void *values = op_output(c, 0, x->type, x->rank, dims);
    void *indices = op_output(c, 1, ONNX_INT64, x->rank, dims);
    void *scratch = op_aligned(c, hew_topk_scratch_size(&d, c->threads ? c->threads->count : 1));
    return op_status(c, hew_topk(&d, x->data, values, indices, scratch, c->threads));
}

/* For inference, or with nothing to drop: numbers of a seed differ from those of the test's. */
outcome op_dropout(call *c)
{
    const struct onnx_tensor *x = c->in[0], *ratio = c->in[1], *training = c->in[2];
    const bool trains = training && *(const uint8_t *)training->data != 0;
    hew_dropout_desc d = HEW_DROPOUT_DESC(.n = x->count);
    if (!op_type(c, 0, &d.type))
        return NOT_SUPPORTED;
    if (trains && (!ratio || ratio->type != ONNX_FLOAT || ratio->floats[0] != 0))
        return op_refuse(c, "training: the numbers of another generator");
    void *y = op_output(c, 0, x->type, x->rank, x->dims);
    uint8_t *mask = c->wanted[1] ? op_output(c, 1, ONNX_BOOL, x->rank, x->dims) : NULL;
    return op_status(c, hew_dropout(&d, x->data, y, mask, c->threads));
}
