/* Random convolutions. */
#include "fuzz.h"

#include <math.h>
#include <stdlib.h>

typedef struct conv_case {
    hew_conv_desc d;
    size_t in, weights, out, r; /* elements */
    bool scale, bias, in_place, bias_s32, zero;
    int32_t in_zero, out_zero, r_zero;
    float out_scale, r_scale;
    const hew_threads *threads;
} conv_case;

static hew_status run_conv(const void *what, void *out)
{
    const conv_case *c = what;
    hew_conv *op;
    hew_status status = hew_conv_create(&op, &c->d);
    if (status != HEW_OK)
        return status;
    const size_t packed_bytes = hew_conv_packed_size(op);
    const size_t scratch_bytes = hew_conv_scratch_size(op, c->threads ? c->threads->count : 1);
    if (hew_conv_kernel(op)[0] == '\0')
        fuzz_broken("a conv without a kernel", hew_active_isa());
    if (out != NULL) {
        const size_t n = (size_t)c->d.out_c;
        void *in = fuzz_elements(c->d.in_type, c->in, 1);
        void *w = fuzz_elements(c->d.weight_type, c->weights, 2);
        void *r = c->r ? fuzz_elements(c->d.residual_type, c->r, 3) : NULL;
        void *zero = c->zero ? fuzz_elements(c->d.weight_type, n, 8) : NULL;
        void *bias_s32 = c->bias_s32 ? fuzz_elements(HEW_S32, n, 9) : NULL;
        float *scale = c->scale ? fuzz_floats(n, 4) : NULL;
        float *bias = c->bias ? fuzz_floats(n, 5) : NULL;
        void *packed = fuzz_aligned(packed_bytes), *scratch = fuzz_aligned(scratch_bytes);
        status = hew_conv_pack(op, w, packed);
        if (status == HEW_OK)
            status = hew_conv_run(op, &HEW_CONV_ARGS(.in = in, .packed = packed, .scale = scale,
                                                     .bias = bias, .out = out,
                                                     .residual = c->in_place ? out : r,
                                                     .scratch = scratch, .threads = c->threads,
                                                     .bias_s32 = bias_s32, .weight_zero = zero,
                                                     .in_zero = c->in_zero,
                                                     .out_zero = c->out_zero,
                                                     .residual_zero = c->r_zero,
                                                     .out_scale = c->out_scale,
                                                     .residual_scale = c->r_scale));
        fuzz_unfloats(in), fuzz_unfloats(w), fuzz_unfloats(r);
        fuzz_unfloats(scale), fuzz_unfloats(bias), fuzz_unfloats(zero), fuzz_unfloats(bias_s32);
        free(packed), free(scratch);
    }
    hew_conv_destroy(op);
    return status;
}

/* Output pixels by the header's formula, or more than any limit. */
static double out_pixels(const hew_conv_desc *d, int rank)
{
    double pixels = 1;
    for (int i = 0; i < rank && d->kernel[i] != 0; i++) {
        const double left = (double)d->in[i] + (double)d->pad_lo[i] + (double)d->pad_hi[i] -
                            (double)fuzz_or_dense(d->dilation[i], 1) * ((double)d->kernel[i] - 1) -
                            1;
        pixels *= left < 0 ? 1e30 : floor(left / (double)fuzz_or_dense(d->stride[i], 1)) + 1;
    }
    return pixels;
}

