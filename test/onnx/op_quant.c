/* op_quant.c - QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear. */
#include "onnx/op.h"

/* x, scale, zero point: [outer][channels][inner], with one scale or one for each channel. */
static bool describe(call *c, hew_quantize_desc *d)
{
    const struct onnx_tensor *x = c->in[0], *scale = c->in[1], *zero = c->in[2];
    int axis;
    *d = HEW_QUANTIZE_DESC(.outer = 1, .channels = 1, .inner = 1);
    if (scale->type != ONNX_FLOAT || (zero && zero->count != scale->count)) {
        op_refuse(c, "scales of %s, as many as zero points", onnx_type_name(scale->type));
        return false;
    }
    if (scale->count == 1) {
        d->inner = x->count;
    } else {
        if (!op_axis(c, 1, x->rank, &axis))
            return false;
        for (int i = 0; i < x->rank; i++)
            *(i < axis ? &d->outer : i == axis ? &d->channels : &d->inner) *= x->dims[i];
        if (scale->rank != 1 || scale->count != d->channels) {
            op_refuse(c, "scales for blocks");
            return false;
        }
    }
    if (x->count == 0)
        d->outer = -1;
    d->scale = scale->floats;
    d->zero = zero ? zero->data : NULL;
    return true;
}

outcome op_quantize(call *c)
{
    const struct onnx_tensor *x = c->in[0];
    const int type = c->in[2] ? c->in[2]->type : ONNX_UINT8;
    hew_quantize_desc d;
    hew_type to = HEW_U8;
    if (!describe(c, &d) || (c->in[2] && !op_type(c, 2, &to)))
        return NOT_SUPPORTED;
    if (x->type != ONNX_FLOAT)
        return op_refuse(c, "%s", onnx_type_name(x->type));
    d.type = to;
    void *y = op_output(c, 0, type, x->rank, x->dims);
    return op_status(c, hew_quantize(&d, x->data, y, c->threads));
}

outcome op_dequantize(call *c)
{
    const struct onnx_tensor *x = c->in[0];
    hew_quantize_desc d;
    if (!describe(c, &d) || !op_type(c, 0, &d.type))
        return NOT_SUPPORTED;
    void *y = op_output(c, 0, ONNX_FLOAT, x->rank, x->dims);
    return op_status(c, hew_dequantize(&d, x->data, y, c->threads));
}

/* The whole tensor is one row. */
outcome op_quantize_dynamic(call *c)
{
    const struct onnx_tensor *x = c->in[0];
    int32_t zero = 0;
    hew_quantize_dynamic_desc d = HEW_QUANTIZE_DYNAMIC_DESC(
        .kind = HEW_DYNAMIC_ASYMMETRIC, .rows = 1, .columns = x->count);
    void *y = op_output(c, 0, ONNX_UINT8, x->rank, x->dims);
    float *scale = op_output(c, 1, ONNX_FLOAT, 0, NULL);
    uint8_t *y_zero = op_output(c, 2, ONNX_UINT8, 0, NULL);
    const hew_status status = hew_quantize_dynamic(&d, x->data, y, scale, &zero, c->threads);
    *y_zero = (uint8_t)zero;
    return op_status(c, status);
}
