/*
 * step_f32 - a step of a chain over floats: hew_step_f32 in kernels_chain.h.
 *
 * The including file has its simd.h included first and defines HEW_STEP_F32, the kernel's name.
 * HEW_STEP_NEXT, if there is one, is the kernel that has all that isn't light and of BF16 here.
 * Bound by memory but for powers, divisions and the derivatives of what has an exp in it.  The
 * loops: walk.h, walk_rows.h.
 */
#include "derivative.h"
#include "walk_rows.h"

HEW_INLINE f32x16 truth(mask16 m) { return x16_select(m, x16_set(1.0f), x16_set(0.0f)); }

HEW_INLINE f32x16 step_of(const int kind, const x16_act *of, f32x16 v, f32x16 b, f32x16 c)
{
    (void)of;
    const f32x16 zero = x16_set(0.0f);
    switch (kind) {
    case HEW_STEP_ADD: return x16_ordered_add(v, b);
    case HEW_STEP_SUB: return x16_ordered_sub(v, b);
    case HEW_STEP_MUL: return x16_ordered_mul(v, b);
    case HEW_STEP_DIV: return x16_ordered_div(v, b);
    case HEW_STEP_MIN: return x16_select(x16_unordered(v, v), v, x16_min(v, b));
    case HEW_STEP_MAX: return x16_select(x16_unordered(v, v), v, x16_max(v, b));
    case HEW_STEP_POW: return x16_pow(v, b);
    case HEW_STEP_EQ: return truth(x16_equal(v, b));
    case HEW_STEP_NE: return x16_select(x16_equal(v, b), zero, x16_set(1.0f));
    case HEW_STEP_LT: return truth(x16_less(v, b));
    case HEW_STEP_LE: return truth(x16_or(x16_less(v, b), x16_equal(v, b)));
    case HEW_STEP_GT: return truth(x16_less(b, v));
    case HEW_STEP_GE: return truth(x16_or(x16_less(b, v), x16_equal(v, b)));
    case HEW_STEP_PRELU: return x16_select(x16_less(v, zero), x16_ordered_mul(v, b), v);
    case HEW_STEP_SELECT: return x16_select(x16_equal(v, zero), c, b);
    case HEW_STEP_PRELU_BACKWARD: return x16_select(x16_less(zero, v), c, x16_ordered_mul(c, b));
    case HEW_STEP_SLOPE_BACKWARD: return x16_select(x16_less(v, zero), x16_ordered_mul(b, v), zero);
    }
    return v;
}

#define STEP_KIND(name, walk, kind, operands)                                                      \
    static void name(const lane_loop *l, size_t n) { walk(step_of, kind, operands, l, n); }
STEP_KIND(add, walk_light, HEW_STEP_ADD, 2)
STEP_KIND(sub, walk_light, HEW_STEP_SUB, 2)
STEP_KIND(mul, walk_light, HEW_STEP_MUL, 2)
STEP_KIND(div_by, walk_light, HEW_STEP_DIV, 2)
STEP_KIND(min_with, walk_exact, HEW_STEP_MIN, 2)
STEP_KIND(max_with, walk_exact, HEW_STEP_MAX, 2)
STEP_KIND(power, walk_heavy, HEW_STEP_POW, 2)
STEP_KIND(equal, walk_exact, HEW_STEP_EQ, 2)
STEP_KIND(unequal, walk_exact, HEW_STEP_NE, 2)
STEP_KIND(less, walk_exact, HEW_STEP_LT, 2)
STEP_KIND(less_or_equal, walk_exact, HEW_STEP_LE, 2)
STEP_KIND(greater, walk_exact, HEW_STEP_GT, 2)
STEP_KIND(greater_or_equal, walk_exact, HEW_STEP_GE, 2)
STEP_KIND(prelu, walk_light, HEW_STEP_PRELU, 2)
STEP_KIND(choose, walk_exact, HEW_STEP_SELECT, 3)
STEP_KIND(prelu_backward, walk_light, HEW_STEP_PRELU_BACKWARD, 3)
STEP_KIND(slope_backward, walk_light, HEW_STEP_SLOPE_BACKWARD, 2)