static void measure(conv_case *c, fuzz_bytes *in, int rank)
{
    const hew_conv_desc *d = &c->d;
    const int64_t batch = d->batch == 0 ? 1 : d->batch < 0 ? 0 : d->batch;
    double pixels = (double)batch, taps = 1;
    for (int i = 0; i < rank; i++) {
        if (d->kernel[i] == 0)
            break; /* beyond the rank */
        pixels *= (double)d->in[i];
        taps *= (double)d->kernel[i];
    }
    const double outs = (double)batch * out_pixels(d, rank);
    const double weights =
        (double)d->out_c * (double)d->in_c * taps / (double)fuzz_or_dense(d->groups, 1);
    if (!(pixels >= 0 && outs >= 0 && pixels <= FUZZ_MOST_FLOATS && outs <= FUZZ_MOST_FLOATS &&
          weights <= FUZZ_MOST_FLOATS && weights >= 0 && outs * weights <= FUZZ_MOST_WORK))
        return;
    const int64_t out_stride = fuzz_or_dense(d->out_stride, d->out_c);
    const int64_t r_stride = fuzz_or_dense(d->residual_stride, out_stride);
    const unsigned residual = fuzz_byte(in) % 3;
    c->in = fuzz_span(1, 0, (int64_t)pixels, fuzz_or_dense(d->in_stride, d->in_c), d->in_c);
    c->weights = (size_t)weights;
    c->out = fuzz_span(1, 0, (int64_t)outs, out_stride, d->out_c);
    c->r = fuzz_span(1, 0, (int64_t)outs, r_stride, d->out_c);
    const bool fits =
        c->in <= FUZZ_MOST_FLOATS && c->out <= FUZZ_MOST_FLOATS && c->r <= FUZZ_MOST_FLOATS;
    c->in_place =
        residual == 2 && r_stride == out_stride && d->residual_type == d->out_type;
    c->r = residual == 1 ? c->r : 0;
    fuzz_on_every_rung(run_conv, c, d->out_type, c->out, fits);
}

void fuzz_conv(fuzz_bytes *in)
{
    conv_case c = {.d = HEW_CONV_DESC(.batch = fuzz_one_in(in, 3) ? fuzz_small(in, 4) : 0)};
    hew_conv_desc *d = &c.d;
    const int rank = 1 + (int)(fuzz_byte(in) % 3);
    for (int i = 0; i < rank; i++) {
        d->in[i] = rank == 1 ? fuzz_extent(in) : fuzz_small(in, 16);
        d->kernel[i] = fuzz_small(in, 6);
        d->stride[i] = fuzz_one_in(in, 3) ? fuzz_small(in, 4) : 0;
        d->dilation[i] = fuzz_one_in(in, 3) ? fuzz_small(in, 4) : 0;
        d->pad_lo[i] = fuzz_small(in, 4);
        d->pad_hi[i] = fuzz_small(in, 4);
    }
    /* Mostly groups that divide; a fourth of all is depthwise. */
    d->groups = fuzz_one_in(in, 2) ? fuzz_small(in, 70) : 0;
    const int64_t groups = d->groups > 0 && d->groups < 1000 ? d->groups : 1;
    const bool depthwise = fuzz_one_in(in, 2) && groups > 1;
    d->in_c =
        fuzz_one_in(in, 20) ? fuzz_extent(in) : groups * (depthwise ? 1 : fuzz_small(in, 40) & 63);
    d->out_c =
        fuzz_one_in(in, 20) ? fuzz_extent(in) : groups * (fuzz_small(in, depthwise ? 4 : 70) & 127);
    d->in_stride = fuzz_stride(in, d->in_c);
    d->out_stride = fuzz_stride(in, d->out_c);
    d->residual_stride = fuzz_stride(in, d->out_c);
    const fuzz_types t = fuzz_product_types(in);
    d->in_type = t.a, d->weight_type = t.b, d->out_type = t.c, d->residual_type = t.residual;
    if (t.a == HEW_F32 || t.a == HEW_F16) {
        d->math = fuzz_one_in(in, 4) ? (hew_math)(fuzz_byte(in) % 3) : HEW_MATH_DEFAULT;
    } else {
        c.in_zero = fuzz_zero(in, t.a), c.out_zero = fuzz_zero(in, t.c);
        c.r_zero = fuzz_zero(in, t.residual);
        c.out_scale = fuzz_scale(in), c.r_scale = fuzz_scale(in);
        c.bias_s32 = t.a != HEW_BF16 && fuzz_one_in(in, 3);
        c.zero = t.a != HEW_BF16 && fuzz_one_in(in, 4);
    }
    d->act = fuzz_activation(in);
    d->size -= fuzz_one_in(in, 100);
    c.scale = fuzz_one_in(in, 2), c.bias = fuzz_one_in(in, 2), c.threads = fuzz_threads(in);

    fuzz_on_every_rung(run_conv, &c, HEW_F32, 0, false);
    measure(&c, in, rank);
}
