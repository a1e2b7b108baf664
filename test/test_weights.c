/* Weights to s8 and s4 and back, batch normalisation folded, bias corrected: by hand, and against
 * loops over [out_c][k] that know nothing of layouts. */
#include "harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------- quantisation ---- */

typedef struct weights {
    hew_weights_desc d;
    int64_t k, groups;
    buffer w, q, scale, zero;
} weights;

/* Where element kk of channel c lies among floats, and in rows of s4 counted in halves of bytes. */
static int64_t place(const weights *x, int64_t c, int64_t kk)
{
    return x->d.in_first ? kk * x->d.out_c + c : c * x->k + kk;
}

static int64_t q_at(const weights *x, int64_t c, int64_t kk)
{
    const int64_t row = x->d.in_first ? x->d.out_c : x->k, at = place(x, c, kk);
    if (x->d.type == HEW_S8)
        return ((const int8_t *)x->q.data)[at];
    const int64_t column = at % row;
    const uint8_t byte = ((const uint8_t *)x->q.data)[at / row * ((row + 1) / 2) + column / 2];
    const int64_t bits = column % 2 ? byte >> 4 : byte & 15;
    return bits >= 8 ? bits - 16 : bits;
}

static weights weights_new(rng *r, hew_weights_desc d)
{
    const placement where = (placement)rng_chance(r, 2);
    weights x = {.d = d};
    x.k = d.in_c / (d.groups ? d.groups : 1) * (d.taps ? d.taps : 1);
    x.groups = d.k_group ? (x.k + d.k_group - 1) / d.k_group : x.k > 0;
    x.w = buffer_new((size_t)(d.out_c * x.k) * 4, 4, where);
    fill_f32(r, x.w.data, x.w.bytes / 4, FILL_MIXED);
    size_t bytes = 0;
    check_status(hew_weights_size(&d, &bytes), HEW_OK);
    x.q = buffer_new(bytes, 1, where);
    memset(x.q.data, 0xa5, bytes);
    x.scale = buffer_new((size_t)(x.groups * d.out_c) * 4, 4, where);
    x.zero = buffer_new((size_t)(x.groups * d.out_c), 1, where);
    memset(x.zero.data, 0xa5, x.zero.bytes);
    return x;
}

static void weights_free(weights *x)
{
    buffer_free(&x->w), buffer_free(&x->q), buffer_free(&x->scale), buffer_free(&x->zero);
}

static void check_run(const weights *x, int64_t c, int64_t g)
{
    const int64_t begin = g * x->d.k_group;
    const int64_t end = x->d.k_group && begin + x->d.k_group < x->k ? begin + x->d.k_group : x->k;
    const float *w = x->w.data;
    const bool s4 = x->d.type == HEW_S4;
    float lo = 0, hi = 0;
    for (int64_t kk = begin; kk < end; kk++) {
        lo = fminf(lo, w[place(x, c, kk)]);
        hi = fmaxf(hi, w[place(x, c, kk)]);
    }
    const float low = s4 ? -8 : -128, high = s4 ? 7 : 127;
    float scale = x->d.asymmetric ? (hi - lo) / (high - low) : fmaxf(-lo, hi) / high;
    if (scale == 0)
        scale = 1;
    const float zero = x->d.asymmetric ? low + nearbyintf(-lo / scale) : 0;
    const int64_t at = g * x->d.out_c + c;
    check_bits("scale", &scale, (float *)x->scale.data + at, layout_of(1, 1, 1), NAN_BITS);
    assert_int_equal(((int8_t *)x->zero.data)[at], (int)zero);
    for (int64_t kk = begin; kk < end; kk++) {
        const float q = nearbyintf(w[place(x, c, kk)] / scale) + zero;
        const int64_t want = (int64_t)fminf(fmaxf(q, low), high);
        if (q_at(x, c, kk) != want)
            fail_case("[%lld][%lld] is %lld, want %lld", (long long)c, (long long)kk,
                      (long long)q_at(x, c, kk), (long long)want);
    }
}

