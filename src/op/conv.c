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
    PATCH_ROW = 512,            /* bytes of a row of taps that is worth patching up */
    NARROW = 28,                /* pixels of an image row */
    WINDOW = 256                /* bytes of a window that is worth copying */
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

/* Whether a tensor of batch x extents x stride words can be addressed. */
static bool fits(int64_t batch, const int64_t extents[3], int64_t stride)
{
    int64_t size = HEW_WORD;
    return hew_mul(size, batch < 1 ? 1 : batch, &size) && hew_mul(size, extents[0], &size) &&
           hew_mul(size, extents[1], &size) && hew_mul(size, extents[2], &size) &&
           hew_mul(size, stride, &size);
}

static hew_status normalise(hew_conv_desc *d, int64_t out[3], int *rank, hew_format *format)
{
    if (d->size != sizeof *d)
        return hew_fail(HEW_ERR_INVALID, "conv: descriptor size is %zu, this library's is %zu",
                        d->size, sizeof *d);
    hew_status s = hew_inner_types("conv", d->math, &d->in_type, &d->weight_type, &d->out_type,
                                   &d->residual_type);
    if (s == HEW_OK)
        s = hew_format_of("conv", d->in_type, d->weight_type, d->out_type, d->residual_type,
                          HEW_DYNAMIC_NONE, format);
    if (s != HEW_OK)
        return s;
    if (d->out_type == HEW_S32 && d->act.kind != HEW_ACT_NONE)
        return hew_fail(HEW_ERR_INVALID, "conv: output of s32 with an activation");
    if (d->batch < -1)
        return hew_fail(HEW_ERR_INVALID, "conv: batch = %lld", (long long)d->batch);
    d->batch = d->batch == -1 ? 0 : d->batch == 0 ? 1 : d->batch;
    s = to_3d(d, rank);
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
    s = hew_act_defaults("conv", &d->act);
    if (format->bf16)
        d->act = hew_bf16_act(d->act);
    return s;
}

/*
 * Tiles that lie in one image row can leave the taps above and below the image out; in narrow
 * images, those on the left and right, too (conv_tiles.c).  Not where low tiles would come of it.
 * Tiles of floats do without most taps above and below even where they don't end with rows.
 */
static size_t unit_of(const hew_conv *op)
{
    const hew_conv_desc *d = &op->d;
    const size_t width = (size_t)op->out[2], mr = (size_t)op->panels.mr;
    const bool across = d->pad_lo[2] > 0 || d->pad_hi[2] > 0;
    const bool down = d->pad_lo[0] > 0 || d->pad_hi[0] > 0 || d->pad_lo[1] > 0 || d->pad_hi[1] > 0;
    const bool lacking = op->format.integer ? down : across && width > 2 && width <= NARROW;
    const size_t middle = op->format.integer ? width : width - 2;
    return lacking && !op->window && middle / hew_ceil_div(middle, mr) >= LOW_TILE ? width : 1;
}

/* Cuts the output into blocks of pixels and chunks of panels, and adds up the scratch. */
static hew_status plan(hew_conv *op)
{
    const hew_conv_desc *d = &op->d;
    const hew_reduction *r = &op->reduction;
    const size_t taps = r->rows * r->taps, mr = (size_t)op->panels.mr;
    const size_t step = sizeof(hew_reduce_step) * taps, element = op->format.a_size;
    const size_t wide = (size_t)(d->stride[1] * d->stride[2]) * op->group_in * element;
    size_t rows = hew_min(hew_max(IN_BLOCK_BYTES / wide, MIN_BLOCK_ROWS), MAX_BLOCK_ROWS);
    rows = hew_max(mr, hew_min(rows, STEP_BYTES / step * mr));
    const hew_cuts cuts =
        hew_cut_tasks(&op->panels, op->pixels, rows, (size_t)d->groups,
                      (double)op->group_out * (double)taps * (double)r->channels);
    op->unit = unit_of(op);
    op->row_blocks = hew_min(cuts.row_blocks, op->pixels / op->unit);
    op->chunks = cuts.chunks;
    op->few_blocks = hew_min(hew_ceil_div(op->pixels, rows), op->row_blocks);
    op->block_rows = hew_ceil_div(op->pixels / op->unit, hew_max(op->few_blocks, 1)) * op->unit;

    /* Weights that are not finite take tiles of one pixel: hew_conv_rows. */
    const size_t tiles = op->block_rows, parts = hew_parts(r), nr = (size_t)op->panels.max_nr;
    const size_t partial = hew_max(op->block_rows, mr) * nr * HEW_WORD;
    int64_t steps;
    if (!hew_mul((int64_t)step, (int64_t)tiles, &steps) || steps > (int64_t)1 << 40)
        return hew_fail(HEW_ERR_OVERFLOW, "conv: %zu taps need too much scratch", taps);
    const size_t row = (size_t)d->kernel[2] * op->group_in * element;
    op->patch_bytes = op->merge_taps && row <= PATCH_ROW ? op->block_rows * r->rows * row
                                                         : op->block_rows * op->window;
    for (int i = 0; i < 3; i++)
        if (d->pad_lo[i] > 0 || d->pad_hi[i] > 0)
            op->pad_bytes = op->merge_taps ? row : op->group_in * element;
    const size_t integers = op->format.integer ? op->block_rows * sizeof(int32_t) : 0;
    const size_t stage = op->staged ? mr * nr * sizeof(float) : 0;
    const size_t pieces[] = {op->patch_bytes, tiles * sizeof(hew_tile), (size_t)steps,
                             tiles * (parts + 1) * sizeof(uint32_t), partial, op->pad_bytes,
                             integers, stage};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        op->worker_bytes += hew_round_up(pieces[i], HEW_ALIGNMENT);
    return HEW_OK;
}

