/*
 * channel_norm - statistics of channels over pixels: src/ref/channel_norm.c and kernels_norm.h; and
 * channel_norm_apply, what becomes of the pixels.
 *
 * The including file has its narrow.h included first and defines HEW_CHANNEL_NORM and
 * HEW_CHANNEL_NORM_APPLY, the kernels' names.
 *
 * Statistics: sixteen pixels of sixteen channels are in registers while their sum, their mean and
 * their distances from it are computed, so that memory is read once, as sixteen streams; mean and
 * m2 of all channels rest in the L1 cache.  AVX2, with half of the registers, reads pixels again
 * from L1.  Bound by 55 operations for 16 loads, which still is several times what memory gives.
 *
 * Apply: bound by memory, in L1 by the loads of mean, scale and shift.
 */
#include "kernels_norm.h"
#include "norm_typed.h"

HEW_INLINE f32x16 channel_chains(const norm_lanes *s)
{
    return x16_add(x16_add(s->v[0], s->v[1]), x16_add(s->v[2], s->v[3]));
}

typedef struct channel_statistics {
    f32x16 mean, m2;
} channel_statistics;

/* A whole block of pixels, n channels of which from p on are in memory; n is a literal. */
HEW_INLINE channel_statistics channel_whole(const hew_type type, size_t n, const char *p,
                                            size_t stride)
{
    f32x16 x[HEW_NORM_ROWS];
    norm_lanes s = norm_no_lanes(), q = s;
    HEW_UNROLL for (size_t i = 0; i < HEW_NORM_ROWS; i++)
    {
        x[i] = norm_load(type, n, p + i * stride, 0);
        s.v[i % 4] = x16_add(s.v[i % 4], x[i]);
    }
    const f32x16 mean = x16_mul(channel_chains(&s), x16_set(1.0f / HEW_NORM_ROWS));
    if (X16_REGISTERS < 2 * HEW_NORM_ROWS)
        HEW_FORGET(p);
    HEW_UNROLL for (size_t i = 0; i < HEW_NORM_ROWS; i++)
    {
        if (X16_REGISTERS < 2 * HEW_NORM_ROWS)
            x[i] = norm_load(type, n, p + i * stride, 0);
        const f32x16 d = x16_sub(x[i], mean);
        q.v[i % 4] = x16_fma(d, d, q.v[i % 4]);
    }
    return (channel_statistics){mean, channel_chains(&q)};
}

/* The last pixels, fewer than a block. */
HEW_INLINE channel_statistics channel_rest(const hew_type type, size_t rows, size_t n,
                                           const char *p, size_t stride)
{
    norm_lanes s = norm_no_lanes(), q = norm_no_lanes();
    for (size_t i = 0; i < rows || i % 4 != 0; i++, s = norm_turn(s))
        if (i < rows)
            s.v[0] = x16_add(s.v[0], norm_load(type, n, p + i * stride, 0));
    const f32x16 mean = x16_div(channel_chains(&s), x16_set((float)rows));
    for (size_t i = 0; i < rows || i % 4 != 0; i++, q = norm_turn(q))
        if (i < rows) {
            const f32x16 d = x16_sub(norm_load(type, n, p + i * stride, 0), mean);
            q.v[0] = x16_fma(d, d, q.v[0]);
        }
    return (channel_statistics){mean, channel_chains(&q)};
}

/* Adds a block to what is known of its channels, `before` pixels. */
HEW_INLINE void channel_add(const hew_norm_part *part, size_t n, size_t j, size_t before,
                            size_t rows, channel_statistics s)
{
    if (before > 0) {
        const float w = (float)rows / (float)(before + rows);
        const f32x16 mean = norm_load(HEW_F32, n, part->a, j);
        const f32x16 m2 = norm_load(HEW_F32, n, part->b, j);
        const f32x16 delta = x16_sub(s.mean, mean);
        s.mean = x16_fma(delta, x16_set(w), mean);
        s.m2 = x16_fma(x16_mul(delta, delta), x16_set((float)before * w), x16_add(m2, s.m2));
    }
    norm_store(HEW_F32, n, part->a, j, s.mean);
    norm_store(HEW_F32, n, part->b, j, s.m2);
}

