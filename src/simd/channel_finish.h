/*
 * channel_finish - channel_norm_sums and channel_norm_lines, in double precision: kernels_norm.h.
 *
 * The including file has its narrow.h included first and defines HEW_CHANNEL_NORM_SUMS and
 * HEW_CHANNEL_NORM_LINES, the kernels' names.
 *
 * Bound by divisions and a square root for each channel, of which a layer can have more than pixels.
 */
#include "kernels_norm.h"
#include "norm_typed.h"

void HEW_CHANNEL_NORM_SUMS(const hew_norm_sums *s)
{
    for (size_t j = 0; j < s->n; j += 16) {
        const f64x16 mean = s->mean ? d16_load(s->mean + j) : d16_set(0);
        const float *part = s->part;
        f64x16 sum = d16_set(0);
        for (size_t i = 0; i < s->pixels; i += HEW_NORM_PART, part += 2 * s->step) {
            const f64x16 rows = d16_set((double)hew_min(HEW_NORM_PART, s->pixels - i));
            const f64x16 own = d16_from_floats(norm_load(HEW_F32, s->n, part, j));
            const f64x16 m2 = d16_from_floats(norm_load(HEW_F32, s->n, part + s->step, j));
            const f64x16 d = d16_sub(own, mean);
            const f64x16 squares = d16_add(m2, d16_mul(rows, d16_mul(d, d)));
            sum = d16_add(sum, s->mean ? squares : d16_mul(rows, own));
        }
        d16_store(s->sum + j, d16_div(sum, d16_set(s->count)));
    }
}

/* running = (1 - momentum) * running + momentum * x */
HEW_INLINE void lines_update(const hew_norm_lines *p, float *running, size_t j, f64x16 x)
{
    if (!running)
        return;
    const f64x16 old = d16_from_floats(norm_load(HEW_F32, p->n, running, j));
    const f64x16 moved = d16_add(d16_mul(d16_set(1 - p->momentum), old),
                                 d16_mul(d16_set(p->momentum), x));
    norm_store(HEW_F32, p->n, running, j, d16_to_floats(moved));
}

void HEW_CHANNEL_NORM_LINES(const hew_norm_lines *all)
{
    const hew_norm_lines own = *all, *const p = &own; /* which no store can change */
    const norm_floats gamma = norm_floats_or(p->gamma, norm_ones);
    for (size_t j = 0; j < p->n; j += 16) {
        f32x16 mean;
        f64x16 variance;
        if (p->exact_mean) {
            const f64x16 exact = d16_load(p->exact_mean + j);
            variance = d16_load(p->variance + j);
            mean = d16_to_floats(exact);
            lines_update(p, p->running_mean, j, exact);
            lines_update(p, p->running_variance, j,
                         d16_div(d16_mul(variance, d16_set(p->bias)), d16_set(p->unbias)));
        } else {
            mean = norm_load(HEW_F32, p->n, p->running_mean, j);
            variance = d16_from_floats(norm_load(HEW_F32, p->n, p->running_variance, j));
        }
        const f64x16 root = d16_sqrt(d16_add(variance, d16_set(p->epsilon)));
        const f32x16 rstd = d16_to_floats(d16_div(d16_set(1), root));
        norm_store(HEW_F32, p->n, p->mean, j, mean);
        norm_store(HEW_F32, p->n, p->rstd, j, rstd);
        norm_store(HEW_F32, p->n, p->scale, j,
                   x16_mul(rstd, norm_floats_at(&gamma, p->n, j)));
    }
}
