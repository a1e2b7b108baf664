/* reorder: every element where its index says, and nothing else touched. */
#include "harness.h"
#include "ref/ref.h"

#include <stdlib.h>
#include <string.h>

/* One side of a reorder: rows are pixels where channels are last, else channels. */
static layout side(const hew_reorder_desc *d, hew_layout l, int64_t stride)
{
    const bool last = l == HEW_CHANNELS_LAST;
    const int64_t rows = last ? d->pixels : d->channels, row = last ? d->channels : d->pixels;
    const int64_t step = stride ? stride : row;
    return (layout){.outer = d->batch ? d->batch : 1, .outer_stride = rows * step, .rows = rows,
                    .row_stride = step, .columns = row};
}

static size_t size_of(hew_type type)
{
    return type == HEW_F32 || type == HEW_S32 ? 4 : type == HEW_U8 || type == HEW_S8 ? 1 : 2;
}

/* One element, converted if need be. */
static void put(const hew_reorder_desc *d, void *out, int64_t o, const void *in, int64_t i)
{
    const int64_t size = (int64_t)size_of(d->in_type);
    if (d->in_type == d->out_type)
        memcpy((char *)out + o * size, (const char *)in + i * size, (size_t)size);
    else
        hew_ref_store_type(d->out_type, out, o, hew_ref_load_type(d->in_type, in, i));
}

/* `out` as it should be, over what is there. */
static void want_out(const hew_reorder_desc *d, const layout *from, const layout *to,
                     const void *in, void *out)
{
    for (int64_t b = 0; b < from->outer; b++)
        for (int64_t p = 0; p < d->pixels; p++)
            for (int64_t c = 0; c < d->channels; c++) {
                const int64_t i = d->from == HEW_CHANNELS_LAST ? p * from->row_stride + c
                                                               : c * from->row_stride + p;
                const int64_t o = d->to == HEW_CHANNELS_LAST ? p * to->row_stride + c
                                                             : c * to->row_stride + p;
                put(d, out, b * to->outer_stride + o, in, b * from->outer_stride + i);
            }
}

static void check_desc(const hew_reorder_desc *d, rng *r, const hew_threads *threads)
{
    const placement where = (placement)rng_chance(r, 2);
    const layout from = side(d, d->from, d->in_stride), to = side(d, d->to, d->out_stride);
    const size_t in_size = size_of(d->in_type), out_size = size_of(d->out_type);
    buffer in = buffer_new(layout_span(from) * in_size, in_size, where);
    buffer out = buffer_new(layout_span(to) * out_size, out_size, where);
    if (d->in_type == HEW_F32)
        fill_f32(r, in.data, layout_span(from), FILL_NANS);
    else if (in_size == 2)
        fill_bf16(r, in.data, in.bytes / 2, FILL_NANS);
    else
        for (size_t i = 0; i < in.bytes; i++)
            ((uint8_t *)in.data)[i] = (uint8_t)rng_next(r);
    memset(out.data, 0xa5, out.bytes);
    buffer want = buffer_copy(out.data, out.bytes, out_size, where);
    want_out(d, &from, &to, in.data, want.data);
    state_save();
    const hew_status status = hew_reorder(d, in.data, out.data, threads);
    state_check();
    check_status(status, HEW_OK);
    check_elements("out", d->out_type, want.data, out.data, to);
    buffer_free(&in);
    buffer_free(&out);
    buffer_free(&want);
}

/* Of the pairs that go together, f32 twice as often. */
static void random_types(rng *r, hew_reorder_desc *d)
{
    static const hew_type pairs[][2] = {{HEW_F32, HEW_F32},  {HEW_F32, HEW_F32},
                                        {HEW_F32, HEW_BF16}, {HEW_F32, HEW_F16},
                                        {HEW_BF16, HEW_F32}, {HEW_F16, HEW_F32},
                                        {HEW_BF16, HEW_BF16}, {HEW_S8, HEW_S8},
                                        {HEW_S32, HEW_S32}};
    const int64_t pair = rng_between(r, 0, d->from == d->to ? 8 : 5);
    d->in_type = pairs[pair][0], d->out_type = pairs[pair][1];
}

