/* resample: bits of the definition, whatever the types, strides, threads and channels; against
 * interpolation in double precision; the gradient against the sum that it is the gradient of. */
#include "harness.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------------- the definition ---- */

typedef struct taps {
    int count, at[2];
    float w[2];
} taps;

static double place(const hew_resample_desc *d, int i, int64_t o)
{
    const double n = (double)d->in[i], m = (double)d->out[i], s = d->scale[i];
    switch (d->place) {
    case HEW_RESAMPLE_HALF_PIXEL: return (s ? (o + 0.5) / s : (o + 0.5) * n / m) - 0.5;
    case HEW_RESAMPLE_PYTORCH_HALF_PIXEL:
        return m == 1 ? 0 : (s ? (o + 0.5) / s : (o + 0.5) * n / m) - 0.5;
    case HEW_RESAMPLE_TF_HALF_PIXEL: return s ? (o + 0.5) / s : (o + 0.5) * n / m;
    case HEW_RESAMPLE_ALIGN_CORNERS:
        return m == 1 ? 0 : (double)o * (n - 1) / ((s ? n * s : m) - 1);
    case HEW_RESAMPLE_ASYMMETRIC: break;
    }
    return s ? (double)o / s : (double)o * n / m;
}

static taps taps_of(const hew_resample_desc *d, int i, int64_t o)
{
    if (d->in[i] == 0)
        return (taps){1, {0}, {1}};
    const double x = place(d, i, o), last = (double)d->in[i] - 1;
    if (d->kind == HEW_RESAMPLE_NEAREST) {
        const double r[] = {ceil(x - 0.5), floor(x + 0.5), floor(x), ceil(x)};
        return (taps){1, {(int)fmin(fmax(r[d->round], 0), last)}, {1}};
    }
    const double at = fmin(fmax(x, 0), last), part = at - floor(at);
    const int k = (int)at;
    if ((float)part == 0)
        return (taps){1, {k}, {1}};
    if ((float)(1 - part) == 0)
        return (taps){1, {k + 1}, {1}};
    return (taps){2, {k, k + 1}, {(float)(1 - part), (float)part}};
}

/* Extents with unused ranks leading, and the descriptor's index of each. */
typedef struct image {
    int64_t in[3], out[3];
    int axis[3];
    int rank;
} image;

static image image_of(const hew_resample_desc *d)
{
    image m = {.rank = d->in[2] ? 3 : d->in[1] ? 2 : 1};
    for (int i = 0; i < 3; i++) {
        const int k = i - (3 - m.rank);
        m.axis[i] = k < 0 ? 2 : k; /* entry 2 is 0 where one is unused */
        m.in[i] = k < 0 ? 1 : d->in[k];
        m.out[i] = k < 0 ? 1 : d->out[k];
    }
    return m;
}

static float to_float(hew_type type, const void *p, size_t i)
{
    if (type == HEW_F32)
        return ((const float *)p)[i];
    if (type == HEW_U8 || type == HEW_S8)
        return type == HEW_U8 ? ((const uint8_t *)p)[i] : ((const int8_t *)p)[i];
    float y;
    hew_dequantize_f32_ref(&(hew_dequantize_rows){.x = (const uint16_t *)p + i, .type = type,
                                                  .y = &y, .rows = 1, .n = 1});
    return y;
}

static void from_float(hew_type type, float x, void *p, size_t i)
{
    if (type == HEW_F32)
        ((float *)p)[i] = x;
    else
        hew_quantize_f32_ref(&(hew_quantize_rows){
            .x = &x, .y = (char *)p + i * (type == HEW_U8 || type == HEW_S8 ? 1 : 2), .type = type,
            .inverse = 1, .rows = 1, .n = 1});
}

static size_t pixel(const int64_t *extent, int64_t b, int64_t z, int64_t y, int64_t x)
{
    return (size_t)(((b * extent[0] + z) * extent[1] + y) * extent[2] + x);
}

