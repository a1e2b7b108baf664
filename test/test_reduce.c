/* reduce: bit for bit against its definition, and that against double precision. */
#include "strided.h"

#include <math.h>
#include <string.h>

#ifdef HEW_SANITIZED
enum { RANDOM_CASES = 300 };
#else
enum { RANDOM_CASES = 1500 };
#endif

static bool is_arg(hew_reduce_op op) { return op == HEW_REDUCE_ARGMIN || op == HEW_REDUCE_ARGMAX; }

/* Floats of some kind in place of random bytes; bytes as they are. */
static void fill_in(rng *r, strided *s, fill kind)
{
    const size_t n = s->memory.bytes / (size_t)type_bytes(s->t.type);
    if (s->t.type == HEW_F32)
        fill_f32(r, s->memory.data, n, kind);
    else if (s->t.type == HEW_BF16)
        fill_bf16(r, s->memory.data, n, kind);
    else if (s->t.type == HEW_F16 && kind != FILL_SPECIALS && kind != FILL_NANS)
        for (size_t i = 0; i < n; i++) /* below 2: else most are huge */
            ((uint16_t *)s->memory.data)[i] &= 0xbfff;
}

/* Runs a case on guarded memory and compares it with the definition. */
static void check_case(rng *r, const hew_reduce_desc *d, fill kind, const hew_threads *threads)
{
    const placement where = (placement)rng_chance(r, 2);
    strided in = strided_new(r, d->in, where), out = strided_new(r, d->out, where);
    strided want = strided_copy(&out, where);
    fill_in(r, &in, kind);
    hew_reduce_ref(d, in.data, want.data);
    state_save();
    const hew_status status = hew_reduce(d, in.data, out.data, threads);
    state_check();
    check_status(status, HEW_OK);
    check_strided("out", &want, &out);
    strided_free(&in);
    strided_free(&out);
    strided_free(&want);
}

/* Types that an operation takes and gives. */
static void some_types(rng *r, hew_reduce_desc *d)
{
    static const hew_type floats[] = {HEW_F32, HEW_F32, HEW_BF16, HEW_F16};
    static const hew_type integers[] = {HEW_S8, HEW_U8, HEW_S32};
    const bool exact = d->op == HEW_REDUCE_SUM || d->op == HEW_REDUCE_MIN ||
                       d->op == HEW_REDUCE_MAX || is_arg(d->op);
    if (exact && rng_chance(r, 3)) {
        d->in.type = integers[rng_between(r, 0, 2)];
        d->out.type = d->op == HEW_REDUCE_SUM ? HEW_S32 : d->in.type;
    } else {
        d->in.type = floats[rng_between(r, 0, 3)];
        d->out.type = rng_chance(r, 2) ? HEW_F32 : floats[rng_between(r, 0, 3)];
    }
    if (is_arg(d->op))
        d->out.type = HEW_S64;
}

/* Axes to reduce, and out with any strides. */
static void some_axes(rng *r, hew_reduce_desc *d)
{
    const hew_type type = d->out.type;
    hew_tensor out = d->in;
    for (int j = 0; j < out.rank; j++)
        if (rng_chance(r, 2))
            out.extent[j] = 1;
    out.type = type;
    memset(out.stride, 0, sizeof out.stride);
    d->out = any_strides(r, out, 2);
}

static hew_reduce_desc some_case(rng *r, int64_t most)
{
    hew_reduce_desc d = HEW_REDUCE_DESC(.op = (hew_reduce_op)rng_between(r, 0, 11),
                                        .last_index = rng_chance(r, 2));
    some_types(r, &d);
    d.in.rank = (int)rng_between(r, 0, HEW_MAX_RANK);
    for (int j = 0; j < d.in.rank; j++) {
        const int64_t limit = hew_min_i64(most, rng_chance(r, 3) ? most : 5);
        d.in.extent[j] = rng_between(r, rng_chance(r, 30) && !is_arg(d.op) ? 0 : 1, limit);
        most /= d.in.extent[j] ? d.in.extent[j] : 1;
    }
    d.in = any_strides(r, d.in, 2);
    if (d.in.rank > 1 && rng_chance(r, 8)) /* repeats itself */
        d.in.stride[rng_between(r, 0, d.in.rank - 2)] = 0;
    some_axes(r, &d);
    return d;
}

