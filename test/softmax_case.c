#include "softmax_case.h"

#include <math.h>
#include <string.h>

static int64_t inner_of(const hew_softmax_desc *d) { return d->inner ? d->inner : 1; }

static layout side(const hew_softmax_desc *d, int64_t stride)
{
    const int64_t dense = d->columns * inner_of(d);
    return layout_of(d->rows, stride ? stride : dense, dense);
}

static size_t width_of(const hew_softmax_desc *d) { return d->type == HEW_F32 ? 4 : 2; }

/* A tensor of some fill, or poisoned. */
static buffer tensor(const hew_softmax_desc *d, layout l, rng *r, fill kind, placement where)
{
    const size_t n = layout_span(l);
    buffer b = buffer_new(n * width_of(d), width_of(d), where);
    if (kind == FILL_POISON)
        memset(b.data, 0xa5, b.bytes);
    else if (d->type == HEW_F32)
        fill_f32(r, b.data, n, kind);
    else
        fill_bf16(r, b.data, n, kind);
    return b;
}

static double value(const hew_softmax_desc *d, const void *p, int64_t i)
{
    if (d->type == HEW_F32)
        return (double)((const float *)p)[i];
    const uint32_t bits = (uint32_t)((const uint16_t *)p)[i] << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return (double)x;
}

/* The mask with memory of its own; `add` and `lengths` end at a guard page. */
typedef struct mask {
    hew_softmax_mask m;
    buffer add, lengths;
} mask;

static mask mask_new(const softmax_case *c, rng *r)
{
    mask k = {.m = c->m};
    const int64_t heads = c->m.heads ? c->m.heads : 1, queries = c->m.queries ? c->m.queries : 1;
    const int64_t batch = c->d.rows / heads / queries;
    if (c->m.add) {
        const int64_t *s = c->m.add_stride;
        const int64_t n = (batch - 1) * s[0] + (heads - 1) * s[1] + (queries - 1) * s[2];
        k.add = buffer_new((size_t)(n + c->d.columns) * 4, 4, AT_BACK);
        float *add = k.add.data;
        fill_f32(r, add, (size_t)(n + c->d.columns), FILL_MIXED);
        for (int64_t i = 0; i < n + c->d.columns; i++)
            if (rng_chance(r, 7))
                add[i] = -INFINITY;
        k.m.add = add;
    }
    if (c->m.lengths) {
        const int64_t n = c->m.row_lengths ? c->d.rows : batch;
        k.lengths = buffer_new((size_t)n * 4, 4, AT_BACK);
        int32_t *lengths = k.lengths.data;
        for (int64_t i = 0; i < n; i++)
            lengths[i] = (int32_t)rng_between(r, -2, c->d.columns + 2);
        k.m.lengths = lengths;
    }
    return k;
}

static void mask_free(mask *k)
{
    if (k->add.region)
        buffer_free(&k->add);
    if (k->lengths.region)
        buffer_free(&k->lengths);
}

/* ------------------------------------------------------------- in double precision --------- */

/* Columns that a row sees, and what is added to column j. */
static int64_t seen(const softmax_case *c, const hew_softmax_mask *m, int64_t row)
{
    int64_t n = c->d.columns;
    if (m->size == 0)
        return n;
    const int64_t queries = m->queries ? m->queries : 1, heads = m->heads ? m->heads : 1;
    while (n > 0 && ((m->causal && n > row % queries + m->offset + 1) ||
                     (m->lengths && n > m->lengths[m->row_lengths ? row : row / queries / heads])))
        n--;
    return n;
}

static double added(const hew_softmax_mask *m, int64_t row, int64_t j)
{
    if (m->size == 0 || !m->add)
        return 0;
    const int64_t queries = m->queries ? m->queries : 1, heads = m->heads ? m->heads : 1;
    const int64_t q = row % queries, rest = row / queries;
    return (double)m->add[rest / heads * m->add_stride[0] + rest % heads * m->add_stride[1] +
                          q * m->add_stride[2] + j];
}

static void compare(const char *what, double got, double want, double bound, int64_t row, int64_t j)
{
    const bool same = isinf(want) ? got == want : fabs(got - want) <= bound + 0x1p-140;
    if (!same)
        fail_case("%s of row %lld, column %lld is %g, want %g within %g", what, (long long)row,
                  (long long)j, got, want, bound);
}

