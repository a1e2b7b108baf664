/*
 * blend_f32, taps_f32, look_f32 - the definitions: chains of fused multiply-adds.
 */
#include "kernels.h"

#include <math.h>

void hew_blend_f32_ref(const hew_blend *b)
{
    for (size_t i = 0; i < b->n; i++) {
        float t = b->add ? fmaf(b->w[0], b->x[0][i], b->y[i]) : b->w[0] * b->x[0][i];
        for (int k = 1; k < b->rows; k++)
            t = fmaf(b->w[k], b->x[k][i], t);
        b->y[i] = t;
    }
}

void hew_taps_f32_ref(const hew_taps *t)
{
    for (size_t p = 0; p < t->pixels; p++)
        for (size_t c = 0; c < t->channels; c++) {
            float sum = 0.0f;
            for (int32_t k = t->start[p]; k < t->start[p + 1]; k++) {
                const float x = t->x[(size_t)t->at[k] * t->channels + c];
                sum = k == t->start[p] ? t->w[k] * x : fmaf(t->w[k], x, sum);
            }
            t->y[p * t->y_stride + c] = sum;
        }
}

void hew_look_f32_ref(const hew_look *l)
{
    for (size_t i = 0; i < l->n; i++) {
        const hew_look_block *const b = &l->blocks[i / 16];
        const float *const x = l->x + b->base;
        const size_t lane = i % 16;
        float y = b->w[0][lane] * x[b->at[0][lane]];
        if (b->w[1][lane] != 0.0f)
            y = fmaf(b->w[1][lane], x[b->at[1][lane]], y);
        l->y[i] = y;
    }
}
