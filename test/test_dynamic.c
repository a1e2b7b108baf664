/* range_f32 against its definition; the scale of a range; hew_quantize_dynamic row by row. */
#include "harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------ the range ---- */

static void check_range(rng *r, size_t n, fill kind, hew_bounds given)
{
    size_t count;
    const hew_kernel *line = hew_kernels(HEW_FAMILY_range_f32, &count);
    check_kernel(line->name);
    buffer x = buffer_new(n * 4, 4, (placement)rng_chance(r, 2));
    fill_f32(r, x.data, n, kind);
    const hew_bounds want = hew_range_f32_ref(given, n, x.data);
    state_save();
    const hew_bounds got = HEW_FN(range_f32, line)(given, n, x.data);
    state_check();
    check_bits("lo, hi", &want.lo, &got.lo, layout_of(1, 2, 2), NAN_BITS);
    buffer_free(&x);
}

static void ranges(void)
{
    const fill kinds[] = {FILL_MIXED, FILL_SPECIALS, FILL_NANS, FILL_ZEROS, FILL_DENORMALS};
    const hew_bounds given[] = {{0, 0}, {INFINITY, -INFINITY}, {-0.0f, -0.0f}, {-1e-3f, 2}};
    for (int k = 0; k < 5; k++)
        for (int g = 0; g < 4; g++)
            for (size_t n = 0; n <= 200; n += n < 70 ? 1 : 13) {
                rng r = case_rng("fill %d, given %d, n %zu", k, g, n);
                check_range(&r, n, kinds[k], given[g]);
            }
}

/* The one element that counts, at every place. */
static void range_places(void)
{
    enum { N = 150 };
    size_t count;
    const hew_kernel *line = hew_kernels(HEW_FAMILY_range_f32, &count);
    for (int at = 0; at < N; at++)
        for (int sign = -1; sign <= 1; sign += 2) {
            case_rng("place %d, sign %d", at, sign);
            float x[N];
            for (int i = 0; i < N; i++)
                x[i] = i % 3 ? 1.0f : NAN;
            x[at] = (float)sign * 7;
            const hew_bounds want = {sign < 0 ? -7.0f : 1.0f, sign > 0 ? 7.0f : 1.0f};
            const hew_bounds got = HEW_FN(range_f32, line)((hew_bounds){INFINITY, -INFINITY}, N, x);
            check_bits("lo, hi", &want.lo, &got.lo, layout_of(1, 2, 2), NAN_BITS);
        }
}

/* ------------------------------------------------------------------------------ its scale ---- */

static void scales(void)
{
    static const struct {
        hew_type type;
        bool symmetric;
        float lo, hi, scale;
        int32_t zero;
    } cases[] = {
        {HEW_U8, false, -1, 3, 4.0f / 255, 64},       {HEW_S8, false, -1, 3, 4.0f / 255, -64},
        {HEW_U8, false, 0, 25.5f, 0.1f, 0},           {HEW_S8, false, 0, 25.5f, 0.1f, -128},
        {HEW_U8, false, 2, 25.5f, 0.1f, 0},           {HEW_U8, false, -25.5f, -2, 0.1f, 255},
        {HEW_S8, false, -25.5f, 0, 0.1f, 127},        {HEW_S8, true, -1, 3, 3.0f / 127, 0},
        {HEW_U8, true, -254, 3, 2, 128},              {HEW_S8, true, 1, 1.27f, 1.27f / 127, 0},
        {HEW_U8, false, 0, 0, 1, 0},                  {HEW_S8, false, -0.0f, 0, 1, -128},
        {HEW_S8, true, 0, 0, 1, 0},                   {HEW_U8, true, 0, 0, 1, 128},
        {HEW_U8, false, -1e-44f, 1e-40f, 1, 0},       {HEW_S8, true, -1e-37f, 0, 1, 0},
        {HEW_U8, false, -127.5f, 127.5f, 1, 128},     {HEW_U8, false, -126.5f, 128.5f, 1, 126},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        case_rng("range %zu", i);
        float scale = NAN;
        int32_t zero = 999;
        check_status(hew_scale_of_range(cases[i].type, cases[i].symmetric, cases[i].lo, cases[i].hi,
                                        &scale, &zero),
                     HEW_OK);
        check_bits("scale", &cases[i].scale, &scale, layout_of(1, 1, 1), NAN_BITS);
        check_elements("zero", HEW_S32, &cases[i].zero, &zero, layout_of(1, 1, 1));
    }
}

