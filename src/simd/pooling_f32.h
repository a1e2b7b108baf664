/*
 * pooling_f32 - the max or the average over boxes of pixels: hew_pooling_f32_block in kernels.h.
 *
 * The including file has its simd.h included first and defines HEW_POOLING_F32, the kernel's name.
 *
 * A few registers of channels go along a run of pixels.  Each column of a pixel's box, all rows of
 * all planes, is reduced to one value, and the columns' values to the result; where neighbouring
 * boxes overlap, the columns they share stay in registers:
 *
 *     3 columns, shift 1:   | a b c |          an element of the input is loaded once
 *                             | b c d |        for each row of a box that it is in
 *
 * A run is so short that its input stays in the cache while the channels go by.
 * Bound by loads, one for each element of the new columns, and for averages by the division.
 *
 * NaN in a maximum: maxps(x, m) hands on m when x is NaN, so the maximum alone would lose it.
 * Beside it runs the sum of all elements, which comes out NaN if one was, and which costs nothing
 * where additions have units of their own.  Then, or after inf - inf, the run is done again with
 * care.
 */
#include <math.h>

#include "../kernels.h"

/* Registers of channels: where columns are kept, in other maxima, and in other averages. */
enum {
    SHARING_WIDE = X16_REGISTERS / 8,
    MAX_WIDE = X16_REGISTERS == 32 ? 4 : 2,
    AVERAGE_WIDE = 2 * MAX_WIDE
};
enum {
    MAX_COLUMNS = 3,                /* of boxes that share any */
    SHARING_RUN_FLOATS = 32 << 10,  /* of input under a run: its first columns are not shared */
    SHARING_RUN = 8                 /* pixels, at least */
};

/* Some registers of channels along a run; with `masked`, the last one is masked. */
typedef struct pooling_run {
    const hew_pooling_f32_block *block;
    size_t pixels;
    const float *in;
    float *out;
    mask16 tail;
} pooling_run;

typedef struct pooling_values {
    f32x16 v[AVERAGE_WIDE];
} pooling_values;

HEW_INLINE f32x16 run_load(const pooling_run *run, const bool masked, const float *p)
{
    return masked ? x16_load_masked(run->tail, p, x16_set(0.0f)) : x16_load(p);
}

HEW_INLINE void run_store(const pooling_run *run, const bool masked, float *p, f32x16 x)
{
    if (masked)
        x16_store_masked(run->tail, p, x);
    else
        x16_store(p, x);
}

static __attribute__((noinline, cold)) void max_with_nans(const pooling_run *run)
{
    const hew_pooling_f32_block *b = run->block;
    for (size_t i = 0; i < run->pixels; i++) {
        f32x16 m = x16_set(-INFINITY);
        for (size_t w = 0; w < b->box[2]; w++)
            for (size_t d = 0; d < b->box[0]; d++)
                for (size_t h = 0; h < b->box[1]; h++) {
                    const float *p = run->in + i * b->in_step + w * b->step[2] + d * b->step[0] +
                                     h * b->step[1];
                    const f32x16 x = run_load(run, true, p);
                    const f32x16 larger = x16_select(x16_unordered(x, x), x, x16_max(x, m));
                    m = x16_select(x16_unordered(m, m), m, larger);
                }
        run_store(run, true, run->out + i * b->out_step, m);
    }
}

/* One column at p.  `sum` is the run's, for maxima. */
HEW_INLINE pooling_values column(const bool max, const int nb, const bool masked,
                                 const pooling_run *run, const float *p, pooling_values *sum)
{
    const hew_pooling_f32_block *b = run->block;
    pooling_values c;
    HEW_UNROLL for (int v = 0; v < nb; v++)
        c.v[v] = x16_set(max ? -INFINITY : 0.0f);
    for (size_t d = 0; d < b->box[0]; d++, p += b->step[0]) {
        const float *q = p;
        for (size_t h = 0; h < b->box[1]; h++, q += b->step[1])
            HEW_UNROLL for (int v = 0; v < nb; v++) {
                const f32x16 x = run_load(run, masked, q + 16 * v);
                c.v[v] = max ? x16_max(x, c.v[v]) : x16_add(c.v[v], x);
                if (max)
                    sum->v[v] = x16_add(sum->v[v], x);
            }
    }
    return c;
}

/* What comes after b in the chain of columns. */
HEW_INLINE pooling_values join(const bool max, const int nb, pooling_values a, pooling_values b)
{
    HEW_UNROLL for (int v = 0; v < nb; v++)
        a.v[v] = max ? x16_max(b.v[v], a.v[v]) : x16_add(a.v[v], b.v[v]);
    return a;
}

HEW_INLINE void finish(const bool max, const int nb, const bool masked, const pooling_run *run,
                       float *out, pooling_values x)
{
    const float divisor = run->block->divisor;
    HEW_UNROLL for (int v = 0; v < nb; v++) {
        f32x16 y = x.v[v];
        if (!max) {
            y = x16_div(y, x16_set(divisor));
            y = x16_select(x16_unordered(y, y), x16_set(NAN), y);
        }
        run_store(run, masked, out + 16 * v, y);
    }
}

/*
 * nb registers along the run.  `columns` of each box, which starts `shift` columns after the one
 * before; with columns = 0 their number is the block's and none is kept.
 */
