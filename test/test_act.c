/* act_f32: each activation over rows, bit for bit; and what hew_act_defaults makes of them. */
#include "harness.h"

#include <math.h>
#include <string.h>

/* Every kind with its defaults, and those that take parameters with some of their own. */
static const hew_act acts[] = {
    {HEW_ACT_NONE, 0, 0},           {HEW_ACT_RELU, 0, 0},
    {HEW_ACT_LEAKY_RELU, 0, 0},     {HEW_ACT_LEAKY_RELU, -0.25f, 0},
    {HEW_ACT_CLIP, 0, 0},           {HEW_ACT_CLIP, -0.5f, 0.25f},
    {HEW_ACT_CLIP, 0.0f, INFINITY}, {HEW_ACT_ELU, 0, 0},
    {HEW_ACT_ELU, 1.5f, 0},         {HEW_ACT_SIGMOID, 0, 0},
    {HEW_ACT_TANH, 0, 0},           {HEW_ACT_SILU, 0, 0},
    {HEW_ACT_GELU_ERF, 0, 0},       {HEW_ACT_GELU_TANH, 0, 0},
    {HEW_ACT_HARDSWISH, 0, 0},      {HEW_ACT_HARDSIGMOID, 0, 0},
    {HEW_ACT_HARDSIGMOID, 0.2f, 0.75f}, {HEW_ACT_MISH, 0, 0},
    {HEW_ACT_ABS, 0, 0},            {HEW_ACT_SQUARE, 0, 0},
    {HEW_ACT_SQRT, 0, 0},           {HEW_ACT_RSQRT, 0, 0},
    {HEW_ACT_EXP, 0, 0},            {HEW_ACT_EXPM1, 0, 0},
    {HEW_ACT_LOG, 0, 0},            {HEW_ACT_LOG1P, 0, 0},
    {HEW_ACT_LINEAR, 0, 0},         {HEW_ACT_LINEAR, -1.5f, 0.25f},
    {HEW_ACT_SOFTPLUS, 0, 0},       {HEW_ACT_SOFTPLUS, -2, 0},
    {HEW_ACT_ERF, 0, 0},            {HEW_ACT_ROUND, 0, 0},
    {HEW_ACT_SIN, 0, 0},            {HEW_ACT_COS, 0, 0},
    {HEW_ACT_POW, 0, 0},            {HEW_ACT_POW, -2, -0.5f},
    {HEW_ACT_POW, 0, 3},            {HEW_ACT_POW, 0, 2.25f}};
enum { ACTS = sizeof acts / sizeof acts[0] };

static hew_act with_defaults(hew_act act)
{
    check_status(hew_act_defaults("test", &act), HEW_OK);
    return act;
}

static act_f32_fn *kernel(void)
{
    size_t count;
    const hew_kernel *line = hew_kernels(HEW_FAMILY_act_f32, &count);
    check_kernel(line->name);
    return HEW_FN(act_f32, line);
}

static void check_rows(hew_act act, rng *r, size_t rows, size_t n, fill kind, placement where)
{
    const size_t x_stride = n + (size_t)rng_between(r, 0, 3);
    const size_t add_stride = n + (size_t)rng_between(r, 0, 3);
    const size_t floats = rows == 0 ? 0 : (rows - 1) * x_stride + n;
    buffer x = buffer_new(floats * 4, 4, where);
    fill_f32(r, x.data, floats, kind);
    buffer want = buffer_copy(x.data, floats * 4, 4, where), add = {0};
    if (rng_chance(r, 2)) {
        add = buffer_new((rows == 0 ? 0 : (rows - 1) * add_stride + n) * 4, 4, where);
        fill_f32(r, add.data, add.bytes / 4, kind);
    }
    hew_act_f32_rows call = {.act = act, .x = want.data, .x_stride = x_stride * 4,
                             .add = add.data, .add_stride = add_stride * 4, .rows = rows, .n = n};
    hew_act_f32_ref(&call);
    call.x = x.data;
    state_save();
    kernel()(&call);
    state_check();
    check_bits("x", want.data, x.data,
               layout_of((int64_t)rows, (int64_t)x_stride, (int64_t)n), NAN_BITS);
    buffer_free(&x);
    buffer_free(&want);
    if (add.data)
        buffer_free(&add);
}

static void lengths(void)
{
    for (int a = 0; a < ACTS; a++)
        for (size_t n = 0; n <= 50; n++) {
            rng r = case_rng("kind %d (%g, %g), n %zu", (int)acts[a].kind, (double)acts[a].alpha,
                             (double)acts[a].beta, n);
            check_rows(with_defaults(acts[a]), &r, (size_t)rng_between(&r, 0, 4), n, FILL_MIXED,
                       (placement)(n % PLACEMENTS));
        }
}

