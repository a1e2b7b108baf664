/* Gradients of layer and RMS norm: against their definition, and that against double precision. */
#include "norm_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum alias { APART, IS_D_OUT, IS_D_SUM, ALIASES } alias;

typedef struct shape {
    hew_layer_norm_desc d;
    bool gamma, d_sum, d_gamma, d_beta;
    alias alias; /* what d_in is */
} shape;

static layout rows_of(const hew_layer_norm_desc *d, int64_t stride)
{
    return layout_of(d->rows, stride ? stride : d->columns, d->columns);
}

static layout floats_of(int64_t n) { return layout_of(1, n, n); }

typedef struct run {
    buffer in, d_out, d_sum, gamma, mean, rstd, d_in, d_gamma, d_beta, scratch;
} run;

static hew_layer_norm_backward_args args_of(const shape *s, run *b, const hew_threads *threads)
{
    return HEW_LAYER_NORM_BACKWARD_ARGS(
            .in = b->in.data, .d_out = b->d_out.data, .d_sum = s->d_sum ? b->d_sum.data : NULL,
            .gamma = s->gamma ? b->gamma.data : NULL,
            .mean = s->d.kind == HEW_RMS_NORM ? NULL : b->mean.data, .rstd = b->rstd.data,
            .d_in = s->alias == IS_D_OUT   ? b->d_out.data
                    : s->alias == IS_D_SUM ? b->d_sum.data
                                           : b->d_in.data,
            .d_gamma = s->d_gamma ? b->d_gamma.data : NULL,
            .d_beta = s->d_beta ? b->d_beta.data : NULL, .scratch = b->scratch.data,
            .threads = threads);
}

static run again(const run *b, placement where)
{
    return (run){norm_again(&b->in, where),      norm_again(&b->d_out, where),
                 norm_again(&b->d_sum, where),   norm_again(&b->gamma, where),
                 norm_again(&b->mean, where),    norm_again(&b->rstd, where),
                 norm_again(&b->d_in, where),    norm_again(&b->d_gamma, where),
                 norm_again(&b->d_beta, where),  norm_again(&b->scratch, where)};
}

static void free_run(run *b)
{
    buffer_free(&b->in), buffer_free(&b->d_out), buffer_free(&b->d_sum), buffer_free(&b->gamma);
    buffer_free(&b->mean), buffer_free(&b->rstd), buffer_free(&b->d_in);
    buffer_free(&b->d_gamma), buffer_free(&b->d_beta), buffer_free(&b->scratch);
}

static void check(const shape *s, rng *r, fill kind, const hew_threads *threads)
{
    const hew_layer_norm_desc *const d = &s->d;
    const placement where = (placement)rng_chance(r, 2);
    const layout in = rows_of(d, d->in_stride), out = rows_of(d, d->out_stride);
    const layout sum = rows_of(d, d->residual_stride);
    const layout columns = floats_of(d->columns), rows = floats_of(d->rows);
    size_t scratch;
    check_status(hew_layer_norm_backward_scratch(d, &scratch), HEW_OK);
    run got = {norm_tensor(r, d->type, in, kind, where),
               norm_tensor(r, d->type, out, kind, where),
               norm_tensor(r, d->type, sum, kind, where),
               norm_tensor(r, HEW_F32, columns, FILL_MIXED, where),
               norm_tensor(r, HEW_F32, rows, FILL_MIXED, where),
               norm_tensor(r, HEW_F32, rows, FILL_MIXED, where),
               norm_tensor(r, d->type, in, FILL_POISON, where),
               norm_tensor(r, HEW_F32, columns, FILL_POISON, where),
               norm_tensor(r, HEW_F32, columns, FILL_POISON, where),
               buffer_new(scratch, HEW_ALIGNMENT, where)};
    run want = again(&got, where);
    const hew_layer_norm_backward_args a = args_of(s, &got, threads), b = args_of(s, &want, NULL);
    hew_layer_norm_backward_ref(d, &b);
    state_save();
    const hew_status status = hew_layer_norm_backward(d, &a);
    state_check();
    check_status(status, HEW_OK);
    check_elements("in", d->type, want.in.data, got.in.data, in);
    check_elements("d_out", d->type, want.d_out.data, got.d_out.data, out);
    check_elements("d_sum", d->type, want.d_sum.data, got.d_sum.data, sum);
    check_elements("d_in", d->type, want.d_in.data, got.d_in.data, in);
    check_elements("d_gamma", HEW_F32, want.d_gamma.data, got.d_gamma.data, columns);
    check_elements("d_beta", HEW_F32, want.d_beta.data, got.d_beta.data, columns);
    free_run(&got);
    free_run(&want);
}

