/* pooling's indices and gradients: bit for bit against their definitions, those against known
 * results and finite differences. */
#include "pooling_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef HEW_SANITIZED
enum { CASES = 250 };
#else
enum { CASES = 1200 };
#endif

static void poison(const hew_pooling_desc *d, buffer *b)
{
    if (d->type == HEW_F32)
        poison_f32(b->data, b->bytes / sizeof(float));
    else
        memset(b->data, 0xa5, b->bytes);
}

static buffer poisoned(const hew_pooling_desc *d, layout l, placement where)
{
    const size_t width = pooling_bytes(d);
    buffer b = buffer_new(layout_span(l) * width, width, where);
    poison(d, &b);
    return b;
}

/* Elements of indices, which are dense. */
static size_t index_count(const hew_pooling_desc *d)
{
    return (size_t)(pooling_out_side(d).rows * d->channels);
}

/* The maximum of a random input; `index` is filled in. */
static void check_index(const hew_pooling_desc *d, rng *r, fill kind, const hew_threads *threads,
                        buffer *index)
{
    const placement where = (placement)rng_chance(r, 2);
    const layout out_side = pooling_out_side(d);
    void *values = pooling_fill(d, r, pooling_elements(d), kind);
    const size_t width = pooling_bytes(d);
    buffer in = buffer_copy(values, pooling_elements(d) * width, width, where);
    buffer out = poisoned(d, out_side, where);
    buffer want = buffer_copy(out.data, out.bytes, width, where);
    *index = buffer_new(index_count(d) * 4, 4, where);
    int32_t *want_index = malloc(index->bytes + 1);
    hew_pooling_index_ref(d, values, want.data, want_index);
    state_save();
    const hew_status status = hew_pooling_max(d, in.data, out.data, index->data, threads);
    state_check();
    check_status(status, HEW_OK);
    check_elements("out", d->type, want.data, out.data, out_side);
    check_elements("index", HEW_S32, want_index, index->data,
                   layout_of(out_side.rows, d->channels, d->channels));
    free(want_index);
    free(values);
    buffer_free(&in);
    buffer_free(&out);
    buffer_free(&want);
}

static void check_backward(const hew_pooling_desc *d, rng *r, fill kind,
                           const hew_threads *threads)
{
    const bool max = d->kind == HEW_POOLING_MAX;
    const placement where = (placement)rng_chance(r, 2);
    const layout in_side = pooling_in_side(d), out_side = pooling_out_side(d);
    const size_t width = pooling_bytes(d);
    buffer index = {0};
    if (max)
        check_index(d, r, rng_chance(r, 2) ? FILL_INTS : kind, threads, &index);
    void *values = pooling_fill(d, r, layout_span(out_side), kind);
    buffer out = buffer_copy(values, layout_span(out_side) * width, width, where);
    buffer in = poisoned(d, in_side, where);
    buffer want = buffer_copy(in.data, in.bytes, width, where);
    hew_pooling_grad_ref(d, values, index.data, want.data);
    state_save();
    const hew_status status = hew_pooling_backward(d, out.data, index.data, in.data, threads);
    state_check();
    check_status(status, HEW_OK);
    check_elements("gradient", d->type, want.data, in.data, in_side);
    free(values);
    buffer_free(&out);
    buffer_free(&in);
    buffer_free(&want);
    if (max)
        buffer_free(&index);
}

/* The same descriptor as Lp. */
static void check_lp(hew_pooling_desc d, rng *r, fill kind, const hew_threads *threads)
{
    d.kind = HEW_POOLING_LP;
    d.power = (int)rng_between(r, 0, 5);
    const layout in_side = pooling_in_side(&d), out_side = pooling_out_side(&d);
    const size_t width = pooling_bytes(&d);
    void *x = pooling_fill(&d, r, layout_span(in_side), kind);
    void *dy = pooling_fill(&d, r, layout_span(out_side), kind == FILL_ZEROS ? FILL_INTS : kind);
    buffer in = buffer_copy(x, layout_span(in_side) * width, width, AT_BACK);
    buffer gradient = buffer_copy(dy, layout_span(out_side) * width, width, AT_BACK);
    buffer out = poisoned(&d, out_side, AT_BACK), got = poisoned(&d, in_side, AT_BACK);
    buffer want = buffer_copy(got.data, got.bytes, width, AT_BACK);
    check_status(hew_pooling(&d, in.data, out.data, threads), HEW_OK);
    hew_pooling_lp_grad_ref(&d, dy, x, out.data, want.data);
    state_save();
    const hew_status status = hew_pooling_lp_backward(&d, gradient.data, in.data, out.data,
                                                      got.data, threads);
    state_check();
    check_status(status, HEW_OK);
    check_elements("gradient", d.type, want.data, got.data, in_side);
    free(x), free(dy);
    buffer_free(&in), buffer_free(&gradient), buffer_free(&out);
    buffer_free(&got), buffer_free(&want);
}

