/*
 * lrn - local response normalisation, and its gradients: src/ref/lrn.c and kernels_norm.h.
 *
 * The including file has its narrow.h included first and defines HEW_LRN and HEW_LRN_BACKWARD, the
 * kernels' names.
 *
 * A pixel's channels are taken in segments.  For a window of channels a segment lies in a line with
 * zeros where there are no channels, so that no load needs a mask.  Between the passes over a
 * segment, sums and powers rest in L1.  Bound by two square roots and a division for 16 elements.
 */
#include <math.h>
#include <string.h>

#include "kernels_norm.h"
#include "math.h"
#include "power.h"
#include "norm_typed.h"

enum { LRN_SEGMENT = 256 };

/* s and s^-beta of n sums; whole registers are written. */
static __attribute__((noinline)) void lrn_powers(const hew_lrn_part *p, size_t n, float *sum,
                                                 float *power)
{
    const f32x16 factor = x16_set(p->factor), k = x16_set(p->k), one = x16_set(1.0f);
    for (size_t j = 0; j < n; j += 16) {
        const f32x16 s = x16_fma(x16_load(sum + j), factor, k);
        f32x16 q;
        if (p->beta == 0.75f) {
            const f32x16 root = x16_sqrt(s);
            q = x16_div(one, x16_mul(root, x16_sqrt(root)));
        } else {
            q = x16_select(x16_unordered(s, s), s, x16_pow(s, x16_set(-p->beta)));
        }
        x16_store(sum + j, s);
        x16_store(power + j, q);
    }
}

/* Channels c - lo to c + n + hi of a pixel, as floats, with zeros about them up to whole registers
 * of windows. */
HEW_INLINE void lrn_line(const hew_type type, const hew_lrn_part *p, const char *pixel, size_t c,
                         size_t n, float *line)
{
    const size_t begin = c < p->lo ? 0 : c - p->lo, end = hew_min(c + n + p->hi, p->n);
    const size_t before = begin + p->lo - c, all = p->lo + hew_round_up(n, 16) + p->hi;
    memset(line, 0, before * sizeof *line);
    for (size_t j = begin; j < end; j += 16)
        x16_store(line + before + (j - begin), norm_load(type, end, pixel, j));
    memset(line + before + (end - begin), 0, (all - before - (end - begin)) * sizeof *line);
}

HEW_INLINE f32x16 lrn_term(const bool squares, f32x16 sum, f32x16 x)
{
    return squares ? x16_fma(x, x, sum) : x16_add(sum, x);
}

/* The sums of n channels from c on of the pixel whose window this is. */
HEW_INLINE void lrn_sums(const hew_type type, const bool squares, const hew_lrn_part *p,
                         const char *window, size_t c, size_t n, float *sum)
{
    if (p->box[0] == 0) {
        float line[LRN_SEGMENT + HEW_LRN_MOST + 16];
        lrn_line(type, p, window, c, n, line);
        for (size_t j = 0; j < n; j += 16) {
            f32x16 s = x16_set(0.0f);
            for (size_t i = 0; i <= p->lo + p->hi; i++)
                s = lrn_term(squares, s, x16_load(line + j + i));
            x16_store(sum + j, s);
        }
        return;
    }
    for (size_t j = 0; j < n; j += 16) {
        f32x16 s = x16_set(0.0f);
        for (size_t x = 0; x < p->box[0]; x++)
            for (size_t y = 0; y < p->box[1]; y++)
                for (size_t z = 0; z < p->box[2]; z++) {
                    const char *const at =
                        window + x * p->box_step[0] + y * p->box_step[1] + z * p->box_step[2];
                    s = lrn_term(squares, s, norm_load(type, c + n, at, c + j));
                }
        x16_store(sum + j, s);
    }
}

/* What becomes of channels c to c + n - 1 of a pixel. */
HEW_INLINE void lrn_results(const hew_type type, const hew_lrn_part *p, size_t pixel, size_t c,
                            size_t n, const float *power)
{
    const char *const in = (const char *)p->in + pixel * p->in_step;
    char *const out = (char *)p->out + pixel * p->out_step;
    for (size_t j = 0; j < n; j += 16)
        norm_store(type, c + n, out, c + j,
                   x16_mul(norm_load(type, c + n, in, c + j), x16_load(power + j)));
}

HEW_INLINE void lrn_first(const hew_type type, const hew_lrn_part *p, size_t pixel, size_t c,
                          size_t n, const float *s, const float *power)
{
    const char *const in = (const char *)p->in + pixel * p->in_step;
    const char *const d_out = (const char *)p->d_out + pixel * p->out_step;
    char *const terms = (char *)p->terms + pixel * p->terms_step;
    char *const rest = (char *)p->rest + pixel * p->terms_step;
    for (size_t j = 0; j < n; j += 16) {
        const f32x16 d = norm_load(type, c + n, d_out, c + j), q = x16_load(power + j);
        const f32x16 product = x16_mul(d, norm_load(type, c + n, in, c + j));
        norm_store(HEW_F32, c + n, terms, c + j, x16_mul(product, x16_div(q, x16_load(s + j))));
        norm_store(HEW_F32, c + n, rest, c + j, x16_mul(d, q));
    }
}

HEW_INLINE void lrn_second(const hew_type type, const hew_lrn_part *p, size_t pixel, size_t c,
                           size_t n, const float *sum)
{
    const char *const in = (const char *)p->in + pixel * p->in_step;
    const char *const rest = (const char *)p->rest + pixel * p->terms_step;
    char *const out = (char *)p->out + pixel * p->out_step;
    for (size_t j = 0; j < n; j += 16) {
        const f32x16 x = x16_mul(norm_load(type, c + n, in, c + j), x16_set(p->factor));
        norm_store(type, c + n, out, c + j,
                   x16_fma(x, x16_load(sum + j), norm_load(HEW_F32, c + n, rest, c + j)));
    }
}

HEW_INLINE void lrn_pixels(const hew_type type, const hew_lrn_part *p)
{
    float sum[LRN_SEGMENT], power[LRN_SEGMENT];
    for (size_t i = 0; i < p->pixels; i++)
        for (size_t c = 0; c < p->n; c += LRN_SEGMENT) {
            const size_t n = hew_min(p->n - c, LRN_SEGMENT);
            const char *const window = (const char *)p->window + i * p->window_step;
            if (p->gradient) {
                lrn_sums(HEW_F32, false, p, window, c, n, sum);
                lrn_second(type, p, i, c, n, sum);
                continue;
            }
            lrn_sums(type, true, p, window, c, n, sum);
            lrn_powers(p, n, sum, power);
            if (p->terms)
                lrn_first(type, p, i, c, n, sum, power);
            else
                lrn_results(type, p, i, c, n, power);
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
