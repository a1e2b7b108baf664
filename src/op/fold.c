/*
 * fold.c - what goes into weights and bias before, and into the bias after quantisation.
 */
#include "weights.h"

#include <math.h>

hew_status hew_fold_batch_norm(const hew_weights_desc *desc, const hew_fold_norm *norm, float *to,
                               float *bias)
{
    static const char op[] = "fold_batch_norm";
    hew_weights w;
    const hew_status s = hew_weights_check(op, desc, &w);
    if (s != HEW_OK)
        return s;
    if (!norm)
        return hew_fail(HEW_ERR_INVALID, "%s: norm is null", op);
    if (norm->size != sizeof *norm)
        return hew_fail(HEW_ERR_INVALID, "%s: hew_fold_norm's size is %zu, this library's is %zu",
                        op, norm->size, sizeof *norm);
    if (w.channels > 0 && (!norm->mean || !norm->variance || !bias || (w.k > 0 && !to)))
        return hew_fail(HEW_ERR_INVALID, "%s: %s is null", op,
                        !norm->mean       ? "mean"
                        : !norm->variance ? "variance"
                        : bias            ? "w"
                                          : "bias");
    const float given = norm->epsilon == 0 ? 1e-5f : norm->epsilon;
    const double epsilon = (double)given;
    for (size_t c = 0; c < w.channels; c++) {
        const double spread = (double)norm->variance[c] + epsilon;
        if (!(spread > 0 && hew_is_finite(norm->variance[c]) && hew_is_finite(given)))
            return hew_fail(HEW_ERR_INVALID,
                            "%s: the variance of channel %zu is %g, with epsilon %g", op, c,
                            (double)norm->variance[c], epsilon);
    }
    for (size_t c = 0; c < w.channels; c++) {
        const double gamma = norm->gamma ? (double)norm->gamma[c] : 1;
        const double beta = norm->beta ? (double)norm->beta[c] : 0;
        const double factor = gamma / sqrt((double)norm->variance[c] + epsilon);
        for (size_t i = 0; i < w.k; i++) {
            float *const x = to + c * w.channel + i * w.step;
            *x = (float)((double)*x * factor);
        }
        bias[c] = (float)(((double)bias[c] - (double)norm->mean[c]) * factor + beta);
    }
    return HEW_OK;
}

hew_status hew_correct_bias(const hew_weights_desc *desc, const float *from, const void *q,
                            const float *scale, const int8_t *zero, const float *mean, float *bias)
{
    static const char op[] = "correct_bias";
    hew_weights w;
    const hew_status s = hew_weights_check_q(op, desc, &w);
    if (s != HEW_OK || w.channels * w.k == 0)
        return s;
    if (!from || !q || !scale || !mean || !bias)
        return hew_fail(HEW_ERR_INVALID, "%s: %s is null", op,
                        !from    ? "w"
                        : !q     ? "q"
                        : !scale ? "scale"
                        : mean   ? "bias"
                                 : "mean");
    for (size_t c = 0; c < w.channels; c++) {
        double error = 0;
        for (size_t i = 0; i < w.k; i++) {
            const size_t at = c * w.channel + i * w.step;
            const size_t of = i / w.k_group * w.channels + c;
            const double value = hew_weight_at(&w, q, at) - (zero ? zero[of] : 0);
            const double off = value * (double)scale[of] - (double)from[at];
            error += off * (double)mean[hew_weights_input(&w, c, i)];
        }
        bias[c] = (float)((double)bias[c] - error);
    }
    return HEW_OK;
}

hew_status hew_add_channel_sums(int64_t pixels, int64_t channels, int64_t stride, const float *in,
                                double *sums)
{
    static const char op[] = "add_channel_sums";
    const int64_t used = stride == 0 ? channels : stride;
    int64_t bytes;
    if (pixels < 0 || channels < 0 || used < channels)
        return hew_fail(HEW_ERR_INVALID, "%s: pixels = %lld, channels = %lld, stride = %lld", op,
                        (long long)pixels, (long long)channels, (long long)stride);
    if (!hew_mul(pixels, used, &bytes) || !hew_mul(bytes, (int64_t)sizeof(float), &bytes))
        return hew_fail(HEW_ERR_OVERFLOW, "%s: %lld pixels with stride = %lld are too large", op,
                        (long long)pixels, (long long)used);
    if (pixels > 0 && channels > 0 && (!in || !sums))
        return hew_fail(HEW_ERR_INVALID, "%s: %s is null", op, in ? "sums" : "in");
    for (int64_t p = 0; p < pixels; p++)
        for (int64_t c = 0; c < channels; c++)
            sums[c] += (double)in[p * used + c];
    return HEW_OK;
}
