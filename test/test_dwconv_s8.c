/* Depthwise convolution of bytes: shapes.  Each result is compared with the definition. */
#include "conv_case.h"
#include "quant_case.h"

#include <math.h>

static conv_case plane(rng *r, int64_t channels, int64_t height, int64_t width, int64_t taps)
{
    return CONV_CASE(.in = {height, width}, .groups = channels, .in_c = channels,
                     .out_c = channels, .kernel = {taps, taps}, .pad_lo = {taps / 2, taps / 2},
                     .pad_hi = {taps / 2, taps / 2}, .in_type = some_byte_type(r),
                     .weight_type = HEW_S8);
}

/* More padding where the taps reach past it. */
static void make_fit(hew_conv_desc *d)
{
    for (int i = 0; i < 3 && d->kernel[i]; i++) {
        const int64_t reach = d->dilation[i] * (d->kernel[i] - 1) + 1;
        if (d->in[i] + d->pad_lo[i] + d->pad_hi[i] < reach)
            d->pad_hi[i] = reach - d->in[i];
    }
}

/* Every number of channels: blocks of 64 and 32 channels, and what is left. */
static void channels(void)
{
    for (int64_t c = 1; c <= 200; c += c < 70 ? 1 : 13)
        for (int64_t stride = 1; stride <= 3; stride++) {
            rng r = case_rng("%d channels, stride %d", (int)c, (int)stride);
            conv_case g = plane(&r, c, 6, 7, 3);
            g.d.stride[0] = g.d.stride[1] = stride;
            quantise_case(&g, &r, some_result_type(&r));
            check_conv(&g);
            g = plane(&r, c, 4, 5, 5);
            g.d.stride[1] = stride;
            quantise_case(&g, &r, some_result_type(&r));
            check_conv(&g);
        }
}

/* Rows around the number of pixels that a run has, and those with little or nothing inside. */
static void widths(void)
{
    for (int64_t width = 1; width <= 140; width += width < 12 || width > 60 ? 1 : 7)
        for (int64_t stride = 1; stride <= 2; stride++) {
            rng r = case_rng("width %d, stride %d", (int)width, (int)stride);
            conv_case g = plane(&r, 33, 2, width, 3);
            g.d.stride[0] = g.d.stride[1] = stride;
            quantise_case(&g, &r, width % 4 ? HEW_U8 : some_result_type(&r));
            check_conv(&g);
            g = plane(&r, 18, 1, width, 1);
            g.d.kernel[1] = 7;
            g.d.pad_lo[1] = 3;
            g.d.pad_hi[1] = rng_between(&r, 3, 9);
            g.d.stride[1] = stride;
            quantise_case(&g, &r, width % 4 ? HEW_S8 : some_result_type(&r));
            check_conv(&g);
        }
}

/* Padding of zero points at both ends of the range, more of it than there are taps. */
static void borders(void)
{
    for (int64_t low = 0; low <= 5; low++)
        for (int64_t high = 0; high <= 5; high++)
            for (int i = 0; i < 8; i++) {
                const hew_type in = i & 1 ? HEW_S8 : HEW_U8;
                rng r = case_rng("padding %d, %d, number %d", (int)low, (int)high, i);
                conv_case g = plane(&r, 70, 4, 3, 3);
                g.d.in_type = in;
                g.d.out_type = HEW_S32;
                g.d.weight_type = i & 4 ? HEW_U8 : HEW_S8;
                g.d.stride[0] = g.d.stride[1] = rng_between(&r, 1, 2);
                g.d.pad_lo[0] = g.d.pad_hi[1] = low;
                g.d.pad_lo[1] = g.d.pad_hi[0] = high;
                g.in_zero = (in == HEW_U8 ? 0 : -128) + (i & 2 ? 255 : 0);
                g.zeros = rng_chance(&r, 2);
                g.bias_s32 = rng_chance(&r, 2);
                g.in = g.weights = FILL_SPECIALS;
                check_conv(&g);
            }
}

/* Three rows of three taps lie in depth or in height; and almost three. */
static void three_rows(void)
{
    static const int64_t kernels[][3] = {{3, 1, 3}, {1, 3, 3}, {3, 3, 1}, {3, 1, 1}, {1, 3, 2},
                                         {1, 3, 4}, {2, 1, 3}, {1, 4, 3}, {3, 2, 3}};
    for (size_t k = 0; k < sizeof kernels / sizeof kernels[0]; k++)
        for (int i = 0; i < 24; i++) {
            rng r = case_rng("kernel %d, number %d", (int)k, i);
            conv_case g = plane(&r, rng_between(&r, 30, 70), 0, 0, 0);
            for (int j = 0; j < 3; j++) {
                g.d.in[j] = rng_between(&r, 4, 9);
                g.d.kernel[j] = kernels[k][j];
                g.d.stride[j] = rng_between(&r, 1, 3);
                g.d.dilation[j] = i % 3 ? 1 : rng_between(&r, 1, 2);
                g.d.pad_lo[j] = rng_between(&r, 0, 2);
                g.d.pad_hi[j] = rng_between(&r, 0, 2);
            }
            make_fit(&g.d);
            g.d.batch = rng_between(&r, 0, 3);
            quantise_case(&g, &r, some_result_type(&r));
            check_conv(&g);
        }
}

