/* Convolution: shapes.  Each result is compared with the definition, bit for bit. */
#include "conv_case.h"

#define PLANE(h, w) {(h), (w)}

static void ranks_and_kernels(void)
{
    for (int64_t k = 1; k <= 7; k++)
        for (int64_t stride = 1; stride <= 3; stride++) {
            conv_case line = CONV_CASE(.in = {29}, .in_c = 5, .out_c = 19, .kernel = {k},
                                       .stride = {stride}, .pad_lo = {k / 2}, .pad_hi = {k - 1});
            check_conv(&line);
            conv_case plane = CONV_CASE(.in = PLANE(11, 13), .in_c = 6, .out_c = 17,
                                        .kernel = {k, (k + 3) % 7 + 1}, .stride = {stride, 1},
                                        .pad_lo = {k / 2, 3}, .pad_hi = {k / 2, 3});
            check_conv(&plane);
            conv_case volume = CONV_CASE(.in = {7, 8, 9}, .in_c = 3, .out_c = 9,
                                         .kernel = {(k + 1) % 4 + 1, k % 3 + 1, k},
                                         .stride = {1, stride, stride}, .pad_lo = {2, 1, k / 2},
                                         .pad_hi = {1, 2, k / 2});
            check_conv(&volume);
        }
}

static void dilations(void)
{
    for (int64_t dilation = 1; dilation <= 4; dilation++)
        for (int64_t k = 1; k <= 4; k++) {
            conv_case g = CONV_CASE(.in = PLANE(14, 15), .in_c = 8, .out_c = 16, .kernel = {k, 3},
                                    .dilation = {dilation, 5 - dilation}, .pad_lo = {dilation, 2},
                                    .pad_hi = {3, dilation});
            check_conv(&g);
            conv_case line = CONV_CASE(.in = {40}, .in_c = 3, .out_c = 5, .kernel = {k},
                                       .dilation = {dilation}, .stride = {2});
            check_conv(&line);
        }
}

/* Padding that differs from side to side, up to windows with no tap inside the input. */
static void paddings(void)
{
    for (int64_t low = 0; low <= 6; low += 1)
        for (int64_t high = 0; high <= 6; high += 2)
            for (int64_t stride = 1; stride <= 2; stride++) {
                conv_case g = CONV_CASE(.in = PLANE(5, 4), .in_c = 7, .out_c = 18, .kernel = {3, 2},
                                        .stride = {stride, stride}, .pad_lo = {low, high},
                                        .pad_hi = {high, low});
                g.bias = stride == 2;
                check_conv(&g);
                g.d.groups = 1;
                g.d.in_c = g.d.out_c = g.d.groups = 9;
                check_conv(&g);
            }
    conv_case g = CONV_CASE(.in = {1, 1, 1}, .in_c = 4, .out_c = 8, .kernel = {1, 3, 5},
                            .pad_lo = {9, 9, 9}, .pad_hi = {9, 9, 9}, .stride = {2, 3, 4});
    check_conv(&g);
}

/* Input and output channels around the vector widths. */
static const int64_t widths[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64,
                                 65};
enum { WIDTHS = sizeof widths / sizeof widths[0] };

static void channels(void)
{
    for (int i = 0; i < WIDTHS; i++)
        for (int j = 0; j < WIDTHS; j++) {
            conv_case g = CONV_CASE(.in = PLANE(3, 4), .in_c = widths[i], .out_c = widths[j],
                                    .kernel = {3, 3}, .pad_lo = {1, 1}, .pad_hi = {1, 1});
            if ((i + j) % 2)
                g.d.kernel[0] = g.d.kernel[1] = 1;
            check_conv(&g);
        }
    for (int64_t oc = 1; oc <= 130; oc += 3) {
        conv_case g = CONV_CASE(.in = {9}, .in_c = 10, .out_c = oc, .kernel = {1});
        check_conv(&g);
    }
    /* One output pixel, or row, of a larger image: a stride past the input counts for the batch. */
    for (int64_t stride = 1; stride <= 8; stride += 7) {
        conv_case g = CONV_CASE(.batch = 3, .in = PLANE(5, 4), .in_c = 3, .out_c = 8,
                                .kernel = {1, 1}, .stride = {8, stride});
        check_conv(&g);
    }
}

