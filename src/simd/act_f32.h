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
#include "put.h"

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

typedef struct act_loop {
    hew_act act;
    hew_type in_type;
    const void *in;
    x16_out out;
} act_loop;

/* Field by field: as vectors they would wait for the stores of their fields. */
HEW_INLINE act_loop part_of(const act_loop *l, size_t from, bool stream)
{
    return (act_loop){{l->act.kind, l->act.alpha, l->act.beta}, l->in_type,
                      (const char *)l->in + from * x16_type_bytes(l->in_type),
                      x16_out_from(&l->out, from, stream)};
}

/* n is a multiple of 16.  The kind is a literal in every call: each is a loop of its own. */
typedef void loop_fn(const act_loop *l, size_t n);
HEW_INLINE void loop(const hew_act_kind kind, const act_loop *l, size_t n)
{
    const act_loop s = part_of(l, 0, l->out.stream);
    const act_parameters p = {x16_set(s.act.alpha), x16_set(s.act.beta)};
    for (size_t j = 0; j < n; j += 16)
        x16_put(s.out, j, act(kind, p, x16_load_any(s.in_type, s.in, j)));
}

#define ACT_KIND(name, kind)                                                                       \
    static void name(const act_loop *l, size_t n) { loop(kind, l, n); }
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
ACT_KIND(any_power, HEW_ACT_POW)
ACT_KIND(linear, HEW_ACT_LINEAR)
ACT_KIND(softplus, HEW_ACT_SOFTPLUS)
ACT_KIND(error_function, HEW_ACT_ERF)
ACT_KIND(nearest, HEW_ACT_ROUND)
ACT_KIND(sine, HEW_ACT_SIN)
ACT_KIND(cosine, HEW_ACT_COS)

/* Powers that are less work. */
HEW_INLINE void short_power(const bool root, const act_loop *l, size_t n)
{
    const act_loop s = part_of(l, 0, l->out.stream);
    const f32x16 alpha = x16_set(s.act.alpha);
    for (size_t j = 0; j < n; j += 16) {
        const f32x16 x = x16_load_any(s.in_type, s.in, j);
        const f32x16 y = root ? x16_pow_root(x) : x16_pow_square(x);
        x16_put(s.out, j, x16_mul(alpha, y));
    }
}

static void power(const act_loop *l, size_t n)
{
    if (l->act.beta == 2.0f)
        short_power(false, l, n);
    else if (l->act.beta == 0.5f)
        short_power(true, l, n);
    else
        any_power(l, n);
}

/* n >= 16 elements apart from what they become, which is aligned but for the first and the last 16:
 * they overlap others, which are done twice. */
HEW_INLINE void act_apart(loop_fn *fn, const act_loop *l, size_t n)
{
    const size_t head = x16_unaligned(l->out.type, l->out.p), whole = (n - head) / 16 * 16;
    const act_loop first = part_of(l, 0, false), inner = part_of(l, head, l->out.stream);
    const act_loop last = part_of(l, n - 16, false);
    if (head > 0)
        fn(&first, 16);
    if (whole > 0)
        fn(&inner, whole);
    if (head + whole < n)
        fn(&last, 16);
    if (l->out.stream)
        x16_stream_end();
}

static void act_row(loop_fn *fn, const act_loop *l, size_t n)
{
    const size_t whole = n / 16 * 16, rest = n - whole;
    if (whole > 0 && l->in != l->out.p) {
        act_apart(fn, l, n);
        return;
    }
    if (whole > 0)
        fn(l, whole);
    if (rest > 0) {
        float last[16];
        x16_store(last, x16_load_any_first(l->in_type, rest, l->in, whole));
        fn(&(act_loop){l->act, HEW_F32, last, {last, HEW_F32, false}}, 16);
        x16_store_any_first(l->out.type, rest, l->out.p, whole, x16_load(last));
    }
}

enum { BLOCK = 1024 }; /* floats that stay in the L1 cache */

/* The sums go through x, a part at a time. */
static void act_of_sum(loop_fn *fn, const act_loop *l, const float *add, size_t n)
{
    for (size_t j = 0; j < n; j += BLOCK) {
        const size_t part = hew_min(BLOCK, n - j);
        float *const x = (float *)l->out.p + j;
        add_row((const float *)l->in + j, add + j, x, part);
        if (l->act.kind != HEW_ACT_NONE)
            act_row(fn, &(act_loop){l->act, HEW_F32, x, {x, HEW_F32, false}}, part);
    }
}

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
        r.in_type = r.x_type;
    }
    if (r.x_stride == r.n * x16_type_bytes(r.x_type) &&
        r.in_stride == r.n * x16_type_bytes(r.in_type) &&
        (!r.add || r.add_stride == r.n * sizeof(float))) {
        r.n *= r.rows;
        r.rows = r.n > 0;
    }
    loop_fn *const fn = kinds[r.act.kind];
    for (size_t i = 0; i < r.rows; i++) {
        const act_loop l = {r.act, r.in_type, (const char *)r.in + i * r.in_stride,
                            {(char *)r.x + i * r.x_stride, r.x_type, r.stream}};
        if (r.add)
            act_of_sum(fn, &l, (const float *)((const char *)r.add + i * r.add_stride), r.n);
        else
            act_row(fn, &l, r.n);
    }
}
