/* reduce: its corners, places of extremes, reductions of nothing, and what is refused. */
#include "harness.h"

#include <math.h>
#include <string.h>

static float reduce_three(hew_reduce_op op, float a, float b, float c)
{
    const float x[3] = {a, b, c};
    float y = 77;
    const hew_reduce_desc d = HEW_REDUCE_DESC(.op = op, .in = {.rank = 1, .extent = {3}},
                                              .out = {.rank = 1, .extent = {1}});
    check_status(hew_reduce(&d, x, &y, NULL), HEW_OK);
    return y;
}

static void check_three(hew_reduce_op op, float a, float b, float c, float want)
{
    const float got = reduce_three(op, a, b, c);
    check_bits("result", &want, &got, layout_of(1, 1, 1), NAN_BITS);
}

static void corners(void)
{
    const float inf = INFINITY;
    case_rng("corners");
    check_three(HEW_REDUCE_SUM, -0.0f, -0.0f, -0.0f, 0.0f);
    check_three(HEW_REDUCE_SUM, inf, 1, -inf, NAN);
    check_three(HEW_REDUCE_SUM, -NAN, 1, 2, NAN);
    check_three(HEW_REDUCE_MEAN, 1, 2, 6, 3);
    check_three(HEW_REDUCE_PROD, 2, 3, -4, -24);
    check_three(HEW_REDUCE_MIN, -0.0f, -0.0f, 3, 0.0f);
    check_three(HEW_REDUCE_MIN, 5, -inf, NAN, NAN);
    check_three(HEW_REDUCE_MAX, -inf, -inf, -inf, -inf);
    check_three(HEW_REDUCE_MAX, -NAN, 1, inf, NAN);
    check_three(HEW_REDUCE_L1, -1, 2, -3, 6);
    check_three(HEW_REDUCE_L2, 2, 3, -6, 7);
    check_three(HEW_REDUCE_L2, 3e38f, 0, 0, inf);
    check_three(HEW_REDUCE_SUM_SQUARE, 2, 3, -6, 49);
    check_three(HEW_REDUCE_LOG_SUM, 1, -2, 1, -inf);
    check_three(HEW_REDUCE_LOG_SUM, 1, -3, 1, NAN);
    check_three(HEW_REDUCE_LOG_SUM, inf, 1, 1, inf);
    check_three(HEW_REDUCE_LOG_SUM_EXP, -inf, -inf, -inf, -inf);
    check_three(HEW_REDUCE_LOG_SUM_EXP, inf, 1, inf, inf);
    check_three(HEW_REDUCE_LOG_SUM_EXP, inf, NAN, 1, NAN);
    check_three(HEW_REDUCE_LOG_SUM_EXP, 3e38f, 0, -inf, 3e38f);
    const float tiny = reduce_three(HEW_REDUCE_LOG_SUM, 0x1p-149f, 0, 0);
    assert_true(fabs((double)tiny - log(0x1p-149)) < 1e-5);
}

static void arg_of(const char *what, hew_reduce_op op, bool last, const float x[4], int64_t want)
{
    case_rng("%s", what);
    for (int across = 0; across < 2; across++) {
        int64_t y[2] = {-1, -1};
        float twice[8];
        for (int i = 0; i < 8; i++)
            twice[i] = x[across ? i / 2 : i % 4];
        const hew_reduce_desc d = HEW_REDUCE_DESC(
            .op = op, .last_index = last,
            .in = {.rank = 2, .extent = {across ? 4 : 2, across ? 2 : 4}},
            .out = {.type = HEW_S64, .rank = 2, .extent = {across ? 1 : 2, across ? 2 : 1}});
        check_status(hew_reduce(&d, twice, y, NULL), HEW_OK);
        assert_int_equal(y[0], want);
        assert_int_equal(y[1], want);
    }
}

