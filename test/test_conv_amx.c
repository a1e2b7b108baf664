/* Convolution in tile registers: every way to lay out rows of A, of bytes and bf16. */
#include "conv.h"
#include "conv_case.h"
#include "quant_case.h"

#include <string.h>

/* A shape of bytes, and the layout that is expected for it; channels are a quarter, bf16 half, of
 * what one row of a tile holds of f32. */
typedef struct shape {
    hew_amx_form form;
    hew_conv_desc d;
} shape;
#define SHAPE(of, ...) {HEW_AMX_##of, {.size = sizeof(hew_conv_desc), __VA_ARGS__}}

static const shape shapes[] = {
    /* Pixels of a batch: whole chunks; a last chunk that is shorter, and strides. */
    SHAPE(LINEAR, .batch = 3, .in = {7, 9}, .in_c = 64, .out_c = 33, .kernel = {1, 1}),
    SHAPE(LINEAR, .in = {5, 9}, .in_c = 70, .out_c = 50, .kernel = {1, 1}, .in_stride = 77,
          .out_stride = 55),
    SHAPE(LINEAR, .in = {3, 3, 7}, .in_c = 132, .out_c = 130, .kernel = {1, 1, 1}, .groups = 2),
    SHAPE(LINEAR, .in = {1}, .in_c = 5, .out_c = 3, .kernel = {1}),
    /* Windows: of few channels, in groups, dilated, over one and three ranks. */
    SHAPE(WINDOWS, .batch = 2, .in = {15, 17}, .in_c = 3, .out_c = 20, .kernel = {7, 7},
          .stride = {2, 2}, .pad_lo = {3, 3}, .pad_hi = {3, 2}),
    SHAPE(WINDOWS, .in = {9, 8}, .in_c = 16, .out_c = 12, .groups = 4, .kernel = {3, 3},
          .dilation = {2, 2}, .pad_lo = {1, 2}, .pad_hi = {2, 1}, .in_stride = 19),
    SHAPE(WINDOWS, .in = {61}, .in_c = 5, .out_c = 70, .kernel = {9}, .stride = {3}, .pad_lo = {4}),
    SHAPE(WINDOWS, .in = {4, 5, 6}, .in_c = 2, .out_c = 17, .kernel = {3, 3, 3},
          .pad_lo = {1, 1, 1}, .pad_hi = {1, 1, 1}),
    /* Rows of the input as they lie. */
    SHAPE(DIRECT, .in = {9, 20}, .in_c = 64, .out_c = 40, .kernel = {2, 2}),
    SHAPE(DIRECT, .in = {9, 33}, .in_c = 64, .out_c = 40, .kernel = {3, 1}, .stride = {2, 1}),
    SHAPE(DIRECT, .batch = 2, .in = {5, 65}, .in_c = 100, .out_c = 20, .kernel = {1, 2},
          .stride = {1, 2}, .in_stride = 104),
    /* Copies: padding, strides of planes, dilations, few and many channels. */
    SHAPE(COPIED, .batch = 2, .in = {6, 7}, .in_c = 64, .out_c = 48, .kernel = {3, 3},
          .pad_lo = {1, 1}, .pad_hi = {1, 1}),
    SHAPE(COPIED, .in = {8, 30}, .in_c = 126, .out_c = 80, .kernel = {3, 3}, .pad_lo = {0, 1},
          .pad_hi = {2, 1}, .in_stride = 131),
    SHAPE(COPIED, .in = {13, 29}, .in_c = 64, .out_c = 16, .kernel = {3, 3}, .stride = {2, 2},
          .pad_lo = {1, 1}, .pad_hi = {1, 0}),
    SHAPE(COPIED, .in = {12, 30}, .in_c = 64, .out_c = 16, .kernel = {3, 3}, .stride = {2, 2},
          .dilation = {2, 3}, .pad_lo = {2, 3}, .pad_hi = {2, 3}),
    SHAPE(COPIED, .in = {20, 41}, .in_c = 64, .out_c = 33, .kernel = {2, 3}, .stride = {9, 4},
          .dilation = {3, 3}, .pad_lo = {1, 2}),
    SHAPE(COPIED, .batch = 21, .in = {2, 3}, .in_c = 64, .out_c = 20, .kernel = {3, 3},
          .pad_lo = {1, 1}, .pad_hi = {1, 1}),
    SHAPE(COPIED, .in = {5, 6}, .in_c = 128, .out_c = 40, .groups = 2, .kernel = {3, 3},
          .pad_lo = {1, 2}, .pad_hi = {1, 1}),
    SHAPE(COPIED, .in = {3, 4, 5}, .in_c = 64, .out_c = 20, .kernel = {2, 3, 3},
          .dilation = {2, 1, 1}, .pad_lo = {1, 1, 1}, .pad_hi = {1, 1, 1}),
    SHAPE(COPIED, .in = {100}, .in_c = 64, .out_c = 50, .kernel = {5}, .pad_lo = {2},
          .pad_hi = {2}),
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

/* The tiles' configuration after a run: none. */
static void check_released(void)
{
    uint8_t config[64], none[64] = {0};
    memset(config, 1, sizeof config);
    __asm__ volatile("sttilecfg %0" : "=m"(config));
    if (memcmp(config, none, sizeof config) != 0)
        fail_case("tiles were left configured");
}

static void check_case(conv_case *g, hew_amx_form form)
{
    hew_conv *op;
    g->always = true;
    check_status(hew_conv_create(&op, &g->d), HEW_OK);
    case_rng("form");
    if (op->path != HEW_CONV_AMX || op->amx.form != form)
        fail_case("path %d, form %d instead of %d: in_c %d", (int)op->path, (int)op->amx.form,
                  (int)form, (int)g->d.in_c);
    hew_conv_destroy(op);
    check_conv(g);
    check_released();
}

static void bytes(void)
{
    for (int i = 0; i < 2 * SHAPES; i++) {
        rng r = case_rng("shape %d", i);
        conv_case g = {.d = shapes[i / 2].d};
        g.d.in_type = i & 1 ? HEW_S8 : HEW_U8;
        g.d.weight_type = rng_chance(&r, 4) ? HEW_U8 : HEW_S8;
        quantise_case(&g, &r, i % 3 == 0 ? HEW_S32 : some_result_type(&r));
        g.in = g.weights = rng_chance(&r, 4) ? FILL_SPECIALS : FILL_MIXED;
        check_case(&g, shapes[i / 2].form);
    }
}

/* Half as many channels fill as many bytes. */
static conv_case bf16_case(int i, rng *r)
{
    conv_case g = {.d = shapes[i].d, .nans = NAN_ANY};
    g.d.in_c = g.d.in_c % 8 == 0 ? g.d.in_c / 2 : g.d.in_c;
    g.d.in_stride += g.d.in_stride % 2;
    g.d.in_type = g.d.weight_type = HEW_BF16;
    g.d.out_type = rng_chance(r, 2) ? HEW_BF16 : HEW_F32;
    g.d.residual_type = rng_chance(r, 2) ? HEW_BF16 : HEW_F32;
    g.d.act.kind = rng_chance(r, 2) ? (hew_act_kind)rng_between(r, 0, HEW_ACT_COUNT - 1) : 0;
    g.residual = rng_chance(r, 3) ? RESIDUAL : NO_RESIDUAL;
    g.scale = rng_chance(r, 3);
    g.bias = rng_chance(r, 2);
    return g;
}

static void halves(void)
{
    for (int i = 0; i < SHAPES; i++) {
        rng r = case_rng("shape %d", i);
        conv_case g = bf16_case(i, &r);
        g.in = rng_chance(&r, 4) ? FILL_SPECIALS : FILL_MIXED;
        check_case(&g, shapes[i].form);
    }
}

/* Weights that aren't finite must not meet padding. */
static void nonfinite(void)
{
    for (int i = 0; i < SHAPES; i++) {
        rng r = case_rng("shape %d", i);
        conv_case g = bf16_case(i, &r);
        g.weights = i % 2 ? FILL_SPECIALS : FILL_NANS;
        check_case(&g, shapes[i].form);
    }
}

/* Outputs that are several bands and chunks of panels. */
static void threads(void)
{
    static const shape large[] = {
        SHAPE(LINEAR, .batch = 2, .in = {25, 26}, .in_c = 128, .out_c = 40, .kernel = {1, 1}),
        SHAPE(WINDOWS, .in = {36, 37}, .in_c = 4, .out_c = 72, .kernel = {5, 5}, .pad_lo = {2, 2},
              .pad_hi = {2, 2}),
        SHAPE(DIRECT, .in = {18, 20}, .in_c = 64, .out_c = 72, .kernel = {3, 3}),
        SHAPE(COPIED, .in = {17, 16}, .in_c = 64, .out_c = 72, .kernel = {3, 3}, .pad_lo = {1, 1},
              .pad_hi = {1, 1}),
    };
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++)
        for (int bits = 0; bits < 2; bits++) {
            rng r = case_rng("shape %d", (int)i);
            conv_case g = {.d = large[i].d, .nans = NAN_ANY, .threads = true};
            g.d.in_type = bits ? HEW_BF16 : HEW_S8;
            g.d.weight_type = bits ? HEW_BF16 : HEW_S8;
            g.d.out_type = HEW_BF16;
            if (!bits)
                quantise_case(&g, &r, HEW_S8);
            check_case(&g, large[i].form);
        }
}

/* Nothing of a batch of none is run; depthwise stays with its own kernels. */
static void others(void)
{
    conv_case none = {.d = shapes[4].d, .always = true};
    none.d.batch = -1;
    none.d.in_type = HEW_U8;
    none.d.weight_type = HEW_S8;
    check_conv(&none);
    hew_conv *op;
    check_status(hew_conv_create(&op, &HEW_CONV_DESC(.in = {5, 5}, .in_c = 32, .out_c = 32,
                                                     .groups = 32, .kernel = {3, 3},
                                                     .in_type = HEW_U8, .weight_type = HEW_S8)),
                 HEW_OK);
    assert_int_equal(op->path, HEW_CONV_DEPTHWISE_S8);
    hew_conv_destroy(op);
}

int main(void)
{
    static const test tests[] = {
        {"bytes", bytes},     {"halves", halves}, {"nonfinite", nonfinite},
        {"threads", threads}, {"others", others},
    };
    return run_on_rungs("conv_amx", HEW_FAMILY_amx_config, TESTS(tests));
}
