/* hew_quantize, hew_dequantize, hew_requantize: element by element against what the header says. */
#include "harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A call of one of the three, its tensors and its parameters. */
typedef enum verb { QUANTIZE, DEQUANTIZE, REQUANTIZE, VERBS } verb;
typedef struct shape {
    verb verb;
    hew_type in_type, out_type;
    int64_t outer, channels, inner, in_gap, out_gap;
} shape;

static size_t width_of(hew_type type) { return type == HEW_F32 || type == HEW_S32 ? 4 : 1; }

static int64_t lowest(hew_type type)
{
    return type == HEW_S8 ? -128 : type == HEW_U8 ? 0 : INT32_MIN;
}
static int64_t highest(hew_type type)
{
    return type == HEW_S8 ? 127 : type == HEW_U8 ? 255 : INT32_MAX;
}

static int64_t get(hew_type type, const void *p, int64_t i)
{
    if (type == HEW_S8)
        return ((const int8_t *)p)[i];
    return type == HEW_U8 ? ((const uint8_t *)p)[i] : ((const int32_t *)p)[i];
}

static void put(hew_type type, void *p, int64_t i, int64_t q)
{
    if (type == HEW_S8)
        ((int8_t *)p)[i] = (int8_t)q;
    else if (type == HEW_U8)
        ((uint8_t *)p)[i] = (uint8_t)q;
    else
        ((int32_t *)p)[i] = (int32_t)q;
}

static float dequantized(int64_t q, int64_t zero, float scale)
{
    return (float)(int32_t)(uint32_t)(q - zero) * scale;
}

static int64_t quantized(float x, int64_t zero, float scale, hew_type type)
{
    const float v = x / scale;
    if (isnan(v))
        return zero;
    const double q = nearbyint((double)v) + (double)zero;
    return (int64_t)fmin(fmax(q, (double)lowest(type)), (double)highest(type));
}

typedef struct parameters {
    float *scale, out_scale;
    void *zero; /* or null */
    int32_t out_zero;
} parameters;

static void fill_ints(rng *r, hew_type type, void *p, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        /* s32 of all magnitudes, and the ends. */
        const int shift = type == HEW_S32 ? (int)rng_between(r, 0, 31) : 0;
        const int64_t q = rng_between(r, lowest(type), highest(type)) >> shift;
        put(type, p, i, rng_chance(r, 50) ? lowest(type) : rng_chance(r, 50) ? highest(type) : q);
    }
}

static void want_elements(const shape *s, const parameters *p, const void *in, void *out, layout a,
                          layout b)
{
    const hew_type zero_type = s->verb == QUANTIZE ? s->out_type : s->in_type;
    for (int64_t o = 0; o < s->outer; o++)
        for (int64_t j = 0; j < a.columns; j++) {
            const int64_t c = j / s->inner, i = o * a.row_stride + j, k = o * b.row_stride + j;
            const int64_t zero = p->zero ? get(zero_type, p->zero, c) : 0;
            const float x = s->in_type == HEW_F32
                                ? ((const float *)in)[i]
                                : dequantized(get(s->in_type, in, i), zero, p->scale[c]);
            if (s->verb == DEQUANTIZE)
                ((float *)out)[k] = x;
            else if (s->verb == QUANTIZE)
                put(s->out_type, out, k, quantized(x, zero, p->scale[c], s->out_type));
            else
                put(s->out_type, out, k, quantized(x, p->out_zero, p->out_scale, s->out_type));
        }
}

static hew_status call(const shape *s, const parameters *p, const void *in, void *out,
                       const hew_threads *threads)
{
    const int64_t row = s->channels * s->inner;
    const int64_t in_stride = s->in_gap ? row + s->in_gap : 0;
    const int64_t out_stride = s->out_gap ? row + s->out_gap : 0;
    if (s->verb == REQUANTIZE)
        return hew_requantize(
            &HEW_REQUANTIZE_DESC(.in_type = s->in_type, .out_type = s->out_type, .outer = s->outer,
                                 .channels = s->channels, .inner = s->inner, .in_stride = in_stride,
                                 .out_stride = out_stride, .in_scale = p->scale,
                                 .in_zero = p->zero, .out_scale = p->out_scale,
                                 .out_zero = p->out_zero),
            in, out, threads);
    const hew_quantize_desc d =
        HEW_QUANTIZE_DESC(.type = s->verb == QUANTIZE ? s->out_type : s->in_type,
                          .outer = s->outer, .channels = s->channels, .inner = s->inner,
                          .in_stride = in_stride, .out_stride = out_stride, .scale = p->scale,
                          .zero = p->zero);
    return s->verb == QUANTIZE ? hew_quantize(&d, in, out, threads)
                               : hew_dequantize(&d, in, out, threads);
}