static hew_reorder_desc random_desc(rng *r, int64_t pixels, int64_t channels)
{
    hew_reorder_desc d = HEW_REORDER_DESC(
        .from = (hew_layout)rng_between(r, 0, 1), .to = (hew_layout)rng_between(r, 0, 1),
        .batch = rng_between(r, 0, 3), .pixels = pixels, .channels = channels);
    random_types(r, &d);
    if (rng_chance(r, 2))
        d.in_stride = side(&d, d.from, 0).columns + rng_between(r, 0, 4);
    if (rng_chance(r, 2))
        d.out_stride = side(&d, d.to, 0).columns + rng_between(r, 0, 4);
    return d;
}

static void tails(void)
{
    for (int64_t pixels = 1; pixels <= 36; pixels++)
        for (int64_t channels = 1; channels <= 36; channels++) {
            rng r = case_rng("%lld pixels, %lld channels", (long long)pixels, (long long)channels);
            const hew_reorder_desc d = random_desc(&r, pixels, channels);
            check_desc(&d, &r, no_threads());
        }
}

/* Dense images of few channels have a way of their own. */
static void few_channels(void)
{
    for (int64_t channels = 1; channels <= 5; channels++)
        for (int64_t pixels = 1; pixels <= 140; pixels++)
            for (int to = 0; to < 2; to++) {
                rng r = case_rng("%lld channels, %lld pixels, to %d", (long long)channels,
                                 (long long)pixels, to);
                hew_reorder_desc d = HEW_REORDER_DESC(
                    .from = (hew_layout)(1 - to), .to = (hew_layout)to, .pixels = pixels,
                    .channels = channels);
                random_types(&r, &d);
                check_desc(&d, &r, no_threads());
            }
}

static void threads(void)
{
    static const size_t counts[] = {1, 2, 3, 8};
    static const int64_t shapes[][2] = {{3136, 64}, {49, 2048}, {50000, 3}, {3, 50000}, {70, 900}};
    for (int i = 0; i < 5; i++)
        for (int t = 0; t < 8; t++) {
            const size_t count = counts[t / 2];
            const hew_threads *lent = t % 2 ? reversed_of(count) : pool_of(count);
            rng r = case_rng("%lld pixels, %lld channels, %d", (long long)shapes[i][0],
                             (long long)shapes[i][1], t);
            const hew_reorder_desc d = random_desc(&r, shapes[i][0], shapes[i][1]);
            check_desc(&d, &r, lent);
        }
}

/* The definition and the kernel, side by side, at odd strides. */
static void kernels(void)
{
    size_t count;
    const hew_kernel *line = hew_kernels(HEW_FAMILY_transpose_f32, &count);
    check_kernel(line->name);
    for (int i = 0; i < 300; i++) {
        rng r = case_rng("matrix %d", i);
        const int64_t rows = rng_between(&r, 0, 70), columns = rng_between(&r, 0, 70);
        const int64_t in_stride = columns + rng_between(&r, 0, 9);
        const int64_t out_stride = rows + rng_between(&r, 0, 9);
        const layout from = layout_of(rows, in_stride, columns);
        const layout to = layout_of(columns, out_stride, rows);
        buffer in = buffer_new(layout_span(from) * 4, 4, AT_BACK);
        buffer out = buffer_new(layout_span(to) * 4, 4, AT_BACK);
        fill_f32(&r, in.data, layout_span(from), FILL_MIXED);
        poison_f32(out.data, layout_span(to));
        buffer want = buffer_copy(out.data, out.bytes, 4, AT_BACK);
        hew_transpose_f32_ref((size_t)rows, (size_t)columns, in.data, (size_t)in_stride, want.data,
                              (size_t)out_stride);
        HEW_FN(transpose_f32, line)((size_t)rows, (size_t)columns, in.data, (size_t)in_stride,
                                    out.data, (size_t)out_stride);
        check_bits("out", want.data, out.data, to, NAN_BITS);
        buffer_free(&in);
        buffer_free(&out);
        buffer_free(&want);
    }
}

#define D(...) {.size = sizeof(hew_reorder_desc), __VA_ARGS__}

