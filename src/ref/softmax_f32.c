/*
 * softmax_f32 - the definition of hew_softmax for f32, row by row:
 *
 *     m = max of x                          NaNs aside: a NaN makes the sum NaN
 *     e[j] = exp(x[j] - m)
 *     s[l] = e[l] + e[l + 16] + ...         sixteen chains in rising j, from +0
 *     s = the tree over s[0..15]: lanes i and i + 8, then i + 4, i + 2, i + 1
 *     softmax: e[j] * (1 / s)               log: (x[j] - m) - log(s)
 *
 * When s is NaN, the row becomes the quiet NaN 0x7fc00000: several NaNs may have met in it.
 */
#include "kernels.h"
#include "ref/math.h"

enum { LANES = 16 };

static float row_sum(const float *x, size_t n, float max)
{
    float s[LANES] = {0};
    for (size_t j = 0; j < n; j++)
        s[j % LANES] += ref_exp(x[j] - max);
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            s[i] += s[i + half];
    return s[0];
}

void hew_softmax_f32_ref(bool log, size_t rows, size_t columns, const float *in, size_t in_stride,
                         float *out, size_t out_stride)
{
    for (size_t i = 0; i < rows; i++, in += in_stride, out += out_stride) {
        float max = -INFINITY;
        for (size_t j = 0; j < columns; j++)
            max = max_of(in[j], max);
        const float sum = row_sum(in, columns, max);
        const float inverse = 1.0f / sum, shift = log ? ref_log(sum) : 0.0f;
        for (size_t j = 0; j < columns; j++) {
            const float x = in[j] - max;
            if (sum != sum)
                out[j] = ref_from_bits(0x7fc00000);
            else
                out[j] = log ? x - shift : ref_exp(x) * inverse;
        }
    }
}
