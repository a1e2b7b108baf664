/* Layer and RMS norm: bit for bit against their definition, and that against double precision. */
#include "norm_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Which tensors are one. */
typedef enum alias { APART, OUT_IS_IN, OUT_IS_RESIDUAL, SUM_IS_IN, SUM_IS_RESIDUAL, ALIASES } alias;

typedef struct shape {
    hew_layer_norm_desc d;
    bool residual, sum, gamma, beta, statistics;
    alias alias;
} shape;

static layout rows_of(const hew_layer_norm_desc *d, int64_t stride)
{
    return layout_of(d->rows, stride ? stride : d->columns, d->columns);
}

static layout floats_of(int64_t n) { return layout_of(1, n, n); }

/* Everything a forward run has. */
typedef struct run {
    buffer in, residual, gamma, beta, out, sum, mean, rstd;
} run;

static hew_layer_norm_args args_of(const shape *s, run *b, const hew_threads *threads)
{
    hew_layer_norm_args a = HEW_LAYER_NORM_ARGS(.in = b->in.data, .threads = threads);
    a.residual = s->residual ? b->residual.data : NULL;
    a.gamma = s->gamma ? b->gamma.data : NULL;
    a.beta = s->beta ? b->beta.data : NULL;
    a.out = s->alias == OUT_IS_IN         ? b->in.data
            : s->alias == OUT_IS_RESIDUAL ? b->residual.data
                                          : b->out.data;
    if (s->sum)
        a.sum = s->alias == SUM_IS_IN         ? b->in.data
                : s->alias == SUM_IS_RESIDUAL ? b->residual.data
                                              : b->sum.data;
    if (s->statistics) {
        a.mean = b->mean.data;
        a.rstd = b->rstd.data;
    }
    return a;
}

static run again(const run *b, placement where)
{
    return (run){norm_again(&b->in, where),    norm_again(&b->residual, where),
                 norm_again(&b->gamma, where), norm_again(&b->beta, where),
                 norm_again(&b->out, where),   norm_again(&b->sum, where),
                 norm_again(&b->mean, where),  norm_again(&b->rstd, where)};
}

static void free_run(run *b)
{
    buffer_free(&b->in), buffer_free(&b->residual), buffer_free(&b->gamma);
    buffer_free(&b->beta), buffer_free(&b->out), buffer_free(&b->sum);
    buffer_free(&b->mean), buffer_free(&b->rstd);
}

static void check(const shape *s, rng *r, fill kind, const hew_threads *threads)
{
    const hew_layer_norm_desc *const d = &s->d;
    const placement where = (placement)rng_chance(r, 2);
    const layout in = rows_of(d, d->in_stride), out = rows_of(d, d->out_stride);
    const layout residual = rows_of(d, d->residual_stride);
    const layout columns = floats_of(d->columns), rows = floats_of(d->rows);
    run got = {norm_tensor(r, d->type, in, kind, where),
               norm_tensor(r, d->type, residual, kind, where),
               norm_tensor(r, HEW_F32, columns, FILL_MIXED, where),
               norm_tensor(r, HEW_F32, columns, kind, where),
               norm_tensor(r, d->type, out, FILL_POISON, where),
               norm_tensor(r, d->type, residual, FILL_POISON, where),
               norm_tensor(r, HEW_F32, rows, FILL_POISON, where),
               norm_tensor(r, HEW_F32, rows, FILL_POISON, where)};
    run want = again(&got, where);
    const hew_layer_norm_args a = args_of(s, &got, threads), b = args_of(s, &want, NULL);
    hew_layer_norm_ref(d, &b);
    state_save();
    const hew_status status = hew_layer_norm(d, &a);
    state_check();
    check_status(status, HEW_OK);
    check_elements("in", d->type, want.in.data, got.in.data, in);
    check_elements("residual", d->type, want.residual.data, got.residual.data, residual);
    check_elements("out", d->type, want.out.data, got.out.data, out);
    check_elements("sum", d->type, want.sum.data, got.sum.data, residual);
    check_elements("mean", HEW_F32, want.mean.data, got.mean.data, rows);
    check_elements("rstd", HEW_F32, want.rstd.data, got.rstd.data, rows);
    free_run(&got);
    free_run(&want);
}

