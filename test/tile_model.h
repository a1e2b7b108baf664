/* tile_model.h - what a matrix kernel's epilogue makes of a sum of floats, computed by the
 * emulator's models of instructions: nothing here depends on MXCSR. */
#ifndef HEW_TEST_TILE_MODEL_H
#define HEW_TEST_TILE_MODEL_H

#include "emu/model.h"
#include "harness.h"

static inline float fma_of(float a, float b, float c)
{
    return float_of(model_fma(bits_of(a), bits_of(b), bits_of(c)));
}
static inline float sum_of(float a, float b) { return fma_of(a, 1.0f, b); }

/* Of element (i, j), where what is added is F32 or BF16. */
static inline float want_value(const hew_epilogue *e, const hew_quant *q, float sum, int i,
                               int j)
{
    const float factor = e->scale ? fma_of(e->alpha, e->scale[j], -0.0f) : e->alpha;
    float v = fma_of(sum, factor, sum_of(e->bias ? e->bias[j] : 0.0f, 0.0f));
    if (e->add) {
        const char *row = (const char *)e->add + (size_t)i * e->add_stride;
        v = fma_of(e->beta,
                   q->add_type == HEW_F32
                       ? ((const float *)row)[j]
                       : float_of(model_f32_from_bf16(((const uint16_t *)row)[j])),
                   v);
    }
    v = e->lo > v ? e->lo : v;
    return e->hi < v ? e->hi : v;
}

#endif
