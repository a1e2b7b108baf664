/*
 * act_f32 - x[i][j] = act(in[i][j] + add[i][j]).
 *
 * The including file has its simd.h included first and defines HEW_ACT_F32, the kernel's name.
 * Bound by memory for the simple kinds and by arithmetic for those with an exp in them: 20 to 60
 * operations for 16 elements.  The loops: walk.h, walk_rows.h.
 */
#include "kernels_rows.h"
#include "power.h"
#include "trig.h"
#include "walk_rows.h"

/* Powers that are less work. */
enum { POWER_SQUARE = HEW_ACT_COUNT, POWER_ROOT };

HEW_INLINE f32x16 hardsigmoid(f32x16 x, f32x16 alpha, f32x16 beta)
{
    return x16_min(x16_set(1.0f), x16_max(x16_set(0.0f), x16_fma(alpha, x, beta)));
}

HEW_INLINE f32x16 act(const int kind, const x16_act *of, f32x16 x, f32x16 b, f32x16 c)
{
    (void)b;
    (void)c;
    const f32x16 zero = x16_set(0.0f);
    switch (kind) {
    case HEW_ACT_RELU: return x16_max(zero, x);
    case HEW_ACT_LEAKY_RELU:
        return x16_mul(x16_opaque(x16_select(x16_less(x, zero), of->alpha_x16, x16_set(1.0f))), x);
    case HEW_ACT_CLIP: return x16_min(of->beta_x16, x16_max(of->alpha_x16, x));
    case HEW_ACT_ELU: return x16_select(x16_less(x, zero), x16_mul(of->alpha_x16, x16_elu(x)), x);
    case HEW_ACT_SIGMOID: return x16_sigmoid(x);
    case HEW_ACT_TANH: return x16_tanh(x);
    case HEW_ACT_SILU: return x16_silu(x);
    case HEW_ACT_GELU_ERF: return x16_gelu_erf(x);
    case HEW_ACT_GELU_TANH: return x16_gelu_tanh(x);
    case HEW_ACT_HARDSWISH:
        return x16_mul(x16_max(x16_set(-3.0f), x),
                       hardsigmoid(x, x16_set(1.0f / 6.0f), x16_set(0.5f)));
    case HEW_ACT_HARDSIGMOID: return hardsigmoid(x, of->alpha_x16, of->beta_x16);
    case HEW_ACT_MISH: return x16_mish(x);
    case HEW_ACT_ABS: return x16_abs(x);
    case HEW_ACT_SQUARE: return x16_mul(x, x);
    case HEW_ACT_SQRT: return x16_sqrt(x);
    case HEW_ACT_RSQRT: return x16_rsqrt(x);
    case HEW_ACT_EXP: return x16_exp_full(x);
    case HEW_ACT_EXPM1: return x16_expm1_full(x);
    case HEW_ACT_LOG: return x16_log_full(x);
    case HEW_ACT_LOG1P: return x16_log1p(x);
    case HEW_ACT_POW: return x16_mul(of->alpha_x16, x16_pow(x, of->beta_x16));
    case HEW_ACT_LINEAR: return x16_fma(of->alpha_x16, x, of->beta_x16);
    case HEW_ACT_SOFTPLUS: return x16_softplus(x, of->alpha_x16);
    case HEW_ACT_ERF: return x16_erf(x);
    case HEW_ACT_ROUND: return x16_nearest(x);
    case HEW_ACT_SIN: return x16_sin(x);
    case HEW_ACT_COS: return x16_cos(x);
    case POWER_SQUARE: return x16_mul(of->alpha_x16, x16_pow_square(x));
    case POWER_ROOT: return x16_mul(of->alpha_x16, x16_pow_root(x));
    }
    return x;
}

static lane_weight weight_of(hew_act_kind kind)
{
    switch ((int)kind) {
    case HEW_ACT_NONE: return TYPED;
    case HEW_ACT_RELU:
    case HEW_ACT_ABS:
    case HEW_ACT_ROUND: return EXACT;
    case HEW_ACT_LEAKY_RELU:
    case HEW_ACT_CLIP:
    case HEW_ACT_HARDSWISH:
    case HEW_ACT_HARDSIGMOID:
    case HEW_ACT_SQUARE:
    case HEW_ACT_LINEAR: return LIGHT;
    }
    return HEAVY;
}

/* The kind is a literal in every call: each is a loop of its own. */
#define ACT_KIND(name, walk, kind)                                                                 \
    static void name(const lane_loop *l, size_t n) { walk(act, kind, 1, l, n); }
