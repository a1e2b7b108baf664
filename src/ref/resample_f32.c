/*
 * blend_f32, taps_f32, look_f32, pick - the definitions: chains of fused multiply-adds; bytes.
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
                const size_t at = (size_t)t->at[k] * t->channels + c;
                float x = t->x[at];
                if (t->second)
                    x = fmaf(t->row_w[1], t->second[at], t->row_w[0] * x);
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

void hew_pick_ref(const hew_pick *p)
{
    for (size_t i = 0; i < p->bytes; i++) {
        const hew_pick_block *const b = &p->blocks[i / 64];
        const int t = p->two && b->from[0][i % 64] >= 16;
        p->out[i] = p->in[b->at[t][i % 64 / 16] + b->from[t][i % 64]];
    }
}
