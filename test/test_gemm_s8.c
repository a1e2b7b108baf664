/* GEMM of bytes: against the definition, and the definition against sums written out here. */
#include "gemm_case.h"
#include "quant_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Gives a case of bytes a result type and, unless that is s32, all that may surround it. */
static void dress(gemm_case *g, rng *r, hew_type c)
{
    g->d.c_type = c;
    g->bias_s32 = rng_chance(r, 2);
    g->b_zero = rng_chance(r, 4);
    g->a_zero = some_zero(r, g->d.a_type);
    if (c == HEW_S32)
        return;
    g->c_zero = some_zero(r, c);
    g->c_scale = some_scale(r, g->d.k + 1);
    g->scale = rng_chance(r, 2);
    g->bias = rng_chance(r, 2);
    g->d.act.kind = rng_chance(r, 2) ? (hew_act_kind)rng_between(r, 0, HEW_ACT_COUNT - 1) : 0;
    g->residual = rng_chance(r, 3) ? RESIDUAL : NO_RESIDUAL;
    g->d.residual_type = rng_chance(r, 3) ? HEW_F32 : some_byte_type(r);
    if (rng_chance(r, 4) && c != HEW_BF16) {
        g->residual = RESIDUAL_IN_PLACE;
        g->d.residual_type = c;
    }
    g->residual_zero = some_zero(r, g->d.residual_type);
    g->residual_scale = rng_chance(r, 2) ? 0.0f : 3.5f;
}

static void check_both(gemm_case g)
{
    g.d.b_packed = false;
    check_gemm(&g);
    g.d.b_packed = true;
    check_gemm(&g);
}

static void for_types(void (*fn)(hew_type a, hew_type b))
{
    for (int i = 0; i < 4; i++)
        fn(i & 1 ? HEW_S8 : HEW_U8, i & 2 ? HEW_U8 : HEW_S8);
}

/* Each tail of each tile, plain sums. */
static void tails(hew_type a, hew_type b)
{
    size_t count;
    const hew_kernel *kernels = hew_kernels(HEW_FAMILY_gemm_u8s8, &count);
    for (size_t i = 0; i < count; i++) {
        for (int64_t m = 1; m <= kernels[i].mr + 1; m++)
            check_both(GEMM_CASE(.m = m, .n = kernels[i].nr, .k = 9, .a_type = a, .b_type = b,
                                 .c_type = HEW_S32));
        for (int64_t n = 1; n <= kernels[i].nr + 1; n++)
            check_both(GEMM_CASE(.m = 3, .n = n, .k = 6, .a_type = a, .b_type = b,
                                 .c_type = HEW_S32));
    }
    for (int64_t k = 0; k <= 40; k++)
        check_both(GEMM_CASE(.m = 5, .n = 19, .k = k, .a_type = a, .b_type = b,
                             .c_type = HEW_S32));
    static const int64_t long_k[] = {1023, 1024, 1025, 2047, 2048, 2049, 2055, 4100};
    for (size_t i = 0; i < sizeof long_k / sizeof long_k[0]; i++)
        check_both(GEMM_CASE(.m = 7, .n = 35, .k = long_k[i], .a_type = a, .b_type = b,
                             .c_type = HEW_S32));
}
static void sums(void) { for_types(tails); }

/* The largest products, in runs that a saturating instruction would cut off. */
static void largest(hew_type a, hew_type b)
{
    for (int64_t k = 1; k < 2100; k = k * 3 + 1)
        for (int kind = 0; kind < 2; kind++) {
            gemm_case g = GEMM_CASE(.m = 9, .n = 33, .k = k, .a_type = a, .b_type = b,
                                    .c_type = HEW_S32);
            g.a = g.b = FILL_SPECIALS;
            g.a_zero = kind ? (a == HEW_U8 ? 255 : -128) : 0;
            g.b_zero = kind;
            check_both(g);
        }
}
static void corners(void) { for_types(largest); }

/* Every result type in every dress. */
static void results(void)
{
    static const hew_type types[] = {HEW_U8, HEW_S8, HEW_S32, HEW_F32, HEW_BF16};
    for (int i = 0; i < 500; i++) {
        rng r = case_rng("number %d", i);
        gemm_case g = GEMM_CASE(.m = rng_between(&r, 1, 20), .n = rng_between(&r, 1, 70),
                                .k = rng_between(&r, 1, 60), .a_type = some_byte_type(&r),
                                .b_type = some_byte_type(&r));
        dress(&g, &r, types[i % 5]);
        check_both(g);
    }
}

