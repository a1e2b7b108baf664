/* Group and batch norm against double precision, their running statistics, and what they refuse. */
#include "norm_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 3000, CHANNELS = 12, ALL = MOST * CHANNELS };
static _Alignas(64) char scratch[1 << 16];

/* A tensor of [images][pixels][channels] and all that belongs to it. */
typedef struct problem {
    int64_t images, pixels, channels, groups;
    hew_type type;
    float gamma[CHANNELS], beta[CHANNELS], mean[3 * CHANNELS], rstd[3 * CHANNELS];
    float in[ALL], out[ALL], d_out[ALL], d_in[ALL], d_residual[ALL]; /* or 16 bits each */
    float d_gamma[CHANNELS], d_beta[CHANNELS], running_mean[CHANNELS], running_variance[CHANNELS];
} problem;
static problem p;

static size_t element(int64_t image, int64_t pixel, int64_t c)
{
    return (size_t)((image * p.pixels + pixel) * p.channels + c);
}
static double in_of(size_t i) { return norm_at(p.type, p.in, i); }

/* Of a group of channels of an image, in double precision; size: its largest element. */
typedef struct moments {
    double mean, variance, size;
} moments;

static moments moments_of(int64_t image, int64_t group)
{
    const int64_t width = p.channels / p.groups;
    const double count = (double)(width * p.pixels);
    moments m = {0, 0, 0};
    for (int pass = 0; pass < 2; pass++)
        for (int64_t i = 0; i < p.pixels; i++)
            for (int64_t c = group * width; c < (group + 1) * width; c++) {
                const double x = in_of(element(image, i, c));
                m.size = fmax(m.size, fabs(x));
                if (pass == 0)
                    m.mean += x / count;
                else
                    m.variance += (x - m.mean) * (x - m.mean) / count;
            }
    return m;
}

static void fill_problem(rng *r, int i, bool batch)
{
    p.images = batch ? 1 : rng_between(r, 1, 3);
    p.pixels = rng_between(r, 1, i % 4 ? 100 : MOST / p.images);
    p.groups = rng_between(r, 1, 3);
    p.channels = p.groups * rng_between(r, 1, 4);
    p.groups = batch ? p.channels : p.groups;
    p.type = norm_types[i % 3];
    const float shift = (float)(i / 3 % 3) * 400.0f;
    const size_t n = (size_t)(p.images * p.pixels * p.channels);
    for (size_t k = 0; k < n; k++) {
        norm_put(p.type, p.in, k, rng_f32(r) + shift);
        norm_put(p.type, p.d_out, k, rng_f32(r));
    }
    fill_f32(r, p.gamma, CHANNELS, FILL_MIXED);
    fill_f32(r, p.beta, CHANNELS, FILL_MIXED);
}

/* What the forward run gave, without residual and relu. */
static void check_forward(void)
{
    for (int64_t image = 0; image < p.images; image++)
        for (int64_t g = 0; g < p.groups; g++) {
            const moments m = moments_of(image, g);
            const double rstd = 1 / sqrt(m.variance + (double)1e-5f), slack = 20 * 0x1p-24;
            const size_t at = (size_t)(image * p.groups + g);
            const double off = m.size * rstd; /* a rounding of the mean, over the spread */
            norm_near("mean", at, (double)p.mean[at], m.mean, slack * m.size);
            norm_near("rstd", at, (double)p.rstd[at], rstd, slack * rstd * (1 + off));
            const int64_t width = p.channels / p.groups;
            for (int64_t i = 0; i < p.pixels; i++)
                for (int64_t c = g * width; c < (g + 1) * width; c++) {
                    const size_t k = element(image, i, c);
                    const double x = (in_of(k) - m.mean) * rstd, beta = (double)p.beta[c];
                    const double want = x * (double)p.gamma[c] + beta;
                    const double bound =
                        slack * (1 + off) * (1 + fabs(x)) *
                            (fabs((double)p.gamma[c]) + fabs(beta)) +
                        1.01 * norm_epsilon(p.type) * fabs(want) + 0x1p-25;
                    norm_near("out", k, norm_at(p.type, p.out, k), want, bound);
                }
        }
}

