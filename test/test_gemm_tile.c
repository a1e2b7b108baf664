/* Each matrix kernel of kernels.def by itself, against the contract in src/core/kernels.h. */
#include "operand.h"

#include <math.h>
#include <string.h>

enum { STEPS = 3, MAX_K = 9, MAX_NR = 64, WIDE = 3, ROWS_B = STEPS * MAX_K };

/* What a call is given, in guarded memory, and what it must leave. */
typedef struct call {
    hew_gemm_tile t;
    hew_epilogue e;
    hew_reduce_step steps[STEPS];
    buffer a, b, c, partial, scale, bias, add, residual;
    float want_c[HEW_MAX_MR * (MAX_NR + WIDE)], want_partial[HEW_MAX_MR * MAX_NR];
} call;

static buffer floats(rng *r, size_t n, size_t alignment, placement where)
{
    buffer b = buffer_new(n * sizeof(float), alignment, where);
    fill_f32(r, b.data, n, FILL_MIXED);
    return b;
}

/* Steps take their rows of B in an order of their own; A ends with the last row's k floats. */
static void make_steps(call *x, rng *r, int mr, placement where)
{
    const size_t k = x->t.k, m = (size_t)x->t.m, first = (size_t)rng_between(r, 0, 2);
    const size_t offset = (size_t)rng_between(r, 0, 2), row = offset + k;
    x->a = floats(r, STEPS * m * row, 4, where);
    x->t.a_offset = offset * 4;
    for (size_t s = 0; s < STEPS; s++) {
        x->steps[s].b_row = (first + s) % STEPS * k;
        for (int i = 0; i < mr; i++)
            x->steps[s].a[i] =
                i < x->t.m ? (const float *)x->a.data + (s * m + (size_t)i) * row : NULL;
    }
}

static void make_epilogue(call *x, rng *r, placement where)
{
    const size_t n = (size_t)x->t.n, m = (size_t)x->t.m, stride = n + (size_t)rng_between(r, 0, 2);
    const bool clamped = rng_chance(r, 2);
    x->e = (hew_epilogue){.alpha = rng_f32(r), .beta = rng_f32(r), .add_stride = stride * 4,
                          .clamps = clamped,
                          .lo = clamped ? -0.5f : -INFINITY, .hi = clamped ? 0.5f : INFINITY};
    if (rng_chance(r, 2))
        x->scale = floats(r, n, 4, where);
    if (rng_chance(r, 2))
        x->bias = floats(r, n, 4, where);
    if (rng_chance(r, 2))
        x->add = floats(r, (m - 1) * stride + n, 4, where);
    if (rng_chance(r, 3)) {
        x->e.residual_stride = (n + 1) * 4;
        x->residual = floats(r, (m - 1) * (n + 1) + n, 4, where);
    }
    x->e.residual = x->residual.data;
    x->e.scale = x->scale.data;
    x->e.bias = x->bias.data;
    x->e.add = x->add.data;
    x->t.epilogue = &x->e;
}

/* Columns past n are zero, in a panel and where B is read in place. */
static float want_sum(const call *x, int nr, int i, int j)
{
    float sum = 0.0f;
    const size_t stride = x->t.b_stride ? x->t.b_stride / 4 : (size_t)nr;
    for (size_t s = 0; j < x->t.n && s < x->t.n_steps; s++)
        for (size_t k = 0; k < x->t.k; k++)
            sum = fmaf(((const float *)x->steps[s].a[i])[x->t.a_offset / 4 + k],
                       ((const float *)x->t.b)[(x->steps[s].b_row + k) * stride + (size_t)j],
                       sum);
    return x->t.add_partial ? ((const float *)x->t.partial)[i * nr + j] + sum : sum;
}

static float want_value(const call *x, float sum, int i, int j)
{
    const hew_epilogue *e = &x->e;
    float v = fmaf(sum, e->scale ? e->alpha * e->scale[j] : e->alpha,
                   (e->bias ? e->bias[j] : 0.0f) + 0.0f);
    if (e->add)
        v = fmaf(e->beta, ((const float *)e->add)[(size_t)i * e->add_stride / 4 + (size_t)j], v);
    if (e->residual)
        v = v + e->residual[(size_t)i * e->residual_stride / 4 + (size_t)j];
    v = e->lo > v ? e->lo : v;
    return e->hi < v ? e->hi : v;
}

