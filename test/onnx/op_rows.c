/* op_rows.c - Softmax and LogSoftmax. */
#include "onnx/op.h"

/* Before version 13 all axes from the given one on are one row. */
outcome op_softmax(call *c)
{
    const struct onnx_tensor *x = c->in[0];
    const bool old = c->opset < 13;
    int axis;
    hew_softmax_desc d = HEW_SOFTMAX_DESC(.log = pb_is(c->node->op, "LogSoftmax"), .rows = 1,
                                          .columns = 1, .inner = 1);
    if (!op_type(c, 0, &d.type) || !op_axis(c, old ? 1 : -1, x->rank, &axis))
        return NOT_SUPPORTED;
    for (int i = 0; i < x->rank; i++)
        *(i < axis ? &d.rows : i == axis || old ? &d.columns : &d.inner) *= x->dims[i];
    if (x->count == 0)
        d.rows = 0, d.columns = d.inner = 1;
    void *y = op_output(c, 0, x->type, x->rank, x->dims);
    return op_status(c, hew_softmax(&d, x->data, y, c->threads));
}
