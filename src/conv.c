/*
 * conv.c - convolution: what a descriptor means, and how the work is cut.
 */
#include "conv.h"

#include <stdio.h>
#include <string.h>

enum {
    IN_BLOCK_BYTES = 256 << 10, /* of input under a block of output pixels: half of a small L2 */
    STEP_BYTES = 256 << 10,     /* of steps for a block */
    MIN_BLOCK_ROWS = 48,
    MAX_BLOCK_ROWS = 240,
    PATCH_ROW = 128             /* floats of a row of taps that is worth patching up */
};

/* Moves the spatial extents to the back, so that every convolution is 3-D. */
static hew_status to_3d(hew_conv_desc *d, int *rank)
{
    int r = 0;
    while (r < 3 && d->kernel[r] != 0)
        r++;
    if (r == 0)
        return hew_fail(HEW_ERR_INVALID, "conv: kernel[0] is 0; the rank is taken from kernel");
    for (int i = r; i < 3; i++)
        if (d->in[i] | d->kernel[i] | d->stride[i] | d->dilation[i] | d->pad_lo[i] | d->pad_hi[i])
            return hew_fail(HEW_ERR_INVALID, "conv: rank %d by kernel, but entry %d is set", r, i);
    for (int i = 2; i >= 0; i--) {
        const int from = i - (3 - r);
        const bool set = from >= 0;
        d->in[i] = set ? d->in[from] : 1;
        d->kernel[i] = set ? d->kernel[from] : 1;
        d->stride[i] = set && d->stride[from] ? d->stride[from] : 1;
        d->dilation[i] = set && d->dilation[from] ? d->dilation[from] : 1;
        d->pad_lo[i] = set ? d->pad_lo[from] : 0;
        d->pad_hi[i] = set ? d->pad_hi[from] : 0;
    }
    *rank = r;
    return HEW_OK;
}

static hew_status out_extent(hew_conv_desc *d, int i, int64_t *out)
{
    if (d->in[i] < 1 || d->kernel[i] < 1 || d->stride[i] < 1 || d->dilation[i] < 1 ||
        d->pad_lo[i] < 0 || d->pad_hi[i] < 0)
        return hew_fail(HEW_ERR_INVALID,
                        "conv: in %lld, kernel %lld, stride %lld, dilation %lld, padding %lld, "
                        "%lld: extents start at 1, paddings at 0",
                        (long long)d->in[i], (long long)d->kernel[i], (long long)d->stride[i],
                        (long long)d->dilation[i], (long long)d->pad_lo[i],
                        (long long)d->pad_hi[i]);
    /* So that positions times strides can't overflow. */
    if ((d->in[i] | d->kernel[i] | d->stride[i] | d->dilation[i] | d->pad_lo[i] | d->pad_hi[i]) >>
        40)
        return hew_fail(HEW_ERR_OVERFLOW,
                        "conv: in %lld, kernel %lld, stride %lld, dilation %lld, padding %lld, "
                        "%lld: 2^40 and more is too large",
                        (long long)d->in[i], (long long)d->kernel[i], (long long)d->stride[i],
                        (long long)d->dilation[i], (long long)d->pad_lo[i],
                        (long long)d->pad_hi[i]);
    int64_t padded, reach;
    if (!hew_add(d->in[i], d->pad_lo[i], &padded) || !hew_add(padded, d->pad_hi[i], &padded) ||
        !hew_mul(d->kernel[i] - 1, d->dilation[i], &reach))
        return hew_fail(HEW_ERR_OVERFLOW, "conv: extents overflow: in %lld, kernel %lld",
                        (long long)d->in[i], (long long)d->kernel[i]);
    if (padded <= reach)
        return hew_fail(HEW_ERR_INVALID,
                        "conv: the kernel reaches over %lld elements, the padded input has %lld",
                        (long long)reach + 1, (long long)padded);
    *out = (padded - reach - 1) / d->stride[i] + 1;
    if (d->kernel[i] == 1)
        d->dilation[i] = 1;
    if (*out == 1)
        d->stride[i] = 1;
    return HEW_OK;
}

