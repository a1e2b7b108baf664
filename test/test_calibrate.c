/* Observers: by hand, against their definitions, and without regard to the order of batches. */
#include "calibrate.h"
#include "harness.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef struct result {
    float lo, hi, scale;
    int32_t zero;
} result;

static hew_observer *observer_of(hew_observer_kind kind, hew_type type, bool symmetric,
                                 float percentile)
{
    hew_observer *o = NULL;
    check_status(hew_observer_create(&o, &HEW_OBSERVER_DESC(.kind = kind, .type = type,
                                                            .symmetric = symmetric, .rate = 0.25f,
                                                            .percentile = percentile)),
                 HEW_OK);
    return o;
}

static result result_of(hew_observer *o)
{
    result r;
    check_status(hew_observer_result(o, &r.scale, &r.zero, &r.lo, &r.hi), HEW_OK);
    hew_observer_destroy(o);
    return r;
}

static void check_result(result want, result got)
{
    check_bits("lo, hi, scale", &want.lo, &got.lo, layout_of(1, 3, 3), NAN_BITS);
    check_elements("zero", HEW_S32, &want.zero, &got.zero, layout_of(1, 1, 1));
}

static void observe(hew_observer *o, const float *x, int64_t n)
{
    buffer copy = buffer_copy(x, (size_t)n * 4, 4, AT_BACK);
    state_save();
    const hew_status status = hew_observer_observe(o, copy.data, n);
    state_check();
    check_status(status, HEW_OK);
    buffer_free(&copy);
}

static void by_hand(void)
{
    static const float first[] = {-1, 0.5f, NAN, 1, INFINITY}, second[] = {2, -3, -INFINITY},
                       nothing[] = {NAN, -NAN, INFINITY}, positive[] = {3, 5};
    case_rng("min/max");
    hew_observer *o = observer_of(HEW_OBSERVER_MIN_MAX, HEW_U8, false, 0);
    observe(o, first, 5), observe(o, nothing, 3), observe(o, second, 3), observe(o, first, 0);
    check_result((result){-3, 2, 5.0f / 255, 153}, result_of(o));
    case_rng("moving average");
    o = observer_of(HEW_OBSERVER_MOVING_AVERAGE, HEW_S8, false, 0);
    observe(o, nothing, 3), observe(o, first, 5), observe(o, second, 3);
    check_result((result){-1.5f, 1.25f, 2.75f / 255, 11}, result_of(o));
    case_rng("symmetric");
    o = observer_of(HEW_OBSERVER_MIN_MAX, HEW_S8, true, 0);
    observe(o, second, 2);
    check_result((result){-3, 3, 3.0f / 127, 0}, result_of(o));
    case_rng("positive");
    o = observer_of(HEW_OBSERVER_MOVING_AVERAGE, HEW_U8, false, 0);
    observe(o, positive, 2);
    check_result((result){0, 5, 5.0f / 255, 0}, result_of(o));
    case_rng("at the edge of the last bin");
    o = observer_of(HEW_OBSERVER_PERCENTILE, HEW_U8, false, 100);
    observe(o, (float[]){-4, -1}, 2);
    check_result((result){-4, 0, 4.0f / 255, 255}, result_of(o));
    for (hew_observer_kind kind = HEW_OBSERVER_MIN_MAX; kind <= HEW_OBSERVER_MSE; kind++) {
        case_rng("zeros, kind %d", (int)kind);
        o = observer_of(kind, HEW_U8, false, 0);
        observe(o, (float[]){0, -0.0f, 0}, 3);
        check_result((result){0, 0, 1, 0}, result_of(o));
        case_rng("the ends of floats, kind %d", (int)kind);
        o = observer_of(kind, HEW_U8, false, 100);
        observe(o, (float[]){1e-45f, 3.4e38f, 0}, 3);
        result_of(o);
    }
}

/* Something like a layer's output: many small, a few large; none below 0 if so asked. */
static void fill_layer(rng *r, float *x, int64_t n, bool positive)
{
    for (int64_t i = 0; i < n; i++) {
        x[i] = 3;
        for (int factor = 0; factor < 5; factor++)
            x[i] *= rng_f32(r);
        if (positive && x[i] < 0)
            x[i] = 0;
    }
}