static void any_shapes(void)
{
    static const fill kinds[] = {FILL_MIXED, FILL_MIXED, FILL_INTS, FILL_SPECIALS, FILL_NANS,
                                 FILL_DENORMALS, FILL_ZEROS};
    for (int i = 0; i < RANDOM_CASES; i++) {
        rng r = case_rng("case %d", i);
        const hew_reduce_desc d = some_case(&r, rng_chance(&r, 4) ? 20000 : 600);
        check_case(&r, &d, kinds[rng_between(&r, 0, 6)], no_threads());
    }
}

/* Lengths about the lanes', the blocks' and the pieces' ends. */
static void lengths(void)
{
    static const int64_t n[] = {1, 2, 15, 16, 17, 31, 33, 48, 63, 64, 65, 100, 127, 128, 129, 511,
                                1000, 4095, 4096, 4097, 8192, 8193, 16384, 32769, 70001};
    for (int i = 0; i < 25; i++)
        for (int op = 0; op < HEW_REDUCE_OP_COUNT; op++)
            for (int along = 0; along < 2; along++) {
                rng r = case_rng("%lld, operation %d, %s", (long long)n[i], op,
                                 along ? "along" : "across");
                if (!takes_case(&r, n[i] * 6))
                    continue;
                hew_reduce_desc d = HEW_REDUCE_DESC(.op = (hew_reduce_op)op);
                some_types(&r, &d);
                const int64_t few = rng_between(&r, 1, 3);
                d.in.rank = d.out.rank = 2;
                d.in.extent[!along] = d.out.extent[!along] = few;
                d.in.extent[along] = n[i];
                d.out.extent[along] = 1;
                check_case(&r, &d, FILL_MIXED, no_threads());
            }
}

/* Columns about the registers' ends, rows about the blocks'. */
static void columns(void)
{
    for (int64_t n = 1; n < 150; n += n < 70 ? 1 : 13)
        for (int op = 0; op < HEW_REDUCE_OP_COUNT; op++) {
            rng r = case_rng("%lld columns, operation %d", (long long)n, op);
            hew_reduce_desc d = HEW_REDUCE_DESC(.op = (hew_reduce_op)op,
                                                .last_index = rng_chance(&r, 2));
            some_types(&r, &d);
            const int64_t rows = rng_between(&r, 1, 70);
            d.in = (hew_tensor){.type = d.in.type, .rank = 2, .extent = {rows, n},
                                .stride = {n + rng_between(&r, 0, 3), 1}};
            d.out = (hew_tensor){.type = d.out.type, .rank = 2, .extent = {1, n}};
            check_case(&r, &d, rng_chance(&r, 3) ? FILL_SPECIALS : FILL_MIXED, no_threads());
        }
}

static void threads(void)
{
    static const size_t counts[] = {1, 2, 3, 8};
    static const int64_t shapes[][3] = {{1, 1, 150000}, {300, 1, 500}, {3, 40000, 2},
                                        {20, 30, 200},  {1, 3000, 70}, {2, 9000, 5}};
    for (int i = 0; i < 6; i++)
        for (int op = 0; op < HEW_REDUCE_OP_COUNT; op++)
            for (int t = 0; t < 4; t++) {
                const size_t count = counts[t];
                const hew_threads *lent = (op + t) % 2 ? reversed_of(count) : pool_of(count);
                rng r = case_rng("shape %d, operation %d", i, op);
                if (!takes_case(&r, 150000))
                    continue;
                hew_reduce_desc d = HEW_REDUCE_DESC(.op = (hew_reduce_op)op);
                some_types(&r, &d);
                d.in.rank = d.out.rank = 3;
                for (int j = 0; j < 3; j++)
                    d.in.extent[j] = d.out.extent[j] = shapes[i][j];
                d.out.extent[rng_between(&r, 1, 2)] = 1;
                if (rng_chance(&r, 2))
                    d.out.extent[0] = 1;
                check_case(&r, &d, FILL_MIXED, lent);
            }
}

