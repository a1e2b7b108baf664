/*
 * reorder_weights.c - weights of convolutions to and from blocks of 16 x 16 channels: four strided
 * copies, of the whole blocks and of those that aren't along either channel, and the zeros of
 * these.
 */
#include "format.h"
#include "move.h"

enum { BLOCK = 16, PARTS = 7 };

/* Loops over blocks of output and of input channels, taps, and the channels of a block. */
typedef struct weights {
    size_t size; /* bytes of an element */
    size_t taps;
    ptrdiff_t in[5], out[5]; /* strides in bytes */
    const char *from;
    char *to;
} weights;

/* Blocks along one channel: which, how many, and which of their channels. */
typedef struct span {
    size_t block, blocks, first, channels;
} span;

static hew_status check(const hew_reorder_weights_desc *d, const void *in, const void *out,
                        bool *empty)
{
    const hew_status s =
        hew_check_desc("reorder_weights", d, d ? d->size : 0, sizeof *d);
    if (s != HEW_OK)
        return s;
    if ((unsigned)d->type >= 32 || (HEW_MOVABLE >> (unsigned)d->type & 1) == 0)
        return hew_fail(HEW_ERR_UNSUPPORTED, "reorder_weights: type %d (%s)", (int)d->type,
                        hew_type_name(d->type));
    if (d->out_channels < 0 || d->in_channels < 0 || d->taps < 0)
        return hew_fail(HEW_ERR_INVALID, "reorder_weights: out_channels = %lld, in_channels = %lld, "
                        "taps = %lld", (long long)d->out_channels, (long long)d->in_channels,
                        (long long)d->taps);
    *empty = d->out_channels == 0 || d->in_channels == 0 || d->taps == 0;
    const int64_t size = (int64_t)hew_type_size(d->type);
    int64_t o, i, bytes;
    if (!*empty && (!hew_add(d->out_channels, BLOCK, &o) || !hew_add(d->in_channels, BLOCK, &i) ||
                    !hew_mul(o, i, &bytes) || !hew_mul(bytes, d->taps, &bytes) ||
                    !hew_mul(bytes, size, &bytes)))
        return hew_fail(HEW_ERR_OVERFLOW, "reorder_weights: %lld x %lld x %lld is too large",
                        (long long)d->out_channels, (long long)d->in_channels,
                        (long long)d->taps);
    if (!*empty && (!in || !out))
        return hew_fail(HEW_ERR_INVALID, "reorder_weights: %s is null", in ? "out" : "in");
    if (((uintptr_t)in | (uintptr_t)out) & ((size_t)size - 1))
        return hew_fail(HEW_ERR_INVALID, "reorder_weights: in at %p or out at %p is not aligned to "
                        "its elements", in, out);
    return HEW_OK;
}

static void plan(hew_move *m, const weights *w, span o, span i, const void *zero)
{
    hew_nest n = {.rank = 5, .tensors = 2,
                  .extent = {o.blocks, i.blocks, w->taps, i.channels, o.channels}};
    const size_t first[5] = {o.block, i.block, 0, i.first, o.first};
    const char *from = zero ? zero : w->from;
    char *to = w->to;
    for (int j = 0; j < 5; j++) {
        n.stride[0][j] = w->out[j];
        n.stride[1][j] = zero ? 0 : w->in[j];
        from += n.stride[1][j] * (ptrdiff_t)first[j];
        to += n.stride[0][j] * (ptrdiff_t)first[j];
    }
    hew_move_plan(m, &n, w->size, from, to);
}

hew_status hew_reorder_weights(const hew_reorder_weights_desc *desc, const void *in, void *out,
                               const hew_threads *threads)
{
    static const int64_t zero = 0;
    bool empty = false;
    hew_status s = check(desc, in, out, &empty);
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    if (s != HEW_OK || empty)
        return s;
    const size_t size = hew_type_size(desc->type), taps = (size_t)desc->taps;
    const size_t no = (size_t)desc->out_channels, ni = (size_t)desc->in_channels;
    const ptrdiff_t e = (ptrdiff_t)size, t = (ptrdiff_t)(taps * size), tile = BLOCK * BLOCK * e;
    const ptrdiff_t plain[5] = {BLOCK * (ptrdiff_t)ni * t, BLOCK * t, e, t, (ptrdiff_t)ni * t};
    const ptrdiff_t blocks[5] = {(ptrdiff_t)(hew_ceil_div(ni, BLOCK) * taps) * tile,
                                 (ptrdiff_t)taps * tile, tile, BLOCK * e, e};
    weights w = {.size = size, .taps = taps, .from = in, .to = out};
    for (int j = 0; j < 5; j++) {
        w.in[j] = desc->from_blocks ? blocks[j] : plain[j];
        w.out[j] = desc->from_blocks ? plain[j] : blocks[j];
    }
    const size_t rest_o = no % BLOCK, rest_i = ni % BLOCK;
    const bool fill_o = !desc->from_blocks && rest_o > 0, fill_i = !desc->from_blocks && rest_i > 0;
    const span o = {0, no / BLOCK, 0, BLOCK}, i = {0, ni / BLOCK, 0, BLOCK};
    const span last_o = {no / BLOCK, rest_o > 0, 0, rest_o};
    const span last_i = {ni / BLOCK, rest_i > 0, 0, rest_i};
    const span zero_o = {no / BLOCK, fill_o, rest_o, BLOCK - rest_o};
    const span zero_i = {ni / BLOCK, fill_i, rest_i, BLOCK - rest_i};
    const span all_o = {0, hew_ceil_div(no, BLOCK), 0, BLOCK};
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    hew_move m[PARTS];
    plan(&m[0], &w, o, i, NULL);
    plan(&m[1], &w, last_o, i, NULL);
    plan(&m[2], &w, o, last_i, NULL);
    plan(&m[3], &w, last_o, last_i, NULL);
    plan(&m[4], &w, all_o, zero_i, &zero);
    plan(&m[5], &w, zero_o, i, &zero);
    plan(&m[6], &w, zero_o, last_i, &zero);
    s = hew_moves_run(m, PARTS, threads);
    hew_move_verbose("reorder_weights", m, PARTS, start);
    return s;
}