/* One axis that begins with element `in` of x and `out` of y. */
static void check_axis(const softmax_case *c, const hew_softmax_mask *m, int64_t row,
                       const void *x, int64_t in, const void *y, int64_t out)
{
    const hew_softmax_desc *d = &c->d;
    const int64_t step = inner_of(d), n = seen(c, m, row);
    const double scale = d->scale != 0 ? (double)d->scale : 1;
    const double half = d->type == HEW_F32 ? 0 : 0x1p-8;
    double max = -INFINITY, sum = 0, most = 0;
    for (int64_t j = 0; j < n; j++)
        max = fmax(max, scale * value(d, x, in + j * step) + added(m, row, j));
    for (int64_t j = 0; j < n; j++)
        sum += exp(scale * value(d, x, in + j * step) + added(m, row, j) - max);
    for (int64_t j = 0; j < n; j++)
        most = fmax(most, fabs(scale * value(d, x, in + j * step)));
    for (int64_t j = 0; j < d->columns; j++) {
        const double got = value(d, y, out + j * step);
        double v = -INFINITY;
        if (j < n)
            v = scale * value(d, x, in + j * step) + added(m, row, j) - max;
        const double want = d->log ? v - log(sum) : j < n ? exp(v) / sum : 0;
        const double errors = (double)n + 16 + 6 * (most + fabs(max)) + fmin(-v, 200);
        if (n > 0 && max == -INFINITY) {
            if (j < n && !isnan(got))
                fail_case("row %lld, which sees -inf alone, isn't NaN", (long long)row);
            continue;
        }
        if (n == 0 || j >= n)
            compare("a hidden element", got, d->log ? -INFINITY : 0, 0, row, j);
        else if (isinf(v))
            compare("an element", got, d->log ? -INFINITY : 0, 0, row, j);
        else
            compare("an element", got, want,
                    d->log ? (errors * 0x1p-24 + half) * (1 + fabs(want))
                           : (errors * 0x1p-23 + half) * want, row, j);
    }
}

static void check_axis_backward(const softmax_case *c, const hew_softmax_mask *m, int64_t row,
                                const void *y, const void *dy, int64_t from, const void *dx,
                                int64_t to)
{
    const hew_softmax_desc *d = &c->d;
    const int64_t step = inner_of(d), n = seen(c, m, row);
    const double scale = d->scale != 0 ? (double)d->scale : 1;
    const double half = d->type == HEW_F32 ? 0 : 0x1p-8;
    double sum = 0, all = 0;
    for (int64_t j = 0; j < n; j++) {
        const double term = value(d, dy, from + j * step) *
                            (d->log ? 1 : value(d, y, from + j * step));
        sum += term;
        all += fabs(term);
    }
    for (int64_t j = 0; j < d->columns; j++) {
        const double got = value(d, dx, to + j * step);
        const double yj = value(d, y, from + j * step), g = value(d, dy, from + j * step);
        const double factor = d->log ? exp(fmin(yj, 0)) : yj;
        const double want = j >= n ? 0 : scale * (d->log ? g - factor * sum : factor * (g - sum));
        const double size = fabs(scale) * (d->log ? fabs(g) + factor * all
                                                  : fabs(factor) * (fabs(g) + all));
        compare("the gradient", got, want, size * (double)(n + 8) * 0x1p-23 + half * fabs(want),
                row, j);
    }
}

/* ---------------------------------------------------------------------------- the runs ----- */

static hew_status forward(const softmax_case *c, const mask *k, const void *in, void *out,
                          const hew_threads *threads)
{
    return k->m.size ? hew_softmax_masked(&c->d, &k->m, in, out, threads)
                     : hew_softmax(&c->d, in, out, threads);
}

void check_softmax(const softmax_case *c, rng *r, fill kind, const hew_threads *threads)
{
    const placement where = (placement)rng_chance(r, 2);
    const layout in_side = side(&c->d, c->d.in_stride);
    const layout out_side = c->in_place ? in_side : side(&c->d, c->d.out_stride);
    mask k = mask_new(c, r);
    buffer in = tensor(&c->d, in_side, r, kind, where);
    buffer x = buffer_copy(in.data, in.bytes, width_of(&c->d), where);
    buffer want = c->in_place ? buffer_copy(in.data, in.bytes, width_of(&c->d), where)
                              : tensor(&c->d, out_side, r, FILL_POISON, where);
    buffer out = c->in_place ? in : buffer_copy(want.data, want.bytes, width_of(&c->d), where);
    use_ref();
    check_status(forward(c, &k, c->in_place ? want.data : in.data, want.data, NULL), HEW_OK);
    use_test_rung();
    state_save();
    const hew_status status = forward(c, &k, in.data, out.data, threads);
    state_check();
    check_status(status, HEW_OK);
    check_elements("out", c->d.type, want.data, out.data, out_side);
    for (int64_t i = 0; c->exact && i < c->d.rows; i++)
        for (int64_t lane = 0; lane < inner_of(&c->d); lane++)
            check_axis(c, &k.m, i, x.data, i * in_side.row_stride + lane, out.data,
                       i * out_side.row_stride + lane);
    buffer_free(&in);
    buffer_free(&x);
    buffer_free(&want);
    if (!c->in_place)
        buffer_free(&out);
    mask_free(&k);
}

