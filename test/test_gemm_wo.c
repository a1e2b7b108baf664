/* GEMM of floats and packed integer weights: each result against the definition, bit for bit. */
#include "gemm_case.h"

#define WO_CASE(type, ...)                                                                         \
    ((gemm_case){.d = {.size = sizeof(hew_gemm_desc), .b_type = (type), .b_packed = true,          \
                       __VA_ARGS__},                                                               \
                 .scale = true})

static const hew_type both[] = {HEW_S8, HEW_S4};

/* Every height of a tile and beyond it, with and without zero points. */
static void m_tail(void)
{
    for (int t = 0; t < 2; t++)
        for (int64_t m = 1; m <= 19; m++)
            for (int bits = 0; bits < 8; bits++) {
                gemm_case g = WO_CASE(both[t], .m = m, .n = bits & 4 ? 130 : 33, .k = 72);
                g.d.b_group = bits & 1 ? 32 : 0;
                g.b_zero = bits & 2;
                check_gemm(&g);
            }
}

static void n_tail(void)
{
    for (int t = 0; t < 2; t++)
        for (int64_t n = 1; n <= 140; n++)
            for (int bits = 0; bits < 4; bits++) {
                gemm_case g = WO_CASE(both[t], .m = bits & 1 ? 1 : 5, .n = n, .k = 65);
                g.d.b_group = 32;
                g.b_zero = bits & 2;
                check_gemm(&g);
            }
}

/* Words, groups and blocks end before k does. */
static void k_tail(void)
{
    static const int64_t groups[] = {0, 32, 64, 96, 128, 256};
    for (int t = 0; t < 2; t++)
        for (int64_t k = 0; k <= 300; k += k < 70 ? 1 : 7)
            for (int i = 0; i < 6; i++) {
                gemm_case g = WO_CASE(both[t], .m = 1 + k % 3, .n = 37, .k = k,
                                      .b_group = groups[i]);
                g.b_zero = k % 2;
                check_gemm(&g);
            }
}

/* Blocks of 512 and their even pieces, and long groups, which are not cut. */
static void long_k(void)
{
    static const int64_t some_k[] = {511, 512, 513, 520, 1024, 1025, 2047, 4096};
    static const int64_t groups[] = {0, 32, 128, 1024, INT64_C(1) << 40};
    for (int t = 0; t < 2; t++)
        for (int i = 0; i < 8; i++)
            for (int j = 0; j < 5; j++)
                for (int bits = 0; bits < 2; bits++) {
                    gemm_case g = WO_CASE(both[t], .m = bits ? 9 : 1, .n = 70, .k = some_k[i],
                                        .b_group = groups[j]);
                    g.b_zero = (i + j) % 2;
                    check_gemm(&g);
                }
}

/* Rows enough for weights that become floats first; groups of more than 512 don't. */
static void many_rows(void)
{
    static const int64_t some_n[] = {1, 15, 16, 17, 33, 64, 65, 127}, groups[] = {0, 32, 128, 1024};
    for (int t = 0; t < 2; t++)
        for (int i = 0; i < 8; i++)
            for (int j = 0; j < 4; j++)
                for (int bits = 0; bits < 8; bits++) {
                    gemm_case g = WO_CASE(both[t], .m = 31 + i, .n = some_n[i],
                                          .k = bits & 1 ? 300 : 1029, .b_group = groups[j]);
                    g.b_zero = bits & 2;
                    g.d.transpose_a = bits & 4;
                    check_gemm(&g);
                }
}

static void transposes(void)
{
    static const int64_t sizes[][3] = {{1, 1, 1},    {3, 5, 7},    {6, 16, 8},   {8, 64, 33},
                                       {13, 65, 64}, {5, 49, 520}, {1, 70, 300}, {17, 3, 4}};
    for (int t = 0; t < 2; t++)
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
            for (int bits = 0; bits < 16; bits++) {
                gemm_case g = WO_CASE(both[t], .m = sizes[s][0], .n = sizes[s][1],
                                      .k = sizes[s][2]);
                g.d.transpose_a = bits & 1;
                g.d.transpose_b = bits & 2;
                g.d.b_group = bits & 4 ? 32 : 0;
                g.b_zero = bits & 4;
                if (bits & 8) {
                    g.d.lda = (g.d.transpose_a ? g.d.m : g.d.k) + 3;
                    g.d.ldb = (g.d.transpose_b ? g.d.k : g.d.n) + 6;
                    g.d.ldb += t == 1 ? g.d.ldb % 2 : 0;
                    g.d.ldc = g.d.n + 7;
                }
                check_gemm(&g);
            }
}

/* Each part of the epilogue, with scales per column and per group, and with none. */
static void epilogue(void)
{
    static const hew_act_kind acts[] = {HEW_ACT_NONE, HEW_ACT_RELU, HEW_ACT_CLIP, HEW_ACT_SILU};
    for (int t = 0; t < 2; t++)
        for (int bits = 0; bits < 128; bits++) {
            gemm_case g = WO_CASE(both[t], .m = bits & 1 ? 1 : 11, .n = 75, .k = 100);
            g.scale = bits & 2;
            g.bias = bits & 4;
            g.d.b_group = bits & 8 ? 64 : 0;
            g.residual = (residual_kind)(bits / 16 % 3);
            g.d.alpha = bits & 64 ? -0.75f : 0.0f;
            g.d.beta = bits % 5 == 0 ? 0.3f : 0.0f;
            g.d.act.kind = acts[bits % 4];
            g.b_zero = bits % 3 == 0;
            check_gemm(&g);
        }
}

