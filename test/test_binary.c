/* hew_binary: bit for bit against its definition on guarded memory, that against known results. */
#include "harness.h"

#include <fenv.h>
#include <math.h>
#include <string.h>

static const hew_type types[] = {HEW_F32, HEW_U8, HEW_S8};
enum { TYPES = 3, COMBINATIONS = TYPES * TYPES * TYPES };

static size_t size_of(hew_type type) { return type == HEW_F32 ? sizeof(float) : 1; }
static int32_t lowest(hew_type type) { return type == HEW_S8 ? -128 : 0; }

/* Of the type: its ends more often than others. */
static int32_t some_zero(rng *r, hew_type type)
{
    if (type == HEW_F32)
        return 0;
    const int64_t pick = rng_between(r, 0, 5);
    return lowest(type) + (int32_t)(pick == 0 ? 0 : pick == 1 ? 255 : rng_between(r, 0, 255));
}

static float some_scale(rng *r)
{
    return rng_chance(r, 8) ? 0.0f : 0.03f + 0.025f * rng_f32(r);
}

static const hew_act acts[] = {{HEW_ACT_NONE, 0, 0},      {HEW_ACT_RELU, 0, 0},
                               {HEW_ACT_CLIP, 0, 0},      {HEW_ACT_CLIP, -0.75f, 1.5f},
                               {HEW_ACT_SIGMOID, 0, 0},   {HEW_ACT_TANH, 0, 0},
                               {HEW_ACT_GELU_ERF, 0, 0},  {HEW_ACT_HARDSWISH, 0, 0},
                               {HEW_ACT_LEAKY_RELU, 0, 0}};
enum { ACTS = sizeof acts / sizeof acts[0] };

static hew_binary_desc random_desc(rng *r, int combination, int64_t rows, int64_t columns)
{
    hew_binary_desc d = HEW_BINARY_DESC(
        .a_type = types[combination % 3], .b_type = types[combination / 3 % 3],
        .c_type = types[combination / 9], .rows = rows, .columns = columns,
        .a_scale = some_scale(r), .b_scale = some_scale(r),
        .act = acts[rng_chance(r, 2) ? rng_between(r, 0, ACTS - 1) : 0]);
    if (d.c_type != HEW_F32)
        d.c_scale = some_scale(r);
    if (d.a_type == HEW_F32)
        d.a_scale *= (float)rng_between(r, 1, 100);
    d.a_zero = some_zero(r, d.a_type);
    d.b_zero = some_zero(r, d.b_type);
    d.c_zero = some_zero(r, d.c_type);
    if (rng_chance(r, 2))
        d.a_stride = columns + rng_between(r, 0, 3);
    if (rng_chance(r, 2))
        d.b_stride = columns + rng_between(r, 0, 3);
    if (rng_chance(r, 2))
        d.c_stride = columns + rng_between(r, 0, 3);
    return d;
}

/* Which operands C is. */
typedef enum alias { APART, IS_A, IS_B, IS_BOTH, ALIASES } alias;

static layout side(const hew_binary_desc *d, int64_t stride)
{
    return layout_of(d->rows, stride ? stride : d->columns, d->columns);
}

static buffer operand(rng *r, const hew_binary_desc *d, hew_type type, int64_t stride, fill kind,
                      placement where)
{
    const size_t n = layout_span(side(d, stride));
    buffer b = buffer_new(n * size_of(type), size_of(type), where);
    if (type == HEW_F32)
        fill_f32(r, b.data, n, kind);
    for (size_t i = 0; i < n && type != HEW_F32; i++)
        ((uint8_t *)b.data)[i] = (uint8_t)rng_next(r);
    return b;
}

static void check(const hew_binary_desc *d, rng *r, alias how, fill kind, const hew_threads *lent)
{
    const placement where = (placement)rng_chance(r, 2);
    buffer a = operand(r, d, d->a_type, d->a_stride, kind, where);
    buffer b = operand(r, d, d->b_type, d->b_stride, kind, where);
    buffer c = operand(r, d, d->c_type, d->c_stride, FILL_POISON, where);
    void *const out = how == APART ? c.data : how == IS_B ? b.data : a.data;
    const void *const y = how == IS_BOTH ? a.data : b.data;
    const layout l = side(d, d->c_stride);
    buffer want = buffer_copy(out, layout_span(l) * size_of(d->c_type), size_of(d->c_type), where);
    buffer a_was = buffer_copy(a.data, a.bytes, 1, where);
    buffer b_was = buffer_copy(b.data, b.bytes, 1, where);
    hew_binary_ref(d, a.data, y, want.data);
    state_save();
    const hew_status status = hew_binary(d, a.data, y, out, lent);
    state_check();
    check_status(status, HEW_OK);
    check_elements("c", d->c_type, want.data, out, l);
    if ((out != a.data && memcmp(a.data, a_was.data, a.bytes) != 0) ||
        (out != b.data && memcmp(b.data, b_was.data, b.bytes) != 0))
        fail_case("an operand was written to");
    buffer_free(&a), buffer_free(&b), buffer_free(&c);
    buffer_free(&want), buffer_free(&a_was), buffer_free(&b_was);
}