static void special_floats(void)
{
    const fill kinds[] = {FILL_SPECIALS, FILL_NANS, FILL_DENORMALS, FILL_ZEROS};
    for (int a = 0; a < ACTS; a++)
        for (int k = 0; k < 4; k++) {
            rng r = case_rng("kind %d (%g, %g), fill %d", (int)acts[a].kind,
                             (double)acts[a].alpha, (double)acts[a].beta, k);
            check_rows(with_defaults(acts[a]), &r, 7, 133, kinds[k], AT_BACK);
        }
}

static float nan_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* What the header says of each, at the points that tell one from another. */
static void values(void)
{
    const struct {
        hew_act act;
        float x, y;
    } points[] = {
        {{HEW_ACT_RELU, 0, 0}, -0.0f, -0.0f},
        {{HEW_ACT_RELU, 0, 0}, -1.0f, 0.0f},
        {{HEW_ACT_LEAKY_RELU, 0, 0}, -2.0f, -2.0f * 0.01f},
        {{HEW_ACT_LEAKY_RELU, -0.25f, 0}, -0.0f, -0.0f},
        {{HEW_ACT_CLIP, 0, 0}, 7.0f, 6.0f},
        {{HEW_ACT_CLIP, 0, 0}, -0.0f, -0.0f},
        {{HEW_ACT_CLIP, -1, -0.5f}, 0.0f, -0.5f},
        {{HEW_ACT_ELU, 2, 0}, -INFINITY, -2.0f},
        {{HEW_ACT_ELU, 2, 0}, 3.0f, 3.0f},
        {{HEW_ACT_SIGMOID, 0, 0}, 0.0f, 0.5f},
        {{HEW_ACT_SIGMOID, 0, 0}, INFINITY, 1.0f},
        {{HEW_ACT_SIGMOID, 0, 0}, -INFINITY, 0.0f},
        {{HEW_ACT_TANH, 0, 0}, -INFINITY, -1.0f},
        {{HEW_ACT_TANH, 0, 0}, -0.0f, -0.0f},
        {{HEW_ACT_SILU, 0, 0}, -INFINITY, -0.0f},
        {{HEW_ACT_SILU, 0, 0}, INFINITY, INFINITY},
        {{HEW_ACT_GELU_ERF, 0, 0}, -INFINITY, -0.0f},
        {{HEW_ACT_GELU_ERF, 0, 0}, INFINITY, INFINITY},
        {{HEW_ACT_GELU_TANH, 0, 0}, -INFINITY, -0.0f},
        {{HEW_ACT_GELU_TANH, 0, 0}, -0.0f, -0.0f},
        {{HEW_ACT_HARDSWISH, 0, 0}, -INFINITY, -0.0f},
        {{HEW_ACT_HARDSWISH, 0, 0}, 3.0f, 3.0f},
        {{HEW_ACT_HARDSWISH, 0, 0}, 0.0f, 0.0f},
        {{HEW_ACT_HARDSIGMOID, 0, 0}, 0.0f, 0.5f},
        {{HEW_ACT_HARDSIGMOID, 0, 0}, -3.5f, 0.0f},
        {{HEW_ACT_HARDSIGMOID, 0.2f, 0.75f}, 1.0f, 0.2f + 0.75f},
        {{HEW_ACT_MISH, 0, 0}, -INFINITY, -0.0f},
        {{HEW_ACT_MISH, 0, 0}, INFINITY, INFINITY},
        {{HEW_ACT_ABS, 0, 0}, -0.0f, 0.0f},
        {{HEW_ACT_RSQRT, 0, 0}, 0.25f, 2.0f},
        {{HEW_ACT_EXP, 0, 0}, 89.0f, INFINITY},
        {{HEW_ACT_EXP, 0, 0}, 0.0f, 1.0f},
        {{HEW_ACT_EXP, 0, 0}, -INFINITY, 0.0f},
        {{HEW_ACT_EXPM1, 0, 0}, -0.0f, -0.0f},
        {{HEW_ACT_EXPM1, 0, 0}, INFINITY, INFINITY},
        {{HEW_ACT_EXPM1, 0, 0}, -INFINITY, -1.0f},
        {{HEW_ACT_LOG, 0, 0}, 1.0f, 0.0f},
        {{HEW_ACT_LOG, 0, 0}, -0.0f, -INFINITY},
        {{HEW_ACT_LOG, 0, 0}, INFINITY, INFINITY},
        {{HEW_ACT_LOG, 0, 0}, -1.0f, nan_of(0x7fc00000)},
        {{HEW_ACT_LOG1P, 0, 0}, -0.0f, -0.0f},
        {{HEW_ACT_LOG1P, 0, 0}, -1.0f, -INFINITY},
        {{HEW_ACT_LOG1P, 0, 0}, INFINITY, INFINITY},
        {{HEW_ACT_LINEAR, -1, 0}, 0.0f, -0.0f},
        {{HEW_ACT_LINEAR, 2, 3}, 4.0f, 11.0f},
        {{HEW_ACT_SOFTPLUS, 0, 0}, -INFINITY, 0.0f},
        {{HEW_ACT_SOFTPLUS, 0, 0}, INFINITY, INFINITY},
        {{HEW_ACT_ERF, 0, 0}, -0.0f, -0.0f},
        {{HEW_ACT_ERF, 0, 0}, -INFINITY, -1.0f},
        {{HEW_ACT_ROUND, 0, 0}, -0.5f, -0.0f},
        {{HEW_ACT_ROUND, 0, 0}, 2.5f, 2.0f},
        {{HEW_ACT_ROUND, 0, 0}, -3.5f, -4.0f},
        {{HEW_ACT_ROUND, 0, 0}, 0x1.000002p23f, 0x1.000002p23f},
        {{HEW_ACT_SIN, 0, 0}, -0.0f, -0.0f},
        {{HEW_ACT_COS, 0, 0}, 0.0f, 1.0f},
        {{HEW_ACT_POW, 0, 2}, -3.0f, 9.0f},
        {{HEW_ACT_POW, 0, 3}, -3.0f, -27.0f},
        {{HEW_ACT_POW, 0, -3}, -0.0f, -INFINITY},
        {{HEW_ACT_POW, 0, -2}, -0.0f, INFINITY},
        {{HEW_ACT_POW, 0, 0.5f}, -INFINITY, INFINITY},
        {{HEW_ACT_POW, 0, 0.5f}, -2.0f, nan_of(0x7fc00000)},
        {{HEW_ACT_POW, 0, -1}, 0x1p-127f, 0x1p127f},
    };
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        case_rng("kind %d of %g", (int)points[i].act.kind, (double)points[i].x);
        float y = points[i].x;
        kernel()(&(hew_act_f32_rows){.act = with_defaults(points[i].act), .x = &y, .rows = 1,
                                     .n = 1});
        check_bits("y", &points[i].y, &y, layout_of(1, 1, 1), NAN_BITS);
    }
}