static void refusals(void)
{
    static const struct {
        hew_reorder_desc d;
        hew_status status;
        const char *text;
    } bad[] = {
        {{.size = 9, .pixels = 2, .channels = 3}, HEW_ERR_INVALID, "9"},
        {D(.in_type = HEW_F16, .out_type = HEW_BF16, .pixels = 2, .channels = 3),
         HEW_ERR_UNSUPPORTED, "f16 to bf16"},
        {D(.in_type = HEW_U8, .out_type = HEW_BF16, .to = HEW_CHANNELS_FIRST, .pixels = 2,
           .channels = 3), HEW_ERR_UNSUPPORTED, "layout 0 to 1"},
        {D(.in_type = HEW_S4, .out_type = HEW_S4, .pixels = 2, .channels = 3), HEW_ERR_UNSUPPORTED,
         "s4"},
        {D(.out_type = (hew_type)-1, .pixels = 2, .channels = 3), HEW_ERR_UNSUPPORTED, "unknown"},
        {D(.from = (hew_layout)4, .pixels = 2, .channels = 3), HEW_ERR_INVALID, "4 to 0"},
        {D(.to = (hew_layout)-1, .pixels = 2, .channels = 3), HEW_ERR_INVALID, "-1"},
        {D(.batch = -2, .pixels = 2, .channels = 3), HEW_ERR_INVALID, "-2"},
        {D(.pixels = -2, .channels = 3), HEW_ERR_INVALID, "-2"},
        {D(.pixels = 2, .channels = INT64_MIN), HEW_ERR_INVALID, "-9223372036854775808"},
        {D(.pixels = 2, .channels = 3, .in_stride = 2), HEW_ERR_INVALID, "in_stride"},
        {D(.to = HEW_CHANNELS_FIRST, .pixels = 2, .channels = 1, .out_stride = 1), HEW_ERR_INVALID,
         "out_stride"},
        {D(.pixels = INT64_MAX / 8, .channels = 3), HEW_ERR_OVERFLOW, "1152921504606846975"},
        {D(.pixels = 2, .channels = 3, .batch = INT64_MAX / 8), HEW_ERR_OVERFLOW, "images"},
        {D(.pixels = 2, .channels = 3, .out_stride = INT64_MAX / 4), HEW_ERR_OVERFLOW,
         "out_stride"},
    };
    float in[16] = {0}, out[16], before[16];
    poison_f32(out, 16);
    memcpy(before, out, sizeof out);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        case_rng("refusal %zu", i);
        check_refused(hew_reorder(&bad[i].d, in, out, NULL), bad[i].status, bad[i].text);
    }
    case_rng("null, threads");
    const hew_reorder_desc d = HEW_REORDER_DESC(.pixels = 2, .channels = 3);
    check_refused(hew_reorder(NULL, in, out, NULL), HEW_ERR_INVALID, "null");
    check_refused(hew_reorder(&d, NULL, out, NULL), HEW_ERR_INVALID, "in is null");
    check_refused(hew_reorder(&d, in, NULL, NULL), HEW_ERR_INVALID, "out is null");
    check_refused(hew_reorder(&d, (char *)in + 2, out, NULL), HEW_ERR_INVALID, "not aligned");
    check_refused(hew_reorder(&d, in, out, &(hew_threads){0}), HEW_ERR_INVALID, "parallel_for");
    check_bits("out", before, out, layout_of(1, 16, 16), NAN_BITS);
}

static void nothing(void)
{
    case_rng("nothing");
    const hew_reorder_desc empty[] = {HEW_REORDER_DESC(.pixels = 0, .channels = 3),
                                      HEW_REORDER_DESC(.pixels = 3, .channels = 0, .to = 1),
                                      HEW_REORDER_DESC(.pixels = 3, .channels = 3, .batch = -1)};
    for (int i = 0; i < 3; i++)
        check_status(hew_reorder(&empty[i], NULL, NULL, NULL), HEW_OK);
}

int main(void)
{
    static const test tests[] = {{"tails", tails},     {"few_channels", few_channels},
                                 {"threads", threads}, {"kernels", kernels},
                                 {"refusals", refusals}, {"nothing", nothing}};
    return run_on_rungs("reorder_f32", HEW_FAMILY_transpose_f32, TESTS(tests));
}