/* v is x, or act's output, and b is dy. */
HEW_INLINE f32x16 from_input(const int kind, const x16_act *of, f32x16 v, f32x16 b, f32x16 c)
{
    (void)c;
    return x16_backward((hew_act_kind)kind, false, of, v, b);
}
HEW_INLINE f32x16 from_output(const int kind, const x16_act *of, f32x16 v, f32x16 b, f32x16 c)
{
    (void)c;
    return x16_backward((hew_act_kind)kind, true, of, v, b);
}

#define BACKWARD(name, walk, op, kind)                                                             \
    static void name(const lane_loop *l, size_t n) { walk(op, kind, 2, l, n); }
/* dy itself */
static void d_none(const lane_loop *l, size_t n)
{
    lane_loop s = loop_from(l, 0, l->first, l->out.stream);
    s.v = s.b;
    walk_typed(&s, n);
}
BACKWARD(d_relu, walk_exact, from_input, HEW_ACT_RELU)
BACKWARD(d_leaky_relu, walk_light, from_input, HEW_ACT_LEAKY_RELU)
BACKWARD(d_clip, walk_exact, from_input, HEW_ACT_CLIP)
BACKWARD(d_elu, walk_heavy, from_input, HEW_ACT_ELU)
BACKWARD(d_sigmoid, walk_heavy, from_input, HEW_ACT_SIGMOID)
BACKWARD(d_tanh, walk_heavy, from_input, HEW_ACT_TANH)
BACKWARD(d_silu, walk_heavy, from_input, HEW_ACT_SILU)
BACKWARD(d_gelu_erf, walk_heavy, from_input, HEW_ACT_GELU_ERF)
BACKWARD(d_gelu_tanh, walk_heavy, from_input, HEW_ACT_GELU_TANH)
BACKWARD(d_hardswish, walk_heavy, from_input, HEW_ACT_HARDSWISH)
BACKWARD(d_hardsigmoid, walk_heavy, from_input, HEW_ACT_HARDSIGMOID)
BACKWARD(d_mish, walk_heavy, from_input, HEW_ACT_MISH)
BACKWARD(d_abs, walk_exact, from_input, HEW_ACT_ABS)
BACKWARD(d_square, walk_light, from_input, HEW_ACT_SQUARE)
BACKWARD(d_sqrt, walk_heavy, from_input, HEW_ACT_SQRT)
BACKWARD(d_rsqrt, walk_heavy, from_input, HEW_ACT_RSQRT)
BACKWARD(d_exp, walk_heavy, from_input, HEW_ACT_EXP)
BACKWARD(d_log, walk_heavy, from_input, HEW_ACT_LOG)
BACKWARD(d_log1p, walk_heavy, from_input, HEW_ACT_LOG1P)
BACKWARD(d_pow, walk_heavy, from_input, HEW_ACT_POW)
BACKWARD(d_linear, walk_light, from_input, HEW_ACT_LINEAR)
BACKWARD(d_softplus, walk_heavy, from_input, HEW_ACT_SOFTPLUS)
BACKWARD(d_erf, walk_heavy, from_input, HEW_ACT_ERF)
BACKWARD(d_round, walk_heavy, from_input, HEW_ACT_ROUND)
BACKWARD(d_sin, walk_heavy, from_input, HEW_ACT_SIN)
BACKWARD(d_cos, walk_heavy, from_input, HEW_ACT_COS)
BACKWARD(o_elu, walk_heavy, from_output, HEW_ACT_ELU)
BACKWARD(o_sigmoid, walk_light, from_output, HEW_ACT_SIGMOID)
BACKWARD(o_tanh, walk_light, from_output, HEW_ACT_TANH)
BACKWARD(o_hardsigmoid, walk_heavy, from_output, HEW_ACT_HARDSIGMOID)
BACKWARD(o_sqrt, walk_heavy, from_output, HEW_ACT_SQRT)
BACKWARD(o_rsqrt, walk_heavy, from_output, HEW_ACT_RSQRT)
BACKWARD(o_exp, walk_light, from_output, HEW_ACT_EXP)
BACKWARD(o_expm1, walk_light, from_output, HEW_ACT_EXPM1)

