/*
 * resample.c - images of another size: checks, decisions.
 */
#include "resample.h"

#include "format.h"

#include <limits.h>

enum {
    FEW_CHANNELS = 16,       /* below this lanes are a row's elements */
    TASK_FLOATS = 16 << 10,  /* some 5 us: several times what handing out a task costs */
    PAST = 32                /* floats behind a blended row that may be read */
};

static hew_status check_extents(const hew_resample_desc *d, int *rank)
{
    *rank = 0;
    while (*rank < 3 && d->in[*rank] != 0)
        ++*rank;
    if (*rank == 0)
        return hew_fail(HEW_ERR_INVALID, "resample: in[0] is 0; the rank is taken from in");
    for (int i = 0; i < 3; i++) {
        if (i >= *rank && (d->in[i] || d->out[i] || d->scale[i] != 0))
            return hew_fail(HEW_ERR_INVALID, "resample: rank %d by in, but entry %d is set", *rank,
                            i);
        if (i < *rank && (d->in[i] < 1 || d->out[i] < 1))
            return hew_fail(HEW_ERR_INVALID, "resample: from %lld to %lld elements",
                            (long long)d->in[i], (long long)d->out[i]);
        if (d->in[i] > INT32_MAX / 4 || d->out[i] > INT32_MAX / 4)
            return hew_fail(HEW_ERR_OVERFLOW, "resample: from %lld to %lld elements is too large",
                            (long long)d->in[i], (long long)d->out[i]);
        if (!(d->scale[i] >= 0) || d->scale[i] - d->scale[i] != 0)
            return hew_fail(HEW_ERR_INVALID, "resample: scale %g", d->scale[i]);
    }
    return HEW_OK;
}

static hew_status check_side(const hew_resample_desc *d, const char *name, const int64_t *extents,
                             int rank, int64_t given, size_t *stride)
{
    const int64_t used = given == 0 ? d->channels : given;
    int64_t bytes = (int64_t)hew_type_size(d->type), floats = sizeof(float) * 8;
    if (used < d->channels)
        return hew_fail(HEW_ERR_INVALID, "resample: %s = %lld is less than the %lld channels", name,
                        (long long)given, (long long)d->channels);
    bool fits = hew_mul(bytes, used, &bytes) &&
                hew_mul(bytes, hew_max_i64(d->batch, 1), &bytes) &&
                hew_mul(floats, d->channels, &floats) &&
                hew_mul(floats, extents[rank - 1], &floats);
    *stride = (size_t)used * hew_type_size(d->type);
    for (int i = 0; i < rank; i++)
        fits = fits && hew_mul(bytes, extents[i], &bytes);
    return fits ? HEW_OK
                : hew_fail(HEW_ERR_OVERFLOW, "resample: images with %s = %lld are too large", name,
                           (long long)used);
}

static hew_status check(const hew_resample_desc *d, hew_resample *op, int *rank)
{
    if (!d)
        return hew_fail(HEW_ERR_INVALID, "resample: desc is null");
    if (d->size != sizeof *d)
        return hew_fail(HEW_ERR_INVALID, "resample: descriptor size is %zu, this library's is %zu",
                        d->size, sizeof *d);
    const bool floats = d->type == HEW_F32 || d->type == HEW_BF16 || d->type == HEW_F16;
    if (!floats && ((d->type != HEW_S8 && d->type != HEW_U8) || d->backward))
        return hew_fail(HEW_ERR_UNSUPPORTED, "resample: type %d (%s)%s", (int)d->type,
                        hew_type_name(d->type), d->backward ? ", backward" : "");
    if ((int)d->kind < 0 || d->kind > HEW_RESAMPLE_LINEAR || (int)d->place < 0 ||
        d->place > HEW_RESAMPLE_TF_HALF_PIXEL || (int)d->round < 0 || d->round > HEW_RESAMPLE_CEIL)
        return hew_fail(HEW_ERR_INVALID, "resample: kind %d, place %d, round %d", (int)d->kind,
                        (int)d->place, (int)d->round);
    if (d->batch < -1 || d->channels < 0)
        return hew_fail(HEW_ERR_INVALID, "resample: batch = %lld, channels = %lld",
                        (long long)d->batch, (long long)d->channels);
    hew_status s = check_extents(d, rank);
    if (s == HEW_OK)
        s = check_side(d, "in_stride", d->in, *rank, d->in_stride, &op->in_stride);
    if (s == HEW_OK)
        s = check_side(d, "out_stride", d->out, *rank, d->out_stride, &op->out_stride);
    return s;
}

/* ------------------------------------------------------------------------------ creation ---- */

