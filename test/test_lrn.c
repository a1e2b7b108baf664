/* Local response normalisation, forward and backward. */
#include "norm_case.h"

#include <math.h>
#include <string.h>

static int64_t pixels_of(const hew_lrn_desc *d)
{
    int64_t n = d->batch == -1 ? 0 : d->batch == 0 ? 1 : d->batch;
    for (int i = 0; i < 3; i++)
        n *= d->in[i] ? d->in[i] : 1;
    return n;
}

static layout side(const hew_lrn_desc *d, int64_t stride)
{
    return layout_of(pixels_of(d), stride ? stride : d->channels, d->channels);
}

/* in_place: d_in is d_out. */
static void check(const hew_lrn_desc *d, rng *r, bool in_place, fill kind,
                  const hew_threads *threads)
{
    const placement where = (placement)rng_chance(r, 2);
    const layout in_side = side(d, d->in_stride), out_side = side(d, d->out_stride);
    buffer in = norm_tensor(r, d->type, in_side, kind, where);
    buffer out = norm_tensor(r, d->type, out_side, FILL_POISON, where);
    buffer d_out = norm_tensor(r, d->type, out_side, kind, where);
    buffer d_in = norm_tensor(r, d->type, in_side, FILL_POISON, where);
    buffer want = norm_again(&out, where);
    buffer d_want = norm_again(in_place ? &d_out : &d_in, where), in_was = norm_again(&in, where);
    hew_lrn_ref(d, in.data, want.data);
    hew_lrn_backward_ref(d, in.data, d_out.data, d_want.data);
    size_t bytes;
    check_status(hew_lrn_backward_scratch(d, threads ? threads->count : 0, &bytes), HEW_OK);
    buffer scratch = buffer_new(bytes, HEW_ALIGNMENT, where);
    state_save();
    const hew_status status = hew_lrn(d, in.data, out.data, threads);
    state_check();
    check_status(status, HEW_OK);
    check_elements("out", d->type, want.data, out.data, out_side);
    void *const to = in_place ? d_out.data : d_in.data;
    state_save();
    const hew_status back = hew_lrn_backward(d, in.data, d_out.data, to, scratch.data, threads);
    state_check();
    check_status(back, HEW_OK);
    check_elements("d_in", d->type, d_want.data, to, in_side);
    check_elements("in", d->type, in_was.data, in.data, in_side);
    buffer_free(&in), buffer_free(&out), buffer_free(&d_out), buffer_free(&d_in);
    buffer_free(&want), buffer_free(&d_want), buffer_free(&in_was), buffer_free(&scratch);
}

static hew_lrn_desc random_desc(rng *r, int i, hew_lrn_kind kind, int64_t channels)
{
    hew_lrn_desc d = HEW_LRN_DESC(.kind = kind, .type = norm_types[i % 3], .channels = channels,
                                  .in_stride = norm_stride(r, channels),
                                  .out_stride = norm_stride(r, channels));
    d.batch = rng_between(r, -1, 3);
    const int64_t rank = rng_between(r, 1, kind == HEW_LRN_WITHIN ? 3 : 1);
    for (int64_t k = 0; k < rank; k++)
        d.in[k] = rng_between(r, 1, 6);
    d.window = rng_between(r, 1, kind == HEW_LRN_WITHIN ? 4 : 9);
    d.alpha = rng_chance(r, 2) ? 0.0f : 0.1f;
    d.beta = rng_chance(r, 2) ? 0.0f : 0.6f;
    d.k = rng_chance(r, 2) ? 0.0f : 0.3f;
    return d;
}

/* d_in is d_out in a third of the cases. */
static void check_random(hew_lrn_desc *d, rng *r, fill kind, const hew_threads *threads)
{
    const bool in_place = rng_chance(r, 3);
    if (in_place)
        d->in_stride = d->out_stride;
    check(d, r, in_place, kind, threads);
}

static void across(void)
{
    for (int64_t c = 0; c <= 70; c++)
        for (int t = 0; t < 3; t++) {
            rng r = case_rng("type %d, %lld channels", t, (long long)c);
            hew_lrn_desc d = random_desc(&r, t, HEW_LRN_ACROSS, c);
            check_random(&d, &r, FILL_MIXED, no_threads());
        }
}

/* Several segments of channels, and windows longer than the tensor. */
static void wide(void)
{
    static const int64_t channels[] = {255, 256, 257, 300, 600};
    static const int64_t windows[] = {1, 2, 5, 40};
    for (int i = 0; i < 20; i++) {
        rng r = case_rng("%d", i);
        hew_lrn_desc d = random_desc(&r, i, HEW_LRN_ACROSS, channels[i % 5]);
        d.batch = 0, d.in[0] = 2, d.window = windows[i / 5];
        check_random(&d, &r, FILL_MIXED, no_threads());
    }
    rng r = case_rng("the widest");
    const hew_lrn_desc d = HEW_LRN_DESC(.channels = 40, .window = 256);
    check(&d, &r, false, FILL_MIXED, no_threads());
}

