/* softmax: bit for bit against its definition, that against double precision, and its corners. */
#include "harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A run of hew_softmax on guarded memory, and the definition's on a copy. */
typedef struct shape {
    bool log, in_place;
    int64_t rows, columns, in_stride, out_stride;
} shape;

static hew_softmax_desc desc_of(const shape *s)
{
    return HEW_SOFTMAX_DESC(.log = s->log, .rows = s->rows, .columns = s->columns,
                            .in_stride = s->in_stride, .out_stride = s->out_stride);
}

static layout side(const shape *s, int64_t stride)
{
    return layout_of(s->rows, stride ? stride : s->columns, s->columns);
}

static void check_shape(const shape *s, rng *r, fill kind, const hew_threads *threads)
{
    const placement where = (placement)rng_chance(r, 2);
    const layout in_side = side(s, s->in_stride);
    const layout out_side = s->in_place ? in_side : side(s, s->out_stride);
    buffer in = buffer_new(layout_span(in_side) * 4, 4, where);
    fill_f32(r, in.data, layout_span(in_side), kind);
    buffer out = {0};
    float *want = malloc(layout_span(out_side) * 4 + 1);
    if (s->in_place) {
        memcpy(want, in.data, layout_span(out_side) * 4);
    } else {
        out = buffer_new(layout_span(out_side) * 4, 4, where);
        poison_f32(out.data, layout_span(out_side));
        poison_f32(want, layout_span(out_side));
    }
    hew_softmax_f32_ref(&(hew_softmax_rows){
        .log = s->log, .rows = (size_t)s->rows, .columns = (size_t)s->columns,
        .visible = (size_t)s->columns, .scale = 1.0f, .in = in.data,
        .in_stride = (size_t)in_side.row_stride, .out = want,
        .out_stride = (size_t)out_side.row_stride});
    const hew_softmax_desc d = desc_of(s);
    float *got = s->in_place ? in.data : out.data;
    state_save();
    const hew_status status = hew_softmax(&d, in.data, got, threads);
    state_check();
    check_status(status, HEW_OK);
    check_bits("out", want, got, out_side, NAN_BITS);
    free(want);
    buffer_free(&in);
    if (!s->in_place)
        buffer_free(&out);
}

static void lengths(void)
{
    for (int64_t columns = 1; columns <= 150; columns++) {
        rng r = case_rng("%lld columns", (long long)columns);
        shape s = {.log = rng_chance(&r, 2), .in_place = rng_chance(&r, 3),
                   .rows = rng_between(&r, 1, 5), .columns = columns};
        if (rng_chance(&r, 2))
            s.in_stride = s.out_stride = columns + rng_between(&r, 0, 3);
        if (!s.in_place && rng_chance(&r, 2))
            s.out_stride = columns + rng_between(&r, 0, 3);
        check_shape(&s, &r, FILL_MIXED, no_threads());
    }
}

static void long_rows(void)
{
    static const int64_t columns[] = {255, 256, 257, 1000, 1023, 1025, 4099, 30522};
    for (int i = 0; i < 8; i++)
        for (int log = 0; log < 2; log++) {
            rng r = case_rng("%lld columns%s", (long long)columns[i], log ? ", log" : "");
            check_shape(&(shape){.log = log, .rows = 2, .columns = columns[i]}, &r, FILL_MIXED,
                        no_threads());
        }
}

static void special_floats(void)
{
    const fill kinds[] = {FILL_SPECIALS, FILL_NANS, FILL_DENORMALS, FILL_ZEROS, FILL_INTS};
    for (int k = 0; k < 5; k++)
        for (int64_t columns = 1; columns < 300; columns += 7)
            for (int log = 0; log < 2; log++) {
                rng r = case_rng("fill %d, %lld columns%s", k, (long long)columns,
                                 log ? ", log" : "");
                check_shape(&(shape){.log = log, .rows = 4, .columns = columns}, &r, kinds[k],
                            no_threads());
            }
}

static void threads(void)
{
    static const size_t counts[] = {1, 2, 3, 8};
    static const int64_t shapes[][2] = {{1, 1000}, {700, 33}, {64, 1000}, {3, 40000}, {5000, 10}};
    for (int i = 0; i < 5; i++)
        for (int t = 0; t < 8; t++) {
            const size_t count = counts[t / 2];
            const hew_threads *lent = t % 2 ? reversed_of(count) : pool_of(count);
            rng r = case_rng("%lld x %lld", (long long)shapes[i][0], (long long)shapes[i][1]);
            check_shape(&(shape){.log = i % 2, .rows = shapes[i][0], .columns = shapes[i][1]}, &r,
                        FILL_MIXED, lent);
        }
}

