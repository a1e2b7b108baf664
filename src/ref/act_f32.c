/*
 * act_f32 - the definition of the activations.
 *
 * relu, clip, elu and abs leave a NaN as it is, but for abs's sign; the others quieten it.  At the
 * infinities they take their limits: silu, gelu, hardswish and mish of -inf are -0.
 */
#include "kernels.h"
#include "ref/power.h"
#include "ref/ref.h"
#include "ref/trig.h"

static float hardsigmoid(float x, float alpha, float beta)
{
    return min_of(1.0f, max_of(0.0f, fmaf(alpha, x, beta)));
}

static float absolute(float x) { return ref_from_bits(ref_bits(x) & 0x7fffffff); }

float hew_ref_act(hew_act act, float x)
{
    switch (act.kind) {
    case HEW_ACT_RELU: return x < 0.0f ? 0.0f : x;
    /* To compilers this is `x < 0 ? a * x : x`, which keeps a signalling NaN as it is. */
    case HEW_ACT_LEAKY_RELU: return ref_opaque(x < 0.0f ? act.alpha : 1.0f) * x;
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
    case HEW_ACT_ABS: return absolute(x);
    case HEW_ACT_SQUARE: return x * x;
    case HEW_ACT_SQRT: return sqrtf(x);
    case HEW_ACT_RSQRT: return ref_rsqrt(x);
    case HEW_ACT_EXP: return ref_exp_full(x);
    case HEW_ACT_EXPM1: return ref_expm1_full(x);
    case HEW_ACT_LOG: return ref_log_full(x);
    case HEW_ACT_LOG1P: return ref_log1p(x);
    case HEW_ACT_POW: return act.alpha * ref_pow(x, act.beta);
    case HEW_ACT_LINEAR: return fmaf(act.alpha, x, act.beta);
    case HEW_ACT_SOFTPLUS: return ref_softplus(x, act.alpha);
    case HEW_ACT_ERF: return ref_erf(x);
    case HEW_ACT_ROUND: return ref_round(x);
    case HEW_ACT_SIN: return ref_sin(x);
    case HEW_ACT_COS: return ref_cos(x);
    case HEW_ACT_NONE:
    case HEW_ACT_COUNT: break;
    }
    return x;
}

void hew_act_f32_ref(const hew_act_f32_rows *rows)
{
    for (size_t i = 0; i < rows->rows; i++) {
        void *const x = (char *)rows->x + i * rows->x_stride;
        const void *const in = rows->in ? (const char *)rows->in + i * rows->in_stride : x;
        const hew_type in_type = rows->in ? rows->in_type : rows->x_type;
        const char *const add = (const char *)rows->add;
        for (size_t j = 0; j < rows->n; j++) {
            float sum = hew_ref_load_type(in_type, in, (int64_t)j);
            /* Of two NaNs it is the first: + would leave that to the order of its operands. */
            if (add && sum == sum)
                sum = ref_opaque(sum + ((const float *)(add + i * rows->add_stride))[j]);
            hew_ref_store_type(rows->x_type, x, (int64_t)j, hew_ref_act(rows->act, sum));
        }
    }
}