static void within(void)
{
    for (int i = 0; i < 90; i++) {
        rng r = case_rng("%d", i);
        hew_lrn_desc d = random_desc(&r, i, HEW_LRN_WITHIN, rng_between(&r, 0, 35));
        check_random(&d, &r, FILL_MIXED, no_threads());
    }
    rng r = case_rng("300 channels");
    const hew_lrn_desc d =
        HEW_LRN_DESC(.kind = HEW_LRN_WITHIN, .in = {3, 4}, .channels = 300, .window = 3);
    check(&d, &r, false, FILL_MIXED, no_threads());
}

static void special_floats(void)
{
    const fill kinds[] = {FILL_SPECIALS, FILL_DENORMALS, FILL_ZEROS, FILL_INTS, FILL_TINY};
    for (int k = 0; k < 5; k++)
        for (int i = 0; i < 30; i++) {
            rng r = case_rng("fill %d, %d", k, i);
            hew_lrn_desc d = random_desc(&r, i, (hew_lrn_kind)(i / 3 % 2), rng_between(&r, 1, 40));
            check_random(&d, &r, kinds[k], no_threads());
        }
}

static void threads(void)
{
    static const size_t counts[] = {1, 2, 3, 8};
    for (int i = 0; i < 4; i++)
        for (int t = 0; t < 8; t++) {
            const size_t count = counts[t / 2];
            const hew_threads *lent = t % 2 ? reversed_of(count) : pool_of(count);
            rng r = case_rng("%d", i);
            hew_lrn_desc d = random_desc(&r, i, (hew_lrn_kind)(i % 2), i < 2 ? 17 : 130);
            d.batch = 2, d.in[0] = 40, d.in[1] = i % 2 ? 3 : 0, d.in[2] = 0, d.window = 3;
            check_random(&d, &r, FILL_MIXED, lent);
        }
    no_threads();
}

/* ------------------------------------------------------------------- double precision ------ */

enum { W = 5, H = 4, C = 19, ALL = W * H * C };

/* Sum of w * out, in double precision. */
static double loss(const hew_lrn_desc *d, const double *x, const float *w, double *out)
{
    const int64_t lo = (d->window - 1) / 2, hi = d->window / 2;
    const bool is_across = d->kind == HEW_LRN_ACROSS;
    double sum = 0;
    for (int64_t i = 0; i < ALL; i++) {
        const int64_t c = i % C, col = i / C % W, row = i / C / W;
        double squares = 0;
        for (int64_t k = 0; k < ALL; k++) {
            const int64_t dc = k % C - c, dx = k / C % W - col, dy = k / C / W - row;
            const bool in = is_across ? dx == 0 && dy == 0 && dc >= -lo && dc <= hi
                                      : dc == 0 && dx >= -lo && dx <= hi && dy >= -lo && dy <= hi;
            squares += in ? x[k] * x[k] : 0;
        }
        const double n = (double)(is_across ? d->window : d->window * d->window);
        out[i] = x[i] / pow((double)d->k + (double)d->alpha / n * squares, (double)d->beta);
        sum += out[i] * (double)w[i];
    }
    return sum;
}

static void double_precision(void)
{
    for (int i = 0; i < 12; i++) {
        rng r = case_rng("%d", i);
        static float in[ALL], out[ALL], d_out[ALL], d_in[ALL];
        static _Alignas(64) char scratch[ALL * 64];
        static double x[ALL], exact[ALL], unused[ALL];
        const hew_lrn_desc d =
            HEW_LRN_DESC(.kind = (hew_lrn_kind)(i % 2), .in = {H, W}, .channels = C,
                         .window = 1 + i % 5, .alpha = 0.7f, .beta = i % 4 < 2 ? 0.75f : 1.3f,
                         .k = i % 3 ? 1.0f : 0.25f);
        for (int k = 0; k < ALL; k++) {
            in[k] = rng_f32(&r), d_out[k] = rng_f32(&r);
            x[k] = (double)in[k];
        }
        size_t bytes;
        check_status(hew_lrn_backward_scratch(&d, 1, &bytes), HEW_OK);
        if (bytes > sizeof scratch)
            fail_case("%zu bytes of scratch", bytes);
        check_status(hew_lrn(&d, in, out, NULL), HEW_OK);
        check_status(hew_lrn_backward(&d, in, d_out, d_in, scratch, NULL), HEW_OK);
        loss(&d, x, d_out, exact);
        for (int k = 0; k < ALL; k++)
            norm_near("out", (size_t)k, (double)out[k], exact[k], 2e-6 * fabs(exact[k]));
        for (int k = 0; k < ALL; k += 7) {
            const double at = x[k], step = 1e-5;
            x[k] = at + step;
            const double more = loss(&d, x, d_out, unused);
            x[k] = at - step;
            const double less = loss(&d, x, d_out, unused);
            x[k] = at;
            norm_near("d_in", (size_t)k, (double)d_in[k], (more - less) / (2 * step), 3e-5);
        }
    }
}