HEW_INLINE void along(const bool max, const int columns, const int shift, const int nb,
                          const bool masked, const pooling_run *run)
{
    const hew_pooling_f32_block *b = run->block;
    const float *in = run->in;
    float *out = run->out;
    pooling_values sum, kept[MAX_COLUMNS] = {0};
    HEW_UNROLL for (int v = 0; v < nb; v++)
        sum.v[v] = x16_set(0.0f);
    HEW_UNROLL for (int w = shift; w < columns; w++)
        kept[w] = column(max, nb, masked, run, in + (size_t)(w - shift) * b->step[2], &sum);
    for (size_t i = 0; i < run->pixels; i++, in += b->in_step, out += b->out_step) {
        pooling_values total;
        if (columns == 0) {
            total = column(max, nb, masked, run, in, &sum);
            for (size_t w = 1; w < b->box[2]; w++)
                total = join(max, nb, total,
                             column(max, nb, masked, run, in + w * b->step[2], &sum));
        } else {
            HEW_UNROLL for (int w = 0; w < columns; w++)
                kept[w] = w + shift < columns
                              ? kept[w + shift]
                              : column(max, nb, masked, run, in + (size_t)w * b->step[2], &sum);
            total = kept[0];
            HEW_UNROLL for (int w = 1; w < columns; w++)
                total = join(max, nb, total, kept[w]);
        }
        finish(max, nb, masked, run, out, total);
    }
    for (int v = 0; max && v < nb; v++)
        if (HEW_UNLIKELY(x16_any(x16_unordered(sum.v[v], sum.v[v]))))
            max_with_nans(&(pooling_run){b, run->pixels, run->in + 16 * v, run->out + 16 * v,
                                         masked ? run->tail : x16_first(16)});
}

/* As many of the channels left as whole registers, nb at a time, take. */
HEW_INLINE size_t channels_by(const bool max, const int columns, const int shift, const int nb,
                              pooling_run *run, size_t left)
{
    const size_t n = 16 * (size_t)nb;
    for (; left >= n; left -= n, run->in += n, run->out += n)
        along(max, columns, shift, nb, false, run);
    return left;
}

HEW_INLINE int wide_of(const bool max, const int columns, const int shift)
{
    return columns > shift ? SHARING_WIDE : max ? MAX_WIDE : AVERAGE_WIDE;
}

/* All channels of a run. */
HEW_INLINE void pool_run(const bool max, const int columns, const int shift, pooling_run run)
{
    const int wide = wide_of(max, columns, shift);
    size_t left = channels_by(max, columns, shift, wide, &run, run.block->channels);
    if (wide > 4)
        left = channels_by(max, columns, shift, 4, &run, left);
    if (wide > 2)
        left = channels_by(max, columns, shift, 2, &run, left);
    if (wide > 1)
        left = channels_by(max, columns, shift, 1, &run, left);
    if (left > 0)
        along(max, columns, shift, 1, true, &run);
}

HEW_INLINE void pool(const bool max, const int columns, const int shift,
                     const hew_pooling_f32_block *b)
{
    const size_t under_pixel = hew_max(b->box[0] * b->box[1] * b->in_step, 1);
    const bool one_pass = b->channels <= 16 * (size_t)wide_of(max, columns, shift);
    size_t length = hew_max(SHARING_RUN_FLOATS / under_pixel, SHARING_RUN);
    if (columns <= shift) /* the input is best read nearly in the order of its addresses */
        length = one_pass ? hew_max(b->pixels, 1) : 2;
    pooling_run run = {.block = b, .tail = x16_first(b->channels % 16)};
    for (size_t y = 0; y < b->rows; y++)
        for (size_t x = 0; x < b->pixels; x += length) {
            run.pixels = hew_min(length, b->pixels - x);
            run.in = b->in + y * b->in_row + x * b->in_step;
            run.out = b->out + y * b->out_row + x * b->out_step;
            pool_run(max, columns, shift, run);
        }
}

#define POOL(name, max, columns, shift)                                                            \
    static __attribute__((noinline)) void name(const hew_pooling_f32_block *b)                     \
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
static __attribute__((cold)) void fill(const hew_pooling_f32_block *b)
{
    for (size_t i = 0; i < b->rows * b->pixels; i++) {
        float *out = b->out + i / b->pixels * b->out_row + i % b->pixels * b->out_step;
        for (size_t c = 0; c < b->channels; c += 16)
            x16_store_masked(x16_first(b->channels - c), out + c,
                             x16_set(b->max ? -INFINITY : 0.0f));
    }
}

void HEW_POOLING_F32(const hew_pooling_f32_block *b)
{
    const size_t columns = b->box[2], step = b->step[2];
    const size_t shift = b->pixels <= 1 ? columns : b->in_step % step ? 0 : b->in_step / step;
    if (b->box[0] == 0 || b->box[1] == 0 || columns == 0)
        fill(b);
    else if (columns == 3 && shift == 1)
        (b->max ? max_3_1 : average_3_1)(b);
    else if (columns == 3 && shift == 2)
        (b->max ? max_3_2 : average_3_2)(b);
    else if (columns == 2 && shift == 2)
        (b->max ? max_2_2 : average_2_2)(b);
    else
        (b->max ? max_any : average_any)(b);
}