static hew_conv_path path_of(const hew_conv *op, const hew_kernel *lines)
{
    if (lines->isa == HEW_ISA_REF)
        return HEW_CONV_REF;
    const bool depthwise = op->group_in == 1;
    size_t count;
    if (op->format.integer && op->d.groups > 1 && depthwise)
        return HEW_CONV_DEPTHWISE_S8;
    if (op->format.integer || op->format.bf16) {
        hew_kernels(hew_format_amx(&op->format), &count);
        return count > 0 ? HEW_CONV_AMX : HEW_CONV_PANELS;
    }
    const hew_reduction *r = &op->reduction;
    const bool one_block = r->rows <= r->block_rows && r->taps <= r->block_taps;
    const size_t most = (size_t)hew_kernels(HEW_FAMILY_gconv_f32, &count)->mr;
    const bool small_groups = op->group_in == op->group_out && op->group_in <= most &&
                              most % op->group_in == 0;
    return op->d.groups > 1 && one_block && (depthwise || small_groups) ? HEW_CONV_DEPTHWISE
                                                                        : HEW_CONV_PANELS;
}

/*
 * The sum as words.  Where the channels of a tap fill whole words, each tap has its own, whether a
 * row of taps is one step or several.  Where they don't, as in a first layer of 3 channels, bytes
 * under a short window are copied to become words together, or those of a short row of taps are
 * words as they lie, and then always one step.  Not so bf16, where taps in the padding may have to
 * be left out one by one.
 */
static void cut_words(hew_conv *op)
{
    const hew_conv_desc *d = &op->d;
    const size_t rows = (size_t)(d->kernel[0] * d->kernel[1]), taps = (size_t)d->kernel[2];
    const size_t row = taps * op->group_in;
    const bool in_one_piece =
        d->groups == 1 && d->in_stride == d->in_c && d->dilation[2] == 1 && taps > 1;
    if (op->group_in % op->depth == 0 || !op->format.integer) {
        op->reduction = hew_reduction_of(rows, taps, hew_ceil_div(op->group_in, op->depth));
        op->merge_taps = in_one_piece && op->group_in % op->depth == 0 &&
                         op->reduction.block_taps == op->reduction.taps;
    } else if (rows * row <= WINDOW && rows * taps > 1) {
        op->window = hew_round_up(rows * row, HEW_WORD);
        op->reduction = hew_reduction_of(1, 1, op->window / op->depth);
    } else if (in_one_piece && row <= PATCH_ROW) {
        op->reduction = hew_reduction_of(rows, 1, hew_ceil_div(row, op->depth));
        op->merge_taps = true;
    } else {
        op->reduction = hew_reduction_of(rows, taps, hew_ceil_div(op->group_in, op->depth));
    }
}