static hew_status check_channels(hew_conv_desc *d)
{
    if (d->groups == 0)
        d->groups = 1;
    if (d->in_c < 1 || d->out_c < 1 || d->groups < 1 || d->in_c % d->groups ||
        d->out_c % d->groups)
        return hew_fail(HEW_ERR_INVALID, "conv: %lld groups for in_c = %lld and out_c = %lld",
                        (long long)d->groups, (long long)d->in_c, (long long)d->out_c);
    if (d->in_stride == 0)
        d->in_stride = d->in_c;
    if (d->out_stride == 0)
        d->out_stride = d->out_c;
    if (d->residual_stride == 0)
        d->residual_stride = d->out_stride;
    if (d->in_stride < d->in_c || d->out_stride < d->out_c || d->residual_stride < d->out_c)
        return hew_fail(HEW_ERR_INVALID,
                        "conv: in_stride %lld, out_stride %lld, residual_stride %lld for "
                        "in_c = %lld and out_c = %lld",
                        (long long)d->in_stride, (long long)d->out_stride,
                        (long long)d->residual_stride, (long long)d->in_c, (long long)d->out_c);
    return HEW_OK;
}

/* Whether a tensor of batch x extents x stride floats can be addressed. */
static bool fits(int64_t batch, const int64_t extents[3], int64_t stride)
{
    int64_t size = sizeof(float);
    return hew_mul(size, batch < 1 ? 1 : batch, &size) && hew_mul(size, extents[0], &size) &&
           hew_mul(size, extents[1], &size) && hew_mul(size, extents[2], &size) &&
           hew_mul(size, stride, &size);
}

static hew_status normalise(hew_conv_desc *d, int64_t out[3], int *rank)
{
    if (d->size != sizeof *d)
        return hew_fail(HEW_ERR_INVALID, "conv: descriptor size is %zu, this library's is %zu",
                        d->size, sizeof *d);
    if (d->in_type != HEW_F32 || d->weight_type != HEW_F32 || d->out_type != HEW_F32)
        return hew_fail(HEW_ERR_UNSUPPORTED, "conv: types %d, %d -> %d; f32 is what there is",
                        (int)d->in_type, (int)d->weight_type, (int)d->out_type);
    if (d->batch < -1)
        return hew_fail(HEW_ERR_INVALID, "conv: batch = %lld", (long long)d->batch);
    d->batch = d->batch == -1 ? 0 : d->batch == 0 ? 1 : d->batch;
    hew_status s = to_3d(d, rank);
    for (int i = 0; s == HEW_OK && i < 3; i++)
        s = out_extent(d, i, out + i);
    if (s == HEW_OK)
        s = check_channels(d);
    if (s != HEW_OK)
        return s;
    const int64_t taps[3] = {d->kernel[0], d->kernel[1], d->kernel[2]};
    int64_t weights;
    if (!fits(d->batch, d->in, d->in_stride) || !fits(d->batch, out, d->out_stride) ||
        !fits(d->batch, out, d->residual_stride) || !fits(d->in_c / d->groups, taps, 1) ||
        !hew_mul(taps[0] * taps[1] * taps[2], d->in_c / d->groups, &weights) ||
        !fits(d->out_c + 64, (int64_t[]){weights, 1, 1}, 1))
        return hew_fail(HEW_ERR_OVERFLOW, "conv: a tensor's size overflows: batch %lld, in %lld x "
                        "%lld x %lld, in_c %lld, out_c %lld", (long long)d->batch,
                        (long long)d->in[0], (long long)d->in[1], (long long)d->in[2],
                        (long long)d->in_stride, (long long)d->out_stride);
    return hew_act_defaults("conv", &d->act);
}

