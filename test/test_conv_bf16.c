/* Convolution of bf16: against the definition, and the definition against sums written out. */
#include "conv_case.h"
#include "emu/model.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* With results of either type.  Where NaNs meet, which comes out is left open. */
static void check_types(conv_case g)
{
    g.d.size = sizeof g.d;
    g.d.in_type = g.d.weight_type = HEW_BF16;
    g.nans = NAN_ANY;
    for (int bits = 0; bits < 2; bits++) {
        g.d.out_type = bits ? HEW_BF16 : HEW_F32;
        if (g.residual == RESIDUAL_IN_PLACE)
            g.d.residual_type = g.d.out_type;
        check_conv(&g);
    }
}

/* One of each way to walk the taps, with tails, odd channels among them. */
static const hew_conv_desc shapes[] = {
    {.in = {5, 7}, .in_c = 19, .out_c = 21, .kernel = {1, 1}},
    {.in = {6, 5}, .in_c = 12, .out_c = 37, .kernel = {3, 3}, .pad_lo = {1, 1}, .pad_hi = {1, 1}},
    {.in = {6, 5}, .in_c = 7, .out_c = 70, .kernel = {3, 3}, .pad_lo = {1, 1}, .pad_hi = {1, 1}},
    {.in = {9, 8}, .in_c = 3, .out_c = 17, .kernel = {5, 5}, .stride = {2, 2}, .pad_lo = {2, 2},
     .pad_hi = {1, 2}},
    {.in = {6, 7}, .in_c = 21, .out_c = 21, .groups = 21, .kernel = {3, 3}, .pad_lo = {1, 1},
     .pad_hi = {1, 1}},
    {.in = {6, 7}, .in_c = 9, .out_c = 18, .groups = 9, .kernel = {3, 3}, .pad_lo = {0, 1},
     .pad_hi = {1, 0}, .stride = {1, 2}},
    {.in = {7, 13}, .in_c = 37, .out_c = 37, .groups = 37, .kernel = {5, 5}, .pad_lo = {2, 2},
     .pad_hi = {2, 2}},
    {.in = {9, 23}, .in_c = 35, .out_c = 35, .groups = 35, .kernel = {5, 5}, .pad_lo = {2, 1},
     .pad_hi = {1, 2}, .stride = {2, 2}},
    {.in = {9, 16}, .in_c = 16, .out_c = 16, .groups = 16, .kernel = {3, 3}, .pad_hi = {1, 1},
     .stride = {2, 2}},
    {.in = {6, 9}, .in_c = 33, .out_c = 33, .groups = 33, .kernel = {2, 3}, .pad_lo = {1, 1},
     .dilation = {1, 2}},
    {.in = {5, 5}, .in_c = 24, .out_c = 12, .groups = 4, .kernel = {3, 3}, .pad_lo = {1, 1},
     .pad_hi = {1, 1}},
    {.in = {5, 5}, .in_c = 15, .out_c = 12, .groups = 3, .kernel = {3, 3}, .pad_lo = {1, 1},
     .pad_hi = {1, 1}},
    {.in = {3, 4}, .in_c = 400, .out_c = 18, .kernel = {3, 3}, .pad_lo = {1, 1}, .pad_hi = {1, 1}},
    {.in = {3, 4, 5}, .in_c = 6, .out_c = 10, .kernel = {2, 3, 3}, .pad_lo = {1, 1, 1},
     .pad_hi = {0, 1, 1}},
    {.in = {23}, .in_c = 5, .out_c = 34, .kernel = {4}, .dilation = {2}, .pad_lo = {3}},
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static void epilogues(void)
{
    for (int s = 0; s < SHAPES; s++)
        for (int bits = 0; bits < 16; bits++) {
            conv_case g = {.d = shapes[s]};
            g.scale = bits & 1;
            g.bias = bits & 2;
            g.residual = (residual_kind)(bits % 3);
            g.d.residual_type = bits & 4 ? HEW_BF16 : HEW_F32;
            g.d.act.kind = (hew_act_kind)((s + bits) % HEW_ACT_COUNT);
            g.d.batch = bits & 8 ? 2 : 0;
            check_types(g);
        }
}

/* Slices of wider tensors, an odd stride among them: rows of taps are then apart. */
static void strides(void)
{
    for (int s = 0; s < SHAPES; s++)
        for (int bits = 1; bits < 8; bits++) {
            conv_case g = {.d = shapes[s]};
            g.d.batch = 2;
            g.d.in_stride = bits & 1 ? g.d.in_c + 5 : 0;
            g.d.out_stride = bits & 2 ? g.d.out_c + 11 : 0;
            g.residual = bits & 4 ? RESIDUAL : RESIDUAL_IN_PLACE;
            g.d.residual_stride = bits & 4 ? g.d.out_c + 3 : 0;
            g.d.residual_type = bits & 2 ? HEW_BF16 : HEW_F32;
            check_types(g);
        }
}

static void values(void)
{
    static const fill fills[][3] = {{FILL_INTS, FILL_INTS, FILL_INTS},
                                    {FILL_TINY, FILL_TINY, FILL_DENORMALS},
                                    {FILL_DENORMALS, FILL_MIXED, FILL_DENORMALS},
                                    {FILL_ZEROS, FILL_MIXED, FILL_ZEROS},
                                    {FILL_SPECIALS, FILL_MIXED, FILL_MIXED},
                                    {FILL_MIXED, FILL_SPECIALS, FILL_SPECIALS},
                                    {FILL_SPECIALS, FILL_SPECIALS, FILL_SPECIALS},
                                    {FILL_NANS, FILL_NANS, FILL_NANS}};
    for (int s = 0; s < SHAPES; s++)
        for (size_t f = 0; f < sizeof fills / sizeof fills[0]; f++)
            for (int bits = 0; bits < 4; bits++) {
                conv_case g = {.d = shapes[s]};
                g.in = fills[f][0];
                g.weights = fills[f][1];
                g.rest = fills[f][2];
                g.scale = g.bias = bits & 1;
                g.residual = bits & 2 ? RESIDUAL : NO_RESIDUAL;
                g.d.act.kind = bits == 3 ? HEW_ACT_CLIP : HEW_ACT_NONE;
                check_types(g);
            }
}

/* Windows that lie in the padding with all of their taps: 0 * Inf must not show up. */
static void padding(void)
{
    static const fill fills[] = {FILL_NANS, FILL_SPECIALS, FILL_ZEROS, FILL_MIXED};
    for (int s = 0; s < SHAPES; s++)
        for (int f = 0; f < 4; f++) {
            conv_case g = {.d = shapes[s]};
            for (int i = 0; i < 3 && g.d.kernel[i]; i++) {
                g.d.pad_lo[i] += g.d.kernel[i] + 1;
                g.d.pad_hi[i] += 2;
            }
            g.weights = fills[f];
            g.in = f == 3 ? FILL_ZEROS : FILL_MIXED;
            g.rest = f >= 2 ? FILL_ZEROS : FILL_MIXED;
            g.bias = f >= 2;
            g.threads = true;
            check_types(g);
        }
}

/* Sums of more than one block, cut between rows, taps and channels; on threads. */
static void blocks(void)
{
    static const hew_conv_desc cases[] = {
        {.in = {4, 5}, .in_c = 1027, .out_c = 20, .kernel = {1, 1}},
        {.in = {3, 4}, .in_c = 1200, .out_c = 17, .kernel = {2, 3}, .pad_lo = {1, 1}},
        {.in = {4, 4}, .in_c = 512, .out_c = 20, .kernel = {3, 3}, .pad_lo = {1, 1},
         .pad_hi = {1, 1}},
        {.in = {4, 5}, .in_c = 201, .out_c = 20, .kernel = {3, 3}, .pad_lo = {1, 1},
         .pad_hi = {1, 1}},
        {.in = {6, 9}, .in_c = 128, .out_c = 33, .kernel = {5, 9}, .pad_lo = {2, 4},
         .pad_hi = {2, 4}},
        {.in = {14, 14}, .in_c = 160, .out_c = 130, .kernel = {3, 3}, .stride = {2, 2},
         .pad_lo = {1, 1}, .pad_hi = {1, 1}, .batch = 3},
        {.in = {30, 31}, .in_c = 40, .out_c = 40, .groups = 40, .kernel = {3, 3},
         .pad_lo = {1, 1}, .pad_hi = {1, 1}, .batch = 3},
        {.in = {60, 61}, .in_c = 3, .out_c = 50, .kernel = {7, 7}, .stride = {2, 2},
         .pad_lo = {3, 3}, .pad_hi = {3, 3}, .batch = 2},
        {.in = {1300}, .in_c = 4, .out_c = 20, .kernel = {600}, .stride = {37}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        conv_case g = {.d = cases[i]};
        g.bias = g.threads = true;
        g.d.act.kind = i % 2 ? HEW_ACT_RELU : HEW_ACT_HARDSWISH;
        check_types(g);
    }
}

static void random_shapes(void)
{
    for (int i = 0; i < 300; i++) {
        rng r = case_rng("number %d", i);
        conv_case g = CONV_CASE(.batch = rng_between(&r, 0, 3),
                                .groups = rng_chance(&r, 3) ? rng_between(&r, 2, 6) : 1);
        const int rank = (int)rng_between(&r, 1, 3);
        for (int j = 0; j < rank; j++) {
            g.d.in[j] = rng_between(&r, 1, rank == 1 ? 60 : rank == 2 ? 14 : 7);
            g.d.kernel[j] = rng_between(&r, 1, rank == 3 ? 3 : 5);
            g.d.stride[j] = rng_between(&r, 0, 3);
            g.d.dilation[j] = rng_between(&r, 0, 2);
            g.d.pad_lo[j] = rng_between(&r, 0, 3);
            g.d.pad_hi[j] = g.d.kernel[j] * 2; /* the kernel fits, whatever its dilation */
        }
        g.d.in_c = g.d.groups * rng_between(&r, 1, 12);
        g.d.out_c = g.d.groups * rng_between(&r, 1, 24);
        g.d.in_stride = rng_chance(&r, 2) ? g.d.in_c + rng_between(&r, 0, 20) : 0;
        g.d.out_stride = rng_chance(&r, 2) ? g.d.out_c + rng_between(&r, 0, 20) : 0;
        g.d.act.kind = rng_chance(&r, 2) ? (hew_act_kind)rng_between(&r, 0, HEW_ACT_COUNT - 1) : 0;
        g.residual = (residual_kind)rng_between(&r, 0, 2);
        g.d.residual_type = rng_chance(&r, 2) ? HEW_BF16 : HEW_F32;
        g.scale = rng_chance(&r, 3);
        g.bias = rng_chance(&r, 2);
        g.in = rng_chance(&r, 5) ? FILL_SPECIALS : FILL_MIXED;
        g.weights = rng_chance(&r, 5) ? FILL_SPECIALS : FILL_MIXED;
        g.threads = rng_chance(&r, 8);
        check_types(g);
    }
}

/* ------------------------------------------------------------------------ the definition --- */

enum { IH = 5, IW = 6, OC = 4, KH = 3, KW = 2, OH = 5, OW = 3, MOST_C = 1030 };

static uint32_t two(const uint16_t *p, int c, int channels, int step)
{
    return p[c * step] | (c + 1 < channels ? (uint32_t)p[(c + 1) * step] : 0) << 16;
}

/* The sum of one window: a chain of all its words or, of more than 512 of a tap's, of so many of
 * each tap; taps in the padding are left out.  And in double. */
typedef struct window_sum {
    uint32_t total;
    double exact, magnitudes;
} window_sum;
static window_sum window(const uint16_t *in, const uint16_t *w, int channels, int block, int y,
                         int x)
{
    window_sum s = {0, 0, 0};
    uint32_t sum = 0;
    const int words = (channels + 1) / 2;
    for (int t = 0; t < KH * KW; t++)
        for (int word = 0; word < words; word++) {
            const int iy = y + t / KW - 1, ix = 2 * x + t % KW - 1, c = 2 * word;
            const bool inside = iy >= 0 && iy < IH && ix >= 0 && ix < IW;
            const uint16_t *pixel = in + (inside ? (iy * IW + ix) * channels : 0);
            for (int i = c; inside && i < channels && i < c + 2; i++) {
                const double product = (double)float_of(model_f32_from_bf16(pixel[i])) *
                                       (double)float_of(model_f32_from_bf16(w[i * KH * KW + t]));
                s.exact += product;
                s.magnitudes += fabs(product);
            }
            if (inside)
                sum = model_dot(EMU_VDPBF16PS, sum, two(pixel, c, channels, 1),
                                two(w + t, c, channels, KH * KW));
            if (words <= block || ((word + 1) % block != 0 && word + 1 != words))
                continue;
            s.total = t == 0 && word < block ? sum : model_add(s.total, sum);
            sum = 0;
        }
    if (words <= block)
        s.total = sum;
    s.total = model_add(s.total, 0);
    return s;
}

/* TDPBF16PS, of tiles `chunk` words wide: steps of all taps' elements, or of one tap's. */
static uint32_t window_in_tiles(const uint16_t *in, const uint16_t *w, int channels, int step,
                                int chunk, int y, int x)
{
    uint32_t total = 0, half[2] = {0, 0};
    for (int at = 0; at < KH * KW * channels; at++) {
        const int k = at % step, t = at / channels, c = at % channels;
        const int iy = y + t / KW - 1, ix = 2 * x + t % KW - 1;
        if (iy >= 0 && iy < IH && ix >= 0 && ix < IW)
            half[k % 2] = model_fma(model_f32_from_bf16(in[(iy * IW + ix) * channels + c]),
                                    model_f32_from_bf16(w[c * KH * KW + t]), half[k % 2]);
        if ((k + 1) % (2 * chunk) != 0 && k + 1 != step)
            continue;
        total = model_add(total, model_add(half[0], half[1]));
        half[0] = half[1] = 0;
    }
    return model_add(total, 0);
}

/* block: words in a chain; 512 and more are cut.  step, chunk: of AMX, elements and words. */
static void check_definition(int channels, int block, int step, int chunk, fill kind)
{
    static uint16_t in[IH * IW * MOST_C], w[OC * MOST_C * KH * KW];
    float out[OH * OW * OC];
    rng r = case_rng("%d channels, fill %d", channels, (int)kind);
    fill_bf16(&r, in, (size_t)(IH * IW * channels), kind);
    fill_bf16(&r, w, (size_t)(OC * channels * KH * KW), kind);
    use_ref();
    hew_conv *op;
    const hew_conv_desc d =
        HEW_CONV_DESC(.in = {IH, IW}, .in_c = channels, .out_c = OC, .kernel = {KH, KW},
                      .stride = {1, 2}, .pad_lo = {1, 1}, .pad_hi = {1, 0}, .in_type = HEW_BF16,
                      .weight_type = HEW_BF16);
    check_status(hew_conv_create(&op, &d), HEW_OK);
    void *packed = hew_alloc(hew_conv_packed_size(op));
    check_status(hew_conv_pack(op, w, packed), HEW_OK);
    check_status(hew_conv_run(op, &HEW_CONV_ARGS(.in = in, .packed = packed, .out = out)), HEW_OK);
    for (int i = 0; i < OH * OW * OC; i++) {
        const int oc = i % OC, pixel = i / OC;
        const uint16_t *filter = w + oc * channels * KH * KW;
        window_sum s = window(in, filter, channels, block, pixel / OW, pixel % OW);
        if (test_rung() == HEW_ISA_AMX)
            s.total = window_in_tiles(in, filter, channels, step, chunk, pixel / OW, pixel % OW);
        const float want = float_of(s.total);
        check_bits("out", &want, out + i, layout_of(1, 1, 1), NAN_ANY);
        const double bound = 1.001 * KH * KW * channels * FLT_EPSILON / 2 * s.magnitudes;
        if (kind == FILL_MIXED && !(fabs(out[i] - s.exact) <= bound))
            fail_case("out[%d]: %.9g is %g away from %.17g; the bound is %g", i, (double)out[i],
                      fabs(out[i] - s.exact), s.exact, bound);
    }
    hew_free(packed);
    hew_conv_destroy(op);
    use_test_rung();
}

static void definition(void)
{
    static const fill fills[] = {FILL_MIXED, FILL_SPECIALS, FILL_TINY, FILL_DENORMALS, FILL_ZEROS};
    for (size_t f = 0; f < sizeof fills / sizeof fills[0]; f++) {
        for (int c = 1; c <= 20; c++)
            check_definition(c, 512, KH * KW * c, c <= 5    ? 3 * c
                                                  : c <= 10 ? (3 * c + 1) / 2
                                                  : c <= 16 ? c
                                                            : (3 * c + 3) / 4, fills[f]);
        check_definition(24, 512, 24, 12, fills[f]);
        check_definition(35, 512, KH * KW * 35, 15, fills[f]);
        check_definition(57, 512, 57, 15, fills[f]);
        check_definition(1030, 264, 1030, 16, fills[f]); /* 515 words of a tap: 264 and 251 */
    }
}

static void refusals(void)
{
    case_rng("descriptors and arguments");
    hew_conv *op;
#define D(...)                                                                                     \
    HEW_CONV_DESC(.in = {2}, .in_c = 2, .out_c = 2, .kernel = {1}, .in_type = HEW_BF16, __VA_ARGS__)
    const struct {
        hew_conv_desc d;
        const char *text;
    } bad[] = {
        {D(.weight_type = HEW_F32), "f32"},
        {D(.weight_type = HEW_S8), "s8"},
        {D(.weight_type = HEW_BF16, .out_type = HEW_F16), "f16"},
        {D(.weight_type = HEW_BF16, .out_type = HEW_S8), "s8"},
        {D(.weight_type = HEW_BF16, .residual_type = HEW_U8), "u8"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        check_refused(hew_conv_create(&op, &bad[i].d), HEW_ERR_UNSUPPORTED, bad[i].text);
    check_status(hew_conv_create(&op, &D(.weight_type = HEW_BF16, .out_type = HEW_BF16)), HEW_OK);
    check_kernel(hew_conv_kernel(op));
    const uint16_t w[4] = {1, 2, 3, 4}, in[5] = {1, 2, 3, 4};
    uint16_t out[4] = {9, 9, 9, 9};
    void *packed = hew_alloc(hew_conv_packed_size(op));
    void *scratch = hew_alloc(hew_conv_scratch_size(op, 1));
    check_status(hew_conv_pack(op, w, packed), HEW_OK);
    hew_conv_args args = HEW_CONV_ARGS(.in = in, .packed = packed, .out = out, .scratch = scratch,
                                       .in_zero = 1);
    check_refused(hew_conv_run(op, &args), HEW_ERR_INVALID, "zero point");
    args.in_zero = 0;
    args.in = (const char *)in + 1;
    check_refused(hew_conv_run(op, &args), HEW_ERR_INVALID, "aligned");
    assert_memory_equal(out, ((uint16_t[]){9, 9, 9, 9}), sizeof out);
    hew_free(scratch);
    hew_free(packed);
    hew_conv_destroy(op);
}

int main(void)
{
    static const test tests[] = {
        {"epilogues", epilogues}, {"strides", strides},       {"values", values},
        {"padding", padding},     {"blocks", blocks},         {"random_shapes", random_shapes},
        {"definition", definition}, {"refusals", refusals},
    };
    return run_on_rungs("conv_bf16", HEW_FAMILY_gemm_bf16, TESTS(tests));
}
