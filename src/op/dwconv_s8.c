/*
 * dwconv_s8.c - depthwise convolution of bytes: which kernels serve, and what they are given as
 * weights.
 *
 *     | header | sums of the channels' weights | block 0 | block 1 | ...
 *
 * A block is rows of words, as src/core/kernels.h has them, for as many channels as its kernel is
 * wide.
 */
#include "dwconv_s8.h"

#include <string.h>

enum {
    TABLE_BYTES = 64 << 10, /* of offsets in scratch, as far as that makes a choice */
    PAD_BYTES = 16 << 10,   /* of a row of padding, likewise */
    WIDE = 0,
    NARROW = 1
};

/* The lines for wide and for narrow blocks, of which there may be one. */
static void find_flat(hew_dwconv_s8 *b)
{
    size_t count;
    b->flat[WIDE] = hew_kernels(HEW_FAMILY_dwconv_u8s8, &count);
    b->flat[NARROW] = b->flat[WIDE] + count - 1;
}

/* Where runs can slide, in the order of kernels.def. */
static void find_slide(const hew_conv_desc *d, hew_dwconv_s8 *b)
{
    size_t count;
    const hew_kernel *first = hew_kernels(HEW_FAMILY_dwconv_slide_u8s8, &count);
    const int64_t taps = d->kernel[2], line = (taps - 3) * 2 + (d->stride[2] - 1) * 2;
    b->slide[WIDE] = b->slide[NARROW] = NULL;
    if (d->kernel[0] * d->kernel[1] != taps || (taps != 3 && taps != 5) || d->dilation[2] != 1 ||
        d->stride[2] > 2 || d->out_c != d->in_c || line >= (int64_t)count)
        return;
    b->slide[WIDE] = first + line;
    b->slide[NARROW] = b->slide[WIDE] + 1;
}

static size_t taps_of(const hew_conv *op)
{
    return (size_t)(op->d.kernel[0] * op->d.kernel[1] * op->d.kernel[2]);
}

hew_dwconv_s8_slots hew_dwconv_s8_slots_of(const hew_conv *op)
{
    if (op->bytes.slide[WIDE])
        return (hew_dwconv_s8_slots){.tap = hew_round_up((size_t)op->d.kernel[2], op->bytes.depth),
                                     .row = 1};
    return (hew_dwconv_s8_slots){.tap = 1, .row = (size_t)op->d.kernel[2]};
}

hew_status hew_dwconv_s8_plan(hew_conv *op)
{
    const hew_conv_desc *d = &op->d;
    hew_dwconv_s8 *b = &op->bytes;
    const size_t taps = taps_of(op), channels = (size_t)d->out_c;
    find_flat(b);
    find_slide(d, b);
    b->depth = (size_t)b->flat[WIDE]->depth;
    b->words = hew_ceil_div(taps, b->depth);
    if (b->slide[WIDE])
        b->words = (size_t)d->kernel[2] * hew_ceil_div((size_t)d->kernel[2], b->depth);
    const size_t wide = (size_t)b->flat[WIDE]->nr, narrow = (size_t)b->flat[NARROW]->nr;
    b->wide_blocks = channels / wide;
    b->blocks = b->wide_blocks + hew_ceil_div(channels % wide, narrow);
    const int width = b->wide_blocks > 0 ? WIDE : NARROW;
    op->kernel = b->slide[WIDE] ? b->slide[width] : b->flat[width];
    op->sums_bytes = channels * sizeof(int32_t);
    op->packed_bytes = sizeof(hew_packed_header) + hew_round_up(op->sums_bytes, HEW_ALIGNMENT) +
                       b->words * HEW_WORD * hew_round_up(channels, narrow);

    const size_t slots = b->words * b->depth;
    if (slots > (size_t)1 << 36)
        return hew_fail(HEW_ERR_OVERFLOW, "conv: %zu taps need too much scratch", taps);
    const size_t table = slots * sizeof(ptrdiff_t);
    b->runs = hew_max(1, hew_min(HEW_DWCONV_RUNS, TABLE_BYTES / table));
    const size_t step = (size_t)(d->stride[2] * d->in_stride);
    b->pad_pixels = 1;
    if (!b->slide[WIDE] && d->pad_lo[0] + d->pad_lo[1] + d->pad_hi[0] + d->pad_hi[1] > 0)
        b->pad_pixels = hew_max(1, hew_min(hew_min((size_t)op->out[2], HEW_DWCONV_PIXELS),
                                           PAD_BYTES / step));
    op->pad_bytes = (b->pad_pixels - 1) * step + (size_t)d->in_c;
    op->worker_bytes = hew_round_up(op->pad_bytes, HEW_ALIGNMENT) +
                       hew_round_up((b->runs + 1) * table, HEW_ALIGNMENT) +
                       hew_round_up(b->words * HEW_WORD, HEW_ALIGNMENT);
    if (op->staged)
        op->worker_bytes += HEW_DWCONV_PIXELS * wide * sizeof(float);
    return HEW_OK;
}

/* Where in a row of nr words the word of a channel is. */
static size_t word_of(size_t channel, size_t nr)
{
    return channel % 16 / 4 * (nr / 4) + channel / 16 * 4 + channel % 4;
}

hew_dwconv_s8_part hew_dwconv_s8_part_of(const hew_conv *op, size_t i)
{
    const hew_dwconv_s8 *b = &op->bytes;
    const int width = i < b->wide_blocks ? WIDE : NARROW;
    const size_t wide = (size_t)b->flat[WIDE]->nr, nr = (size_t)b->flat[width]->nr;
    const size_t first = width == WIDE ? i * wide
                                       : b->wide_blocks * wide + (i - b->wide_blocks) * nr;
    return (hew_dwconv_s8_part){first, hew_min(nr, (size_t)op->d.out_c - first), width};
}

char *hew_dwconv_s8_packed(const hew_conv *op, const void *packed, hew_dwconv_s8_part part)
{
    return hew_conv_packed_panels(op, packed) + part.channel * op->bytes.words * HEW_WORD;
}

void hew_dwconv_s8_pack(const hew_conv *op, const uint8_t *weights, void *packed)
{
    const size_t width = (size_t)op->d.kernel[2], taps = taps_of(op);
    const uint8_t flip = op->format.b_unsigned ? 0x80 : 0;
    const hew_dwconv_s8_slots slots = hew_dwconv_s8_slots_of(op);
    int32_t *sums = hew_conv_packed_sums(packed);
    memset(sums, 0, hew_round_up(op->sums_bytes, HEW_ALIGNMENT));
    for (size_t i = 0; i < op->bytes.blocks; i++) {
        const hew_dwconv_s8_part part = hew_dwconv_s8_part_of(op, i);
        const size_t nr = (size_t)op->bytes.flat[part.width]->nr;
        char *out = hew_dwconv_s8_packed(op, packed, part);
        memset(out, 0, op->bytes.words * HEW_WORD * nr);
        for (size_t t = 0; t < taps; t++)
            for (size_t c = 0; c < part.n; c++) {
                const uint8_t byte = weights[(part.channel + c) * taps + t];
                const int8_t value = (int8_t)(byte ^ flip);
                const size_t slot = t / width * slots.row + t % width * slots.tap;
                hew_pack_put(out, nr, op->bytes.depth, slot, word_of(c, nr), value);
                sums[part.channel + c] += value;
            }
    }
}