static void compute_want(call *x, int nr)
{
    const size_t stride = x->t.c_stride / 4;
    memcpy(x->want_c, x->c.data, x->c.bytes);
    memcpy(x->want_partial, x->partial.data, x->partial.bytes);
    for (int i = 0; i < x->t.m; i++)
        for (int j = 0; j < nr; j++) {
            if (x->t.last && j >= x->t.n)
                continue;
            const float sum = want_sum(x, nr, i, j);
            if (x->t.last)
                x->want_c[(size_t)i * stride + (size_t)j] = want_value(x, sum, i, j);
            else
                x->want_partial[i * nr + j] = sum;
        }
}

static void zero_past_n(call *x, int nr)
{
    for (size_t k = 0; k < ROWS_B; k++)
        for (int j = x->t.n; j < nr; j++)
            ((float *)x->b.data)[k * (size_t)nr + (size_t)j] = 0.0f;
}

static void run_call(const hew_kernel *kernel, int m, int n, rng *r, placement where)
{
    const bool direct = kernel->family == HEW_FAMILY_direct_f32;
    const int nr = kernel->nr;
    call x = {.t = {.m = m, .n = n, .k = (size_t)rng_between(r, 1, MAX_K),
                    .n_steps = (size_t)rng_between(r, 0, STEPS), .add_partial = rng_chance(r, 2),
                    .last = rng_chance(r, 2), .steps = x.steps}};
    const size_t wide = (size_t)rng_between(r, 0, WIDE), stride = (size_t)n + wide;
    x.t.b_stride = direct ? stride * 4 : 0;
    x.t.c_stride = stride * 4;
    x.c = buffer_new(((size_t)(m - 1) * stride + (size_t)n) * 4, 4, where);
    poison_f32(x.c.data, x.c.bytes / 4);
    x.partial = floats(r, (size_t)(m * nr), HEW_ALIGNMENT, where);
    if (direct) {
        x.b = floats(r, (STEPS * x.t.k - 1) * stride + (size_t)n, 4, where);
    } else {
        x.b = floats(r, ROWS_B * (size_t)nr, HEW_ALIGNMENT, where);
        zero_past_n(&x, nr);
    }
    x.t.b = x.b.data;
    x.t.c = x.c.data;
    x.t.partial = x.partial.data;
    make_steps(&x, r, kernel->mr, where);
    make_epilogue(&x, r, where);
    compute_want(&x, nr);

    state_save();
    HEW_FN(gemm_f32, kernel)(&x.t);
    state_check();
    check_bits("C", x.want_c, x.c.data, layout_of(m, (int64_t)stride, n), NAN_BITS);
    if (!x.t.last)
        check_bits("the partial sums", x.want_partial, x.partial.data,
                   layout_of(m, nr, nr), NAN_BITS);
    buffer *const all[] = {&x.a, &x.b, &x.c, &x.partial, &x.scale, &x.bias, &x.add,
                           &x.residual};
    for (int i = 0; i < 8; i++)
        buffer_free(all[i]);
}

static void run_kernel(const hew_kernel *kernel, int least_n)
{
    for (int m = 1; m <= kernel->mr; m++)
        for (int n = least_n; n <= kernel->nr; n++)
            for (int i = 0; i < 6; i++) {
                rng r = case_rng("%s, m %d n %d, %d", kernel->name, m, n, i);
                run_call(kernel, m, n, &r, (placement)(i % PLACEMENTS));
            }
}

/* The narrowest tile is one register wide.  Where B is read in place, a kernel gets columns for
 * each of its registers: fewer have a kernel of their own. */
static void run_family(int family)
{
    int narrowest = MAX_NR;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < hew_all_kernels_count; i++) {
            const hew_kernel *kernel = &hew_all_kernels[i];
            if (kernel->family != family || kernel->isa != test_rung())
                continue;
            if (kernel->nr < narrowest)
                narrowest = kernel->nr;
            if (pass == 1)
                run_kernel(kernel, family == HEW_FAMILY_direct_f32 ? kernel->nr - narrowest + 1
                                                                   : 1);
        }
}

static void packed_tiles(void) { run_family(HEW_FAMILY_gemm_f32); }
static void direct_tiles(void) { run_family(HEW_FAMILY_direct_f32); }

int main(void)
{
    static const test tests[] = {{"packed", packed_tiles}, {"direct", direct_tiles}};
    return run_on_rungs("gemm_f32_tile", HEW_FAMILY_gemm_f32, TESTS(tests));
}
