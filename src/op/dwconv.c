/*
 * dwconv.c - convolution depthwise or in small groups: output rows cut into runs of pixels with the
 * same taps.
 *
 * Packed weights: for each tap, and in it each channel of a group, a row of padded_c floats; then
 * one more row: lane indices where a lone input channel has several output channels
 * (hew_dwconv_f32_run.spread), else zeros (dwconv_strip.c).
 */
#include "conv.h"

#include <string.h>

enum { TASK_MACS = 1 << 18 }; /* bound by loads and stores, so fewer than in a GEMM */

void hew_dwconv_plan(hew_conv *op)
{
    const hew_conv_desc *d = &op->d;
    size_t count;
    const bool grouped = op->group_in > 1;
    const int family = grouped                  ? HEW_FAMILY_gconv_f32
                       : d->in_type == HEW_BF16 ? HEW_FAMILY_dwconv_bf16
                                                : HEW_FAMILY_dwconv_f32;
    op->kernel = op->dwconv = hew_kernels(family, &count);
    const size_t line = HEW_ALIGNMENT / sizeof(float);
    op->padded_c = hew_round_up((size_t)d->out_c, line);
    if (op->padded_c % (4 * line) == 0) /* keeps a channel's taps out of one another's cache sets */
        op->padded_c += line;
    const size_t taps = op->reduction.rows * op->reduction.taps * op->group_in;
    op->packed_bytes = sizeof(hew_packed_header) + (taps + 1) * op->padded_c * sizeof(float);
    const size_t rows = op->pixels / hew_max((size_t)op->out[2], 1);
    const double macs = (double)op->out[2] * (double)d->out_c * (double)taps;
    const size_t together = macs < 1 || TASK_MACS / macs >= (double)rows
                                ? hew_max(rows, 1)
                                : hew_max(1, (size_t)(TASK_MACS / macs));
    op->row_blocks = hew_ceil_div(rows, together);
    if (!grouped)
        hew_dwconv_strip_plan(op);
}

void hew_dwconv_pack(const hew_conv *op, const float *weights, float *packed)
{
    const size_t taps = op->reduction.rows * op->reduction.taps, channels = (size_t)op->d.out_c;
    const size_t group = op->group_in;
    memset(packed, 0, (taps * group + 1) * op->padded_c * sizeof(float));
    for (size_t c = 0; c < channels; c++)
        for (size_t i = 0; i < group; i++)
            for (size_t t = 0; t < taps; t++)
                packed[(t * group + i) * op->padded_c + c] = weights[(c * group + i) * taps + t];
    int32_t *spread = (int32_t *)(packed + taps * group * op->padded_c);
    for (size_t c = 0; group == 1 && op->group_out > 1 && c < channels; c++)
        spread[c] = (int32_t)(c / op->group_out);
}

typedef struct run_state {
    const hew_conv *op;
    const hew_conv_args *args;
    const float *packed;
} run_state;

/* The kernel rows that lie inside the input for an output row; their first tap at input pixel
 * `column` and tap `tap`. */
static size_t find_rows(const run_state *s, int64_t member, const int64_t at[2], int64_t column,
                        int64_t tap, hew_dwconv_row *rows)
{
    const hew_conv_desc *d = &s->op->d;
    const hew_range kd = hew_taps_inside(at[0], d->kernel[0], d->dilation[0], d->in[0]);
    const hew_range kh = hew_taps_inside(at[1], d->kernel[1], d->dilation[1], d->in[1]);
    const int64_t in_size = (int64_t)hew_type_size(d->in_type);
    size_t n = 0;
    for (int64_t i = kd.begin; i < kd.end; i++)
        for (int64_t j = kh.begin; j < kh.end; j++) {
            const int64_t z = at[0] + i * d->dilation[0], y = at[1] + j * d->dilation[1];
            const int64_t pixel = ((member * d->in[0] + z) * d->in[1] + y) * d->in[2] + column;
            const int64_t t = (i * d->kernel[1] + j) * d->kernel[2] + tap;
            rows[n++] = (hew_dwconv_row){(const char *)s->args->in + pixel * d->in_stride * in_size,
                                         s->packed + (size_t)t * s->op->group_in * s->op->padded_c};
        }
    return n;
}