static void check_shape(const shape *s, rng *r, fill kind, const hew_threads *threads)
{
    const placement where = (placement)rng_chance(r, 2);
    const int64_t row = s->channels * s->inner;
    const layout a = layout_of(s->outer, row + s->in_gap, row);
    const layout b = layout_of(s->outer, row + s->out_gap, row);
    const size_t in_width = width_of(s->in_type), out_width = width_of(s->out_type);
    const hew_type zero_type = s->verb == QUANTIZE ? s->out_type : s->in_type;
    const size_t channels = (size_t)s->channels;
    buffer in = buffer_new(layout_span(a) * in_width, in_width, where);
    buffer out = buffer_new(layout_span(b) * out_width, out_width, where);
    buffer scale = buffer_new(channels * 4, 4, where);
    buffer zero = buffer_new(channels * width_of(zero_type), width_of(zero_type), where);
    parameters p = {.scale = scale.data, .zero = rng_chance(r, 4) ? NULL : zero.data};
    for (size_t c = 0; c < channels; c++)
        p.scale[c] = 0.02f + 0.015f * rng_f32(r);
    fill_ints(r, zero_type, zero.data, s->channels);
    /* s32 inputs are large: bring about half of them into the range. */
    p.out_scale = s->in_type == HEW_S32 ? 1e3f : 0.02f + 0.015f * rng_f32(r);
    p.out_zero = (int32_t)(s->out_type == HEW_F32 ? 0 : rng_between(r, lowest(s->out_type),
                                                                    highest(s->out_type)));
    if (s->in_type == HEW_F32)
        fill_f32(r, in.data, layout_span(a), kind);
    else
        fill_ints(r, s->in_type, in.data, (int64_t)layout_span(a));
    memset(out.data, 0xa5, out.bytes);
    void *want = malloc(out.bytes + 1);
    memset(want, 0xa5, out.bytes);
    want_elements(s, &p, in.data, want, a, b);
    state_save();
    const hew_status status = call(s, &p, in.data, out.data, threads);
    state_check();
    check_status(status, HEW_OK);
    check_elements("out", s->out_type, want, out.data, b);
    free(want);
    buffer_free(&in), buffer_free(&out), buffer_free(&scale), buffer_free(&zero);
}

/* One of the types that a verb takes. */
static shape some_types(rng *r, verb v)
{
    static const hew_type types[] = {HEW_S8, HEW_U8, HEW_S32};
    shape s = {.verb = v, .in_type = HEW_F32, .out_type = HEW_F32};
    if (v != QUANTIZE)
        s.in_type = types[rng_between(r, 0, 2)];
    if (v != DEQUANTIZE)
        s.out_type = types[rng_between(r, 0, 1)];
    return s;
}

static void shapes(void)
{
    for (verb v = 0; v < VERBS; v++)
        for (int i = 0; i < 400; i++) {
            rng r = case_rng("verb %d, shape %d", (int)v, i);
            shape s = some_types(&r, v);
            s.outer = rng_between(&r, 1, 7);
            s.channels = rng_chance(&r, 3) ? 1 : rng_between(&r, 1, 70);
            s.inner = rng_chance(&r, 3) ? 1 : rng_between(&r, 1, rng_chance(&r, 5) ? 1500 : 90);
            s.in_gap = rng_chance(&r, 2) ? 0 : rng_between(&r, 1, 5);
            s.out_gap = rng_chance(&r, 2) ? 0 : rng_between(&r, 1, 5);
            const fill kinds[] = {FILL_MIXED, FILL_SPECIALS, FILL_NANS, FILL_DENORMALS, FILL_INTS};
            check_shape(&s, &r, kinds[i % 5], no_threads());
        }
}

/* Larger than a task in rows, in columns and in both. */
static void threads(void)
{
    static const int64_t shapes[][3] = {{1, 1, 300007}, {3, 1, 70000}, {2500, 66, 1}, {7, 3, 33000},
                                        {1, 40000, 3},  {1, 10, 20000}, {100000, 1, 3}};
    static const size_t counts[] = {1, 2, 3, 8};
    for (verb v = 0; v < VERBS; v++)
        for (int i = 0; i < 7; i++)
            for (int t = 0; t < 5; t++) {
                const hew_threads *lent = t < 4 ? pool_of(counts[t]) : reversed_of(5);
                rng r = case_rng("verb %d, shape %d", (int)v, i);
                shape s = some_types(&r, v);
                s.outer = shapes[i][0];
                s.channels = shapes[i][1];
                s.inner = shapes[i][2];
                s.out_gap = t % 2;
                check_shape(&s, &r, FILL_MIXED, lent);
            }
}

