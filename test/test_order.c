/* cumsum and topk: bit for bit against their definitions, and against plain sorting and adding. */
#include "strided.h"

#include <math.h>
#include <string.h>

#ifdef HEW_SANITIZED
enum { RANDOM_CASES = 150 };
#else
enum { RANDOM_CASES = 700 };
#endif

static const hew_type types[] = {HEW_F32, HEW_BF16, HEW_F16, HEW_S32, HEW_S8, HEW_U8};

static void fill_in(rng *r, strided *s, fill kind)
{
    const size_t n = s->memory.bytes / (size_t)type_bytes(s->t.type);
    if (s->t.type == HEW_F32)
        fill_f32(r, s->memory.data, n, kind);
    else if (s->t.type == HEW_BF16)
        fill_bf16(r, s->memory.data, n, kind);
    else if (s->t.type == HEW_F16) /* no NaN: which of two a sum gives is left open */
        for (size_t i = 0; i < n; i++)
            ((uint16_t *)s->memory.data)[i] &= 0xbfff;
    else if (s->t.type == HEW_S32 && rng_chance(r, 2)) /* many equals */
        for (size_t i = 0; i < n; i++)
            ((int32_t *)s->memory.data)[i] %= 7;
}

static hew_tensor some_shape(rng *r, hew_type type, int64_t most)
{
    hew_tensor t = {.type = type, .rank = (int)rng_between(r, 1, HEW_MAX_RANK)};
    for (int j = 0; j < t.rank; j++) {
        const int64_t limit = hew_min_i64(most, rng_chance(r, 3) ? most : 5);
        t.extent[j] = rng_between(r, rng_chance(r, 30) ? 0 : 1, limit);
        most /= t.extent[j] ? t.extent[j] : 1;
    }
    return t;
}

static fill some_fill(rng *r)
{
    static const fill kinds[] = {FILL_MIXED, FILL_INTS, FILL_SPECIALS, FILL_ZEROS, FILL_DENORMALS};
    return kinds[rng_between(r, 0, 4)];
}

/* ---------------------------------------------------------------------------------- cumsum ---- */

static void check_cumsum(rng *r, hew_cumsum_desc d, bool in_place, const hew_threads *threads)
{
    const placement where = (placement)rng_chance(r, 2);
    strided in = strided_new(r, d.in, where), out;
    fill_in(r, &in, some_fill(r));
    out = in_place ? strided_copy(&in, where) : strided_new(r, d.out, where);
    strided want = strided_copy(&out, where);
    hew_cumsum_ref(&d, in.data, want.data);
    state_save();
    const hew_status status = hew_cumsum(&d, in_place ? out.data : in.data, out.data, threads);
    state_check();
    check_status(status, HEW_OK);
    check_strided("out", &want, &out);
    strided_free(&in);
    strided_free(&out);
    strided_free(&want);
}

static hew_cumsum_desc some_cumsum(rng *r, int64_t most, bool in_place)
{
    hew_cumsum_desc d = HEW_CUMSUM_DESC(.exclusive = rng_chance(r, 2), .reverse = rng_chance(r, 2));
    const hew_tensor shape = some_shape(r, types[rng_between(r, 0, 3)], most);
    d.axis = (int)rng_between(r, 0, shape.rank - 1);
    d.in = any_strides(r, shape, 2);
    d.out = in_place ? d.in : any_strides(r, shape, 2);
    return d;
}

static void sums(void)
{
    for (int i = 0; i < RANDOM_CASES; i++) {
        rng r = case_rng("cumsum %d", i);
        const bool in_place = rng_chance(&r, 3);
        check_cumsum(&r, some_cumsum(&r, 5000, in_place), in_place, no_threads());
    }
}

/* What the definition says is a plain chain. */
static void sums_by_hand(void)
{
    case_rng("by hand");
    const float x[6] = {1, 2, 3, -0.0f, 1e8f, 1};
    static const float want[4][6] = {{1, 3, 6, 6, 1e8f + 8, 1e8f + 8},
                                     {0, 1, 3, 6, 6, 1e8f + 8},
                                     {1e8f, 1e8f, 1e8f, 1e8f, 1e8f, 1},
                                     {1e8f, 1e8f, 1e8f, 1e8f, 1, 0}};
    for (int i = 0; i < 4; i++) {
        float y[6];
        const hew_tensor t = {.rank = 1, .extent = {6}};
        const hew_cumsum_desc d =
            HEW_CUMSUM_DESC(.exclusive = i % 2, .reverse = i / 2, .in = t, .out = t);
        check_status(hew_cumsum(&d, x, y, NULL), HEW_OK);
        check_bits("out", want[i], y, layout_of(1, 6, 6), NAN_BITS);
    }
}

/* ------------------------------------------------------------------------------------ topk ---- */

