/*
 * channel_finish.c - the part of group and batch norm that is about channels and not about pixels.
 */
#include "channel_norm.h"

#include <string.h>

typedef hew_channel_job job;
typedef hew_channel_workspace workspace;

/* Where groups have several channels: all of them get their group's sum. */
static void share_sums(const hew_channel_norm *p, double *sum)
{
    const size_t width = p->channels / p->groups;
    for (size_t first = 0; width > 1 && first < p->channels; first += width) {
        double all = sum[first];
        for (size_t c = first + 1; c < first + width; c++)
            all += sum[c];
        all /= (double)p->pixels * (double)width;
        for (size_t c = first; c < first + width; c++)
            sum[c] = all;
    }
}

/* From the parts' sums to what becomes of each channel. */
void hew_channel_finish(const job *j, const workspace *w, size_t image)
{
    const hew_channel_norm *const p = j->p;
    const size_t width = p->channels / p->groups;
    const double count = (double)p->pixels * (double)width;
    if (!p->frozen) {
        hew_norm_sums sums = {.n = p->channels, .pixels = p->pixels,
                              .step = j->row / sizeof(float), .part = w->parts,
                              .count = width == 1 ? count : 1, .sum = w->exact};
        j->add_parts(&sums);
        share_sums(p, w->exact);
        sums.mean = w->exact;
        sums.sum = w->sum;
        j->add_parts(&sums);
        share_sums(p, w->sum);
    }
    j->lines(&(hew_norm_lines){
        .n = p->channels, .exact_mean = p->frozen ? NULL : w->exact, .variance = w->sum,
        .epsilon = (double)p->epsilon, .momentum = (double)p->momentum,
        .bias = p->unbiased ? count : 1, .unbias = p->unbiased && count > 1 ? count - 1 : 1,
        .running_mean = p->running_mean, .running_variance = p->running_variance,
        .gamma = p->gamma, .mean = w->mean, .rstd = w->slope, .scale = w->scale});
    for (size_t g = 0; p->mean && g < p->groups; g++)
        p->mean[image * p->groups + g] = w->mean[g * width];
    for (size_t g = 0; p->rstd && g < p->groups; g++)
        p->rstd[image * p->groups + g] = w->slope[g * width];
    if (p->beta)
        memcpy(w->shift, p->beta, p->channels * sizeof(float));
    else
        memset(w->shift, 0, p->channels * sizeof(float));
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
