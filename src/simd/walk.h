/*
 * walk.h - rows of up to three operands, through one loop for each kind of operation.
 *
 * The including file has its narrow.h and stream.h included first.  A kind is light or not:
 *
 *     light       32 elements a turn, all of F32 or all of BF16; other mixtures go through floats
 *                 in the L1 cache.  Two instances, whose loads, stores and little between them
 *                 are all that there is to pay for.
 *     not light   16 elements a turn of any types: one instance, bound by its arithmetic.
 *
 * The last turn of a row ends where the row does, over elements that are done twice; a second one
 * may begin early, where the output is aligned.  An output that is an operand allows neither: what
 * is left of it, like rows shorter than a turn, goes through the loop in a copy.  An operand of one
 * element is a register's worth that every turn loads again.
 */
#ifndef HEW_SIMD_WALK_H
#define HEW_SIMD_WALK_H

#include "kernels_chain.h"
#include "put.h"

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

HEW_INLINE f32x16 load_lanes(lane_source s, size_t i)
{
    i &= s.step;
    return s.type == HEW_F32 ? x16_load_past_stores((const float *)s.p + i)
                             : x16_load_any(s.type, s.p, i);
}

/* `operands` is 1, 2 or 3; it, `op` and `kind` are literals. */
HEW_INLINE void walk_any(lane_op *op, const int kind, const int operands, const lane_loop *l,
                         size_t n)
{
    const lane_loop s = loop_from(l, 0, l->first, l->out.stream);
    const x16_act of = {s.act.alpha, s.act.beta, x16_set(s.act.alpha), x16_set(s.act.beta)};
    for (size_t i = 0, step = s.first; i < n; i = turn_after(i, step, 16, n), step = 16) {
        const f32x16 v = load_lanes(s.v, i), b = operands > 1 ? load_lanes(s.b, i) : v;
        x16_put(s.out, i, op(kind, &of, v, b, operands > 2 ? load_lanes(s.c, i) : v));
    }
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

HEW_INLINE void put_pair(const hew_type type, x16_out out, size_t i, f32x32 y)
{
    float *const p = (float *)((char *)out.p + i * x16_type_bytes(type));
    if (type == HEW_BF16) {
        const f32x16 both = x16_from_bits(x16_zip_upper(x16_to_bf16(y.a), x16_to_bf16(y.b)));
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

HEW_INLINE void walk_pairs(const hew_type type, lane_op *op, const int kind, const int operands,
                           const lane_loop *l, size_t n)
{
    const lane_loop s = loop_from(l, 0, l->first, l->out.stream);
    const x16_act of = {s.act.alpha, s.act.beta, x16_set(s.act.alpha), x16_set(s.act.beta)};
    for (size_t i = 0, step = s.first; i < n; i = turn_after(i, step, 32, n), step = 32) {
        const f32x32 v = load_pair(type, s.v, i), b = operands > 1 ? load_pair(type, s.b, i) : v;
        const f32x32 c = operands > 2 ? load_pair(type, s.c, i) : v;
        put_pair(type, s.out, i,
                 (f32x32){op(kind, &of, v.a, b.a, c.a), op(kind, &of, v.b, b.b, c.b)});
    }
}

HEW_INLINE void walk_light(lane_op *op, const int kind, const int operands, const lane_loop *l,
                           size_t n)
{
    if (l->out.type == HEW_F32)
        walk_pairs(HEW_F32, op, kind, operands, l, n);
    else
        walk_pairs(HEW_BF16, op, kind, operands, l, n);
}

/* ------------------------------------------------------------------------------- a row ---- */

enum { LANES_BYTES = 32 * 4 };

/* n < 32 elements, with zeros behind them, and back. */
static void copy_few(hew_type type, size_t n, const void *from, void *to)
{
    for (size_t i = 0; i < 32; i += 16) {
        const size_t some = n > i ? n - i : 0;
        if (type == HEW_F32)
            x16_store((float *)to + i, x16_load_masked(x16_first(some), (const float *)from + i,
                                                       x16_set(0.0f)));
        else
            x16_store_halves((uint16_t *)to + i,
                             some < 16 ? x16_load_halves_first(some, (const uint16_t *)from + i)
                                       : x16_load_halves((const uint16_t *)from + i));
    }
}
static void store_few(hew_type type, size_t n, const void *from, void *to)
{
    for (size_t i = 0; i < n; i += 16) {
        if (type == HEW_F32)
            x16_store_masked(x16_first(n - i), (float *)to + i, x16_load((const float *)from + i));
        else if (n - i < 16)
            x16_store_halves_first(n - i, (uint16_t *)to + i,
                                   x16_load_halves((const uint16_t *)from + i));
        else
            x16_store_halves((uint16_t *)to + i, x16_load_halves((const uint16_t *)from + i));
    }
}

static lane_source few_of(const lane_source *s, size_t from, size_t n, void *few)
{
    if (!s->p || s->step == 0)
        return *s;
    copy_few(s->type, n, x16_at(s->type, s->p, from), few);
    return (lane_source){few, s->type, 0};
}

/* n < turn elements in a copy. */
static void walk_few(lane_fn *fn, const lane_loop *l, size_t from, size_t n, size_t turn)
{
    _Alignas(64) char few[4][LANES_BYTES];
    const lane_loop copy = {few_of(&l->v, from, n, few[0]), few_of(&l->b, from, n, few[1]),
                            few_of(&l->c, from, n, few[2]), l->act,
                            {few[3], l->out.type, false}, turn};
    fn(&copy, turn);
    store_few(l->out.type, n, few[3], x16_out_at(l->out.type, l->out.p, from));
}

static void walk_row(lane_fn *fn, lane_loop *l, size_t n, size_t turn)
{
    const void *const out = l->out.p;
    l->first = turn;
    if (n < turn) {
        walk_few(fn, l, 0, n, turn);
    } else if (out == l->v.p || out == l->b.p || out == l->c.p) {
        const size_t whole = n / turn * turn;
        fn(l, whole);
        if (whole < n)
            walk_few(fn, l, whole, n - whole, turn);
    } else if (!l->out.stream) {
        const size_t head = n < 4 * turn ? 0 : x16_unaligned(l->out.type, out, turn);
        if (head > 0)
            l->first = head;
        fn(l, n);
    } else {
        const size_t head = x16_unaligned(l->out.type, out, turn);
        const size_t whole = (n - head) / turn * turn;
        const lane_loop first = loop_from(l, 0, turn, false);
        const lane_loop inner = loop_from(l, head, turn, true);
        const lane_loop last = loop_from(l, n - turn, turn, false);
        if (head > 0)
            fn(&first, turn);
        if (whole > 0)
            fn(&inner, whole);
        if (head + whole < n)
            fn(&last, turn);
    }
}

/* --------------------------------------------------------------- light kinds of any types ---- */

enum { WALK_STAGE = 512 };

static lane_source as_floats(const lane_source *s, size_t from, size_t n, float *stage)
{
    if (!s->p || s->type == HEW_F32)
        return lanes_from(s, from);
    const lane_source at = lanes_from(s, from);
    n = s->step ? n : 32;
    for (size_t i = 0; i < n; i += 16)
        x16_store(stage + i, n - i < 16 ? x16_load_any_first(at.type, n - i, at.p, i)
                                        : x16_load_any(at.type, at.p, i));
    return (lane_source){stage, HEW_F32, s->step};
}

static void walk_staged(lane_fn *fn, const lane_loop *l, size_t n)
{
    _Alignas(64) float stage[4][WALK_STAGE];
    for (size_t j = 0; j < n; j += WALK_STAGE) {
        const size_t part = hew_min(WALK_STAGE, n - j);
        lane_loop floats = loop_from(l, j, 32, false);
        floats.v = as_floats(&l->v, j, part, stage[0]);
        floats.b = as_floats(&l->b, j, part, stage[1]);
        floats.c = as_floats(&l->c, j, part, stage[2]);
        if (l->out.type != HEW_F32)
            floats.out = (x16_out){stage[3], HEW_F32, false};
        walk_row(fn, &floats, part, 32);
        if (l->out.type == HEW_F32)
            continue;
        for (size_t i = 0; i < part; i += 16) {
            const f32x16 y = x16_load(stage[3] + i);
            if (part - i < 16)
                x16_store_any_first(l->out.type, part - i, l->out.p, j + i, y);
            else
                x16_store_any(l->out.type, l->out.p, j + i, y);
        }
    }
}

/* -------------------------------------------------------------------------------- rows ---- */

/* Row i of an operand; one element is spread over `lanes`. */
HEW_INLINE const void *row_of(const hew_step_source *s, size_t i, char *lanes)
{
    if (!s->p)
        return NULL;
    const char *const p = (const char *)s->p + (ptrdiff_t)i * s->row;
    if (!s->one)
        return p;
    if (i > 0 && s->row == 0)
        return lanes;
    const uint32_t element =
        s->type == HEW_F32 ? *(const uint32_t *)p : *(const uint16_t *)p * 0x10001u;
    const f32x16 all = x16_from_bits(x16_set_int((int32_t)element));
    x16_store((float *)lanes, all);
    x16_store((float *)lanes + 16, all);
    return lanes;
}

HEW_INLINE bool follows(const hew_step_source *s, size_t n)
{
    return !s->p || s->row == (s->one ? 0 : (ptrdiff_t)(n * x16_type_bytes(s->type)));
}
HEW_INLINE bool is_type(const hew_step_source *s, hew_type type)
{
    return !s->p || s->type == type;
}

static void walk_rows(lane_fn *fn, bool light, const hew_step_f32 *s)
{
    _Alignas(64) char lanes[3][LANES_BYTES];
    const hew_type type = s->out_type;
    const bool staged = light && (type == HEW_F16 || !is_type(&s->v, type) ||
                                  !is_type(&s->b, type) || !is_type(&s->c, type));
    const bool joined = s->out_row == (ptrdiff_t)(s->n * x16_type_bytes(type)) &&
                        follows(&s->v, s->n) && follows(&s->b, s->n) && follows(&s->c, s->n);
    const size_t rows = joined ? hew_min(s->rows, 1) : s->rows, n = joined ? s->rows * s->n : s->n;
    if (n == 0)
        return;
    const size_t all = ~(size_t)0;
    lane_loop l = {{NULL, s->v.type, s->v.one ? 0 : all}, {NULL, s->b.type, s->b.one ? 0 : all},
                   {NULL, s->c.type, s->c.one ? 0 : all},
                   {s->act.kind, s->act.alpha, s->act.beta}, {NULL, type, s->stream}, 0};
    for (size_t i = 0; i < rows; i++) {
        l.v.p = row_of(&s->v, i, lanes[0]);
        l.b.p = row_of(&s->b, i, lanes[1]);
        l.c.p = row_of(&s->c, i, lanes[2]);
        l.out.p = (char *)s->out + (ptrdiff_t)i * s->out_row;
        if (staged)
            walk_staged(fn, &l, n);
        else
            walk_row(fn, &l, n, light ? 32 : 16);
    }
    if (s->stream)
        x16_stream_end();
}

#endif