static hew_status prepare_panels(hew_conv *op)
{
    const hew_conv_desc *d = &op->d;
    const bool amx = op->path == HEW_CONV_AMX;
    hew_status s = hew_panels_create(&op->panels, amx ? hew_format_amx(&op->format)
                                                      : op->format.gemm, op->group_out);
    if (s != HEW_OK)
        return hew_fail(s, "conv: no memory for the panels of out_c = %lld", (long long)d->out_c);
    op->kernel = op->panels.panel[0].kernel;
    op->depth = (size_t)op->kernel->depth;
    amx ? hew_conv_amx_start(op) : cut_words(op);
    const hew_reduction *r = &op->reduction;
    op->group_bytes = op->panels.padded_n * r->rows * r->taps * r->channels * HEW_WORD;
    int64_t bytes, sums = 0;
    if (!hew_mul((int64_t)op->group_bytes, d->groups, &bytes) ||
        (op->format.integer &&
         !hew_mul((int64_t)(op->panels.padded_n * sizeof(int32_t)), d->groups, &sums)) ||
        !hew_add(bytes, sums + (int64_t)sizeof(hew_packed_header) + HEW_ALIGNMENT, &bytes))
        return hew_fail(HEW_ERR_OVERFLOW, "conv: packed weights are too large");
    op->sums_bytes = (size_t)sums;
    op->packed_bytes = (size_t)bytes;
    op->linear = op->d.kernel[0] * op->d.kernel[1] * op->d.kernel[2] == 1;
    for (int i = 0; i < 3; i++)
        op->linear &= op->out[i] == d->in[i] && d->pad_lo[i] == 0 && d->pad_hi[i] == 0;
    return amx ? hew_conv_amx_plan(op) : plan(op);
}

static hew_status prepare(hew_conv *op)
{
    const hew_conv_desc *d = &op->d;
    size_t count;
    op->group_in = (size_t)(d->in_c / d->groups);
    op->group_out = (size_t)(d->out_c / d->groups);
    op->depth = 1;
    op->pixels = (size_t)(d->batch * op->out[0] * op->out[1] * op->out[2]);
    op->reduction = hew_reduction_of((size_t)(d->kernel[0] * d->kernel[1]), (size_t)d->kernel[2],
                                     op->group_in);
    op->epilogue = (hew_epilogue){.alpha = 1, .beta = 1};
    op->act = hew_epilogue_act(&op->epilogue, d->act);
    op->staged = d->out_type != HEW_F32 && (op->act.kind != HEW_ACT_NONE ||
                                            (op->format.integer && d->out_type == HEW_BF16));
    op->act_fn = HEW_FN(act_f32, hew_kernels(HEW_FAMILY_act_f32, &count));
    op->transpose = HEW_FN(transpose_f32, hew_kernels(HEW_FAMILY_transpose_f32, &count));
    op->quantize_fn = HEW_FN(quantize_f32, hew_kernels(HEW_FAMILY_quantize_f32, &count));
    op->path = path_of(op, hew_kernels(op->format.gemm, &count));
    hew_status s = HEW_OK;
    if (op->path == HEW_CONV_PANELS || op->path == HEW_CONV_AMX) {
        s = prepare_panels(op);
    } else if (op->path == HEW_CONV_DEPTHWISE) {
        hew_dwconv_plan(op);
    } else if (op->path == HEW_CONV_DEPTHWISE_S8) {
        s = hew_dwconv_s8_plan(op);
    } else {
        op->kernel = hew_kernels(op->format.conv, &count);
        op->packed_bytes = sizeof(hew_packed_header) +
                           (size_t)(d->out_c * d->kernel[0] * d->kernel[1] * d->kernel[2]) *
                               op->group_in * op->format.b_size;
    }
    if (s == HEW_OK)
        op->layout = hew_pack_layout(op->kernel, (int64_t[]){d->in_c, d->out_c, d->groups,
                                     d->kernel[0], d->kernel[1], d->kernel[2], d->weight_type,
                                     op->merge_taps}, 8);
    return s;
}

void hew_conv_text(const hew_conv *op, char text[HEW_CONV_TEXT])
{
    static const char ranks[3] = {'d', 'h', 'w'};
    const hew_conv_desc *d = &op->d;
    int n = snprintf(text, HEW_CONV_TEXT, "g%lldmb%lldic%lldoc%lld", (long long)d->groups,
                     (long long)d->batch, (long long)hew_conv_channels(op), (long long)d->out_c);
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
    hew_format format;
    hew_status s = normalise(&d, extents, &rank, &format);
    if (s != HEW_OK)
        return s;
    hew_conv *op = hew_malloc(sizeof *op);
    if (!op)
        return hew_fail(HEW_ERR_NO_MEMORY, "conv: no memory for the operation");
    op->d = d;
    op->format = format;
    op->rank = rank;
    memcpy(op->out, extents, sizeof extents);
    s = hew_conv_plan_edges(op, desc);
    if (s == HEW_OK)
        s = prepare(op);
    if (s != HEW_OK) {
        hew_conv_destroy(op);
        return s;
    }
    if (hew_verbose()) {
        char problem[HEW_CONV_TEXT];
        hew_conv_text(op, problem);
        hew_verbose_line("create conv %s %s %s packed %zu bytes", op->format.name, problem,
                         op->kernel->name, op->packed_bytes);
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
