/*
 * softmax_axis - softmaxes side by side, a lane each, and gradients of these and of rows:
 * src/ref/softmax.c.
 *
 * The including file has its narrow.h included first and defines the kernels' names,
 * HEW_SOFTMAX_AXIS, HEW_SOFTMAX_GRAD and HEW_SOFTMAX_AXIS_GRAD.
 *
 * Some registers of lanes go down the axis three times: maximum; exponentials, which of floats are
 * stored, and their sum; division, or of bf16 the exponentials again.  Sums are one chain.
 */
#include <math.h>

#include "kernels_softmax.h"
#include "math.h"
#include "strip.h"

enum { AXIS_WIDE = X16_REGISTERS / 8 };

HEW_INLINE f32x16 one_nan(f32x16 x) { return x16_select(x16_unordered(x, x), x16_set(NAN), x); }

/* ------------------------------------------------------------------------------ forward ----- */

HEW_INLINE void axis_strip(const hew_type type, const bool log, const strip_lanes l,
                           const hew_softmax_axis *a, size_t lane)
{
    const void *in = x16_at(type, a->in, lane);
    void *out = x16_out_at(type, a->out, lane);
    const f32x16 scale = x16_set(a->scale);
    f32x16 max[AXIS_WIDE], sum[AXIS_WIDE], last[AXIS_WIDE];
    HEW_UNROLL for (int v = 0; v < l.nb; v++) {
        max[v] = x16_set(-INFINITY);
        sum[v] = x16_set(0.0f);
    }
    for (size_t j = 0; j < a->columns; j++)
        HEW_UNROLL for (int v = 0; v < l.nb; v++) {
            const f32x16 x = strip_load(type, l, x16_at(type, in, j * a->inner), v);
            max[v] = x16_max(x16_mul(x, scale), max[v]);
        }
    const bool store = type == HEW_F32 && !log;
    for (size_t j = 0; j < a->columns; j++)
        HEW_UNROLL for (int v = 0; v < l.nb; v++) {
            const f32x16 x = strip_load(type, l, x16_at(type, in, j * a->inner), v);
            const f32x16 e = x16_exp(x16_sub(x16_mul(x, scale), max[v]));
            sum[v] = x16_add(sum[v], e);
            if (store)
                strip_store(type, l, x16_out_at(type, out, j * a->inner), v, e);
        }
    HEW_UNROLL for (int v = 0; v < l.nb; v++)
        last[v] = log ? x16_log(sum[v]) : x16_div(x16_set(1.0f), sum[v]);
    for (size_t j = 0; j < a->columns; j++)
        HEW_UNROLL for (int v = 0; v < l.nb; v++) {
            void *to = x16_out_at(type, out, j * a->inner);
            f32x16 x = strip_load(type, l, store ? to : x16_at(type, in, j * a->inner), v);
            if (!store)
                x = x16_sub(x16_mul(x, scale), max[v]);
            const f32x16 y = log     ? x16_sub(x, last[v])
                             : store ? x16_mul(x, last[v])
                                     : x16_mul(x16_exp(x), last[v]);
            strip_store(type, l, to, v, x16_select(x16_unordered(sum[v], sum[v]), x16_set(NAN), y));
        }
}

HEW_INLINE void axis_strips(const hew_type type, const bool log, const hew_softmax_axis *a)
{
    size_t lane = 0;
    for (; lane + 16 * AXIS_WIDE <= a->lanes; lane += 16 * AXIS_WIDE)
        axis_strip(type, log, (strip_lanes){AXIS_WIDE, 16}, a, lane);
    for (; lane < a->lanes; lane += 16)
        axis_strip(type, log, (strip_lanes){1, hew_min(a->lanes - lane, 16)}, a, lane);
}

void HEW_SOFTMAX_AXIS(const hew_softmax_axis *a)
{
    if (a->type == HEW_F32 && a->log)
        axis_strips(HEW_F32, true, a);
    else if (a->type == HEW_F32)
        axis_strips(HEW_F32, false, a);
    else if (a->log)
        axis_strips(HEW_BF16, true, a);
    else
        axis_strips(HEW_BF16, false, a);
}

/* ---------------------------------------------------------------------------- gradients ----- */

HEW_INLINE f32x16 add_grad(const bool log, f32x16 sum, f32x16 y, f32x16 dy)
{
    return log ? x16_add(sum, dy) : x16_fma(y, dy, sum);
}
HEW_INLINE f32x16 grad_of(const bool log, f32x16 y, f32x16 dy, f32x16 sum, f32x16 scale)
{
    const f32x16 in = log ? x16_fnma(x16_exp(x16_min(x16_set(0.0f), y)), sum, dy)
                          : x16_mul(y, x16_sub(dy, sum));
    return one_nan(x16_mul(in, scale));
}

