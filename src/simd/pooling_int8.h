/*
 * pooling_u8, pooling_s8 - the max or the average over boxes of pixels: hew_pooling_block in
 * kernels.h.
 *
 * The including file has its bytes.h included first and defines HEW_POOLING_INT8, the kernel's
 * name, and HEW_POOLING_SIGNED: 0 or 1.  An average takes the bytes of s8 with their upper bit
 * flipped, x + 128, and flips that of the result.
 *
 * Sums of pairs of bytes are two words, the pairs' as words and those of their upper bytes, so that
 * nothing is shuffled between load and store:
 *
 *     words    | b0 + 256 b1 | b2 + 256 b3 | ...       + x              modulo 2^16
 *     upper    |     b1      |     b3      | ...       + (x >> 8)
 *     lower    |     b0      |     b2      | ...       = words - (upper << 8)
 *
 * Division: with d < 128 a sum s is at most 255 d, and n = s + d / 2 is a word.  Then n / d is the
 * upper half of n * magic, shifted down, for magic = 2^(16 + shift) / d rounded up and 2^shift <= d
 * (Granlund and Montgomery, "Division by invariant integers using multiplication", 1994).  That
 * rounds halves up.  A half it was if d is even and divides n; then an odd result is one too large.
 * The definition divides floats: their quotient is closer to the exact one than that is to any half
 * that it isn't, and rounds to the same integer.
 *
 * Other divisors: words go to dwords before they are full, and floats are divided.
 *
 * Bound by loads, one for each register of the new columns; averages by three operations for each.
 */
#include "kernels_pooling.h"

enum {
    POOL_LANES = BYTES,
    POOL_SHARES = 1,
    POOL_WIDEST = BYTES_REGISTERS / 8,
    SHORT_DIVISOR = 127, /* the largest for words */
    WORD_SUMMANDS = 256
};

typedef uint8_t pool_element;
typedef vb pool_reg;
typedef vb_lanes pool_lanes;
typedef struct pool_value {
    vb words, upper; /* max: one register, words */
} pool_value;
typedef struct pool_setup {
    vb half, magic, divisor, one;
    vw_count shift;
    bool even;
} pool_setup;

HEW_INLINE int pool_wide(const bool max, const bool sharing)
{
    return sharing && !max ? 2 : POOL_WIDEST; /* a column's sums are two registers */
}
HEW_INLINE vb_lanes pool_first(size_t n) { return vb_first(n); }
HEW_INLINE vb pool_load(const uint8_t *p) { return vb_load(p); }
HEW_INLINE vb pool_load_some(vb_lanes lanes, const uint8_t *p) { return vb_load_some(lanes, p); }
HEW_INLINE void pool_store(uint8_t *p, vb x) { vb_store(p, x); }
HEW_INLINE void pool_store_some(vb_lanes lanes, uint8_t *p, vb x) { vb_store_some(lanes, p, x); }

/* Between s8 and u8 for averages. */
HEW_INLINE vb flip(vb x) { return HEW_POOLING_SIGNED ? vb_xor(x, vb_set(0x80)) : x; }

/* What the divisor counts beyond the box. */
HEW_INLINE int32_t padding_of(const hew_pooling_block *b)
{
    return (int32_t)b->divisor - (int32_t)(b->box[0] * b->box[1] * b->box[2]);
}

HEW_INLINE pool_setup pool_prepare(const bool max, const hew_pooling_block *b)
{
    if (max)
        return (pool_setup){0};
    const int32_t d = (int32_t)b->divisor, log = 31 - __builtin_clz((unsigned)d);
    const bool power = (d & (d - 1)) == 0;
    const int32_t zero = b->zero + (HEW_POOLING_SIGNED ? 128 : 0);
    return (pool_setup){.half = vw_set(d / 2 + zero * padding_of(b)),
                        .magic = vw_set(power ? 1 << 15 : (1 << (16 + log)) / d + 1),
                        .shift = vw_count_of(log - power),
                        .divisor = vw_set(d),
                        .one = vw_set(1),
                        .even = d % 2 == 0};
}

HEW_INLINE pool_value pool_start(const bool max)
{
    return (pool_value){vb_set(max && HEW_POOLING_SIGNED ? INT8_MIN : 0), vb_set(0)};
}
HEW_INLINE vb pool_nothing(const hew_pooling_block *b)
{
    return b->max ? pool_start(true).words : vb_set(b->zero);
}
HEW_INLINE pool_value pool_see(const bool max, pool_value v, vb x)
{
    if (max)
        return (pool_value){HEW_POOLING_SIGNED ? vb_max_s8(v.words, x) : vb_max_u8(v.words, x),
                            v.upper};
    x = flip(x);
    return (pool_value){vw_add(v.words, x), vw_add(v.upper, vw_down_u16(x, 8))};
}
HEW_INLINE pool_value pool_join(const bool max, pool_value v, pool_value w)
{
    if (max)
        return pool_see(true, v, w.words);
    return (pool_value){vw_add(v.words, w.words), vw_add(v.upper, w.upper)};
}