static void pixel_tails(void)
{
    for (int64_t w = 1; w <= 34; w++) {
        conv_case g = CONV_CASE(.in = PLANE(2, w), .in_c = 4, .out_c = 33, .kernel = {1, 1});
        check_conv(&g);
        g.d.kernel[1] = 3;
        g.d.pad_lo[1] = g.d.pad_hi[1] = 1;
        check_conv(&g);
    }
}

static void groups(void)
{
    static const int64_t sizes[][3] = {{2, 2, 2}, {2, 8, 6}, {4, 12, 20}, {3, 51, 33}, {5, 40, 80},
                                       {2, 64, 34}, {32, 128, 128}, {8, 24, 8}, {6, 6, 30}};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (int64_t k = 1; k <= 3; k += 2) {
            conv_case g = CONV_CASE(.in = PLANE(5, 6), .groups = sizes[s][0], .in_c = sizes[s][1],
                                    .out_c = sizes[s][2], .kernel = {k, k},
                                    .pad_lo = {k / 2, k / 2}, .pad_hi = {k / 2, k / 2});
            g.bias = g.scale = true;
            check_conv(&g);
        }
}

static void depthwise(void)
{
    for (int i = 0; i < WIDTHS; i++)
        for (int64_t multiplier = 1; multiplier <= 3; multiplier++)
            for (int64_t stride = 1; stride <= 2; stride++) {
                const int64_t c = widths[i];
                conv_case g = CONV_CASE(.in = PLANE(7, 8), .groups = c, .in_c = c,
                                        .out_c = c * multiplier, .kernel = {3, 3},
                                        .stride = {stride, stride}, .pad_lo = {1, 1},
                                        .pad_hi = {1, 1});
                g.bias = true;
                g.d.act.kind = HEW_ACT_CLIP;
                check_conv(&g);
            }
    for (int64_t k = 1; k <= 7; k++)
        for (int64_t dilation = 1; dilation <= 2; dilation++) {
            conv_case g = CONV_CASE(.in = PLANE(15, 14), .groups = 35, .in_c = 35, .out_c = 35,
                                    .kernel = {k, 8 - k}, .dilation = {1, dilation},
                                    .pad_lo = {k / 2, 2}, .pad_hi = {k / 2, 3});
            check_conv(&g);
            conv_case line = CONV_CASE(.in = {21}, .groups = 18, .in_c = 18, .out_c = 36,
                                       .kernel = {k}, .dilation = {dilation}, .pad_lo = {k - 1});
            check_conv(&line);
            conv_case volume = CONV_CASE(.in = {6, 5, 7}, .groups = 20, .in_c = 20, .out_c = 20,
                                         .kernel = {k % 3 + 1, 2, k % 5 + 1}, .pad_lo = {1, 1, 2},
                                         .pad_hi = {1, 0, 2}, .dilation = {dilation, 1, 1});
            check_conv(&volume);
        }
}

/* Runs of pixels of every length, for the taps that have kernels of their own and some others. */
static void depthwise_runs(void)
{
    for (int64_t w = 1; w <= 23; w++)
        for (int64_t k = 2; k <= 5; k++)
            for (int64_t stride = 1; stride <= 3; stride++) {
                conv_case g = CONV_CASE(.in = PLANE(3, w), .groups = 37, .in_c = 37, .out_c = 37,
                                        .kernel = {3, k}, .stride = {1, stride},
                                        .pad_lo = {1, k / 2}, .pad_hi = {1, k - 1});
                g.scale = true;
                g.residual = w % 2 ? RESIDUAL : NO_RESIDUAL;
                check_conv(&g);
                g.d.out_c *= 2;
                g.d.in_stride = 40;
                check_conv(&g);
            }
}

