/*
 * pooling.h - the walk that pooling kernels of all types share: hew_pooling_block in kernels.h.
 *
 * A few registers of channels go along a run of pixels.  Each column of a pixel's box, all rows of
 * all planes, is reduced to one value, and the columns' values to the result; where neighbouring
 * boxes overlap, the columns they share stay in registers:
 *
 *     3 columns, shift 1:   | a b c |          an element of the input is loaded once
 *                             | b c d |        for each row of a box that it is in
 *
 * A run is so short that its input stays in the cache while the channels go by.
 * Where the channels end within a register, the last one covers some that are done already; it is
 * masked only where there is no whole one.
 *
 * The including file, a template itself, says before what an element is and what is done with it:
 *
 *     pool_element, POOL_LANES         elements, and how many a register has of them
 *     POOL_SHARES                      whether columns are shared: 0 makes less code
 *     pool_reg, pool_lanes             a register as loaded; which of its lanes are channels
 *     pool_first(n)                    the first n lanes
 *     pool_load_some, pool_store_some, pool_load, pool_store
 *     pool_setup, pool_prepare(b)      what all results of a block have in common
 *     POOL_WIDEST, pool_wide(max, sharing)  registers of channels along a run: 1, 2, 4 or 8
 *     pool_value                       one of them, reduced
 *     pool_start(max)                  of nothing
 *     pool_see(max, v, x)              and of one element more
 *     pool_join(max, v, w)             of a column and the columns before it
 *     pool_finish(max, setup, v)       as stored
 *     pool_nothing(max, b)             the result of a box without pixels
 *     pool_watch(max, seen, x), pool_check(max, seen, ...)   all elements of a run, to look back on
 */
#include "kernels_pooling.h"

enum {
    POOL_MAX_COLUMNS = 3,            /* of boxes that share any */
    POOL_SHARING_RUN_BYTES = 24 << 10, /* of input under a run, to be found again in L1 by the next
                                          row's, part of whose input it is */
    POOL_SHARING_RUN = 8               /* pixels, at least: the first columns are not shared */
};

/* Some registers of channels along a run; with `masked`, the last one is masked. */
typedef struct pool_run {
    const hew_pooling_block *block;
    pool_setup setup;
    size_t pixels;
    const pool_element *in;
    pool_element *out;
    pool_lanes lanes;
} pool_run;

typedef struct pool_values {
    pool_value v[POOL_WIDEST];
} pool_values;

/* One column at p.  `seen` is the run's. */
HEW_INLINE pool_values pool_column(const bool max, const int nb, const bool masked,
                                   const hew_pooling_block *b, pool_lanes lanes,
                                   const pool_element *p, pool_values *seen)
{
    pool_values c;
    HEW_UNROLL for (int v = 0; v < nb; v++)
        c.v[v] = pool_start(max);
    for (size_t d = 0; d < b->box[0]; d++, p += b->step[0]) {
        const pool_element *q = p;
        for (size_t h = 0; h < b->box[1]; h++, q += b->step[1])
            HEW_UNROLL for (int v = 0; v < nb; v++) {
                const pool_reg x = masked ? pool_load_some(lanes, q)
                                          : pool_load(q + POOL_LANES * v);
                c.v[v] = pool_see(max, c.v[v], x);
                seen->v[v] = pool_watch(max, seen->v[v], x);
            }
    }
    return c;
}

/* What comes after b in the chain of columns. */
HEW_INLINE pool_values pool_join_all(const bool max, const int nb, pool_values a, pool_values b)
{
    HEW_UNROLL for (int v = 0; v < nb; v++)
        a.v[v] = pool_join(max, a.v[v], b.v[v]);
    return a;
}

HEW_INLINE void pool_finish_all(const bool max, const int nb, const bool masked,
                                const pool_run *run, pool_element *out, pool_values x)
{
    HEW_UNROLL for (int v = 0; v < nb; v++) {
        const pool_reg y = pool_finish(max, &run->setup, x.v[v]);
        if (masked)
            pool_store_some(run->lanes, out, y);
        else
            pool_store(out + POOL_LANES * v, y);
    }
}

/*
 * nb registers along the run.  `columns` of each box, which starts `shift` columns after the one
 * before; with columns = 0 their number is the block's and none is kept.
 */
HEW_INLINE void pool_along(const bool max, const int columns, const int shift, const int nb,
                           const bool masked, const pool_run *run)
{
    const hew_pooling_block local = *run->block, *const b = &local; /* that no store can reach */
    const pool_element *in = run->in;
    pool_element *out = run->out;
    pool_values seen, kept[POOL_MAX_COLUMNS] = {0};
    HEW_UNROLL for (int v = 0; v < nb; v++)
        seen.v[v] = pool_start(false);
    HEW_UNROLL for (int w = shift; w < columns; w++)
        kept[w] = pool_column(max, nb, masked, b, run->lanes,
                              in + (size_t)(w - shift) * b->step[2], &seen);
    for (size_t i = 0; i < run->pixels; i++, in += b->in_step, out += b->out_step) {
        pool_values total;
        if (columns == 0) {
            total = pool_column(max, nb, masked, b, run->lanes, in, &seen);
            for (size_t w = 1; w < b->box[2]; w++)
                total = pool_join_all(
                    max, nb, total,
                    pool_column(max, nb, masked, b, run->lanes, in + w * b->step[2], &seen));
        } else {
            HEW_UNROLL for (int w = 0; w < columns; w++)
                kept[w] = w + shift < columns
                              ? kept[w + shift]
                              : pool_column(max, nb, masked, b, run->lanes,
                                            in + (size_t)w * b->step[2], &seen);
            total = kept[0];
            HEW_UNROLL for (int w = 1; w < columns; w++)
                total = pool_join_all(max, nb, total, kept[w]);
        }
        pool_finish_all(max, nb, masked, run, out, total);
    }
    for (int v = 0; v < nb; v++)
        pool_check(max, seen.v[v], run->block, run->pixels, run->in + POOL_LANES * v,
                   run->out + POOL_LANES * v, masked ? run->lanes : pool_first(POOL_LANES));
}

