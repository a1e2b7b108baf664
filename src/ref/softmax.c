/*
 * softmax - the definition of hew_softmax and its gradient, along each axis of n visible elements:
 *
 *     v[j] = x[j] * scale, or fma(x[j], scale, add[j])
 *     m = max of v                          NaNs aside: a NaN makes the sum NaN
 *     e[j] = exp(v[j] - m)
 *     s = the sum of e                      see below
 *     softmax: e[j] * (1 / s)               log: (v[j] - m) - log(s)
 *
 * and of the gradients:
 *
 *     softmax: s = the sum of y[j] dy[j], each an fma;  (y[j] * (dy[j] - s)) * scale
 *     log:     s = the sum of dy[j];       fma(-exp(y[j]), s, dy[j]) * scale      y > 0 counts as 0
 *
 * Sums.  Elements side by side, inner = 1: sixteen chains, of j, j + 16, j + 32 ..., from +0, then
 * the tree: lanes i and i + 8, i + 4, i + 2, i + 1.  Gradients have 64 chains, of which l, l + 16,
 * l + 32, l + 48 become (l + (l + 16)) + ((l + 32) + (l + 48)) before the tree.  With inner > 1:
 * one chain in rising j.
 *
 * When s of a softmax is NaN, the row becomes the quiet NaN 0x7fc00000: several NaNs may have met
 * in it.  So does each NaN of a gradient.  Elements that aren't visible are 0, or -inf of log.
 */
#include "ref/math.h"
#include "ref/ref.h"

enum { LANES = 16, GRAD_LANES = 64 };

static float one_nan(float x) { return x != x ? ref_from_bits(0x7fc00000) : x; }

/* Some elements of a tensor, a step apart. */
typedef struct line {
    hew_type type;
    const void *p;
    int64_t first, step;
} line;

static float at(line l, size_t j)
{
    return hew_ref_load_type(l.type, l.p, l.first + (int64_t)j * l.step);
}

static float tree(float *s)
{
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            s[i] += s[i + half];
    return s[0];
}

/* ------------------------------------------------------------------------------ forward ----- */

typedef struct scores {
    line x;
    float scale;
    const float *add;
} scores;

static float score(const scores *v, size_t j)
{
    const float x = at(v->x, j);
    return v->add ? fmaf(x, v->scale, v->add[j]) : x * v->scale;
}

/* n elements along an axis; all of them are read before the first is written. */
static void forward(const scores *v, size_t n, size_t lanes, bool log, void *out, int64_t first)
{
    float max = -INFINITY, s[LANES] = {0};
    for (size_t j = 0; j < n; j++)
        max = max_of(score(v, j), max);
    for (size_t j = 0; j < n; j++)
        s[j % lanes] += ref_exp(score(v, j) - max);
    const float sum = lanes > 1 ? tree(s) : s[0];
    const float inverse = 1.0f / sum, shift = log ? ref_log(sum) : 0.0f;
    for (size_t j = 0; j < n; j++) {
        const float x = score(v, j) - max;
        const float y = sum != sum ? one_nan(sum) : log ? x - shift : ref_exp(x) * inverse;
        hew_ref_store_type(v->x.type, out, first + (int64_t)j * v->x.step, y);
    }
}

static void forward_rows(const hew_softmax_rows *r)
{
    for (size_t i = 0; i < r->rows; i++) {
        const int64_t out = (int64_t)(i * r->out_stride);
        const line x = {r->type, r->in, (int64_t)(i * r->in_stride), 1};
        forward(&(scores){x, r->scale, r->add}, r->visible, LANES, r->log, r->out, out);
        for (size_t j = r->visible; j < r->columns; j++)
            hew_ref_store_type(r->type, r->out, out + (int64_t)j, r->log ? -INFINITY : 0.0f);
    }
}

void hew_softmax_f32_ref(const hew_softmax_rows *rows) { forward_rows(rows); }
void hew_softmax_bf16_ref(const hew_softmax_rows *rows) { forward_rows(rows); }

void hew_softmax_axis_ref(const hew_softmax_axis *a)
{
    for (size_t i = 0; i < a->lanes; i++) {
        const line x = {a->type, a->in, (int64_t)i, (int64_t)a->inner};
        forward(&(scores){x, a->scale, NULL}, a->columns, 1, a->log, a->out, (int64_t)i);
    }
}

/* ----------------------------------------------------------------------------- backward ----- */

static float grad_sum(line y, line dy, size_t n, size_t lanes, bool log)
{
    float s[GRAD_LANES] = {0};
    for (size_t j = 0; j < n; j++) {
        float *lane = &s[j % lanes];
        *lane = log ? *lane + at(dy, j) : fmaf(at(y, j), at(dy, j), *lane);
    }
    if (lanes == 1)
        return s[0];
    for (size_t l = 0; l < LANES; l++)
        s[l] = (s[l] + s[l + 16]) + (s[l + 32] + s[l + 48]);
    return tree(s);
}

static void backward(const hew_softmax_grad *g, line y, line dy, size_t n, size_t lanes,
                     int64_t first)
{
    const float sum = grad_sum(y, dy, n, lanes, g->log);
    for (size_t j = 0; j < n; j++) {
        const float out = at(y, j);
        const float dx = g->log ? fmaf(-ref_exp(min_of(0.0f, out)), sum, at(dy, j))
                                : out * (at(dy, j) - sum);
        hew_ref_store_type(g->type, g->in, first + (int64_t)j * y.step, one_nan(dx * g->scale));
    }
}

void hew_softmax_grad_ref(const hew_softmax_grad *g)
{
    for (size_t i = 0; i < g->rows; i++) {
        const int64_t from = (int64_t)(i * g->y_stride), to = (int64_t)(i * g->in_stride);
        backward(g, (line){g->type, g->y, from, 1}, (line){g->type, g->dy, from, 1}, g->visible,
                 GRAD_LANES, to);
        for (size_t j = g->visible; j < g->columns; j++)
            hew_ref_store_type(g->type, g->in, to + (int64_t)j, 0.0f);
    }
}

void hew_softmax_axis_grad_ref(const hew_softmax_grad *g)
{
    for (size_t i = 0; i < g->lanes; i++) {
        const int64_t step = (int64_t)g->inner;
        backward(g, (line){g->type, g->y, (int64_t)i, step},
                 (line){g->type, g->dy, (int64_t)i, step}, g->columns, 1, (int64_t)i);
    }
}
