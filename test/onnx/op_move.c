/* op_move.c - operators that move elements, and those that only change a shape. */
#include "onnx/op.h"

#include <string.h>

bool op_tensor(call *c, const struct onnx_tensor *x, hew_tensor *t)
{
    const size_t size = onnx_type_size(x->type);
    *t = (hew_tensor){.type = size == 1   ? HEW_U8
                              : size == 2 ? HEW_F16
                              : size == 4 ? HEW_F32
                                          : HEW_S64,
                      .rank = x->rank};
    if (size == 0 || x->rank > HEW_MAX_RANK) {
        op_refuse(c, "%s of %d axes", onnx_type_name(x->type), x->rank);
        return false;
    }
    memcpy(t->extent, x->dims, (size_t)x->rank * sizeof t->extent[0]);
    int64_t step = 1;
    for (int j = t->rank - 1; j >= 0; j--) {
        t->stride[j] = step;
        step *= t->extent[j];
    }
    return true;
}

int op_integers(call *c, int k, const char *attribute, int64_t *values, int most)
{
    const struct onnx_tensor *x = k < OP_MAX_IN ? c->in[k] : NULL;
    if (!x)
        return attribute ? onnx_ints(c->node, attribute, values, most) : 0;
    if ((x->type != ONNX_INT64 && x->type != ONNX_INT32) || x->count > most) {
        op_refuse(c, "%d numbers of %s", x->count, onnx_type_name(x->type));
        return -1;
    }
    for (int i = 0; i < x->count; i++)
        values[i] = x->type == ONNX_INT64 ? x->ints[i] : ((const int32_t *)x->data)[i];
    return x->count;
}

/* Output k as a tensor of in's type. */
static bool output(call *c, int k, int rank, const int64_t *dims, hew_tensor *t)
{
    op_output(c, k, c->in[0]->type, rank, dims);
    return op_tensor(c, &c->out[k], t);
}

/* ------------------------------------------------------------------- copies and their kin ---- */

outcome op_transpose(call *c)
{
    const struct onnx_tensor *x = c->in[0];
    hew_copy_desc d = HEW_COPY_DESC(.in = {.rank = 0});
    hew_tensor in;
    int64_t perm[HEW_MAX_RANK];
    if (!op_tensor(c, x, &in))
        return NOT_SUPPORTED;
    const bool given = onnx_ints(c->node, "perm", perm, HEW_MAX_RANK) > 0;
    d.in = in;
    for (int j = 0; j < in.rank; j++) {
        const int from = given ? (int)perm[j] : in.rank - 1 - j;
        d.in.extent[j] = in.extent[from];
        d.in.stride[j] = in.stride[from];
    }
    return output(c, 0, in.rank, d.in.extent, &d.out)
               ? op_status(c, hew_copy(&d, x->data, c->out[0].data, c->threads))
               : NOT_SUPPORTED;
}

outcome op_expand(call *c)
{
    const struct onnx_tensor *x = c->in[0];
    hew_copy_desc d = HEW_COPY_DESC(.in = {.rank = 0});
    int64_t shape[ONNX_MAX_RANK], dims[ONNX_MAX_RANK];
    const int given = op_integers(c, 1, NULL, shape, ONNX_MAX_RANK);
    if (given < 0 || !op_tensor(c, x, &d.in))
        return NOT_SUPPORTED;
    const int rank = given > x->rank ? given : x->rank;
    for (int j = 0; j < rank; j++) {
        const int a = j - (rank - x->rank), b = j - (rank - given);
        const int64_t own = a < 0 ? 1 : x->dims[a], other = b < 0 ? 1 : shape[b];
        dims[j] = own == 1 ? other : own;
    }
    return output(c, 0, rank, dims, &d.out)
               ? op_status(c, hew_copy(&d, x->data, c->out[0].data, c->threads))
               : NOT_SUPPORTED;
}