/* A row has the same bits alone and among others. */
static void position(void)
{
    enum { ROWS = 40, COLUMNS = 77 };
    rng r = case_rng("row by row");
    float in[ROWS * COLUMNS], together[ROWS * COLUMNS], alone[COLUMNS];
    fill_f32(&r, in, ROWS * COLUMNS, FILL_MIXED);
    const hew_softmax_desc all = HEW_SOFTMAX_DESC(.rows = ROWS, .columns = COLUMNS);
    const hew_softmax_desc one = HEW_SOFTMAX_DESC(.rows = 1, .columns = COLUMNS);
    check_status(hew_softmax(&all, in, together, NULL), HEW_OK);
    for (int i = 0; i < ROWS; i++) {
        check_status(hew_softmax(&one, in + i * COLUMNS, alone, NULL), HEW_OK);
        check_bits("row", together + i * COLUMNS, alone, layout_of(1, COLUMNS, COLUMNS), NAN_BITS);
    }
}

/* x - max and the sum are rounded before exp and log see them: 2^-24 of what they are. */
static void check_exact(bool is_log, const float *in, const float *out, int64_t columns)
{
    double max = -INFINITY, sum = 0;
    for (int64_t j = 0; j < columns; j++)
        max = fmax(max, (double)in[j]);
    for (int64_t j = 0; j < columns; j++)
        sum += exp((double)in[j] - max);
    const double log_sum = log(sum);
    for (int64_t j = 0; j < columns; j++) {
        const double shifted = (double)in[j] - max;
        const double want = is_log ? shifted - log_sum : exp(shifted) / sum;
        const double roundings = 6.0 + (double)columns / 16.0 - shifted;
        const double bound = roundings * 0x1p-24 * (is_log ? 1.0 + fabs(want) : want) + 0x1p-149;
        if (!(fabs((double)out[j] - want) <= bound))
            fail_case("element %lld of %lld is %a, want %a within %g", (long long)j,
                      (long long)columns, (double)out[j], want, bound);
    }
}

static void double_precision(void)
{
    enum { MOST = 3000 };
    static float in[MOST], out[MOST];
    for (int64_t columns = 1; columns <= MOST; columns += columns / 3 + 1)
        for (int scale = 0; scale < 4; scale++)
            for (int log = 0; log < 2; log++) {
                rng r = case_rng("%lld columns, scale %d%s", (long long)columns, scale,
                                 log ? ", log" : "");
                for (int64_t j = 0; j < columns; j++)
                    in[j] = rng_f32(&r) * powf(10.0f, (float)scale - 1.0f);
                const hew_softmax_desc d =
                    HEW_SOFTMAX_DESC(.log = log, .rows = 1, .columns = columns);
                check_status(hew_softmax(&d, in, out, NULL), HEW_OK);
                check_exact(log, in, out, columns);
            }
}

/* A row of three, or of a hundred that begins so and goes on with copies of its last element. */
static void check_row(const float in[3], bool log, const float want[3])
{
    for (int64_t columns = 3; columns <= 100; columns += 97) {
        float x[100], y[100], w[100];
        for (int64_t j = 0; j < columns; j++) {
            x[j] = in[j < 3 ? j : 2];
            w[j] = want[j < 3 ? j : 2];
        }
        const hew_softmax_desc d = HEW_SOFTMAX_DESC(.log = log, .rows = 1, .columns = columns);
        check_status(hew_softmax(&d, x, y, NULL), HEW_OK);
        check_bits("out", w, y, layout_of(1, columns, columns), NAN_BITS);
    }
}

static void corners(void)
{
    const float inf = INFINITY;
    case_rng("corners");
    for (int log = 0; log < 2; log++) {
        check_row((float[]){-inf, -inf, -inf}, log, (float[]){NAN, NAN, NAN});
        check_row((float[]){1, inf, 2}, log, (float[]){NAN, NAN, NAN});
        check_row((float[]){-NAN, 1, -inf}, log, (float[]){NAN, NAN, NAN});
    }
    check_row((float[]){0, -inf, -inf}, false, (float[]){1, 0, 0});
    check_row((float[]){0, -inf, -inf}, true, (float[]){0, -inf, -inf});
    check_row((float[]){3e38f, -3e38f, -3e38f}, false, (float[]){1, 0, 0});
    check_row((float[]){-100, -50, -300}, true, (float[]){-50, 0, -250});
    check_row((float[]){5e-45f, -0.0f, -inf}, false, (float[]){0.5f, 0.5f, 0});
}