/* NaN, Inf, zeros and denormals, in A and in what scales and adds. */
static void values(void)
{
    static const fill fills[][2] = {{FILL_INTS, FILL_INTS},         {FILL_SPECIALS, FILL_MIXED},
                                    {FILL_MIXED, FILL_SPECIALS},    {FILL_SPECIALS, FILL_SPECIALS},
                                    {FILL_DENORMALS, FILL_MIXED},   {FILL_MIXED, FILL_DENORMALS},
                                    {FILL_ZEROS, FILL_MIXED},       {FILL_ZEROS, FILL_ZEROS},
                                    {FILL_DENORMALS, FILL_DENORMALS}, {FILL_NANS, FILL_NANS}};
    for (int t = 0; t < 2; t++)
        for (size_t f = 0; f < sizeof fills / sizeof fills[0]; f++)
            for (int bits = 0; bits < 32; bits++) {
                gemm_case g = WO_CASE(both[t], .m = bits & 1 ? 2 : 5, .n = 50, .k = 77);
                g.a = fills[f][0];
                g.rest = fills[f][1];
                g.nans = g.a == FILL_NANS ? NAN_ANY : NAN_BITS;
                g.b_zero = bits & 2;
                g.d.b_group = bits & 4 ? 32 : 0;
                g.bias = bits & 8;
                g.residual = bits & 16 ? RESIDUAL : NO_RESIDUAL;
                check_gemm(&g);
            }
}

static void batches(void)
{
    for (int t = 0; t < 2; t++)
        for (int64_t batch = 1; batch <= 4; batch++)
            for (int bits = 0; bits < 8; bits++) {
                gemm_case g = WO_CASE(both[t], .m = 3, .n = 70, .k = 90, .batch = batch);
                g.d.b_group = bits & 1 ? 64 : 0;
                g.d.transpose_a = bits & 2;
                g.residual = bits & 4 ? RESIDUAL : NO_RESIDUAL;
                g.b_zero = g.threads = true;
                check_gemm(&g);
            }
}

/* Past what the driver cuts: chunks of panels, blocks of rows. */
static void threads(void)
{
    static const int64_t sizes[][3] = {{1, 1000, 600}, {4, 700, 900},  {200, 100, 130},
                                       {300, 65, 64},  {16, 513, 515}, {1, 3000, 100}};
    for (int t = 0; t < 2; t++)
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
            for (int bits = 0; bits < 4; bits++) {
                gemm_case g = WO_CASE(both[t], .m = sizes[s][0], .n = sizes[s][1],
                                      .k = sizes[s][2]);
                g.d.b_group = bits & 1 ? 128 : 0;
                g.d.transpose_a = bits & 2;
                g.d.transpose_b = bits & 1;
                g.d.act.kind = bits & 2 ? HEW_ACT_TANH : HEW_ACT_RELU;
                g.b_zero = bits & 2;
                g.bias = g.threads = true;
                check_gemm(&g);
            }
}

static void random_shapes(void)
{
    for (int i = 0; i < 600; i++) {
        rng r = case_rng("number %d", i);
        gemm_case g = WO_CASE(both[i % 2], .m = rng_between(&r, 1, 50),
                              .n = rng_between(&r, 1, 200),
                            .k = rng_between(&r, 0, rng_chance(&r, 6) ? 1100 : 200));
        g.d.b_group = rng_chance(&r, 2) ? 32 * rng_between(&r, 1, 6) : 0;
        g.d.transpose_a = rng_chance(&r, 3);
        g.d.transpose_b = rng_chance(&r, 2);
        g.d.batch = rng_chance(&r, 5) ? rng_between(&r, 2, 3) : 0;
        g.d.alpha = rng_chance(&r, 3) ? rng_f32(&r) : 0.0f;
        g.d.beta = rng_chance(&r, 3) ? rng_f32(&r) : 0.0f;
        g.d.act.kind = (hew_act_kind)rng_between(&r, 0, HEW_ACT_COUNT - 1);
        g.scale = !rng_chance(&r, 5);
        g.b_zero = rng_chance(&r, 2);
        g.bias = rng_chance(&r, 2);
        g.residual = (residual_kind)rng_between(&r, 0, 2);
        if (g.residual == RESIDUAL_IN_PLACE)
            g.d.beta = 0.0f;
        if (rng_chance(&r, 2)) {
            g.d.lda = (g.d.transpose_a ? g.d.m : g.d.k) + rng_between(&r, 0, 9);
            g.d.ldb = (g.d.transpose_b ? g.d.k : g.d.n) + rng_between(&r, 0, 9);
            g.d.ldb += g.d.b_type == HEW_S4 ? g.d.ldb % 2 : 0;
            g.d.ldc = g.d.n + rng_between(&r, 0, 9);
        }
        g.a = rng_chance(&r, 6) ? FILL_SPECIALS : FILL_MIXED;
        g.threads = rng_chance(&r, 8);
        check_gemm(&g);
    }
}

int main(void)
{
    static const test tests[] = {
        {"m_tail", m_tail}, {"n_tail", n_tail}, {"k_tail", k_tail}, {"long_k", long_k},
        {"many_rows", many_rows}, {"transposes", transposes}, {"epilogue", epilogue},
        {"values", values}, {"batches", batches}, {"threads", threads},
        {"random_shapes", random_shapes},
    };
    return run_on_rungs("gemm_wo", HEW_FAMILY_gemm_f32s8, TESTS(tests));
}