static void check_topk(rng *r, const hew_topk_desc *d, fill kind, const hew_threads *threads)
{
    const placement where = (placement)rng_chance(r, 2);
    strided in = strided_new(r, d->in, where), values = strided_new(r, d->values, where);
    strided indices = strided_new(r, d->indices, where);
    strided want_values = strided_copy(&values, where);
    strided want_indices = strided_copy(&indices, where);
    fill_in(r, &in, kind);
    hew_topk_ref(d, in.data, want_values.data, want_indices.data);
    const size_t bytes = hew_topk_scratch_size(d, threads ? threads->count : 1);
    buffer scratch = buffer_new(bytes, HEW_ALIGNMENT, where);
    state_save();
    const hew_status status =
        hew_topk(d, in.data, values.data, indices.data, scratch.data, threads);
    state_check();
    check_status(status, HEW_OK);
    check_strided("indices", &want_indices, &indices);
    check_strided("values", &want_values, &values);
    strided_free(&in), strided_free(&values), strided_free(&indices);
    strided_free(&want_values), strided_free(&want_indices);
    buffer_free(&scratch);
}

static hew_topk_desc some_topk(rng *r, int64_t most)
{
    hew_topk_desc d = HEW_TOPK_DESC(.smallest = rng_chance(r, 2));
    hew_tensor shape = some_shape(r, types[rng_between(r, 0, 5)], most);
    d.axis = (int)rng_between(r, 0, shape.rank - 1);
    d.in = any_strides(r, shape, 2);
    const int64_t n = shape.extent[d.axis];
    shape.extent[d.axis] = rng_chance(r, 2) ? rng_between(r, 0, n) : hew_min_i64(n, 3);
    d.values = any_strides(r, shape, 2);
    shape.type = HEW_S64;
    d.indices = any_strides(r, shape, 2);
    return d;
}

static void largest(void)
{
    for (int i = 0; i < RANDOM_CASES; i++) {
        rng r = case_rng("topk %d", i);
        const hew_topk_desc d = some_topk(&r, rng_chance(&r, 20) ? 600 : 150);
        check_topk(&r, &d, some_fill(&r), no_threads());
    }
}

/* Everything in order: each element is there, and none comes before one that is larger. */
static void sorted(void)
{
    enum { N = 3000 };
    static float x[N], y[N];
    static int64_t index[N];
    for (int smallest = 0; smallest < 2; smallest++) {
        rng r = case_rng("sorted %d", smallest);
        for (int i = 0; i < N; i++)
            x[i] = (float)rng_between(&r, -900, 900);
        hew_topk_desc d = HEW_TOPK_DESC(.smallest = smallest, .in = {.rank = 1, .extent = {N}});
        d.values = d.indices = d.in;
        d.indices.type = HEW_S64;
        void *scratch = hew_alloc(hew_topk_scratch_size(&d, 1));
        check_status(hew_topk(&d, x, y, index, scratch, NULL), HEW_OK);
        static bool seen[N];
        memset(seen, 0, sizeof seen);
        for (int i = 0; i < N; i++) {
            if (seen[index[i]] || x[index[i]] != y[i])
                fail_case("element %d is number %lld", i, (long long)index[i]);
            seen[index[i]] = true;
            const bool falls = i == 0 || (smallest ? y[i - 1] < y[i] : y[i - 1] > y[i]);
            if (!falls && (y[i - 1] != y[i] || index[i - 1] > index[i]))
                fail_case("elements %d and %d", i - 1, i);
        }
        hew_free(scratch);
    }
}

static void specials(void)
{
    case_rng("specials");
    const float x[8] = {1, -NAN, INFINITY, -0.0f, 0.0f, NAN, -INFINITY, 1};
    static const int64_t want[2][8] = {{1, 5, 2, 0, 7, 3, 4, 6}, {6, 3, 4, 0, 7, 2, 1, 5}};
    for (int smallest = 0; smallest < 2; smallest++) {
        float y[8];
        int64_t index[8];
        hew_topk_desc d = HEW_TOPK_DESC(.smallest = smallest, .in = {.rank = 1, .extent = {8}});
        d.values = d.indices = d.in;
        d.indices.type = HEW_S64;
        check_status(hew_topk(&d, x, y, index, NULL, NULL), HEW_OK);
        for (int i = 0; i < 8; i++)
            assert_int_equal(index[i], want[smallest][i]);
    }
}

