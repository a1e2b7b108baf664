/* copy: every element where its index says, and nothing else touched. */
#include "strided.h"

#include <string.h>

static const hew_type types[] = {HEW_U8, HEW_F16, HEW_F32, HEW_S64};

/* `want` is what lies in out, with in's elements over it. */
static void copy_naively(const strided *in, strided *want)
{
    const int64_t points = tensor_points(&want->t);
    const size_t size = (size_t)type_bytes(in->t.type);
    for (int64_t p = 0; p < points; p++)
        memcpy(strided_at(want, &want->t, p), strided_at(in, &want->t, p), size);
}

static void check_copy(rng *r, hew_tensor in, hew_tensor out, const hew_threads *threads)
{
    const placement where = (placement)rng_chance(r, 2);
    strided from = strided_new(r, in, where), to = strided_new(r, out, where);
    strided want = strided_copy(&to, where);
    copy_naively(&from, &want);
    const hew_copy_desc d = HEW_COPY_DESC(.in = in, .out = out);
    state_save();
    const hew_status status = hew_copy(&d, from.data, to.data, threads);
    state_check();
    check_status(status, HEW_OK);
    check_strided("out", &want, &to);
    strided_free(&from);
    strided_free(&to);
    strided_free(&want);
}

/* Any shape of up to about `most` elements. */
static hew_tensor any_shape(rng *r, int64_t most)
{
    hew_tensor t = {.type = types[rng_between(r, 0, 3)], .rank = (int)rng_between(r, 0, 6)};
    for (int j = 0; j < t.rank; j++) {
        const int64_t top = rng_chance(r, 3) ? 70 : rng_chance(r, 2) ? 18 : 4;
        t.extent[j] = rng_between(r, rng_chance(r, 30) ? 0 : 1, top);
        t.extent[j] = t.extent[j] > most ? 1 : t.extent[j];
        most /= t.extent[j] ? t.extent[j] : 1;
    }
    return t;
}

static hew_tensor some_broadcast(rng *r, hew_tensor t)
{
    const int drop = t.rank > 0 && rng_chance(r, 2) ? (int)rng_between(r, 0, t.rank) : 0;
    t.rank -= drop;
    memmove(t.extent, t.extent + drop, (size_t)t.rank * sizeof t.extent[0]);
    for (int j = 0; j < t.rank; j++)
        if (rng_chance(r, 3))
            t.extent[j] = 1;
    return t;
}

static void random_strides(void)
{
    for (int i = 0; i < 1500; i++) {
        rng r = case_rng("copy %d", i);
        const hew_tensor shape = any_shape(&r, 4000);
        const hew_tensor from = rng_chance(&r, 4) ? some_broadcast(&r, shape) : shape;
        hew_tensor in = any_strides(&r, from, 3);
        if (in.rank > 0 && rng_chance(&r, 6))
            in.stride[rng_between(&r, 0, in.rank - 1)] = 0;
        check_copy(&r, in, any_strides(&r, shape, 3), no_threads());
    }
}

/* Dense matrices whose inner dimensions change places, at all tails of blocks. */
static void transposes(void)
{
    for (int64_t rows = 1; rows <= 68; rows++)
        for (int64_t columns = 1; columns <= 68; columns += rows % 3 + 1) {
            rng r = case_rng("%lld x %lld", (long long)rows, (long long)columns);
            const int64_t gap = rng_chance(&r, 2) ? rng_between(&r, 0, 3) : 0;
            const hew_type type = types[rng_between(&r, 0, 3)];
            const hew_tensor out = {.type = type, .rank = 2, .extent = {columns, rows}};
            const hew_tensor in = {.type = type, .rank = 2, .extent = {columns, rows},
                                   .stride = {1, columns + gap}};
            check_copy(&r, in, out, no_threads());
        }
}

/* Images of few channels have a way of their own. */
static void few_rows(void)
{
    for (int64_t rows = 2; rows <= 4; rows++)
        for (int64_t columns = 1; columns <= 70; columns++)
            for (int i = 0; i < 3; i++) {
                rng r = case_rng("%lld rows, %lld columns, type %d", (long long)rows,
                                 (long long)columns, i);
                const hew_tensor out = {.type = types[i], .rank = 3, .extent = {2, columns, rows}};
                const hew_tensor in = {.type = types[i], .rank = 3, .extent = {2, columns, rows},
                                       .stride = {columns * rows + 1, 1, columns}};
                check_copy(&r, in, out, no_threads());
            }
}