static void check_weights(rng *r, hew_weights_desc d)
{
    weights x = weights_new(r, d);
    check_status(hew_quantize_weights(&d, x.w.data, x.q.data, x.scale.data, x.zero.data), HEW_OK);
    for (int64_t g = 0; g < x.groups; g++)
        for (int64_t c = 0; c < d.out_c; c++)
            check_run(&x, c, g);
    /* Rows of s4 end in zeros. */
    const int64_t row = d.in_first ? d.out_c : x.k;
    if (d.type == HEW_S4 && row % 2)
        for (size_t i = (size_t)(row + 1) / 2; i <= x.q.bytes; i += (size_t)(row + 1) / 2)
            assert_int_equal(((uint8_t *)x.q.data)[i - 1] >> 4, 0);
    /* And back. */
    buffer back = buffer_new(x.w.bytes, 4, AT_BACK);
    const bool has_zero = d.asymmetric || rng_chance(r, 2);
    check_status(hew_dequantize_weights(&d, x.q.data, x.scale.data, has_zero ? x.zero.data : NULL,
                                        back.data),
                 HEW_OK);
    for (int64_t c = 0; c < d.out_c; c++)
        for (int64_t kk = 0; kk < x.k; kk++) {
            const int64_t at = (d.k_group ? kk / d.k_group : 0) * d.out_c + c;
            const int64_t value = q_at(&x, c, kk) - ((int8_t *)x.zero.data)[at];
            const float want = (float)value * ((float *)x.scale.data)[at];
            check_bits("back", &want, (float *)back.data + place(&x, c, kk), layout_of(1, 1, 1),
                       NAN_BITS);
        }
    buffer_free(&back);
    weights_free(&x);
}

static hew_weights_desc some_desc(rng *r)
{
    hew_weights_desc d = HEW_WEIGHTS_DESC(.type = rng_chance(r, 2) ? HEW_S8 : HEW_S4,
                                          .asymmetric = rng_chance(r, 2),
                                          .out_c = rng_between(r, 0, 20),
                                          .in_c = rng_between(r, 0, 80));
    if (rng_chance(r, 2)) {
        d.in_first = true;
    } else if (rng_chance(r, 2)) {
        d.groups = rng_between(r, 1, 4);
        d.taps = rng_between(r, 1, 9);
        d.out_c = d.groups * rng_between(r, 1, 5);
        d.in_c = d.groups * rng_between(r, 1, 5);
    }
    if (rng_chance(r, 2))
        d.k_group = rng_between(r, 1, 40);
    return d;
}

static void shapes(void)
{
    for (int i = 0; i < 600; i++) {
        rng r = case_rng("shape %d", i);
        check_weights(&r, some_desc(&r));
    }
}

static void by_hand(void)
{
    /* Two channels of three elements. */
    static const float w[] = {1.27f, -0.5f, 0.005f, 0, 0, 0};
    static const int8_t want_s8[] = {127, -50, 0, 0, 0, 0};
    int8_t q[6], zero[2];
    float scale[2];
    case_rng("s8");
    hew_weights_desc d = HEW_WEIGHTS_DESC(.out_c = 2, .in_c = 3, .type = HEW_S8);
    check_status(hew_quantize_weights(&d, w, q, scale, NULL), HEW_OK);
    check_elements("q", HEW_S8, want_s8, q, layout_of(1, 6, 6));
    assert_true(scale[0] == 1.27f / 127 && scale[1] == 1);

    /* The low half first; three elements are two bytes. */
    static const float v[] = {7, -1, 3, -14, 2, 6.9f};
    static const uint8_t want_s4[] = {0xf7, 0x03, 0x19, 0x03};
    uint8_t packed[4];
    case_rng("s4");
    d.type = HEW_S4;
    check_status(hew_quantize_weights(&d, v, packed, scale, zero), HEW_OK);
    check_elements("q", HEW_U8, want_s4, packed, layout_of(1, 4, 4));
    assert_true(scale[0] == 1 && scale[1] == 2 && zero[0] == 0 && zero[1] == 0);

    /* -3 .. 12 in steps of 1, from -8 on. */
    static const float u[] = {-3, 12, 4.5f};
    static const uint8_t want_u[] = {0x78, 0x0f};
    case_rng("s4 with a zero point");
    d = HEW_WEIGHTS_DESC(.out_c = 1, .in_c = 3, .type = HEW_S4, .asymmetric = true);
    check_status(hew_quantize_weights(&d, u, packed, scale, zero), HEW_OK);
    assert_true(scale[0] == 1 && zero[0] == -5);
    check_elements("q", HEW_U8, want_u, packed, layout_of(1, 2, 2));
}