static void lengths(void)
{
    for (int t = 0; t < COMBINATIONS; t++)
        for (int64_t n = 0; n <= 200; n++) {
            rng r = case_rng("types %d, %lld columns", t, (long long)n);
            const hew_binary_desc d = random_desc(&r, t, rng_between(&r, 0, 3), n);
            check(&d, &r, APART, n % 4 ? FILL_MIXED : FILL_SPECIALS, no_threads());
        }
}

static void in_place(void)
{
    for (int t = 0; t < COMBINATIONS; t++)
        for (int i = 0; i < 12; i++) {
            rng r = case_rng("types %d, place %d", t, i);
            const alias how = 1 + i % (ALIASES - 1);
            hew_binary_desc d = random_desc(&r, t, rng_between(&r, 1, 3), rng_between(&r, 1, 300));
            if (how != IS_B)
                d.a_type = d.c_type, d.a_zero = some_zero(&r, d.a_type), d.a_stride = d.c_stride;
            if (how != IS_A)
                d.b_type = d.c_type, d.b_zero = some_zero(&r, d.b_type), d.b_stride = d.c_stride;
            check(&d, &r, how, FILL_MIXED, no_threads());
        }
}

/* Stretches of an activation and tasks, cut in rows and in columns. */
static void threads(void)
{
    static const size_t counts[] = {1, 2, 3, 8};
    static const int64_t shapes[][2] = {{1, 200003}, {3000, 70}, {2, 70001}};
    for (int t = 0; t < 8; t++)
        for (int k = 0; k < 3; k++)
            for (int act = 0; act < 2; act++) {
                const size_t count = counts[t / 2];
                const hew_threads *lent = t % 2 ? reversed_of(count) : pool_of(count);
                rng r = case_rng("shape %d, act %d", k, act);
                hew_binary_desc d = random_desc(&r, (13 + 5 * k) % COMBINATIONS, shapes[k][0],
                                                shapes[k][1]);
                d.act = acts[act ? 6 : 1];
                if (k == 1)
                    d.a_stride = 73;
                check(&d, &r, APART, FILL_MIXED, lent);
            }
}

/* All of one byte on either side, zero points at both ends, scales from far too small to far too
 * large: sums that saturate, are infinite, or no number. */
static void corners(void)
{
    static const float scales[] = {1e-30f, 0.5f, 1.0f, 3.0f, 5e6f, 1e30f, 1e38f};
    for (int t = 13; t < COMBINATIONS; t++)
        for (int i = 0; i < 7 * 7 * 3; i++) {
            rng r = case_rng("types %d, corner %d", t, i);
            hew_binary_desc d = random_desc(&r, t, 1, 100);
            if (d.c_type == HEW_F32)
                continue;
            d.a_scale = scales[i % 7];
            d.b_scale = scales[i / 7 % 7];
            d.c_scale = i / 49 == 0 ? 1e-30f : i / 49 == 1 ? 1.0f : 1e30f;
            d.a_zero = d.a_type == HEW_F32 ? 0 : lowest(d.a_type) + (i % 2 ? 255 : 0);
            d.b_zero = d.b_type == HEW_F32 ? 0 : lowest(d.b_type) + (i % 3 ? 255 : 0);
            check(&d, &r, APART, FILL_MIXED, no_threads());
        }
}

/* ----------------------------------------------------------------------- known results ----- */

static void check_known(hew_binary_desc d, const void *a, const void *b, const void *want)
{
    d.rows = 1;
    d.columns = 4;
    for (int ref = 0; ref < 2; ref++) {
        uint32_t out[4];
        if (ref)
            use_ref();
        check_status(hew_binary(&d, a, b, out, NULL), HEW_OK);
        if (ref)
            use_test_rung();
        check_elements(ref ? "c of ref" : "c", d.c_type, want, out, layout_of(1, 4, 4));
    }
}