static void places(void)
{
    const float inf = INFINITY;
    arg_of("first", HEW_REDUCE_ARGMAX, false, (float[]){1, 5, 5, 2}, 1);
    arg_of("last", HEW_REDUCE_ARGMAX, true, (float[]){1, 5, 5, 2}, 2);
    arg_of("first least", HEW_REDUCE_ARGMIN, false, (float[]){7, 3, 4, 3}, 1);
    arg_of("last least", HEW_REDUCE_ARGMIN, true, (float[]){7, 3, 4, 3}, 3);
    arg_of("zeros", HEW_REDUCE_ARGMAX, false, (float[]){-1, -0.0f, 0.0f, -2}, 1);
    arg_of("last zero", HEW_REDUCE_ARGMIN, true, (float[]){0.0f, -0.0f, 1, 2}, 1);
    arg_of("NaN", HEW_REDUCE_ARGMAX, false, (float[]){inf, NAN, -NAN, 2}, 1);
    arg_of("last NaN", HEW_REDUCE_ARGMIN, true, (float[]){-inf, NAN, -NAN, 2}, 2);
    arg_of("-inf", HEW_REDUCE_ARGMAX, false, (float[]){-inf, -inf, -inf, -inf}, 0);
    arg_of("last inf", HEW_REDUCE_ARGMIN, true, (float[]){inf, inf, inf, inf}, 3);
}

static void nothing(void)
{
    static const struct {
        hew_reduce_op op;
        float want;
    } cases[] = {{HEW_REDUCE_SUM, 0},       {HEW_REDUCE_MEAN, NAN},
                 {HEW_REDUCE_MIN, INFINITY},{HEW_REDUCE_MAX, -INFINITY},
                 {HEW_REDUCE_PROD, 1},      {HEW_REDUCE_L2, 0},
                 {HEW_REDUCE_LOG_SUM, -INFINITY}, {HEW_REDUCE_LOG_SUM_EXP, -INFINITY}};
    for (int i = 0; i < 8; i++)
        for (int across = 0; across < 2; across++) {
            case_rng("operation %d, across %d", (int)cases[i].op, across);
            float y[2] = {7, 7};
            const hew_reduce_desc d = HEW_REDUCE_DESC(
                .op = cases[i].op, .in = {.rank = 2, .extent = {across ? 0 : 2, across ? 2 : 0}},
                .out = {.rank = 2, .extent = {across ? 1 : 2, across ? 2 : 1}});
            check_status(hew_reduce(&d, NULL, y, NULL), HEW_OK);
            const float want[2] = {cases[i].want, cases[i].want};
            check_bits("out", want, y, layout_of(1, 2, 2), NAN_BITS);
        }
    int8_t least = 5;
    hew_reduce_desc d = HEW_REDUCE_DESC(.op = HEW_REDUCE_MAX,
                                        .in = {.type = HEW_S8, .rank = 1, .extent = {0}},
                                        .out = {.type = HEW_S8, .rank = 1, .extent = {1}});
    check_status(hew_reduce(&d, NULL, &least, NULL), HEW_OK);
    assert_int_equal(least, -128);
    d.in.extent[0] = 3, d.in.rank = d.out.rank = 2, d.in.extent[1] = d.out.extent[1] = 0;
    check_status(hew_reduce(&d, NULL, NULL, NULL), HEW_OK);
}

