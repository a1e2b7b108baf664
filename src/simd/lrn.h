/*
 * lrn - local response normalisation, and its gradients: src/ref/lrn.c and kernels_norm.h.
 *
 * The including file has its narrow.h included first and defines HEW_LRN and HEW_LRN_BACKWARD, the
 * kernels' names.
 *
 * A pixel's channels are taken in segments.  For a window of channels the squares of a segment lie
 * in a line with zeros where there are no channels, so that no load needs a mask.  It is written
 * before the last one is used: loads across two registers that were just stored would wait for the
 * cache.  Bound by the power of beta = 0.75, 10 products and a root for 16 elements.
 */
#include <math.h>

#include "kernels_norm.h"
#include "math.h"
#include "power.h"
#include "norm_typed.h"

enum {
    LRN_SEGMENT = 256,
    LRN_LINE = LRN_SEGMENT + HEW_LRN_MOST + 16,
    LRN_CHAINS = X16_REGISTERS == 32 ? 2 : 1 /* registers side by side */
};

/* s^(-3/4) of LRN_CHAINS registers, or of one, side by side: src/ref/lrn.c. */
HEW_INLINE void lrn_three_quarters(const int count, const f32x16 *s, f32x16 *power)
{
    static const float terms[] = {POLY_ROOT_3, POLY_ROOT_2, POLY_ROOT_1, POLY_ROOT_0};
    f32x16 cube[LRN_CHAINS], r[LRN_CHAINS], p[LRN_CHAINS];
    HEW_UNROLL for (int i = 0; i < count; i++)
    {
        const f32x16 z = x16_sqrt(s[i]);
        const f32x16 y = x16_from_bits(
            x16_sub_int(x16_set_int(POLY_ROOT_BITS), x16_shift_down(x16_bits(z), 1)));
        const f32x16 square = x16_mul(y, y);
        r[i] = x16_fnma(z, square, x16_set(1.0f));
        cube[i] = x16_mul(square, y);
        p[i] = x16_set(POLY_ROOT_4);
    }
    HEW_UNROLL for (int k = 0; k < 4; k++)
        HEW_UNROLL for (int i = 0; i < count; i++)
            p[i] = x16_fma(p[i], r[i], x16_set(terms[k]));
    HEW_UNROLL for (int i = 0; i < count; i++)
    {
        const f32x16 near = x16_fma(cube[i], x16_mul(p[i], r[i]), cube[i]);
        power[i] = x16_select(x16_equal(s[i], x16_set(INFINITY)), x16_set(0.0f), near);
    }
}

/* s^-beta of n numbers, whole registers. */
static __attribute__((noinline)) void lrn_powers(float beta, size_t n, const float *sum,
                                                 float *power)
{
    for (size_t j = 0; j < n; j += 16) {
        const f32x16 s = x16_load(sum + j), q = x16_pow(s, x16_set(-beta));
        x16_store(power + j, x16_select(x16_unordered(s, s), s, q));
    }
}

/* Where channel c lies in a line whose segment begins with it. */
HEW_INLINE size_t lrn_before(const hew_lrn_part *p) { return hew_round_up(p->lo, 16); }

/* What is added up. */
HEW_INLINE f32x16 lrn_term(const hew_type type, const bool squares, size_t n, const char *pixel,
                           size_t c)
{
    const f32x16 x = norm_load(type, n, pixel, c);
    return squares ? x16_mul(x, x) : x;
}

/* The line of channels c to c + LRN_SEGMENT - 1 of a pixel, in whole registers. */
HEW_INLINE void lrn_line(const hew_type type, const bool squares, const hew_lrn_part *p,
                         const char *pixel, size_t c, float *line)
{
    const size_t n = hew_min(p->n - c, LRN_SEGMENT), before = lrn_before(p);
    for (size_t j = 0; j < before + n + p->hi; j += 16, line += 16) {
        const size_t at = c + j - before; /* beyond n if below zero */
        x16_store(line, at < p->n ? lrn_term(type, squares, p->n, pixel, at) : x16_set(0.0f));
    }
}

/* The sums of channels c to c + 15 of the pixel whose window this is.  line: of channels from
 * `first` on; null with a box. */
HEW_INLINE f32x16 lrn_sum(const hew_type type, const bool squares, const hew_lrn_part *p,
                          const char *window, const float *line, size_t first, size_t c)
{
    f32x16 s = x16_set(0.0f);
    if (line) {
        const float *const at = line + lrn_before(p) - p->lo + (c - first);
        for (size_t i = 0; i <= p->lo + p->hi; i++)
            s = x16_add(s, x16_load(at + i));
        return s;
    }
    for (size_t x = 0; x < p->box[0]; x++)
        for (size_t y = 0; y < p->box[1]; y++)
            for (size_t z = 0; z < p->box[2]; z++) {
                const char *const at =
                    window + x * p->box_step[0] + y * p->box_step[1] + z * p->box_step[2];
                s = x16_add(s, lrn_term(type, squares, p->n, at, c));
            }
    return s;
}

/* What becomes of channels c to c + 15 of pixel i, q being s^-beta. */
HEW_INLINE void lrn_results(const hew_type type, const hew_lrn_part *p, size_t i, size_t c,
                            f32x16 s, f32x16 q)
{
    const f32x16 x = norm_load(type, p->n, (const char *)p->in + i * p->in_step, c);
    if (!p->terms) {
        norm_store(type, p->n, (char *)p->out + i * p->out_step, c, x16_mul(x, q));
        return;
    }
    const f32x16 d = norm_load(type, p->n, (const char *)p->d_out + i * p->out_step, c);
    const f32x16 term = x16_mul(x16_mul(d, x), x16_div(q, s));
    norm_store(HEW_F32, p->n, (char *)p->terms + i * p->terms_step, c, term);
    norm_store(HEW_F32, p->n, (char *)p->rest + i * p->terms_step, c, x16_mul(d, q));
}

