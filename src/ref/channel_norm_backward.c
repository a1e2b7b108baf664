/*
 * channel_norm_backward - the definition of the gradients of group and batch norm.
 *
 * With g = d_out, or +0 where relu has let nothing through, the sums over an image's parts are
 * those of kernels_norm.h, added in order in double precision:
 *
 *     s[c] = sum of g      t[c] = (sum of g * (in - mean)) * rstd        rounded to floats
 *     d_beta[c] = sum over images of s[c]      d_gamma[c] = sum over images of t[c]
 *
 * and with the sums over a group's channels, in double precision too, count elements in all:
 *
 *     slope = 0 - (sum of gamma * t) / count * rstd * rstd
 *     shift = 0 - (sum of gamma * s) / count * rstd
 *     d_in = fma(g, rstd * gamma, fma(in - mean, slope, shift))
 *     d_residual = g
 *
 * Frozen, d_in is g * (rstd * gamma).
 */
#include "ref.h"

static const char *pixel(const void *p, size_t i, size_t stride)
{
    return (const char *)p + i * stride;
}

static float g_at(const hew_channel_norm *p, size_t i, size_t c)
{
    const float d_out = hew_ref_load_type(p->type, pixel(p->d_out, i, p->out_stride), (int64_t)c);
    if (p->relu &&
        !(hew_ref_load_type(p->type, pixel(p->out, i, p->out_stride), (int64_t)c) > 0.0f))
        return 0.0f;
    return d_out;
}

static float distance(const hew_channel_norm *p, size_t i, size_t c, float mean)
{
    return hew_ref_load_type(p->type, pixel(p->in, i, p->in_stride), (int64_t)c) - mean;
}

static float chains(const float x[4]) { return (x[0] + x[1]) + (x[2] + x[3]); }

typedef struct sums {
    float s, t;
} sums;

static sums part_of(const hew_channel_norm *p, size_t begin, size_t end, size_t c, float mean)
{
    sums all = {0, 0};
    for (size_t block = begin; block < end; block += HEW_NORM_ROWS) {
        const size_t rows = hew_min(HEW_NORM_ROWS, end - block);
        float s[4] = {0}, t[4] = {0};
        for (size_t i = 0; i < rows; i++) {
            const float g = g_at(p, block + i, c), d = distance(p, block + i, c, mean);
            s[i % 4] += g;
            t[i % 4] = fmaf(g, d, t[i % 4]);
        }
        const sums these = {chains(s), chains(t)};
        all = block == begin ? these : (sums){all.s + these.s, all.t + these.t};
    }
    return all;
}

static sums over_parts(const hew_channel_norm *p, size_t image, size_t c)
{
    const size_t g = image * p->groups + c / (p->channels / p->groups);
    double s = 0, t = 0;
    for (size_t i = 0; i < p->pixels; i += HEW_NORM_PART) {
        const size_t rows = hew_min(HEW_NORM_PART, p->pixels - i), first = image * p->pixels + i;
        const sums part = part_of(p, first, first + rows, c, p->mean[g]);
        s += (double)part.s;
        t += (double)part.t;
    }
    return (sums){(float)s, (float)(t * (double)p->rstd[g])};
}

static void apply(const hew_channel_norm *p, size_t image, size_t c, float slope, float shift)
{
    const size_t g = image * p->groups + c / (p->channels / p->groups);
    const float scale = p->rstd[g] * (p->gamma ? p->gamma[c] : 1.0f);
    for (size_t i = image * p->pixels; i < (image + 1) * p->pixels; i++) {
        const float v = g_at(p, i, c);
        const float d_in =
            p->frozen ? v * scale
                      : fmaf(v, scale, fmaf(distance(p, i, c, p->mean[g]), slope, shift));
        hew_ref_store_type(p->type, (char *)p->d_in + i * p->in_stride, (int64_t)c, d_in);
        if (p->d_residual)
            hew_ref_store_type(p->type, (char *)p->d_residual + i * p->residual_stride, (int64_t)c,
                               v);
    }
}

void hew_channel_norm_backward_ref(const hew_channel_norm *p)
{
    const size_t width = p->channels / p->groups;
    const bool all = !p->frozen || p->d_gamma || p->d_beta;
    for (size_t c = 0; c < p->channels; c++) {
        double s = 0, t = 0;
        for (size_t image = 0; all && image < p->images; image++) {
            const sums channel = over_parts(p, image, c);
            s += (double)channel.s;
            t += (double)channel.t;
        }
        if (p->d_beta)
            p->d_beta[c] = (float)s;
        if (p->d_gamma)
            p->d_gamma[c] = (float)t;
    }
    for (size_t image = 0; image < p->images; image++)
        for (size_t g = 0; g < p->groups; g++) {
            double s = 0, t = 0;
            for (size_t c = g * width; !p->frozen && c < (g + 1) * width; c++) {
                const sums channel = over_parts(p, image, c);
                const double gamma = p->gamma ? (double)p->gamma[c] : 1;
                s += gamma * (double)channel.s;
                t += gamma * (double)channel.t;
            }
            const double count = (double)p->pixels * (double)width;
            const double rstd = (double)p->rstd[image * p->groups + g];
            for (size_t c = g * width; c < (g + 1) * width; c++)
                apply(p, image, c, (float)(0 - t / count * rstd * rstd),
                      (float)(0 - s / count * rstd));
        }
}