/* With the mean and rstd that the forward run gave, the formulas of the textbook. */
static void check_backward(bool frozen)
{
    double d_gamma[CHANNELS] = {0}, d_beta[CHANNELS] = {0}, size = 0;
    const int64_t width = p.channels / p.groups;
    for (int64_t image = 0; image < p.images; image++)
        for (int64_t g = 0; g < p.groups; g++) {
            const double rstd = (double)p.rstd[image * p.groups + g];
            const double mean = (double)p.mean[image * p.groups + g];
            double s = 0, t = 0, terms = 0;
            for (int64_t i = 0; i < p.pixels; i++)
                for (int64_t c = g * width; c < (g + 1) * width; c++) {
                    const size_t k = element(image, i, c);
                    const double x = (in_of(k) - mean) * rstd, d = norm_at(p.type, p.d_out, k);
                    d_beta[c] += d;
                    d_gamma[c] += d * x;
                    s += d * (double)p.gamma[c];
                    t += d * (double)p.gamma[c] * x;
                    terms = fmax(terms, fabs((double)p.gamma[c]) * (1 + fabs(x)) * (1 + fabs(x)));
                    size += fabs(d) * (1 + fabs(x));
                }
            const double count = (double)(p.pixels * width);
            for (int64_t i = 0; i < p.pixels; i++)
                for (int64_t c = g * width; c < (g + 1) * width; c++) {
                    const size_t k = element(image, i, c);
                    const double x = (in_of(k) - mean) * rstd;
                    const double d = norm_at(p.type, p.d_out, k) * (double)p.gamma[c];
                    const double want = frozen ? d * rstd : rstd * (d - (s + x * t) / count);
                    norm_near("d_in", k, norm_at(p.type, p.d_in, k), want,
                              20 * 0x1p-24 * terms * rstd +
                                  1.01 * norm_epsilon(p.type) * fabs(want) + 0x1p-25);
                }
        }
    for (int64_t c = 0; c < p.channels; c++) {
        norm_near("d_gamma", (size_t)c, (double)p.d_gamma[c], d_gamma[c], 40 * 0x1p-24 * size);
        norm_near("d_beta", (size_t)c, (double)p.d_beta[c], d_beta[c], 40 * 0x1p-24 * size);
    }
}

static hew_norm_backward_args backward_args(void)
{
    return HEW_NORM_BACKWARD_ARGS(.in = p.in, .out = p.out, .d_out = p.d_out, .gamma = p.gamma,
                                  .mean = p.mean, .rstd = p.rstd, .d_in = p.d_in,
                                  .d_gamma = p.d_gamma, .d_beta = p.d_beta, .scratch = scratch);
}

static void group_exact(void)
{
    for (int i = 0; i < 120; i++) {
        rng r = case_rng("%d", i);
        fill_problem(&r, i, false);
        const hew_group_norm_desc d = HEW_GROUP_NORM_DESC(
            .type = p.type, .batch = p.images, .pixels = p.pixels, .channels = p.channels,
            .groups = p.groups);
        size_t bytes;
        check_status(hew_group_norm_scratch(&d, 1, &bytes), HEW_OK);
        if (bytes > sizeof scratch)
            fail_case("%zu bytes of scratch", bytes);
        check_status(hew_group_norm(&d, &HEW_GROUP_NORM_ARGS(
                                            .in = p.in, .gamma = p.gamma, .beta = p.beta,
                                            .out = p.out, .mean = p.mean, .rstd = p.rstd,
                                            .scratch = scratch)),
                     HEW_OK);
        check_forward();
        const hew_norm_backward_args a = backward_args();
        check_status(hew_group_norm_backward(&d, &a), HEW_OK);
        check_backward(false);
    }
}

