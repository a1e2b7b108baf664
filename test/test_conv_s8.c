/* Convolution of bytes: against the definition, and the definition against sums written out. */
#include "conv_case.h"
#include "quant_case.h"

#include <stdlib.h>
#include <string.h>

static conv_case case_of(rng *r, int rank, int64_t in_c, int64_t out_c, int64_t groups)
{
    conv_case g = CONV_CASE(.batch = rng_between(r, 0, 2), .in_c = in_c, .out_c = out_c,
                            .groups = groups, .in_type = some_byte_type(r),
                            .weight_type = rng_chance(r, 4) ? HEW_U8 : HEW_S8);
    for (int i = 0; i < rank; i++) {
        g.d.in[i] = rng_between(r, 1, rank == 1 ? 60 : rank == 2 ? 14 : 7);
        g.d.kernel[i] = rng_between(r, 1, rank == 3 ? 3 : 5);
        g.d.stride[i] = rng_between(r, 0, 3);
        g.d.dilation[i] = rng_chance(r, 2) ? 0 : rng_between(r, 0, 2);
        g.d.pad_lo[i] = rng_between(r, 0, 3);
        g.d.pad_hi[i] = rng_between(r, 0, 3);
        const int64_t reach = (g.d.dilation[i] ? g.d.dilation[i] : 1) * (g.d.kernel[i] - 1) + 1;
        if (g.d.in[i] + g.d.pad_lo[i] + g.d.pad_hi[i] < reach)
            g.d.pad_hi[i] = reach - g.d.in[i];
    }
    if (rng_chance(r, 8))
        g.in = g.weights = FILL_SPECIALS;
    return g;
}

/* Every number of channels, so that words of four end everywhere, with all borders in padding. */
static void channels(void)
{
    for (int64_t c = 1; c <= 65; c++) {
        rng r = case_rng("%d channels", (int)c);
        conv_case g = case_of(&r, 2, c, 1 + c % 19, 1);
        quantise_case(&g, &r, c % 2 ? HEW_S32 : some_result_type(&r));
        check_conv(&g);
        g = CONV_CASE(.in = {5, 6}, .in_c = c, .out_c = 18, .kernel = {3, 3}, .pad_lo = {1, 1},
                      .pad_hi = {1, 1}, .in_type = some_byte_type(&r), .weight_type = HEW_S8);
        quantise_case(&g, &r, HEW_S32);
        check_conv(&g);
    }
}

/* Padding with zero points at both ends of the range. */
static void borders(void)
{
    for (int i = 0; i < 32; i++) {
        rng r = case_rng("number %d", i);
        const hew_type in = i & 1 ? HEW_S8 : HEW_U8;
        conv_case g = CONV_CASE(.in = {4, 5}, .in_c = i & 2 ? 3 : 8, .out_c = 20,
                                .kernel = {3, 5}, .pad_lo = {2, 3}, .pad_hi = {2, 1},
                                .in_type = in, .weight_type = i & 4 ? HEW_U8 : HEW_S8,
                                .out_type = HEW_S32);
        g.in_zero = (in == HEW_U8 ? 0 : -128) + (i & 8 ? 255 : 0);
        g.zeros = i & 16;
        g.in = g.weights = FILL_SPECIALS;
        (void)r;
        check_conv(&g);
    }
}

static void depthwise_and_groups(void)
{
    for (int i = 0; i < 200; i++) {
        rng r = case_rng("number %d", i);
        const int64_t groups = rng_between(&r, 2, 70), multiplier = rng_between(&r, 1, 3);
        const int64_t width = rng_chance(&r, 2) ? 1 : rng_between(&r, 2, 6);
        conv_case g = case_of(&r, i % 8 == 7 ? 3 : 2, groups * width, groups * width * multiplier,
                              groups);
        quantise_case(&g, &r, some_result_type(&r));
        g.threads = rng_chance(&r, 16);
        check_conv(&g);
    }
}

static void random_shapes(void)
{
    for (int i = 0; i < 400; i++) {
        rng r = case_rng("number %d", i);
        conv_case g = case_of(&r, (int)rng_between(&r, 1, 3), rng_between(&r, 1, 40),
                              rng_between(&r, 1, 80), 1);
        quantise_case(&g, &r, some_result_type(&r));
        g.d.in_stride = rng_chance(&r, 2) ? g.d.in_c + rng_between(&r, 0, 20) : 0;
        g.d.out_stride = rng_chance(&r, 2) ? g.d.out_c + rng_between(&r, 0, 20) : 0;
        g.threads = rng_chance(&r, 12);
        check_conv(&g);
    }
}

/* Long sums: several blocks, blocks of channels, rows of taps that are cut. */
static void long_sums(void)
{
    static const int64_t in_c[] = {3, 64, 200, 600, 2100};
    for (int i = 0; i < 10; i++) {
        rng r = case_rng("%d channels", (int)in_c[i / 2]);
        conv_case g = CONV_CASE(.in = {4, 3}, .in_c = in_c[i / 2], .out_c = 24,
                                .kernel = {i < 2 ? 11 : 3, i < 2 ? 11 : 3},
                                .pad_lo = {i < 2 ? 5 : 1, i < 2 ? 5 : 1},
                                .pad_hi = {i < 2 ? 5 : 1, i < 2 ? 5 : 1},
                                .in_type = i & 1 ? HEW_S8 : HEW_U8, .weight_type = HEW_S8);
        quantise_case(&g, &r, i & 1 ? HEW_S32 : HEW_S8);
        g.threads = true;
        check_conv(&g);
    }
}

