/*
 * pooling_f32 - the max or the average over boxes of pixels: hew_pooling_f32_run in kernels.h.
 *
 * The including file has its simd.h included first and defines HEW_POOLING_F32, the kernel's name.
 *
 * A block of channels stays in registers while its box is walked.  Bound by loads, one for each
 * element of a box.
 *
 * NaN in a maximum: maxps(x, m) hands on m when x is NaN, so the maximum alone would lose it.
 * Beside it runs the sum, which comes out NaN if an element was, and which costs nothing where
 * additions have units of their own.  Then, or after inf - inf, the block is done again with care.
 */
#include <math.h>

#include "../kernels.h"

/* A block is nb registers of channels, the last one masked. */
enum { WIDE = X16_REGISTERS / 4, NARROW = X16_REGISTERS / 8 };

typedef struct pooling_block {
    const hew_pooling_f32_run *run;
    const float *in;
    float *out;
    mask16 tail;
} pooling_block;

HEW_INLINE f32x16 block_load(const pooling_block *b, const int nb, const int v, const float *p)
{
    return v == nb - 1 ? x16_load_masked(b->tail, p + 16 * v, x16_set(0.0f)) : x16_load(p + 16 * v);
}

HEW_INLINE void block_store(const pooling_block *b, const int nb, const int v, f32x16 x)
{
    if (v == nb - 1)
        x16_store_masked(b->tail, b->out + 16 * v, x);
    else
        x16_store(b->out + 16 * v, x);
}

static __attribute__((noinline, cold)) void max_with_nans(const pooling_block *b, size_t v)
{
    const hew_pooling_f32_run *r = b->run;
    const f32x16 zero = x16_set(0.0f);
    f32x16 m = x16_set(-INFINITY);
    for (size_t d = 0; d < r->box[0]; d++)
        for (size_t h = 0; h < r->box[1]; h++)
            for (size_t w = 0; w < r->box[2]; w++) {
                const float *p = b->in + d * r->step[0] + h * r->step[1] + w * r->step[2] + 16 * v;
                const f32x16 x = x16_load_masked(b->tail, p, zero);
                const f32x16 larger = x16_select(x16_unordered(x, x), x, x16_max(x, m));
                m = x16_select(x16_unordered(m, m), m, larger);
            }
    x16_store_masked(b->tail, b->out + 16 * v, m);
}

/* `columns` is the box's last extent, or 0 if that isn't known when compiling. */
HEW_INLINE void max_block(const int nb, const size_t columns, const pooling_block *b)
{
    const hew_pooling_f32_run *r = b->run;
    f32x16 m[WIDE], sum[WIDE];
    HEW_UNROLL for (int v = 0; v < nb; v++) {
        m[v] = x16_set(-INFINITY);
        sum[v] = x16_set(0.0f);
    }
    for (size_t d = 0; d < r->box[0]; d++)
        for (size_t h = 0; h < r->box[1]; h++) {
            const float *p = b->in + d * r->step[0] + h * r->step[1];
            for (size_t w = 0; w < (columns ? columns : r->box[2]); w++, p += r->step[2])
                HEW_UNROLL for (int v = 0; v < nb; v++) {
                    const f32x16 x = block_load(b, nb, v, p);
                    m[v] = x16_max(x, m[v]);
                    sum[v] = x16_add(sum[v], x);
                }
        }
    HEW_UNROLL for (int v = 0; v < nb; v++)
        block_store(b, nb, v, m[v]);
    mask16 nan = x16_unordered(sum[0], sum[0]);
    HEW_UNROLL for (int v = 1; v < nb; v++)
        nan = x16_or(nan, x16_unordered(sum[v], sum[v]));
    if (HEW_LIKELY(!x16_any(nan)))
        return;
    pooling_block one = *b;
    for (int v = 0; v < nb; v++) {
        one.tail = v == nb - 1 ? b->tail : x16_first(16);
        max_with_nans(&one, (size_t)v);
    }
}

HEW_INLINE void average_block(const int nb, const size_t columns, const pooling_block *b)
{
    const hew_pooling_f32_run *r = b->run;
    f32x16 sum[WIDE];
    HEW_UNROLL for (int v = 0; v < nb; v++)
        sum[v] = x16_set(0.0f);
    for (size_t d = 0; d < r->box[0]; d++)
        for (size_t h = 0; h < r->box[1]; h++) {
            const float *p = b->in + d * r->step[0] + h * r->step[1];
            for (size_t w = 0; w < (columns ? columns : r->box[2]); w++, p += r->step[2])
                HEW_UNROLL for (int v = 0; v < nb; v++)
                    sum[v] = x16_add(sum[v], block_load(b, nb, v, p));
        }
    HEW_UNROLL for (int v = 0; v < nb; v++) {
        const f32x16 mean = x16_div(sum[v], x16_set(r->divisor));
        block_store(b, nb, v, x16_select(x16_unordered(mean, mean), x16_set(NAN), mean));
    }
}

HEW_INLINE void pool_block(const bool max, const int nb, const size_t columns,
                           const pooling_block *b)
{
    if (max)
        max_block(nb, columns, b);
    else
        average_block(nb, columns, b);
}

HEW_INLINE void pool_pixels(const bool max, const size_t columns, const hew_pooling_f32_run *r)
{
    const int wide = max ? NARROW : WIDE;
    for (size_t i = 0; i < r->pixels; i++) {
        pooling_block b = {r, r->in + i * r->in_step, r->out + i * r->out_step, x16_first(16)};
        size_t left = r->channels;
        for (; left >= 16 * (size_t)wide; left -= 16 * (size_t)wide) {
            pool_block(max, wide, columns, &b);
            b.in += 16 * wide;
            b.out += 16 * wide;
        }
        for (; left > 0; left -= hew_min(left, 16)) {
            b.tail = x16_first(left);
            pool_block(max, 1, columns, &b);
            b.in += 16;
            b.out += 16;
        }
    }
}

void HEW_POOLING_F32(const hew_pooling_f32_run *run)
{
    const size_t columns = run->box[2];
    if (!run->max)
        pool_pixels(false, 0, run);
    else if (columns == 3)
        pool_pixels(true, 3, run);
    else if (columns == 2)
        pool_pixels(true, 2, run);
    else
        pool_pixels(true, 0, run);
}
