/*
 * act_f32 - the definition of the activations.
 *
 * relu, clip and elu leave a NaN as it is; the others quieten it.  At the infinities they take
 * their limits: silu, gelu, hardswish and mish of -inf are -0.
 */
#include "kernels.h"
#include "ref/math.h"
#include "ref/ref.h"

static float hardsigmoid(float x, float alpha, float beta)
{
    return min_of(1.0f, max_of(0.0f, fmaf(alpha, x, beta)));
}

/* Compilers take `(x < 0 ? a : 1) * x` for `x < 0 ? a * x : x`, and the sum of a NaN for that NaN.
 * These differ in whether a signalling NaN comes out quiet. */
static float opaque(float x)
{
    __asm__("" : "+x"(x));
    return x;
}

float hew_ref_act(hew_act act, float x)
{
    switch (act.kind) {
    case HEW_ACT_RELU: return x < 0.0f ? 0.0f : x;
    case HEW_ACT_LEAKY_RELU: return opaque(x < 0.0f ? act.alpha : 1.0f) * x;
    case HEW_ACT_CLIP: return min_of(act.beta, max_of(act.alpha, x));
    case HEW_ACT_ELU: return x < 0.0f ? act.alpha * ref_elu(x) : x;
    case HEW_ACT_SIGMOID: return ref_sigmoid(x);
    case HEW_ACT_TANH: return ref_tanh(x);
    case HEW_ACT_SILU: return ref_silu(x);
    case HEW_ACT_GELU_ERF: return ref_gelu_erf(x);
    case HEW_ACT_GELU_TANH: return ref_gelu_tanh(x);
    case HEW_ACT_HARDSWISH: return max_of(-3.0f, x) * hardsigmoid(x, 1.0f / 6.0f, 0.5f);
    case HEW_ACT_HARDSIGMOID: return hardsigmoid(x, act.alpha, act.beta);
    case HEW_ACT_MISH: return ref_mish(x);
    case HEW_ACT_NONE:
    case HEW_ACT_COUNT: break;
    }
    return x;
}

void hew_act_f32_ref(const hew_act_f32_rows *rows)
{
    for (size_t i = 0; i < rows->rows; i++) {
        float *const x = (float *)((char *)rows->x + i * rows->x_stride);
        const char *const add = (const char *)rows->add;
        for (size_t j = 0; j < rows->n; j++) {
            float sum = x[j];
            /* Of two NaNs it is the first: + would leave that to the order of its operands. */
            if (add && sum == sum)
                sum = opaque(sum + ((const float *)(add + i * rows->add_stride))[j]);
            x[j] = hew_ref_act(rows->act, sum);
        }
    }
}