static void scale_refusals(void)
{
    case_rng("no ranges");
    float scale = 99;
    int32_t zero = 99;
    check_refused(hew_scale_of_range(HEW_F32, false, 0, 1, &scale, &zero), HEW_ERR_UNSUPPORTED,
                  "f32");
    check_refused(hew_scale_of_range(HEW_U8, false, 2, 1, &scale, &zero), HEW_ERR_INVALID,
                  "lo = 2 is over hi = 1");
    check_refused(hew_scale_of_range(HEW_U8, false, NAN, 1, &scale, &zero), HEW_ERR_INVALID, "nan");
    check_refused(hew_scale_of_range(HEW_U8, false, 0, INFINITY, &scale, &zero), HEW_ERR_INVALID,
                  "inf");
    check_refused(hew_scale_of_range(HEW_U8, false, -3e38f, 3e38f, &scale, &zero), HEW_ERR_INVALID,
                  "-3e+38");
    check_refused(hew_scale_of_range(HEW_U8, false, 0, 1, NULL, &zero), HEW_ERR_INVALID,
                  "scale is null");
    check_refused(hew_scale_of_range(HEW_U8, false, 0, 1, &scale, NULL), HEW_ERR_INVALID,
                  "zero is null");
    assert_true(scale == 99 && zero == 99);
}

/* ------------------------------------------------------------------------------- the rows ---- */

/* What the header says of a row. */
static void want_row(hew_dynamic kind, int64_t n, const float *x, int8_t *y, float *scale,
                     int32_t *zero)
{
    float lo = 0, hi = 0;
    for (int64_t j = 0; j < n; j++) {
        lo = x[j] < lo ? x[j] : lo;
        hi = x[j] > hi ? x[j] : hi;
    }
    const bool symmetric = kind == HEW_DYNAMIC_SYMMETRIC;
    const float s = (symmetric ? fmaxf(-lo, hi) / 127.0f : (hi - lo) / 255.0f) + 0.0f;
    const float z = nearbyintf(-lo / s);
    *scale = s;
    *zero = symmetric || s == 0 || isnan(z) ? 0 : (int32_t)fminf(fmaxf(z, 0), 255);
    const float least = symmetric ? -128 : 0, most = symmetric ? 127 : 255;
    for (int64_t j = 0; j < n; j++) {
        const float q = s == 0 ? 0 : nearbyintf(x[j] / s);
        const float shifted = isnan(q) ? (float)*zero : fminf(fmaxf(q + (float)*zero, least), most);
        y[j] = (int8_t)(int32_t)shifted;
    }
}

static void check_rows(hew_dynamic kind, rng *r, int64_t rows, int64_t columns, fill fill_kind,
                       const hew_threads *threads)
{
    const placement where = (placement)rng_chance(r, 2);
    const layout a = layout_of(rows, columns + rng_between(r, 0, 2), columns);
    const layout b = layout_of(rows, columns + rng_between(r, 0, 2), columns);
    buffer in = buffer_new(layout_span(a) * 4, 4, where);
    buffer out = buffer_new(layout_span(b), 1, where);
    buffer scale = buffer_new((size_t)rows * 4, 4, where);
    buffer zero = buffer_new((size_t)rows * 4, 4, where);
    fill_f32(r, in.data, layout_span(a), fill_kind);
    memset(out.data, 0xa5, out.bytes);
    buffer want = buffer_copy(out.data, out.bytes, 1, where);
    float *want_scale = malloc((size_t)rows * 4 + 1);
    int32_t *want_zero = malloc((size_t)rows * 4 + 1);
    for (int64_t i = 0; i < rows; i++)
        want_row(kind, columns, (float *)in.data + i * a.row_stride,
                 (int8_t *)want.data + i * b.row_stride, want_scale + i, want_zero + i);
    const bool has_zero = kind == HEW_DYNAMIC_ASYMMETRIC || rng_chance(r, 2);
    state_save();
    const hew_status status = hew_quantize_dynamic(
        &HEW_QUANTIZE_DYNAMIC_DESC(.kind = kind, .rows = rows, .columns = columns,
                                   .in_stride = a.row_stride, .out_stride = b.row_stride),
        in.data, out.data, scale.data, has_zero ? zero.data : NULL, threads);
    state_check();
    check_status(status, HEW_OK);
    const layout each = layout_of(1, rows, rows);
    check_bits("scale", want_scale, scale.data, each, NAN_BITS);
    if (has_zero)
        check_elements("zero", HEW_S32, want_zero, zero.data, each);
    check_elements("out", HEW_S8, want.data, out.data, b);
    free(want_scale), free(want_zero);
    buffer_free(&in), buffer_free(&out), buffer_free(&want);
    buffer_free(&scale), buffer_free(&zero);
}

