/*
 * reorder_blocks.c - images between layouts of which one has blocks of channels, and transposed
 * ones of any type: the strided copy of the whole blocks, that of a last one which isn't whole, and
 * the zeros that fill it up.
 */
#include "reorder_blocks.h"

#include "format.h"
#include "move.h"

/* Strides in bytes of a layout's loops: image, block, pixel, channel of a block. */
typedef struct side {
    ptrdiff_t step[4];
} side;

static side side_of(const hew_reorder_desc *d, hew_layout layout, int64_t stride, int64_t block)
{
    const int64_t size = (int64_t)hew_type_size(d->in_type), own = hew_layout_block(layout);
    const int64_t p = d->pixels, c = d->channels;
    const int64_t last = stride == 0 ? c : stride, first = stride == 0 ? p : stride;
    if (own > 0)
        return (side){{(ptrdiff_t)((c / own + (c % own != 0)) * p * own * size),
                       (ptrdiff_t)(p * block * size), (ptrdiff_t)(own * size), (ptrdiff_t)size}};
    if (layout == HEW_CHANNELS_LAST)
        return (side){{(ptrdiff_t)(p * last * size), (ptrdiff_t)(block * size),
                       (ptrdiff_t)(last * size), (ptrdiff_t)size}};
    return (side){{(ptrdiff_t)(c * first * size), (ptrdiff_t)(block * first * size),
                   (ptrdiff_t)size, (ptrdiff_t)(first * size)}};
}

/* `channels` of each of `blocks` blocks. */
static void plan(hew_move *m, const hew_reorder_desc *d, const side *from, const side *to,
                 int64_t blocks, int64_t channels, const char *in, char *out)
{
    hew_nest n = {.rank = 4, .tensors = 2,
                  .extent = {(size_t)hew_max_i64(d->batch, 1), (size_t)blocks, (size_t)d->pixels,
                             (size_t)channels}};
    for (int j = 0; j < 4; j++) {
        n.stride[0][j] = to->step[j];
        n.stride[1][j] = from->step[j];
    }
    hew_move_plan(m, &n, hew_type_size(d->in_type), in, out);
}

/* Between layouts with blocks of one length, or with and without: the whole blocks, the channels of
 * a last one, and the zeros behind them. */
static void plan_same(hew_move m[4], const hew_reorder_desc *d, int64_t block, const void *in,
                      void *out)
{
    static const int64_t zero = 0;
    const side from = side_of(d, d->from, d->in_stride, block);
    const side to = side_of(d, d->to, d->out_stride, block), none = {{0}};
    const int64_t whole = d->channels / block, rest = d->channels % block;
    const char *const tail = (const char *)in + whole * from.step[1];
    char *const out_tail = (char *)out + whole * to.step[1];
    const bool fills = hew_layout_block(d->to) > 0 && rest > 0;
    plan(&m[0], d, &from, &to, whole, block, in, out);
    plan(&m[1], d, &from, &to, rest > 0, rest, tail, out_tail);
    plan(&m[2], d, &none, &to, fills, block - rest, (const char *)&zero,
         out_tail + rest * to.step[3]);
    m[3] = (hew_move){.points = 0};
}

/* Both sides in units of 16 channels, and how far their second eight lie behind the first. */
typedef struct halves {
    const hew_reorder_desc *d;
    side from, to;
    ptrdiff_t from_half, to_half;
    const char *in;
    char *out;
} halves;

/* `channels` of every second block of 8 from the first-th on. */
static void plan_halves(hew_move *m, const halves *h, int64_t first, int64_t count,
                        int64_t channels)
{
    plan(m, h->d, &h->from, &h->to, count, channels,
         h->in + first / 2 * h->from.step[1] + first % 2 * h->from_half,
         h->out + first / 2 * h->to.step[1] + first % 2 * h->to_half);
}

/* Blocks of 8 to blocks of 16, or back: the even blocks of 8, the odd ones, the channels of a last
 * one that isn't whole, and the zeros behind them. */
static void plan_between(hew_move m[4], const hew_reorder_desc *d, const void *in, void *out)
{
    static const int64_t zero = 0;
    const int64_t size = (int64_t)hew_type_size(d->in_type), own = hew_layout_block(d->to);
    const int64_t whole = d->channels / 8, rest = d->channels % 8, fill = d->channels % own;
    halves h = {d, side_of(d, d->from, 0, 16), side_of(d, d->to, 0, 16), 0, 0, in, out};
    const ptrdiff_t inside = (ptrdiff_t)(8 * size), apart = (ptrdiff_t)(d->pixels * 8 * size);
    h.from_half = own == 16 ? apart : inside;
    h.to_half = own == 16 ? inside : apart;
    plan_halves(&m[0], &h, 0, (whole + 1) / 2, 8);
    plan_halves(&m[1], &h, 1, whole / 2, 8);
    plan_halves(&m[2], &h, whole, rest > 0, rest);
    const side none = {{0}};
    const int64_t block = d->channels / own;
    char *const last = h.out + (own == 16 ? block * h.to.step[1]
                                          : block / 2 * h.to.step[1] + block % 2 * apart);
    plan(&m[3], d, &none, &h.to, fill > 0, own - fill, (const char *)&zero, last + fill * size);
}

hew_status hew_reorder_blocks(const hew_reorder_desc *d, const void *in, void *out,
                              const hew_threads *threads)
{
    const int64_t from_block = hew_layout_block(d->from), to_block = hew_layout_block(d->to);
    const int64_t widest = hew_max_i64(from_block, to_block);
    const int64_t block = widest > 0 ? widest : d->channels;
    hew_move m[4];
    if (from_block > 0 && to_block > 0 && from_block != to_block)
        plan_between(m, d, in, out);
    else
        plan_same(m, d, block, in, out);
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    const hew_status s = hew_moves_run(m, 4, threads);
    hew_move_verbose("reorder", m, 4, start);
    return s;
}