/* -------------------------------------------------------------------------- fold, correct ---- */

static void fold(void)
{
    for (int i = 0; i < 200; i++) {
        rng r = case_rng("fold %d", i);
        const hew_weights_desc d = some_desc(&r);
        weights x = weights_new(&r, d);
        const size_t n = (size_t)d.out_c * 4;
        buffer p[5];
        for (int j = 0; j < 5; j++) {
            p[j] = buffer_new(n, 4, AT_BACK);
            fill_f32(&r, p[j].data, n / 4, FILL_MIXED);
        }
        float *gamma = p[0].data, *beta = p[1].data, *mean = p[2].data, *variance = p[3].data;
        for (int64_t c = 0; c < d.out_c; c++)
            variance[c] = fabsf(variance[c]);
        const bool plain = rng_chance(&r, 4);
        const float epsilon = rng_chance(&r, 2) ? 0 : 1e-3f;
        buffer w = buffer_copy(x.w.data, x.w.bytes, 4, AT_BACK);
        buffer bias = buffer_copy(p[4].data, n, 4, AT_BACK);
        const hew_fold_norm norm =
            HEW_FOLD_NORM(.gamma = plain ? NULL : gamma, .beta = plain ? NULL : beta, .mean = mean,
                           .variance = variance, .epsilon = epsilon);
        check_status(hew_fold_batch_norm(&d, &norm, w.data, bias.data), HEW_OK);
        for (int64_t c = 0; c < d.out_c; c++) {
            const double spread = (double)variance[c] + (double)(epsilon == 0 ? 1e-5f : epsilon);
            const double f = (plain ? 1 : (double)gamma[c]) / sqrt(spread);
            const double shifted = (double)((float *)p[4].data)[c] - (double)mean[c];
            const float want = (float)(shifted * f + (plain ? 0 : (double)beta[c]));
            check_bits("bias", &want, (float *)bias.data + c, layout_of(1, 1, 1), NAN_BITS);
            for (int64_t kk = 0; kk < x.k; kk++) {
                const int64_t at = place(&x, c, kk);
                const float want_w = (float)((double)((float *)x.w.data)[at] * f);
                check_bits("w", &want_w, (float *)w.data + at, layout_of(1, 1, 1), NAN_BITS);
            }
        }
        for (int j = 0; j < 5; j++)
            buffer_free(&p[j]);
        buffer_free(&w), buffer_free(&bias);
        weights_free(&x);
    }
}

/* With inputs that are their mean, quantised weights give what the floats give. */
static void correct(void)
{
    for (int i = 0; i < 200; i++) {
        rng r = case_rng("correct %d", i);
        const hew_weights_desc d = some_desc(&r);
        const int64_t groups = d.groups ? d.groups : 1, taps = d.taps ? d.taps : 1;
        weights x = weights_new(&r, d);
        buffer mean = buffer_new((size_t)d.in_c * 4, 4, AT_BACK);
        buffer bias = buffer_new((size_t)d.out_c * 4, 4, AT_BACK);
        fill_f32(&r, mean.data, (size_t)d.in_c, FILL_MIXED);
        memset(bias.data, 0, bias.bytes);
        check_status(hew_quantize_weights(&d, x.w.data, x.q.data, x.scale.data, x.zero.data),
                     HEW_OK);
        check_status(hew_correct_bias(&d, x.w.data, x.q.data, x.scale.data,
                                      d.asymmetric ? x.zero.data : NULL, mean.data, bias.data),
                     HEW_OK);
        for (int64_t c = 0; c < d.out_c; c++) {
            double floats = 0, quantised = 0, size = 0;
            for (int64_t kk = 0; kk < x.k; kk++) {
                const int64_t at = (d.k_group ? kk / d.k_group : 0) * d.out_c + c;
                const int64_t channel = c / (d.out_c / groups) * (d.in_c / groups) + kk / taps;
                const double m = (double)((float *)mean.data)[channel];
                const double q = (double)(q_at(&x, c, kk) - ((int8_t *)x.zero.data)[at]);
                const double w = (double)((float *)x.w.data)[place(&x, c, kk)];
                const double scaled = q * (double)((float *)x.scale.data)[at];
                floats += w * m;
                quantised += scaled * m;
                size += (fabs(scaled) + fabs(w)) * fabs(m);
            }
            const double got = quantised + (double)((float *)bias.data)[c];
            if (!(fabs(got - floats) <= 1e-7 * size + 1e-30))
                fail_case("channel %lld: %g, want %g", (long long)c, got, floats);
        }
        buffer_free(&mean), buffer_free(&bias);
        weights_free(&x);
    }
}

