/* quantize_f32: floats to s8, u8, bf16 and f16 by its kernels, bit for bit; and by hand. */
#include "harness.h"

#include <fenv.h>
#include <math.h>
#include <string.h>

static quantize_f32_fn *kernel(void)
{
    size_t count;
    const hew_kernel *line = hew_kernels(HEW_FAMILY_quantize_f32, &count);
    check_kernel(line->name);
    return HEW_FN(quantize_f32, line);
}

typedef enum way { INVERSE, SCALE, SCALES, WAYS } way;

/* A zero of the type, its ends more often than others. */
static int32_t some_zero(rng *r, hew_type type)
{
    const int32_t lowest = type == HEW_S8 ? -128 : 0;
    const int64_t pick = rng_between(r, 0, 5);
    return lowest + (int32_t)(pick == 0 ? 0 : pick == 1 ? 255 : rng_between(r, 0, 255));
}

/* One to two steps to each element of FILL_MIXED, and now and then something degenerate. */
static float some_scale(rng *r)
{
    static const float odd[] = {INFINITY, 1e-38f, 3e38f, 1e-45f};
    return rng_chance(r, 20) ? odd[rng_between(r, 0, 3)] : 0.02f + 0.01f * rng_f32(r);
}

static void check_rows(hew_type type, way how, rng *r, size_t rows, size_t n, fill kind)
{
    const placement where = (placement)rng_chance(r, 2);
    const size_t width = type == HEW_BF16 || type == HEW_F16 ? 2 : 1;
    const size_t x_stride = n + (size_t)rng_between(r, 0, 3);
    const size_t y_stride = n + (size_t)rng_between(r, 0, 3);
    const layout l = layout_of((int64_t)rows, (int64_t)y_stride, (int64_t)n);
    buffer x = buffer_new((rows ? (rows - 1) * x_stride + n : 0) * 4, 4, where);
    buffer y = buffer_new((rows ? (rows - 1) * y_stride + n : 0) * width, width, where);
    buffer scales = buffer_new(n * 4, 4, where), zeros = buffer_new(n * 4, 4, where);
    fill_f32(r, x.data, x.bytes / 4, kind);
    memset(y.data, 0xa5, y.bytes);
    for (size_t j = 0; j < n; j++) {
        ((float *)scales.data)[j] = some_scale(r);
        ((int32_t *)zeros.data)[j] = some_zero(r, type);
    }
    buffer want = buffer_copy(y.data, y.bytes, width, where);
    hew_quantize_rows call = {.x = x.data, .x_stride = x_stride * 4, .y = want.data,
                              .y_stride = y_stride * width, .type = type, .rows = rows, .n = n,
                              .zero = some_zero(r, type)};
    if (how == INVERSE)
        call.inverse = 1.0f / some_scale(r);
    if (how == SCALE)
        call.scale = some_scale(r);
    if (how == SCALES) {
        call.scales = scales.data;
        call.zeros = zeros.data;
    }
    hew_quantize_f32_ref(&call);
    call.y = y.data;
    state_save();
    kernel()(&call);
    state_check();
    check_elements("y", type, want.data, y.data, l);
    buffer_free(&x), buffer_free(&y), buffer_free(&want);
    buffer_free(&scales), buffer_free(&zeros);
}

static const hew_type types[] = {HEW_S8, HEW_U8, HEW_BF16, HEW_F16};
enum { TYPES = sizeof types / sizeof types[0] };

static void lengths(void)
{
    for (int t = 0; t < TYPES; t++)
        for (way how = 0; how < WAYS; how++)
            for (size_t n = 0; n <= 100; n++) {
                rng r = case_rng("type %d, way %d, n %zu", (int)types[t], (int)how, n);
                check_rows(types[t], how, &r, (size_t)rng_between(&r, 0, 4), n, FILL_MIXED);
            }
}

static void special_floats(void)
{
    const fill kinds[] = {FILL_SPECIALS, FILL_NANS, FILL_DENORMALS, FILL_ZEROS, FILL_INTS};
    for (int t = 0; t < TYPES; t++)
        for (way how = 0; how < WAYS; how++)
            for (int k = 0; k < 5; k++)
                for (int i = 0; i < 10; i++) {
                    rng r = case_rng("type %d, way %d, fill %d, %d", (int)types[t], (int)how, k, i);
                    check_rows(types[t], how, &r, 7, (size_t)rng_between(&r, 1, 133), kinds[k]);
                }
}

