/*
 * Products and convolutions whose operands are converted first: f16, and f32 under HEW_MATH_BF16.
 * Against the definition on every rung, and both against the operation on converted tensors.
 */
#include "conv_case.h"
#include "gemm_case.h"
#include "ref/ref.h"

#include <stdatomic.h>

/* Of A, B, C and the residual. */
typedef struct types {
    hew_math math;
    hew_type a, b, c, residual;
} types;
static const types all[] = {
    {HEW_MATH_BF16, HEW_F32, HEW_F32, HEW_F32, HEW_F32},
    {HEW_MATH_BF16, HEW_F32, HEW_F32, HEW_BF16, HEW_BF16},
    {HEW_MATH_BF16, HEW_F32, HEW_BF16, HEW_F32, HEW_BF16},
    {HEW_MATH_BF16, HEW_BF16, HEW_F32, HEW_BF16, HEW_F32},
    {HEW_MATH_DEFAULT, HEW_F16, HEW_F16, HEW_F16, HEW_F16},
    {HEW_MATH_DEFAULT, HEW_F16, HEW_F16, HEW_F32, HEW_F32},
    {HEW_MATH_DEFAULT, HEW_F32, HEW_F16, HEW_F32, HEW_F16},
    {HEW_MATH_DEFAULT, HEW_F32, HEW_F16, HEW_F16, HEW_F32},
    {HEW_MATH_DEFAULT, HEW_F16, HEW_F32, HEW_F32, HEW_F32},
    {HEW_MATH_DEFAULT, HEW_F32, HEW_F32, HEW_F16, HEW_F16},
};
enum { ALL = sizeof all / sizeof all[0] };

static gemm_case gemm_of(gemm_case g, types t)
{
    g.d.math = t.math;
    g.d.a_type = t.a, g.d.b_type = t.b, g.d.c_type = t.c, g.d.residual_type = t.residual;
    if (g.residual == RESIDUAL_IN_PLACE)
        g.d.residual_type = t.c;
    g.nans = NAN_ANY;
    return g;
}

static void gemm_shapes(void)
{
    static const int64_t sizes[][3] = {{1, 1, 1},    {3, 5, 7},     {1, 70, 300}, {17, 1, 90},
                                       {13, 65, 64}, {33, 100, 70}, {5, 49, 1032}, {2, 33, 0},
                                       {2, 150, 1031}, {260, 70, 20}};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (int bits = 0; bits < 16; bits++)
            for (int t = bits % 2; t < ALL; t += 2) {
                gemm_case g = GEMM_CASE(.m = sizes[s][0], .n = sizes[s][1], .k = sizes[s][2]);
                g.d.transpose_a = bits & 1;
                g.d.transpose_b = bits & 2;
                g.d.b_packed = (bits / 4 + t / 2) % 2;
                g.residual = (residual_kind)((bits + t) % 3);
                g.bias = g.scale = bits & 8;
                g.d.act.kind = (hew_act_kind)((bits * ALL + t) % HEW_ACT_COUNT);
                if (bits & 8) {
                    g.d.lda = (g.d.transpose_a ? g.d.m : g.d.k) + 3;
                    g.d.ldb = (g.d.transpose_b ? g.d.k : g.d.n) + 5;
                    g.d.ldc = g.d.n + 7;
                }
                g.threads = bits == 8 && t % 4 == 0;
                g = gemm_of(g, all[t]);
                check_gemm(&g);
            }
}

static void gemm_batches(void)
{
    for (int bits = 0; bits < 32; bits++)
        for (int t = 0; t < ALL; t++) {
            gemm_case g = GEMM_CASE(.m = 9, .n = 21, .k = 34, .batch = bits & 1 ? 3 : 40);
            g.d.stride_a = bits & 2 ? HEW_STRIDE_SHARED : bits & 16 ? 9 * 34 + 6 : 0;
            g.d.stride_b = bits & 4 ? HEW_STRIDE_SHARED : 0;
            g.d.stride_c = bits & 8 ? 9 * 21 + 5 : 0;
            g.d.b_packed = (bits & 20) == 20;
            g.d.stride_r = bits & 16 ? HEW_STRIDE_SHARED : g.d.stride_c;
            g.residual = RESIDUAL;
            g.threads = bits % 10 == 1;
            g = gemm_of(g, all[t]);
            check_gemm(&g);
        }
}