/* Axis by axis, a copy of what is inside it to its places. */
outcome op_tile(call *c)
{
    const struct onnx_tensor *x = c->in[0];
    int64_t repeats[ONNX_MAX_RANK], dims[ONNX_MAX_RANK], inner = 1;
    const size_t size = onnx_type_size(x->type);
    hew_tensor any;
    if (op_integers(c, 1, NULL, repeats, ONNX_MAX_RANK) != x->rank || !op_tensor(c, x, &any))
        return op_refuse(c, "repeats of another rank");
    for (int j = 0; j < x->rank; j++)
        dims[j] = x->dims[j] * repeats[j];
    void *y = op_output(c, 0, x->type, x->rank, dims);
    const void *from = x->data;
    int64_t outer = x->count;
    for (int j = x->rank - 1; j >= 0; j--) {
        inner *= x->dims[j];
        outer /= x->dims[j];
        void *to = j > 0 ? op_memory(c, (size_t)(outer * inner * repeats[j]) * size, size) : y;
        const hew_copy_desc d = HEW_COPY_DESC(
            .in = {.type = any.type, .rank = 3, .extent = {outer, 1, inner}},
            .out = {.type = any.type, .rank = 3, .extent = {outer, repeats[j], inner}});
        const hew_status status = hew_copy(&d, from, to, c->threads);
        if (status != HEW_OK)
            return op_status(c, status);
        from = to;
        inner *= repeats[j];
    }
    return PASSED;
}

/* The shape that Reshape, Flatten, Squeeze, Unsqueeze or Identity gives; its rank. */
static int new_shape(call *c, int64_t *dims)
{
    const struct onnx_tensor *x = c->in[0];
    int64_t given[ONNX_MAX_RANK];
    int rank = 0, axis;
    if (pb_is(c->node->op, "Flatten")) {
        axis = (int)onnx_int(c->node, "axis", 1);
        axis += axis < 0 ? x->rank : 0;
        dims[0] = dims[1] = 1;
        for (int j = 0; j < x->rank; j++)
            dims[j >= axis] *= x->dims[j];
        return 2;
    }
    const bool squeeze = pb_is(c->node->op, "Squeeze"), wide = pb_is(c->node->op, "Unsqueeze");
    const int n = pb_is(c->node->op, "Identity")
                      ? 0
                      : op_integers(c, 1, squeeze || wide ? "axes" : "shape", given, ONNX_MAX_RANK);
    if (n < 0)
        return -1;
    if (pb_is(c->node->op, "Reshape")) {
        int64_t known = 1;
        for (int j = 0; j < n; j++) {
            dims[j] = given[j] == 0 && !onnx_int(c->node, "allowzero", 0) ? x->dims[j] : given[j];
            known *= dims[j] == -1 ? 1 : dims[j];
        }
        for (int j = 0; j < n; j++)
            dims[j] = dims[j] == -1 ? x->count / known : dims[j];
        return n;
    }
    bool named[2 * ONNX_MAX_RANK] = {false};
    for (int j = 0; j < n; j++)
        named[given[j] < 0 ? given[j] + x->rank + (wide ? n : 0) : given[j]] = true;
    if (wide) {
        for (int j = 0; rank < x->rank + n; rank++)
            dims[rank] = named[rank] ? 1 : x->dims[j++];
        return rank;
    }
    for (int j = 0; j < x->rank; j++)
        if (!squeeze || (n == 0 ? x->dims[j] != 1 : !named[j]))
            dims[rank++] = x->dims[j];
    return rank;
}

outcome op_reshape(call *c)
{
    const struct onnx_tensor *x = c->in[0];
    int64_t dims[2 * ONNX_MAX_RANK];
    if (!x)
        return op_refuse(c, "no tensor");
    const int rank = new_shape(c, dims);
    if (rank < 0 || rank > ONNX_MAX_RANK || onnx_type_size(x->type) == 0)
        return op_refuse(c, "%s to %d axes", onnx_type_name(x->type), rank);
    const struct onnx_tensor line = {.rank = 1, .dims = {x->count}, .type = x->type};
    hew_copy_desc d = HEW_COPY_DESC(.in = {.rank = 0});
    op_tensor(c, &line, &d.in);
    d.out = d.in;
    void *y = op_output(c, 0, x->type, rank, dims);
    return op_status(c, hew_copy(&d, x->data, y, c->threads));
}

/* Between floats: integers are truncated in ONNX, and rounded in Hew.  So are floats that become
 * bf16, which these tests truncate. */
