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

/* ------------------------------------------------------------------------------ weights ---- */

static size_t in_blocks(const hew_reorder_weights_desc *d, int64_t o, int64_t i, int64_t t)
{
    return (size_t)(((o / 16 * ((d->in_channels + 15) / 16) + i / 16) * d->taps + t) * 256 +
                    i % 16 * 16 + o % 16);
}

static void check_weights(rng *r, const hew_reorder_weights_desc *d, size_t size,
                          const hew_threads *threads)
{
    const int64_t no = d->out_channels, ni = d->in_channels;
    const size_t plain = (size_t)(no * ni * d->taps) * size;
    const size_t blocks = (size_t)((no + 15) / 16 * ((ni + 15) / 16) * d->taps * 256) * size;
    buffer in = buffer_new(d->from_blocks ? blocks : plain, size, AT_BACK);
    buffer out = buffer_new(d->from_blocks ? plain : blocks, size, AT_BACK);
    for (size_t k = 0; k < in.bytes; k++)
        ((uint8_t *)in.data)[k] = (uint8_t)rng_next(r);
    memset(out.data, 0xcd, out.bytes);
    buffer want = buffer_new(out.bytes, size, AT_BACK);
    memset(want.data, 0, want.bytes);
    for (int64_t o = 0; o < no; o++)
        for (int64_t i = 0; i < ni; i++)
            for (int64_t t = 0; t < d->taps; t++) {
                const size_t p = (size_t)((o * ni + i) * d->taps + t), b = in_blocks(d, o, i, t);
                memcpy((char *)want.data + (d->from_blocks ? p : b) * size,
                       (char *)in.data + (d->from_blocks ? b : p) * size, size);
            }
    state_save();
    const hew_status status = hew_reorder_weights(d, in.data, out.data, threads);
    state_check();
    check_status(status, HEW_OK);
    if (memcmp(want.data, out.data, out.bytes) != 0)
        fail_case("other bytes");
    buffer_free(&in), buffer_free(&out), buffer_free(&want);
}

static void weights(void)
{
    static const hew_type types[] = {HEW_S8, HEW_BF16, HEW_F32, HEW_S64};
    for (int i = 0; i < 200; i++) {
        rng r = case_rng("weights %d", i);
        const int64_t type = rng_between(&r, 0, 3);
        const hew_reorder_weights_desc d = HEW_REORDER_WEIGHTS_DESC(
            .type = types[type], .from_blocks = rng_chance(&r, 2),
            .out_channels = rng_chance(&r, 3) ? 32 : rng_between(&r, 0, 50),
            .in_channels = rng_chance(&r, 3) ? 16 : rng_between(&r, 0, 50),
            .taps = rng_chance(&r, 3) ? 1 : rng_between(&r, 0, 10));
        check_weights(&r, &d, (size_t)1 << type, rng_chance(&r, 3) ? pool_of(3) : no_threads());
    }
}

static void refused_weights(void)
{
    float in[4] = {0}, out[4] = {0};
    hew_reorder_weights_desc d = HEW_REORDER_WEIGHTS_DESC(.out_channels = 2, .in_channels = 2);
    case_rng("refused weights");
    check_refused(hew_reorder_weights(NULL, in, out, NULL), HEW_ERR_INVALID, "null");
    check_status(hew_reorder_weights(&d, NULL, NULL, NULL), HEW_OK); /* no taps */
    d.taps = 1;
    check_refused(hew_reorder_weights(&d, in, NULL, NULL), HEW_ERR_INVALID, "out is null");
    check_refused(hew_reorder_weights(&d, (char *)in + 1, out, NULL), HEW_ERR_INVALID, "aligned");
    d.in_channels = -1;
    check_refused(hew_reorder_weights(&d, in, out, NULL), HEW_ERR_INVALID, "in_channels = -1");
    d.in_channels = INT64_MAX;
    check_refused(hew_reorder_weights(&d, in, out, NULL), HEW_ERR_OVERFLOW, "large");
    d.type = (hew_type)77;
    check_refused(hew_reorder_weights(&d, in, out, NULL), HEW_ERR_UNSUPPORTED, "type 77");
    d.size = 8;
    check_refused(hew_reorder_weights(&d, in, out, NULL), HEW_ERR_INVALID, "size is 8");
}

int main(void)
{
    static const test tests[] = {{"random_images", random_images}, {"refusals", refusals},
                                 {"weights", weights}, {"refused_weights", refused_weights}};
    return run_on_rungs("reorder_blocks", HEW_FAMILY_transpose, TESTS(tests));
}
