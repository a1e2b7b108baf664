/* softmax along any axis, of bf16, under masks, and its gradient: bit for bit against the
 * definition, and against double precision and finite differences. */
#include "softmax_case.h"

#include <math.h>
#include <string.h>

#ifdef HEW_SANITIZED
enum { CASES = 200 };
#else
enum { CASES = 900 };
#endif

static void random_forward(void)
{
    static const fill kinds[] = {FILL_MIXED, FILL_INTS, FILL_SPECIALS, FILL_NANS, FILL_DENORMALS};
    for (int i = 0; i < CASES; i++) {
        rng r = case_rng("forward %d", i);
        softmax_case c = random_softmax(&r);
        c.exact = i % 5 < 2;
        check_softmax(&c, &r, kinds[i % 5], i % 3 ? no_threads() : reversed_of(3));
    }
}

static void random_backward(void)
{
    static const fill kinds[] = {FILL_MIXED, FILL_INTS, FILL_SPECIALS, FILL_NANS, FILL_ZEROS};
    for (int i = 0; i < CASES; i++) {
        rng r = case_rng("backward %d", i);
        softmax_case c = random_softmax(&r);
        c.exact = i % 5 < 2;
        check_softmax_backward(&c, &r, kinds[i % 5], i % 3 ? no_threads() : reversed_of(3));
    }
}

/* Every length of rows of bf16 up to some registers, and rows in parts. */
static void lengths(void)
{
    for (int64_t columns = 1; columns < 5000; columns += columns < 150 ? 1 : 683)
        for (int k = 0; k < 4; k++) {
            rng r = case_rng("%lld columns, case %d", (long long)columns, k);
            static const float here[1];
            softmax_case c = {.d = HEW_SOFTMAX_DESC(.type = HEW_BF16, .rows = 2, .log = k % 2,
                                                    .columns = columns, .in_stride = columns + 3),
                              .exact = true};
            if (k >= 2) {
                c.d.type = columns % 2 ? HEW_F32 : HEW_BF16;
                c.d.scale = 0.125f;
                c.m = HEW_SOFTMAX_MASK(.add = here, .queries = 2);
            }
            check_softmax(&c, &r, FILL_MIXED, no_threads());
            check_softmax_backward(&c, &r, FILL_MIXED, no_threads());
        }
}

static void threads(void)
{
    static const size_t counts[] = {1, 2, 3, 8};
    static const float here[1];
    for (int t = 0; t < 8; t++)
        for (int k = 0; k < 3; k++) {
            const hew_threads *lent = t % 2 ? reversed_of(counts[t / 2]) : pool_of(counts[t / 2]);
            rng r = case_rng("shape %d", k);
            softmax_case c = {.d = HEW_SOFTMAX_DESC(.rows = 3, .columns = 21, .inner = 3000)};
            if (k > 0) {
                c.d = HEW_SOFTMAX_DESC(.rows = 2 * 4 * 77, .columns = 77, .scale = 0.125f,
                                       .type = k == 2 ? HEW_BF16 : HEW_F32);
                c.m = HEW_SOFTMAX_MASK(.heads = 4, .queries = 77, .causal = true, .add = here,
                                       .add_stride = {77, 0, 0});
            }
            check_softmax(&c, &r, FILL_MIXED, lent);
            check_softmax_backward(&c, &r, FILL_MIXED, lent);
        }
}

/* ------------------------------------------------------------------- finite differences ---- */

enum { MOST = 256 };

static double loss(const hew_softmax_desc *d, const double *x, const float *g)
{
    double total = 0;
    for (int64_t row = 0; row < d->rows; row++)
        for (int64_t lane = 0; lane < d->inner; lane++) {
            const int64_t from = row * d->columns * d->inner + lane;
            double sum = 0;
            for (int64_t j = 0; j < d->columns; j++)
                sum += exp((double)d->scale * x[from + j * d->inner]);
            for (int64_t j = 0; j < d->columns; j++) {
                const double v = (double)d->scale * x[from + j * d->inner];
                total += (double)g[from + j * d->inner] * (d->log ? v - log(sum) : exp(v) / sum);
            }
        }
    return total;
}

static void differences(void)
{
    float x[MOST], y[MOST], g[MOST], dx[MOST];
    double at[MOST];
    for (int i = 0; i < 60; i++) {
        rng r = case_rng("case %d", i);
        const hew_softmax_desc d =
            HEW_SOFTMAX_DESC(.log = i % 2, .rows = 2, .columns = rng_between(&r, 1, 9),
                             .inner = rng_between(&r, 1, 4), .scale = 0.75f);
        const int64_t n = d.rows * d.columns * d.inner;
        for (int64_t k = 0; k < n; k++)
            x[k] = 3 * rng_f32(&r), at[k] = (double)x[k], g[k] = rng_f32(&r);
        check_status(hew_softmax(&d, x, y, NULL), HEW_OK);
        check_status(hew_softmax_backward(&d, NULL, y, g, dx, NULL), HEW_OK);
        for (int64_t k = 0; k < n; k++) {
            const double h = 1e-4;
            at[k] += h;
            const double above = loss(&d, at, g);
            at[k] -= 2 * h;
            const double want = (above - loss(&d, at, g)) / (2 * h);
            at[k] += h;
            if (!(fabs(want - (double)dx[k]) <= 1e-5))
                fail_case("gradient %lld is %g, differences say %g", (long long)k, (double)dx[k],
                          want);
        }
    }
}

