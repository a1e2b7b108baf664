/* op_rows.c - Softmax and LogSoftmax. */
#include "onnx/op.h"

/* Before version 13 all axes from the given one on are one row. */
outcome op_softmax(call *c)
{
    const struct onnx_tensor *x = c->in[0];
    const bool old = c->opset < 13;
    int axis;
    hew_softmax_desc d = HEW_SOFTMAX_DESC(.log = pb_is(c->node->op, "LogSoftmax"), .columns = 1);
    if (!op_type(c, 0, &d.type) || !op_axis(c, old ? 1 : -1, x->rank, &axis))
        return NOT_SUPPORTED;
    for (int i = axis; i < x->rank; i++) {
        if (i > axis && x->dims[i] != 1 && !old)
            return op_refuse(c, "another axis than the last");
        d.columns *= x->dims[i];
    }
    d.rows = d.columns == 0 ? 0 : x->count / d.columns;
    void *y = op_output(c, 0, x->type, x->rank, x->dims);
    return op_status(c, hew_softmax(&d, x->data, y, c->threads));
}