static const fill fills[][3] = {{FILL_TINY, FILL_TINY, FILL_DENORMALS},
                                {FILL_DENORMALS, FILL_MIXED, FILL_MIXED},
                                {FILL_ZEROS, FILL_ZEROS, FILL_ZEROS},
                                {FILL_MIXED, FILL_SPECIALS, FILL_SPECIALS},
                                {FILL_SPECIALS, FILL_MIXED, FILL_MIXED},
                                {FILL_NANS, FILL_NANS, FILL_NANS}};
enum { FILLS = sizeof fills / sizeof fills[0] };

static void gemm_values(void)
{
    for (int f = 0; f < FILLS; f++)
        for (int t = 0; t < ALL; t++)
            for (int bits = 0; bits < 4; bits++) {
                gemm_case g = GEMM_CASE(.m = f % 2 ? 6 : 2, .n = 37, .k = 43, .b_packed = bits & 1);
                g.a = fills[f][0], g.b = fills[f][1], g.rest = fills[f][2];
                g.bias = true;
                g.residual = bits & 2 ? RESIDUAL : NO_RESIDUAL;
                g = gemm_of(g, all[t]);
                check_gemm(&g);
            }
}

static const hew_conv_desc shapes[] = {
    {.in = {5, 7}, .in_c = 19, .out_c = 21, .kernel = {1, 1}},
    {.in = {6, 5}, .in_c = 12, .out_c = 37, .kernel = {3, 3}, .pad_lo = {1, 1}, .pad_hi = {1, 1}},
    {.in = {9, 8}, .in_c = 3, .out_c = 17, .kernel = {5, 5}, .stride = {2, 2}, .pad_lo = {2, 2},
     .pad_hi = {1, 2}},
    {.in = {6, 7}, .in_c = 21, .out_c = 21, .groups = 21, .kernel = {3, 3}, .pad_lo = {1, 1},
     .pad_hi = {1, 1}},
    {.in = {5, 5}, .in_c = 24, .out_c = 24, .groups = 6, .kernel = {3, 3}, .pad_lo = {1, 1},
     .pad_hi = {1, 1}},
    {.in = {3, 4, 5}, .in_c = 6, .out_c = 10, .kernel = {2, 3, 3}, .pad_lo = {1, 1, 1},
     .pad_hi = {0, 1, 1}},
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static void conv_shapes(void)
{
    for (int s = 0; s < SHAPES; s++)
        for (int t = 0; t < ALL; t++)
            for (int bits = t % 2; bits < 16; bits += 2) {
                conv_case g = {.d = shapes[s]};
                g.d.size = sizeof g.d;
                g.d.math = all[t].math;
                g.d.in_type = all[t].a, g.d.weight_type = all[t].b, g.d.out_type = all[t].c;
                g.residual = (residual_kind)((bits + t) % 3);
                g.d.residual_type = g.residual == RESIDUAL_IN_PLACE ? all[t].c : all[t].residual;
                g.bias = bits & 1;
                g.d.batch = bits & 2 ? 2 : 0;
                g.d.in_stride = bits & 4 ? g.d.in_c + 5 : 0;
                g.d.out_stride = bits & 4 ? g.d.out_c + 2 : 0;
                g.d.act.kind = (hew_act_kind)((bits + 3 * t) % HEW_ACT_COUNT);
                if (bits & 8) {
                    const fill *f = fills[(s + t + bits) % FILLS];
                    g.in = f[0], g.weights = f[1], g.rest = f[2];
                }
                g.threads = bits == 3;
                g.nans = NAN_ANY;
                check_conv(&g);
            }
}

/* ------------------------------------------------- the operation on converted tensors ------ */

enum { M = 9, N = 37, K = 1100 };

/* x as the type that it is computed in: `inner`. */
static void convert(hew_type type, const void *x, hew_type inner, void *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        hew_ref_store_type(inner, y, (int64_t)i, hew_ref_load_type(type, x, (int64_t)i));
}

static void run_gemm(const hew_gemm_desc *d, const void *a, const void *b, const void *residual,
                     void *c)
{
    hew_gemm *op;
    check_status(hew_gemm_create(&op, d), HEW_OK);
    void *packed = hew_alloc(hew_gemm_packed_size(op));
    void *scratch = hew_alloc(hew_gemm_scratch_size(op, 1));
    check_status(hew_gemm_pack(op, b, packed), HEW_OK);
    check_status(hew_gemm_run(op, &HEW_GEMM_ARGS(.a = a, .packed_b = packed, .c = c,
                                                 .residual = residual, .scratch = scratch)),
                 HEW_OK);
    hew_free(packed);
    hew_free(scratch);
    hew_gemm_destroy(op);
}

static void gemm_of_converted(void)
{
    static float a[M * K], b[K * N], residual[M * N], c[M * N];
    static float inner_a[M * K], inner_b[K * N], inner_residual[M * N], inner_c[M * N], want[M * N];
    for (int t = 0; t < ALL; t++) {
        const types *ts = all + t;
        rng r = case_rng("types %d", t);
        const hew_type inner = ts->math ? HEW_BF16 : HEW_F32;
        float some[M * K + K * N];
        fill_f32(&r, some, M * K + K * N, t % 2 ? FILL_MIXED : FILL_TINY);
        convert(HEW_F32, some, ts->a, a, M * K);
        convert(HEW_F32, some + M * K, ts->b, b, K * N);
        fill_f32(&r, some, M * N, FILL_MIXED);
        convert(HEW_F32, some, ts->residual, residual, M * N);
        const hew_gemm_desc d =
            HEW_GEMM_DESC(.m = M, .n = N, .k = K, .a_type = ts->a, .b_type = ts->b, .c_type = ts->c,
                          .residual_type = ts->residual, .math = ts->math, .b_packed = true);
        run_gemm(&d, a, b, residual, c);
        convert(ts->a, a, inner, inner_a, M * K);
        convert(ts->b, b, inner, inner_b, K * N);
        convert(ts->residual, residual, HEW_F32, inner_residual, M * N);
        const hew_gemm_desc plain = HEW_GEMM_DESC(.m = M, .n = N, .k = K, .a_type = inner,
                                                  .b_type = inner, .b_packed = true);
        run_gemm(&plain, inner_a, inner_b, inner_residual, inner_c);
        convert(HEW_F32, inner_c, ts->c, want, M * N);
        check_elements("C", ts->c, want, c, layout_of(M, N, N));
    }
}

/* The same of a convolution; all of it in bf16, or f16. */
static void conv_of_converted(void)
{
    enum { IN = 8 * 9 * 20, OUT = 8 * 9 * 33, WEIGHTS = 33 * 20 * 9 };
    static float in[IN], weights[WEIGHTS], out[OUT], want[OUT], wide[OUT];
    static uint16_t half_in[IN], half_weights[WEIGHTS], half_out[OUT];
    for (int f16 = 0; f16 < 2; f16++) {
        rng r = case_rng("f16 %d", f16);
        fill_f32(&r, in, IN, FILL_MIXED);
        fill_f32(&r, weights, WEIGHTS, FILL_MIXED);
        const hew_type half = f16 ? HEW_F16 : HEW_BF16;
        convert(HEW_F32, in, half, half_in, IN);
        convert(HEW_F32, weights, half, half_weights, WEIGHTS);
        if (f16) {
            convert(half, half_in, HEW_F32, in, IN);
            convert(half, half_weights, HEW_F32, weights, WEIGHTS);
        }
        for (int side = 0; side < 2; side++) { /* floats, or halves */
            hew_conv_desc d = HEW_CONV_DESC(.in = {8, 9}, .in_c = 20, .out_c = 33, .kernel = {3, 3},
                                            .pad_lo = {1, 1}, .pad_hi = {1, 1},
                                            .act.kind = HEW_ACT_SILU);
            if (side)
                d.in_type = d.weight_type = half;
            d.out_type = side && f16 ? HEW_F16 : HEW_F32;
            d.math = !side && !f16 ? HEW_MATH_BF16 : HEW_MATH_DEFAULT;
            hew_conv *op;
            check_status(hew_conv_create(&op, &d), HEW_OK);
            void *packed = hew_alloc(hew_conv_packed_size(op));
            void *scratch = hew_alloc(hew_conv_scratch_size(op, 1));
            check_status(hew_conv_pack(op, side ? (void *)half_weights : weights, packed), HEW_OK);
            void *to = !side ? (void *)want : f16 ? (void *)half_out : out;
            check_status(hew_conv_run(op, &HEW_CONV_ARGS(.in = side ? (void *)half_in : in,
                                                         .packed = packed, .out = to,
                                                         .scratch = scratch)),
                         HEW_OK);
            hew_free(packed);
            hew_free(scratch);
            hew_conv_destroy(op);
        }
        if (f16) {
            convert(HEW_F16, half_out, HEW_F32, out, OUT);
            memcpy(wide, want, sizeof wide);
            for (int i = 0; i < OUT; i++)
                want[i] = hew_ref_from_f16(hew_ref_f16(wide[i]));
        }
        check_bits("out", want, out, layout_of(1, OUT, OUT), NAN_BITS);
    }
}

static void refusals(void)
{
    case_rng("descriptors, arguments, memory");
    hew_gemm *op;
    hew_conv *conv;
#define G(...) HEW_GEMM_DESC(.m = 2, .n = 2, .k = 2, __VA_ARGS__)
    check_refused(hew_gemm_create(&op, &G(.math = (hew_math)2)), HEW_ERR_INVALID, "math = 2");
    check_refused(hew_gemm_create(&op, &G(.math = HEW_MATH_BF16, .a_type = HEW_F16)),
                  HEW_ERR_UNSUPPORTED, "f16 x f32");
    check_refused(hew_gemm_create(&op, &G(.math = HEW_MATH_BF16, .c_type = HEW_F16)),
                  HEW_ERR_UNSUPPORTED, "f16");
    check_refused(hew_gemm_create(&op, &G(.math = HEW_MATH_BF16, .beta = 1)), HEW_ERR_UNSUPPORTED,
                  "beta");
    check_refused(hew_gemm_create(&op, &G(.c_type = HEW_F16, .beta = 1)), HEW_ERR_UNSUPPORTED,
                  "C of f16");
    check_refused(hew_gemm_create(&op, &G(.a_type = HEW_F16, .b_type = HEW_S8)),
                  HEW_ERR_UNSUPPORTED, "f16 x s8");
    check_refused(hew_gemm_create(&op, &G(.a_type = HEW_F16, .stride_a = INT64_MAX / 100,
                                          .batch = 40)), HEW_ERR_OVERFLOW, "too large");
    hew_conv_desc c = HEW_CONV_DESC(.in = {2}, .in_c = 2, .out_c = 2, .kernel = {1},
                                    .math = (hew_math)-1);
    check_refused(hew_conv_create(&conv, &c), HEW_ERR_INVALID, "math = -1");
    c.math = HEW_MATH_BF16, c.weight_type = HEW_S8;
    check_refused(hew_conv_create(&conv, &c), HEW_ERR_UNSUPPORTED, "f32 x s8");

    check_status(hew_gemm_create(&op, &HEW_GEMM_DESC(.m = 2, .n = 2, .k = 2, .a_type = HEW_F16,
                                                     .b_type = HEW_F16, .b_packed = true)), HEW_OK);
    float zero[1] = {0}, two[4];
    check_refused(hew_gemm_run(op, &HEW_GEMM_ARGS(.a = zero, .c = two, .b_zero = zero)),
                  HEW_ERR_INVALID, "zero point");
    hew_gemm_destroy(op);
    check_status(hew_gemm_create(&op, &HEW_GEMM_DESC(.m = 9, .n = 2, .k = 2, .a_type = HEW_F16,
                                                     .b_type = HEW_F16, .c_type = HEW_F16,
                                                     .b_packed = true)), HEW_OK);
    _Alignas(64) uint16_t a[20] = {0}, out[18] = {9, 9, 9, 9};
    void *packed = hew_alloc(hew_gemm_packed_size(op));
    void *scratch = hew_alloc(hew_gemm_scratch_size(op, 1));
    atomic_store(&hew_malloc_fail_after, 0);
    const hew_status status = hew_gemm_pack(op, a, packed);
    atomic_store(&hew_malloc_fail_after, -1);
    check_refused(status, HEW_ERR_NO_MEMORY, "copy of B");
    check_refused(hew_gemm_pack(op, (char *)a + 1, packed), HEW_ERR_INVALID, "misaligned");
    check_status(hew_gemm_pack(op, a, packed), HEW_OK);
    hew_gemm_args args = HEW_GEMM_ARGS(.a = a, .packed_b = packed, .c = out);
    check_refused(hew_gemm_run(op, &args), HEW_ERR_INVALID, "scratch");
    args.scratch = scratch;
    args.a = (char *)a + 1;
    check_refused(hew_gemm_run(op, &args), HEW_ERR_INVALID, "aligned");
    assert_memory_equal(out, ((uint16_t[18]){9, 9, 9, 9}), sizeof out);
    hew_free(scratch);
    hew_free(packed);
    hew_gemm_destroy(op);
}

/* With packed B, a B that is given all the same is not copied: scratch has no room for it. */
static void packed_and_plain(void)
{
    case_rng("packed and plain");
    hew_gemm *op;
    check_status(hew_gemm_create(&op, &HEW_GEMM_DESC(.m = 5, .n = 40, .k = 30, .a_type = HEW_F16,
                                                     .b_type = HEW_F16, .b_packed = true)), HEW_OK);
    static uint16_t a[5 * 30], b[30 * 40];
    static float c[5 * 40];
    void *packed = hew_alloc(hew_gemm_packed_size(op));
    buffer scratch = buffer_new(hew_gemm_scratch_size(op, 1), 64, AT_BACK);
    check_status(hew_gemm_pack(op, b, packed), HEW_OK);
    check_status(hew_gemm_run(op, &HEW_GEMM_ARGS(.a = a, .b = b, .packed_b = packed, .c = c,
                                                 .scratch = scratch.data)), HEW_OK);
    buffer_free(&scratch);
    hew_free(packed);
    hew_gemm_destroy(op);
}

/* A refusal of the conversion is one of the run. */
static void refused_threads(void)
{
    enum { SIDE = 200 };
    static uint16_t a[SIDE * SIDE], c[SIDE * SIDE], before[SIDE * SIDE];
    case_rng("threads");
    hew_gemm *op;
    check_status(hew_gemm_create(&op, &HEW_GEMM_DESC(.m = SIDE, .n = SIDE, .k = SIDE,
                                                     .a_type = HEW_F16, .b_type = HEW_F16,
                                                     .c_type = HEW_F16)), HEW_OK);
    memset(c, 0xa5, sizeof c);
    memcpy(before, c, sizeof c);
    void *scratch = hew_alloc(hew_gemm_scratch_size(op, 1));
    check_status(hew_gemm_run(op, &HEW_GEMM_ARGS(.a = a, .b = a, .c = c, .scratch = scratch,
                                                 .threads = refusing())), HEW_ERR_SYSTEM);
    assert_memory_equal(c, before, sizeof c);
    no_threads();
    hew_free(scratch);
    hew_gemm_destroy(op);
}

int main(void)
{
    static const test tests[] = {
        {"gemm_shapes", gemm_shapes},   {"gemm_batches", gemm_batches},
        {"gemm_values", gemm_values},   {"conv_shapes", conv_shapes},
        {"gemm_of_converted", gemm_of_converted},
        {"conv_of_converted", conv_of_converted}, {"refusals", refusals},
        {"packed_and_plain", packed_and_plain},
        {"refused_threads", refused_threads},
    };
    return run_on_rungs("edges", HEW_FAMILY_gemm_bf16, TESTS(tests));
}