static void rows(void)
{
    const fill kinds[] = {FILL_MIXED, FILL_SPECIALS, FILL_NANS,
                          FILL_ZEROS, FILL_DENORMALS, FILL_INTS};
    for (hew_dynamic kind = HEW_DYNAMIC_SYMMETRIC; kind <= HEW_DYNAMIC_ASYMMETRIC; kind++)
        for (int k = 0; k < 6; k++)
            for (int64_t columns = 0; columns <= 150; columns += columns < 40 ? 1 : 11) {
                rng r = case_rng("kind %d, fill %d, %lld columns", (int)kind, k,
                                 (long long)columns);
                check_rows(kind, &r, rng_between(&r, 1, 5), columns, kinds[k], no_threads());
            }
}

/* Many rows, and a few so long that their ranges are found in pieces. */
static void threads(void)
{
    static const int64_t shapes[][2] = {{3000, 40}, {70, 4096}, {1, 300000}, {2, 200001}, {5, 9}};
    static const size_t counts[] = {1, 2, 3, 8};
    for (hew_dynamic kind = HEW_DYNAMIC_SYMMETRIC; kind <= HEW_DYNAMIC_ASYMMETRIC; kind++)
        for (int i = 0; i < 5; i++)
            for (int t = 0; t < 5; t++) {
                const hew_threads *lent = t < 4 ? pool_of(counts[t]) : reversed_of(5);
                rng r = case_rng("kind %d, shape %d", (int)kind, i);
                check_rows(kind, &r, shapes[i][0], shapes[i][1], FILL_MIXED, lent);
            }
}

static void check_row(hew_dynamic kind, int n, const float *x, float scale, int32_t zero,
                      const int32_t *want)
{
    const hew_quantize_dynamic_desc d =
        HEW_QUANTIZE_DYNAMIC_DESC(.kind = kind, .rows = 1, .columns = n);
    uint8_t y[8];
    int32_t q[8], z;
    float s;
    check_status(hew_quantize_dynamic(&d, x, y, &s, &z, NULL), HEW_OK);
    for (int j = 0; j < n; j++)
        q[j] = kind == HEW_DYNAMIC_SYMMETRIC ? (int8_t)y[j] : y[j];
    check_bits("scale", &scale, &s, layout_of(1, 1, 1), NAN_BITS);
    check_elements("zero", HEW_S32, &zero, &z, layout_of(1, 1, 1));
    check_elements("y", HEW_S32, want, q, layout_of(1, n, n));
}

/* ONNX's three examples, and what is degenerate. */
static void by_hand(void)
{
    const hew_dynamic symmetric = HEW_DYNAMIC_SYMMETRIC, asymmetric = HEW_DYNAMIC_ASYMMETRIC;
    const float inf = INFINITY;
    case_rng("ONNX");
    check_row(asymmetric, 6, (float[]){0, 2, -3, -2.5f, 1.34f, 0.5f}, 5.0f / 255.0f, 153,
              (int32_t[]){153, 255, 0, 26, 221, 179});
    check_row(asymmetric, 6, (float[]){-1, -2.1f, -1.3f, -2.5f, -3.34f, -4}, 4.0f / 255.0f, 255,
              (int32_t[]){191, 121, 172, 96, 42, 0});
    check_row(asymmetric, 4, (float[]){1, 2.1f, 1.3f, 2.5f}, 2.5f / 255.0f, 0,
              (int32_t[]){102, 214, 133, 255});
    case_rng("symmetric");
    check_row(symmetric, 5, (float[]){-127, 126.5f, 0.5f, 1.5f, -2.5f}, 1, 0,
              (int32_t[]){-127, 126, 0, 2, -2});
    check_row(symmetric, 3, (float[]){3, 254, -1}, 2, 0, (int32_t[]){2, 127, 0});
    case_rng("zeros, NaNs, infinities, denormals");
    check_row(symmetric, 3, (float[]){0, -0.0f, NAN}, 0, 0, (int32_t[]){0, 0, 0});
    check_row(asymmetric, 3, (float[]){0, -0.0f, NAN}, 0, 0, (int32_t[]){0, 0, 0});
    check_row(asymmetric, 3, (float[]){-255, NAN, -1}, 1, 255, (int32_t[]){0, 255, 254});
    check_row(symmetric, 3, (float[]){-inf, 5, 1}, inf, 0, (int32_t[]){0, 0, 0});
    check_row(asymmetric, 3, (float[]){-inf, 5, inf}, inf, 0, (int32_t[]){0, 0, 0});
    check_row(asymmetric, 2, (float[]){-3e38f, 3e38f}, inf, 0, (int32_t[]){0, 0});
    check_row(symmetric, 3, (float[]){1e-44f, -1e-44f, 0}, 0, 0, (int32_t[]){0, 0, 0});
    check_row(asymmetric, 0, (float[]){0}, 0, 0, (int32_t[]){0});
}