#define U8(...) (const uint8_t[4]){__VA_ARGS__}
#define S8(...) (const int8_t[4]){__VA_ARGS__}
#define F32(...) (const float[4]){__VA_ARGS__}
#define TYPED(a, b, c, ...)                                                                        \
    HEW_BINARY_DESC(.a_type = HEW_##a, .b_type = HEW_##b, .c_type = HEW_##c, __VA_ARGS__)

static void known_results(void)
{
    case_rng("f32");
    check_known(TYPED(F32, F32, F32, .a_scale = 1), F32(1, -0.0f, 1e30f, INFINITY),
                F32(0x1p-25f, -0.0f, -1e30f, 1), F32(1, -0.0f, 0, INFINITY));
    check_known(TYPED(F32, F32, F32, .b_scale = 2, .act.kind = HEW_ACT_RELU), F32(1, -3, -0.0f, 0),
                F32(1, 1, -0.0f, 4), F32(3, 0, -0.0f, 8));
    check_known(TYPED(F32, U8, F32, .a_scale = 10, .b_scale = 0.5f, .b_zero = 4), F32(1, 2, 3, 4),
                U8(4, 0, 255, 5), F32(10, 18, 155.5f, 40.5f));
    case_rng("halves, saturation");
    check_known(TYPED(U8, U8, U8, .c_scale = 2), U8(1, 2, 3, 255), U8(0, 1, 0, 255),
                U8(0, 2, 2, 255));
    check_known(TYPED(U8, U8, U8, .a_zero = 255, .c_zero = 10), U8(0, 250, 255, 244),
                U8(0, 0, 7, 1), U8(0, 5, 17, 0));
    check_known(TYPED(S8, S8, S8, .c_zero = -128), S8(-128, 127, 5, 1), S8(-128, 127, -1, 1),
                S8(-128, 126, -124, -126));
    check_known(TYPED(S8, S8, S8, .a_scale = 0.5f, .b_scale = 0.5f), S8(-3, -2, 3, 5),
                S8(0, 1, 0, 0), S8(-2, 0, 2, 2));
    check_known(TYPED(S8, U8, S8, .b_zero = 255, .b_scale = 100), S8(-128, 127, 0, 1),
                U8(0, 255, 254, 255), S8(-128, 127, -100, 1));
    case_rng("activations");
    check_known(TYPED(U8, S8, U8, .c_zero = 3, .act.kind = HEW_ACT_RELU), U8(0, 5, 10, 255),
                S8(-5, -5, -5, 127), U8(3, 3, 8, 255));
    check_known(TYPED(S8, S8, S8, .c_scale = 0.5f, .c_zero = -10, .act.kind = HEW_ACT_CLIP),
                S8(-7, 1, 3, 100), S8(0, 1, 2, 100), S8(-10, -6, 0, 2));
    check_known(TYPED(S8, S8, U8, .c_scale = 1.0f / 256, .act.kind = HEW_ACT_SIGMOID),
                S8(0, -100, 100, 0), S8(0, -28, 27, 0), U8(128, 0, 255, 128));
    case_rng("NaN gives the zero");
    check_known(TYPED(F32, U8, U8, .c_zero = 77), F32(NAN, -INFINITY, INFINITY, 1), U8(1, 1, 1, 1),
                U8(77, 0, 255, 79));
}

/* Rounding to bytes is half to even in every mode of MXCSR. */
static void rounding_modes(void)
{
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    for (int m = 0; m < 4; m++)
        for (int t = 0; t < COMBINATIONS; t++) {
            rng r = case_rng("mode %d, types %d", m, t);
            hew_binary_desc d = random_desc(&r, t, 2, 99);
            d.act = acts[t % 4];
            if (d.c_type == HEW_F32)
                continue;
            d.a_scale = 0.5f, d.b_scale = 1.0f, d.c_scale = 1.0f; /* halves, and no other step */
            fesetround(modes[m]);
            check(&d, &r, APART, FILL_INTS, no_threads());
            fesetround(FE_TONEAREST);
        }
}

/* ----------------------------------------------------------------------------- refusals ---- */

#define D(...) {.size = sizeof(hew_binary_desc), .rows = 2, .columns = 3, __VA_ARGS__}
#define SHAPE(m, n) {.size = sizeof(hew_binary_desc), .rows = m, .columns = n}

static const struct refusal {
    hew_binary_desc d;
    hew_status status;
    const char *text;
} bad[] = {
    {{.size = 9, .rows = 2, .columns = 3}, HEW_ERR_INVALID, "9"},
    {D(.kind = (hew_binary_kind)1), HEW_ERR_INVALID, "kind 1"},
    {D(.a_type = HEW_S32), HEW_ERR_UNSUPPORTED, "a of type 5 (s32)"},
    {D(.b_type = HEW_BF16), HEW_ERR_UNSUPPORTED, "b of type 1 (bf16)"},
    {D(.c_type = (hew_type)77), HEW_ERR_UNSUPPORTED, "c of type 77"},
    {SHAPE(-2, 3), HEW_ERR_INVALID, "rows = -2"},
    {SHAPE(2, -3), HEW_ERR_INVALID, "columns = -3"},
    {D(.a_stride = 2), HEW_ERR_INVALID, "a_stride = 2"},
    {D(.b_stride = -1), HEW_ERR_INVALID, "b_stride = -1"},
    {D(.c_stride = 1), HEW_ERR_INVALID, "c_stride = 1"},
    {SHAPE(INT64_MAX, 2), HEW_ERR_OVERFLOW, "9223372036854775807"},
    {D(.c_stride = INT64_MAX / 4), HEW_ERR_OVERFLOW, "c_stride"},
    {D(.a_zero = 1), HEW_ERR_INVALID, "zero point of a is 1"},
    {D(.b_type = HEW_U8, .b_zero = 256), HEW_ERR_INVALID, "zero point of b is 256"},
    {D(.c_type = HEW_S8, .c_zero = -129), HEW_ERR_INVALID, "zero point of c is -129"},
    {D(.a_scale = -1), HEW_ERR_INVALID, "scale of a is -1"},
    {D(.b_scale = INFINITY), HEW_ERR_INVALID, "scale of b is inf"},
    {D(.c_type = HEW_U8, .c_scale = NAN), HEW_ERR_INVALID, "scale of c is"},
    {D(.c_type = HEW_U8, .c_scale = 1e-40f), HEW_ERR_INVALID, "scale of c is"},
    {D(.c_scale = 2), HEW_ERR_INVALID, "c_scale = 2"},
    {D(.act.kind = (hew_act_kind)99), HEW_ERR_INVALID, "99"},
    {D(.act = {HEW_ACT_CLIP, 2, 1}), HEW_ERR_INVALID, "alpha <= beta"},
};

static void refused(void)
{
    float a[16] = {0}, b[16] = {0}, c[16], before[16];
    poison_f32(c, 16);
    memcpy(before, c, sizeof c);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        case_rng("refusal %zu", i);
        check_refused(hew_binary(&bad[i].d, a, b, c, NULL), bad[i].status, bad[i].text);
    }
    case_rng("null, alignment, threads");
    hew_binary_desc d = SHAPE(2, 3);
    check_refused(hew_binary(NULL, a, b, c, NULL), HEW_ERR_INVALID, "desc is null");
    check_refused(hew_binary(&d, NULL, b, c, NULL), HEW_ERR_INVALID, "a is null");
    check_refused(hew_binary(&d, a, NULL, c, NULL), HEW_ERR_INVALID, "b is null");
    check_refused(hew_binary(&d, a, b, NULL, NULL), HEW_ERR_INVALID, "c is null");
    check_refused(hew_binary(&d, (char *)a + 2, b, c, NULL), HEW_ERR_INVALID, "a is not aligned");
    check_refused(hew_binary(&d, a, b, c, &(hew_threads){0}), HEW_ERR_INVALID, "parallel_for");
    case_rng("in place");
    d.b_stride = 4;
    check_refused(hew_binary(&d, a, c, c, NULL), HEW_ERR_INVALID, "c is b");
    d = (hew_binary_desc)D(.a_type = HEW_U8);
    check_refused(hew_binary(&d, c, b, c, NULL), HEW_ERR_INVALID, "c is a");
    check_bits("c", before, c, layout_of(1, 16, 16), NAN_BITS);
}

