/*
 * walk.h - one loop for each kind of operation, over a row of up to three operands.
 *
 * The including file has its narrow.h, stream.h and pair.h included first.  A kind of operation is
 *
 *     light       32 elements a turn, all of F32 or all of BF16.  Two instances, whose loads, stores
 *                 and little between them are all that there is to pay for;
 *     exact       light, with results that are bf16 where the operands are;
 *     heavy       16 floats a turn, bound by its arithmetic; or
 *     typed       16 elements a turn of any types: what converts.
 *
 * The last turn ends where the row does, over elements that are done twice; a second one may begin
 * early, where the output is aligned.  An operand of one element is a register's worth that every
 * turn loads again.  Which rows come here, and how: walk_rows.h.
 *
 * With HEW_WALK_BF16_ALONE as 1 light kinds have an instance for BF16, and others none.
 */
#ifndef HEW_SIMD_WALK_H
#define HEW_SIMD_WALK_H

#include "kernels_chain.h"
#include "put.h"

#ifndef HEW_WALK_BF16_ALONE
#define HEW_WALK_BF16_ALONE 0
#endif

/* An operand's elements; `step` is all ones, or 0 where all are one and 32 copies lie at p. */
typedef struct lane_source {
    const void *p;
    hew_type type;
    size_t step;
} lane_source;

typedef struct lane_loop {
    lane_source v, b, c;
    hew_act act;
    x16_out out;
    size_t first; /* elements from the first turn to the second, at most a turn */
} lane_loop;

typedef enum lane_weight { LIGHT, EXACT, HEAVY, TYPED } lane_weight;

/* n is a turn or more. */
typedef void lane_fn(const lane_loop *l, size_t n);

/* An activation's parameters, as they are and in every lane. */
typedef struct x16_act {
    float alpha, beta;
    f32x16 alpha_x16, beta_x16;
} x16_act;

/* What a kind makes of its operands; those that it doesn't have are v. */
typedef f32x16 lane_op(const int kind, const x16_act *of, f32x16 v, f32x16 b, f32x16 c);

/* Field by field: as vectors they would wait for the stores of their fields. */
HEW_INLINE lane_source lanes_from(const lane_source *s, size_t from)
{
    const size_t bytes = s->p && s->step ? from * x16_type_bytes(s->type) : 0;
    return (lane_source){(const char *)s->p + bytes, s->type, s->step};
}
HEW_INLINE lane_loop loop_from(const lane_loop *l, size_t from, size_t first, bool stream)
{
    return (lane_loop){lanes_from(&l->v, from), lanes_from(&l->b, from), lanes_from(&l->c, from),
                       {l->act.kind, l->act.alpha, l->act.beta},
                       x16_out_from(&l->out, from, stream), first};
}

/* The turn after the one at i: a step further on, or the last, or n for none. */
HEW_INLINE size_t turn_after(size_t i, size_t step, size_t turn, size_t n)
{
    return i + turn == n ? n : hew_min(i + step, n - turn);
}

/* ----------------------------------------------------------------------------- the loops ---- */

/* `operands` is 1, 2 or 3; it, `op` and `kind` are literals. */
HEW_INLINE f32x16 load_lanes(lane_source s, size_t i)
{
    return x16_load_past_stores((const float *)s.p + (i & s.step));
}
HEW_INLINE void walk_heavy(lane_op *op, const int kind, const int operands, const lane_loop *l,
                           size_t n)
{
    if (HEW_WALK_BF16_ALONE)
        return;
    const lane_loop s = loop_from(l, 0, l->first, l->out.stream);
    const x16_out out = {s.out.p, HEW_F32, s.out.stream};
    const x16_act of = {s.act.alpha, s.act.beta, x16_set(s.act.alpha), x16_set(s.act.beta)};
    for (size_t i = 0, step = s.first; i < n; i = turn_after(i, step, 16, n), step = 16) {
        const f32x16 v = load_lanes(s.v, i), b = operands > 1 ? load_lanes(s.b, i) : v;
        x16_put(out, i, op(kind, &of, v, b, operands > 2 ? load_lanes(s.c, i) : v));
    }
}