/* Training, then frozen with what the training left. */
static void batch_exact(void)
{
    for (int i = 0; i < 120; i++) {
        rng r = case_rng("%d", i);
        fill_problem(&r, i, true);
        hew_batch_norm_desc d = HEW_BATCH_NORM_DESC(
            .type = p.type, .training = true, .pixels = p.pixels, .channels = p.channels,
            .momentum = i % 2 ? 1.0f : 0.0f, .unbiased = i / 2 % 2 != 0);
        for (int64_t c = 0; c < p.channels; c++)
            p.running_mean[c] = 3, p.running_variance[c] = 5;
        hew_batch_norm_args a =
            HEW_BATCH_NORM_ARGS(.in = p.in, .gamma = p.gamma, .beta = p.beta, .out = p.out,
                                .running_mean = p.running_mean, .mean = p.mean, .rstd = p.rstd,
                                .running_variance = p.running_variance, .scratch = scratch);
        check_status(hew_batch_norm(&d, &a), HEW_OK);
        check_forward();
        for (int64_t c = 0; c < p.channels; c++) {
            const moments m = moments_of(0, c);
            const double count = (double)p.pixels, share = i % 2 ? 1 : (double)0.1f;
            const double v =
                d.unbiased && p.pixels > 1 ? m.variance * count / (count - 1) : m.variance;
            norm_near("running_mean", (size_t)c, (double)p.running_mean[c],
                      3 * (1 - share) + share * m.mean, 1e-5 * (1 + m.size));
            norm_near("running_variance", (size_t)c, (double)p.running_variance[c],
                      5 * (1 - share) + share * v, 1e-5 * (1 + v) + 1e-6 * m.size);
        }
        hew_norm_backward_args b = backward_args();
        check_status(hew_batch_norm_backward(&d, &b), HEW_OK);
        check_backward(false);
        if (i % 2 == 0 || d.unbiased)
            continue;
        d.training = false; /* running statistics are the batch's own now */
        memset(p.mean, 0, sizeof p.mean);
        check_status(hew_batch_norm(&d, &a), HEW_OK);
        check_forward();
        check_status(hew_batch_norm_backward(&d, &b), HEW_OK);
        check_backward(true);
    }
}

/* With a residual and relu: gradients stop where out isn't positive, and go to both tensors. */
static void fused(void)
{
    enum { N = 64 };
    case_rng("fused");
    float in[N], residual[N], out[N], d_out[N], d_in[N], d_residual[N], one = 1, zero = 0;
    for (int i = 0; i < N; i++) {
        in[i] = (float)(i - 20), residual[i] = (float)(i % 3 - 30), d_out[i] = (float)(i + 1);
    }
    out[0] = 0;
    const hew_batch_norm_desc d =
        HEW_BATCH_NORM_DESC(.pixels = N, .channels = 1, .epsilon = 3.0f, .relu = true);
    float mean = -1, rstd = -1;
    check_status(hew_batch_norm(&d, &HEW_BATCH_NORM_ARGS(
                                        .in = in, .residual = residual, .out = out,
                                        .running_mean = &zero, .running_variance = &one,
                                        .mean = &mean, .rstd = &rstd, .scratch = scratch)),
                 HEW_OK);
    if (mean != 0.0f || rstd != 0.5f)
        fail_case("mean %g, rstd %g", (double)mean, (double)rstd);
    check_status(hew_batch_norm_backward(&d, &HEW_NORM_BACKWARD_ARGS(
                                                 .out = out, .d_out = d_out, .rstd = &rstd,
                                                 .d_in = d_in, .d_residual = d_residual,
                                                 .scratch = scratch)),
                 HEW_OK);
    for (int i = 0; i < N; i++) {
        const float y = in[i] * 0.5f + residual[i], g = y > 0 ? d_out[i] : 0.0f;
        if (out[i] != (y > 0 ? y : 0.0f) || d_residual[i] != g || d_in[i] != g * 0.5f)
            fail_case("element %d: out %g, d_residual %g, d_in %g", i, (double)out[i],
                      (double)d_residual[i], (double)d_in[i]);
    }
}

#define G(...) {.size = sizeof(hew_group_norm_desc), __VA_ARGS__}
#define B(...) {.size = sizeof(hew_batch_norm_desc), __VA_ARGS__}