static void sums(void)
{
    case_rng("sums");
    const float x[] = {1, 2, 99, 3, 4, 99, 5, -6};
    double got[2] = {10, 20};
    check_status(hew_add_channel_sums(3, 2, 3, x, got), HEW_OK);
    assert_true(got[0] == 19 && got[1] == 20);
    check_status(hew_add_channel_sums(1, 2, 0, x, got), HEW_OK);
    assert_true(got[0] == 20 && got[1] == 22);
    check_refused(hew_add_channel_sums(-1, 2, 0, x, got), HEW_ERR_INVALID, "pixels = -1");
    check_refused(hew_add_channel_sums(1, 2, 1, x, got), HEW_ERR_INVALID, "stride = 1");
    check_refused(hew_add_channel_sums(INT64_MAX, 2, 0, x, got), HEW_ERR_OVERFLOW, "stride = 2");
    check_refused(hew_add_channel_sums(1, 2, 0, NULL, got), HEW_ERR_INVALID, "in is null");
    check_refused(hew_add_channel_sums(1, 2, 0, x, NULL), HEW_ERR_INVALID, "sums is null");
}

/* ----------------------------------------------------------------------------- refusals ---- */

#define D(...)                                                                                     \
    {.size = sizeof(hew_weights_desc), .out_c = 2, .in_c = 2, .type = HEW_S8, __VA_ARGS__}
#define D_OF(out, in, ...)                                                                         \
    {.size = sizeof(hew_weights_desc), .out_c = out, .in_c = in, .type = HEW_S4, __VA_ARGS__}