/* The first operand in the output's type. */
static void walk_typed(const lane_loop *l, size_t n)
{
    const lane_loop s = loop_from(l, 0, l->first, l->out.stream);
    for (size_t i = 0, step = s.first; i < n; i = turn_after(i, step, 16, n), step = 16)
        x16_put(s.out, i, x16_load_any(s.v.type, s.v.p, i & s.v.step));
}

/* Thirty-two elements: the first and the second sixteen, or those at even and at odd places. */
typedef struct f32x32 {
    f32x16 a, b;
} f32x32;

HEW_INLINE f32x32 load_pair(const hew_type type, lane_source s, size_t i)
{
    const float *const p =
        (const float *)((const char *)s.p + (i & s.step) * x16_type_bytes(type));
    if (type == HEW_F32)
        return (f32x32){x16_load_past_stores(p), x16_load_past_stores(p + 16)};
    const i32x16 both = x16_bits(x16_load_past_stores(p));
    return (f32x32){x16_from_bits(x16_shift_up(both, 16)),
                    x16_from_bits(x16_and_int(both, x16_set_int((int32_t)0xffff0000)))};
}

/* What is stored of a pair: rounded, or of a kind whose results need none. */
typedef i32x16 pair_fn(f32x16 a, f32x16 b);
HEW_INLINE i32x16 exact_pair(f32x16 a, f32x16 b)
{
    return x16_zip_upper(x16_quiet_bf16(a), x16_quiet_bf16(b));
}

HEW_INLINE void put_pair(const hew_type type, pair_fn *pair, x16_out out, size_t i, f32x32 y)
{
    float *const p = (float *)((char *)out.p + i * x16_type_bytes(type));
    if (type == HEW_BF16) {
        const f32x16 both = x16_from_bits(pair(y.a, y.b));
        if (HEW_LIKELY(!out.stream))
            x16_store(p, both);
        else
            x16_stream(p, both);
    } else if (HEW_LIKELY(!out.stream)) {
        x16_store(p, y.a);
        x16_store(p + 16, y.b);
    } else {
        x16_stream(p, y.a);
        x16_stream(p + 16, y.b);
    }
}

HEW_INLINE void walk_pairs(const hew_type type, pair_fn *pair, lane_op *op, const int kind,
                           const int operands, const lane_loop *l, size_t n)
{
    const lane_loop s = loop_from(l, 0, l->first, l->out.stream);
    const x16_act of = {s.act.alpha, s.act.beta, x16_set(s.act.alpha), x16_set(s.act.beta)};
    for (size_t i = 0, step = s.first; i < n; i = turn_after(i, step, 32, n), step = 32) {
        const f32x32 v = load_pair(type, s.v, i), b = operands > 1 ? load_pair(type, s.b, i) : v;
        const f32x32 c = operands > 2 ? load_pair(type, s.c, i) : v;
        put_pair(type, pair, s.out, i,
                 (f32x32){op(kind, &of, v.a, b.a, c.a), op(kind, &of, v.b, b.b, c.b)});
    }
}

HEW_INLINE void walk_light_to(pair_fn *pair, lane_op *op, const int kind, const int operands,
                              const lane_loop *l, size_t n)
{
    if (!HEW_WALK_BF16_ALONE && l->out.type == HEW_F32)
        walk_pairs(HEW_F32, pair, op, kind, operands, l, n);
    else
        walk_pairs(HEW_BF16, pair, op, kind, operands, l, n);
}
HEW_INLINE void walk_light(lane_op *op, const int kind, const int operands, const lane_loop *l,
                           size_t n)
{
    walk_light_to(rounded_pair, op, kind, operands, l, n);
}
HEW_INLINE void walk_exact(lane_op *op, const int kind, const int operands, const lane_loop *l,
                           size_t n)
{
    if (!HEW_WALK_BF16_ALONE)
        walk_light_to(exact_pair, op, kind, operands, l, n);
}

#endif