void check_softmax_backward(const softmax_case *c, rng *r, fill kind, const hew_threads *threads)
{
    const placement where = (placement)rng_chance(r, 2);
    const layout y_side = side(&c->d, c->d.out_stride), x_side = side(&c->d, c->d.in_stride);
    const bool in_place = c->in_place && x_side.row_stride == y_side.row_stride;
    const size_t width = width_of(&c->d);
    mask k = mask_new(c, r);
    const hew_softmax_mask *m = k.m.size ? &k.m : NULL;
    buffer y = tensor(&c->d, y_side, r, kind, where), dy = tensor(&c->d, y_side, r, kind, where);
    buffer g = buffer_copy(dy.data, dy.bytes, width, where);
    buffer want = in_place ? buffer_copy(dy.data, dy.bytes, width, where)
                           : tensor(&c->d, x_side, r, FILL_POISON, where);
    buffer dx = in_place ? dy : buffer_copy(want.data, want.bytes, width, where);
    use_ref();
    check_status(hew_softmax_backward(&c->d, m, y.data, in_place ? want.data : dy.data, want.data,
                                      NULL), HEW_OK);
    use_test_rung();
    state_save();
    const hew_status status =
        hew_softmax_backward(&c->d, m, y.data, dy.data, dx.data, threads);
    state_check();
    check_status(status, HEW_OK);
    check_elements("gradient", c->d.type, want.data, dx.data, x_side);
    for (int64_t i = 0; c->exact && i < c->d.rows; i++)
        for (int64_t lane = 0; lane < inner_of(&c->d); lane++)
            check_axis_backward(c, &k.m, i, y.data, g.data, i * y_side.row_stride + lane, dx.data,
                                i * x_side.row_stride + lane);
    buffer_free(&y);
    buffer_free(&dy);
    buffer_free(&g);
    buffer_free(&want);
    if (!in_place)
        buffer_free(&dx);
    mask_free(&k);
}

softmax_case random_softmax(rng *r)
{
    static const float here[1];
    static const int32_t there[1];
    softmax_case c = {.d = HEW_SOFTMAX_DESC(.type = rng_chance(r, 3) ? HEW_BF16 : HEW_F32,
                                            .log = rng_chance(r, 2),
                                            .columns = rng_between(r, 1, rng_chance(r, 3) ? 300
                                                                                          : 40))};
    hew_softmax_desc *d = &c.d;
    int64_t batch = rng_between(r, 1, 3), heads = 1, queries = 1;
    if (rng_chance(r, 2)) {
        heads = rng_between(r, 1, 3), queries = rng_between(r, 1, 5);
        c.m = HEW_SOFTMAX_MASK(.heads = heads, .queries = queries, .causal = rng_chance(r, 3),
                               .row_lengths = rng_chance(r, 2));
        if (rng_chance(r, 2))
            c.m.add = here;
        for (int i = 0; i < 3 && c.m.add; i++)
            c.m.add_stride[i] = rng_chance(r, 2) ? 0 : rng_between(r, 0, 2 * d->columns);
        if (rng_chance(r, 3))
            c.m.lengths = there;
        c.m.offset = c.m.causal ? rng_between(r, -3, d->columns) : 0;
    } else if (rng_chance(r, 2)) {
        d->inner = rng_between(r, 1, rng_chance(r, 3) ? 200 : 40);
        d->columns = (d->columns + 3) / 4;
    }
    d->rows = batch * heads * queries;
    d->scale = rng_chance(r, 2) ? 0 : 4 * rng_f32(r);
    const int64_t dense = d->columns * inner_of(d);
    if (rng_chance(r, 2))
        d->in_stride = dense + rng_between(r, 0, 5);
    d->out_stride = rng_chance(r, 2) ? dense + rng_between(r, 0, 5) : d->in_stride;
    c.in_place = rng_chance(r, 3);
    if (c.in_place)
        d->out_stride = d->in_stride;
    return c;
}