static shape random_shape(rng *r, int i, int64_t rows, int64_t columns)
{
    shape s = {.residual = rng_chance(r, 2), .gamma = !rng_chance(r, 3), .beta = !rng_chance(r, 3),
               .statistics = rng_chance(r, 2)};
    s.sum = s.residual && rng_chance(r, 2);
    s.d = HEW_LAYER_NORM_DESC(.kind = rng_chance(r, 2) ? HEW_RMS_NORM : HEW_LAYER_NORM,
                              .type = norm_types[i % 3], .rows = rows, .columns = columns,
                              .epsilon = rng_chance(r, 2) ? 0.0f : 1e-3f);
    s.d.in_stride = norm_stride(r, columns);
    s.d.out_stride = norm_stride(r, columns);
    s.d.residual_stride = norm_stride(r, columns);
    s.alias = (alias)(rng_chance(r, 2) ? rng_between(r, 0, ALIASES - 1) : 0);
    if ((s.alias == OUT_IS_RESIDUAL && !s.residual) || (s.alias >= SUM_IS_IN && !s.sum))
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

static void long_rows(void)
{
    static const int64_t columns[] = {255, 768, 1023, 1024, 1536, 1537, 4099, 30000};
    for (int i = 0; i < 8; i++)
        for (int k = 0; k < 6; k++) {
            rng r = case_rng("%lld columns, %d", (long long)columns[i], k);
            check_random(&r, k, 5, columns[i], FILL_MIXED, no_threads());
        }
}

/* More than the cache holds, on cache lines, with a tail and in place too. */
static void past_the_cache(void)
{
#ifdef HEW_SANITIZED
    const int cases = 1;
#else
    const int cases = 4;
#endif
    for (int i = 0; i < cases; i++) {
        rng r = case_rng("%d", i);
        const hew_type type = norm_types[i % 3];
        const int64_t stride = type == HEW_F32 ? 2048 : 4096;
        const shape s = {.d = HEW_LAYER_NORM_DESC(.type = type, .rows = 260,
                                                  .columns = stride - (i % 2 ? 17 : 0),
                                                  .in_stride = stride, .out_stride = stride,
                                                  .residual_stride = stride),
                         .residual = i == 1, .sum = i == 1, .alias = i == 3 ? OUT_IS_IN : APART};
        check(&s, &r, FILL_MIXED, no_threads());
    }
}

/* One call with a residual is a sum and a call without. */
static void fused_is_two(void)
{
    enum { ROWS = 7, COLUMNS = 99, ALL = ROWS * COLUMNS };
    rng r = case_rng("fused");
    float a[ALL], b[ALL], sum[ALL], h[ALL], out[ALL], two[ALL];
    fill_f32(&r, a, ALL, FILL_MIXED);
    fill_f32(&r, b, ALL, FILL_MIXED);
    for (int kind = 0; kind < 2; kind++) {
        const hew_layer_norm_desc d = HEW_LAYER_NORM_DESC(
            .kind = (hew_layer_norm_kind)kind, .rows = ROWS, .columns = COLUMNS);
        hew_layer_norm_args x = HEW_LAYER_NORM_ARGS(.in = a, .residual = b, .sum = sum, .out = out);
        check_status(hew_layer_norm(&d, &x), HEW_OK);
        for (int i = 0; i < ALL; i++)
            h[i] = a[i] + b[i];
        x = HEW_LAYER_NORM_ARGS(.in = h, .out = two);
        check_status(hew_layer_norm(&d, &x), HEW_OK);
        check_bits("sum", h, sum, floats_of(ALL), NAN_BITS);
        check_bits("out", two, out, floats_of(ALL), NAN_BITS);
    }
}

/* Rows with a mean far larger than their spread, too. */
static void double_precision(void)
{
    enum { MOST = 2000 };
    for (int i = 0; i < 240; i++) {
        rng r = case_rng("%d", i);
        const int64_t n = rng_between(&r, 1, i % 5 ? 200 : MOST);
        const hew_layer_norm_kind kind = i / 3 % 2 ? HEW_RMS_NORM : HEW_LAYER_NORM;
        const hew_type type = norm_types[i % 3];
        const double shift = i / 6 % 3 * 500.0;
        float gamma[MOST], beta[MOST], mean, rstd;
        union {
            float f32[MOST];
            uint16_t half[MOST];
        } x, y;
        fill_f32(&r, gamma, (size_t)n, FILL_MIXED);
        fill_f32(&r, beta, (size_t)n, FILL_MIXED);
        double sum = 0, squares = 0, size = 0;
        for (size_t j = 0; j < (size_t)n; j++) {
            norm_put(type, &x, j, rng_f32(&r) + (float)shift);
            sum += norm_at(type, &x, j);
            size += fabs(norm_at(type, &x, j)) / (double)n;
        }
        const double m = kind == HEW_RMS_NORM ? 0 : sum / (double)n;
        for (size_t j = 0; j < (size_t)n; j++)
            squares += (norm_at(type, &x, j) - m) * (norm_at(type, &x, j) - m);
        const double exact = 1 / sqrt(squares / (double)n + (double)1e-5f);
        const hew_layer_norm_desc d =
            HEW_LAYER_NORM_DESC(.kind = kind, .type = type, .rows = 1, .columns = n);
        check_status(hew_layer_norm(&d, &HEW_LAYER_NORM_ARGS(.in = &x, .gamma = gamma,
                                                             .beta = beta, .out = &y,
                                                             .mean = &mean, .rstd = &rstd)),
                     HEW_OK);
        const double slack = ((double)n / 64 + 10) * 0x1p-24;
        const double off = kind == HEW_RMS_NORM ? 0 : size * exact; /* of the mean, scaled */
        if (kind == HEW_LAYER_NORM)
            norm_near("mean", 0, (double)mean, m, slack * size);
        norm_near("rstd", 0, (double)rstd, exact, slack * (1 + slack * off * off) * exact);
        for (size_t j = 0; j < (size_t)n; j++) {
            const double v = (norm_at(type, &x, j) - m) * exact;
            const double want = v * (double)gamma[j] + (double)beta[j];
            const double bound =
                slack * (off + 2 * fabs(v) + 1) * (fabs((double)gamma[j]) + 1e-3) +
                norm_epsilon(type) * fabs(want) * 1.01 + 0x1p-24 * fabs((double)beta[j]) +
                (type == HEW_F16 ? 0x1p-25 : 0);
            norm_near("out", j, norm_at(type, &y, j), want, bound);
        }
    }
}

#define D(...) {.size = sizeof(hew_layer_norm_desc), __VA_ARGS__}

static void refusals(void)
{
    static const struct {
        hew_layer_norm_desc d;
        hew_status status;
        const char *text;
    } bad[] = {
        {{.size = 7, .rows = 2, .columns = 3}, HEW_ERR_INVALID, "7"},
        {D(.kind = (hew_layer_norm_kind)2, .rows = 2, .columns = 3), HEW_ERR_INVALID, "kind 2"},
        {D(.type = HEW_S8, .rows = 2, .columns = 3), HEW_ERR_UNSUPPORTED, "s8"},
        {D(.rows = -2, .columns = 3), HEW_ERR_INVALID, "-2"},
        {D(.rows = 2, .columns = -3), HEW_ERR_INVALID, "-3"},
        {D(.rows = 2, .columns = 3, .in_stride = 2), HEW_ERR_INVALID, "in_stride"},
        {D(.rows = 2, .columns = 3, .out_stride = -9), HEW_ERR_INVALID, "-9"},
        {D(.rows = 2, .columns = 3, .residual_stride = 1), HEW_ERR_INVALID, "residual_stride"},
        {D(.rows = INT64_MAX, .columns = 2), HEW_ERR_OVERFLOW, "9223372036854775807"},
        {D(.rows = 3, .columns = 3, .out_stride = INT64_MAX / 4), HEW_ERR_OVERFLOW, "out_stride"},
        {D(.rows = 2, .columns = 3, .epsilon = -1e-5f), HEW_ERR_INVALID, "epsilon"},
        {D(.rows = 2, .columns = 3, .epsilon = NAN), HEW_ERR_INVALID, "nan"},
        {D(.rows = 2, .columns = 3, .epsilon = INFINITY), HEW_ERR_INVALID, "inf"},
    };
    float in[16] = {0}, out[16], before[16];
    poison_f32(out, 16);
    memcpy(before, out, sizeof out);
    size_t bytes = 5;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        case_rng("refusal %zu", i);
        check_refused(hew_layer_norm(&bad[i].d, &HEW_LAYER_NORM_ARGS(.in = in, .out = out)),
                      bad[i].status, bad[i].text);
        check_refused(hew_layer_norm_backward_scratch(&bad[i].d, &bytes), bad[i].status,
                      bad[i].text);
    }
    case_rng("arguments");
    const hew_layer_norm_desc d = HEW_LAYER_NORM_DESC(.rows = 2, .columns = 3, .in_stride = 4);
    const struct {
        hew_layer_norm_args a;
        const char *text;
    } arguments[] = {
        {HEW_LAYER_NORM_ARGS(.out = out), "in is null"},
        {HEW_LAYER_NORM_ARGS(.in = in), "out is null"},
        {HEW_LAYER_NORM_ARGS(.in = (char *)in + 2, .out = out), "multiple of 4"},
        {HEW_LAYER_NORM_ARGS(.in = in, .out = out, .gamma = (float *)((char *)in + 1)), "gamma"},
        {HEW_LAYER_NORM_ARGS(.in = in, .out = out, .sum = out + 8), "without a residual"},
        {HEW_LAYER_NORM_ARGS(.in = in, .residual = in, .out = out, .sum = out), "are one"},
        {HEW_LAYER_NORM_ARGS(.in = out, .out = out), "16 and 12"},
        {HEW_LAYER_NORM_ARGS(.in = in, .out = out, .threads = &(hew_threads){0}), "parallel_for"},
        {{.size = 1, .in = in, .out = out}, "size of args is 1"},
    };
    for (size_t i = 0; i < sizeof arguments / sizeof arguments[0]; i++)
        check_refused(hew_layer_norm(&d, &arguments[i].a), HEW_ERR_INVALID, arguments[i].text);
    check_refused(hew_layer_norm(NULL, &arguments[0].a), HEW_ERR_INVALID, "desc is null");
    check_refused(hew_layer_norm(&d, NULL), HEW_ERR_INVALID, "args is null");
    check_bits("out", before, out, floats_of(16), NAN_BITS);
}

static void refused_work(void)
{
    enum { ROWS = 4000, COLUMNS = 20, ALL = ROWS * COLUMNS };
    case_rng("refused work");
    static float in[ALL], out[ALL], before[ALL];
    poison_f32(out, ALL);
    memcpy(before, out, sizeof out);
    const hew_layer_norm_desc d = HEW_LAYER_NORM_DESC(.rows = ROWS, .columns = COLUMNS);
    check_refused(hew_layer_norm(&d, &HEW_LAYER_NORM_ARGS(.in = in, .out = out,
                                                          .threads = refusing())),
                  HEW_ERR_SYSTEM, "parallel_for");
    check_bits("out", before, out, floats_of(ALL), NAN_BITS);
}

int main(void)
{
    static const test tests[] = {{"lengths", lengths},
                                 {"long_rows", long_rows},
                                 {"special_floats", special_floats},
                                 {"threads", threads},
                                 {"past_the_cache", past_the_cache},
                                 {"fused_is_two", fused_is_two},
                                 {"double_precision", double_precision},
                                 {"refusals", refusals},
                                 {"refused_work", refused_work}};
    return run_on_rungs("layer_norm", HEW_FAMILY_layer_norm, TESTS(tests));
}
