/*
 * conv_u8s8, conv_s8s8 - the definition of hew_conv_run for bytes:
 *
 *     s = sum over the taps inside the input, and channels, of
 *         (in - in_zero) * (w - weight_zero[oc]) + bias_s32[oc]              modulo 2^32
 *
 * and what hew_ref_store makes of it.  Packed weights are the caller's, behind the header.
 */
#include "conv.h"
#include "ref/ref.h"

static int32_t byte_at(const void *p, int64_t i, hew_type type)
{
    return type == HEW_S8 ? ((const int8_t *)p)[i] : ((const uint8_t *)p)[i];
}

/* One output element: tap (0, 0, 0) lies at input position `origin`, which may be outside. */
static uint32_t convolve(const hew_conv *op, const hew_conv_args *args, int64_t member,
                         const int64_t origin[3], int64_t oc)
{
    const hew_conv_desc *d = &op->d;
    const int64_t group = oc / (int64_t)op->group_out, channels = (int64_t)op->group_in;
    const int64_t *kernel = d->kernel, taps = kernel[0] * kernel[1] * kernel[2];
    const void *w = hew_conv_packed_panels(op, args->packed);
    const int32_t zero = args->weight_zero ? byte_at(args->weight_zero, oc, d->weight_type) : 0;
    uint32_t sum = 0;
    for (int64_t t = 0; t < taps; t++) {
        const int64_t row = t / kernel[2];
        const int64_t tap[3] = {row / kernel[1], row % kernel[1], t % kernel[2]};
        int64_t pixel = member;
        bool inside = true;
        for (int i = 0; i < 3; i++) {
            const int64_t at = origin[i] + tap[i] * d->dilation[i];
            inside &= at >= 0 && at < d->in[i];
            pixel = pixel * d->in[i] + at;
        }
        for (int64_t c = 0; inside && c < channels; c++)
            sum += (uint32_t)((byte_at(args->in, pixel * d->in_stride + group * channels + c,
                                       d->in_type) - args->in_zero) *
                              (byte_at(w, (oc * channels + c) * taps + t, d->weight_type) - zero));
    }
    return sum;
}

static void run(const hew_conv *op, const hew_conv_args *args)
{
    const hew_conv_desc *d = &op->d;
    const hew_quant quant = hew_conv_quant(op, args, NULL);
    const hew_ref_result result = {&quant, args->scale, args->bias, 1,
                                   args->residual_scale == 0 ? 1 : args->residual_scale, 1, d->act};
    const int64_t pixels = op->out[0] * op->out[1] * op->out[2];
    for (int64_t p = 0; p < d->batch * pixels; p++) {
        const int64_t o[3] = {p % pixels / (op->out[1] * op->out[2]), p / op->out[2] % op->out[1],
                              p % op->out[2]};
        int64_t origin[3];
        for (int i = 0; i < 3; i++)
            origin[i] = o[i] * d->stride[i] - d->pad_lo[i];
        for (int64_t oc = 0; oc < d->out_c; oc++) {
            uint32_t sum = convolve(op, args, p / pixels, origin, oc);
            if (args->bias_s32)
                sum += (uint32_t)args->bias_s32[oc];
            hew_ref_store(&result, (int32_t)sum, oc, args->residual, p * d->residual_stride + oc,
                          args->out, p * d->out_stride + oc);
        }
    }
}

void hew_conv_u8s8_ref(const hew_conv *op, const hew_conv_args *args) { run(op, args); }
void hew_conv_s8s8_ref(const hew_conv *op, const hew_conv_args *args) { run(op, args); }