/* More taps than tables of them fit together. */
static void many_taps(void)
{
    for (int64_t taps = 11; taps <= 41; taps += 10) {
        rng r = case_rng("%d x %d taps", (int)taps, (int)taps);
        conv_case g = plane(&r, 9, 12, 14, taps);
        quantise_case(&g, &r, HEW_S8);
        check_conv(&g);
    }
    rng r = case_rng("3000 taps");
    conv_case g = plane(&r, 3, 1, 3100, 1);
    g.d.kernel[1] = 3000;
    quantise_case(&g, &r, HEW_U8);
    check_conv(&g);
}

static void multipliers(void)
{
    for (int64_t c = 2; c <= 40; c++)
        for (int64_t multiplier = 2; multiplier <= 5; multiplier++) {
            rng r = case_rng("%d channels, each %d", (int)c, (int)multiplier);
            conv_case g = plane(&r, c, 5, 4, 3);
            g.d.out_c = c * multiplier;
            g.d.in_stride = rng_chance(&r, 2) ? c + rng_between(&r, 0, 20) : 0;
            g.d.weight_type = rng_chance(&r, 4) ? HEW_U8 : HEW_S8;
            quantise_case(&g, &r, some_result_type(&r));
            check_conv(&g);
        }
    rng r = case_rng("2 channels, each 40");
    conv_case g = plane(&r, 2, 5, 4, 3);
    g.d.out_c = 80;
    quantise_case(&g, &r, HEW_U8);
    check_conv(&g);
}

/* What a result is made of: floats that are no numbers, or too large for integers, and bounds. */
static void values(void)
{
    for (int i = 0; i < 120; i++) {
        rng r = case_rng("number %d", i);
        conv_case g = plane(&r, rng_between(&r, 2, 130), 5, 6, i % 2 ? 3 : 2);
        quantise_case(&g, &r, i % 4 ? some_byte_type(&r) : some_result_type(&r));
        g.scale = true;
        g.bias = rng_chance(&r, 2);
        if (g.d.out_type != HEW_S32) {
            g.out_scale = i % 3 ? 0x1p-9f * (float)rng_between(&r, 1, 999)
                                : ldexpf(1, (int)rng_between(&r, -99, -20));
            g.d.act = (hew_act){.kind = rng_chance(&r, 3) ? HEW_ACT_RELU : HEW_ACT_CLIP,
                                .alpha = rng_f32(&r) * 40, .beta = 50 + rng_f32(&r) * 9};
        } else {
            g.scale = g.bias = false;
        }
        g.rest = i % 5 ? FILL_MIXED : FILL_NANS;
        g.nans = NAN_ANY;
        check_conv(&g);
    }
}

static void random_shapes(void)
{
    for (int i = 0; i < 600; i++) {
        rng r = case_rng("number %d", i);
        const int64_t c = rng_between(&r, 2, 140);
        conv_case g = plane(&r, c, rng_between(&r, 1, 20), rng_between(&r, 1, 20), 3);
        g.d.batch = rng_between(&r, 0, 3);
        g.d.weight_type = rng_chance(&r, 6) ? HEW_U8 : HEW_S8;
        for (int j = 0; j < 2; j++) {
            g.d.kernel[j] = rng_chance(&r, 2) ? 3 : rng_between(&r, 1, 7);
            g.d.stride[j] = rng_between(&r, 1, 3);
            g.d.dilation[j] = rng_chance(&r, 3) ? rng_between(&r, 1, 3) : 1;
            g.d.pad_lo[j] = rng_between(&r, 0, 3);
            g.d.pad_hi[j] = rng_between(&r, 0, 3);
        }
        make_fit(&g.d);
        g.d.in_stride = rng_chance(&r, 2) ? c + rng_between(&r, 0, 20) : 0;
        g.d.out_stride = rng_chance(&r, 2) ? c + rng_between(&r, 0, 20) : 0;
        quantise_case(&g, &r, some_result_type(&r));
        g.threads = rng_chance(&r, 6);
        check_conv(&g);
    }
}

int main(void)
{
    static const test tests[] = {
        {"channels", channels}, {"widths", widths}, {"borders", borders},
        {"three_rows", three_rows}, {"many_taps", many_taps}, {"multipliers", multipliers},
        {"values", values}, {"random_shapes", random_shapes},
    };
    return run_on_rungs("dwconv_s8", HEW_FAMILY_dwconv_u8s8, TESTS(tests));
}