/* Both steps of a forward element: each neighbour in x is a sum over z and y. */
static float forward_at(const hew_resample_desc *d, const image *m, const void *in, size_t stride,
                        const int64_t *o, int64_t c)
{
    const taps tz = taps_of(d, m->axis[0], o[1]), ty = taps_of(d, m->axis[1], o[2]);
    const taps tx = taps_of(d, m->axis[2], o[3]);
    float sum = 0;
    for (int i = 0; i < tx.count; i++) {
        float t = 0;
        for (int k = 0; k < tz.count * ty.count; k++) {
            const int z = k / ty.count, y = k % ty.count;
            const float w = tz.w[z] * ty.w[y];
            const size_t p = pixel(m->in, o[0], tz.at[z], ty.at[y], tx.at[i]);
            const float x = to_float(d->type, in, p * stride + (size_t)c);
            t = k == 0 ? w * x : fmaf(w, x, t);
        }
        sum = i == 0 ? tx.w[i] * t : fmaf(tx.w[i], t, sum);
    }
    return sum;
}

/* The backward element at input pixel i: over output columns, and for each over output rows. */
static float backward_at(const hew_resample_desc *d, const image *m, const void *g, size_t stride,
                         const int64_t *i, int64_t c)
{
    float sum = 0;
    bool any = false;
    for (int64_t x = 0; x < m->out[2]; x++) {
        const taps tx = taps_of(d, m->axis[2], x);
        for (int kx = 0; kx < tx.count; kx++) {
            float t = 0;
            bool some = false;
            if (tx.at[kx] != i[3])
                continue;
            for (int64_t zy = 0; zy < m->out[0] * m->out[1]; zy++) {
                const int64_t z = zy / m->out[1], y = zy % m->out[1];
                const taps tz = taps_of(d, m->axis[0], z), ty = taps_of(d, m->axis[1], y);
                for (int k = 0; k < tz.count * ty.count; k++) {
                    if (tz.at[k / ty.count] != i[1] || ty.at[k % ty.count] != i[2])
                        continue;
                    const float w = tz.w[k / ty.count] * ty.w[k % ty.count];
                    const float v = to_float(
                        d->type, g, pixel(m->out, i[0], z, y, x) * stride + (size_t)c);
                    t = some ? fmaf(w, v, t) : w * v;
                    some = true;
                }
            }
            sum = any ? fmaf(tx.w[kx], t, sum) : tx.w[kx] * t;
            any = true;
        }
    }
    return sum;
}

/* ------------------------------------------------------------------------------- checks ---- */

static size_t type_size(hew_type type)
{
    return type == HEW_F32 ? 4 : type == HEW_U8 || type == HEW_S8 ? 1 : 2;
}

static void fill_typed(rng *r, hew_type type, void *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (type == HEW_U8 || type == HEW_S8) {
            ((uint8_t *)p)[i] = (uint8_t)rng_next(r);
        } else {
            float x;
            fill_f32(r, &x, 1, FILL_MIXED);
            from_float(type, x, p, i);
        }
    if (type == HEW_F32 && n > 0 && rng_chance(r, 8))
        ((float *)p)[rng_between(r, 0, (int64_t)n - 1)] =
            (const float[]){NAN, INFINITY, -0.0f, 0x1p-140f}[rng_between(r, 0, 3)];
}

static hew_status run(const hew_resample_desc *d, const void *in, void *out,
                      const hew_threads *threads)
{
    hew_resample *op;
    hew_status s = hew_resample_create(&op, d);
    check_status(s, HEW_OK);
    buffer scratch = buffer_new(hew_resample_scratch_size(op, threads ? threads->count : 1),
                                HEW_ALIGNMENT, AT_BACK);
    check_kernel(hew_resample_kernel(op));
    state_save();
    s = hew_resample_run(op, &HEW_RESAMPLE_ARGS(.in = in, .out = out, .scratch = scratch.data,
                                                .threads = threads));
    state_check();
    buffer_free(&scratch);
    hew_resample_destroy(op);
    return s;
}

