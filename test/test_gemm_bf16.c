/* GEMM of bf16: against the definition, and the definition against what it is to be. */
#include "emu/model.h"
#include "gemm_case.h"

#include <float.h>
#include <math.h>
#include <string.h>
#include <xmmintrin.h>

#ifndef HEW_SANITIZED /* the sanitizer builds define it as 1 */
#define HEW_SANITIZED 0
#endif

/* Results, and residuals, of either type.  Where NaNs meet, which comes out is left open. */
static void check_types(gemm_case g)
{
    g.d.a_type = g.d.b_type = HEW_BF16;
    g.nans = NAN_ANY;
    for (int bits = 0; bits < 2; bits++) {
        g.d.c_type = bits ? HEW_BF16 : HEW_F32;
        if (g.residual == RESIDUAL_IN_PLACE)
            g.d.residual_type = g.d.c_type;
        check_gemm(&g);
        g.d.b_packed = !g.d.b_packed;
    }
}

static void check(int64_t m, int64_t n, int64_t k)
{
    gemm_case g = GEMM_CASE(.m = m, .n = n, .k = k);
    check_types(g);
    g.d.b_packed = true;
    check_types(g);
}

static void tails(void)
{
    size_t count;
    const hew_kernel *kernels = hew_kernels(HEW_FAMILY_gemm_bf16, &count);
    for (size_t i = 0; i < count; i++) {
        const int64_t mr = kernels[i].mr, nr = kernels[i].nr;
        for (int64_t m = 1; m <= mr + 1; m++)
            check(m, nr, 9);
        for (int64_t n = 1; n <= nr + 1; n++)
            check(3, n, 6);
    }
    for (int64_t k = 0; k <= 40; k++)
        check(5, 19, k);
    static const int64_t long_k[] = {127, 128, 129, 1023, 1024, 1025, 1026, 2049, 4100};
    for (size_t i = 0; i < sizeof long_k / sizeof long_k[0]; i++)
        check(7, 35, long_k[i]);
}

static void transposes(void)
{
    static const int64_t sizes[][3] = {{1, 1, 1},   {3, 5, 7},    {8, 64, 33}, {13, 65, 64},
                                       {33, 100, 70}, {5, 49, 1032}, {70, 9, 131}, {1, 70, 33}};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (int bits = 0; bits < 16; bits++) {
            gemm_case g = GEMM_CASE(.m = sizes[s][0], .n = sizes[s][1], .k = sizes[s][2]);
            g.d.transpose_a = bits & 1;
            g.d.transpose_b = bits & 2;
            g.d.b_packed = bits & 4;
            if (bits & 8) {
                g.d.lda = (g.d.transpose_a ? g.d.m : g.d.k) + 3;
                g.d.ldb = (g.d.transpose_b ? g.d.k : g.d.n) + 5;
                g.d.ldc = g.d.n + 7;
            }
            check_types(g);
        }
}

/* Denormals, infinities, NaNs, zeros, results about the least normal number. */
static void values(void)
{
    static const fill fills[][3] = {{FILL_INTS, FILL_INTS, FILL_INTS},
                                    {FILL_TINY, FILL_TINY, FILL_DENORMALS},
                                    {FILL_TINY, FILL_TINY, FILL_ZEROS},
                                    {FILL_DENORMALS, FILL_MIXED, FILL_MIXED},
                                    {FILL_MIXED, FILL_DENORMALS, FILL_DENORMALS},
                                    {FILL_ZEROS, FILL_ZEROS, FILL_ZEROS},
                                    {FILL_MIXED, FILL_SPECIALS, FILL_SPECIALS},
                                    {FILL_SPECIALS, FILL_SPECIALS, FILL_MIXED},
                                    {FILL_NANS, FILL_NANS, FILL_NANS}};
    for (size_t f = 0; f < sizeof fills / sizeof fills[0]; f++)
        for (int bits = 0; bits < 32; bits++) {
            rng r = case_rng("fill %zu, %d", f, bits);
            gemm_case g = GEMM_CASE(.m = rng_between(&r, 1, 12), .n = rng_between(&r, 1, 70),
                                    .k = rng_between(&r, 1, 50), .b_packed = bits & 1);
            g.a = fills[f][0];
            g.b = fills[f][1];
            g.rest = fills[f][2];
            g.scale = bits & 2;
            g.bias = bits & 4;
            g.residual = bits & 8 ? RESIDUAL : NO_RESIDUAL;
            g.d.residual_type = bits & 16 ? HEW_BF16 : HEW_F32;
            if (bits % 8 == 3)
                g.d.act = (hew_act){HEW_ACT_CLIP, 0x1p-130f, 0x1p-127f};
            check_types(g);
        }
}