static void refusals(void)
{
    const hew_tensor in = {.rank = 2, .extent = {3, 4}}, out = {.rank = 2, .extent = {3, 1}};
    const hew_tensor s64 = {.type = HEW_S64, .rank = 2, .extent = {3, 1}};
    const hew_tensor s8 = {.type = HEW_S8, .rank = 2, .extent = {3, 4}};
    const struct {
        hew_reduce_op op;
        hew_tensor in, out;
        hew_status status;
        const char *text;
    } bad[] = {
        {(hew_reduce_op)12, in, out, HEW_ERR_INVALID, "12"},
        {(hew_reduce_op)-1, in, out, HEW_ERR_INVALID, "-1"},
        {HEW_REDUCE_SUM, {.type = HEW_S64, .rank = 1}, out, HEW_ERR_UNSUPPORTED, "s64"},
        {HEW_REDUCE_L1, s8, out, HEW_ERR_UNSUPPORTED, "s8"},
        {HEW_REDUCE_MAX, s8, out, HEW_ERR_UNSUPPORTED, "f32"},
        {HEW_REDUCE_SUM, s8, {.type = HEW_S8, .rank = 2, .extent = {3, 1}}, HEW_ERR_UNSUPPORTED,
         "s8"},
        {HEW_REDUCE_ARGMAX, in, out, HEW_ERR_UNSUPPORTED, "f32"},
        {HEW_REDUCE_SUM, in, s64, HEW_ERR_UNSUPPORTED, "s64"},
        {HEW_REDUCE_SUM, in, {.rank = 1, .extent = {3}}, HEW_ERR_INVALID, "rank 1, in has 2"},
        {HEW_REDUCE_SUM, in, {.rank = 2, .extent = {2, 1}}, HEW_ERR_INVALID, "2 elements"},
        {HEW_REDUCE_SUM, in, {.rank = 2, .extent = {3, 4}, .stride = {1, 0}}, HEW_ERR_INVALID,
         "dimension 1"},
        {HEW_REDUCE_SUM, {.rank = 2, .extent = {-3, 4}}, out, HEW_ERR_INVALID, "-3"},
        {HEW_REDUCE_SUM, {.rank = 7}, out, HEW_ERR_INVALID, "7"},
        {HEW_REDUCE_ARGMIN, {.rank = 2, .extent = {3, 0}}, s64, HEW_ERR_INVALID, "0 elements"},
        {HEW_REDUCE_ARGMIN, {.rank = 2, .extent = {3, INT64_C(1) << 31}}, s64,
         HEW_ERR_UNSUPPORTED, "2147483648"},
        {HEW_REDUCE_SUM, {.rank = 2, .extent = {3, INT64_MAX / 4}}, out, HEW_ERR_OVERFLOW,
         "too large"},
    };
    float x[16] = {0}, y[16], before[16];
    poison_f32(y, 16);
    memcpy(before, y, sizeof y);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        case_rng("refusal %zu", i);
        const hew_reduce_desc d =
            HEW_REDUCE_DESC(.op = bad[i].op, .in = bad[i].in, .out = bad[i].out);
        check_refused(hew_reduce(&d, x, y, NULL), bad[i].status, bad[i].text);
    }
    case_rng("null, alignment, size, threads");
    hew_reduce_desc d = HEW_REDUCE_DESC(.in = in, .out = out);
    check_refused(hew_reduce(NULL, x, y, NULL), HEW_ERR_INVALID, "null");
    check_refused(hew_reduce(&d, NULL, y, NULL), HEW_ERR_INVALID, "in is null");
    check_refused(hew_reduce(&d, x, NULL, NULL), HEW_ERR_INVALID, "out is null");
    check_refused(hew_reduce(&d, (char *)x + 2, y, NULL), HEW_ERR_INVALID, "aligned");
    check_refused(hew_reduce(&d, x, (char *)y + 1, NULL), HEW_ERR_INVALID, "aligned");
    check_refused(hew_reduce(&d, x, y, &(hew_threads){0}), HEW_ERR_INVALID, "parallel_for");
    d.size = 9;
    check_refused(hew_reduce(&d, x, y, NULL), HEW_ERR_INVALID, "9");
    check_bits("out", before, y, layout_of(1, 16, 16), NAN_BITS);
}

/* A pool that refuses: the status comes through and nothing is written. */
static void refused_work(void)
{
    static float x[300 * 300];
    for (int few = 0; few < 2; few++) {
        case_rng("%s", few ? "pieces" : "results");
        float y[300], before[300];
        poison_f32(y, 300);
        memcpy(before, y, sizeof y);
        hew_reduce_desc d = HEW_REDUCE_DESC(.in = {.rank = 2, .extent = {300, 300}},
                                            .out = {.rank = 2, .extent = {300, 1}});
        d.out.extent[0] = few ? 1 : 300;
        check_refused(hew_reduce(&d, x, y, refusing()), HEW_ERR_SYSTEM, "parallel_for");
        check_bits("out", before, y, layout_of(1, 300, 300), NAN_BITS);
    }
}

int main(void)
{
    static const test tests[] = {{"corners", corners},
                                 {"places", places},
                                 {"nothing", nothing},
                                 {"refusals", refusals},
                                 {"refused_work", refused_work}};
    return run_on_rungs("reduce_api", HEW_FAMILY_reduce_rows, TESTS(tests));
}