static void check_desc(rng *r, const hew_resample_desc *d, const hew_threads *threads)
{
    const image m = image_of(d);
    const int64_t batch = d->batch ? d->batch : 1, *from = d->backward ? m.out : m.in;
    const int64_t *to = d->backward ? m.in : m.out, size = (int64_t)type_size(d->type);
    const int64_t in_step = d->in_stride ? d->in_stride : d->channels;
    const int64_t out_step = d->out_stride ? d->out_stride : d->channels;
    const layout read = layout_of(batch * from[0] * from[1] * from[2],
                                  d->backward ? out_step : in_step, d->channels);
    const layout written = layout_of(batch * to[0] * to[1] * to[2],
                                     d->backward ? in_step : out_step, d->channels);
    buffer in = buffer_new(layout_span(read) * (size_t)size, (size_t)size, AT_BACK);
    buffer out = buffer_new(layout_span(written) * (size_t)size, (size_t)size, AT_BACK);
    fill_typed(r, d->type, in.data, layout_span(read));
    memset(out.data, 0xcd, out.bytes);
    buffer want = buffer_copy(out.data, out.bytes, (size_t)size, AT_BACK);
    for (int64_t p = 0; p < written.rows; p++)
        for (int64_t c = 0; c < d->channels; c++) {
            const int64_t at[4] = {p / (to[0] * to[1] * to[2]), p / (to[1] * to[2]) % to[0],
                                   p / to[2] % to[1], p % to[2]};
            const size_t step = (size_t)read.row_stride;
            from_float(d->type, d->backward ? backward_at(d, &m, in.data, step, at, c)
                                            : forward_at(d, &m, in.data, step, at, c),
                       want.data, (size_t)(p * written.row_stride + c));
        }
    check_status(run(d, in.data, out.data, threads), HEW_OK);
    if (d->type == HEW_F32)
        check_bits("out", want.data, out.data, written, NAN_ANY);
    else if (memcmp(want.data, out.data, out.bytes) != 0)
        fail_case("other bytes");
    buffer_free(&in), buffer_free(&out), buffer_free(&want);
}

static hew_resample_desc some_desc(rng *r, int64_t most)
{
    static const hew_type types[] = {HEW_F32, HEW_F32, HEW_BF16, HEW_F16, HEW_U8, HEW_S8};
    hew_resample_desc d = HEW_RESAMPLE_DESC(
        .kind = (hew_resample_kind)rng_between(r, 0, 1),
        .place = (hew_resample_place)rng_between(r, 0, 4),
        .round = (hew_resample_round)rng_between(r, 0, 3), .backward = rng_chance(r, 3),
        .batch = rng_between(r, 0, 2), .channels = rng_between(r, 1, rng_chance(r, 2) ? 40 : 5));
    d.type = types[rng_between(r, 0, d.backward ? 3 : 5)];
    const int rank = (int)rng_between(r, 1, 3);
    for (int i = 0; i < rank; i++) {
        d.in[i] = rng_between(r, 1, most / rank);
        d.out[i] = rng_chance(r, 3) ? 2 * d.in[i] : rng_between(r, 1, most / rank);
        d.scale[i] = rng_chance(r, 4) ? (double)d.out[i] / (double)d.in[i] * 1.03 : 0;
    }
    if (rng_chance(r, 3))
        d.in_stride = d.channels + rng_between(r, 0, 3);
    if (rng_chance(r, 3))
        d.out_stride = d.channels + rng_between(r, 0, 3);
    return d;
}

static void random_shapes(void)
{
    for (int i = 0; i < 350; i++) {
        rng r = case_rng("resample %d", i);
        const hew_resample_desc d = some_desc(&r, 12);
        const hew_threads *t = rng_chance(&r, 3) ? reversed_of(8) : no_threads();
        check_desc(&r, &d, rng_chance(&r, 3) ? pool_of((size_t)rng_between(&r, 2, 3)) : t);
    }
}