static void threads(void)
{
    static const size_t counts[] = {1, 2, 3, 8};
    for (int i = 0; i < 16; i++) {
        const size_t count = counts[i % 4];
        const hew_threads *lent = i % 3 ? reversed_of(count) : pool_of(count);
        rng r = case_rng("threads %d", i);
        hew_topk_desc d = HEW_TOPK_DESC(.axis = i % 2, .smallest = i % 5 == 0);
        d.in = (hew_tensor){.type = types[i % 6], .rank = 2, .extent = {90, 90}};
        d.in.extent[!d.axis] = 500;
        d.values = d.indices = d.in;
        d.values.extent[d.axis] = d.indices.extent[d.axis] = i % 4 ? 5 : 70;
        d.indices.type = HEW_S64;
        if (takes_case(&r, 400000))
            check_topk(&r, &d, FILL_MIXED, lent);
        hew_cumsum_desc c = HEW_CUMSUM_DESC(.axis = i % 2, .reverse = i % 3 == 0);
        c.in = c.out = (hew_tensor){.type = types[i % 4], .rank = 2, .extent = {400, 300}};
        check_cumsum(&r, c, i % 2, lent);
    }
}

static void refusals(void)
{
    case_rng("refusals");
    float x[12] = {0}, y[12];
    int64_t index[12];
    hew_topk_desc d = HEW_TOPK_DESC(.axis = 1, .in = {.rank = 2, .extent = {3, 4}},
                                    .values = {.rank = 2, .extent = {3, 2}},
                                    .indices = {.type = HEW_S64, .rank = 2, .extent = {3, 2}});
    const hew_topk_desc good = d;
    check_refused(hew_topk(NULL, x, y, index, NULL, NULL), HEW_ERR_INVALID, "null");
    check_refused(hew_topk(&d, NULL, y, index, NULL, NULL), HEW_ERR_INVALID, "in is null");
    check_refused(hew_topk(&d, x, NULL, index, NULL, NULL), HEW_ERR_INVALID, "values is null");
    check_refused(hew_topk(&d, x, y, NULL, NULL, NULL), HEW_ERR_INVALID, "indices is null");
    d.axis = 2;
    check_refused(hew_topk(&d, x, y, index, NULL, NULL), HEW_ERR_INVALID, "axis 2");
    d = good, d.values.extent[1] = 5;
    check_refused(hew_topk(&d, x, y, index, NULL, NULL), HEW_ERR_INVALID, "2 elements");
    d.indices.extent[1] = 5;
    check_refused(hew_topk(&d, x, y, index, NULL, NULL), HEW_ERR_INVALID, "5 of 4");
    d = good, d.indices.type = HEW_S32;
    check_refused(hew_topk(&d, x, y, index, NULL, NULL), HEW_ERR_UNSUPPORTED, "s32");
    d = good, d.in.extent[0] = -1;
    check_refused(hew_topk(&d, x, y, index, NULL, NULL), HEW_ERR_INVALID, "-1");
    assert_true(hew_topk_scratch_size(&d, 1) == SIZE_MAX);
    d = good, d.in.extent[1] = INT64_C(1) << 31;
    check_refused(hew_topk(&d, x, y, index, NULL, NULL), HEW_ERR_UNSUPPORTED, "2147483648");
    d = good, d.in.extent[1] = d.values.extent[1] = d.indices.extent[1] = 300;
    assert_true(hew_topk_scratch_size(&d, 2) == 2 * 2432);
    check_refused(hew_topk(&d, x, y, index, NULL, NULL), HEW_ERR_INVALID, "scratch");

    hew_cumsum_desc c = HEW_CUMSUM_DESC(.in = {.rank = 2, .extent = {3, 4}},
                                        .out = {.rank = 2, .extent = {3, 4}});
    const hew_cumsum_desc fine = c;
    check_refused(hew_cumsum(NULL, x, y, NULL), HEW_ERR_INVALID, "null");
    check_refused(hew_cumsum(&c, x, NULL, NULL), HEW_ERR_INVALID, "out is null");
    c.axis = -1;
    check_refused(hew_cumsum(&c, x, y, NULL), HEW_ERR_INVALID, "axis -1");
    c = fine, c.in.type = HEW_S8;
    check_refused(hew_cumsum(&c, x, y, NULL), HEW_ERR_UNSUPPORTED, "s8");
    c = fine, c.out.extent[1] = 5;
    check_refused(hew_cumsum(&c, x, y, NULL), HEW_ERR_INVALID, "5 elements");
    c = fine, c.out.stride[0] = 1, c.out.stride[1] = 3;
    check_refused(hew_cumsum(&c, x, x, NULL), HEW_ERR_INVALID, "in place");
    c.size = 3;
    check_refused(hew_cumsum(&c, x, y, NULL), HEW_ERR_INVALID, "3");
}

int main(void)
{
    static const test tests[] = {{"sums", sums},       {"sums_by_hand", sums_by_hand},
                                 {"largest", largest}, {"sorted", sorted},
                                 {"specials", specials}, {"threads", threads},
                                 {"refusals", refusals}};
    return run_on_rungs("order", HEW_FAMILY_cumsum, TESTS(tests));
}
