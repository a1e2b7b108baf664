/*
 * step_f32 - a step of a chain over floats: hew_step_f32 in kernels_chain.h.
 *
 * The including file has its simd.h included first and defines HEW_STEP_F32, the kernel's name.
 * A kind is one loop over whole registers; an operand of one element is a register that every turn
 * loads again, and what is left at the end goes through the loop as a register of its own.  Bound
 * by memory but for powers, divisions and the derivatives of what has an exp in it.
 */
#include "derivative.h"
#include "kernels_chain.h"
#include "put.h"

/* An operand's elements; `step` is all ones, or 0 where it has one register alone. */
typedef struct lane_source {
    const void *p;
    hew_type type;
    size_t step;
} lane_source;

typedef struct step_loop {
    lane_source v, b, c;
    hew_act act;
    x16_out out;
} step_loop;

/* Field by field: as vectors they would wait for the stores of their fields. */
HEW_INLINE lane_source source_from(const lane_source *s, size_t from)
{
    const size_t bytes = s->p && s->step ? from * x16_type_bytes(s->type) : 0;
    return (lane_source){(const char *)s->p + bytes, s->type, s->step};
}
HEW_INLINE step_loop part_of(const step_loop *l, size_t from, bool stream)
{
    return (step_loop){source_from(&l->v, from), source_from(&l->b, from),
                       source_from(&l->c, from), {l->act.kind, l->act.alpha, l->act.beta},
                       x16_out_from(&l->out, from, stream)};
}

HEW_INLINE f32x16 load(lane_source s, size_t i) { return x16_load_any(s.type, s.p, i & s.step); }

HEW_INLINE f32x16 first_nan(f32x16 v, f32x16 y)
{
    return x16_select(x16_unordered(v, v), v, x16_opaque(y));
}

HEW_INLINE f32x16 truth(mask16 m) { return x16_select(m, x16_set(1.0f), x16_set(0.0f)); }

HEW_INLINE f32x16 step_of(const hew_step_kind kind, f32x16 v, f32x16 b, f32x16 c)
{
    const f32x16 zero = x16_set(0.0f);
    switch ((int)kind) {
    case HEW_STEP_ADD: return first_nan(v, x16_add(v, b));
    case HEW_STEP_SUB: return first_nan(v, x16_sub(v, b));
    case HEW_STEP_MUL: return x16_product(v, b);
    case HEW_STEP_DIV: return first_nan(v, x16_div(v, b));
    case HEW_STEP_MIN: return x16_select(x16_unordered(v, v), v, x16_min(v, b));
    case HEW_STEP_MAX: return x16_select(x16_unordered(v, v), v, x16_max(v, b));
    case HEW_STEP_POW: return x16_pow(v, b);
    case HEW_STEP_EQ: return truth(x16_equal(v, b));
    case HEW_STEP_NE: return x16_select(x16_equal(v, b), zero, x16_set(1.0f));
    case HEW_STEP_LT: return truth(x16_less(v, b));
    case HEW_STEP_LE: return truth(x16_or(x16_less(v, b), x16_equal(v, b)));
    case HEW_STEP_GT: return truth(x16_less(b, v));
    case HEW_STEP_GE: return truth(x16_or(x16_less(b, v), x16_equal(v, b)));
    case HEW_STEP_PRELU: return x16_select(x16_less(v, zero), x16_product(v, b), v);
    case HEW_STEP_SELECT: return x16_select(x16_equal(v, zero), c, b);
    case HEW_STEP_PRELU_BACKWARD: return x16_select(x16_less(zero, v), c, x16_product(c, b));
    case HEW_STEP_SLOPE_BACKWARD: return x16_select(x16_less(v, zero), x16_product(b, v), zero);
    }
    return v;
}

/* n is a multiple of 16. */
typedef void loop_fn(const step_loop *l, size_t n);
HEW_INLINE void loop(const hew_step_kind kind, const step_loop *l, size_t n)
{
    const bool has_c = kind == HEW_STEP_SELECT || kind == HEW_STEP_PRELU_BACKWARD;
    const step_loop s = part_of(l, 0, l->out.stream);
    for (size_t i = 0; i < n; i += 16) {
        const f32x16 b = load(s.b, i);
        const f32x16 y = step_of(kind, load(s.v, i), b, has_c ? load(s.c, i) : b);
        x16_put(s.out, i, y);
    }
}

#define STEP_KIND(name, kind)                                                                      \
    static void name(const step_loop *l, size_t n) { loop(kind, l, n); }