/* Rows of one channel, from those that look far to those that look near; whole rows per task. */
static void long_rows(void)
{
    for (int i = 0; i < 60; i++) {
        rng r = case_rng("row %d", i);
        hew_resample_desc d = some_desc(&r, 12);
        d.in[0] = rng_between(&r, 1, 3), d.out[0] = rng_between(&r, 1, 5);
        d.in[1] = rng_between(&r, 1, 300), d.out[1] = rng_between(&r, 1, 300);
        d.in[2] = d.out[2] = 0;
        d.scale[0] = d.scale[1] = d.scale[2] = 0;
        d.channels = rng_between(&r, 1, 4);
        d.in_stride = d.out_stride = 0;
        d.backward = d.backward && d.out[1] < 60;
        check_desc(&r, &d, i % 2 ? pool_of(2) : no_threads());
    }
}

/* -------------------------------------------------------------------------------- oracle ---- */

/* 1-D: within a few roundings of interpolation in double; the sum that a gradient is of. */
static void oracle(void)
{
    for (int i = 0; i < 60; i++) {
        rng r = case_rng("oracle %d", i);
        hew_resample_desc d = some_desc(&r, 12);
        d.type = HEW_F32, d.kind = HEW_RESAMPLE_LINEAR, d.backward = false;
        d.batch = d.in_stride = d.out_stride = 0;
        for (int k = 1; k < 3; k++)
            d.in[k] = d.out[k] = 0, d.scale[k] = 0;
        const size_t c = (size_t)d.channels, n = (size_t)d.in[0] * c, m = (size_t)d.out[0] * c;
        float *x = hew_alloc(4 * n), *y = hew_alloc(4 * m), *g = hew_alloc(4 * m);
        float *back = hew_alloc(4 * n);
        fill_f32(&r, x, n, FILL_MIXED), fill_f32(&r, g, m, FILL_MIXED);
        check_status(run(&d, x, y, no_threads()), HEW_OK);
        double forward = 0, backward = 0, magnitude = 0;
        for (size_t k = 0; k < m; k++) {
            const double last = (double)d.in[0] - 1;
            const double at = fmin(fmax(place(&d, 0, (int64_t)(k / c)), 0), last);
            const size_t low = (size_t)at, high = low < (size_t)last ? low + 1 : low;
            const double a = (double)x[low * c + k % c], b = (double)x[high * c + k % c];
            const double want = a + (b - a) * (at - (double)low);
            if (fabs(want - (double)y[k]) > 4 * 0x1p-24 * (fabs(a) + fabs(b)))
                fail_case("element %zu is %g, want %g", k, (double)y[k], want);
            forward += (double)g[k] * (double)y[k];
            magnitude += fabs((double)g[k]) * (fabs(a) + fabs(b));
        }
        d.backward = true;
        check_status(run(&d, g, back, no_threads()), HEW_OK);
        for (size_t k = 0; k < n; k++)
            backward += (double)back[k] * (double)x[k];
        if (fabs(forward - backward) > 1e-5 * magnitude)
            fail_case("the gradient gives %g, want %g", backward, forward);
        hew_free(x), hew_free(y), hew_free(g), hew_free(back);
    }
}

/* A place that is an element's is that element alone, whatever it is and lies beside it. */
static void elements_alone(void)
{
    for (int64_t channels = 1; channels <= 20; channels += 19) {
        case_rng("%lld channels", (long long)channels);
        float in[100], out[100];
        for (int i = 0; i < 5 * (int)channels; i++)
            in[i] = i % 3 == 0 ? INFINITY : i % 7 == 0 ? -0.0f : (float)i;
        hew_resample_desc d = HEW_RESAMPLE_DESC(.kind = HEW_RESAMPLE_LINEAR, .in = {5}, .out = {5},
                                                .channels = channels);
        for (int place = 0; place < 3; place++) {
            d.place = (hew_resample_place)place;
            check_status(run(&d, in, out, no_threads()), HEW_OK);
            check_bits("out", in, out, layout_of(1, 5 * channels, 5 * channels), NAN_BITS);
        }
    }
}

#define D(...) {.size = sizeof(hew_resample_desc), __VA_ARGS__}