outcome op_cast(call *c)
{
    const struct onnx_tensor *x = c->in[0];
    hew_copy_desc d = HEW_COPY_DESC(.in = {.rank = 0});
    const int to = c->in[1] ? c->in[1]->type : (int)onnx_int(c->node, "to", 0);
    const struct onnx_tensor like = {.type = to};
    call other = {.in = {&like}};
    if (!op_type(c, 0, &d.in.type))
        return NOT_SUPPORTED;
    if (!op_type(&other, 0, &d.out.type) || onnx_type_size(to) == 0)
        return op_refuse(c, "to %s", onnx_type_name(to));
    if (x->type != to && (d.in.type > HEW_F16 || d.out.type > HEW_F16))
        return op_refuse(c, "%s to %s", onnx_type_name(x->type), onnx_type_name(to));
    d.in.rank = d.out.rank = 1;
    d.in.extent[0] = d.out.extent[0] = x->count;
    if (to == ONNX_BFLOAT16)
        return op_refuse(c, "to bfloat16, not to the nearest");
    void *y = op_output(c, 0, to, x->rank, x->dims);
    return op_status(c, hew_copy(&d, x->data, y, c->threads));
}

/* ----------------------------------------------------------------------- concat and split ---- */

outcome op_concat(call *c)
{
    hew_tensor parts[OP_MAX_IN];
    const void *data[OP_MAX_IN];
    hew_concat_desc d = HEW_CONCAT_DESC(.in = parts);
    int64_t dims[ONNX_MAX_RANK];
    if (!op_axis(c, 1, c->in[0]->rank, &d.axis))
        return NOT_SUPPORTED;
    memcpy(dims, c->in[0]->dims, sizeof dims);
    dims[d.axis] = 0;
    for (; d.count < c->node->in_count; d.count++) {
        if (!op_tensor(c, c->in[d.count], &parts[d.count]))
            return NOT_SUPPORTED;
        data[d.count] = c->in[d.count]->data;
        dims[d.axis] += c->in[d.count]->dims[d.axis];
    }
    return output(c, 0, c->in[0]->rank, dims, &d.out)
               ? op_status(c, hew_concat(&d, data, c->out[0].data, c->threads))
               : NOT_SUPPORTED;
}

outcome op_split(call *c)
{
    hew_tensor parts[OP_MAX_OUT];
    void *data[OP_MAX_OUT];
    int64_t extents[OP_MAX_OUT], dims[ONNX_MAX_RANK];
    hew_split_desc d = HEW_SPLIT_DESC(.out = parts);
    while (d.count < OP_MAX_OUT && c->wanted[d.count])
        d.count++;
    const int given = op_integers(c, 1, "split", extents, OP_MAX_OUT);
    if (given < 0 || !op_tensor(c, c->in[0], &d.in) || !op_axis(c, 0, d.in.rank, &d.axis))
        return NOT_SUPPORTED;
    const int64_t all = d.in.extent[d.axis], part = (all + d.count - 1) / d.count;
    memcpy(dims, c->in[0]->dims, sizeof dims);
    for (int k = 0; k < d.count; k++) {
        const int64_t left = all - k * part;
        dims[d.axis] = given > 0 ? extents[k] : left < part ? left : part;
        if (!output(c, k, d.in.rank, dims, &parts[k]))
            return NOT_SUPPORTED;
        data[k] = c->out[k].data;
    }
    return op_status(c, hew_split(&d, c->in[0]->data, data, c->threads));
}

/* -------------------------------------------------------------------------- slice and pad ---- */