ACT_KIND(relu, walk_exact, HEW_ACT_RELU)
ACT_KIND(leaky_relu, walk_light, HEW_ACT_LEAKY_RELU)
ACT_KIND(clip, walk_light, HEW_ACT_CLIP)
ACT_KIND(elu, walk_heavy, HEW_ACT_ELU)
ACT_KIND(sigmoid, walk_heavy, HEW_ACT_SIGMOID)
ACT_KIND(hyperbolic_tangent, walk_heavy, HEW_ACT_TANH)
ACT_KIND(silu, walk_heavy, HEW_ACT_SILU)
ACT_KIND(gelu_erf, walk_heavy, HEW_ACT_GELU_ERF)
ACT_KIND(gelu_tanh, walk_heavy, HEW_ACT_GELU_TANH)
ACT_KIND(hardswish, walk_light, HEW_ACT_HARDSWISH)
ACT_KIND(hard_sigmoid, walk_light, HEW_ACT_HARDSIGMOID)
ACT_KIND(mish, walk_heavy, HEW_ACT_MISH)
ACT_KIND(absolute, walk_exact, HEW_ACT_ABS)
ACT_KIND(square, walk_light, HEW_ACT_SQUARE)
ACT_KIND(square_root, walk_heavy, HEW_ACT_SQRT)
ACT_KIND(reciprocal_root, walk_heavy, HEW_ACT_RSQRT)
ACT_KIND(exponential, walk_heavy, HEW_ACT_EXP)
ACT_KIND(exponential_less_one, walk_heavy, HEW_ACT_EXPM1)
ACT_KIND(logarithm, walk_heavy, HEW_ACT_LOG)
ACT_KIND(logarithm_plus_one, walk_heavy, HEW_ACT_LOG1P)
ACT_KIND(any_power, walk_heavy, HEW_ACT_POW)
ACT_KIND(linear, walk_light, HEW_ACT_LINEAR)
ACT_KIND(softplus, walk_heavy, HEW_ACT_SOFTPLUS)
ACT_KIND(error_function, walk_heavy, HEW_ACT_ERF)
ACT_KIND(nearest, walk_exact, HEW_ACT_ROUND)
ACT_KIND(sine, walk_heavy, HEW_ACT_SIN)
ACT_KIND(cosine, walk_heavy, HEW_ACT_COS)

ACT_KIND(power_square, walk_heavy, POWER_SQUARE)
ACT_KIND(power_root, walk_heavy, POWER_ROOT)

static void power(const lane_loop *l, size_t n)
{
    (l->act.beta == 2.0f ? power_square : l->act.beta == 0.5f ? power_root : any_power)(l, n);
}

static lane_fn *loop_of(hew_act_kind kind)
{
    static lane_fn *const kinds[HEW_ACT_COUNT] = {
        walk_typed, relu, leaky_relu, clip, elu, sigmoid, hyperbolic_tangent, silu, gelu_erf,
        gelu_tanh, hardswish, hard_sigmoid, mish, absolute, square, square_root, reciprocal_root,
        exponential, exponential_less_one, logarithm, logarithm_plus_one, power, linear, softplus,
        error_function, nearest, sine, cosine};
    return kinds[kind];
}

/* Without a sum. */
static void walk_act(lane_fn *fn, const hew_act_f32_rows *r)
{
    const hew_step_source in = {r->in ? r->in : r->x, r->in ? r->in_type : r->x_type, false,
                                (ptrdiff_t)(r->in ? r->in_stride : r->x_stride)};
    walk_rows(fn, weight_of(r->act.kind),
              &(hew_step_f32){.act = r->act, .v = in, .out = r->x,
                              .out_row = (ptrdiff_t)r->x_stride, .out_type = r->x_type,
                              .stream = r->stream, .rows = r->rows, .n = r->n});
}

/* x + add; a NaN of x as it is. */
static void add_row(const float *in, const float *add, float *out, size_t n)
{
    for (size_t j = 0; j < n; j += 16) {
        const mask16 some = x16_first(n - j);
        const f32x16 x = x16_load_masked(some, in + j, x16_set(0.0f));
        const f32x16 y = x16_load_masked(some, add + j, x16_set(0.0f));
        x16_store_masked(some, out + j, x16_select(x16_unordered(x, x), x, x16_ordered_add(x, y)));
    }
}

enum { BLOCK = 1024 }; /* floats that stay in the L1 cache */

/* The sums go through x, a part at a time. */
static void act_of_sum(lane_fn *fn, const hew_act_f32_rows *r, size_t i)
{
    const float *const in = (const float *)((const char *)r->in + i * r->in_stride);
    const float *const add = (const float *)((const char *)r->add + i * r->add_stride);
    float *const x = (float *)((char *)r->x + i * r->x_stride);
    for (size_t j = 0; j < r->n; j += BLOCK) {
        const size_t part = hew_min(BLOCK, r->n - j);
        add_row(in + j, add + j, x + j, part);
        if (r->act.kind != HEW_ACT_NONE)
            walk_rows(fn, weight_of(r->act.kind),
                      &(hew_step_f32){.act = r->act, .v.p = x + j, .out = x + j, .rows = 1,
                                      .n = part});
    }
}

void HEW_ACT_F32(const hew_act_f32_rows *rows)
{
    if (rows->act.kind == HEW_ACT_NONE && !rows->add && !rows->in)
        return;
    lane_fn *const fn = loop_of(rows->act.kind);
    if (!rows->add) {
        walk_act(fn, rows);
        return;
    }
    hew_act_f32_rows r = *rows;
    if (!r.in) {
        r.in = r.x;
        r.in_stride = r.x_stride;
    }
    if (r.x_stride == r.n * sizeof(float) && r.in_stride == r.x_stride &&
        r.add_stride == r.x_stride) {
        r.n *= r.rows;
        r.rows = r.n > 0;
    }
    for (size_t i = 0; i < r.rows; i++)
        act_of_sum(fn, &r, i);
}
