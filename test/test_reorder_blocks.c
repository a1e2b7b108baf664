/* reorder of blocks of channels, and of any type: every element where its layout has it, zeros
 * where a block is not full, and nothing else touched. */
#include "harness.h"

#include <string.h>

static int64_t block_of(hew_layout l)
{
    return l == HEW_BLOCKS_OF_8 ? 8 : l == HEW_BLOCKS_OF_16 ? 16 : 0;
}

static int64_t elements(const hew_reorder_desc *d, hew_layout l, int64_t stride)
{
    const int64_t b = block_of(l), n = d->batch ? d->batch : 1;
    if (b)
        return n * ((d->channels + b - 1) / b) * d->pixels * b;
    const bool last = l == HEW_CHANNELS_LAST;
    const int64_t rows = last ? d->pixels : d->channels, row = last ? d->channels : d->pixels;
    return (n * rows - 1) * (stride ? stride : row) + row;
}

static int64_t at(const hew_reorder_desc *d, hew_layout l, int64_t stride, int64_t n, int64_t c,
                  int64_t p)
{
    const int64_t b = block_of(l);
    if (b)
        return ((n * ((d->channels + b - 1) / b) + c / b) * d->pixels + p) * b + c % b;
    if (l == HEW_CHANNELS_LAST)
        return (n * d->pixels + p) * (stride ? stride : d->channels) + c;
    return (n * d->channels + c) * (stride ? stride : d->pixels) + p;
}

static void check_desc(rng *r, const hew_reorder_desc *d, size_t size, const hew_threads *threads)
{
    buffer in = buffer_new((size_t)elements(d, d->from, d->in_stride) * size, size, AT_BACK);
    buffer out = buffer_new((size_t)elements(d, d->to, d->out_stride) * size, size, AT_BACK);
    for (size_t i = 0; i < in.bytes; i++)
        ((uint8_t *)in.data)[i] = (uint8_t)rng_next(r);
    memset(out.data, 0xcd, out.bytes);
    buffer want = buffer_copy(out.data, out.bytes, size, AT_BACK);
    if (block_of(d->to)) /* all of it is written: what no channel is, zero */
        memset(want.data, 0, want.bytes);
    for (int64_t n = 0; n < (d->batch ? d->batch : 1); n++)
        for (int64_t c = 0; c < d->channels; c++)
            for (int64_t p = 0; p < d->pixels; p++)
                memcpy((char *)want.data + (size_t)at(d, d->to, d->out_stride, n, c, p) * size,
                       (char *)in.data + (size_t)at(d, d->from, d->in_stride, n, c, p) * size,
                       size);
    state_save();
    const hew_status status = hew_reorder(d, in.data, out.data, threads);
    state_check();
    check_status(status, HEW_OK);
    if (memcmp(want.data, out.data, out.bytes) != 0)
        fail_case("other bytes");
    buffer_free(&in), buffer_free(&out), buffer_free(&want);
}

static void random_images(void)
{
    static const hew_type types[] = {HEW_U8, HEW_BF16, HEW_F32, HEW_S64, HEW_S8, HEW_S32};
    static const size_t sizes[] = {1, 2, 4, 8, 1, 4};
    for (int i = 0; i < 500; i++) {
        rng r = case_rng("image %d", i);
        const int64_t type = rng_between(&r, 0, 5);
        hew_reorder_desc d = HEW_REORDER_DESC(
            .in_type = types[type], .out_type = types[type],
            .from = (hew_layout)rng_between(&r, 0, 3), .to = (hew_layout)rng_between(&r, 0, 3),
            .batch = rng_between(&r, 0, 3), .pixels = rng_between(&r, 1, 40),
            .channels = rng_between(&r, 1, 70));
        if (!block_of(d.from) && rng_chance(&r, 3))
            d.in_stride = (d.from == HEW_CHANNELS_LAST ? d.channels : d.pixels) + 3;
        if (!block_of(d.to) && rng_chance(&r, 3))
            d.out_stride = (d.to == HEW_CHANNELS_LAST ? d.channels : d.pixels) + 2;
        if (rng_chance(&r, 30))
            d.pixels *= 50, d.in_stride = d.out_stride = 0;
        check_desc(&r, &d, sizes[type], rng_chance(&r, 3) ? pool_of(3) : no_threads());
    }
}

static void refusals(void)
{
    float in[64] = {0}, out[64], before[64];
    poison_f32(out, 64);
    memcpy(before, out, sizeof out);
    hew_reorder_desc d = HEW_REORDER_DESC(.to = HEW_BLOCKS_OF_8, .pixels = 2, .channels = 3,
                                          .out_stride = 8);
    case_rng("refusals");
    check_refused(hew_reorder(&d, in, out, NULL), HEW_ERR_INVALID, "out_stride = 8 of blocks");
    d.out_stride = 0, d.out_type = HEW_BF16;
    check_refused(hew_reorder(&d, in, out, NULL), HEW_ERR_UNSUPPORTED,
                  "f32 to bf16, layout 0 to 2");
    d.out_type = HEW_F32, d.channels = INT64_MAX;
    check_refused(hew_reorder(&d, in, out, NULL), HEW_ERR_OVERFLOW, "large");
    check_bits("out", before, out, layout_of(1, 64, 64), NAN_BITS);
}

int main(void)
{
    static const test tests[] = {{"random_images", random_images}, {"refusals", refusals}};
    return run_on_rungs("reorder_blocks", HEW_FAMILY_transpose, TESTS(tests));
}