#define D(...)                                                                                     \
    {.size = sizeof(hew_quantize_dynamic_desc), .kind = HEW_DYNAMIC_ASYMMETRIC, __VA_ARGS__}

static void refusals(void)
{
    static const struct {
        hew_quantize_dynamic_desc d;
        hew_status status;
        const char *text;
    } bad[] = {
        {{.size = 7, .kind = HEW_DYNAMIC_SYMMETRIC}, HEW_ERR_INVALID, "size is 7"},
        {{.size = sizeof(hew_quantize_dynamic_desc)}, HEW_ERR_INVALID, "kind = 0"},
        {D(.rows = -1), HEW_ERR_INVALID, "rows = -1"},
        {D(.rows = 1, .columns = -2), HEW_ERR_INVALID, "columns = -2"},
        {D(.rows = 2, .columns = 9, .in_stride = 8), HEW_ERR_INVALID, "in_stride = 8"},
        {D(.rows = 2, .columns = 9, .out_stride = -1), HEW_ERR_INVALID, "out_stride = -1"},
        {D(.rows = INT64_MAX, .columns = 9), HEW_ERR_OVERFLOW, "9223372036854775807"},
    };
    float in[4] = {1, 2, 3, 4}, scale = 99;
    uint8_t out[4] = {0x5a, 0x5a, 0x5a, 0x5a};
    const uint8_t before[4] = {0x5a, 0x5a, 0x5a, 0x5a};
    int32_t zero = 99;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        case_rng("refusal %zu", i);
        check_refused(hew_quantize_dynamic(&bad[i].d, in, out, &scale, &zero, NULL), bad[i].status,
                      bad[i].text);
    }
    case_rng("null, threads");
    const hew_quantize_dynamic_desc d = D(.rows = 1, .columns = 4);
    check_refused(hew_quantize_dynamic(NULL, in, out, &scale, &zero, NULL), HEW_ERR_INVALID,
                  "desc is null");
    check_refused(hew_quantize_dynamic(&d, NULL, out, &scale, &zero, NULL), HEW_ERR_INVALID,
                  "in is null");
    check_refused(hew_quantize_dynamic(&d, in, NULL, &scale, &zero, NULL), HEW_ERR_INVALID,
                  "out is null");
    check_refused(hew_quantize_dynamic(&d, in, out, NULL, &zero, NULL), HEW_ERR_INVALID,
                  "scale is null");
    check_refused(hew_quantize_dynamic(&d, in, out, &scale, NULL, NULL), HEW_ERR_INVALID,
                  "zero is null");
    check_refused(hew_quantize_dynamic(&d, in, out, &scale, &zero, &(hew_threads){0}),
                  HEW_ERR_INVALID, "parallel_for");
    check_elements("out", HEW_U8, before, out, layout_of(1, 4, 4));
    assert_true(scale == 99 && zero == 99);
    check_status(hew_quantize_dynamic(&(hew_quantize_dynamic_desc)D(.rows = 0, .columns = 4), NULL,
                                      NULL, NULL, NULL, NULL),
                 HEW_OK);
}

int main(void)
{
    static const test tests[] = {{"ranges", ranges},   {"range_places", range_places},
                                 {"scales", scales},   {"scale_refusals", scale_refusals},
                                 {"rows", rows},       {"threads", threads},
                                 {"by_hand", by_hand}, {"refusals", refusals}};
    return run_on_rungs("dynamic", HEW_FAMILY_range_f32, TESTS(tests));
}