/* A NaN keeps its payload and its sign, but for abs; of two that meet, it is x's.  A power's is
 * always the same, and x^0 is 1. */
static void nans(void)
{
    static const uint32_t payloads[] = {0x7fc00000, 0xffc00000, 0x7fc12345, 0xffedcba9};
    for (int a = 0; a < ACTS; a++)
        for (int i = 0; i < 4; i++) {
            case_rng("kind %d of NaN %08x", (int)acts[a].kind, payloads[i]);
            float x[2], add[2] = {NAN, 1.0f}, want[2];
            memcpy(&x[0], &payloads[i], 4);
            memcpy(&x[1], &payloads[i], 4);
            memcpy(want, x, sizeof x);
            if (acts[a].kind == HEW_ACT_ABS)
                want[0] = want[1] = fabsf(x[0]);
            if (acts[a].kind == HEW_ACT_POW)
                want[0] = want[1] = acts[a].beta == 0.0f ? 1.0f : nan_of(0x7fc00000);
            kernel()(&(hew_act_f32_rows){.act = with_defaults(acts[a]), .x = x, .add = add,
                                         .rows = 1, .n = 2});
            check_bits("y", want, x, layout_of(1, 2, 2), NAN_BITS);
        }
}

static void refuse(hew_act act, const char *text)
{
    const hew_act before = act;
    case_rng("kind %d, %g, %g", (int)act.kind, (double)act.alpha, (double)act.beta);
    check_refused(hew_act_defaults("some op", &act), HEW_ERR_INVALID, text);
    check_refused(hew_act_defaults("some op", &act), HEW_ERR_INVALID, "some op");
    if (memcmp(&act, &before, sizeof act) != 0)
        fail_case("the activation was changed");
}

static void refusals(void)
{
    refuse((hew_act){HEW_ACT_COUNT, 0, 0}, "28");
    refuse((hew_act){(hew_act_kind)-1, 0, 0}, "-1");
    refuse((hew_act){HEW_ACT_CLIP, 2.5f, -1.25f}, "2.5 and -1.25");
    refuse((hew_act){HEW_ACT_CLIP, NAN, 1}, "nan");
    refuse((hew_act){HEW_ACT_CLIP, 0, NAN}, "nan");
    refuse((hew_act){HEW_ACT_LEAKY_RELU, INFINITY, 0}, "inf");
    refuse((hew_act){HEW_ACT_ELU, NAN, 0}, "nan");
    refuse((hew_act){HEW_ACT_HARDSIGMOID, 1, -INFINITY}, "inf");
    refuse((hew_act){HEW_ACT_RELU, NAN, 0}, "nan");
}

int main(void)
{
    static const test tests[] = {{"lengths", lengths}, {"special_floats", special_floats},
                                 {"values", values},   {"nans", nans},
                                 {"refusals", refusals}};
    return run_on_rungs("act_f32", HEW_FAMILY_act_f32, TESTS(tests));
}
