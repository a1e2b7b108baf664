/* GEMM: what happens around the sum - epilogue, values, batches, threads. */
#include "gemm_case.h"

#include <stdlib.h>
#include <string.h>

/* Shapes that reach a vector path, a matrix path, tails and a second block of k. */
static const int64_t shapes[][3] = {{1, 37, 20}, {21, 1, 20}, {4, 8, 8}, {13, 70, 33},
                                    {7, 65, 530}};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static gemm_case case_of(int shape)
{
    return GEMM_CASE(.m = shapes[shape][0], .n = shapes[shape][1], .k = shapes[shape][2]);
}

static void check_packed_too(gemm_case *g)
{
    g->d.b_packed = false;
    check_gemm(g);
    g->d.b_packed = true;
    check_gemm(g);
}

static void scale_bias_residual(void)
{
    for (int s = 0; s < SHAPES; s++)
        for (int bits = 0; bits < 4; bits++)
            for (int kind = NO_RESIDUAL; kind <= RESIDUAL_IN_PLACE; kind++)
                for (int act = 0; act < 2; act++) {
                    gemm_case g = case_of(s);
                    g.scale = bits & 1;
                    g.bias = bits & 2;
                    g.residual = (residual_kind)kind;
                    g.d.act.kind = act ? HEW_ACT_RELU : HEW_ACT_NONE;
                    check_packed_too(&g);
                }
}

static void alpha_beta(void)
{
    static const float alphas[] = {0.0f, 1.0f, -0.75f, 1e-20f};
    static const float betas[] = {0.0f, -0.0f, 1.0f, -1.0f, 0.3f};
    for (int s = 0; s < SHAPES; s++)
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 5; j++)
                for (int kind = NO_RESIDUAL; kind <= RESIDUAL; kind++) {
                    gemm_case g = case_of(s);
                    g.d.alpha = alphas[i];
                    g.d.beta = betas[j];
                    g.scale = (i + j) % 2;
                    g.residual = (residual_kind)kind;
                    check_packed_too(&g);
                }
}

/* C is read twice: as beta's, then as the residual. */
static void beta_and_residual_in_place(void)
{
    for (int s = 0; s < SHAPES; s++)
        for (int bits = 0; bits < 4; bits++) {
            gemm_case g = case_of(s);
            g.d.beta = 0.3f;
            g.bias = bits & 1;
            g.d.act.kind = bits & 2 ? HEW_ACT_RELU : HEW_ACT_NONE;
            g.residual = RESIDUAL_IN_PLACE;
            check_packed_too(&g);
        }
}

static void activations(void)
{
    static const hew_act acts[] = {
        {HEW_ACT_NONE, 0, 0}, {HEW_ACT_RELU, 0, 0}, {HEW_ACT_LEAKY_RELU, 0, 0},
        {HEW_ACT_LEAKY_RELU, 0.3f, 0}, {HEW_ACT_CLIP, 0, 0}, {HEW_ACT_CLIP, -0.25f, 0.5f},
        {HEW_ACT_ELU, 0, 0}, {HEW_ACT_ELU, 0.5f, 0}, {HEW_ACT_SIGMOID, 0, 0}, {HEW_ACT_TANH, 0, 0},
        {HEW_ACT_SILU, 0, 0}, {HEW_ACT_GELU_ERF, 0, 0}, {HEW_ACT_GELU_TANH, 0, 0},
        {HEW_ACT_HARDSWISH, 0, 0}, {HEW_ACT_HARDSIGMOID, 0, 0}, {HEW_ACT_HARDSIGMOID, 0.2f, 0.4f},
        {HEW_ACT_MISH, 0, 0}};
    for (int s = 0; s < SHAPES; s++)
        for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
            for (int more = 0; more < 3; more++) {
                gemm_case g = case_of(s);
                g.d.act = acts[i];
                g.bias = more > 0;
                g.residual = more == 2 ? RESIDUAL : NO_RESIDUAL;
                g.d.beta = more == 2 ? 0.5f : 0.0f;
                check_packed_too(&g);
            }
}