/* 3 x 3 goes in blocks of output pixels: every size of block, at every border. */
static void depthwise_3x3(void)
{
    for (int64_t h = 1; h <= 10; h++)
        for (int64_t w = 1; w <= 10; w++)
            for (int bits = 0; bits < 8; bits++) {
                const int64_t stride = bits & 1 ? 2 : 1, low = bits & 2 ? 1 : 0,
                              c = 21 + 16 * (h % 2);
                conv_case g = CONV_CASE(.in = PLANE(h, w), .groups = c, .in_c = c, .out_c = c,
                                        .kernel = {3, 3}, .stride = {stride, stride}, .batch = 2,
                                        .pad_lo = {low, 2 * low}, .pad_hi = {2, 2 - low});
                g.residual = bits & 4 ? RESIDUAL : NO_RESIDUAL;
                g.weights = bits & 4 && w % 3 == 0 ? FILL_SPECIALS : FILL_MIXED;
                g.d.out_stride = c + h % 3;
                check_conv(&g);
            }
}

/* What is almost 3 x 3 of one stride, and must not be taken for it. */
static void depthwise_almost_3x3(void)
{
    for (int bits = 0; bits < 64; bits++) {
        const int64_t c = 19, depth = bits & 32 ? 3 : 1;
        conv_case g = CONV_CASE(.in = {depth, 8, 9}, .groups = c, .in_c = c, .out_c = c,
                                .kernel = {1, 3, 3}, .pad_lo = {0, 1, 1}, .pad_hi = {0, 1, 1},
                                .stride = {1, bits & 1 ? 2 : 1, bits & 2 ? 2 : 1},
                                .dilation = {1, bits & 4 ? 2 : 1, bits & 8 ? 2 : 1});
        g.d.pad_lo[0] = bits & 16 ? 1 : 0;
        check_conv(&g);
    }
}

/* One input channel, many output channels. */
static void multipliers(void)
{
    for (int64_t multiplier = 1; multiplier <= 40; multiplier += multiplier < 20 ? 1 : 5)
        for (int64_t c = 2; c <= 18; c += 8) {
            conv_case g = CONV_CASE(.in = PLANE(4, 5), .groups = c, .in_c = c,
                                    .out_c = c * multiplier, .kernel = {3, 2}, .pad_lo = {1, 1});
            g.bias = g.scale = true;
            check_conv(&g);
        }
}