static void activations(void)
{
    for (int kind = 0; kind < HEW_ACT_COUNT; kind++)
        for (int i = 0; i < 8; i++) {
            rng r = case_rng("%d, %d", kind, i);
            gemm_case g = GEMM_CASE(.m = rng_between(&r, 1, 20), .n = rng_between(&r, 1, 150),
                                    .k = rng_between(&r, 1, 30), .act.kind = (hew_act_kind)kind,
                                    .alpha = i & 1 ? 30.0f : 0.0f, .b_packed = i & 2);
            g.rest = i & 4 ? FILL_SPECIALS : FILL_MIXED;
            g.bias = true;
            g.residual = (residual_kind)(i % 3);
            g.d.residual_type = i & 1 ? HEW_BF16 : HEW_F32;
            check_types(g);
        }
}

/* Past every cache block of the drivers in one direction at a time, on threads. */
static void blocks(void)
{
    static const int64_t sizes[][3] = {{1030, 17, 40}, {530, 70, 130}, {9, 2100, 71},
                                       {7, 33, 9001}, {1, 4100, 600}, {1000, 1, 600},
                                       {33, 700, 1100}, {300, 300, 300}};
    /* The last two are 25 million products each, minutes of a sanitizer's time. */
    const size_t count = sizeof sizes / sizeof sizes[0] - (HEW_SANITIZED ? 2 : 0);
    for (size_t s = 0; s < count; s++)
        for (int bits = 0; bits < 4; bits++) {
            gemm_case g = GEMM_CASE(.m = sizes[s][0], .n = sizes[s][1], .k = sizes[s][2],
                                    .b_packed = bits & 1, .transpose_b = bits & 2,
                                    .transpose_a = bits == 3);
            g.bias = g.threads = true;
            check_types(g);
        }
}

static void random_shapes(void)
{
    for (int i = 0; i < (HEW_SANITIZED ? 100 : 500); i++) { /* sanitized, each takes long */
        rng r = case_rng("number %d", i);
        gemm_case g = GEMM_CASE(.m = rng_between(&r, 0, 40), .n = rng_between(&r, 0, 150),
                                .k = rng_between(&r, 0, rng_chance(&r, 6) ? 2100 : 90),
                                .transpose_a = rng_chance(&r, 3), .transpose_b = rng_chance(&r, 3),
                                .b_packed = rng_chance(&r, 2), .alpha = rng_f32(&r),
                                .batch = rng_chance(&r, 3) ? rng_between(&r, 2, 4) : 0,
                                .residual_type = rng_chance(&r, 2) ? HEW_BF16 : HEW_F32);
        g.d.lda = (g.d.transpose_a ? g.d.m : g.d.k) + rng_between(&r, 0, 3);
        g.d.ldc = g.d.n + rng_between(&r, 0, 3);
        if (g.d.batch > 1 && rng_chance(&r, 2))
            g.d.stride_a = HEW_STRIDE_SHARED;
        if (g.d.batch > 1 && rng_chance(&r, 2))
            g.d.stride_b = HEW_STRIDE_SHARED;
        g.d.act.kind = rng_chance(&r, 3) ? (hew_act_kind)rng_between(&r, 0, HEW_ACT_COUNT - 1) : 0;
        g.scale = rng_chance(&r, 2);
        g.bias = rng_chance(&r, 2);
        g.residual = (residual_kind)rng_between(&r, 0, 2);
        g.a = rng_chance(&r, 6) ? FILL_SPECIALS : FILL_MIXED;
        g.b = rng_chance(&r, 6) ? FILL_SPECIALS : FILL_MIXED;
        g.threads = rng_chance(&r, 16);
        check_types(g);
    }
}

/* ------------------------------------------------------------------------ the definition --- */

enum { MOST = 2600 };

/* One column times one row by the definition and by this rung. */
static void run_dot(bool ref, int64_t k, const uint16_t *a, const uint16_t *b, float *c)
{
    hew_gemm *op;
    const hew_gemm_desc d =
        HEW_GEMM_DESC(.m = 1, .n = 1, .k = k, .a_type = HEW_BF16, .b_type = HEW_BF16);
    ref ? use_ref() : use_test_rung();
    check_status(hew_gemm_create(&op, &d), HEW_OK);
    void *scratch = hew_alloc(hew_gemm_scratch_size(op, 1));
    check_status(hew_gemm_run(op, &HEW_GEMM_ARGS(.a = a, .b = b, .c = c, .scratch = scratch)),
                 HEW_OK);
    hew_free(scratch);
    hew_gemm_destroy(op);
    use_test_rung();
}