STEP_KIND(add, HEW_STEP_ADD)
STEP_KIND(sub, HEW_STEP_SUB)
STEP_KIND(mul, HEW_STEP_MUL)
STEP_KIND(div_by, HEW_STEP_DIV)
STEP_KIND(min_with, HEW_STEP_MIN)
STEP_KIND(max_with, HEW_STEP_MAX)
STEP_KIND(power, HEW_STEP_POW)
STEP_KIND(equal, HEW_STEP_EQ)
STEP_KIND(unequal, HEW_STEP_NE)
STEP_KIND(less, HEW_STEP_LT)
STEP_KIND(less_or_equal, HEW_STEP_LE)
STEP_KIND(greater, HEW_STEP_GT)
STEP_KIND(greater_or_equal, HEW_STEP_GE)
STEP_KIND(prelu, HEW_STEP_PRELU)
STEP_KIND(choose, HEW_STEP_SELECT)
STEP_KIND(prelu_backward, HEW_STEP_PRELU_BACKWARD)
STEP_KIND(slope_backward, HEW_STEP_SLOPE_BACKWARD)

/* v is x, or act's output, and b is dy. */
HEW_INLINE void backward_loop(const hew_act_kind kind, const bool from_output, const step_loop *l,
                              size_t n)
{
    const step_loop s = part_of(l, 0, l->out.stream);
    const x16_act of = {s.act.alpha, s.act.beta, x16_set(s.act.alpha), x16_set(s.act.beta)};
    for (size_t i = 0; i < n; i += 16)
        x16_put(s.out, i, x16_backward(kind, from_output, &of, load(s.v, i), load(s.b, i)));
}

#define BACKWARD(name, kind)                                                                       \
    static void name(const step_loop *l, size_t n) { backward_loop(kind, false, l, n); }
#define BACKWARD_FROM_OUTPUT(name, kind)                                                           \
    static void name(const step_loop *l, size_t n) { backward_loop(kind, true, l, n); }
BACKWARD(d_none, HEW_ACT_NONE)
BACKWARD(d_relu, HEW_ACT_RELU)
BACKWARD(d_leaky_relu, HEW_ACT_LEAKY_RELU)
BACKWARD(d_clip, HEW_ACT_CLIP)
BACKWARD(d_elu, HEW_ACT_ELU)
BACKWARD(d_sigmoid, HEW_ACT_SIGMOID)
BACKWARD(d_tanh, HEW_ACT_TANH)
BACKWARD(d_silu, HEW_ACT_SILU)
BACKWARD(d_gelu_erf, HEW_ACT_GELU_ERF)
BACKWARD(d_gelu_tanh, HEW_ACT_GELU_TANH)
BACKWARD(d_hardswish, HEW_ACT_HARDSWISH)
BACKWARD(d_hardsigmoid, HEW_ACT_HARDSIGMOID)
BACKWARD(d_mish, HEW_ACT_MISH)
BACKWARD(d_abs, HEW_ACT_ABS)
BACKWARD(d_square, HEW_ACT_SQUARE)
BACKWARD(d_sqrt, HEW_ACT_SQRT)
BACKWARD(d_rsqrt, HEW_ACT_RSQRT)
BACKWARD(d_exp, HEW_ACT_EXP)
BACKWARD(d_log, HEW_ACT_LOG)
BACKWARD(d_log1p, HEW_ACT_LOG1P)
BACKWARD(d_pow, HEW_ACT_POW)
BACKWARD(d_linear, HEW_ACT_LINEAR)
BACKWARD(d_softplus, HEW_ACT_SOFTPLUS)
BACKWARD(d_erf, HEW_ACT_ERF)
BACKWARD(d_round, HEW_ACT_ROUND)
BACKWARD(d_sin, HEW_ACT_SIN)
BACKWARD(d_cos, HEW_ACT_COS)
BACKWARD_FROM_OUTPUT(o_elu, HEW_ACT_ELU)
BACKWARD_FROM_OUTPUT(o_sigmoid, HEW_ACT_SIGMOID)
BACKWARD_FROM_OUTPUT(o_tanh, HEW_ACT_TANH)
BACKWARD_FROM_OUTPUT(o_hardsigmoid, HEW_ACT_HARDSIGMOID)
BACKWARD_FROM_OUTPUT(o_sqrt, HEW_ACT_SQRT)
BACKWARD_FROM_OUTPUT(o_rsqrt, HEW_ACT_RSQRT)
BACKWARD_FROM_OUTPUT(o_exp, HEW_ACT_EXP)
BACKWARD_FROM_OUTPUT(o_expm1, HEW_ACT_EXPM1)

