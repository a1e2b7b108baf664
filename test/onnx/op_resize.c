/* op_resize.c - Resize and Upsample: images of one channel, batch * channels of them. */
#include "onnx/op.h"

#include <math.h>

static bool set_mode(call *c, hew_resample_desc *d)
{
    static const char *const places[] = {"half_pixel", "asymmetric", "align_corners",
                                         "pytorch_half_pixel", "tf_half_pixel_for_nn"};
    static const char *const rounds[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                         "ceil"};
    const bool old = pb_is(c->node->op, "Upsample") || c->opset < 11;
    const struct pb_bytes mode = onnx_string(c->node, "mode");
    const struct pb_bytes place = onnx_string(c->node, "coordinate_transformation_mode");
    const struct pb_bytes round = onnx_string(c->node, "nearest_mode");
    const bool linear = pb_is(mode, "linear") || pb_is(mode, "bilinear");
    if (!linear && mode.size > 0 && !pb_is(mode, "nearest")) {
        op_refuse(c, "cubic");
        return false;
    }
    d->kind = linear ? HEW_RESAMPLE_LINEAR : HEW_RESAMPLE_NEAREST;
    d->place = old ? HEW_RESAMPLE_ASYMMETRIC : HEW_RESAMPLE_HALF_PIXEL;
    d->round = old ? HEW_RESAMPLE_FLOOR : HEW_RESAMPLE_ROUND_PREFER_FLOOR;
    bool known = place.size == 0;
    for (int i = 0; i < 5; i++)
        if (pb_is(place, places[i])) {
            d->place = (hew_resample_place)i;
            known = true;
        }
    for (int i = 0; i < 4; i++)
        if (pb_is(round, rounds[i]))
            d->round = (hew_resample_round)i;
    if (!known)
        op_refuse(c, "a part of the image");
    return known;
}

/* Scales and sizes of all axes, of which one is given; the output's dims. */
static bool set_extents(call *c, hew_resample_desc *d, int64_t *dims)
{
    const struct onnx_tensor *x = c->in[0];
    const bool upsample = pb_is(c->node->op, "Upsample") || c->opset < 11;
    const struct onnx_tensor *scales = c->in[upsample ? 1 : 2], *sizes = upsample ? NULL : c->in[3];
    int64_t given[ONNX_MAX_RANK];
    if (sizes && op_integers(c, 3, NULL, given, ONNX_MAX_RANK) != x->rank)
        sizes = NULL;
    if (!sizes && (!scales || scales->count != x->rank || scales->type != ONNX_FLOAT)) {
        op_refuse(c, "neither scales nor sizes");
        return false;
    }
    if (x->rank < 3 || x->rank > 5) {
        op_refuse(c, "a tensor of %d axes", x->rank);
        return false;
    }
    for (int j = 0; j < x->rank; j++) {
        const double scale = sizes ? 0 : (double)scales->floats[j];
        dims[j] = sizes ? given[j] : (int64_t)floor((double)x->dims[j] * scale);
        if (j >= 2) {
            d->in[j - 2] = x->dims[j];
            d->out[j - 2] = dims[j];
            d->scale[j - 2] = scale;
        } else if (dims[j] != x->dims[j]) {
            op_refuse(c, "a scale of the channels");
            return false;
        }
    }
    d->batch = x->dims[0] * x->dims[1] == 0 ? -1 : x->dims[0] * x->dims[1];
    return true;
}

outcome op_resize(call *c)
{
    const struct onnx_tensor *x = c->in[0];
    hew_resample_desc d = HEW_RESAMPLE_DESC(.channels = 1);
    int64_t dims[ONNX_MAX_RANK];
    hew_resample *op;
    if (!op_type(c, 0, &d.type) || !set_mode(c, &d) || !set_extents(c, &d, dims))
        return NOT_SUPPORTED;
    const outcome created = op_status(c, hew_resample_create(&op, &d));
    if (created != PASSED)
        return created;
    const size_t threads = c->threads ? c->threads->count : 1;
    const hew_resample_args args = HEW_RESAMPLE_ARGS(
        .in = x->data, .out = op_output(c, 0, x->type, x->rank, dims), .threads = c->threads,
        .scratch = op_aligned(c, hew_resample_scratch_size(op, threads)));
    const hew_status status = hew_resample_run(op, &args);
    hew_resample_destroy(op);
    return op_status(c, status);
}