static uint32_t word_of(const uint16_t *x, int64_t k, int64_t word)
{
    return x[2 * word] | (2 * word + 1 < k ? (uint32_t)x[2 * word + 1] : 0) << 16;
}

/* VDPBF16PS as the manual has it. */
static uint32_t want_chain(int64_t k, const uint16_t *a, const uint16_t *b, const int64_t *cuts)
{
    uint32_t total = 0, sum = 0;
    for (int64_t word = 0, cut = 0; word < (k + 1) / 2; word++) {
        sum = model_dot(EMU_VDPBF16PS, sum, word_of(a, k, word), word_of(b, k, word));
        if (word + 1 < cuts[cut])
            continue;
        total = cut++ == 0 ? sum : model_add(total, sum);
        sum = 0;
    }
    return total;
}

/* TDPBF16PS, of tiles so many words wide. */
static uint32_t want_tiles(int64_t k, const uint16_t *a, const uint16_t *b, int64_t chunk)
{
    uint32_t total = 0, even = 0, odd = 0;
    const int64_t words = (k + 1) / 2;
    for (int64_t word = 0; word < words; word++) {
        const uint32_t x = word_of(a, k, word), y = word_of(b, k, word);
        even = model_fma(x << 16, y << 16, even);
        odd = model_fma(x & 0xffff0000, y & 0xffff0000, odd);
        if ((word + 1) % chunk != 0 && word + 1 < words)
            continue;
        total = model_add(total, model_add(even, odd));
        even = odd = 0;
    }
    return total;
}

/* The cuts, in words, and the width of AMX's tiles, as literals. */
static void chain(int64_t k, fill kind, const int64_t *cuts, int64_t chunk)
{
    static uint16_t a[MOST], b[MOST];
    rng r = case_rng("k %d, fill %d", (int)k, (int)kind);
    fill_bf16(&r, a, (size_t)k, kind);
    fill_bf16(&r, b, (size_t)k, kind);
    uint32_t total = test_rung() == HEW_ISA_AMX ? want_tiles(k, a, b, chunk)
                                                : want_chain(k, a, b, cuts);
    float want, by_ref, by_kernel;
    total = model_add(total, 0); /* -0 and a bias of +0 */
    memcpy(&want, &total, sizeof want);
    run_dot(true, k, a, b, &by_ref);
    run_dot(false, k, a, b, &by_kernel);
    check_bits("C by the definition", &want, &by_ref, layout_of(1, 1, 1), NAN_ANY);
    check_bits("C", &want, &by_kernel, layout_of(1, 1, 1), NAN_ANY);
}

static void chains(void)
{
    static const fill fills[] = {FILL_MIXED, FILL_TINY, FILL_SPECIALS, FILL_ZEROS, FILL_DENORMALS};
    for (size_t f = 0; f < sizeof fills / sizeof fills[0]; f++) {
        for (int64_t k = 1; k < 40; k++)
            chain(k, fills[f], (int64_t[]){(k + 1) / 2}, k <= 32 ? (k + 1) / 2 : (k + 3) / 4);
        chain(100, fills[f], (int64_t[]){50}, 13);
        chain(199, fills[f], (int64_t[]){100}, 15);
        chain(1024, fills[f], (int64_t[]){512}, 16);
        chain(1025, fills[f], (int64_t[]){264, 513}, 16);
        chain(2049, fills[f], (int64_t[]){344, 688, 1025}, 16);
        chain(2560, fills[f], (int64_t[]){432, 864, 1280}, 16);
    }
}

/* A chain of k products is within k eps sum |a b| of the sum, whatever their order. */
static void oracle(void)
{
    static const int64_t ks[] = {1, 2, 3, 10, 101, 1024, 1025, 2500};
    for (size_t i = 0; i < sizeof ks / sizeof ks[0]; i++) {
        static uint16_t a[MOST], b[MOST];
        rng r = case_rng("k %d", (int)ks[i]);
        fill_bf16(&r, a, (size_t)ks[i], FILL_MIXED);
        fill_bf16(&r, b, (size_t)ks[i], FILL_MIXED);
        double sum = 0, magnitudes = 0;
        for (int64_t k = 0; k < ks[i]; k++) {
            const uint32_t x = model_f32_from_bf16(a[k]), y = model_f32_from_bf16(b[k]);
            float fx, fy;
            memcpy(&fx, &x, sizeof fx);
            memcpy(&fy, &y, sizeof fy);
            sum += (double)fx * (double)fy;
            magnitudes += fabs((double)fx * (double)fy);
        }
        float c;
        run_dot(true, ks[i], a, b, &c);
        const double bound = 1.001 * (double)ks[i] * FLT_EPSILON / 2 * magnitudes;
        if (!(fabs(c - sum) <= bound))
            fail_case("%.9g is %g away from %.17g; the bound is %g", (double)c, fabs(c - sum), sum,
                      bound);
    }
}

