/*
 * channel_finish.c - the part of group and batch norm that is about channels and not about pixels.
 */
#include "channel_norm.h"

#include <math.h>
#include <string.h>

typedef hew_channel_job job;
typedef hew_channel_workspace workspace;

/* sum[c] = over all parts, rows_k * mean_k; with `exact` the squared distances from it. */
static void add_parts(const job *j, const workspace *w, const double *exact)
{
    const hew_channel_norm *const p = j->p;
    const size_t step = j->row / sizeof(float);
    memset(w->sum, 0, p->channels * sizeof(double));
    for (size_t k = 0; k < j->parts; k++) {
        const double rows = (double)hew_min(HEW_NORM_PART, p->pixels - k * HEW_NORM_PART);
        const float *const mean = w->parts + 2 * k * step, *const m2 = mean + step;
        for (size_t c = 0; !exact && c < p->channels; c++)
            w->sum[c] += rows * (double)mean[c];
        for (size_t c = 0; exact && c < p->channels; c++) {
            const double d = (double)mean[c] - exact[c];
            w->sum[c] += (double)m2[c] + rows * (d * d);
        }
    }
}

static double group_sum(const workspace *w, size_t first, size_t width)
{
    double sum = w->sum[first];
    for (size_t c = first + 1; c < first + width; c++)
        sum += w->sum[c];
    return sum;
}

static void update(const hew_channel_norm *p, size_t c, double mean, double variance)
{
    const double m = (double)p->momentum, count = (double)p->pixels;
    if (p->unbiased)
        variance = variance * count / (count > 1 ? count - 1 : 1);
    if (p->running_mean)
        p->running_mean[c] = (float)((1 - m) * (double)p->running_mean[c] + m * mean);
    if (p->running_variance)
        p->running_variance[c] =
            (float)((1 - m) * (double)p->running_variance[c] + m * variance);
}

/* From the parts' sums to what becomes of each channel. */
void hew_channel_finish(const job *j, const workspace *w, size_t image)
{
    const hew_channel_norm *const p = j->p;
    const size_t width = p->channels / p->groups;
    const double count = (double)p->pixels * (double)width;
    if (!p->frozen) {
        add_parts(j, w, NULL);
        for (size_t g = 0; g < p->groups; g++) {
            const double mean = group_sum(w, g * width, width) / count;
            for (size_t c = g * width; c < (g + 1) * width; c++)
                w->exact[c] = mean;
        }
        add_parts(j, w, w->exact);
    }
    for (size_t g = 0; g < p->groups; g++) {
        double mean, variance;
        if (p->frozen) {
            mean = (double)p->running_mean[g];
            variance = (double)p->running_variance[g];
        } else {
            mean = w->exact[g * width];
            variance = group_sum(w, g * width, width) / count;
            update(p, g, mean, variance);
        }
        const float rstd = (float)(1 / sqrt(variance + (double)p->epsilon));
        if (p->mean)
            p->mean[image * p->groups + g] = (float)mean;
        if (p->rstd)
            p->rstd[image * p->groups + g] = rstd;
        for (size_t c = g * width; c < (g + 1) * width; c++) {
            w->mean[c] = (float)mean;
            w->scale[c] = rstd * (p->gamma ? p->gamma[c] : 1.0f);
            w->shift[c] = p->beta ? p->beta[c] : 0.0f;
        }
    }
}

void hew_channel_begin_backward(const job *j, const workspace *w, size_t image)
{
    const hew_channel_norm *const p = j->p;
    const size_t width = p->channels / p->groups;
    for (size_t g = 0; g < p->groups; g++)
        for (size_t c = g * width; c < (g + 1) * width; c++) {
            w->mean[c] = p->mean ? p->mean[image * p->groups + g] : 0.0f;
            w->scale[c] = p->rstd[image * p->groups + g] * (p->gamma ? p->gamma[c] : 1.0f);
        }
}

/* An image's sums of each channel, and the slope and shift of each group. */
void hew_channel_finish_backward(const job *j, const workspace *w, size_t image)
{
    const hew_channel_norm *const p = j->p;
    const size_t width = p->channels / p->groups, step = j->row / sizeof(float);
    float *const s = j->sums + 2 * image * step, *const t = s + step;
    memset(w->sum, 0, p->channels * sizeof(double));
    memset(w->exact, 0, p->channels * sizeof(double));
    for (size_t k = 0; k < j->parts; k++) {
        const float *const a = w->parts + 2 * k * step, *const b = a + step;
        for (size_t c = 0; c < p->channels; c++) {
            w->sum[c] += (double)a[c];
            w->exact[c] += (double)b[c];
        }
    }
    for (size_t g = 0; g < p->groups; g++) {
        const double rstd = (double)p->rstd[image * p->groups + g];
        const double count = (double)p->pixels * (double)width;
        double s_sum = 0, t_sum = 0;
        for (size_t c = g * width; c < (g + 1) * width; c++) {
            const double gamma = p->gamma ? (double)p->gamma[c] : 1;
            s[c] = (float)w->sum[c];
            t[c] = (float)(w->exact[c] * rstd);
            s_sum += gamma * (double)s[c];
            t_sum += gamma * (double)t[c];
        }
        for (size_t c = g * width; c < (g + 1) * width; c++) {
            w->slope[c] = (float)(0 - t_sum / count * rstd * rstd);
            w->shift[c] = (float)(0 - s_sum / count * rstd);
        }
    }
}