/* Batches in two orders, and cut in two ways; with one that is much larger. */
static void order(void)
{
    enum { N = 6000 };
    static float x[N];
    for (hew_observer_kind kind = HEW_OBSERVER_PERCENTILE; kind <= HEW_OBSERVER_MSE; kind++)
        for (int symmetric = 0; symmetric < 2; symmetric++) {
            rng r = case_rng("kind %d, symmetric %d", (int)kind, symmetric);
            fill_layer(&r, x, N, false);
            for (int i = 0; i < 1000; i++)
                x[i] *= 1e-20f;
            for (int i = 5000; i < N; i++)
                x[i] *= 13;
            hew_observer *one = observer_of(kind, HEW_U8, symmetric, 99);
            hew_observer *two = observer_of(kind, HEW_U8, symmetric, 99);
            for (int i = 0; i < N; i += 1000)
                observe(one, x + i, 1000);
            for (int i = N; i > 0; i -= 500)
                observe(two, x + i - 500, 500);
            check_result(result_of(one), result_of(two));
        }
}

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Not fewer elements within than asked for, and not a bin more than for that. */
static void percentile(void)
{
    enum { N = 20000 };
    static float x[N], sorted[N];
    for (int i = 0; i < 12; i++) {
        rng r = case_rng("percentile %d", i);
        const bool symmetric = i % 2, positive = i % 3 == 0;
        const float p = i < 6 ? 99 : 90;
        fill_layer(&r, x, N, positive);
        hew_observer *o = observer_of(HEW_OBSERVER_PERCENTILE, HEW_S8, symmetric, p);
        observe(o, x, N);
        const result got = result_of(o);
        for (int j = 0; j < N; j++)
            sorted[j] = symmetric ? fabsf(x[j]) : x[j];
        qsort(sorted, N, 4, by_value);
        /* All are below 4, so that a bin is no wider than this. */
        const float bin = 4.0f / 4096;
        const int rank = (int)ceil(N * (double)p / 100);
        const float hi = sorted[rank - 1], lo = sorted[N - rank];
        if (!(got.hi >= hi && got.hi <= hi + bin))
            fail_case("hi is %g, the element of rank %d is %g", (double)got.hi, rank, (double)hi);
        const float want = symmetric ? -got.hi : fminf(lo, 0);
        if (!(got.lo <= want && got.lo >= want - bin))
            fail_case("lo is %g, want %g", (double)got.lo, (double)want);
    }
}

static double squared_error(const float *x, int n, hew_type type, float scale, int32_t zero)
{
    const hew_quantize_desc d =
        HEW_QUANTIZE_DESC(.type = type, .inner = n, .scale = &scale,
                          .zero = type == HEW_S8 ? (void *)&(int8_t){(int8_t)zero}
                                                 : (void *)&(uint8_t){(uint8_t)zero});
    int8_t *q = malloc((size_t)n);
    float *y = malloc((size_t)n * 4);
    check_status(hew_quantize(&d, x, q, NULL), HEW_OK);
    check_status(hew_dequantize(&d, q, y, NULL), HEW_OK);
    double error = 0;
    for (int i = 0; i < n; i++)
        error += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
    free(q), free(y);
    return error;
}

/* The error of quantising and back is as small as any other range's, but for a few per cent. */
static void mse(void)
{
    enum { N = 20000 };
    static float x[N];
    for (int i = 0; i < 4; i++) {
        rng r = case_rng("mse %d", i);
        const bool symmetric = i % 2, positive = i / 2;
        fill_layer(&r, x, N, positive);
        hew_observer *o = observer_of(HEW_OBSERVER_MSE, HEW_S8, symmetric, 0);
        hew_observer *all = observer_of(HEW_OBSERVER_MIN_MAX, HEW_S8, symmetric, 0);
        observe(o, x, N), observe(all, x, N);
        const result got = result_of(o), whole = result_of(all);
        const double error = squared_error(x, N, HEW_S8, got.scale, got.zero);
        /* Of one sign, steps are half as wide, and clipping gains less. */
        if (error > (i == 2 ? 1.01 : 1.0) * squared_error(x, N, HEW_S8, whole.scale, whole.zero))
            fail_case("[%g, %g]: worse than all", (double)got.lo, (double)got.hi);
        if (!(got.hi < whole.hi))
            fail_case("[%g, %g] isn't clipped", (double)got.lo, (double)got.hi);
        for (int hi = 1; hi <= 15; hi++)
            for (int lo = 0; lo <= (symmetric || positive ? 0 : 15); lo++) {
                float scale;
                int32_t zero;
                hew_scale_of_range(HEW_S8, symmetric, (float)-lo / 5, (float)hi / 5, &scale, &zero);
                const double other = squared_error(x, N, HEW_S8, scale, zero);
                if (other < 0.94 * error)
                    fail_case("[%g, %g] has an error of %g, [%g, %g] of %g", (double)got.lo,
                              (double)got.hi, error, -lo / 5.0, hi / 5.0, other);
            }
    }
}