/* With one kind of NaN about, NaNs too have the same bits everywhere. */
static void values(void)
{
    static const fill fills[][3] = {{FILL_INTS, FILL_INTS, FILL_INTS},
                                    {FILL_SPECIALS, FILL_MIXED, FILL_MIXED},
                                    {FILL_MIXED, FILL_SPECIALS, FILL_MIXED},
                                    {FILL_SPECIALS, FILL_SPECIALS, FILL_SPECIALS},
                                    {FILL_DENORMALS, FILL_MIXED, FILL_DENORMALS},
                                    {FILL_MIXED, FILL_DENORMALS, FILL_DENORMALS},
                                    {FILL_DENORMALS, FILL_DENORMALS, FILL_DENORMALS},
                                    {FILL_ZEROS, FILL_MIXED, FILL_ZEROS},
                                    {FILL_MIXED, FILL_ZEROS, FILL_MIXED},
                                    {FILL_NANS, FILL_NANS, FILL_NANS}};
    static const hew_act_kind acts[] = {HEW_ACT_NONE, HEW_ACT_RELU, HEW_ACT_CLIP};
    for (int s = 0; s < SHAPES; s++)
        for (size_t f = 0; f < sizeof fills / sizeof fills[0]; f++)
            for (int bits = 0; bits < 8; bits++) {
                gemm_case g = case_of(s);
                g.a = fills[f][0];
                g.b = fills[f][1];
                g.rest = fills[f][2];
                g.nans = g.a == FILL_NANS ? NAN_ANY : NAN_BITS;
                g.scale = bits & 1;
                g.bias = bits & 2;
                g.residual = bits & 4 ? RESIDUAL : NO_RESIDUAL;
                g.d.beta = bits == 7 ? 0.5f : 0.0f;
                g.d.act.kind = acts[bits % 3];
                check_packed_too(&g);
            }
}

static void batches(void)
{
    static const int64_t counts[] = {-1, 1, 2, 3, 5};
    for (int s = 0; s < SHAPES; s++)
        for (int c = 0; c < 5; c++)
            for (int bits = 0; bits < 16; bits++) {
                gemm_case g = case_of(s);
                g.d.batch = counts[c];
                g.d.stride_a = bits & 1 ? HEW_STRIDE_SHARED : 0;
                g.d.stride_b = bits & 2 ? HEW_STRIDE_SHARED : 0;
                g.residual = bits & 4 ? RESIDUAL : NO_RESIDUAL;
                g.d.stride_r = bits & 4 && bits & 1 ? HEW_STRIDE_SHARED : 0;
                g.d.stride_c = bits & 2 ? g.d.m * g.d.n + 3 : 0;
                g.d.b_packed = bits & 8;
                g.threads = c == 4 && bits < 4;
                check_gemm(&g);
            }
}

/* Member i of a batch has the bits that it has alone: here, those of every other member. */
static void batch_position(void)
{
    enum { MEMBERS = 7, M = 13, N = 50, K = 530 };
    const hew_gemm_desc d = HEW_GEMM_DESC(.m = M, .n = N, .k = K, .batch = MEMBERS,
                                          .stride_a = HEW_STRIDE_SHARED,
                                          .stride_b = HEW_STRIDE_SHARED);
    rng r = case_rng("seven equal members");
    float *a = malloc(sizeof(float[M * K])), *b = malloc(sizeof(float[K * N]));
    float *c = malloc(sizeof(float[MEMBERS * M * N]));
    fill_f32(&r, a, M * K, FILL_MIXED);
    fill_f32(&r, b, K * N, FILL_MIXED);
    hew_gemm *op;
    check_status(hew_gemm_create(&op, &d), HEW_OK);
    const hew_threads *threads = pool_of(3);
    void *scratch = hew_alloc(hew_gemm_scratch_size(op, threads->count));
    check_status(hew_gemm_run(op, &HEW_GEMM_ARGS(.a = a, .b = b, .c = c, .scratch = scratch,
                                                 .threads = threads)), HEW_OK);
    for (int i = 1; i < MEMBERS; i++)
        check_bits("a later member", c, c + i * M * N, layout_of(M, N, N), NAN_BITS);
    hew_free(scratch);
    hew_gemm_destroy(op);
    free(a);
    free(b);
    free(c);
}

static void threads(void)
{
    static const int64_t sizes[][3] = {{1, 1, 1}, {1, 500, 300}, {500, 1, 300}, {64, 64, 64},
                                       {200, 30, 100}, {30, 400, 100}, {100, 100, 1300},
                                       {3, 5, 4000}};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (int bits = 0; bits < 4; bits++) {
            gemm_case g = GEMM_CASE(.m = sizes[s][0], .n = sizes[s][1], .k = sizes[s][2]);
            g.d.b_packed = bits & 1;
            g.d.transpose_b = bits & 2;
            g.d.act.kind = bits & 1 ? HEW_ACT_TANH : HEW_ACT_RELU;
            g.bias = g.threads = true;
            g.residual = bits & 2 ? RESIDUAL_IN_PLACE : NO_RESIDUAL;
            check_gemm(&g);
        }
}

int main(void)
{
    static const test tests[] = {
        {"scale_bias_residual", scale_bias_residual}, {"alpha_beta", alpha_beta},
        {"beta_and_residual_in_place", beta_and_residual_in_place},
        {"activations", activations}, {"values", values}, {"batches", batches},
        {"batch_position", batch_position}, {"threads", threads},
    };
    return run_on_rungs("gemm_f32", HEW_FAMILY_gemm_f32, TESTS(tests));
}
