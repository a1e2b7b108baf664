/*
 * dwconv_bytes - what the depthwise kernels for bytes share: see hew_dwconv_u8s8_block.
 *
 * Lanes are channels.  Registers of bytes, one for each tap, become words where they are
 * interleaved:
 *
 *     DEPTH 4    x0 x1 -> lower, upper     x2 x3 -> lower, upper     then 16 bits of both
 *     DEPTH 2    x0 x1 -> lower, upper     then each with zeros: two s16 in a word
 *
 * That leaves four registers of words, the quarters of hew_dwconv_u8s8_block.  Packing two of them
 * to 16 bits, and two of those to bytes, puts the channels in their order again, so that only what
 * comes in that order (scale, bias, ...) is brought into quarters, once for all pixels.
 *
 * s8 are taken as u8 128 higher, and so is their zero point.
 *
 * Where no float can be NaN, or pass 2^30, bytes are made in the registers: rounded, packed,
 * shifted by the zero point, and then clamped as bytes.  That gives what clamping floats would,
 * since rounding and saturating leave two numbers in their order.  All else goes through sums in
 * memory (store_s32.h).
 *
 * The including file has its interleave.h included first and defines DEPTH and
 *
 *     dot    sum + the dot product of the words' elements
 */
#include <math.h>

#include "kernels_dwconv.h"
#include "store_s32.h"

/* Of a block. */
typedef struct quarters {
    vi start[4]; /* what a sum begins with */
    vf scale[4], bias[4];
    vb zero, lo, hi; /* of u8 */
    vb flip;         /* between u8 and s8: from memory, or gcc keeps it on the stack */
    vb_lanes lanes;  /* the channels */
    bool in_signed, out_signed, biased;
    bool tame; /* bytes are made in the registers */
} quarters;

/* The words' lower or upper halves. */
HEW_INLINE void interleave(const vb x[DEPTH], const bool upper, vb words[2])
{
    const vb a = upper ? vb_upper_u8(x[0], x[1]) : vb_lower_u8(x[0], x[1]);
    if (DEPTH == 2) {
        words[0] = vb_lower_u8(a, vb_zero());
        words[1] = vb_upper_u8(a, vb_zero());
        return;
    }
    const vb c = x[DEPTH - 2], d = x[DEPTH - 1];
    const vb b = upper ? vb_upper_u8(c, d) : vb_lower_u8(c, d);
    words[0] = vb_lower_u16(a, b);
    words[1] = vb_upper_u16(a, b);
}

HEW_INLINE vb load_pixel(const quarters *k, const bool full, const uint8_t *in)
{
    return full ? vb_load(in) : vb_load_some(k->lanes, in);
}

/* The block's part of an array of floats or s32, in quarters; `missing` where there is none. */
HEW_INLINE void load_quarters(size_t n, const void *array, vi missing, vi x[4])
{
    HEW_UNROLL for (int i = 0; i < 4; i++)
        x[i] = array ? vi_load_masked(vf_first((int)n - i * LANES),
                                      (const char *)array + i * (int)sizeof(vi))
                     : missing;
    vi_to_quarters(x);
}