#define D(...) {.size = sizeof(hew_lrn_desc), __VA_ARGS__}

static void refusals(void)
{
    static const struct {
        hew_lrn_desc d;
        hew_status status;
        const char *text;
    } bad[] = {
        {{.size = 9, .channels = 3, .window = 5}, HEW_ERR_INVALID, "size of desc is 9"},
        {D(.kind = (hew_lrn_kind)2, .channels = 3, .window = 5), HEW_ERR_INVALID, "kind 2"},
        {D(.type = HEW_S32, .channels = 3, .window = 5), HEW_ERR_UNSUPPORTED, "s32"},
        {D(.batch = -2, .channels = 3, .window = 5), HEW_ERR_INVALID, "-2"},
        {D(.channels = -3, .window = 5), HEW_ERR_INVALID, "-3"},
        {D(.in = {4, -4}, .channels = 3, .window = 5), HEW_ERR_INVALID, "-4"},
        {D(.in = {4, 0, 4}, .channels = 3, .window = 5), HEW_ERR_INVALID, "4, 0, 4"},
        {D(.in = {INT64_MAX, 2}, .channels = 3, .window = 5), HEW_ERR_OVERFLOW, "too large"},
        {D(.batch = 9, .in = {INT64_MAX / 4}, .channels = 3, .window = 5), HEW_ERR_OVERFLOW, "9"},
        {D(.channels = 3), HEW_ERR_INVALID, "window = 0"},
        {D(.channels = 3, .window = 257), HEW_ERR_INVALID, "257"},
        {D(.channels = 3, .window = 5, .alpha = -1), HEW_ERR_INVALID, "alpha is -1"},
        {D(.channels = 3, .window = 5, .beta = -1), HEW_ERR_INVALID, "beta is -1"},
        {D(.channels = 3, .window = 5, .beta = NAN), HEW_ERR_INVALID, "beta is"},
        {D(.channels = 3, .window = 5, .k = -1), HEW_ERR_INVALID, "k is -1"},
        {D(.channels = 3, .window = 5, .k = 1e-40f), HEW_ERR_INVALID, "k is"},
        {D(.channels = 3, .window = 5, .in_stride = 2), HEW_ERR_INVALID, "in_stride"},
        {D(.channels = 3, .window = 5, .out_stride = 2), HEW_ERR_INVALID, "out_stride"},
    };
    float in[16] = {0}, out[16], before[16];
    _Alignas(64) char scratch[1024];
    size_t bytes = 1;
    poison_f32(out, 16);
    memcpy(before, out, sizeof out);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        case_rng("refusal %zu", i);
        check_refused(hew_lrn(&bad[i].d, in, out, NULL), bad[i].status, bad[i].text);
        check_refused(hew_lrn_backward(&bad[i].d, in, in, out, scratch, NULL), bad[i].status,
                      bad[i].text);
        check_refused(hew_lrn_backward_scratch(&bad[i].d, 1, &bytes), bad[i].status, bad[i].text);
    }
    case_rng("arguments");
    const hew_lrn_desc d = HEW_LRN_DESC(.channels = 3, .window = 5, .in_stride = 4);
    check_refused(hew_lrn(NULL, in, out, NULL), HEW_ERR_INVALID, "desc is null");
    check_refused(hew_lrn(&d, NULL, out, NULL), HEW_ERR_INVALID, "in is null");
    check_refused(hew_lrn(&d, in, NULL, NULL), HEW_ERR_INVALID, "out is null");
    check_refused(hew_lrn(&d, (char *)in + 1, out, NULL), HEW_ERR_INVALID, "multiple of 4");
    check_refused(hew_lrn(&d, in, out, &(hew_threads){0}), HEW_ERR_INVALID, "parallel_for");
    check_refused(hew_lrn_backward(&d, in, NULL, out, scratch, NULL), HEW_ERR_INVALID, "d_out");
    check_refused(hew_lrn_backward(&d, in, out, out, scratch, NULL), HEW_ERR_INVALID, "16 and 12");
    check_refused(hew_lrn_backward(&d, in, in, out, NULL, NULL), HEW_ERR_INVALID, "scratch");
    check_refused(hew_lrn_backward_scratch(&d, 1, NULL), HEW_ERR_INVALID, "bytes is null");
    check_bits("out", before, out, layout_of(1, 16, 16), NAN_BITS);
}

int main(void)
{
    static const test tests[] = {{"across", across},
                                 {"wide", wide},
                                 {"within", within},
                                 {"special_floats", special_floats},
                                 {"threads", threads},
                                 {"double_precision", double_precision},
                                 {"refusals", refusals}};
    return run_on_rungs("lrn", HEW_FAMILY_lrn, TESTS(tests));
}
