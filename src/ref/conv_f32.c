/*
 * conv_f32 - the definition of hew_conv_run for f32:
 *
 *     sum = block sums of in[pixel of tap t][c] * w[oc][c][t], added in order    src/core/reduce.h
 *     v = fma(sum, scale[oc], bias[oc] + 0)
 *     v = v + residual                when there is one
 *     out = act(v)
 *
 * The sum runs over rows (depth and height of the kernel together), then the taps of a row, then
 * the channels of the group.  A tap in the padding adds nothing, not even 0 * w: an infinite
 * weight over padding leaves the result finite.
 *
 * Packed weights on this rung are the caller's, [out_c][in_c / groups][kernel], behind the header.
 */
#include "conv.h"
#include "reduce.h"
#include "ref/ref.h"

typedef struct window {
    const hew_conv_desc *d;
    const float *in;      /* the batch member's first channel of the group */
    const float *w;       /* the output channel's weights */
    int64_t in_c;         /* channels of a group */
    int64_t origin[3];    /* where tap 0 lies in the input; may be negative */
} window;

/* Adds one tap's channels [start, end) to a chain. */
static float add_tap(const window *v, int64_t row, int64_t tap, int64_t start, int64_t end,
                     float sum)
{
    const hew_conv_desc *d = v->d;
    const int64_t *kernel = d->kernel;
    const int64_t t[3] = {row / kernel[1], row % kernel[1], tap};
    int64_t pixel = 0;
    for (int i = 0; i < 3; i++) {
        const int64_t at = v->origin[i] + t[i] * d->dilation[i];
        if (at < 0 || at >= d->in[i])
            return sum;
        pixel = pixel * d->in[i] + at;
    }
    const int64_t taps = kernel[0] * kernel[1] * kernel[2];
    for (int64_t c = start; c < end; c++)
        sum = fmaf(v->in[pixel * d->in_stride + c], v->w[c * taps + row * kernel[2] + tap], sum);
    return sum;
}

static int64_t at_most(int64_t x, int64_t limit) { return x < limit ? x : limit; }

static float convolve(const window *v)
{
    const int64_t rows = v->d->kernel[0] * v->d->kernel[1], taps = v->d->kernel[2];
    const hew_reduction cut = hew_reduction_of((size_t)rows, (size_t)taps, (size_t)v->in_c);
    const int64_t row_step = (int64_t)cut.block_rows, tap_step = (int64_t)cut.block_taps;
    const int64_t c_step = (int64_t)cut.block_channels;
    float total = 0.0f;
    for (int64_t r0 = 0; r0 < rows; r0 += row_step)
        for (int64_t t0 = 0; t0 < taps; t0 += tap_step)
            for (int64_t c0 = 0; c0 < v->in_c; c0 += c_step) {
                float sum = 0.0f;
                for (int64_t r = r0; r < at_most(r0 + row_step, rows); r++)
                    for (int64_t t = t0; t < at_most(t0 + tap_step, taps); t++)
                        sum = add_tap(v, r, t, c0, at_most(c0 + c_step, v->in_c), sum);
                total = r0 == 0 && t0 == 0 && c0 == 0 ? sum : total + sum;
            }
    return total;
}

/* All output channels of one pixel. */
static void output_pixel(const hew_conv *op, const hew_conv_args *args, window v, int64_t member,
                         int64_t pixel)
{
    const hew_conv_desc *d = &op->d;
    const float *in = (const float *)args->in +
                      member * d->in[0] * d->in[1] * d->in[2] * d->in_stride;
    const float *w = (const float *)args->packed + 64 / sizeof(float);
    const int64_t filter = v.in_c * d->kernel[0] * d->kernel[1] * d->kernel[2];
    const float *residual = args->residual;
    float *out = (float *)args->out + pixel * d->out_stride;
    for (int64_t oc = 0; oc < d->out_c; oc++) {
        v.in = in + oc / (d->out_c / d->groups) * v.in_c;
        v.w = w + oc * filter;
        float x = hew_ref_scale(convolve(&v), 1.0f, args->scale, args->bias, oc);
        if (residual)
            x = x + residual[pixel * d->residual_stride + oc];
        out[oc] = hew_ref_act(d->act, x);
    }
}

void hew_conv_f32_ref(const hew_conv *op, const hew_conv_args *args)
{
    const hew_conv_desc *d = &op->d;
    const int64_t pixels = op->out[0] * op->out[1] * op->out[2];
    for (int64_t member = 0; member < d->batch; member++)
        for (int64_t p = 0; p < pixels; p++) {
            const int64_t o[3] = {p / (op->out[1] * op->out[2]), p / op->out[2] % op->out[1],
                                  p % op->out[2]};
            window v = {.d = d, .in_c = d->in_c / d->groups};
            for (int i = 0; i < 3; i++)
                v.origin[i] = o[i] * d->stride[i] - d->pad_lo[i];
            output_pixel(op, args, v, member, member * pixels + p);
        }
}
