/*
 * binary - the definition of hew_binary, from a valid descriptor:
 *
 *     v = act(fma(b_scale, b - b_zero, a_scale * (a - a_zero)))     a scale of 0 is 1
 *     c = v                                              f32
 *     c = saturate(round(v / c_scale) + c_zero)          u8, s8: half to even, NaN gives c_zero
 *
 * The division is a product with 1 / c_scale.  Without an activation or with RELU or CLIP it is
 * a_scale, b_scale and CLIP's bounds that are multiplied by that.
 */
#include "kernels.h"
#include "ref/ref.h"

static float element(hew_type type, const void *p, int64_t i, int32_t zero)
{
    if (type == HEW_F32)
        return ((const float *)p)[i];
    const int32_t x = type == HEW_S8 ? ((const int8_t *)p)[i] : ((const uint8_t *)p)[i];
    return (float)(x - zero);
}

static float or_one(float scale)
{
    return scale == 0.0f ? 1.0f : scale;
}

static float combine(const hew_binary_desc *d, float factor, float a, float b)
{
    return fmaf(or_one(d->b_scale) * factor, b, or_one(d->a_scale) * factor * a);
}

void hew_binary_ref(const hew_binary_desc *d, const void *a, const void *b, void *c)
{
    const int64_t a_stride = d->a_stride ? d->a_stride : d->columns;
    const int64_t b_stride = d->b_stride ? d->b_stride : d->columns;
    const int64_t c_stride = d->c_stride ? d->c_stride : d->columns;
    hew_act act = d->act;
    hew_act_defaults("binary", &act);
    const float inverse = d->c_type == HEW_F32 ? 1.0f : 1.0f / or_one(d->c_scale);
    const bool folded =
        act.kind == HEW_ACT_NONE || act.kind == HEW_ACT_RELU || act.kind == HEW_ACT_CLIP;
    if (folded) {
        act.alpha *= inverse;
        act.beta *= inverse;
    }
    for (int64_t i = 0; i < d->rows; i++)
        for (int64_t j = 0; j < d->columns; j++) {
            const float x = element(d->a_type, a, i * a_stride + j, d->a_zero);
            const float y = element(d->b_type, b, i * b_stride + j, d->b_zero);
            const float v = hew_ref_act(act, combine(d, folded ? inverse : 1.0f, x, y));
            if (d->c_type == HEW_F32)
                ((float *)c)[i * c_stride + j] = v;
            else
                ((uint8_t *)c)[i * c_stride + j] = (uint8_t)hew_ref_quantize(
                    folded ? v : v * inverse, d->c_zero, d->c_type);
        }
}