HEW_INLINE void axis_grad_strip(const hew_type type, const bool log, const strip_lanes l,
                                const hew_softmax_grad *g, size_t lane)
{
    const void *y = x16_at(type, g->y, lane), *dy = x16_at(type, g->dy, lane);
    void *in = x16_out_at(type, g->in, lane);
    f32x16 sum[AXIS_WIDE];
    HEW_UNROLL for (int v = 0; v < l.nb; v++)
        sum[v] = x16_set(0.0f);
    for (size_t j = 0; j < g->columns; j++)
        HEW_UNROLL for (int v = 0; v < l.nb; v++) {
            const size_t at = j * g->inner;
            const f32x16 x = log ? sum[v] : strip_load(type, l, x16_at(type, y, at), v);
            sum[v] = add_grad(log, sum[v], x, strip_load(type, l, x16_at(type, dy, at), v));
        }
    for (size_t j = 0; j < g->columns; j++)
        HEW_UNROLL for (int v = 0; v < l.nb; v++) {
            const size_t at = j * g->inner;
            const f32x16 x = grad_of(log, strip_load(type, l, x16_at(type, y, at), v),
                                     strip_load(type, l, x16_at(type, dy, at), v), sum[v],
                                     x16_set(g->scale));
            strip_store(type, l, x16_out_at(type, in, at), v, x);
        }
}

HEW_INLINE void axis_grads(const hew_type type, const bool log, const hew_softmax_grad *g)
{
    size_t lane = 0;
    for (; lane + 16 * AXIS_WIDE <= g->lanes; lane += 16 * AXIS_WIDE)
        axis_grad_strip(type, log, (strip_lanes){AXIS_WIDE, 16}, g, lane);
    for (; lane < g->lanes; lane += 16)
        axis_grad_strip(type, log, (strip_lanes){1, hew_min(g->lanes - lane, 16)}, g, lane);
}

/* One row: 64 chains, of which register k of four has those from 16 k on. */
HEW_INLINE void row_grad(const hew_type type, const bool log, const hew_softmax_grad *g,
                         const void *y, const void *dy, void *in)
{
    const strip_lanes all = {1, 16}, tail = {1, g->visible % 16};
    const size_t whole = g->visible - tail.count;
    f32x16 s[4] = {x16_set(0.0f), x16_set(0.0f), x16_set(0.0f), x16_set(0.0f)};
    size_t j = 0;
    for (; j + 64 <= whole; j += 64)
        HEW_UNROLL for (size_t k = 0; k < 4; k++) {
            const size_t at = j + 16 * k;
            s[k] = add_grad(log, s[k], strip_load(type, all, x16_at(type, y, at), 0),
                            strip_load(type, all, x16_at(type, dy, at), 0));
        }
    HEW_UNROLL for (size_t k = 0; k < 4; k++) {
        const size_t at = j + 16 * k;
        if (at < g->visible) {
            const strip_lanes l = at < whole ? all : tail;
            s[k] = add_grad(log, s[k], strip_load(type, l, x16_at(type, y, at), 0),
                            strip_load(type, l, x16_at(type, dy, at), 0));
        }
    }
    const f32x16 sum =
        x16_set(x16_sum(x16_add(x16_add(s[0], s[1]), x16_add(s[2], s[3])))),
                 scale = x16_set(g->scale);
    for (j = 0; j < whole; j += 16) {
        const f32x16 x = grad_of(log, strip_load(type, all, x16_at(type, y, j), 0),
                                 strip_load(type, all, x16_at(type, dy, j), 0), sum, scale);
        strip_store(type, all, x16_out_at(type, in, j), 0, x);
    }
    if (tail.count > 0) {
        const f32x16 x = grad_of(log, strip_load(type, tail, x16_at(type, y, j), 0),
                                 strip_load(type, tail, x16_at(type, dy, j), 0), sum, scale);
        strip_store(type, tail, x16_out_at(type, in, j), 0, x);
    }
    for (j = g->visible; j < g->columns; j += 16)
        strip_store(type, (strip_lanes){1, hew_min(g->columns - j, 16)}, x16_out_at(type, in, j), 0,
                   x16_set(0.0f));
}

HEW_INLINE void row_grads(const hew_type type, const bool log, const hew_softmax_grad *g)
{
    for (size_t i = 0; i < g->rows; i++)
        row_grad(type, log, g, x16_at(type, g->y, i * g->y_stride),
                 x16_at(type, g->dy, i * g->y_stride), x16_out_at(type, g->in, i * g->in_stride));
}

HEW_INLINE void grads(const hew_type type, const bool log, const bool axis,
                      const hew_softmax_grad *g)
{
    if (axis)
        axis_grads(type, log, g);
    else
        row_grads(type, log, g);
}

HEW_INLINE void grads_of_any(const bool axis, const hew_softmax_grad *g)
{
    if (g->type == HEW_F32 && g->log)
        grads(HEW_F32, true, axis, g);
    else if (g->type == HEW_F32)
        grads(HEW_F32, false, axis, g);
    else if (g->log)
        grads(HEW_BF16, true, axis, g);
    else
        grads(HEW_BF16, false, axis, g);
}

void HEW_SOFTMAX_GRAD(const hew_softmax_grad *g) { grads_of_any(false, g); }
void HEW_SOFTMAX_AXIS_GRAD(const hew_softmax_grad *g) { grads_of_any(true, g); }