/* As many of the channels left as whole registers, nb at a time, take. */
HEW_INLINE size_t pool_channels_by(const bool max, const int columns, const int shift, const int nb,
                                   pool_run *run, size_t left)
{
    const size_t n = POOL_LANES * (size_t)nb;
    for (; left >= n; left -= n, run->in += n, run->out += n)
        pool_along(max, columns, shift, nb, false, run);
    return left;
}

/* All channels of a run. */
HEW_INLINE void pool_all_channels(const bool max, const int columns, const int shift, pool_run run)
{
    const int wide = pool_wide(max, columns > shift);
    size_t left = run.block->channels;
    if (wide > 4)
        left = pool_channels_by(max, columns, shift, 8, &run, left);
    if (wide > 2)
        left = pool_channels_by(max, columns, shift, 4, &run, left);
    if (wide > 1)
        left = pool_channels_by(max, columns, shift, 2, &run, left);
    if (left > 0 && run.block->channels < POOL_LANES) {
        pool_along(max, columns, shift, 1, true, &run);
        return;
    }
    while (left > 0) {
        const size_t again = left < POOL_LANES ? POOL_LANES - left : 0;
        run.in -= again;
        run.out -= again;
        left = pool_channels_by(max, columns, shift, 1, &run, left + again);
    }
}

/* A run of a row of output, from pixel x on. */
HEW_INLINE void pool_row(const bool max, const int columns, const int shift, pool_run run, size_t y,
                         size_t x, size_t length)
{
    const hew_pooling_block *b = run.block;
    run.pixels = hew_min(length, b->pixels - x);
    run.in = (const pool_element *)b->in + y * b->in_row + x * b->in_step;
    run.out = (pool_element *)b->out + y * b->out_row + x * b->out_step;
    pool_all_channels(max, columns, shift, run);
}

HEW_INLINE void pool(const bool max, const int columns, const int shift,
                     const hew_pooling_block *b)
{
    pool_run run = {.block = b, .setup = pool_prepare(max, b)};
    run.lanes = pool_first(hew_min(b->channels, POOL_LANES));
    if (columns > shift) {
        const size_t under = b->box[0] * b->box[1] * (size_t)shift * b->channels;
        const size_t length = hew_max(POOL_SHARING_RUN_BYTES / (under * sizeof(pool_element)),
                                      POOL_SHARING_RUN);
        for (size_t x = 0; x < b->pixels; x += length)
            for (size_t y = 0; y < b->rows; y++)
                pool_row(max, columns, shift, run, y, x, length);
        return;
    }
    /* The input is best read nearly in the order of its addresses. */
    const bool one_pass = b->channels <= POOL_LANES * (size_t)pool_wide(max, false);
    const size_t length = one_pass ? hew_max(b->pixels, 1) : 2;
    for (size_t y = 0; y < b->rows; y++)
        for (size_t x = 0; x < b->pixels; x += length)
            pool_row(max, columns, shift, run, y, x, length);
}

#define POOL(name, max, columns, shift)                                                            \
    static __attribute__((noinline)) void name(const hew_pooling_block *b)                         \
    {                                                                                              \
        pool(max, columns, shift, b);                                                              \
    }
POOL(max_3_1, true, 3, 1)
POOL(max_3_2, true, 3, 2)
POOL(max_2_2, true, 2, 2)
POOL(max_any, true, 0, 0)
POOL(average_3_1, false, 3, 1)
POOL(average_3_2, false, 3, 2)
POOL(average_2_2, false, 2, 2)
POOL(average_any, false, 0, 0)

/* A box without pixels. */
static __attribute__((cold)) void pool_fill(const hew_pooling_block *b)
{
    for (size_t i = 0; i < b->rows * b->pixels; i++) {
        pool_element *out = (pool_element *)b->out + i / b->pixels * b->out_row +
                            i % b->pixels * b->out_step;
        for (size_t c = 0; c < b->channels; c += POOL_LANES)
            pool_store_some(pool_first(hew_min(b->channels - c, POOL_LANES)), out + c,
                            pool_nothing(b));
    }
}

HEW_INLINE void pool_any(const hew_pooling_block *b)
{
    const size_t columns = b->box[2], step = b->step[2];
    const size_t shift = b->pixels <= 1 ? columns : b->in_step % step ? 0 : b->in_step / step;
    if (b->box[0] == 0 || b->box[1] == 0 || columns == 0)
        pool_fill(b);
    else if (POOL_SHARES && columns == 3 && shift == 1)
        (b->max ? max_3_1 : average_3_1)(b);
    else if (POOL_SHARES && columns == 3 && shift == 2)
        (b->max ? max_3_2 : average_3_2)(b);
    else if (POOL_SHARES && columns == 2 && shift == 2)
        (b->max ? max_2_2 : average_2_2)(b);
    else
        (b->max ? max_any : average_any)(b);
}