/* ------------------------------------------------------------------------------------ KL ---- */

enum { BINS = 8192, HALF = BINS / 2 };

/* The divergence of [-below, above) bins by its definition: P and Q written out and normalised. */
static double divergence(const double *bins, int below, int above, int levels)
{
    static double p[BINS], q[BINS];
    const int n = below + above;
    double p_sum = 0, q_sum = 0, kl = 0;
    memcpy(p, bins + HALF - below, (size_t)n * sizeof *p);
    for (int b = 0; b < BINS; b++) {
        p[0] += b < HALF - below ? bins[b] : 0;
        p[n - 1] += b >= HALF + above ? bins[b] : 0;
    }
    /* The first n % levels levels have a bin more. */
    for (int level = 0, b = 0; level < levels; level++) {
        const int width = n / levels + (level < n % levels);
        double sum = 0;
        int used = 0;
        for (int i = b; i < b + width; i++) {
            sum += bins[HALF - below + i];
            used += bins[HALF - below + i] > 0;
        }
        for (int i = b; i < b + width; i++)
            q[i] = bins[HALF - below + i] > 0 ? sum / used : 0;
        b += width;
    }
    for (int i = 0; i < n; i++) {
        p_sum += p[i];
        q_sum += q[i];
    }
    for (int i = 0; i < n; i++)
        if (p[i] > 0)
            kl += p[i] / p_sum * log(p[i] / p_sum / (q[i] / q_sum));
    return kl;
}

static void logarithms(void)
{
    rng r = case_rng("logarithms");
    for (int i = 0; i < 20000; i++) {
        const double x = exp((double)rng_f32(&r) * (i % 2 ? 700 : 1));
        const double want = log(x), bound = 1e-15 * fabs(want) + 1e-16;
        if (!(fabs(hew_logarithm(x) - want) <= bound))
            fail_case("log(%a) is %a, want %a", x, hew_logarithm(x), want);
    }
    assert_true(hew_logarithm(1) == 0);
}

static double largest(const float *x, int n, double sign)
{
    double most = 0;
    for (int i = 0; i < n; i++)
        most = fmax(most, sign * (double)x[i]);
    return most;
}

/* No other candidate edge, the other side staying, diverges less. */
static void kl(void)
{
    enum { N = 30000, CANDIDATES = 128 };
    static float x[N];
    static double bins[BINS];
    for (int i = 0; i < 4; i++) {
        rng r = case_rng("kl %d", i);
        const bool symmetric = i % 2, positive = i / 2;
        fill_layer(&r, x, N, positive);
        x[0] = 3; /* so that the bins are known */
        hew_observer *o = observer_of(HEW_OBSERVER_KL, HEW_U8, symmetric, 0);
        observe(o, x, N);
        const result got = result_of(o);
        const double width = 4.0 / HALF;
        memset(bins, 0, sizeof bins);
        for (int j = 0; j < N; j++)
            if (x[j] != 0)
                bins[HALF + (int)floor((double)x[j] / width)]++;
        const int levels = symmetric ? 255 : 256;
        const int above = (int)ceil((double)got.hi / width);
        const int below = (int)ceil(-(double)got.lo / width);
        const double least = divergence(bins, below, above, levels);
        if (!(got.hi < 2.5f))
            fail_case("hi is %g: hardly clipped", (double)got.hi);
        const double most[] = {largest(x, N, 1), symmetric ? 0 : largest(x, N, -1)};
        for (int side = 0; side < 2; side++) {
            const int widest = (int)floor(most[side] / width) + 1;
            const int step = (widest + CANDIDATES - 1) / CANDIDATES;
            for (int edge = widest; edge > 0 && most[side] > 0; edge -= step) {
                const int b = symmetric || side ? edge : below, a = side ? above : edge;
                if (a + b >= levels && divergence(bins, b, a, levels) < least * (1 - 1e-9))
                    fail_case("[%d, %d) diverges by %g, [%d, %d) by %g", -b, a,
                              divergence(bins, b, a, levels), -below, above, least);
            }
        }
    }
}