static void nothing(void)
{
    case_rng("nothing");
    float x = 5;
    hew_binary_desc d = SHAPE(0, 7);
    check_status(hew_binary(&d, NULL, NULL, NULL, NULL), HEW_OK);
    d = (hew_binary_desc)SHAPE(7, 0);
    check_status(hew_binary(&d, &x, &x, &x, NULL), HEW_OK);
    if (x != 5)
        fail_case("a row of nothing was written to");
}

/* A pool that refuses: the status comes through and nothing is written. */
static void refused_work(void)
{
    enum { N = 200000 };
    static float a[N], b[N], c[N], before[N];
    case_rng("refused work");
    poison_f32(c, N);
    memcpy(before, c, sizeof c);
    const hew_binary_desc d = SHAPE(1, N);
    check_refused(hew_binary(&d, a, b, c, refusing()), HEW_ERR_SYSTEM, "parallel_for");
    check_bits("c", before, c, layout_of(1, N, N), NAN_BITS);
}

int main(void)
{
    static const test tests[] = {{"lengths", lengths},
                                 {"in_place", in_place},
                                 {"threads", threads},
                                 {"corners", corners},
                                 {"known_results", known_results},
                                 {"rounding_modes", rounding_modes},
                                 {"refused", refused},
                                 {"nothing", nothing},
                                 {"refused_work", refused_work}};
    return run_on_rungs("binary", HEW_FAMILY_binary, TESTS(tests));
}