/* The definition against sums that know nothing of compensation. */
static void definition(void)
{
    enum { IH = 4, IW = 5, IC = 3, OC = 4, KH = 3, KW = 2, OH = 4, OW = 3 };
    rng r = case_rng("3 x 2 taps");
    uint8_t in[IH * IW * IC], w[OC * IC * KH * KW], zero[OC];
    int32_t out[OH * OW * OC], bias[OC];
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)rng_between(&r, 0, 255);
    for (size_t i = 0; i < sizeof w; i++)
        w[i] = (uint8_t)rng_between(&r, 0, 255);
    for (int i = 0; i < OC; i++) {
        zero[i] = (uint8_t)rng_between(&r, 0, 255);
        bias[i] = (int32_t)rng_between(&r, -9999, 9999);
    }
    use_ref();
    hew_conv *op;
    const hew_conv_desc d =
        HEW_CONV_DESC(.in = {IH, IW}, .in_c = IC, .out_c = OC, .kernel = {KH, KW},
                      .stride = {1, 2}, .pad_lo = {1, 1}, .pad_hi = {1, 0}, .in_type = HEW_U8,
                      .weight_type = HEW_U8, .out_type = HEW_S32);
    check_status(hew_conv_create(&op, &d), HEW_OK);
    void *packed = hew_alloc(hew_conv_packed_size(op));
    check_status(hew_conv_pack(op, w, packed), HEW_OK);
    check_status(hew_conv_run(op, &HEW_CONV_ARGS(.in = in, .packed = packed, .out = out,
                                                 .bias_s32 = bias, .weight_zero = zero,
                                                 .in_zero = 200)),
                 HEW_OK);
    for (int y = 0; y < OH; y++)
        for (int x = 0; x < OW; x++)
            for (int oc = 0; oc < OC; oc++) {
                int32_t sum = bias[oc];
                for (int t = 0; t < KH * KW; t++) {
                    const int iy = y + t / KW - 1, ix = 2 * x + t % KW - 1;
                    for (int c = 0; c < IC; c++)
                        if (iy >= 0 && iy < IH && ix >= 0 && ix < IW)
                            sum += (in[(iy * IW + ix) * IC + c] - 200) *
                                   (w[(oc * IC + c) * KH * KW + t] - zero[oc]);
                }
                const int32_t got = out[(y * OW + x) * OC + oc];
                if (got != sum)
                    fail_case("out[%d][%d][%d]: want %d, got %d", y, x, oc, sum, got);
            }
    hew_free(packed);
    hew_conv_destroy(op);
    use_test_rung();
}

static void refusals(void)
{
    case_rng("descriptors and arguments");
    hew_conv *op;
#define D(...)                                                                                     \
    HEW_CONV_DESC(.in = {2}, .in_c = 2, .out_c = 2, .kernel = {1}, .in_type = HEW_U8,              \
                  .weight_type = HEW_S8, __VA_ARGS__)
    check_refused(hew_conv_create(&op, &D(.out_type = HEW_F16)), HEW_ERR_UNSUPPORTED, "f16");
    check_refused(hew_conv_create(&op, &D(.out_type = HEW_S32, .act.kind = HEW_ACT_RELU)),
                  HEW_ERR_INVALID, "activation");
    check_refused(hew_conv_create(&op, &D(.residual_type = HEW_S32)), HEW_ERR_UNSUPPORTED, "s32");
    check_status(hew_conv_create(&op, &D(.out_type = HEW_U8)), HEW_OK);
    const int8_t w[4] = {1, 2, 3, 4};
    const uint8_t in[4] = {1, 2, 3, 4};
    uint8_t out[4] = {9, 9, 9, 9};
    void *packed = hew_alloc(hew_conv_packed_size(op));
    void *scratch = hew_alloc(hew_conv_scratch_size(op, 1));
    check_status(hew_conv_pack(op, w, packed), HEW_OK);
    hew_conv_args args = HEW_CONV_ARGS(.in = in, .packed = packed, .out = out, .scratch = scratch,
                                       .in_zero = 256);
    check_refused(hew_conv_run(op, &args), HEW_ERR_INVALID, "256");
    args.in_zero = 0;
    args.out_scale = -3;
    check_refused(hew_conv_run(op, &args), HEW_ERR_INVALID, "-3");
    assert_memory_equal(out, ((uint8_t[]){9, 9, 9, 9}), 4);
    hew_free(scratch);
    hew_free(packed);
    hew_conv_destroy(op);
}

int main(void)
{
    static const test tests[] = {
        {"channels", channels},
        {"borders", borders},
        {"depthwise_and_groups", depthwise_and_groups},
        {"random_shapes", random_shapes},
        {"long_sums", long_sums},
        {"definition", definition},
        {"refusals", refusals},
    };
    return run_on_rungs("conv_s8", HEW_FAMILY_gemm_u8s8, TESTS(tests));
}