HEW_INLINE void lrn_second(const hew_type type, const hew_lrn_part *p, size_t i, size_t c,
                           f32x16 sum)
{
    const f32x16 in = norm_load(type, p->n, (const char *)p->in + i * p->in_step, c);
    const f32x16 rest = norm_load(HEW_F32, p->n, (const char *)p->rest + i * p->terms_step, c);
    norm_store(type, p->n, (char *)p->out + i * p->out_step, c,
               x16_fma(x16_mul(in, x16_set(p->factor)), sum, rest));
}

/*
 * The usual case, a window of channels and beta = 0.75, for channels from c on of pixel i, as many
 * as come out even; returns how many.  A power is one chain of products: several of them side by
 * side are what keeps the multipliers at work.
 */
HEW_INLINE size_t lrn_usual(const hew_type type, const hew_lrn_part *p, size_t i, size_t c,
                            size_t n, const float *line)
{
    enum { EACH = 16 * LRN_CHAINS };
    const f32x16 factor = x16_set(p->factor), one = x16_set(p->k);
    const float *const first = line + lrn_before(p) - p->lo, *const end = first + p->lo + p->hi;
    const char *const in = x16_at(type, (const char *)p->in + i * p->in_step, c);
    char *const out = x16_out_at(type, (char *)p->out + i * p->out_step, c);
    size_t j = 0;
    for (; j + EACH <= n; j += EACH) {
        f32x16 s[LRN_CHAINS], power[LRN_CHAINS];
        HEW_UNROLL for (int k = 0; k < LRN_CHAINS; k++)
            s[k] = x16_set(0.0f);
        for (const float *at = first; at <= end; at++)
            HEW_UNROLL for (int k = 0; k < LRN_CHAINS; k++)
                s[k] = x16_add(s[k], x16_load(at + j + 16 * k));
        HEW_UNROLL for (int k = 0; k < LRN_CHAINS; k++)
            s[k] = x16_fma(s[k], factor, one);
        lrn_three_quarters(LRN_CHAINS, s, power);
        HEW_UNROLL for (size_t k = 0; k < EACH; k += 16)
            x16_store_type(type, x16_out_at(type, out, j + k),
                           x16_mul(x16_load_type(type, x16_at(type, in, j + k)), power[k / 16]));
    }
    return j;
}

/* All that becomes of LRN_SEGMENT channels from c on of pixel i. */
HEW_INLINE void lrn_segment(const hew_type type, const hew_lrn_part *p, size_t i, size_t c,
                            const float *line)
{
    float sum[LRN_SEGMENT] __attribute__((aligned(64))), power[LRN_SEGMENT];
    const bool usual = p->beta == 0.75f;
    const size_t n = hew_min(p->n - c, LRN_SEGMENT);
    const char *const window = (const char *)p->window + i * p->window_step;
    for (size_t j = c; p->gradient && j < c + n; j += 16)
        lrn_second(type, p, i, j, lrn_sum(HEW_F32, false, p, window, line, c, j));
    if (p->gradient)
        return;
    const size_t done = usual && line && !p->terms ? lrn_usual(type, p, i, c, n, line) : 0;
    for (size_t j = c + done; j < c + n; j += 16) {
        const f32x16 s = x16_fma(lrn_sum(type, true, p, window, line, c, j), x16_set(p->factor),
                                 x16_set(p->k));
        f32x16 power_of_s;
        lrn_three_quarters(1, &s, &power_of_s);
        if (usual)
            lrn_results(type, p, i, j, s, power_of_s);
        else
            x16_store(sum + (j - c), s);
    }
    if (usual)
        return;
    lrn_powers(p->beta, n, sum, power);
    for (size_t j = 0; j < n; j += 16)
        lrn_results(type, p, i, c + j, x16_load(sum + j), x16_load(power + j));
}

HEW_INLINE void lrn_pixels(const hew_type type, const hew_lrn_part *all)
{
    const hew_lrn_part own = *all, *const p = &own; /* which no store can change */
    float lines[2][LRN_LINE] __attribute__((aligned(64)));
    float *line = p->box[0] ? NULL : lines[0], *done = p->box[0] ? NULL : lines[1];
    size_t i = 0, c = 0, last_i = p->pixels, last_c = 0;
    while (last_i != p->pixels || i < p->pixels) {
        if (line && i < p->pixels) {
            const char *const window = (const char *)p->window + i * p->window_step;
            if (p->gradient)
                lrn_line(HEW_F32, false, p, window, c, line);
            else
                lrn_line(type, true, p, window, c, line);
        }
        if (last_i < p->pixels)
            lrn_segment(type, p, last_i, last_c, done);
        float *const free = done;
        done = line, line = free;
        last_i = i, last_c = c;
        c += LRN_SEGMENT;
        if (c >= p->n && i < p->pixels)
            c = 0, i++;
    }
}

static __attribute__((noinline)) void lrn_f32(const hew_lrn_part *p) { lrn_pixels(HEW_F32, p); }
static __attribute__((noinline)) void lrn_bf16(const hew_lrn_part *p) { lrn_pixels(HEW_BF16, p); }
static __attribute__((noinline)) void lrn_f16(const hew_lrn_part *p) { lrn_pixels(HEW_F16, p); }

void HEW_LRN(const hew_lrn_part *p)
{
    (p->type == HEW_F32 ? lrn_f32 : p->type == HEW_BF16 ? lrn_bf16 : lrn_f16)(p);
}
void HEW_LRN_BACKWARD(const hew_lrn_part *p) { HEW_LRN(p); }