static void nothing(void)
{
    case_rng("nothing");
    float x = 5;
    hew_softmax_desc d = HEW_SOFTMAX_DESC(.rows = 0, .columns = 7);
    check_status(hew_softmax(&d, NULL, NULL, NULL), HEW_OK);
    d = HEW_SOFTMAX_DESC(.rows = 7, .columns = 0);
    check_status(hew_softmax(&d, &x, &x, NULL), HEW_OK);
    if (x != 5)
        fail_case("a row of nothing was written to");
}

#define D(...) {.size = sizeof(hew_softmax_desc), __VA_ARGS__}

static void refusals(void)
{
    static const struct {
        hew_softmax_desc d;
        hew_status status;
        const char *text;
    } bad[] = {
        {{.size = 7, .rows = 2, .columns = 3}, HEW_ERR_INVALID, "7"},
        {D(.type = HEW_S8, .rows = 2, .columns = 3), HEW_ERR_UNSUPPORTED, "3"},
        {D(.rows = 2, .columns = 3, .inner = -4), HEW_ERR_INVALID, "-4"},
        {D(.rows = 2, .columns = 3, .scale = NAN), HEW_ERR_INVALID, "nan"},
        {D(.rows = 2, .columns = 3, .inner = 2, .in_stride = 5), HEW_ERR_INVALID, "5"},
        {D(.rows = 2, .columns = INT64_MAX / 2, .inner = 3), HEW_ERR_OVERFLOW, "columns"},
        {D(.rows = -2, .columns = 3), HEW_ERR_INVALID, "-2"},
        {D(.rows = 2, .columns = -3), HEW_ERR_INVALID, "-3"},
        {D(.rows = 2, .columns = 3, .in_stride = 2), HEW_ERR_INVALID, "in_stride"},
        {D(.rows = 2, .columns = 3, .out_stride = -9), HEW_ERR_INVALID, "-9"},
        {D(.rows = INT64_MAX, .columns = 2), HEW_ERR_OVERFLOW,
         "9223372036854775807"},
        {D(.rows = 3, .columns = 3, .out_stride = INT64_MAX / 4), HEW_ERR_OVERFLOW,
         "out_stride"},
    };
    float in[16] = {0}, out[16], before[16];
    poison_f32(out, 16);
    memcpy(before, out, sizeof out);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        case_rng("refusal %zu", i);
        check_refused(hew_softmax(&bad[i].d, in, out, NULL), bad[i].status, bad[i].text);
    }
    case_rng("null, in place, threads");
    hew_softmax_desc d = HEW_SOFTMAX_DESC(.rows = 2, .columns = 3);
    check_refused(hew_softmax(NULL, in, out, NULL), HEW_ERR_INVALID, "null");
    check_refused(hew_softmax(&d, NULL, out, NULL), HEW_ERR_INVALID, "in is null");
    check_refused(hew_softmax(&d, in, NULL, NULL), HEW_ERR_INVALID, "out is null");
    d.in_stride = 4;
    check_refused(hew_softmax(&d, out, out, NULL), HEW_ERR_INVALID, "4 and 3");
    d = HEW_SOFTMAX_DESC(.rows = 1, .columns = 3);
    check_refused(hew_softmax(&d, in, out, &(hew_threads){0}), HEW_ERR_INVALID, "parallel_for");
    check_bits("out", before, out, layout_of(1, 16, 16), NAN_BITS);
}

/* A pool that refuses: the status comes through and nothing is written. */
static void refused_work(void)
{
    enum { ROWS = 4000, COLUMNS = 20 };
    case_rng("refused work");
    static float in[ROWS * COLUMNS], out[ROWS * COLUMNS], before[ROWS * COLUMNS];
    poison_f32(out, ROWS * COLUMNS);
    memcpy(before, out, sizeof out);
    const hew_softmax_desc d = HEW_SOFTMAX_DESC(.rows = ROWS, .columns = COLUMNS);
    check_refused(hew_softmax(&d, in, out, refusing()), HEW_ERR_SYSTEM, "parallel_for");
    check_bits("out", before, out, layout_of(1, ROWS * COLUMNS, ROWS * COLUMNS), NAN_BITS);
}

int main(void)
{
    static const test tests[] = {{"lengths", lengths},
                                 {"long_rows", long_rows},
                                 {"special_floats", special_floats},
                                 {"threads", threads},
                                 {"position", position},
                                 {"double_precision", double_precision},
                                 {"corners", corners},
                                 {"nothing", nothing},
                                 {"refusals", refusals},
                                 {"refused_work", refused_work}};
    return run_on_rungs("softmax_f32", HEW_FAMILY_softmax_f32, TESTS(tests));
}