/* Transposed, strided, batched, on threads, rows of floats too. */
static void random_shapes(void)
{
    for (int i = 0; i < 700; i++) {
        rng r = case_rng("number %d", i);
        gemm_case g = GEMM_CASE(.m = rng_between(&r, 0, 40), .n = rng_between(&r, 0, 150),
                                .k = rng_between(&r, 0, 90), .a_type = some_byte_type(&r),
                                .b_type = some_byte_type(&r), .batch = rng_between(&r, 0, 3),
                                .b_packed = rng_chance(&r, 2), .transpose_a = rng_chance(&r, 4),
                                .transpose_b = rng_chance(&r, 3));
        if (rng_chance(&r, 4)) {
            g.d.a_type = HEW_F32;
            g.d.b_type = HEW_S8;
            g.d.a_dynamic = rng_chance(&r, 2) ? HEW_DYNAMIC_SYMMETRIC : HEW_DYNAMIC_ASYMMETRIC;
            g.a = rng_chance(&r, 8) ? FILL_SPECIALS : FILL_MIXED;
        }
        do
            dress(&g, &r, some_result_type(&r));
        while (g.d.a_dynamic && g.d.c_type == HEW_S32);
        if (rng_chance(&r, 3)) {
            g.d.lda = (g.d.transpose_a ? g.d.m : g.d.k) + rng_between(&r, 0, 9);
            g.d.ldb = (g.d.transpose_b ? g.d.k : g.d.n) + rng_between(&r, 0, 9);
            g.d.ldc = g.d.n + rng_between(&r, 0, 9);
        }
        g.threads = rng_chance(&r, 10);
        check_gemm(&g);
    }
}

/* Work for several tasks, with more than one block of k. */
static void large(void)
{
    for (int i = 0; i < 6; i++) {
        rng r = case_rng("number %d", i);
        gemm_case g = GEMM_CASE(.m = 130 + i, .n = 200 - i, .k = i % 2 ? 2500 : 300,
                                .a_type = some_byte_type(&r), .b_type = HEW_S8,
                                .b_packed = i % 3 == 0);
        dress(&g, &r, i % 2 ? HEW_U8 : HEW_S32);
        g.threads = true;
        check_gemm(&g);
    }
}

/* The definition against 64-bit sums and double precision. */
static void definition(void)
{
    enum { M = 5, N = 7, K = 33 };
    rng r = case_rng("5x33:33x7");
    uint8_t a[M * K], zero_b[N];
    int8_t b[K * N];
    float scale[N], bias[N];
    int32_t bias_s32[N], s32[M * N];
    uint8_t u8[M * N];
    for (int i = 0; i < M * K; i++)
        a[i] = (uint8_t)rng_between(&r, 0, 255);
    for (int i = 0; i < K * N; i++)
        b[i] = (int8_t)rng_between(&r, -128, 127);
    for (int j = 0; j < N; j++) {
        zero_b[j] = (uint8_t)rng_between(&r, 0, 255);
        scale[j] = 0.01f + 0.01f * fabsf(rng_f32(&r));
        bias[j] = 30.0f * rng_f32(&r);
        bias_s32[j] = (int32_t)rng_between(&r, -9999, 9999);
    }
    use_ref();
    hew_gemm *exact, *quantised;
    const hew_gemm_desc d = HEW_GEMM_DESC(.m = M, .n = N, .k = K, .a_type = HEW_U8,
                                          .b_type = HEW_S8, .c_type = HEW_S32);
    hew_gemm_desc e = d;
    e.c_type = HEW_U8;
    check_status(hew_gemm_create(&exact, &d), HEW_OK);
    check_status(hew_gemm_create(&quantised, &e), HEW_OK);
    hew_gemm_args args = HEW_GEMM_ARGS(.a = a, .b = b, .c = s32, .bias_s32 = bias_s32,
                                       .b_zero = zero_b, .a_zero = 77);
    check_status(hew_gemm_run(exact, &args), HEW_OK);
    args.scale = scale;
    args.bias = bias;
    args.c = u8;
    args.c_scale = 0.75f;
    args.c_zero = 100;
    check_status(hew_gemm_run(quantised, &args), HEW_OK);
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++) {
            int64_t sum = bias_s32[j];
            for (int k = 0; k < K; k++)
                sum += (a[i * K + k] - 77) * (b[k * N + j] - (int8_t)zero_b[j]);
            if (s32[i * N + j] != sum)
                fail_case("C[%d][%d]: want %lld, got %d", i, j, (long long)sum, s32[i * N + j]);
            const double v = ((double)sum * scale[j] + bias[j]) / 0.75 + 100;
            const double want = v < 0 ? 0 : v > 255 ? 255 : v;
            if (fabs(u8[i * N + j] - want) > 0.5001)
                fail_case("C[%d][%d]: want %g, got %d", i, j, want, u8[i * N + j]);
        }
    hew_gemm_destroy(exact);
    hew_gemm_destroy(quantised);
    use_test_rung();
}

