/*
 * act_f32 - x[i][j] = act(in[i][j] + add[i][j]).
 *
 * The including file has its simd.h included first and defines HEW_ACT_F32, the kernel's name.
 * A kind is one loop over whole registers; what is left of a row goes through it as a register of
 * its own.  Rows without gaps are one long row.  Bound by memory for the simple kinds and by
 * arithmetic for those with an exp in them: 20 to 60 operations for 16 elements.
 */
#include "kernels_rows.h"
#include "power.h"
#include "trig.h"

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
    case HEW_ACT_ABS: return x16_abs(x);
    case HEW_ACT_SQUARE: return x16_mul(x, x);
    case HEW_ACT_SQRT: return x16_sqrt(x);
    case HEW_ACT_RSQRT: return x16_rsqrt(x);
    case HEW_ACT_EXP: return x16_exp_full(x);
    case HEW_ACT_EXPM1: return x16_expm1_full(x);
    case HEW_ACT_LOG: return x16_log_full(x);
    case HEW_ACT_LOG1P: return x16_log1p(x);
    case HEW_ACT_POW: return x16_mul(p.alpha, x16_pow(x, p.beta));
    case HEW_ACT_LINEAR: return x16_fma(p.alpha, x, p.beta);
    case HEW_ACT_SOFTPLUS: return x16_softplus(x, p.alpha);
    case HEW_ACT_ERF: return x16_erf(x);
    case HEW_ACT_ROUND: return x16_nearest(x);
    case HEW_ACT_SIN: return x16_sin(x);
    case HEW_ACT_COS: return x16_cos(x);
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

static void add_row(const float *in, const float *add, float *out, size_t n)
{
    for (size_t j = 0; j < n; j += 16) {
        const mask16 some = x16_first(n - j);
        const f32x16 x = x16_load_masked(some, in + j, x16_set(0.0f));
        x16_store_masked(some, out + j, plus(x, x16_load_masked(some, add + j, x16_set(0.0f))));
    }
}

/* n is a multiple of 16.  The kind is a literal in every call: each is a loop of its own. */
typedef void loop_fn(const hew_act *act, const float *in, float *out, size_t n);
HEW_INLINE void loop(const hew_act_kind kind, const hew_act *of, const float *in, float *out,
                     size_t n)
{
    const act_parameters p = {x16_set(of->alpha), x16_set(of->beta)};
    for (size_t j = 0; j < n; j += 16)
        x16_store(out + j, act(kind, p, x16_load(in + j)));
}

#define ACT_KIND(name, kind)                                                                       \
    static void name(const hew_act *of, const float *in, float *out, size_t n)                     \
    {                                                                                              \
        loop(kind, of, in, out, n);                                                                \
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
ACT_KIND(absolute, HEW_ACT_ABS)
ACT_KIND(square, HEW_ACT_SQUARE)
ACT_KIND(square_root, HEW_ACT_SQRT)
ACT_KIND(reciprocal_root, HEW_ACT_RSQRT)
ACT_KIND(exponential, HEW_ACT_EXP)
ACT_KIND(exponential_less_one, HEW_ACT_EXPM1)
ACT_KIND(logarithm, HEW_ACT_LOG)
ACT_KIND(logarithm_plus_one, HEW_ACT_LOG1P)
ACT_KIND(power, HEW_ACT_POW)
ACT_KIND(linear, HEW_ACT_LINEAR)
ACT_KIND(softplus, HEW_ACT_SOFTPLUS)
ACT_KIND(error_function, HEW_ACT_ERF)
ACT_KIND(nearest, HEW_ACT_ROUND)
ACT_KIND(sine, HEW_ACT_SIN)
ACT_KIND(cosine, HEW_ACT_COS)

static void act_row(loop_fn *fn, const hew_act *of, const float *in, float *out, size_t n)
{
    const size_t whole = n / 16 * 16;
    if (whole > 0)
        fn(of, in, out, whole);
    if (whole < n) {
        const mask16 some = x16_first(n - whole);
        float last[16];
        x16_store(last, x16_load_masked(some, in + whole, x16_set(0.0f)));
        fn(of, last, last, 16);
        x16_store_masked(some, out + whole, x16_load(last));
    }
}

enum { BLOCK = 1024 }; /* floats that stay in the L1 cache */

void HEW_ACT_F32(const hew_act_f32_rows *rows)
{
    static loop_fn *const kinds[HEW_ACT_COUNT] = {
        none, relu, leaky_relu, clip, elu, sigmoid, hyperbolic_tangent, silu, gelu_erf, gelu_tanh,
        hardswish, hard_sigmoid, mish, absolute, square, square_root, reciprocal_root, exponential,
        exponential_less_one, logarithm, logarithm_plus_one, power, linear, softplus,
        error_function, nearest, sine, cosine};
    if (rows->act.kind == HEW_ACT_NONE && !rows->add && !rows->in)
        return;
    hew_act_f32_rows r = *rows;
    if (!r.in) {
        r.in = r.x;
        r.in_stride = r.x_stride;
    }
    const size_t bytes = r.n * sizeof(float);
    if (r.x_stride == bytes && r.in_stride == bytes && (!r.add || r.add_stride == bytes)) {
        r.n *= r.rows;
        r.rows = r.n > 0;
    }
    loop_fn *const fn = kinds[r.act.kind];
    for (size_t i = 0; i < r.rows; i++) {
        float *const x = (float *)((char *)r.x + i * r.x_stride);
        const float *const in = (const float *)((const char *)r.in + i * r.in_stride);
        if (!r.add) {
            act_row(fn, &r.act, in, x, r.n);
            continue;
        }
        const float *const add = (const float *)((const char *)r.add + i * r.add_stride);
        for (size_t j = 0; j < r.n; j += BLOCK) {
            const size_t n = hew_min(BLOCK, r.n - j);
            add_row(in + j, add + j, x + j, n);
            if (r.act.kind != HEW_ACT_NONE)
                act_row(fn, &r.act, x + j, x + j, n);
        }
    }
}
