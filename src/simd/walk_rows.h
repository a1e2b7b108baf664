/*
 * walk_rows.h - rows of hew_step_f32 through the loops of walk.h.
 *
 * An output that is an operand lets no element be done twice: what is left of it, like rows shorter
 * than a turn, goes through the loop in a copy.  Types that a loop has no instance for go through
 * floats in the L1 cache.
 */
#ifndef HEW_SIMD_WALK_ROWS_H
#define HEW_SIMD_WALK_ROWS_H

#include "walk.h"

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

/* ------------------------------------------------------------------- floats in between ---- */

enum { WALK_STAGE = 1024 };

HEW_INLINE void widen_row(const hew_type type, const void *from, size_t n, float *to)
{
    for (size_t i = 0; i < n; i += 16)
        x16_store(to + i, n - i < 16 ? x16_load_type_first(type, n - i, x16_at(type, from, i),
                                                           x16_set(0.0f))
                                     : x16_load_type(type, x16_at(type, from, i)));
}
HEW_INLINE void narrow_row(const hew_type type, const float *from, size_t n, void *to)
{
    for (size_t i = 0; i < n; i += 16) {
        const f32x16 x = x16_load(from + i);
        if (n - i < 16)
            x16_store_type_first(type, n - i, x16_out_at(type, to, i), x);
        else
            x16_store_type(type, x16_out_at(type, to, i), x);
    }
}

/* The same of bf16 in the order of pairs, for a whole number of them: kinds don't mind. */
static void widen_pairs(const uint16_t *from, size_t n, float *to)
{
    for (size_t i = 0; i < n; i += 32) {
        _Alignas(64) uint16_t few[64];
        if (n - i < 32)
            copy_few(HEW_BF16, n - i, from + i, few);
        const f32x32 x =
            load_pair(HEW_BF16, (lane_source){n - i < 32 ? few : from + i, HEW_BF16, 0}, 0);
        x16_store(to + i, x.a);
        x16_store(to + i + 16, x.b);
    }
}
static void narrow_pairs(const float *from, size_t n, uint16_t *to)
{
    for (size_t i = 0; i < n; i += 32) {
        const f32x32 y = {x16_load(from + i), x16_load(from + i + 16)};
        _Alignas(64) uint16_t few[64];
        put_pair(HEW_BF16, rounded_pair, (x16_out){n - i < 32 ? few : to + i, HEW_BF16, false}, 0,
                 y);
        if (n - i < 32)
            store_few(HEW_BF16, n - i, few, to + i);
    }
}

static lane_source as_floats(const lane_source *s, size_t from, size_t n, bool pairs, float *stage)
{
    const lane_source at = lanes_from(s, from);
    if (!at.p || at.type == HEW_F32)
        return at;
    n = at.step ? n : 32;
    if (at.type == HEW_F16)
        widen_row(HEW_F16, at.p, n, stage);
    else if (pairs)
        widen_pairs(at.p, n, stage);
    else
        widen_row(HEW_BF16, at.p, n, stage);
    return (lane_source){stage, HEW_F32, at.step};
}

/* In place where v is staged, and not an element.  With `pairs` all is of BF16. */
static void walk_staged(lane_fn *fn, const lane_loop *l, size_t n, size_t turn, bool pairs)
{
    _Alignas(64) float stage[3][WALK_STAGE], one[32];
    for (size_t j = 0; j < n; j += WALK_STAGE) {
        const size_t part = hew_min(WALK_STAGE, n - j);
        lane_loop floats = loop_from(l, j, turn, false);
        void *const out = floats.out.p;
        floats.v = as_floats(&l->v, j, part, pairs, l->v.step ? stage[0] : one);
        floats.b = as_floats(&l->b, j, part, pairs, stage[1]);
        floats.c = as_floats(&l->c, j, part, pairs, stage[2]);
        if (l->out.type != HEW_F32)
            floats.out = (x16_out){stage[0], HEW_F32, false};
        if (pairs)
            fn(&floats, hew_round_up(part, 32));
        else
            walk_row(fn, &floats, part, turn);
        if (pairs)
            narrow_pairs(stage[0], part, out);
        else if (l->out.type == HEW_BF16)
            narrow_row(HEW_BF16, stage[0], part, out);
        else if (l->out.type == HEW_F16)
            narrow_row(HEW_F16, stage[0], part, out);
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

static void walk_rows(lane_fn *fn, lane_weight weight, const hew_step_f32 *s)
{
    _Alignas(64) char lanes[3][LANES_BYTES];
    const hew_type type = s->out_type;
    const bool light = weight == LIGHT || weight == EXACT;
    const size_t turn = light ? 32 : 16;
    const bool alike = is_type(&s->v, type) && is_type(&s->b, type) && is_type(&s->c, type);
    const bool instance = type == HEW_F32 || (type == HEW_BF16 && light);
    const bool staged = weight != TYPED && !(alike && instance);
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
            walk_staged(fn, &l, n, turn, alike && type == HEW_BF16);
        else
            walk_row(fn, &l, n, turn);
    }
    if (s->stream)
        x16_stream_end();
}

#endif