static shape random_shape(rng *r, int i, int64_t rows, int64_t columns)
{
    shape s = {.gamma = !rng_chance(r, 3), .d_sum = rng_chance(r, 2), .d_gamma = !rng_chance(r, 4),
               .d_beta = !rng_chance(r, 4)};
    s.d = HEW_LAYER_NORM_DESC(.kind = rng_chance(r, 2) ? HEW_RMS_NORM : HEW_LAYER_NORM,
                              .type = norm_types[i % 3], .rows = rows, .columns = columns);
    s.d.in_stride = norm_stride(r, columns);
    s.d.out_stride = norm_stride(r, columns);
    s.d.residual_stride = norm_stride(r, columns);
    s.alias = (alias)(rng_chance(r, 2) ? rng_between(r, 0, ALIASES - 1) : 0);
    if (s.alias == IS_D_SUM && !s.d_sum)
        s.alias = APART;
    if (s.alias != APART)
        s.d.in_stride = s.d.out_stride = s.d.residual_stride;
    return s;
}

static void check_random(rng *r, int i, int64_t rows, int64_t columns, fill kind,
                         const hew_threads *threads)
{
    const shape s = random_shape(r, i, rows, columns);
    check(&s, r, kind, threads);
}

static void lengths(void) { norm_lengths(check_random); }
static void special_floats(void) { norm_special_floats(check_random); }
static void threads(void) { norm_threads(check_random); }

/* About the block of rows, and columns on both sides of where rows go one by one. */
static void blocks_of_rows(void)
{
    static const int64_t rows[] = {63, 64, 65, 130}, columns[] = {30, 1023, 1025};
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 9; k++) {
            rng r = case_rng("%lld rows, %d", (long long)rows[i], k);
            check_random(&r, k, rows[i], columns[k / 3], FILL_MIXED, no_threads());
        }
}

enum { ROWS = 150, COLUMNS = 70, ALL = ROWS * COLUMNS };

/* The loss sum(w * out) in double precision, for gradients by differences. */
static double loss(hew_layer_norm_kind kind, const double *x, const float *gamma, const float *beta,
                   const float *w)
{
    double sum = 0, mean = 0, squares = 0;
    for (int j = 0; j < COLUMNS && kind == HEW_LAYER_NORM; j++)
        mean += x[j] / COLUMNS;
    for (int j = 0; j < COLUMNS; j++)
        squares += (x[j] - mean) * (x[j] - mean) / COLUMNS;
    for (int j = 0; j < COLUMNS; j++)
        sum += (double)w[j] * ((x[j] - mean) / sqrt(squares + (double)1e-5f) * (double)gamma[j] +
                               (double)beta[j]);
    return sum;
}