/* ONNX's examples of QuantizeLinear and DequantizeLinear, and sums by hand. */
static void by_hand(void)
{
    case_rng("per tensor");
    const float x[] = {0, 2, 3, 1000, -254, -1000}, two = 2;
    const uint8_t zero = 128, want_x[] = {128, 129, 130, 255, 1, 0};
    uint8_t q[6];
    hew_quantize_desc d =
        HEW_QUANTIZE_DESC(.type = HEW_U8, .inner = 6, .scale = &two, .zero = &zero);
    check_status(hew_quantize(&d, x, q, NULL), HEW_OK);
    check_elements("q", HEW_U8, want_x, q, layout_of(1, 6, 6));

    case_rng("per channel");
    const float scales[] = {2, 4, 5};
    const uint8_t zeros[] = {84, 24, 196};
    const uint8_t t[] = {3, 89, 34, 200, 74, 59, 5, 24, 24, 87, 32, 13, 245, 99, 4, 142, 121, 102};
    const float want_t[] = {-162, 10,   -100, 232, -20,  -50, -76, 0,    0,
                            252,  32,   -44,  245, -485, -960, -270, -375, -470};
    float y[18];
    uint8_t back[18];
    d = HEW_QUANTIZE_DESC(.type = HEW_U8, .channels = 3, .inner = 6, .scale = scales,
                          .zero = zeros);
    check_status(hew_dequantize(&d, t, y, NULL), HEW_OK);
    check_bits("y", want_t, y, layout_of(1, 18, 18), NAN_BITS);
    check_status(hew_quantize(&d, y, back, NULL), HEW_OK);
    check_elements("back", HEW_U8, t, back, layout_of(1, 18, 18));

    case_rng("sums: -24, -0.08, 0, 0.08, 4 and 12 steps, and the ends");
    const int32_t sums[] = {INT32_MIN, -300, -1, 0, 1, 50, 150, INT32_MAX};
    const int8_t want_s[] = {-128, -14, 10, 10, 10, 14, 22, 127};
    const float half = 0.5f;
    int8_t s[8];
    check_status(hew_requantize(&HEW_REQUANTIZE_DESC(.in_type = HEW_S32, .out_type = HEW_S8,
                                                     .inner = 8, .in_scale = &half,
                                                     .out_scale = 6.25f, .out_zero = 10),
                                sums, s, NULL),
                 HEW_OK);
    check_elements("s", HEW_S8, want_s, s, layout_of(1, 8, 8));
}

/* A quotient where the product with 1 / scale would round the other way. */
static void division(void)
{
    case_rng("division");
    const float scale = 5.0f / 255.0f, x = -2.5f;
    assert_true(nearbyintf(x * (1.0f / scale)) == -128.0f && nearbyintf(x / scale) == -127.0f);
    const int8_t want = -127;
    int8_t q = 0;
    check_status(hew_quantize(&HEW_QUANTIZE_DESC(.type = HEW_S8, .scale = &scale), &x, &q, NULL),
                 HEW_OK);
    check_elements("q", HEW_S8, &want, &q, layout_of(1, 1, 1));
}

static void nothing(void)
{
    case_rng("nothing");
    const float scale = 1;
    hew_quantize_desc d = HEW_QUANTIZE_DESC(.type = HEW_S8, .outer = -1, .scale = &scale);
    check_status(hew_quantize(&d, NULL, NULL, NULL), HEW_OK);
    check_status(hew_dequantize(&d, NULL, NULL, NULL), HEW_OK);
}

#define D(...) {.size = sizeof(hew_quantize_desc), __VA_ARGS__}