static void threads(void)
{
    static const size_t counts[] = {1, 2, 3, 8};
    static const int64_t shapes[][4] = {
        {1, 1, 1, 300000}, {2, 3, 301, 170}, {1, 700, 3, 131}, {400, 5, 7, 9}, {1, 1, 3, 80000},
        {1, 90, 1, 1100}};
    static const int orders[][4] = {{0, 1, 2, 3}, {0, 2, 1, 3}, {3, 1, 2, 0}, {0, 3, 1, 2}};
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
        for (int i = 0; i < 16; i++) {
            const size_t count = counts[i % 4];
            const hew_threads *lent = i % 3 ? reversed_of(count) : pool_of(count);
            rng r = case_rng("shape %zu, %d", s, i);
            const int *order = orders[rng_between(&r, 0, 3)];
            const hew_tensor dense = dense_tensor(types[rng_between(&r, 0, 3)], 4, shapes[s]);
            hew_tensor out = {.type = dense.type, .rank = 4}, in = out;
            for (int j = 0; j < 4; j++) {
                out.extent[j] = in.extent[j] = dense.extent[order[j]];
                in.stride[j] = dense.stride[order[j]];
            }
            check_copy(&r, in, out, lent);
        }
}

/* Longer than the caches: written past them, with lines that are aligned and lines that aren't. */
static void streamed(void)
{
    const int64_t n = 17 << 20;
    for (int i = 0; i < 4; i++) {
        rng r = case_rng("%d", i);
        const int64_t edge = i < 2 ? 4096 : 4099, rows = i % 2 ? n / edge : 1;
        uint8_t *in = hew_alloc((size_t)n + 64), *out = hew_alloc((size_t)n + 64);
        for (int64_t k = 0; k < n; k++)
            in[k] = (uint8_t)(k * 167 >> 5);
        memset(out, 0xee, (size_t)n + 64);
        hew_tensor from = {.type = HEW_U8, .rank = 2, .extent = {edge, rows}, .stride = {1, edge}};
        hew_tensor to = {.type = HEW_U8, .rank = 2, .extent = {edge, rows}};
        if (rows == 1)
            from = to = (hew_tensor){.type = HEW_U8, .rank = 1, .extent = {n - i}};
        const hew_copy_desc d = HEW_COPY_DESC(.in = from, .out = to);
        const int64_t shift = rng_between(&r, 0, 1) * 7;
        check_status(hew_copy(&d, in, out + shift, pool_of(2)), HEW_OK);
        const int64_t points = tensor_points(&to);
        for (int64_t k = 0; k < points; k++) {
            const int64_t at = rows == 1 ? k : k % rows * edge + k / rows;
            if (out[shift + k] != in[at])
                fail_case("element %lld", (long long)k);
        }
        for (int64_t k = shift + points; k < n + 64; k++)
            if (out[k] != 0xee)
                fail_case("written after the end, at %lld", (long long)k);
        hew_free(in);
        hew_free(out);
    }
}