/* d_in against differences of the loss, d_gamma and d_beta against sums in double precision. */
static void check_gradients(hew_layer_norm_kind kind)
{
    static float in[ALL], out[ALL], d_out[ALL], d_in[ALL];
    float gamma[COLUMNS], beta[COLUMNS], d_gamma[COLUMNS], d_beta[COLUMNS], mean[ROWS], rstd[ROWS];
    static _Alignas(64) char scratch[3 * 2 * 4 * COLUMNS];
    rng r = case_rng("kind %d", (int)kind);
    fill_f32(&r, in, ALL, FILL_MIXED);
    fill_f32(&r, d_out, ALL, FILL_MIXED);
    fill_f32(&r, gamma, COLUMNS, FILL_MIXED);
    fill_f32(&r, beta, COLUMNS, FILL_MIXED);
    const hew_layer_norm_desc d =
        HEW_LAYER_NORM_DESC(.kind = kind, .rows = ROWS, .columns = COLUMNS);
    check_status(hew_layer_norm(&d, &HEW_LAYER_NORM_ARGS(.in = in, .gamma = gamma, .beta = beta,
                                                         .out = out, .mean = mean, .rstd = rstd)),
                 HEW_OK);
    size_t bytes;
    check_status(hew_layer_norm_backward_scratch(&d, &bytes), HEW_OK);
    if (bytes > sizeof scratch)
        fail_case("%zu bytes of scratch", bytes);
    check_status(hew_layer_norm_backward(&d, &HEW_LAYER_NORM_BACKWARD_ARGS(
                     .in = in, .d_out = d_out, .gamma = gamma, .mean = mean, .rstd = rstd,
                     .d_in = d_in, .d_gamma = d_gamma, .d_beta = d_beta, .scratch = scratch)),
                 HEW_OK);
    for (int i = 0; i < ROWS; i++) {
        double x[COLUMNS], most = 1;
        for (int j = 0; j < COLUMNS; j++) {
            x[j] = (double)in[i * COLUMNS + j];
            most = fmax(most, fabs((double)d_out[i * COLUMNS + j] * (double)gamma[j]));
        }
        for (int j = 0; j < COLUMNS; j++) {
            const double at = x[j], step = 1e-5;
            x[j] = at + step;
            const double more = loss(kind, x, gamma, beta, d_out + i * COLUMNS);
            x[j] = at - step;
            const double less = loss(kind, x, gamma, beta, d_out + i * COLUMNS);
            x[j] = at;
            norm_near("d_in", (size_t)(i * COLUMNS + j), (double)d_in[i * COLUMNS + j],
                      (more - less) / (2 * step), 8e-6 * most * (1 + (double)rstd[i]));
        }
    }
    for (int j = 0; j < COLUMNS; j++) {
        double sum = 0, product = 0, size = 0;
        for (int i = 0; i < ROWS; i++) {
            const double g = (double)d_out[i * COLUMNS + j];
            const double m = kind == HEW_RMS_NORM ? 0 : (double)mean[i];
            const double x = ((double)in[i * COLUMNS + j] - m) * (double)rstd[i];
            sum += g;
            product += g * x;
            size += fabs(g) * (1 + fabs(x));
        }
        norm_near("d_beta", (size_t)j, (double)d_beta[j], sum, 64 * 0x1p-24 * size);
        norm_near("d_gamma", (size_t)j, (double)d_gamma[j], product, 68 * 0x1p-24 * size);
    }
}

static void double_precision(void)
{
    check_gradients(HEW_LAYER_NORM);
    check_gradients(HEW_RMS_NORM);
}

static void refusals(void)
{
    case_rng("refusals");
    float in[8] = {0}, out[8], mean[2] = {0}, before[8];
    _Alignas(64) char scratch[128];
    poison_f32(out, 8);
    memcpy(before, out, sizeof out);
    const hew_layer_norm_desc d = HEW_LAYER_NORM_DESC(.rows = 2, .columns = 3, .in_stride = 4);
    const hew_layer_norm_backward_args good =
        HEW_LAYER_NORM_BACKWARD_ARGS(.in = in, .d_out = in, .mean = mean, .rstd = mean, .d_in = out,
                                     .scratch = scratch);
#define REFUSED(field, value, text)                                                                \
    do {                                                                                           \
        hew_layer_norm_backward_args a = good;                                                     \
        a.field = (value);                                                                         \
        check_refused(hew_layer_norm_backward(&d, &a), HEW_ERR_INVALID, text);                     \
    } while (0)
    REFUSED(size, 3, "size of args is 3");
    REFUSED(in, NULL, "in is null");
    REFUSED(d_out, NULL, "d_out is null");
    REFUSED(mean, NULL, "mean is null");
    REFUSED(rstd, NULL, "rstd is null");
    REFUSED(d_in, NULL, "d_in is null");
    REFUSED(scratch, NULL, "scratch is null");
    REFUSED(scratch, scratch + 32, "multiple of 64");
    REFUSED(d_gamma, (float *)(scratch + 2), "d_gamma");
    REFUSED(d_out, out, "16 and 12");
    REFUSED(d_sum, out, "16 and 12");
    REFUSED(threads, &(hew_threads){0}, "parallel_for");
    check_refused(hew_layer_norm_backward(NULL, &good), HEW_ERR_INVALID, "desc is null");
    check_refused(hew_layer_norm_backward(&d, NULL), HEW_ERR_INVALID, "args is null");
    check_refused(hew_layer_norm_backward_scratch(&d, NULL), HEW_ERR_INVALID, "bytes is null");
    check_bits("out", before, out, floats_of(8), NAN_BITS);
}

int main(void)
{
    static const test tests[] = {{"lengths", lengths},
                                 {"blocks_of_rows", blocks_of_rows},
                                 {"special_floats", special_floats},
                                 {"threads", threads},
                                 {"double_precision", double_precision},
                                 {"refusals", refusals}};
    return run_on_rungs("layer_norm_backward", HEW_FAMILY_layer_norm_backward, TESTS(tests));
}