/* What is spread evenly isn't clipped. */
static void even(void)
{
    enum { N = 16384 };
    static float x[N];
    for (hew_observer_kind kind = HEW_OBSERVER_KL; kind <= HEW_OBSERVER_MSE; kind++)
        for (int symmetric = 0; symmetric < 2; symmetric++) {
            case_rng("kind %d, symmetric %d", (int)kind, symmetric);
            for (int i = 0; i < N; i++)
                x[i] = (float)(2 * i - N + 1) / N;
            hew_observer *o = observer_of(kind, HEW_S8, symmetric, 0);
            observe(o, x, N);
            const result got = result_of(o);
            if (!(got.hi > 0.97f && got.lo < -0.97f))
                fail_case("[%g, %g]", (double)got.lo, (double)got.hi);
        }
}

#define D(...) {.size = sizeof(hew_observer_desc), .type = HEW_U8, __VA_ARGS__}

static void refusals(void)
{
    static const struct {
        hew_observer_desc d;
        hew_status status;
        const char *text;
    } bad[] = {
        {{.size = 7, .type = HEW_U8}, HEW_ERR_INVALID, "size is 7"},
        {{.size = sizeof(hew_observer_desc)}, HEW_ERR_UNSUPPORTED, "type is f32"},
        {D(.kind = (hew_observer_kind)5), HEW_ERR_INVALID, "kind = 5"},
        {D(.rate = 1.5f), HEW_ERR_INVALID, "rate = 1.5"},
        {D(.rate = NAN), HEW_ERR_INVALID, "rate = nan"},
        {D(.percentile = 50), HEW_ERR_INVALID, "percentile = 50"},
        {D(.percentile = 101), HEW_ERR_INVALID, "percentile = 101"},
        {D(.bins = 1000), HEW_ERR_INVALID, "bins = 1000"},
        {D(.bins = 512), HEW_ERR_INVALID, "bins = 512"},
        {D(.bins = (int64_t)1 << 40), HEW_ERR_INVALID, "bins = 1099511627776"},
    };
    float scale = 99, x = 1;
    int32_t zero = 99;
    hew_observer *o = (hew_observer *)&x;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        case_rng("refusal %zu", i);
        check_refused(hew_observer_create(&o, &bad[i].d), bad[i].status, bad[i].text);
        assert_ptr_equal(o, &x);
    }
    case_rng("null, nothing, too much");
    const hew_observer_desc good = D(.kind = HEW_OBSERVER_KL);
    check_refused(hew_observer_create(NULL, &good), HEW_ERR_INVALID, "observer is null");
    check_refused(hew_observer_create(&o, NULL), HEW_ERR_INVALID, "desc is null");
    check_status(hew_observer_create(&o, &good), HEW_OK);
    check_refused(hew_observer_observe(NULL, &x, 1), HEW_ERR_INVALID, "observer is null");
    check_refused(hew_observer_observe(o, NULL, 1), HEW_ERR_INVALID, "x is null");
    check_refused(hew_observer_observe(o, &x, -1), HEW_ERR_INVALID, "n = -1");
    check_status(hew_observer_observe(o, NULL, 0), HEW_OK);
    check_status(hew_observer_observe(o, (float[]){NAN, INFINITY}, 2), HEW_OK);
    check_refused(hew_observer_result(o, &scale, &zero, NULL, NULL), HEW_ERR_INVALID,
                  "nothing finite");
    check_refused(hew_observer_result(NULL, &scale, &zero, NULL, NULL), HEW_ERR_INVALID,
                  "observer is null");
    check_refused(hew_observer_result(o, NULL, &zero, NULL, NULL), HEW_ERR_INVALID,
                  "scale is null");
    check_refused(hew_observer_result(o, &scale, NULL, NULL, NULL), HEW_ERR_INVALID,
                  "zero is null");
    assert_true(scale == 99 && zero == 99);
    check_status(hew_observer_observe(o, &x, 1), HEW_OK);
    check_status(hew_observer_result(o, &scale, &zero, NULL, NULL), HEW_OK);
    hew_observer_destroy(o);
    hew_observer_destroy(NULL);
    o = (hew_observer *)&x;
    atomic_store(&hew_malloc_fail_after, 0);
    const hew_status status = hew_observer_create(&o, &good);
    atomic_store(&hew_malloc_fail_after, -1);
    check_refused(status, HEW_ERR_NO_MEMORY, "8192 bins");
    assert_ptr_equal(o, &x);
}

int main(void)
{
    static const test tests[] = {{"by_hand", by_hand}, {"order", order}, {"percentile", percentile},
                                 {"mse", mse},         {"kl", kl},       {"even", even},
                                 {"refusals", refusals}, {"logarithms", logarithms}};
    return run_on_rungs("calibrate", HEW_FAMILY_range_f32, TESTS(tests));
}
