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
    const int64_t p = d->pixels, c = d->channels, blocks = c / block + (c % block != 0);
    const int64_t last = stride == 0 ? c : stride, first = stride == 0 ? p : stride;
    if (own > 0)
        return (side){{(ptrdiff_t)(blocks * p * own * size), (ptrdiff_t)(p * own * size),
                       (ptrdiff_t)(own * size), (ptrdiff_t)size}};
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

hew_status hew_reorder_blocks(const hew_reorder_desc *d, const void *in, void *out,
                              const hew_threads *threads)
{
    static const int64_t zero = 0;
    const int64_t from_block = hew_layout_block(d->from), to_block = hew_layout_block(d->to);
    const int64_t widest = hew_max_i64(from_block, to_block);
    const int64_t block = widest > 0 ? widest : d->channels;
    if (from_block > 0 && to_block > 0 && from_block != to_block)
        return hew_fail(HEW_ERR_UNSUPPORTED, "reorder: blocks of %d to blocks of %d",
                        (int)from_block, (int)to_block);
    const side from = side_of(d, d->from, d->in_stride, block);
    const side to = side_of(d, d->to, d->out_stride, block), none = {{0}};
    const int64_t whole = d->channels / block, rest = d->channels % block;
    const char *const tail = (const char *)in + whole * from.step[1];
    char *const out_tail = (char *)out + whole * to.step[1];
    hew_move m[3];
    plan(&m[0], d, &from, &to, whole, block, in, out);
    plan(&m[1], d, &from, &to, rest > 0, rest, tail, out_tail);
    plan(&m[2], d, &none, &to, to_block > 0 && rest > 0, block - rest, (const char *)&zero,
         out_tail + rest * to.step[3]);
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    const hew_status s = hew_moves_run(m, 3, threads);
    hew_move_verbose("reorder", m, 3, start);
    return s;
}