HEW_INLINE void channel_part(const hew_type type, const hew_norm_part *part)
{
    const size_t n = part->n, stride = part->in_stride;
    const char *row = part->in;
    for (size_t i = 0; i < part->rows; i += HEW_NORM_ROWS, row += HEW_NORM_ROWS * stride) {
        const size_t rows = hew_min(part->rows - i, HEW_NORM_ROWS);
        const bool more = !part->cached && i + 2 * HEW_NORM_ROWS <= part->rows;
        norm_ahead ahead =
            norm_ahead_of(type, more ? row + HEW_NORM_ROWS * stride : NULL, stride, n);
        size_t j = 0;
        for (; rows == HEW_NORM_ROWS && j + 16 <= n; j += 16) {
            norm_fetch(&ahead, type == HEW_F32 ? HEW_NORM_ROWS : HEW_NORM_ROWS / 2);
            channel_add(part, SIZE_MAX, j, i, rows,
                        channel_whole(type, SIZE_MAX, x16_at(type, row, j), stride));
        }
        for (; j < n; j += 16)
            channel_add(part, n, j, i, rows,
                        channel_rest(type, rows, n - j, x16_at(type, row, j), stride));
    }
}

/* Channels j to j + 15 of n, of pixel i. */
HEW_INLINE void channel_results(const hew_type type, const bool stream, size_t n,
                                const hew_norm_apply *p, size_t i, size_t j)
{
    const f32x16 mean = norm_load(HEW_F32, n, p->mean, j);
    const f32x16 scale = norm_load(HEW_F32, n, p->scale, j);
    const f32x16 shift = norm_load(HEW_F32, n, p->shift, j);
    const f32x16 low = x16_set(p->relu ? 0.0f : -INFINITY);
    const f32x16 x = norm_load(type, n, (const char *)p->in + i * p->in_stride, j);
    char *const out = (char *)p->out + i * p->out_stride;
    f32x16 y = x16_fma(x16_sub(x, mean), scale, shift);
    if (p->residual)
        y = x16_add(y, norm_load(type, n, (const char *)p->residual + i * p->residual_stride, j));
    if (stream)
        x16_stream((float *)out + j, x16_max(low, y));
    else
        norm_store(type, n, out, j, x16_max(low, y));
}

/* Pixel by pixel: several at once are as many streams to the hardware that prefetches.  Channels
 * are as many at a time as leave their mean, scale and shift in the L1 cache. */
HEW_INLINE void channel_apply(const hew_type type, const bool stream, const hew_norm_apply *all)
{
    enum { STRIP = 512 };
    const hew_norm_apply own = *all, *const p = &own; /* which no store can change */
    const size_t whole = p->n / 16 * 16;
    for (size_t first = 0; first == 0 || first < whole; first += STRIP) {
        const size_t end = hew_min(first + STRIP, whole);
        for (size_t i = 0; i < p->rows; i++) {
            for (size_t j = first; j < end; j += 16)
                channel_results(type, stream, SIZE_MAX, p, i, j);
            if (end == whole && whole < p->n)
                channel_results(type, false, p->n, p, i, whole);
        }
    }
}

static void channel_stream(const hew_norm_apply *p)
{
    channel_apply(HEW_F32, true, p);
    _mm_sfence();
}

#define CHANNEL_TYPE(name, type)                                                                   \
    static __attribute__((noinline)) void part_##name(const hew_norm_part *p)                      \
    {                                                                                              \
        channel_part(type, p);                                                                     \
    }                                                                                              \
    static __attribute__((noinline)) void apply_##name(const hew_norm_apply *p)                    \
    {                                                                                              \
        channel_apply(type, false, p);                                                             \
    }
CHANNEL_TYPE(f32, HEW_F32)
CHANNEL_TYPE(bf16, HEW_BF16)
CHANNEL_TYPE(f16, HEW_F16)

void HEW_CHANNEL_NORM(const hew_norm_part *p)
{
    (p->type == HEW_F32 ? part_f32 : p->type == HEW_BF16 ? part_bf16 : part_f16)(p);
}

void HEW_CHANNEL_NORM_APPLY(const hew_norm_apply *p)
{
    if (p->stream && p->type == HEW_F32 && (((uintptr_t)p->out | p->out_stride) & 63) == 0)
        channel_stream(p);
    else
        (p->type == HEW_F32 ? apply_f32 : p->type == HEW_BF16 ? apply_bf16 : apply_f16)(p);
}
