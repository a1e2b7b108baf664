/* random_fill and dropout: known answers, bit for bit against the definition, cut anywhere; and
 * whether the numbers look as they should. */
#include "harness.h"
#include "ref/random.h"

#include <math.h>
#include <string.h>

/* The known answers that come with the paper's own code. */
static void known_answers(void)
{
    static const struct {
        uint32_t counter[4], key[2], want[4];
    } cases[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (int i = 0; i < 3; i++) {
        case_rng("vector %d", i);
        uint32_t got[4];
        ref_philox(cases[i].counter, cases[i].key, got);
        for (int j = 0; j < 4; j++)
            assert_int_equal(got[j], cases[i].want[j]);
    }
}

static uint64_t some_seed(rng *r) { return rng_chance(r, 4) ? 0 : rng_next(r); }
static int64_t some_offset(rng *r)
{
    if (rng_chance(r, 3))
        return 0;
    return rng_chance(r, 3) ? (int64_t)(rng_next(r) >> 2) : rng_between(r, 0, 200);
}
static hew_type some_type(rng *r) { return rng_chance(r, 3) ? HEW_BF16 : HEW_F32; }
static size_t size_of(hew_type type) { return type == HEW_F32 ? 4 : 2; }

static void check_fill(rng *r, hew_random_desc d, const hew_threads *threads)
{
    const size_t bytes = (size_t)d.n * size_of(d.type);
    const placement where = (placement)rng_chance(r, 2);
    buffer got = buffer_new(bytes, size_of(d.type), where);
    buffer want = buffer_new(bytes, size_of(d.type), where);
    state_save();
    const hew_status status = hew_random_fill(&d, got.data, threads);
    state_check();
    check_status(status, HEW_OK);
    const bool normal = d.kind == HEW_RANDOM_NORMAL;
    const bool plain = normal ? d.mean == 0 && d.deviation == 0 : d.lo == 0 && d.hi == 0;
    const float lo = plain ? 0.0f : d.lo, hi = plain ? 1.0f : d.hi;
    hew_random_fill_ref(&(hew_random_run){
        .type = d.type, .kind = d.kind, .seed = d.seed, .first = (uint64_t)d.offset,
        .n = (size_t)d.n, .out = want.data, .scale = !normal ? hi - lo : plain ? 1 : d.deviation,
        .shift = normal ? d.mean : lo, .top = normal ? INFINITY : nextafterf(hi, lo)});
    check_elements("out", d.type, want.data, got.data, layout_of(1, d.n, d.n));
    buffer_free(&got);
    buffer_free(&want);
}

static hew_random_desc some_fill(rng *r, int64_t n)
{
    hew_random_desc d = HEW_RANDOM_DESC(.type = some_type(r), .seed = some_seed(r), .n = n,
                                        .offset = some_offset(r));
    d.kind = rng_chance(r, 2) ? HEW_RANDOM_NORMAL : HEW_RANDOM_UNIFORM;
    if (rng_chance(r, 2)) {
        d.lo = rng_f32(r) * 10;
        d.hi = d.lo + 3;
        d.mean = rng_f32(r) * 10;
        d.deviation = 0.5f;
    }
    return d;
}

static void fills(void)
{
    for (int64_t n = 0; n < 400; n += n < 140 ? 1 : 37) {
        rng r = case_rng("%lld numbers", (long long)n);
        check_fill(&r, some_fill(&r, n), no_threads());
    }
}

static void threads(void)
{
    static const size_t counts[] = {1, 2, 3, 8};
    for (int i = 0; i < 8; i++) {
        const size_t count = counts[i % 4];
        const hew_threads *lent = i / 4 ? reversed_of(count) : pool_of(count);
        rng r = case_rng("threads %d", i);
        check_fill(&r, some_fill(&r, 70001), lent);
    }
}

/* A fill in two parts is the fill. */
static void cut(void)
{
    enum { N = 500 };
    float whole[N], parts[N];
    for (int64_t at = 0; at <= N; at += 13) {
        rng r = case_rng("cut at %lld", (long long)at);
        hew_random_desc d = HEW_RANDOM_DESC(.seed = some_seed(&r), .offset = 77, .n = N);
        check_status(hew_random_fill(&d, whole, NULL), HEW_OK);
        d.n = at;
        check_status(hew_random_fill(&d, parts, NULL), HEW_OK);
        d.n = N - at, d.offset = 77 + at;
        check_status(hew_random_fill(&d, parts + at, NULL), HEW_OK);
        check_bits("out", whole, parts, layout_of(1, N, N), NAN_BITS);
    }
}

/* ------------------------------------------------------------------------------ statistics ---- */

enum { MANY = 1 << 18 };
static float many[MANY];

/* The chi-square of counts in equally likely bins, as a number of standard deviations. */
static double unevenness(const int64_t *count, int bins)
{
    const double each = (double)MANY / bins;
    double sum = 0;
    for (int i = 0; i < bins; i++)
        sum += ((double)count[i] - each) * ((double)count[i] - each) / each;
    return (sum - (bins - 1)) / sqrt(2.0 * (bins - 1));
}

static void check_moments(double mean, double variance)
{
    double sum = 0, squares = 0, lagged = 0;
    for (int i = 0; i < MANY; i++) {
        const double x = (double)many[i] - mean;
        sum += x;
        squares += x * x;
        lagged += i > 0 ? x * ((double)many[i - 1] - mean) : 0;
    }
    const double deviation = sqrt(variance / MANY);
    assert_true(fabs(sum / MANY) < 4 * deviation);
    assert_true(fabs(squares / MANY - variance) < 4 * variance * sqrt(2.0 / MANY));
    assert_true(fabs(lagged / MANY) < 4 * variance / sqrt((double)MANY));
}

static void uniform_statistics(void)
{
    enum { BINS = 256 };
    for (uint64_t seed = 0; seed < 3; seed++) {
        case_rng("seed %llu", (unsigned long long)seed);
        const hew_random_desc d = HEW_RANDOM_DESC(.seed = seed, .n = MANY);
        check_status(hew_random_fill(&d, many, NULL), HEW_OK);
        int64_t count[BINS] = {0}, pairs[BINS] = {0};
        for (int i = 0; i < MANY; i++) {
            assert_true(many[i] >= 0 && many[i] < 1);
            count[(int)(many[i] * BINS)]++;
            const int next = (int)(many[(i + 16) % MANY] * 16);
            pairs[(int)(many[i] * 16) * 16 + next]++;
        }
        assert_true(fabs(unevenness(count, BINS)) < 4);
        assert_true(fabs(unevenness(pairs, BINS)) < 4);
        check_moments(0.5, 1.0 / 12);
    }
}

static void normal_statistics(void)
{
    enum { BINS = 128 };
    for (uint64_t seed = 5; seed < 8; seed++) {
        case_rng("seed %llu", (unsigned long long)seed);
        const hew_random_desc d =
            HEW_RANDOM_DESC(.kind = HEW_RANDOM_NORMAL, .seed = seed, .n = MANY);
        check_status(hew_random_fill(&d, many, NULL), HEW_OK);
        check_moments(0, 1);
        int64_t count[BINS] = {0};
        for (int i = 0; i < MANY; i++) {
            const double below = 0.5 * erfc(-(double)many[i] / sqrt(2.0));
            count[(int)fmin(below * BINS, BINS - 1)]++;
        }
        assert_true(fabs(unevenness(count, BINS)) < 4);
    }
}

/* --------------------------------------------------------------------------------- dropout ---- */

static void check_dropout(rng *r, hew_dropout_desc d, bool in_place, const hew_threads *threads)
{
    const size_t n = (size_t)d.n, bytes = n * size_of(d.type);
    const placement where = (placement)rng_chance(r, 2);
    buffer in = buffer_new(bytes, size_of(d.type), where);
    if (d.type == HEW_F32)
        fill_f32(r, in.data, n, FILL_SPECIALS);
    else
        fill_bf16(r, in.data, n, FILL_SPECIALS);
    buffer out = buffer_copy(in.data, bytes, size_of(d.type), where);
    buffer mask = buffer_new(n, 1, where);
    buffer want = buffer_new(bytes, size_of(d.type), where), want_mask = buffer_new(n, 1, where);
    hew_dropout_run run = {
        .type = d.type, .seed = d.seed, .first = (uint64_t)d.offset, .n = n, .in = in.data,
        .least = (int32_t)ceil((double)d.p * 0x1p24), .out = want.data, .mask = want_mask.data,
        .scale = d.p < 1 ? (float)(1 / (1 - (double)d.p)) : 0.0f};
    hew_dropout_ref(&run);
    const layout l = layout_of(1, d.n, d.n);
    const bool masks = rng_chance(r, 2);
    state_save();
    hew_status status = hew_dropout(&d, in_place ? out.data : in.data, out.data,
                                    masks ? mask.data : NULL, threads);
    state_check();
    check_status(status, HEW_OK);
    check_elements("out", d.type, want.data, out.data, l);
    if (masks)
        check_elements("mask", HEW_U8, want_mask.data, mask.data, l);
    /* Backward is the same of the gradient, by the seed or by the mask. */
    for (int given = 0; given <= masks; given++) {
        memcpy(out.data, in.data, bytes);
        status = hew_dropout_backward(&d, out.data, given ? mask.data : NULL, out.data, threads);
        check_status(status, HEW_OK);
        check_elements("d_in", d.type, want.data, out.data, l);
    }
    buffer_free(&in), buffer_free(&out), buffer_free(&mask);
    buffer_free(&want), buffer_free(&want_mask);
}

static void dropouts(void)
{
    static const float p[] = {0, 0.1f, 0.5f, 0.9f, 0x1p-24f, 0x1.fffffep-1f, 1};
    for (int64_t n = 0; n < 300; n += n < 140 ? 1 : 37) {
        rng r = case_rng("dropout of %lld", (long long)n);
        check_dropout(&r, HEW_DROPOUT_DESC(.type = some_type(&r), .p = p[n % 7],
                                           .seed = some_seed(&r), .offset = some_offset(&r),
                                           .n = n), rng_chance(&r, 2), no_threads());
    }
    rng r = case_rng("dropout on threads");
    check_dropout(&r, HEW_DROPOUT_DESC(.p = 0.3f, .seed = 9, .offset = 5, .n = 50001), false,
                  pool_of(3));
}

/* The part that is kept, and what it keeps of the sum. */
static void kept(void)
{
    case_rng("kept");
    for (int i = 0; i < MANY; i++)
        many[i] = 1.0f;
    const hew_dropout_desc d = HEW_DROPOUT_DESC(.p = 0.25f, .seed = 3, .n = MANY);
    check_status(hew_dropout(&d, many, many, NULL, NULL), HEW_OK);
    double sum = 0;
    for (int i = 0; i < MANY; i++)
        sum += (double)many[i];
    assert_true(fabs(sum / MANY - 1) < 4 * sqrt(0.25 / 0.75 / MANY));
}

static void refusals(void)
{
    case_rng("refusals");
    float x[4] = {1, 2, 3, 4}, y[4] = {5, 5, 5, 5};
    const hew_random_desc good = HEW_RANDOM_DESC(.n = 4);
    hew_random_desc d = good;
    check_refused(hew_random_fill(NULL, y, NULL), HEW_ERR_INVALID, "null");
    check_refused(hew_random_fill(&d, NULL, NULL), HEW_ERR_INVALID, "out is null");
    check_refused(hew_random_fill(&d, (char *)y + 2, NULL), HEW_ERR_INVALID, "aligned");
    d.n = -4;
    check_refused(hew_random_fill(&d, y, NULL), HEW_ERR_INVALID, "-4");
    d = good, d.offset = INT64_MAX;
    check_refused(hew_random_fill(&d, y, NULL), HEW_ERR_OVERFLOW, "9223372036854775807");
    d = good, d.type = HEW_F16;
    check_refused(hew_random_fill(&d, y, NULL), HEW_ERR_UNSUPPORTED, "f16");
    d = good, d.kind = (hew_random_kind)2;
    check_refused(hew_random_fill(&d, y, NULL), HEW_ERR_INVALID, "kind 2");
    d = good, d.lo = 2, d.hi = 2;
    check_refused(hew_random_fill(&d, y, NULL), HEW_ERR_INVALID, "from 2 to 2");
    d.lo = -3e38f, d.hi = 3e38f;
    check_refused(hew_random_fill(&d, y, NULL), HEW_ERR_INVALID, "from");
    d.hi = NAN;
    check_refused(hew_random_fill(&d, y, NULL), HEW_ERR_INVALID, "nan");
    d = good, d.kind = HEW_RANDOM_NORMAL, d.deviation = -1;
    check_refused(hew_random_fill(&d, y, NULL), HEW_ERR_INVALID, "deviation -1");
    d.deviation = 1, d.mean = NAN;
    check_refused(hew_random_fill(&d, y, NULL), HEW_ERR_INVALID, "nan");
    d = good, d.size = 5;
    check_refused(hew_random_fill(&d, y, NULL), HEW_ERR_INVALID, "5");
    hew_dropout_desc p = HEW_DROPOUT_DESC(.p = 1.5f, .n = 4);
    check_refused(hew_dropout(&p, x, y, NULL, NULL), HEW_ERR_INVALID, "1.5");
    p.p = NAN;
    check_refused(hew_dropout_backward(&p, x, NULL, y, NULL), HEW_ERR_INVALID, "nan");
    p.p = 0.5f;
    check_refused(hew_dropout(&p, NULL, y, NULL, NULL), HEW_ERR_INVALID, "null");
    check_refused(hew_dropout(&p, x, NULL, NULL, NULL), HEW_ERR_INVALID, "out is null");
    check_refused(hew_dropout(&p, x, y, NULL, &(hew_threads){0}), HEW_ERR_INVALID, "parallel_for");
    for (int i = 0; i < 4; i++)
        assert_true(y[i] == 5);
}

int main(void)
{
    static const test tests[] = {{"known_answers", known_answers},
                                 {"fills", fills},
                                 {"threads", threads},
                                 {"cut", cut},
                                 {"uniform_statistics", uniform_statistics},
                                 {"normal_statistics", normal_statistics},
                                 {"dropouts", dropouts},
                                 {"kept", kept},
                                 {"refusals", refusals}};
    return run_on_rungs("random", HEW_FAMILY_random_fill, TESTS(tests));
}