static void random_windows(void)
{
    static const fill kinds[] = {FILL_MIXED, FILL_INTS, FILL_SPECIALS, FILL_NANS, FILL_ZEROS};
    int run = 0;
    for (int i = 0; i < CASES; i++) {
        rng r = case_rng("window %d", i);
        hew_pooling_desc d = random_pooling(&r);
        int64_t extents[3];
        d.channels = i % 8 ? d.channels % 80 + 1 : d.channels;
        d.in_stride = d.in_stride ? d.channels + 3 : 0;
        d.out_stride = d.out_stride ? d.channels + 1 : 0;
        d.type = i % 3 == 2 ? HEW_BF16 : HEW_F32;
        if (hew_pooling_out_shape(&d, extents) != HEW_OK)
            continue;
        run++;
        if (i % 8 == 1)
            check_lp(d, &r, kinds[i % 5], i % 3 ? no_threads() : reversed_of(3));
        check_backward(&d, &r, kinds[i % 5], i % 4 ? no_threads() : reversed_of(3));
    }
    if (run < 150)
        fail_case("only %d descriptors were good", run);
}

static void threads(void)
{
    static const size_t counts[] = {1, 2, 3, 8};
    for (int t = 0; t < 8; t++)
        for (int k = 0; k < 3; k++) {
            const hew_threads *lent = t % 2 ? reversed_of(counts[t / 2]) : pool_of(counts[t / 2]);
            rng r = case_rng("layer %d", k);
            const hew_pooling_desc d =
                HEW_POOLING_DESC(.kind = (hew_pooling_kind)k, .in = {21, 70}, .channels = 70,
                                 .kernel = {3, 3}, .stride = {2, 2}, .pad_lo = {1, 1}, .batch = 2,
                                 .pad_hi = {1, 1});
            check_backward(&d, &r, FILL_MIXED, lent);
            if (k == 0)
                check_lp(d, &r, FILL_MIXED, lent);
        }
}

/* More windows over a pixel than a call of the kernel takes. */
static void crowds(void)
{
    for (int k = 0; k < 3; k++)
        for (int type = 0; type < 2; type++) {
            rng r = case_rng("kind %d, type %d", k, type);
            const hew_pooling_desc d = HEW_POOLING_DESC(
                .kind = (hew_pooling_kind)k, .type = type ? HEW_BF16 : HEW_F32, .in = {26, 26},
                .channels = k == 1 ? 258 : 5, .kernel = {24, 24}, .pad_lo = {12, 12},
                .pad_hi = {12, 12});
            check_backward(&d, &r, FILL_MIXED, no_threads());
            if (k == 0)
                check_lp(d, &r, FILL_MIXED, no_threads());
        }
}

/* ------------------------------------------------------------------- finite differences ---- */

enum { MOST = 4096 };

/* sum g y for y = the pooling of x. */
static double loss(const hew_pooling_desc *d, const float *x, const float *g)
{
    static float y[MOST];
    check_status(hew_pooling(d, x, y, NULL), HEW_OK);
    double sum = 0;
    const int64_t n = pooling_out_side(d).rows * d->channels;
    for (int64_t i = 0; i < n; i++)
        sum += y[i] > -INFINITY ? (double)y[i] * (double)g[i] : 0.0;
    return sum;
}