static __attribute__((noinline)) void prepare(const hew_dwconv_u8s8_block *b, quarters *k)
{
    const hew_epilogue *e = b->epilogue;
    const hew_quant *q = b->quant;
    const bool bytes = q->c_type == HEW_U8 || q->c_type == HEW_S8;
    const int32_t a_zero = q->a_zero + (b->in_signed ? 128 : 0);
    const int32_t c_flip = q->c_type == HEW_S8 ? 128 : 0;
    vi sums[4], scale[4], bias[4];
    load_quarters(b->n, q->b_sums, vi_zero(), sums);
    load_quarters(b->n, q->bias, vi_zero(), k->start);
    load_quarters(b->n, bytes ? e->scale : NULL, vi_of_bits(vf_set(1.0f)), scale);
    load_quarters(b->n, bytes ? e->bias : NULL, vi_zero(), bias);
    k->tame = bytes && !e->add && !q->b_zero && b->multiplier <= 1 && e->lo == e->lo &&
              e->hi == e->hi;
    HEW_UNROLL for (int i = 0; i < 4; i++) {
        k->start[i] = vi_sub(k->start[i], vi_mul(sums[i], vi_set(a_zero)));
        k->scale[i] = vf_mul(vf_set(bytes ? e->alpha : 1.0f), vf_of_bits(scale[i]));
        k->bias[i] = vf_mul(vf_add(vf_of_bits(bias[i]), vf_zero()), vf_set(q->c_inverse));
        const vf most = vf_fma(vf_set(0x1p31f), vf_abs(k->scale[i]), vf_abs(k->bias[i]));
        k->tame = k->tame && vf_all_less(most, vf_set(0x1p30f));
    }
    k->zero = vw_set(q->c_zero + c_flip);
    if (k->tame) {
        const range r = range_of(q, e);
        k->lo = vb_set(rounded(r.lo) + q->c_zero + c_flip);
        k->hi = vb_set(rounded(r.hi) + q->c_zero + c_flip);
    }
    k->flip = vb_set(128);
    k->in_signed = b->in_signed;
    k->out_signed = c_flip != 0;
    k->biased = e->bias != NULL;
    k->lanes = vb_first(b->n);
}

/* Quarters 2 i and 2 i + 1 of a pixel, tame: as 16 bits with the zero point. */
HEW_INLINE vb rounded_half(const quarters *k, const int i, const vi sum[4])
{
    vf v[2];
    if (k->biased) {
        v[0] = vf_fma(vf_of(sum[2 * i]), k->scale[2 * i], k->bias[2 * i]);
        v[1] = vf_fma(vf_of(sum[2 * i + 1]), k->scale[2 * i + 1], k->bias[2 * i + 1]);
    } else {
        v[0] = vf_mul(vf_of(sum[2 * i]), k->scale[2 * i]);
        v[1] = vf_mul(vf_of(sum[2 * i + 1]), k->scale[2 * i + 1]);
    }
    return vw_add_saturated(vw_pack(vi_round(v[0]), vi_round(v[1])), k->zero);
}

/* A pixel leaves the registers: as bytes, or as sums in the order of channels. */
HEW_INLINE void leave(const quarters *k, const bool full, const bool tame, vi sum[4], char *out)
{
    if (!tame) {
        vi_from_quarters(sum);
        HEW_UNROLL for (int i = 0; i < 4; i++)
            vi_store(out + i * (int)sizeof(vi), sum[i]);
        return;
    }
    const vb lower = rounded_half(k, 0, sum), upper = rounded_half(k, 1, sum);
    vb bytes = vb_min_u8(k->hi, vb_max_u8(k->lo, vb_pack(lower, upper)));
    if (k->out_signed)
        bytes = vb_xor(bytes, k->flip);
    if (full)
        vb_store(out, bytes);
    else
        vb_store_some(k->lanes, out, bytes);
}

/* Sums of a run's pixels, BYTES of each, to its output. */
static __attribute__((noinline)) void store_run(const hew_dwconv_u8s8_block *b,
                                                const hew_dwconv_u8s8_run *run,
                                                const int32_t *sums)
{
    const hew_epilogue *e = b->epilogue;
    const sum_rows rows = {
        .sums = sums,
        .sums_step = BYTES * sizeof(int32_t),
        .c = (char *)b->out + run->pixel * b->out_step,
        .c_step = b->out_step,
        .add = e->add ? (const char *)e->add + run->pixel * e->add_stride : NULL,
        .add_step = e->add_stride,
        .rows = run->pixels,
        .n = b->n,
    };
    store_rows(e, b->quant, &rows);
}

/* All runs of a block. */
typedef void runs_fn(const hew_dwconv_u8s8_block *b, const quarters *k);