/* Output pixels [begin, end) of a row, which all have the taps `kw` inside. */
static void run_pixels(const run_state *s, size_t row, int64_t begin, int64_t end, hew_range kw)
{
    const hew_conv *op = s->op;
    const hew_conv_desc *d = &op->d;
    const size_t oh = (size_t)op->out[1], od = (size_t)op->out[0], taps = op->reduction.taps;
    const int64_t at[2] = {(int64_t)(row / oh % od) * d->stride[0] - d->pad_lo[0],
                           (int64_t)(row % oh) * d->stride[1] - d->pad_lo[1]};
    const int64_t column = begin * d->stride[2] - d->pad_lo[2] + kw.begin * d->dilation[2];
    hew_dwconv_row rows[HEW_K_BLOCK];
    const size_t n = kw.end > kw.begin
                         ? find_rows(s, (int64_t)(row / oh / od), at, column, kw.begin, rows)
                         : 0;
    const size_t pixel = row * (size_t)op->out[2] + (size_t)begin;
    const size_t in_step = (size_t)d->in_stride * hew_type_size(d->in_type);
    const size_t out_step = (size_t)d->out_stride * hew_type_size(d->out_type);
    hew_epilogue e = op->epilogue;
    e.scale = s->args->scale;
    e.bias = s->args->bias;
    if (s->args->residual) {
        e.add_stride = (size_t)d->residual_stride * hew_type_size(d->residual_type);
        e.add = (const char *)s->args->residual + pixel * e.add_stride;
    }
    const hew_dwconv_f32_run run = {
        .rows = rows,
        .n_rows = n,
        .taps = (size_t)(kw.end - kw.begin),
        .pixels = (size_t)(end - begin),
        .channels = (size_t)d->out_c,
        .in_step = (size_t)d->stride[2] * in_step,
        .tap_step = (size_t)d->dilation[2] * in_step,
        .w_step = op->group_in * op->padded_c * sizeof(float),
        .out_step = out_step,
        .multiplier = op->group_out,
        .group = op->group_in,
        .spread = (const int32_t *)(s->packed +
                                    op->reduction.rows * taps * op->group_in * op->padded_c),
        .out = (char *)s->args->out + pixel * out_step,
        .epilogue = &e,
        .out_bf16 = d->out_type == HEW_BF16,
        .add_bf16 = d->residual_type == HEW_BF16,
    };
    HEW_FN(dwconv_f32, op->dwconv)(&run);
    if (op->act.kind != HEW_ACT_NONE)
        op->act_fn(&(hew_act_f32_rows){.act = op->act,
                                       .x = run.out,
                                       .x_stride = run.out_step,
                                       .rows = run.pixels,
                                       .n = run.channels});
}

static void run_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const run_state *s = context;
    const hew_conv *op = s->op;
    const hew_conv_desc *d = &op->d;
    const size_t rows = op->pixels / (size_t)op->out[2];
    const size_t end = hew_cut(rows, op->row_blocks, task + 1);
    for (size_t row = hew_cut(rows, op->row_blocks, task); row < end; row++)
        for (int64_t x = 0, next; x < op->out[2]; x = next) {
            const int64_t at = x * d->stride[2] - d->pad_lo[2];
            const hew_range kw = hew_taps_inside(at, d->kernel[2], d->dilation[2], d->in[2]);
            const int64_t reach = (d->kernel[2] - 1) * d->dilation[2];
            next = x + 1;
            if (kw.begin == 0 && kw.end == d->kernel[2]) /* the inside of the row in one run */
                next = hew_min_i64(op->out[2],
                                   (d->in[2] - 1 - reach + d->pad_lo[2]) / d->stride[2] + 1);
            run_pixels(s, row, x, next, kw);
        }
}

hew_status hew_dwconv_run(const hew_conv *op, const hew_conv_args *args)
{
    const hew_packed_header *header = args->packed;
    if (op->strip && !header->nonfinite)
        return hew_dwconv_strip_run(op, args);
    run_state s = {op, args, (const float *)(header + 1)};
    return hew_parallel(args->threads, op->row_blocks, run_task, &s);
}