static void bad_descriptors(void)
{
    static const struct {
        hew_group_norm_desc d;
        hew_status status;
        const char *text;
    } group[] = {
        {{.size = 5}, HEW_ERR_INVALID, "size of desc is 5"},
        {G(.type = HEW_U8, .pixels = 1, .channels = 1), HEW_ERR_UNSUPPORTED, "u8"},
        {G(.batch = -2, .pixels = 1, .channels = 1), HEW_ERR_INVALID, "-2"},
        {G(.pixels = -1, .channels = 1), HEW_ERR_INVALID, "pixels = -1"},
        {G(.pixels = 1, .channels = -7), HEW_ERR_INVALID, "channels = -7"},
        {G(.pixels = 1, .channels = 6, .groups = 4), HEW_ERR_INVALID, "6 channels in 4"},
        {G(.pixels = 1, .channels = 6, .groups = -1), HEW_ERR_INVALID, "in -1"},
        {G(.pixels = 2, .channels = 6, .in_stride = 5), HEW_ERR_INVALID, "in_stride"},
        {G(.pixels = 2, .channels = 6, .out_stride = 5), HEW_ERR_INVALID, "out_stride"},
        {G(.pixels = 2, .channels = 6, .residual_stride = 5), HEW_ERR_INVALID, "residual_stride"},
        {G(.batch = 1 << 30, .pixels = INT64_MAX / 2, .channels = 6), HEW_ERR_OVERFLOW, "pixels"},
        {G(.pixels = INT64_MAX / 8, .channels = 6), HEW_ERR_OVERFLOW, "rows"},
        {G(.pixels = 1, .channels = 1, .epsilon = -1), HEW_ERR_INVALID, "epsilon"},
    };
    static const struct {
        hew_batch_norm_desc d;
        const char *text;
    } batch[] = {
        {{.size = 5}, "size of desc is 5"},
        {B(.pixels = 1, .channels = 1, .momentum = -0.1f), "momentum"},
        {B(.pixels = 1, .channels = 1, .momentum = 1.5f), "momentum"},
        {B(.pixels = 1, .channels = 1, .momentum = NAN), "nan"},
        {B(.pixels = -1, .channels = 1), "pixels = -1"},
    };
    size_t bytes = 3;
    for (size_t i = 0; i < sizeof group / sizeof group[0]; i++) {
        case_rng("group %zu", i);
        check_refused(hew_group_norm_scratch(&group[i].d, 1, &bytes), group[i].status,
                      group[i].text);
        check_refused(hew_group_norm(&group[i].d, &HEW_GROUP_NORM_ARGS(0)), group[i].status,
                      group[i].text);
        check_refused(hew_group_norm_backward(&group[i].d, &HEW_NORM_BACKWARD_ARGS(0)),
                      group[i].status, group[i].text);
    }
    for (size_t i = 0; i < sizeof batch / sizeof batch[0]; i++) {
        case_rng("batch %zu", i);
        check_refused(hew_batch_norm_scratch(&batch[i].d, 1, &bytes), HEW_ERR_INVALID,
                      batch[i].text);
        check_refused(hew_batch_norm(&batch[i].d, &HEW_BATCH_NORM_ARGS(0)), HEW_ERR_INVALID,
                      batch[i].text);
        check_refused(hew_batch_norm_backward(&batch[i].d, &HEW_NORM_BACKWARD_ARGS(0)),
                      HEW_ERR_INVALID, batch[i].text);
    }
    if (bytes != 3)
        fail_case("a refusal has written");
}

/* One argument after the other made wrong. */
#define REFUSED(call, args, field, value, text)                                                    \
    do {                                                                                           \
        void *const was = (void *)(uintptr_t)args.field;                                           \
        args.field = (value);                                                                      \
        check_refused(call(&d, &args), HEW_ERR_INVALID, text);                                     \
        args.field = was;                                                                          \
    } while (0)