static lane_fn *loop_of(const hew_step_f32 *s)
{
    static lane_fn *const kinds[HEW_STEP_COUNT] = {
        NULL, add, sub, mul, div_by, min_with, max_with, power, equal, unequal, less, less_or_equal,
        greater, greater_or_equal, prelu, choose, NULL, prelu_backward, slope_backward};
    static lane_fn *const of_input[HEW_ACT_COUNT] = {
        d_none, d_relu, d_leaky_relu, d_clip, d_elu, d_sigmoid, d_tanh, d_silu, d_gelu_erf,
        d_gelu_tanh, d_hardswish, d_hardsigmoid, d_mish, d_abs, d_square, d_sqrt, d_rsqrt, d_exp,
        d_exp, d_log, d_log1p, d_pow, d_linear, d_softplus, d_erf, d_round, d_sin, d_cos};
    static lane_fn *const of_output[HEW_ACT_COUNT] = {
        [HEW_ACT_NONE] = d_none,       [HEW_ACT_RELU] = d_relu,
        [HEW_ACT_CLIP] = d_clip,       [HEW_ACT_LEAKY_RELU] = d_leaky_relu,
        [HEW_ACT_ELU] = o_elu,         [HEW_ACT_SIGMOID] = o_sigmoid,
        [HEW_ACT_TANH] = o_tanh,       [HEW_ACT_HARDSIGMOID] = o_hardsigmoid,
        [HEW_ACT_SQRT] = o_sqrt,       [HEW_ACT_RSQRT] = o_rsqrt,
        [HEW_ACT_EXP] = o_exp,         [HEW_ACT_EXPM1] = o_expm1,
        [HEW_ACT_LINEAR] = d_linear};
    if (s->kind != HEW_STEP_BACKWARD)
        return kinds[s->kind];
    return (s->from_output ? of_output : of_input)[s->act.kind];
}

static lane_weight weight_of(const hew_step_f32 *s)
{
    if (s->kind == HEW_STEP_POW)
        return HEAVY;
    if ((s->kind >= HEW_STEP_MIN && s->kind <= HEW_STEP_GE) || s->kind == HEW_STEP_SELECT)
        return EXACT;
    if (s->kind != HEW_STEP_BACKWARD)
        return LIGHT;
    switch ((int)s->act.kind) {
    case HEW_ACT_NONE: return TYPED;
    case HEW_ACT_RELU:
    case HEW_ACT_CLIP: return EXACT;
    case HEW_ACT_LEAKY_RELU:
    case HEW_ACT_LINEAR: return LIGHT;
    case HEW_ACT_ABS: return s->from_output ? HEAVY : EXACT;
    case HEW_ACT_SQUARE: return s->from_output ? HEAVY : LIGHT;
    case HEW_ACT_SIGMOID:
    case HEW_ACT_TANH:
    case HEW_ACT_EXP:
    case HEW_ACT_EXPM1: return s->from_output ? LIGHT : HEAVY;
    }
    return HEAVY;
}

#ifdef HEW_STEP_NEXT
void HEW_STEP_F32(const hew_step_f32 *s)
{
    const lane_weight weight = weight_of(s);
    if (weight == LIGHT && s->out_type == HEW_BF16 && is_type(&s->v, HEW_BF16) &&
        is_type(&s->b, HEW_BF16) && is_type(&s->c, HEW_BF16) && sees_denormals())
        walk_rows(loop_of(s), weight, s);
    else
        HEW_STEP_NEXT(s);
}
#else
void HEW_STEP_F32(const hew_step_f32 *s) { walk_rows(loop_of(s), weight_of(s), s); }
#endif