/* Cuts the output into blocks of pixels and chunks of panels, and adds up the scratch. */
static hew_status plan(hew_conv *op)
{
    const hew_conv_desc *d = &op->d;
    const size_t taps = op->reduction.rows * op->reduction.taps, mr = (size_t)op->panels.mr;
    const size_t step = sizeof(hew_reduce_step) * taps;
    const size_t wide = (size_t)(d->stride[1] * d->stride[2]) * op->group_in * sizeof(float);
    size_t rows = hew_min(hew_max(IN_BLOCK_BYTES / wide, MIN_BLOCK_ROWS), MAX_BLOCK_ROWS);
    rows = hew_max(mr, hew_min(rows, STEP_BYTES / step * mr));
    const hew_cuts cuts =
        hew_cut_tasks(&op->panels, op->pixels, rows, (size_t)d->groups,
                      (double)op->group_out * (double)taps * (double)op->group_in);
    op->row_blocks = cuts.row_blocks;
    op->chunks = cuts.chunks;
    op->block_rows = hew_ceil_div(op->pixels, hew_max(op->row_blocks, 1));

    /* Weights that are not finite take tiles of one pixel: hew_conv_rows. */
    const size_t tiles = op->block_rows, parts = hew_parts(&op->reduction);
    const size_t partial = hew_max(op->block_rows, mr) * (size_t)op->panels.max_nr * sizeof(float);
    int64_t steps;
    if (!hew_mul((int64_t)step, (int64_t)tiles, &steps) || steps > (int64_t)1 << 40)
        return hew_fail(HEW_ERR_OVERFLOW, "conv: %zu taps need too much scratch", taps);
    const size_t row = op->reduction.taps * op->group_in;
    op->patch_floats =
        op->merge_taps && row <= PATCH_ROW ? op->block_rows * op->reduction.rows * row : 0;
    op->worker_bytes = hew_round_up(op->patch_floats * sizeof(float), HEW_ALIGNMENT) +
                       hew_round_up(tiles * sizeof(hew_tile), HEW_ALIGNMENT) +
                       hew_round_up((size_t)steps, HEW_ALIGNMENT) +
                       hew_round_up(tiles * (parts + 1) * sizeof(uint32_t), HEW_ALIGNMENT) +
                       hew_round_up(partial, HEW_ALIGNMENT);
    return HEW_OK;
}

static hew_conv_path path_of(const hew_conv *op, const hew_kernel *lines)
{
    if (lines->isa == HEW_ISA_REF)
        return HEW_CONV_REF;
    const hew_reduction *r = &op->reduction;
    const bool one_block = r->rows <= r->block_rows && r->taps <= r->block_taps;
    const bool depthwise = op->group_in == 1;
    size_t count;
    const size_t most = (size_t)hew_kernels(HEW_FAMILY_gconv_f32, &count)->mr;
    const bool small_groups = op->group_in == op->group_out && op->group_in <= most &&
                              most % op->group_in == 0;
    return op->d.groups > 1 && one_block && (depthwise || small_groups) ? HEW_CONV_DEPTHWISE
                                                                        : HEW_CONV_PANELS;
}

static hew_status prepare_panels(hew_conv *op)
{
    const hew_conv_desc *d = &op->d;
    hew_status s = hew_panels_create(&op->panels, HEW_FAMILY_gemm_f32, op->group_out);
    if (s != HEW_OK)
        return hew_fail(s, "conv: no memory for the panels of out_c = %lld", (long long)d->out_c);
    op->kernel = op->panels.panel[0].kernel;
    op->merge_taps = d->groups == 1 && d->in_stride == d->in_c && d->dilation[2] == 1 &&
                     op->reduction.block_taps == op->reduction.taps && op->reduction.taps > 1;
    op->zeros = hew_round_up(op->group_in * (op->merge_taps ? op->reduction.taps : 1),
                             HEW_ALIGNMENT / sizeof(float));
    op->group_floats = op->panels.padded_n * op->reduction.rows * op->reduction.taps * op->group_in;
    int64_t floats;
    if (!hew_mul((int64_t)op->group_floats, d->groups, &floats) ||
        !hew_add(floats, (int64_t)op->zeros, &floats) || floats > INT64_MAX / 8)
        return hew_fail(HEW_ERR_OVERFLOW, "conv: packed weights are too large");
    op->packed_bytes = sizeof(hew_packed_header) + (size_t)floats * sizeof(float);
    op->linear = op->reduction.rows * op->reduction.taps == 1;
    for (int i = 0; i < 3; i++)
        op->linear &= op->out[i] == d->in[i] && d->pad_lo[i] == 0 && d->pad_hi[i] == 0;
    return plan(op);
}