static void refusals(void)
{
    static const struct {
        hew_resample_desc d;
        hew_status status;
        const char *text;
    } bad[] = {
        {{.size = 8}, HEW_ERR_INVALID, "8"},
        {D(.type = HEW_S32, .in = {2}, .out = {2}), HEW_ERR_UNSUPPORTED, "s32"},
        {D(.type = HEW_U8, .backward = true, .in = {2}, .out = {2}),
         HEW_ERR_UNSUPPORTED, "u8"},
        {D(.kind = (hew_resample_kind)2, .in = {2}, .out = {2}), HEW_ERR_INVALID,
         "kind 2"},
        {D(.place = (hew_resample_place)-1, .in = {2}, .out = {2}), HEW_ERR_INVALID,
         "place -1"},
        {D(.round = (hew_resample_round)4, .in = {2}, .out = {2}), HEW_ERR_INVALID,
         "round 4"},
        {D(.channels = 1, .out = {2}), HEW_ERR_INVALID, "in[0] is 0"},
        {D(.channels = 1, .in = {2}, .out = {2, 2}), HEW_ERR_INVALID, "entry 1"},
        {D(.channels = 1, .in = {2, 2}, .out = {2}), HEW_ERR_INVALID, "from 2 to 0"},
        {D(.channels = 1, .in = {-2}, .out = {2}), HEW_ERR_INVALID, "from -2"},
        {D(.channels = 1, .in = {2}, .out = {INT64_MAX}), HEW_ERR_OVERFLOW, "large"},
        {D(.channels = -1, .in = {2}, .out = {2}), HEW_ERR_INVALID, "channels = -1"},
        {D(.channels = 4, .in = {2}, .out = {2}, .in_stride = 3), HEW_ERR_INVALID,
         "in_stride = 3"},
        {D(.channels = INT64_MAX / 2, .in = {2}, .out = {2}), HEW_ERR_OVERFLOW,
         "large"},
        {D(.channels = 1, .in = {2}, .out = {2}, .scale = {NAN}), HEW_ERR_INVALID,
         "scale nan"},
        {D(.channels = 1, .in = {2}, .out = {2}, .scale = {-1}), HEW_ERR_INVALID,
         "scale -1"},
    };
    hew_resample *op = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        case_rng("refusal %zu", i);
        check_refused(hew_resample_create(&op, &bad[i].d), bad[i].status, bad[i].text);
        assert_null(op);
    }
    case_rng("runs");
    float in[4] = {0}, out[8];
    char _Alignas(64) scratch[512];
    check_refused(hew_resample_create(&op, NULL), HEW_ERR_INVALID, "null");
    const hew_resample_desc d =
        HEW_RESAMPLE_DESC(.kind = HEW_RESAMPLE_LINEAR, .channels = 1, .in = {4}, .out = {8});
    check_refused(hew_resample_create(NULL, &d), HEW_ERR_INVALID, "null");
    check_status(hew_resample_create(&op, &d), HEW_OK);
    hew_resample_args a = HEW_RESAMPLE_ARGS(.in = in, .out = out, .scratch = scratch);
    poison_f32(out, 8);
    check_refused(hew_resample_run(NULL, &a), HEW_ERR_INVALID, "op is null");
    check_refused(hew_resample_run(op, NULL), HEW_ERR_INVALID, "args is null");
    a.scratch = scratch + 4;
    check_refused(hew_resample_run(op, &a), HEW_ERR_INVALID, "scratch");
    a.scratch = scratch, a.in = NULL;
    check_refused(hew_resample_run(op, &a), HEW_ERR_INVALID, "in is null");
    a.in = (char *)in + 2;
    check_refused(hew_resample_run(op, &a), HEW_ERR_INVALID, "aligned");
    a.in = in, a.size = 1;
    check_refused(hew_resample_run(op, &a), HEW_ERR_INVALID, "size is 1");
    float before[8];
    poison_f32(before, 8), check_bits("out", before, out, layout_of(1, 8, 8), NAN_BITS);
    hew_resample_destroy(op);
    hew_resample_destroy(NULL);
}

int main(void)
{
    static const test tests[] = {{"random_shapes", random_shapes}, {"long_rows", long_rows},
                                 {"oracle", oracle}, {"elements_alone", elements_alone},
                                 {"refusals", refusals}};
    return run_on_rungs("resample", HEW_FAMILY_taps_f32, TESTS(tests));
}