/* Sums of lower and of upper bytes over the divisor, in words. */
HEW_INLINE vb divide(const pool_setup *s, vb sum)
{
    const vb n = vw_add(sum, s->half);
    const vb q = vw_down_u16_by(vw_mul_high_u16(n, s->magic), s->shift);
    if (!s->even)
        return q;
    return vw_sub(q, vw_where_equal(vw_mul(q, s->divisor), n, vb_and(q, s->one)));
}

HEW_INLINE vb lower_of(pool_value v) { return vw_sub(v.words, vw_up(v.upper, 8)); }

HEW_INLINE vb pool_finish(const bool max, const pool_setup *s, pool_value v)
{
    if (max)
        return v.words;
    return flip(vb_or(divide(s, lower_of(v)), vw_up(divide(s, v.upper), 8)));
}

HEW_INLINE pool_value pool_watch(const bool max, pool_value seen, vb x)
{
    (void)max, (void)x;
    return seen;
}
HEW_INLINE void pool_check(const bool max, pool_value seen, const hew_pooling_block *b,
                           size_t pixels, const uint8_t *in, uint8_t *out, vb_lanes lanes)
{
    (void)max, (void)seen, (void)b, (void)pixels, (void)in, (void)out, (void)lanes;
}

#include "pooling.h"

/* Sums in dwords: sum[i] has those of bytes 4j + i. */
typedef struct long_sums {
    vb sum[4];
} long_sums;

HEW_INLINE void flush(long_sums *s, pool_value v)
{
    const vb lower = lower_of(v), low = vd_set(0xffff);
    s->sum[0] = vd_add(s->sum[0], vb_and(lower, low));
    s->sum[1] = vd_add(s->sum[1], vb_and(v.upper, low));
    s->sum[2] = vd_add(s->sum[2], vd_down_u32(lower, 16));
    s->sum[3] = vd_add(s->sum[3], vd_down_u32(v.upper, 16));
}

HEW_INLINE vb long_average(const hew_pooling_block *b, vb_lanes lanes, const uint8_t *in)
{
    const int32_t box = (int32_t)(b->box[0] * b->box[1] * b->box[2]);
    const vb first = vd_set(b->zero * padding_of(b) - (HEW_POOLING_SIGNED ? 128 * box : 0));
    const vb divisor = vd_set((int32_t)b->divisor), low = vd_set(0xff);
    long_sums s = {{first, first, first, first}};
    for (size_t d = 0; d < b->box[0]; d++)
        for (size_t h = 0; h < b->box[1]; h++)
            for (size_t w = 0; w < b->box[2]; w += WORD_SUMMANDS) {
                const uint8_t *p = in + d * b->step[0] + h * b->step[1] + w * b->step[2];
                pool_value v = pool_start(false);
                for (size_t i = hew_min(b->box[2] - w, WORD_SUMMANDS); i > 0; i--, p += b->step[2])
                    v = pool_see(false, v, pool_load_some(lanes, p));
                flush(&s, v);
            }
    const vb even = vb_or(vb_and(vd_ratio(s.sum[0], divisor), low),
                          vd_up(vb_and(vd_ratio(s.sum[2], divisor), low), 16));
    const vb odd = vb_or(vb_and(vd_ratio(s.sum[1], divisor), low),
                         vd_up(vb_and(vd_ratio(s.sum[3], divisor), low), 16));
    return vb_or(even, vd_up(odd, 8));
}

static __attribute__((noinline)) void long_averages(const hew_pooling_block *b)
{
    for (size_t i = 0; i < b->rows * b->pixels; i++) {
        const size_t y = i / b->pixels, x = i % b->pixels;
        const uint8_t *in = (const uint8_t *)b->in + y * b->in_row + x * b->in_step;
        uint8_t *out = (uint8_t *)b->out + y * b->out_row + x * b->out_step;
        for (size_t c = 0; c < b->channels; c += BYTES) {
            const vb_lanes lanes = vb_first(hew_min(b->channels - c, BYTES));
            vb_store_some(lanes, out + c, long_average(b, lanes, in + c));
        }
    }
}

void HEW_POOLING_INT8(const hew_pooling_block *b)
{
    const bool is_short = b->divisor > 1 && b->divisor <= SHORT_DIVISOR;
    if (b->max || is_short || b->box[0] == 0 || b->box[1] == 0 || b->box[2] == 0)
        pool_any(b);
    else
        long_averages(b);
}