outcome op_slice(call *c)
{
    const bool old = c->opset < 10;
    int64_t starts[ONNX_MAX_RANK], ends[ONNX_MAX_RANK], axes[ONNX_MAX_RANK], steps[ONNX_MAX_RANK];
    hew_slice_desc d = HEW_SLICE_DESC(.step = {0});
    const int n = op_integers(c, 1, old ? "starts" : NULL, starts, ONNX_MAX_RANK);
    const int axis_count = op_integers(c, 3, old ? "axes" : NULL, axes, ONNX_MAX_RANK);
    const int step_count = op_integers(c, 4, NULL, steps, ONNX_MAX_RANK);
    if (n < 0 || op_integers(c, 2, old ? "ends" : NULL, ends, ONNX_MAX_RANK) != n ||
        axis_count < 0 || step_count < 0 || !op_tensor(c, c->in[0], &d.in))
        return NOT_SUPPORTED;
    int64_t dims[ONNX_MAX_RANK];
    memcpy(dims, c->in[0]->dims, sizeof dims);
    for (int i = 0; i < n; i++) {
        const int j = (int)(axis_count ? axes[i] + (axes[i] < 0 ? d.in.rank : 0) : i);
        const int64_t step = step_count ? steps[i] : 1, extent = dims[j];
        const int64_t least = step < 0 ? -1 : 0, most = step < 0 ? extent - 1 : extent;
        int64_t start = starts[i] < 0 ? starts[i] + extent : starts[i];
        int64_t end = ends[i] < 0 ? ends[i] + extent : ends[i];
        start = start < 0 ? 0 : start > most ? most : start;
        end = end < least ? least : end > extent ? extent : end;
        const int64_t reach = step < 0 ? start - end : end - start;
        const int64_t magnitude = step < 0 ? -step : step;
        d.step[j] = step;
        d.start[j] = start;
        dims[j] = reach <= 0 ? 0 : (reach - 1) / magnitude + 1;
    }
    return output(c, 0, d.in.rank, dims, &d.out)
               ? op_status(c, hew_slice(&d, c->in[0]->data, c->out[0].data, c->threads))
               : NOT_SUPPORTED;
}

outcome op_pad(call *c)
{
    int64_t pads[2 * ONNX_MAX_RANK], axes[ONNX_MAX_RANK], dims[ONNX_MAX_RANK];
    hew_pad_desc d = HEW_PAD_DESC(.mode = HEW_PAD_CONSTANT);
    const struct pb_bytes mode = onnx_string(c->node, "mode");
    const int n = op_integers(c, 1, "pads", pads, 2 * ONNX_MAX_RANK) / 2;
    const int named = op_integers(c, 3, NULL, axes, ONNX_MAX_RANK);
    const float value = onnx_float(c->node, "value", 0.0f);
    if (n < 0 || named < 0 || !op_tensor(c, c->in[0], &d.in))
        return NOT_SUPPORTED;
    d.mode = pb_is(mode, "reflect") ? HEW_PAD_REFLECT
             : pb_is(mode, "edge")  ? HEW_PAD_EDGE
             : pb_is(mode, "wrap")  ? HEW_PAD_WRAP
                                    : HEW_PAD_CONSTANT;
    d.value = c->in[2] && c->in[2]->count == 1 ? c->in[2]->data : NULL;
    if (c->opset < 11)
        d.value = &value;
    memcpy(dims, c->in[0]->dims, sizeof dims);
    for (int i = 0; i < n; i++) {
        const int j = (int)(named ? axes[i] + (axes[i] < 0 ? d.in.rank : 0) : i);
        d.lo[j] = pads[i];
        dims[j] += pads[i] + pads[n + i];
    }
    return output(c, 0, d.in.rank, dims, &d.out)
               ? op_status(c, hew_pad(&d, c->in[0]->data, c->out[0].data, c->threads))
               : NOT_SUPPORTED;
}

outcome op_depth_to_space(call *c)
{
    const struct onnx_tensor *x = c->in[0];
    const bool back = pb_is(c->node->op, "SpaceToDepth");
    hew_depth_to_space_desc d = HEW_DEPTH_TO_SPACE_DESC(
        .layout = HEW_CHANNELS_FIRST, .block = onnx_int(c->node, "blocksize", 1));
    d.order = pb_is(onnx_string(c->node, "mode"), "CRD") ? HEW_DEPTH_CRD : HEW_DEPTH_DCR;
    if (x->rank != 4 || !op_tensor(c, x, &d.in))
        return op_refuse(c, "%d axes", x->rank);
    const int64_t b = d.block, wide[4] = {x->dims[0], x->dims[1] / (b * b), x->dims[2] * b,
                                          x->dims[3] * b};
    const int64_t deep[4] = {x->dims[0], x->dims[1] * b * b, x->dims[2] / b, x->dims[3] / b};
    if (!output(c, 0, 4, back ? deep : wide, &d.out))
        return NOT_SUPPORTED;
    return op_status(c, (back ? hew_space_to_depth : hew_depth_to_space)(
                            &d, x->data, c->out[0].data, c->threads));
}