static void refusals(void)
{
    static const hew_tensor two = {.rank = 2, .extent = {2, 3}};
    float in[16] = {0}, out[16], before[16];
    poison_f32(out, 16);
    memcpy(before, out, sizeof out);
    const struct {
        hew_copy_desc d;
        hew_status status;
        const char *text;
    } bad[] = {
        {{.size = 9, .in = two, .out = two}, HEW_ERR_INVALID, "9"},
        {HEW_COPY_DESC(.in = two, .out = HEW_TENSOR(.rank = 7)), HEW_ERR_INVALID, "7"},
        {HEW_COPY_DESC(.in = HEW_TENSOR(.rank = -1), .out = two), HEW_ERR_INVALID, "-1"},
        {HEW_COPY_DESC(.in = HEW_TENSOR(.type = HEW_S4), .out = two), HEW_ERR_UNSUPPORTED, "s4"},
        {HEW_COPY_DESC(.in = HEW_TENSOR(.rank = 1, .extent = {2}), .out = two), HEW_ERR_INVALID,
         "in has 2 elements"},
        {HEW_COPY_DESC(.in = two, .out = HEW_TENSOR(.rank = 2, .extent = {2, 3}, .stride = {3, 0})),
         HEW_ERR_INVALID, "stride of 0 along dimension 1"},
        {HEW_COPY_DESC(.in = two, .out = HEW_TENSOR(.rank = 2, .extent = {2, INT64_MAX})),
         HEW_ERR_OVERFLOW, "out is too large"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        case_rng("refusal %zu", i);
        check_refused(hew_copy(&bad[i].d, in, out, NULL), bad[i].status, bad[i].text);
    }
    case_rng("null, threads");
    const hew_copy_desc d = HEW_COPY_DESC(.in = two, .out = two);
    check_refused(hew_copy(NULL, in, out, NULL), HEW_ERR_INVALID, "null");
    check_refused(hew_copy(&d, NULL, out, NULL), HEW_ERR_INVALID, "in is null");
    check_refused(hew_copy(&d, in, NULL, NULL), HEW_ERR_INVALID, "out is null");
    check_refused(hew_copy(&d, in, (char *)out + 1, NULL), HEW_ERR_INVALID, "aligned");
    check_refused(hew_copy(&d, in, out, &(hew_threads){0}), HEW_ERR_INVALID, "parallel_for");
    check_bits("out", before, out, layout_of(1, 16, 16), NAN_BITS);
}

/* The definitions and the kernels, side by side. */
static void kernels(void)
{
    size_t count;
    const hew_kernel *const transpose = hew_kernels(HEW_FAMILY_transpose, &count);
    const hew_kernel *const rows = hew_kernels(HEW_FAMILY_copy_rows, &count);
    check_kernel(transpose->name);
    check_kernel(rows->name);
    for (int i = 0; i < 600; i++) {
        rng r = case_rng("matrix %d", i);
        /* Whole lines of few columns, or anything. */
        const bool few = rng_chance(&r, 4);
        const int64_t size = 1 << rng_between(&r, 0, 3);
        const int64_t nr = few ? 64 * rng_between(&r, 1, 12) : rng_between(&r, 0, 80);
        const int64_t nc = few ? rng_between(&r, 1, 5) : rng_between(&r, 0, 80);
        const int64_t gap = few ? 0 : rng_between(&r, 0, 9);
        const bool copy = rng_chance(&r, 2), stream = rng_chance(&r, 2);
        const int64_t in_stride = nc * size + gap, out_stride = copy ? in_stride : nr * size + gap;
        buffer in = buffer_new((size_t)(nr * in_stride), 1, AT_BACK);
        buffer out = buffer_new((size_t)((copy ? nr : nc) * out_stride), 1, AT_BACK);
        for (size_t k = 0; k < in.bytes; k++)
            ((uint8_t *)in.data)[k] = (uint8_t)rng_next(&r);
        memset(out.data, 0xcd, out.bytes);
        buffer want = buffer_copy(out.data, out.bytes, 1, AT_BACK);
        hew_transpose t = {(size_t)size, (size_t)nr, (size_t)nc, in.data, in_stride, want.data,
                           out_stride, stream};
        hew_copy_rows c = {(size_t)nr, (size_t)(nc * size), in.data, in_stride, want.data,
                           out_stride, stream, NULL};
        copy ? hew_copy_rows_ref(&c) : hew_transpose_ref(&t);
        t.out = c.out = out.data;
        copy ? HEW_FN(copy_rows, rows)(&c) : HEW_FN(transpose, transpose)(&t);
        if (memcmp(want.data, out.data, out.bytes) != 0)
            fail_case("%s of %lld x %lld, %lld bytes", copy ? "copy" : "transpose", (long long)nr,
                      (long long)nc, (long long)size);
        buffer_free(&in);
        buffer_free(&out);
        buffer_free(&want);
    }
}

int main(void)
{
    static const test tests[] = {{"random_strides", random_strides}, {"transposes", transposes},
                                 {"few_rows", few_rows}, {"threads", threads},
                                 {"streamed", streamed}, {"refusals", refusals},
                                 {"kernels", kernels}};
    return run_on_rungs("copy", HEW_FAMILY_transpose, TESTS(tests));
}