static hew_status prepare(hew_conv *op)
{
    const hew_conv_desc *d = &op->d;
    size_t count;
    op->group_in = (size_t)(d->in_c / d->groups);
    op->group_out = (size_t)(d->out_c / d->groups);
    op->pixels = (size_t)(d->batch * op->out[0] * op->out[1] * op->out[2]);
    op->reduction = hew_reduction_of((size_t)(d->kernel[0] * d->kernel[1]), (size_t)d->kernel[2],
                                     op->group_in);
    op->epilogue = (hew_epilogue){.alpha = 1, .beta = 1};
    op->act = hew_epilogue_act(&op->epilogue, d->act);
    op->act_fn = HEW_FN(act_f32, hew_kernels(HEW_FAMILY_act_f32, &count));
    op->transpose = HEW_FN(transpose_f32, hew_kernels(HEW_FAMILY_transpose_f32, &count));
    op->path = path_of(op, hew_kernels(HEW_FAMILY_gemm_f32, &count));
    hew_status s = HEW_OK;
    if (op->path == HEW_CONV_PANELS) {
        s = prepare_panels(op);
    } else if (op->path == HEW_CONV_DEPTHWISE) {
        hew_dwconv_plan(op);
    } else {
        op->kernel = hew_kernels(HEW_FAMILY_conv_f32, &count);
        op->packed_bytes = sizeof(hew_packed_header) +
                           (size_t)(d->out_c * d->kernel[0] * d->kernel[1] * d->kernel[2]) *
                               op->group_in * sizeof(float);
    }
    if (s == HEW_OK)
        op->layout = hew_pack_layout(op->kernel, (int64_t[]){d->in_c, d->out_c, d->groups,
                                     d->kernel[0], d->kernel[1], d->kernel[2]}, 6);
    return s;
}

void hew_conv_text(const hew_conv *op, char text[HEW_CONV_TEXT])
{
    static const char ranks[3] = {'d', 'h', 'w'};
    const hew_conv_desc *d = &op->d;
    int n = snprintf(text, HEW_CONV_TEXT, "g%lldmb%lldic%lldoc%lld", (long long)d->groups,
                     (long long)d->batch, (long long)d->in_c, (long long)d->out_c);
    for (int i = 3 - op->rank; i < 3 && n < HEW_CONV_TEXT; i++)
        n += snprintf(text + n, (size_t)(HEW_CONV_TEXT - n), "_i%c%lldk%c%llds%c%lldd%c%lldp%c%lld",
                      ranks[i], (long long)d->in[i], ranks[i], (long long)d->kernel[i], ranks[i],
                      (long long)d->stride[i], ranks[i], (long long)d->dilation[i] - 1, ranks[i],
                      (long long)d->pad_lo[i]);
}

hew_status hew_conv_create(hew_conv **out, const hew_conv_desc *desc)
{
    if (!out || !desc)
        return hew_fail(HEW_ERR_INVALID, "hew_conv_create: %s is null", out ? "desc" : "op");
    hew_conv_desc d = *desc;
    int64_t extents[3];
    int rank = 0;
    hew_status s = normalise(&d, extents, &rank);
    if (s != HEW_OK)
        return s;
    hew_conv *op = hew_malloc(sizeof *op);
    if (!op)
        return hew_fail(HEW_ERR_NO_MEMORY, "conv: no memory for the operation");
    op->d = d;
    op->rank = rank;
    memcpy(op->out, extents, sizeof extents);
    s = prepare(op);
    if (s != HEW_OK) {
        hew_conv_destroy(op);
        return s;
    }
    if (hew_verbose()) {
        char problem[HEW_CONV_TEXT];
        hew_conv_text(op, problem);
        hew_verbose_line("create conv f32 %s %s packed %zu bytes", problem, op->kernel->name,
                         op->packed_bytes);
    }
    *out = op;
    return HEW_OK;
}

void hew_conv_destroy(hew_conv *op)
{
    if (op)
        hew_mfree(op->panels.panel);
    hew_mfree(op);
}

size_t hew_conv_packed_size(const hew_conv *op) { return op ? op->packed_bytes : 0; }

const char *hew_conv_kernel(const hew_conv *op) { return op ? op->kernel->name : ""; }

void hew_conv_out_shape(const hew_conv *op, int64_t out[3])
{
    if (!op || !out)
        return;
    for (int i = 0; i < 3; i++)
        out[i] = i < op->rank ? op->out[3 - op->rank + i] : 1;
}