static void differences(void)
{
    static float x[MOST], y[MOST], g[MOST], dx[MOST];
    static int32_t index[MOST];
    for (int i = 0; i < 150; i++) {
        rng r = case_rng("window %d", i);
        hew_pooling_desc d = random_pooling(&r);
        int64_t extents[3];
        d.channels = 2, d.in_stride = d.out_stride = 0;
        const bool lp = i % 3 == 2;
        if (lp)
            d.kind = HEW_POOLING_LP, d.power = i / 3 % 4 + 1;
        if (hew_pooling_out_shape(&d, extents) != HEW_OK || pooling_elements(&d) > 200 ||
            index_count(&d) > MOST)
            continue;
        const int64_t n = (int64_t)pooling_elements(&d);
        for (int64_t k = 0; k < n; k++) /* all different, by 1 at least */
            x[k] = (float)((k * 211 + 17) % 509);
        fill_f32(&r, g, index_count(&d), FILL_INTS);
        const bool max = d.kind == HEW_POOLING_MAX;
        if (max)
            check_status(hew_pooling_max(&d, x, y, index, NULL), HEW_OK);
        if (lp) {
            check_status(hew_pooling(&d, x, y, NULL), HEW_OK);
            check_status(hew_pooling_lp_backward(&d, g, x, y, dx, NULL), HEW_OK);
        } else {
            check_status(hew_pooling_backward(&d, g, max ? index : NULL, dx, NULL), HEW_OK);
        }
        for (int64_t k = 0; k < n; k++) {
            const float at = x[k];
            x[k] = at + 0.25f;
            const double above = loss(&d, x, g);
            x[k] = at - 0.25f;
            const double below = loss(&d, x, g);
            x[k] = at;
            if (!(fabs((above - below) * 2 - (double)dx[k]) <= 0.02))
                fail_case("gradient of element %lld is %g, differences say %g", (long long)k,
                          (double)dx[k], (above - below) * 2);
        }
    }
}

/* ----------------------------------------------------------------------------- known ------- */

static void check_flat(const hew_pooling_desc *d, hew_pooling_order order, const int32_t *index,
                       const int64_t *want)
{
    int64_t flat[8];
    check_status(hew_pooling_flat_indices(d, order, index, flat, NULL), HEW_OK);
    for (int i = 0; i < 8; i++)
        if (flat[i] != want[i])
            fail_case("order %d: index %d is %lld, want %lld", (int)order, i, (long long)flat[i],
                      (long long)want[i]);
}

#define FLAT(...) (const int64_t[]){__VA_ARGS__}
#define FLOATS(...) (const float[]){__VA_ARGS__}

static void known_maxima(void)
{
    case_rng("known maxima");
    const hew_pooling_desc d = HEW_POOLING_DESC(.in = {2, 3}, .channels = 1, .kernel = {2, 2},
                                                .pad_lo = {0, 2}, .batch = 2);
    const float in[12] = {1, 5, 5, 5, 2, 0, -INFINITY, -INFINITY, NAN, 7, -INFINITY, NAN};
    const float want[8] = {-INFINITY, 5, 5, 5, -INFINITY, 7, 7, NAN};
    float out[8], gradient[12];
    int32_t index[8];
    check_status(hew_pooling_max(&d, in, out, index, NULL), HEW_OK);
    check_bits("out", want, out, layout_of(8, 1, 1), NAN_BITS);
    check_elements("index", HEW_S32, (const int32_t[]){-1, 3, 1, 1, -1, 3, 3, 2}, index,
                   layout_of(8, 1, 1));
    check_flat(&d, HEW_POOLING_NCHW, index, FLAT(-1, 3, 1, 1, -1, 9, 9, 8));
    check_flat(&d, HEW_POOLING_NCHW_COLUMNS, index, FLAT(-1, 1, 2, 2, -1, 7, 7, 10));
    const hew_pooling_desc two = HEW_POOLING_DESC(.in = {2}, .channels = 2, .kernel = {1},
                                                  .batch = 2);
    const int32_t own[8] = {0, 0, 1, 1, 0, 0, 1, 1};
    check_flat(&two, HEW_POOLING_NCHW, own, FLAT(0, 2, 1, 3, 4, 6, 5, 7));
    check_flat(&two, HEW_POOLING_NHWC, own, FLAT(0, 1, 2, 3, 4, 5, 6, 7));

    case_rng("an index outside its window");
    index[3] = 0;
    check_status(hew_pooling_backward(&d, FLOATS(1, 2, 4, 8, 16, 32, 64, 128), index, gradient,
                                      NULL), HEW_OK);
    check_bits("gradient", FLOATS(0, 4, 0, 2, 0, 0, 0, 0, 128, 96, 0, 0), gradient,
               layout_of(12, 1, 1), NAN_BITS);
}

static void known_averages(void)
{
    case_rng("known averages");
    float gradient[3];
    hew_pooling_desc d = HEW_POOLING_DESC(.kind = HEW_POOLING_AVG, .in = {3}, .channels = 1,
                                          .kernel = {2}, .pad_lo = {1}, .pad_hi = {1});
    const float out[4] = {2, 4, 6, 8};
    check_status(hew_pooling_backward(&d, out, NULL, gradient, NULL), HEW_OK);
    check_bits("gradient", FLOATS(4, 5, 11), gradient, layout_of(3, 1, 1), NAN_BITS);
    d.kind = HEW_POOLING_AVG_PADDED;
    check_status(hew_pooling_backward(&d, out, NULL, gradient, NULL), HEW_OK);
    check_bits("gradient", FLOATS(3, 5, 7), gradient, layout_of(3, 1, 1), NAN_BITS);
}

