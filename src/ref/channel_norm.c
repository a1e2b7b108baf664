/*
 * channel_norm - the definition of group and batch norm and of their gradients.
 *
 * An image's pixels are taken in parts of HEW_NORM_PART, whose statistics are those of
 * kernels_norm.h, in floats.  In double precision, k over the parts with rows_k pixels each, in
 * order, for each channel, and then over the channels of a group, in order; count of them all:
 *
 *     mean = sum of (sum over k of rows_k * mean_k) / count
 *     variance = sum of (sum over k of m2_k + rows_k * (mean_k - mean)^2) / count
 *     rstd = 1 / sqrt(variance + epsilon)
 *
 * mean and rstd are rounded to floats then, and
 *
 *     out = fma(in - mean, rstd * gamma, beta) + residual, relu last
 */
#include "ref.h"

typedef struct part_statistics {
    float mean, m2;
} part_statistics;

static float in_at(const hew_channel_norm *p, size_t pixel, size_t c)
{
    return hew_ref_load_type(p->type, (const char *)p->in + pixel * p->in_stride, (int64_t)c);
}

static float chains(const float x[4]) { return (x[0] + x[1]) + (x[2] + x[3]); }

/* Pixels [begin, end) of channel c. */
static part_statistics part_of(const hew_channel_norm *p, size_t begin, size_t end, size_t c)
{
    part_statistics s = {0, 0};
    for (size_t block = begin; block < end; block += HEW_NORM_ROWS) {
        const size_t rows = hew_min(HEW_NORM_ROWS, end - block), before = block - begin;
        float sum[4] = {0}, squares[4] = {0};
        for (size_t i = 0; i < rows; i++)
            sum[i % 4] += in_at(p, block + i, c);
        const float mean = chains(sum) / (float)rows;
        for (size_t i = 0; i < rows; i++) {
            const float d = in_at(p, block + i, c) - mean;
            squares[i % 4] = fmaf(d, d, squares[i % 4]);
        }
        const float m2 = chains(squares);
        if (before == 0) {
            s = (part_statistics){mean, m2};
            continue;
        }
        const float delta = mean - s.mean, w = (float)rows / (float)(before + rows);
        s.mean = fmaf(delta, w, s.mean);
        s.m2 = fmaf(delta * delta, (float)before * w, s.m2 + m2);
    }
    return s;
}

/* The sum over the parts of one channel of an image of rows_k * mean_k, or with a mean of the
 * squared distances from it. */
static double over_parts(const hew_channel_norm *p, size_t image, size_t c, const double *mean)
{
    double sum = 0;
    for (size_t i = 0; i < p->pixels; i += HEW_NORM_PART) {
        const size_t rows = hew_min(HEW_NORM_PART, p->pixels - i), first = image * p->pixels + i;
        const part_statistics s = part_of(p, first, first + rows, c);
        if (!mean) {
            sum += (double)rows * (double)s.mean;
        } else {
            const double d = (double)s.mean - *mean;
            sum += (double)s.m2 + (double)rows * (d * d);
        }
    }
    return sum;
}

static void update(const hew_channel_norm *p, size_t c, double mean, double variance, double count)
{
    const double m = (double)p->momentum;
    if (p->unbiased)
        variance = variance * count / (count > 1 ? count - 1 : 1);
    if (p->running_mean)
        p->running_mean[c] = (float)((1 - m) * (double)p->running_mean[c] + m * mean);
    if (p->running_variance)
        p->running_variance[c] =
            (float)((1 - m) * (double)p->running_variance[c] + m * variance);
}

static void statistics(const hew_channel_norm *p, size_t image, size_t g, float *mean, float *rstd)
{
    const size_t width = p->channels / p->groups, first = g * width;
    const double count = (double)p->pixels * (double)width, epsilon = (double)p->epsilon;
    if (p->frozen) {
        *mean = p->running_mean[g];
        *rstd = (float)(1 / sqrt((double)p->running_variance[g] + epsilon));
        return;
    }
    double sum = 0, squares = 0;
    for (size_t c = first; c < first + width; c++)
        sum += over_parts(p, image, c, NULL);
    const double exact = sum / count;
    for (size_t c = first; c < first + width; c++)
        squares += over_parts(p, image, c, &exact);
    *mean = (float)exact;
    *rstd = (float)(1 / sqrt(squares / count + epsilon));
    update(p, g, exact, squares / count, count);
}

void hew_channel_norm_ref(const hew_channel_norm *p)
{
    const size_t width = p->channels / p->groups;
    for (size_t image = 0; image < p->images; image++)
        for (size_t g = 0; g < p->groups; g++) {
            float mean, rstd;
            statistics(p, image, g, &mean, &rstd);
            if (p->mean)
                p->mean[image * p->groups + g] = mean;
            if (p->rstd)
                p->rstd[image * p->groups + g] = rstd;
            for (size_t i = image * p->pixels; i < (image + 1) * p->pixels; i++)
                for (size_t c = g * width; c < (g + 1) * width; c++) {
                    const float scale = rstd * (p->gamma ? p->gamma[c] : 1.0f);
                    float y = fmaf(in_at(p, i, c) - mean, scale, p->beta ? p->beta[c] : 0.0f);
                    if (p->residual)
                        y += hew_ref_load_type(p->type, (const char *)p->residual +
                                                            i * p->residual_stride, (int64_t)c);
                    if (p->relu)
                        y = 0.0f > y ? 0.0f : y;
                    hew_ref_store_type(p->type, (char *)p->out + i * p->out_stride, (int64_t)c, y);
                }
        }
}