static loop_fn *loop_of(const hew_step_f32 *s)
{
    static loop_fn *const kinds[HEW_STEP_COUNT] = {
        NULL, add, sub, mul, div_by, min_with, max_with, power, equal, unequal, less, less_or_equal,
        greater, greater_or_equal, prelu, choose, NULL, prelu_backward, slope_backward};
    static loop_fn *const from_input[HEW_ACT_COUNT] = {
        d_none, d_relu, d_leaky_relu, d_clip, d_elu, d_sigmoid, d_tanh, d_silu, d_gelu_erf,
        d_gelu_tanh, d_hardswish, d_hardsigmoid, d_mish, d_abs, d_square, d_sqrt, d_rsqrt, d_exp,
        d_exp, d_log, d_log1p, d_pow, d_linear, d_softplus, d_erf, d_round, d_sin, d_cos};
    static loop_fn *const from_output[HEW_ACT_COUNT] = {
        [HEW_ACT_NONE] = d_none,       [HEW_ACT_RELU] = d_relu,
        [HEW_ACT_CLIP] = d_clip,       [HEW_ACT_LEAKY_RELU] = d_leaky_relu,
        [HEW_ACT_ELU] = o_elu,         [HEW_ACT_SIGMOID] = o_sigmoid,
        [HEW_ACT_TANH] = o_tanh,       [HEW_ACT_HARDSIGMOID] = o_hardsigmoid,
        [HEW_ACT_SQRT] = o_sqrt,       [HEW_ACT_RSQRT] = o_rsqrt,
        [HEW_ACT_EXP] = o_exp,         [HEW_ACT_EXPM1] = o_expm1,
        [HEW_ACT_LINEAR] = d_linear};
    if (s->kind != HEW_STEP_BACKWARD)
        return kinds[s->kind];
    return (s->from_output ? from_output : from_input)[s->act.kind];
}

/* An operand of one element fills a register in `lanes`. */
HEW_INLINE lane_source source_of(hew_step_source s, float *lanes)
{
    if (!s.p || !s.one)
        return (lane_source){s.p, s.type, ~(size_t)0};
    x16_store(lanes, x16_set(x16_lane0(x16_load_any_first(s.type, 1, s.p, 0))));
    return (lane_source){lanes, HEW_F32, 0};
}

/* n >= 16 elements apart from what they become, which is aligned but for the first and the last 16:
 * they overlap others, which are done twice. */
HEW_INLINE void step_apart(loop_fn *fn, const step_loop *l, size_t n)
{
    const size_t head = x16_unaligned(l->out.type, l->out.p), whole = (n - head) / 16 * 16;
    const step_loop first = part_of(l, 0, false), inner = part_of(l, head, l->out.stream);
    const step_loop last = part_of(l, n - 16, false);
    if (head > 0)
        fn(&first, 16);
    if (whole > 0)
        fn(&inner, whole);
    if (head + whole < n)
        fn(&last, 16);
    if (l->out.stream)
        x16_stream_end();
}

/* The last n < 16 elements. */
HEW_INLINE lane_source rest_of(lane_source s, size_t from, size_t n, float *lanes)
{
    if (!s.p || s.step == 0)
        return s;
    x16_store(lanes, x16_load_any_first(s.type, n, s.p, from));
    return (lane_source){lanes, HEW_F32, 0};
}

void HEW_STEP_F32(const hew_step_f32 *s)
{
    float lanes[3][16], rest[4][16];
    loop_fn *const fn = loop_of(s);
    step_loop l = {source_of(s->v, lanes[0]), source_of(s->b, lanes[1]), source_of(s->c, lanes[2]),
                   s->act, {s->out, s->out_type, s->stream}};
    const size_t whole = s->n / 16 * 16, n = s->n - whole;
    if (whole > 0 && s->out != s->v.p && s->out != s->b.p && s->out != s->c.p) {
        step_apart(fn, &l, s->n);
        return;
    }
    if (whole > 0)
        fn(&l, whole);
    if (n > 0) {
        l = (step_loop){rest_of(l.v, whole, n, rest[0]), rest_of(l.b, whole, n, rest[1]),
                        rest_of(l.c, whole, n, rest[2]), s->act,
                        {rest[3], HEW_F32, false}};
        fn(&l, 16);
        x16_store_any_first(s->out_type, n, s->out, whole, x16_load(rest[3]));
    }
}
