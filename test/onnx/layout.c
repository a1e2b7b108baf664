/* layout.c - images: ONNX has their channels first, Hew last; windows over them. */
#include "onnx/op.h"

#include <string.h>

static size_t pixels_of(const struct onnx_tensor *x)
{
    size_t pixels = 1;
    for (int d = 2; d < x->rank; d++)
        pixels *= (size_t)x->dims[d];
    return pixels;
}

/* out[n][c][r] = in[n][r][c], of elements of `size` bytes. */
static void transpose(const struct onnx_tensor *x, size_t size, size_t rows, size_t columns,
                      const void *in, void *out)
{
    for (size_t n = 0; n < (size_t)x->dims[0]; n++)
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < columns; c++)
                memcpy((char *)out + ((n * columns + c) * rows + r) * size,
                       (const char *)in + ((n * rows + r) * columns + c) * size, size);
}

/* hew_reorder for floats, a plain loop for all else. */
static hew_status reorder(call *c, const struct onnx_tensor *x, bool to_last, const void *in,
                          void *out)
{
    const size_t pixels = pixels_of(x), channels = (size_t)x->dims[1];
    if (x->type != ONNX_FLOAT) {
        transpose(x, onnx_type_size(x->type), to_last ? channels : pixels,
                  to_last ? pixels : channels, in, out);
        return HEW_OK;
    }
    hew_reorder_desc d = HEW_REORDER_DESC(.batch = x->dims[0] == 0 ? -1 : x->dims[0],
                                          .pixels = (int64_t)pixels,
                                          .channels = (int64_t)channels);
    d.from = to_last ? HEW_CHANNELS_FIRST : HEW_CHANNELS_LAST;
    d.to = to_last ? HEW_CHANNELS_LAST : HEW_CHANNELS_FIRST;
    return hew_reorder(&d, in, out, c->threads);
}

void *op_channels_last(call *c, const struct onnx_tensor *x)
{
    const size_t size = onnx_type_size(x->type);
    void *out = op_memory(c, size * (size_t)x->count, size);
    check_status(reorder(c, x, true, x->data, out), HEW_OK);
    return out;
}

outcome op_channels_first(call *c, int k, const void *from)
{
    return op_status(c, reorder(c, &c->out[k], false, from, c->out[k].data));
}

bool op_extents(call *c, const struct onnx_tensor *x, int64_t extents[3])
{
    if (x->rank < 3 || x->rank > 5) {
        op_refuse(c, "a tensor of %d axes", x->rank);
        return false;
    }
    for (int i = 0; i < x->rank - 2; i++)
        extents[i] = x->dims[2 + i];
    return true;
}

/* Pads so that there are ceil(in / stride) windows; an odd one goes to the end, or the start. */
static void pad_same(op_window *w, int i, int64_t in, bool upper)
{
    const int64_t out = (in + w->stride[i] - 1) / w->stride[i];
    const int64_t reach = (w->kernel[i] - 1) * w->dilation[i] + 1;
    const int64_t needed = (out - 1) * w->stride[i] + reach - in, total = needed < 0 ? 0 : needed;
    w->pad_lo[i] = upper ? total / 2 : total - total / 2;
    w->pad_hi[i] = total - w->pad_lo[i];
}

bool op_window_read(call *c, const struct onnx_tensor *x, const int64_t *kernel, op_window *w)
{
    int64_t extents[3], pads[6] = {0};
    if (!op_extents(c, x, extents))
        return false;
    const int rank = x->rank - 2;
    *w = (op_window){.stride = {0}};
    for (int i = 0; i < rank; i++) {
        w->stride[i] = w->dilation[i] = 1;
        w->kernel[i] = kernel ? kernel[i] : 0;
    }
    const int given[4] = {onnx_ints(c->node, "kernel_shape", w->kernel, rank),
                          onnx_ints(c->node, "strides", w->stride, rank),
                          onnx_ints(c->node, "dilations", w->dilation, rank),
                          onnx_ints(c->node, "pads", pads, 2 * rank)};
    for (int i = 0; i < 4; i++)
        if (given[i] != 0 && given[i] != (i == 3 ? 2 : 1) * rank) {
            op_refuse(c, "a window of other rank than the tensor");
            return false;
        }
    const struct pb_bytes mode = onnx_string(c->node, "auto_pad");
    const bool upper = pb_is(mode, "SAME_UPPER"), lower = pb_is(mode, "SAME_LOWER");
    for (int i = 0; i < rank; i++) {
        w->pad_lo[i] = pads[i];
        w->pad_hi[i] = pads[rank + i];
        if (upper || lower)
            pad_same(w, i, extents[i], upper);
    }
    return true;
}