/* Sums wrap around, and round to even on the way out. */
static void wrapping_and_rounding(void)
{
    case_rng("by hand");
    const uint8_t a[4] = {1, 1, 1, 1};
    const int8_t b[4 * 6] = {1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 2};
    const int32_t bias[6] = {INT32_MAX, INT32_MIN, -8, 2, 5, 250};
    int32_t sums[6];
    int8_t bytes[6];
    hew_gemm *op;
    hew_gemm_desc d = HEW_GEMM_DESC(.m = 1, .n = 6, .k = 4, .a_type = HEW_U8, .b_type = HEW_S8,
                                    .c_type = HEW_S32);
    hew_gemm_args args = HEW_GEMM_ARGS(.a = a, .b = b, .c = sums, .bias_s32 = bias);
    char scratch[1 << 16] __attribute__((aligned(64)));
    args.scratch = scratch;
    check_status(hew_gemm_create(&op, &d), HEW_OK);
    assert_true(hew_gemm_scratch_size(op, 1) <= sizeof scratch);
    check_status(hew_gemm_run(op, &args), HEW_OK);
    hew_gemm_destroy(op);
    static const int32_t want[6] = {INT32_MIN, INT32_MIN + 2, -5, 5, 9, 255};
    assert_memory_equal(sums, want, sizeof want);
    d.c_type = HEW_S8;
    args.c = bytes;
    args.c_scale = 2; /* -2.5 to -2, 2.5 to 2, 4.5 to 4 */
    check_status(hew_gemm_create(&op, &d), HEW_OK);
    check_status(hew_gemm_run(op, &args), HEW_OK);
    hew_gemm_destroy(op);
    static const int8_t rounded[6] = {-128, -128, -2, 2, 4, 127};
    assert_memory_equal(bytes, rounded, sizeof rounded);
}

static void refusals(void)
{
    case_rng("descriptors and arguments");
    hew_gemm *op;
#define D(...)                                                                                     \
    HEW_GEMM_DESC(.m = 2, .n = 2, .k = 2, .a_type = HEW_U8, .b_type = HEW_S8, __VA_ARGS__)
    const struct {
        hew_gemm_desc d;
        hew_status status;
        const char *text;
    } bad[] = {
        {D(.c_type = HEW_F16), HEW_ERR_UNSUPPORTED, "f16"},
        {D(.c_type = HEW_S8, .beta = 1), HEW_ERR_UNSUPPORTED, "beta"},
        {D(.c_type = HEW_S32, .act.kind = HEW_ACT_RELU), HEW_ERR_INVALID, "activation"},
        {D(.c_type = HEW_S32, .alpha = 2), HEW_ERR_INVALID, "alpha"},
        {D(.c_type = HEW_S8, .a_dynamic = HEW_DYNAMIC_SYMMETRIC), HEW_ERR_UNSUPPORTED, "dynamic"},
        {D(.residual_type = HEW_BF16), HEW_ERR_UNSUPPORTED, "bf16"},
        {D(.b_group = 32), HEW_ERR_INVALID, "32"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        check_refused(hew_gemm_create(&op, &bad[i].d), bad[i].status, bad[i].text);

    const uint8_t a[4] = {0}, b[4] = {0};
    uint8_t c[4] = {1, 2, 3, 4};
    const float scale[2] = {1, 1};
    const hew_gemm_args good = HEW_GEMM_ARGS(.a = a, .b = b, .c = c);
    const hew_gemm_desc u8 = D(.c_type = HEW_U8), s32 = D(.c_type = HEW_S32);
    char scratch[1 << 16] __attribute__((aligned(64)));
    const struct {
        int32_t a_zero, c_zero, residual_zero;
        float c_scale, residual_scale;
        const char *text;
    } args[] = {{256, 0, 0, 1, 1, "256"},  {-1, 0, 0, 1, 1, "-1"}, {0, 300, 0, 1, 1, "300"},
                {0, 0, 1, 1, 1, "f32"},    {0, 0, 0, -1, 1, "-1"}, {0, 0, 0, INFINITY, 1, "inf"},
                {0, 0, 0, 1, NAN, "nan"}};
    check_status(hew_gemm_create(&op, &u8), HEW_OK);
    for (size_t i = 0; i < sizeof args / sizeof args[0]; i++) {
        hew_gemm_args x = good;
        x.scratch = scratch;
        x.a_zero = args[i].a_zero;
        x.c_zero = args[i].c_zero;
        x.residual_zero = args[i].residual_zero;
        x.c_scale = args[i].c_scale;
        x.residual_scale = args[i].residual_scale;
        check_refused(hew_gemm_run(op, &x), HEW_ERR_INVALID, args[i].text);
    }
    hew_gemm_destroy(op);
    check_status(hew_gemm_create(&op, &s32), HEW_OK);
    hew_gemm_args scaled = good;
    scaled.scale = scale;
    scaled.c = scratch;
    check_refused(hew_gemm_run(op, &scaled), HEW_ERR_INVALID, "s32");
    hew_gemm_destroy(op);
    assert_memory_equal(c, ((uint8_t[]){1, 2, 3, 4}), 4);
}

int main(void)
{
    static const test tests[] = {
        {"sums", sums},
        {"corners", corners},
        {"results", results},
        {"random_shapes", random_shapes},
        {"large", large},
        {"definition", definition},
        {"wrapping_and_rounding", wrapping_and_rounding},
        {"refusals", refusals},
    };
    return run_on_rungs("gemm_s8", HEW_FAMILY_gemm_u8s8, TESTS(tests));
}