static void refusals(void)
{
    static const float scale[] = {1, 2, 0, INFINITY, NAN, -1};
    static const struct {
        hew_quantize_desc d;
        hew_status status;
        const char *text;
    } bad[] = {
        {{.size = 7, .type = HEW_S8, .scale = scale}, HEW_ERR_INVALID, "7"},
        {D(.type = HEW_F32, .scale = scale), HEW_ERR_UNSUPPORTED, "type is f32"},
        {D(.type = HEW_S4, .scale = scale), HEW_ERR_UNSUPPORTED, "type is s4"},
        {D(.type = HEW_S8), HEW_ERR_INVALID, "scale is null"},
        {D(.type = HEW_S8, .channels = 3, .scale = scale), HEW_ERR_INVALID, "channel 2 is 0"},
        {D(.type = HEW_S8, .scale = scale + 3), HEW_ERR_INVALID, "inf"},
        {D(.type = HEW_S8, .scale = scale + 4), HEW_ERR_INVALID, "nan"},
        {D(.type = HEW_S8, .scale = scale + 5), HEW_ERR_INVALID, "-1"},
        {D(.type = HEW_S8, .outer = -2, .scale = scale), HEW_ERR_INVALID, "outer = -2"},
        {D(.type = HEW_S8, .channels = -3, .scale = scale), HEW_ERR_INVALID, "channels = -3"},
        {D(.type = HEW_S8, .inner = -4, .scale = scale), HEW_ERR_INVALID, "inner = -4"},
        {D(.type = HEW_S8, .inner = 9, .in_stride = 8, .scale = scale), HEW_ERR_INVALID,
         "in_stride = 8"},
        {D(.type = HEW_S8, .inner = 9, .out_stride = -9, .scale = scale), HEW_ERR_INVALID, "-9"},
        {D(.type = HEW_S8, .channels = 2, .inner = INT64_MAX, .scale = scale), HEW_ERR_OVERFLOW,
         "9223372036854775807"},
        {D(.type = HEW_S8, .outer = 4, .inner = INT64_MAX / 4, .scale = scale), HEW_ERR_OVERFLOW,
         "in_stride"},
    };
    float floats[16] = {0};
    int8_t bytes[16], before[16];
    memset(bytes, 0x5a, sizeof bytes);
    memcpy(before, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        case_rng("refusal %zu", i);
        check_refused(hew_quantize(&bad[i].d, floats, bytes, NULL), bad[i].status, bad[i].text);
        check_refused(hew_quantize(&bad[i].d, floats, bytes, NULL), bad[i].status, "quantize: ");
        check_refused(hew_dequantize(&bad[i].d, bytes, floats, NULL), bad[i].status,
                      "dequantize: ");
    }
    case_rng("null, type, threads");
    hew_quantize_desc d = HEW_QUANTIZE_DESC(.type = HEW_S8, .inner = 3, .scale = scale);
    check_refused(hew_quantize(NULL, floats, bytes, NULL), HEW_ERR_INVALID, "desc is null");
    check_refused(hew_dequantize(NULL, bytes, floats, NULL), HEW_ERR_INVALID, "desc is null");
    check_refused(hew_quantize(&d, NULL, bytes, NULL), HEW_ERR_INVALID, "in is null");
    check_refused(hew_dequantize(&d, bytes, NULL, NULL), HEW_ERR_INVALID, "out is null");
    check_refused(hew_quantize(&d, floats, bytes, &(hew_threads){0}), HEW_ERR_INVALID,
                  "parallel_for");
    d.type = HEW_S32;
    check_refused(hew_quantize(&d, floats, bytes, NULL), HEW_ERR_UNSUPPORTED, "type is s32");
    check_elements("out", HEW_S8, before, bytes, layout_of(1, 16, 16));
}

#undef D
#define D(...)                                                                                     \
    {.size = sizeof(hew_requantize_desc), .in_type = HEW_S32, .out_type = HEW_U8, __VA_ARGS__}

static void requantize_refusals(void)
{
    static const float one = 1, zero = 0;
    static const struct {
        hew_requantize_desc d;
        hew_status status;
        const char *text;
    } bad[] = {
        {{.size = 3}, HEW_ERR_INVALID, "size is 3"},
        {{.size = sizeof(hew_requantize_desc), .in_type = HEW_F32, .out_type = HEW_U8},
         HEW_ERR_UNSUPPORTED, "in_type is f32"},
        {{.size = sizeof(hew_requantize_desc), .in_type = HEW_U8, .out_type = HEW_S32},
         HEW_ERR_UNSUPPORTED, "out_type is s32"},
        {D(.out_scale = 1), HEW_ERR_INVALID, "scale is null"},
        {D(.in_scale = &zero, .out_scale = 1), HEW_ERR_INVALID, "channel 0 is 0"},
        {D(.in_scale = &one), HEW_ERR_INVALID, "out_scale is 0"},
        {D(.in_scale = &one, .out_scale = NAN), HEW_ERR_INVALID, "out_scale is nan"},
        {D(.in_scale = &one, .out_scale = 1, .out_zero = 256), HEW_ERR_INVALID, "out_zero = 256"},
        {D(.in_scale = &one, .out_scale = 1, .out_zero = -1), HEW_ERR_INVALID, "out_zero = -1"},
    };
    const int32_t in = 5;
    uint8_t out = 7;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        case_rng("refusal %zu", i);
        check_refused(hew_requantize(&bad[i].d, &in, &out, NULL), bad[i].status, bad[i].text);
    }
    case_rng("null");
    check_refused(hew_requantize(NULL, &in, &out, NULL), HEW_ERR_INVALID, "desc is null");
    assert_int_equal(out, 7);
}

int main(void)
{
    static const test tests[] = {{"shapes", shapes},
                                 {"threads", threads},
                                 {"by_hand", by_hand},
                                 {"division", division},
                                 {"nothing", nothing},
                                 {"refusals", refusals},
                                 {"requantize_refusals", requantize_refusals}};
    return run_on_rungs("quantize", HEW_FAMILY_dequantize_f32, TESTS(tests));
}