static void choose_kernels(hew_resample *op)
{
    size_t count;
    const hew_kernel *const taps = hew_kernels(HEW_FAMILY_taps_f32, &count);
    const hew_kernel *const look = hew_kernels(HEW_FAMILY_look_f32, &count);
    const hew_kernel *const copy = hew_kernels(HEW_FAMILY_copy_rows, &count);
    op->taps = HEW_FN(taps_f32, taps);
    op->look = HEW_FN(look_f32, look);
    op->copy_rows = HEW_FN(copy_rows, copy);
    op->blend = HEW_FN(blend_f32, hew_kernels(HEW_FAMILY_blend_f32, &count));
    op->quantize = HEW_FN(quantize_f32, hew_kernels(HEW_FAMILY_quantize_f32, &count));
    op->dequantize = HEW_FN(dequantize_f32, hew_kernels(HEW_FAMILY_dequantize_f32, &count));
    op->kernel = op->way == HEW_RESAMPLE_COPY   ? copy->name
                 : op->way == HEW_RESAMPLE_TAPS ? taps->name
                                                : look->name;
}

static void plan_scratch(hew_resample *op)
{
    const size_t row = op->channels * op->element;
    op->converts_in = op->type != HEW_F32 || op->in_stride != row;
    op->converts_out =
        op->type != HEW_F32 || (op->way == HEW_RESAMPLE_LOOK && op->out_stride != row);
    if (op->way != HEW_RESAMPLE_COPY) {
        const size_t in = hew_round_up(op->in_row * sizeof(float), HEW_ALIGNMENT);
        op->ring_bytes = op->converts_in ? HEW_BLEND_ROWS * in : 0;
        op->blend_bytes = in + PAST * sizeof(float);
        op->out_bytes =
            op->converts_out ? hew_round_up(op->out_row * sizeof(float), HEW_ALIGNMENT) : 0;
    }
    op->worker_bytes = op->ring_bytes + op->blend_bytes + op->out_bytes;
    op->task_rows = hew_max(TASK_FLOATS / hew_max(op->out_row + op->in_row, 1), 1);
}

static hew_status plan(hew_resample *op, const hew_resample_desc *d, int rank)
{
    for (int i = 0; i < 3; i++) {
        const int k = i - (3 - rank);
        const hew_resample_desc one = {.in = {1}, .out = {1}, .backward = d->backward};
        const hew_status s = hew_resample_plan_axis(k < 0 ? &one : d, k < 0 ? 0 : k,
                                                    &op->axis[i]);
        if (s != HEW_OK)
            return s;
    }
    op->type = d->type;
    op->element = hew_type_size(d->type);
    op->batch = d->channels == 0 || d->batch == -1 ? 0 : (size_t)hew_max_i64(d->batch, 1);
    op->channels = (size_t)d->channels;
    op->in_row = (size_t)op->axis[2].in * op->channels;
    op->out_row = (size_t)op->axis[2].out * op->channels;
    op->way = d->backward                      ? HEW_RESAMPLE_TAPS
              : d->kind == HEW_RESAMPLE_NEAREST ? HEW_RESAMPLE_COPY
              : op->channels >= FEW_CHANNELS || op->in_row > INT32_MAX ? HEW_RESAMPLE_TAPS
                                                                       : HEW_RESAMPLE_LOOK;
    op->blends_late = op->way == HEW_RESAMPLE_TAPS && !d->backward;
    if (d->backward) {
        const size_t stride = op->in_stride;
        op->in_stride = op->out_stride;
        op->out_stride = stride;
    }
    choose_kernels(op);
    plan_scratch(op);
    return op->out_row == 0                 ? HEW_OK
           : op->way == HEW_RESAMPLE_LOOK ? hew_resample_plan_look(op)
           : op->way == HEW_RESAMPLE_COPY ? hew_resample_plan_pick(op)
                                          : HEW_OK;
}

hew_status hew_resample_create(hew_resample **out, const hew_resample_desc *desc)
{
    hew_resample checked = {.batch = 0};
    int rank = 0;
    if (!out)
        return hew_fail(HEW_ERR_INVALID, "resample: op is null");
    hew_status s = check(desc, &checked, &rank);
    if (s != HEW_OK)
        return s;
    hew_resample *op = hew_malloc(sizeof *op);
    if (!op)
        return hew_fail(HEW_ERR_NO_MEMORY, "resample: no memory for an operation");
    *op = checked;
    s = plan(op, desc, rank);
    if (s != HEW_OK)
        hew_resample_destroy(op);
    else
        *out = op;
    return s;
}

void hew_resample_destroy(hew_resample *op)
{
    if (!op)
        return;
    for (int i = 0; i < 3; i++)
        hew_resample_free_axis(&op->axis[i]);
    hew_mfree(op->blocks);
    hew_mfree(op->picks);
    hew_mfree(op);
}

const char *hew_resample_kernel(const hew_resample *op) { return op ? op->kernel : "unknown"; }

size_t hew_resample_scratch_size(const hew_resample *op, size_t threads)
{
    return op && op->batch ? hew_scratch_bytes(0, op->worker_bytes, threads) : 0;
}