/* ----------------------------------------------------------------------------- refusals ---- */

static void refused(void)
{
    float x[16] = {0}, y[16], before[16];
    int32_t index[16] = {0};
    int64_t flat[16];
    case_rng("refusals");
    poison_f32(y, 16);
    memcpy(before, y, sizeof y);
    hew_pooling_desc d = HEW_POOLING_DESC(.in = {4}, .channels = 2, .kernel = {2});
    check_refused(hew_pooling_max(NULL, x, y, index, NULL), HEW_ERR_INVALID, "null");
    check_refused(hew_pooling_max(&d, NULL, y, index, NULL), HEW_ERR_INVALID, "in is null");
    check_refused(hew_pooling_max(&d, x, NULL, index, NULL), HEW_ERR_INVALID, "out is null");
    check_refused(hew_pooling_max(&d, x, y, NULL, NULL), HEW_ERR_INVALID, "indices is null");
    check_refused(hew_pooling_max(&d, (char *)x + 1, y, index, NULL), HEW_ERR_INVALID, "aligned");
    check_refused(hew_pooling_backward(&d, x, NULL, y, NULL), HEW_ERR_INVALID, "indices is null");
    check_refused(hew_pooling_backward(&d, x, index, NULL, NULL), HEW_ERR_INVALID, "in_gradient");
    check_refused(hew_pooling_backward(&d, x, index, y, &(hew_threads){0}), HEW_ERR_INVALID,
                  "parallel_for");
    check_refused(hew_pooling_lp_backward(&d, x, x, x, y, NULL), HEW_ERR_UNSUPPORTED, "kind 0");
    d.kind = HEW_POOLING_LP;
    check_refused(hew_pooling_lp_backward(&d, x, NULL, x, y, NULL), HEW_ERR_INVALID, "in is null");
    check_refused(hew_pooling_lp_backward(&d, x, x, NULL, y, NULL), HEW_ERR_INVALID, "out is null");
    check_refused(hew_pooling_backward(&d, x, NULL, y, NULL), HEW_ERR_UNSUPPORTED, "kind 3");
    d.kind = HEW_POOLING_MAX;
    check_refused(hew_pooling_flat_indices(&d, (hew_pooling_order)3, index, flat, NULL),
                  HEW_ERR_INVALID, "3");
    check_refused(hew_pooling_flat_indices(&d, HEW_POOLING_NCHW, index,
                                           (int64_t *)(void *)((char *)flat + 4), NULL),
                  HEW_ERR_INVALID, "8 bytes");
    d.kind = HEW_POOLING_AVG;
    check_refused(hew_pooling_backward(&d, x, index, y, NULL), HEW_ERR_INVALID, "average");
    check_refused(hew_pooling_max(&d, x, y, index, NULL), HEW_ERR_UNSUPPORTED, "kind 1");
    d.kind = HEW_POOLING_LP;
    check_refused(hew_pooling_backward(&d, x, NULL, y, NULL), HEW_ERR_UNSUPPORTED, "kind 3");
    d.kind = HEW_POOLING_MAX, d.type = HEW_U8;
    check_refused(hew_pooling_max(&d, x, y, index, NULL), HEW_ERR_UNSUPPORTED, "u8");
    d.type = HEW_F32, d.in[0] = (int64_t)1 << 31, d.kernel[0] = 1 << 20;
    check_refused(hew_pooling_max(&d, x, y, index, NULL), HEW_ERR_UNSUPPORTED, "2147483648");
    check_bits("out", before, y, layout_of(1, 16, 16), NAN_BITS);
    d = HEW_POOLING_DESC(.in = {4}, .channels = 2, .kernel = {2}, .batch = -1);
    check_status(hew_pooling_max(&d, NULL, NULL, NULL, NULL), HEW_OK);
    check_status(hew_pooling_backward(&d, NULL, NULL, NULL, NULL), HEW_OK);
}

int main(void)
{
    static const test tests[] = {{"random_windows", random_windows},
                                 {"threads", threads},
                                 {"crowds", crowds},
                                 {"differences", differences},
                                 {"known_maxima", known_maxima},
                                 {"known_averages", known_averages},
                                 {"refused", refused}};
    return run_on_rungs("pooling_backward", HEW_FAMILY_pooling_grad, TESTS(tests));
}
