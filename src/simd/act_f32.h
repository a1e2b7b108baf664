/*
 * act_f32 - x[i][j] = act(x[i][j] + add[i][j]), in place.
 *
 * The including file has its simd.h included first and defines HEW_ACT_F32, the kernel's name.
 * Tails of rows are masked.  Rows without gaps are one long row.  Bound by memory for the simple
 * kinds and by arithmetic for those with an exp in them: 20 to 60 operations for 16 elements.
 */
#include "kernels_rows.h"
#include "math.h"

typedef struct act_parameters {
    f32x16 alpha, beta;
} act_parameters;

HEW_INLINE f32x16 hardsigmoid(f32x16 x, f32x16 alpha, f32x16 beta)
{
    return x16_min(x16_set(1.0f), x16_max(x16_set(0.0f), x16_fma(alpha, x, beta)));
}

HEW_INLINE f32x16 act(const hew_act_kind kind, act_parameters p, f32x16 x)
{
    const f32x16 zero = x16_set(0.0f);
    switch (kind) {
    case HEW_ACT_RELU: return x16_max(zero, x);
    case HEW_ACT_LEAKY_RELU:
        return x16_mul(x16_opaque(x16_select(x16_less(x, zero), p.alpha, x16_set(1.0f))), x);
    case HEW_ACT_CLIP: return x16_min(p.beta, x16_max(p.alpha, x));
    case HEW_ACT_ELU: return x16_select(x16_less(x, zero), x16_mul(p.alpha, x16_elu(x)), x);
    case HEW_ACT_SIGMOID: return x16_sigmoid(x);
    case HEW_ACT_TANH: return x16_tanh(x);
    case HEW_ACT_SILU: return x16_silu(x);
    case HEW_ACT_GELU_ERF: return x16_gelu_erf(x);
    case HEW_ACT_GELU_TANH: return x16_gelu_tanh(x);
    case HEW_ACT_HARDSWISH:
        return x16_mul(x16_max(x16_set(-3.0f), x),
                       hardsigmoid(x, x16_set(1.0f / 6.0f), x16_set(0.5f)));
    case HEW_ACT_HARDSIGMOID: return hardsigmoid(x, p.alpha, p.beta);
    case HEW_ACT_MISH: return x16_mish(x);
    case HEW_ACT_NONE:
    case HEW_ACT_COUNT: break;
    }
    return x;
}

/* x + add; of two NaNs, x's: addition leaves that to the order of its operands.  To clang a NaN's
 * sum is as good as that NaN, unless it doesn't know of the sum. */
HEW_INLINE f32x16 plus(f32x16 x, f32x16 add)
{
    return x16_select(x16_unordered(x, x), x, x16_opaque(x16_add(x, add)));
}

/* The kind is a literal in every call, so that each call is a loop of its own. */
HEW_INLINE void act_rows(const hew_act_kind kind, const bool has_add, const hew_act_f32_rows *r)
{
    const act_parameters p = {x16_set(r->act.alpha), x16_set(r->act.beta)};
    const size_t whole = r->n / 16 * 16;
    const mask16 tail = x16_first(r->n - whole);
    const f32x16 zero = x16_set(0.0f);
    for (size_t i = 0; i < r->rows; i++) {
        float *const x = (float *)((char *)r->x + i * r->x_stride);
        const float *const add =
            has_add ? (const float *)((const char *)r->add + i * r->add_stride) : NULL;
        size_t j = 0;
        for (; j < whole; j += 16) {
            f32x16 v = x16_load(x + j);
            if (has_add)
                v = plus(v, x16_load(add + j));
            x16_store(x + j, act(kind, p, v));
        }
        if (j < r->n) {
            f32x16 v = x16_load_masked(tail, x + j, zero);
            if (has_add)
                v = plus(v, x16_load_masked(tail, add + j, zero));
            x16_store_masked(tail, x + j, act(kind, p, v));
        }
    }
}

/* One function for each kind, so that a switch of thirteen loops isn't one function. */
#define ACT_KIND(name, kind)                                                                       \
    static __attribute__((noinline)) void name(const hew_act_f32_rows *r)                          \
    {                                                                                              \
        if (r->add)                                                                                \
            act_rows(kind, true, r);                                                               \
        else                                                                                       \
            act_rows(kind, false, r);                                                              \
    }
ACT_KIND(none, HEW_ACT_NONE)
ACT_KIND(relu, HEW_ACT_RELU)
ACT_KIND(leaky_relu, HEW_ACT_LEAKY_RELU)
ACT_KIND(clip, HEW_ACT_CLIP)
ACT_KIND(elu, HEW_ACT_ELU)
ACT_KIND(sigmoid, HEW_ACT_SIGMOID)
ACT_KIND(hyperbolic_tangent, HEW_ACT_TANH)
ACT_KIND(silu, HEW_ACT_SILU)
ACT_KIND(gelu_erf, HEW_ACT_GELU_ERF)
ACT_KIND(gelu_tanh, HEW_ACT_GELU_TANH)
ACT_KIND(hardswish, HEW_ACT_HARDSWISH)
ACT_KIND(hard_sigmoid, HEW_ACT_HARDSIGMOID)
ACT_KIND(mish, HEW_ACT_MISH)

void HEW_ACT_F32(const hew_act_f32_rows *rows)
{
    static act_f32_fn *const kinds[HEW_ACT_COUNT] = {
        none, relu,     leaky_relu, clip,      elu,          sigmoid, hyperbolic_tangent,
        silu, gelu_erf, gelu_tanh,  hardswish, hard_sigmoid, mish};
    if (rows->act.kind == HEW_ACT_NONE && !rows->add)
        return;
    hew_act_f32_rows r = *rows;
    const size_t bytes = r.n * sizeof(float);
    if (r.x_stride == bytes && (!r.add || r.add_stride == bytes)) {
        r.n *= r.rows;
        r.rows = r.n > 0;
    }
    kinds[r.act.kind](&r);
}