/* Layers like those of real networks, with work for several threads. */
static void layers(void)
{
    static const conv_case cases[] = {
        {.d = {.in = {28, 28}, .in_c = 64, .out_c = 64, .kernel = {3, 3}, .pad_lo = {1, 1},
               .pad_hi = {1, 1}}},
        {.d = {.in = {14, 14}, .in_c = 160, .out_c = 130, .kernel = {3, 3}, .stride = {2, 2},
               .pad_lo = {1, 1}, .pad_hi = {1, 1}, .batch = 3}},
        {.d = {.in = {20, 21}, .in_c = 130, .out_c = 200, .kernel = {1, 1}, .batch = 2}},
        {.d = {.in = {23, 20}, .in_c = 70, .out_c = 520, .kernel = {1, 1}, .stride = {2, 2}}},
        {.d = {.in = {7, 7}, .in_c = 520, .out_c = 300, .kernel = {1, 1}, .batch = 2}},
        {.d = {.in = {7, 7}, .in_c = 200, .out_c = 210, .kernel = {3, 3}, .pad_lo = {1, 1},
               .pad_hi = {1, 1}}},
        {.d = {.in = {60, 61}, .in_c = 3, .out_c = 50, .kernel = {7, 7}, .stride = {2, 2},
               .pad_lo = {3, 3}, .pad_hi = {3, 3}, .batch = 2}},
        {.d = {.in = {25, 26}, .in_c = 96, .out_c = 96, .groups = 4, .kernel = {3, 3},
               .pad_lo = {1, 1}, .pad_hi = {1, 1}}},
        {.d = {.in = {30, 31}, .in_c = 200, .out_c = 200, .groups = 200, .kernel = {3, 3},
               .pad_lo = {1, 1}, .pad_hi = {1, 1}, .batch = 3}},
        {.d = {.in = {29, 30}, .in_c = 70, .out_c = 140, .groups = 70, .kernel = {5, 5},
               .stride = {2, 2}, .pad_lo = {2, 1}, .pad_hi = {2, 2}, .batch = 2}},
        {.d = {.in = {9, 10, 11}, .in_c = 33, .out_c = 60, .kernel = {3, 3, 3},
               .pad_lo = {1, 1, 1}, .pad_hi = {1, 1, 1}}},
        {.d = {.in = {2000}, .in_c = 40, .out_c = 70, .kernel = {9}, .dilation = {4},
               .pad_lo = {32}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        conv_case g = cases[i];
        g.d.size = sizeof g.d;
        g.d.act.kind = i % 2 ? HEW_ACT_RELU : HEW_ACT_HARDSWISH;
        g.bias = g.threads = true;
        g.residual = i % 3 == 0 ? RESIDUAL_IN_PLACE : NO_RESIDUAL;
        check_conv(&g);
    }
}

/* Three and four input channels, as pictures have. */
static void first_layer(void)
{
    static const int64_t kernels[] = {1, 2, 3, 5, 7, 11};
    for (int64_t ic = 1; ic <= 4; ic++)
        for (int i = 0; i < 6; i++)
            for (int64_t stride = 1; stride <= 4; stride += stride) {
                const int64_t k = kernels[i], pad = k / 2;
                conv_case g = CONV_CASE(.in = PLANE(13, 15), .in_c = ic, .out_c = 20, .batch = 2,
                                        .kernel = {k, k}, .stride = {stride, stride},
                                        .pad_lo = {pad, pad}, .pad_hi = {pad, pad});
                g.bias = true;
                g.d.act.kind = HEW_ACT_RELU;
                check_conv(&g);
            }
    conv_case g = CONV_CASE(.in = PLANE(40, 40), .in_c = 3, .out_c = 64, .kernel = {7, 7},
                            .stride = {2, 2}, .pad_lo = {3, 3}, .pad_hi = {3, 3});
    g.threads = true;
    check_conv(&g);
}

/* Sums of more than one block, cut between rows, taps and channels. */
static void blocks(void)
{
    static const conv_case cases[] = {
        {.d = {.in = {4, 5}, .in_c = 513, .out_c = 20, .kernel = {1, 1}}},
        {.d = {.in = {3, 4}, .in_c = 1025, .out_c = 33, .kernel = {1, 1}}},
        {.d = {.in = {3, 4}, .in_c = 600, .out_c = 17, .kernel = {2, 3}, .pad_lo = {1, 1}}},
        {.d = {.in = {4, 4}, .in_c = 256, .out_c = 20, .kernel = {3, 3}, .pad_lo = {1, 1},
               .pad_hi = {1, 1}}},
        {.d = {.in = {4, 5}, .in_c = 100, .out_c = 20, .kernel = {3, 3}, .pad_lo = {1, 1},
               .pad_hi = {1, 1}}},
        {.d = {.in = {6, 9}, .in_c = 64, .out_c = 33, .kernel = {5, 9}, .pad_lo = {2, 4},
               .pad_hi = {2, 4}}},
        {.d = {.in = {5, 5, 5}, .in_c = 40, .out_c = 18, .kernel = {3, 3, 3},
               .pad_lo = {1, 1, 1}, .pad_hi = {1, 1, 1}}},
        {.d = {.in = {12, 12, 12}, .in_c = 16, .out_c = 16, .groups = 16, .kernel = {9, 9, 9},
               .pad_lo = {1, 2, 3}, .pad_hi = {1, 1, 1}}},
        {.d = {.in = {30, 30}, .in_c = 3, .out_c = 10, .kernel = {25, 25}}},
        {.d = {.in = {1300}, .in_c = 2, .out_c = 20, .kernel = {600}, .stride = {37}}},
        {.d = {.in = {1300}, .in_c = 8, .out_c = 8, .groups = 8, .kernel = {1100}, .stride = {37}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        conv_case g = cases[i];
        g.d.size = sizeof g.d;
        g.bias = g.threads = true;
        check_conv(&g);
    }
}

static void random_plane(rng *r, hew_conv_desc *d)
{
    const int rank = (int)rng_between(r, 1, 3);
    for (int i = 0; i < rank; i++) {
        d->in[i] = rng_between(r, 1, rank == 1 ? 60 : rank == 2 ? 14 : 7);
        d->kernel[i] = rng_between(r, 1, rank == 3 ? 3 : 5);
        d->stride[i] = rng_between(r, 0, 3);
        d->dilation[i] = rng_between(r, 0, 2);
        d->pad_lo[i] = rng_between(r, 0, 3);
        d->pad_hi[i] = rng_between(r, 0, 3);
        const int64_t reach = (d->dilation[i] ? d->dilation[i] : 1) * (d->kernel[i] - 1) + 1;
        if (d->in[i] + d->pad_lo[i] + d->pad_hi[i] < reach)
            d->pad_hi[i] = reach - d->in[i];
    }
}

static conv_case random_case(rng *r)
{
    conv_case g = CONV_CASE(.batch = rng_between(r, 0, 3));
    random_plane(r, &g.d);
    g.d.groups = rng_chance(r, 3) ? rng_between(r, 2, 6) : 1;
    g.d.in_c = g.d.groups * rng_between(r, 1, 12);
    g.d.out_c = g.d.groups * rng_between(r, 1, 24);
    if (rng_chance(r, 3)) {
        g.d.groups = g.d.in_c = rng_between(r, 1, 70);
        g.d.out_c = g.d.in_c * rng_between(r, 1, 2);
    }
    g.d.act.kind = rng_chance(r, 2) ? (hew_act_kind)rng_between(r, 0, HEW_ACT_COUNT - 1) : 0;
    g.d.in_stride = rng_chance(r, 2) ? g.d.in_c + rng_between(r, 0, 20) : 0;
    g.d.out_stride = rng_chance(r, 2) ? g.d.out_c + rng_between(r, 0, 20) : 0;
    g.residual = (residual_kind)rng_between(r, 0, 2);
    g.d.residual_stride = g.residual == RESIDUAL && rng_chance(r, 2)
                              ? g.d.out_c + rng_between(r, 0, 20) : 0;
    g.scale = rng_chance(r, 3);
    g.bias = rng_chance(r, 2);
    g.in = rng_chance(r, 5) ? FILL_SPECIALS : FILL_MIXED;
    g.weights = rng_chance(r, 5) ? FILL_SPECIALS : FILL_MIXED;
    g.threads = rng_chance(r, 8);
    return g;
}

static void random_shapes(void)
{
    for (int i = 0; i < 2000; i++) {
        rng r = case_rng("number %d", i);
        const conv_case g = random_case(&r);
        check_conv(&g);
    }
}

int main(void)
{
    static const test tests[] = {
        {"ranks_and_kernels", ranks_and_kernels}, {"dilations", dilations}, {"paddings", paddings},
        {"channels", channels}, {"pixel_tails", pixel_tails}, {"groups", groups},
        {"depthwise", depthwise}, {"depthwise_runs", depthwise_runs},
        {"depthwise_3x3", depthwise_3x3}, {"depthwise_almost_3x3", depthwise_almost_3x3},
        {"multipliers", multipliers},
        {"first_layer", first_layer}, {"layers", layers}, {"blocks", blocks},
        {"random_shapes", random_shapes},
    };
    return run_on_rungs("conv_f32", HEW_FAMILY_gemm_f32, TESTS(tests));
}