/* -------------------------------------------------------------------- known, refused ------- */

static void known(void)
{
    const float x[6] = {0, 0, NAN, 0, 0, 0}, inf = INFINITY;
    float y[6];
    case_rng("what a causal mask hides isn't read; rows that see nothing");
    hew_softmax_desc d = HEW_SOFTMAX_DESC(.rows = 2, .columns = 3);
    hew_softmax_mask m = HEW_SOFTMAX_MASK(.queries = 2, .causal = true);
    check_status(hew_softmax_masked(&d, &m, x, y, NULL), HEW_OK);
    check_bits("out", (const float[]){1, 0, 0, 0.5f, 0.5f, 0}, y, layout_of(2, 3, 3), NAN_BITS);
    m.offset = -1, d.log = true;
    check_status(hew_softmax_masked(&d, &m, x, y, NULL), HEW_OK);
    check_bits("out", (const float[]){-inf, -inf, -inf, 0, -inf, -inf}, y, layout_of(2, 3, 3),
               NAN_BITS);
    m = HEW_SOFTMAX_MASK(.lengths = (const int32_t[]){-5, 2}, .row_lengths = true), d.log = false;
    check_status(hew_softmax_masked(&d, &m, x, y, NULL), HEW_OK);
    check_bits("out", (const float[]){0, 0, 0, 0.5f, 0.5f, 0}, y, layout_of(2, 3, 3), NAN_BITS);
    check_status(hew_softmax_backward(&d, &m, x, x, y, NULL), HEW_OK);
    check_bits("gradient", (const float[6]){0}, y, layout_of(2, 3, 3), NAN_BITS);
}

static void refused(void)
{
    float x[8] = {0}, y[8], before[8];
    case_rng("refusals");
    poison_f32(y, 8);
    memcpy(before, y, sizeof y);
    hew_softmax_desc d = HEW_SOFTMAX_DESC(.rows = 4, .columns = 2);
    hew_softmax_mask m = HEW_SOFTMAX_MASK(.queries = 3);
    check_refused(hew_softmax_masked(&d, NULL, x, y, NULL), HEW_ERR_INVALID, "null");
    check_refused(hew_softmax_masked(&d, &m, x, y, NULL), HEW_ERR_INVALID, "3 queries");
    m.queries = 2, m.size = 1;
    check_refused(hew_softmax_masked(&d, &m, x, y, NULL), HEW_ERR_INVALID, "size is 1");
    m.size = sizeof m, m.heads = -2;
    check_refused(hew_softmax_masked(&d, &m, x, y, NULL), HEW_ERR_INVALID, "-2 heads");
    m.heads = 2, m.offset = 5;
    check_refused(hew_softmax_masked(&d, &m, x, y, NULL), HEW_ERR_INVALID, "offset = 5");
    m.offset = INT64_MAX, m.causal = true;
    check_refused(hew_softmax_masked(&d, &m, x, y, NULL), HEW_ERR_INVALID, "offset");
    m.offset = 0, m.add_stride[1] = 7;
    check_refused(hew_softmax_masked(&d, &m, x, y, NULL), HEW_ERR_INVALID, "add_stride[1] = 7");
    m.add = x, m.add_stride[2] = -7;
    check_refused(hew_softmax_masked(&d, &m, x, y, NULL), HEW_ERR_INVALID, "-7");
    m.add_stride[2] = INT64_MAX / 2;
    check_refused(hew_softmax_masked(&d, &m, x, y, NULL), HEW_ERR_OVERFLOW, "add_stride[2]");
    m.add_stride[2] = 0, m.add = (const float *)(const void *)((const char *)x + 2);
    check_refused(hew_softmax_masked(&d, &m, x, y, NULL), HEW_ERR_INVALID, "aligned");
    m.add = x, d.inner = 2, d.rows = 4;
    check_refused(hew_softmax_masked(&d, &m, x, y, NULL), HEW_ERR_UNSUPPORTED, "inner = 2");
    d.inner = 0;
    check_refused(hew_softmax(&d, (char *)x + 1, y, NULL), HEW_ERR_INVALID, "4 bytes");
    check_refused(hew_softmax_backward(&d, &m, NULL, x, y, NULL), HEW_ERR_INVALID, "out is null");
    check_refused(hew_softmax_backward(&d, &m, x, NULL, y, NULL), HEW_ERR_INVALID,
                  "out_gradient is null");
    check_refused(hew_softmax_backward(&d, &m, x, x, NULL, NULL), HEW_ERR_INVALID,
                  "in_gradient is null");
    check_refused(hew_softmax_backward(&d, &m, x, x, y, &(hew_threads){0}), HEW_ERR_INVALID,
                  "parallel_for");
    d.in_stride = 3;
    check_refused(hew_softmax_backward(&d, NULL, x, y, y, NULL), HEW_ERR_INVALID, "3 and 2");
    check_bits("out", before, y, layout_of(1, 8, 8), NAN_BITS);
}

int main(void)
{
    static const test tests[] = {{"random_forward", random_forward},
                                 {"random_backward", random_backward},
                                 {"lengths", lengths},
                                 {"threads", threads},
                                 {"differences", differences},
                                 {"known", known},
                                 {"refused", refused}};
    return run_on_rungs("softmax_masked", HEW_FAMILY_softmax_axis, TESTS(tests));
}