/* What the definition says at ties, ends and NaN, with a step of 1. */
static void by_hand(void)
{
    static const struct {
        float x;
        int32_t zero;
        int8_t s8;
        uint8_t u8; /* with the zero 128 higher */
    } points[] = {
        {0.5f, 0, 0, 128},     {1.5f, 0, 2, 130},      {2.5f, 0, 2, 130},
        {-0.5f, 0, 0, 128},    {-1.5f, 0, -2, 126},    {-2.5f, 0, -2, 126},
        {0.49999997f, 0, 0, 128}, {0.50000006f, 0, 1, 129}, {1.5f, 1, 3, 131},
        {126.5f, 0, 126, 254}, {127.5f, 0, 127, 255},  {1e10f, 0, 127, 255},
        {-128.5f, 0, -128, 0}, {-1e10f, 0, -128, 0},   {3e38f, 127, 127, 255},
        {-3e38f, -128, -128, 0}, {255.0f, -128, 127, 255}, {-255.0f, 127, -128, 0},
        {-0.0f, 5, 5, 133},    {NAN, -7, -7, 121},     {-NAN, 9, 9, 137},
        {INFINITY, 3, 127, 255}, {-INFINITY, 3, -128, 0}, {1e-45f, 11, 11, 139},
    };
    enum { POINTS = sizeof points / sizeof points[0] };
    for (int i = 0; i < POINTS; i++)
        for (int ways = 0; ways < 2; ways++) {
            case_rng("point %d, way %d", i, ways);
            int8_t s8 = 99;
            uint8_t u8 = 99;
            hew_quantize_rows call = {.x = &points[i].x, .y = &s8, .type = HEW_S8, .rows = 1,
                                      .n = 1, .zero = points[i].zero};
            *(ways ? &call.scale : &call.inverse) = 1.0f;
            kernel()(&call);
            call.y = &u8;
            call.type = HEW_U8;
            call.zero += 128;
            kernel()(&call);
            check_elements("s8", HEW_S8, &points[i].s8, &s8, layout_of(1, 1, 1));
            check_elements("u8", HEW_U8, &points[i].u8, &u8, layout_of(1, 1, 1));
        }
}

static void bf16_by_hand(void)
{
    static const uint32_t points[][2] = {
        {0x3f800000, 0x3f80}, {0x3f807fff, 0x3f80}, {0x3f808000, 0x3f80}, {0x3f808001, 0x3f81},
        {0x3f818000, 0x3f82}, {0xbf817fff, 0xbf81}, {0x7f7fffff, 0x7f80}, {0xff7f8000, 0xff80},
        {0x7f7f7fff, 0x7f7f}, {0x00000001, 0x0000}, {0x80008001, 0x8001}, {0x007fffff, 0x0080},
        {0x7f800000, 0x7f80}, {0xff800000, 0xff80}, {0x7fc00000, 0x7fc0}, {0x7f800001, 0x7fc0},
        {0xff80ffff, 0xffc0}, {0xffffffff, 0xffff}, {0x7fffffff, 0x7fff}, {0x80000000, 0x8000}};
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        case_rng("%08x", points[i][0]);
        float x;
        memcpy(&x, &points[i][0], 4);
        uint16_t y = 0xa5a5;
        const uint16_t want = (uint16_t)points[i][1];
        kernel()(&(hew_quantize_rows){.x = &x, .y = &y, .type = HEW_BF16, .rows = 1, .n = 1});
        check_elements("y", HEW_BF16, &want, &y, layout_of(1, 1, 1));
    }
}

/* Rounding to integers is to even in every mode.  (x is exact, so that the product is too.) */
static void rounding_modes(void)
{
    static const int modes[] = {FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO, FE_TONEAREST};
    enum { N = 403 };
    float x[N];
    int8_t want[N], got[N];
    uint16_t want_bf16[N], got_bf16[N];
    for (int k = 0; k < N; k++)
        x[k] = 0.25f * (float)(k - 200) * (k % 2 ? 1.0f : 1.0001f);
    for (int m = 0; m < 4; m++) {
        case_rng("mode %d", m);
        hew_quantize_rows call = {.x = x, .y = want, .type = HEW_S8, .inverse = 1.0f, .zero = 1,
                                  .rows = 1, .n = N};
        hew_quantize_f32_ref(&call);
        fesetround(modes[m]);
        call.y = got;
        kernel()(&call);
        fesetround(FE_TONEAREST);
        check_elements("s8", HEW_S8, want, got, layout_of(1, N, N));
        call.type = HEW_BF16;
        call.y = want_bf16;
        hew_quantize_f32_ref(&call);
        fesetround(modes[m]);
        call.y = got_bf16;
        kernel()(&call);
        fesetround(FE_TONEAREST);
        check_elements("bf16", HEW_BF16, want_bf16, got_bf16, layout_of(1, N, N));
    }
}

int main(void)
{
    static const test tests[] = {{"lengths", lengths},
                                 {"special_floats", special_floats},
                                 {"by_hand", by_hand},
                                 {"bf16_by_hand", bf16_by_hand},
                                 {"rounding_modes", rounding_modes}};
    return run_on_rungs("quantize_f32", HEW_FAMILY_quantize_f32, TESTS(tests));
}