/* ------------------------------------------------------------------------ double precision ---- */

static double exact_of(hew_reduce_op op, const float *x, int64_t n, double *magnitude)
{
    double sum = op == HEW_REDUCE_PROD ? 1 : 0, size = 0, most = -INFINITY;
    for (int64_t i = 0; i < n; i++)
        most = fmax(most, (double)x[i]);
    for (int64_t i = 0; i < n; i++) {
        const double v = (double)x[i];
        const double term = op == HEW_REDUCE_L1 ? fabs(v)
                            : op == HEW_REDUCE_L2 || op == HEW_REDUCE_SUM_SQUARE ? v * v
                            : op == HEW_REDUCE_LOG_SUM_EXP ? exp(v - most) : v;
        sum = op == HEW_REDUCE_PROD ? sum * v : sum + term;
        size += fabs(term);
    }
    *magnitude = op == HEW_REDUCE_PROD ? fabs(sum) : size;
    switch (op) {
    case HEW_REDUCE_MEAN: *magnitude = size / (double)n; return sum / (double)n;
    case HEW_REDUCE_L2: *magnitude = sqrt(size); return sqrt(sum);
    case HEW_REDUCE_LOG_SUM: *magnitude = size / fabs(sum) + fabs(log(sum)); return log(sum);
    case HEW_REDUCE_LOG_SUM_EXP:
        *magnitude = 10 + fabs(most);
        return most + log(sum);
    default: return sum;
    }
}

static void double_precision(void)
{
    static const hew_reduce_op ops[] = {HEW_REDUCE_SUM, HEW_REDUCE_MEAN, HEW_REDUCE_PROD,
                                        HEW_REDUCE_L1, HEW_REDUCE_L2, HEW_REDUCE_SUM_SQUARE,
                                        HEW_REDUCE_LOG_SUM, HEW_REDUCE_LOG_SUM_EXP};
    enum { MOST = 60000 };
    static float x[MOST];
    for (int64_t n = 1; n <= MOST; n = n * 5 / 2 + 1)
        for (int i = 0; i < 8; i++)
            for (int along = 0; along < 2; along++) {
                rng r = case_rng("%lld, operation %d, %d", (long long)n, (int)ops[i], along);
                const bool near_one = ops[i] == HEW_REDUCE_PROD;
                for (int64_t j = 0; j < n; j++)
                    x[j] = near_one ? 1.0f + rng_f32(&r) / 64 : rng_f32(&r) + 0.25f;
                x[0] = ops[i] == HEW_REDUCE_LOG_SUM ? 3.0f + (float)n / 2 : x[0];
                float got[2];
                hew_reduce_desc d = HEW_REDUCE_DESC(.op = ops[i]);
                d.in = (hew_tensor){.rank = 2, .extent = {n, 2}, .stride = {1, 0}};
                d.out = (hew_tensor){.rank = 2, .extent = {1, 2}};
                if (along) {
                    d.in = (hew_tensor){.rank = 1, .extent = {n}};
                    d.out = (hew_tensor){.rank = 1, .extent = {1}};
                }
                check_status(hew_reduce(&d, x, got, NULL), HEW_OK);
                double size;
                const double want = exact_of(ops[i], x, n, &size);
                /* A chain in a block, one of blocks, one of pieces. */
                const double chain = near_one ? (double)n : 40.0 + 64.0 + (double)n / 512.0;
                const double bound = hew_min_i64((int64_t)chain, n + 8) * 0x1p-24 * size;
                if (!(fabs((double)got[0] - want) <= bound))
                    fail_case("%a, want %a within %g", (double)got[0], want, bound);
            }
}

int main(void)
{
    static const test tests[] = {{"any_shapes", any_shapes},
                                 {"lengths", lengths},
                                 {"columns", columns},
                                 {"threads", threads},
                                 {"double_precision", double_precision}};
    return run_on_rungs("reduce", HEW_FAMILY_reduce_rows, TESTS(tests));
}