static void refusals(void)
{
    static const struct {
        hew_weights_desc d;
        hew_status status;
        const char *text;
    } bad[] = {
        {{.size = 7}, HEW_ERR_INVALID, "size is 7"},
        {D_OF(-1, 2, .taps = 1), HEW_ERR_INVALID, "out_c = -1"},
        {D_OF(1, -2, .taps = 1), HEW_ERR_INVALID, "in_c = -2"},
        {D(.taps = -3), HEW_ERR_INVALID, "taps = -3"},
        {D(.groups = 3), HEW_ERR_INVALID, "groups = 3"},
        {D(.taps = 9, .in_first = true), HEW_ERR_INVALID, "taps = 9"},
        {D(.k_group = -32), HEW_ERR_INVALID, "k_group = -32"},
        {D_OF(INT64_MAX, 2, .taps = 1), HEW_ERR_OVERFLOW, "9223372036854775807"},
        {D_OF(2, INT64_MAX, .taps = 2), HEW_ERR_OVERFLOW, "taps = 2"},
    };
    float w[4] = {1, 2, 3, 4}, scale[2] = {99, 99}, bias[2] = {99, 99};
    int8_t q[4] = {77, 77, 77, 77}, zero[2] = {77, 77};
    const hew_fold_norm norm = HEW_FOLD_NORM(.mean = w, .variance = w);
    size_t bytes = 99;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        case_rng("refusal %zu", i);
        const hew_weights_desc *const d = &bad[i].d;
        check_refused(hew_weights_size(d, &bytes), bad[i].status, bad[i].text);
        check_refused(hew_quantize_weights(d, w, q, scale, zero), bad[i].status, bad[i].text);
        check_refused(hew_dequantize_weights(d, q, scale, zero, w), bad[i].status, bad[i].text);
        check_refused(hew_fold_batch_norm(d, &norm, w, bias), bad[i].status, bad[i].text);
        check_refused(hew_correct_bias(d, w, q, scale, zero, w, bias), bad[i].status, bad[i].text);
    }
    case_rng("type, null");
    hew_weights_desc d = D(.asymmetric = true);
    d.type = HEW_U8;
    check_refused(hew_weights_size(&d, &bytes), HEW_ERR_UNSUPPORTED, "type is u8");
    check_refused(hew_weights_size(NULL, &bytes), HEW_ERR_INVALID, "desc is null");
    d.type = HEW_S8;
    check_refused(hew_weights_size(&d, NULL), HEW_ERR_INVALID, "bytes is null");
    check_refused(hew_quantize_weights(&d, NULL, q, scale, zero), HEW_ERR_INVALID, "w is null");
    check_refused(hew_quantize_weights(&d, w, NULL, scale, zero), HEW_ERR_INVALID, "q is null");
    check_refused(hew_quantize_weights(&d, w, q, NULL, zero), HEW_ERR_INVALID, "scale is null");
    check_refused(hew_quantize_weights(&d, w, q, scale, NULL), HEW_ERR_INVALID, "zero is null");
    check_refused(hew_dequantize_weights(&d, NULL, scale, zero, w), HEW_ERR_INVALID, "q is null");
    check_refused(hew_dequantize_weights(&d, q, NULL, zero, w), HEW_ERR_INVALID, "scale is null");
    check_refused(hew_dequantize_weights(&d, q, scale, zero, NULL), HEW_ERR_INVALID, "w is null");
    check_refused(hew_correct_bias(&d, w, q, scale, zero, NULL, bias), HEW_ERR_INVALID,
                  "mean is null");
    check_refused(hew_correct_bias(&d, w, q, scale, zero, w, NULL), HEW_ERR_INVALID,
                  "bias is null");
    w[3] = NAN;
    check_refused(hew_quantize_weights(&d, w, q, scale, zero), HEW_ERR_INVALID, "weight 3 is nan");
    assert_true(bytes == 99 && scale[0] == 99 && bias[0] == 99 && q[0] == 77 && zero[0] == 77);
}

static void norm_refusals(void)
{
    case_rng("norm");
    const hew_weights_desc d = D(.taps = 1);
    float w[4] = {1, 2, 3, 4}, bias[2] = {99, 99};
    const float bad[3][2] = {{1, -1}, {1, NAN}, {INFINITY, 1}};
    hew_fold_norm norm = HEW_FOLD_NORM(.mean = w, .variance = w);
    check_refused(hew_fold_batch_norm(&d, NULL, w, bias), HEW_ERR_INVALID, "norm is null");
    check_refused(hew_fold_batch_norm(&d, &norm, NULL, bias), HEW_ERR_INVALID, "w is null");
    check_refused(hew_fold_batch_norm(&d, &norm, w, NULL), HEW_ERR_INVALID, "bias is null");
    norm.mean = NULL;
    check_refused(hew_fold_batch_norm(&d, &norm, w, bias), HEW_ERR_INVALID, "mean is null");
    norm = HEW_FOLD_NORM(.mean = w);
    check_refused(hew_fold_batch_norm(&d, &norm, w, bias), HEW_ERR_INVALID, "variance is null");
    norm.size = 3;
    check_refused(hew_fold_batch_norm(&d, &norm, w, bias), HEW_ERR_INVALID, "size is 3");
    for (int i = 0; i < 3; i++) {
        norm = HEW_FOLD_NORM(.mean = w, .variance = bad[i]);
        check_refused(hew_fold_batch_norm(&d, &norm, w, bias), HEW_ERR_INVALID,
                      i < 2 ? "channel 1" : "channel 0");
    }
    assert_true(bias[0] == 99 && w[0] == 1);
}

int main(void)
{
    static const test tests[] = {{"shapes", shapes},     {"by_hand", by_hand},
                                 {"fold", fold},         {"correct", correct},
                                 {"sums", sums},         {"refusals", refusals},
                                 {"norm_refusals", norm_refusals}};
    return run_once("weights", TESTS(tests));
}