static void bad_arguments(void)
{
    case_rng("arguments");
    float in[12] = {0}, out[12], before[12];
    poison_f32(out, 12);
    memcpy(before, out, sizeof out);
    const hew_batch_norm_desc d =
        HEW_BATCH_NORM_DESC(.pixels = 3, .channels = 3, .in_stride = 4, .relu = true);
    hew_batch_norm_args a = HEW_BATCH_NORM_ARGS(.in = in, .out = out, .running_mean = in,
                                                .running_variance = in, .scratch = scratch);
    REFUSED(hew_batch_norm, a, in, NULL, "in is null");
    REFUSED(hew_batch_norm, a, out, NULL, "out is null");
    REFUSED(hew_batch_norm, a, running_mean, NULL, "running_mean is null");
    REFUSED(hew_batch_norm, a, running_variance, NULL, "running_variance is null");
    REFUSED(hew_batch_norm, a, scratch, NULL, "scratch is null");
    REFUSED(hew_batch_norm, a, scratch, scratch + 8, "multiple of 64");
    REFUSED(hew_batch_norm, a, gamma, (float *)((char *)in + 2), "gamma");
    REFUSED(hew_batch_norm, a, in, out, "16 and 12");
    REFUSED(hew_batch_norm, a, threads, &(hew_threads){0}, "parallel_for");
    hew_norm_backward_args b =
        HEW_NORM_BACKWARD_ARGS(.in = in, .out = in, .d_out = in, .mean = in, .rstd = in,
                               .d_in = out, .d_gamma = out, .scratch = scratch);
    REFUSED(hew_batch_norm_backward, b, in, NULL, "in is null");
    REFUSED(hew_batch_norm_backward, b, out, NULL, "out is null");
    REFUSED(hew_batch_norm_backward, b, d_out, NULL, "d_out is null");
    REFUSED(hew_batch_norm_backward, b, mean, NULL, "mean is null");
    REFUSED(hew_batch_norm_backward, b, rstd, NULL, "rstd is null");
    REFUSED(hew_batch_norm_backward, b, d_in, NULL, "d_in is null");
    REFUSED(hew_batch_norm_backward, b, d_residual, out, "are one");
    REFUSED(hew_batch_norm_backward, b, d_out, out, "16 and 12");
    REFUSED(hew_batch_norm_backward, b, scratch, NULL, "scratch is null");
    check_refused(hew_batch_norm(NULL, &a), HEW_ERR_INVALID, "desc is null");
    check_refused(hew_batch_norm(&d, NULL), HEW_ERR_INVALID, "args is null");
    check_refused(hew_batch_norm_backward(&d, NULL), HEW_ERR_INVALID, "args is null");
    check_refused(hew_batch_norm_scratch(&d, 1, NULL), HEW_ERR_INVALID, "bytes is null");
    check_bits("out", before, out, layout_of(1, 12, 12), NAN_BITS);
}

/* A pool that refuses: the status comes through and nothing is written. */
static void refused_work(void)
{
    case_rng("refused work");
    float before[64], mean[64];
    poison_f32(before, 64), poison_f32(mean, 64);
    poison_f32(p.out, ALL);
    const hew_group_norm_desc d = HEW_GROUP_NORM_DESC(.pixels = MOST, .channels = CHANNELS);
    check_refused(hew_group_norm(&d, &HEW_GROUP_NORM_ARGS(.in = p.in, .out = p.out, .mean = mean,
                                                          .scratch = scratch,
                                                          .threads = refusing())),
                  HEW_ERR_SYSTEM, "parallel_for");
    check_bits("mean", before, mean, layout_of(1, 64, 64), NAN_BITS);
    check_bits("out", before, p.out, layout_of(1, 64, 64), NAN_BITS);
}

int main(void)
{
    static const test tests[] = {{"group_exact", group_exact},
                                 {"batch_exact", batch_exact},
                                 {"fused", fused},
                                 {"bad_descriptors", bad_descriptors},
                                 {"bad_arguments", bad_arguments},
                                 {"refused_work", refused_work}};
    return run_on_rungs("group_norm", HEW_FAMILY_channel_norm, TESTS(tests));
}
