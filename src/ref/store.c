/*
 * store.c - what becomes of an integer sum: the epilogue of hew_quant and hew_epilogue, kernels.h.
 */
#include "ref/ref.h"

static float added(const hew_quant *q, const void *add, int64_t at)
{
    if (q->add_type == HEW_F32)
        return ((const float *)add)[at];
    if (q->add_type == HEW_BF16)
        return hew_ref_float(((const uint16_t *)add)[at]);
    const int32_t x =
        q->add_type == HEW_S8 ? ((const int8_t *)add)[at] : ((const uint8_t *)add)[at];
    return (float)(x - q->add_zero);
}

void hew_ref_store_f32(const hew_ref_result *r, float sum, int64_t j, const void *add,
                       int64_t at_add, void *c, int64_t at)
{
    const hew_quant *q = r->quant;
    const bool bytes = q->c_type == HEW_U8 || q->c_type == HEW_S8;
    const bool folded = bytes && (r->act.kind == HEW_ACT_NONE || r->act.kind == HEW_ACT_RELU ||
                                  r->act.kind == HEW_ACT_CLIP);
    const float inverse = folded ? q->c_inverse : 1;
    const float alpha = r->alpha * inverse;
    const float factor = (r->scale ? alpha * r->scale[j] : alpha) * r->row_scale;
    float v = fmaf(sum, factor, ((r->bias ? r->bias[j] : 0.0f) + 0.0f) * inverse);
    if (add)
        v = fmaf(r->beta * inverse, added(q, add, at_add), v);
    const hew_act act = {r->act.kind, r->act.alpha * inverse, r->act.beta * inverse};
    v = hew_ref_act(act, v);
    if (q->c_type == HEW_F32)
        ((float *)c)[at] = v;
    else if (q->c_type == HEW_BF16)
        ((uint16_t *)c)[at] = hew_ref_bf16(v);
    else
        ((uint8_t *)c)[at] =
            (uint8_t)hew_ref_quantize(folded ? v : v * q->c_inverse, q->c_zero, q->c_type);
}

void hew_ref_store(const hew_ref_result *r, int32_t sum, int64_t j, const void *add, int64_t at_add,
                   void *c, int64_t at)
{
    if (r->quant->c_type == HEW_S32)
        ((int32_t *)c)[at] = sum;
    else
        hew_ref_store_f32(r, (float)sum, j, add, at_add, c, at);
}