/* The caller's rounding and denormals make no difference, and are there again after a run. */
static void mxcsr(void)
{
    static const unsigned modes[] = {0x1f80, 0x3f80, 0x5f80, 0x7f80, 0xffc0};
    static uint16_t a[70], b[70];
    rng r = case_rng("modes");
    fill_bf16(&r, a, 70, FILL_MIXED);
    fill_bf16(&r, b, 70, FILL_MIXED);
    float want, got[2];
    run_dot(true, 70, a, b, &want);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        const unsigned before = _mm_getcsr();
        _mm_setcsr(modes[i]);
        state_save();
        run_dot(true, 70, a, b, got);
        run_dot(false, 70, a, b, got + 1);
        state_check();
        _mm_setcsr(before);
        for (int j = 0; j < 2; j++)
            check_bits(j ? "C" : "C by the definition", &want, got + j, layout_of(1, 1, 1),
                       NAN_BITS);
    }
}

static void refusals(void)
{
    case_rng("descriptors");
    hew_gemm *op;
#define D(...)                                                                                     \
    HEW_GEMM_DESC(.m = 2, .n = 2, .k = 2, .a_type = HEW_BF16, .b_type = HEW_BF16, __VA_ARGS__)
    const struct {
        hew_gemm_desc d;
        hew_status status;
        const char *text;
    } bad[] = {
        {D(.c_type = HEW_F16), HEW_ERR_UNSUPPORTED, "f16"},
        {D(.c_type = HEW_U8), HEW_ERR_UNSUPPORTED, "u8"},
        {D(.c_type = HEW_S32), HEW_ERR_UNSUPPORTED, "s32"},
        {D(.residual_type = HEW_S8), HEW_ERR_UNSUPPORTED, "s8"},
        {D(.beta = 1), HEW_ERR_UNSUPPORTED, "beta"},
        {D(.a_dynamic = HEW_DYNAMIC_SYMMETRIC), HEW_ERR_UNSUPPORTED, "dynamic"},
        {D(.b_group = 32), HEW_ERR_INVALID, "b_group"},
        {HEW_GEMM_DESC(.m = 2, .n = 2, .k = 2, .a_type = HEW_BF16), HEW_ERR_UNSUPPORTED, "bf16"},
        {HEW_GEMM_DESC(.m = 2, .n = 2, .k = 2, .b_type = HEW_BF16), HEW_ERR_UNSUPPORTED, "bf16"},
        {HEW_GEMM_DESC(.m = 2, .n = 2, .k = 2, .c_type = HEW_BF16), HEW_ERR_UNSUPPORTED, "bf16"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        check_refused(hew_gemm_create(&op, &bad[i].d), bad[i].status, bad[i].text);

    _Alignas(64) char scratch[1 << 16];
    const uint16_t a[5] = {0}, b[4] = {0};
    uint16_t c[4] = {1, 2, 3, 4};
    check_status(hew_gemm_create(&op, &D(.c_type = HEW_BF16)), HEW_OK);
    assert_true(hew_gemm_scratch_size(op, 1) <= sizeof scratch);
    check_kernel(hew_gemm_kernel(op));
    hew_gemm_args args = HEW_GEMM_ARGS(.a = a, .b = b, .c = c, .scratch = scratch, .a_zero = 1);
    check_refused(hew_gemm_run(op, &args), HEW_ERR_INVALID, "zero point");
    args.a_zero = 0;
    args.a = (const char *)a + 1;
    check_refused(hew_gemm_run(op, &args), HEW_ERR_INVALID, "aligned");
    hew_gemm_destroy(op);
    assert_memory_equal(c, ((uint16_t[]){1, 2, 3, 4}), sizeof c);
}

int main(void)
{
    static const test tests[] = {
        {"tails", tails},       {"transposes", transposes},       {"values", values},
        {"activations", activations}, {"blocks", blocks},         {"random_shapes", random_shapes},
        {"chains", chains},     {"oracle", oracle},               {"mxcsr", mxcsr},
        {"refusals", refusals},
    };
    return run_on_rungs("gemm_bf16", HEW_FAMILY_gemm_bf16, TESTS(tests));
}
