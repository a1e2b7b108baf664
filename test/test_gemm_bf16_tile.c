/* Each bf16 matrix kernel of kernels.def by itself, against the contract in src/core/kernels.h,
 * computed by the emulator's models of instructions: nothing here depends on MXCSR. */
#include "format.h"
#include "tile_model.h"

#include <math.h>
#include <string.h>

enum { STEPS = 3, MAX_NR = 64, WIDE = 3 };

/* What a call is given, in guarded memory. */
typedef struct call {
    const hew_kernel *kernel;
    fill values;
    hew_gemm_tile t;
    hew_epilogue e;
    hew_quant q;
    hew_reduce_step steps[STEPS];
    buffer a, b, c, partial, scale, bias, add;
} call;

static buffer halves(rng *r, size_t n, size_t alignment, fill kind, placement where)
{
    buffer b = buffer_new(n * sizeof(uint16_t), alignment, where);
    fill_bf16(r, b.data, n, kind);
    return b;
}
static buffer floats(rng *r, size_t n, size_t alignment, fill kind, placement where)
{
    buffer b = buffer_new(n * sizeof(float), alignment, where);
    fill_f32(r, b.data, n, kind);
    return b;
}
static buffer elements(rng *r, hew_type type, size_t n, fill kind, placement where)
{
    return type == HEW_F32 ? floats(r, n, sizeof(float), kind, where)
                           : halves(r, n, sizeof(uint16_t), kind, where);
}

/* ------------------------------------------------------------------------------- inputs ---- */

/* Steps take their rows of B in an order of their own; A ends with some row's k elements. */
static void make_steps(call *x, rng *r, placement where)
{
    const size_t k = x->t.k, m = (size_t)x->t.m, first = (size_t)rng_between(r, 0, STEPS - 1);
    const size_t offset = (size_t)rng_between(r, 0, 2), row = offset + k, words = (k + 1) / 2;
    const size_t nr = (size_t)x->kernel->nr;
    x->a = halves(r, STEPS * m * row, sizeof(uint16_t), x->values, where);
    x->b = halves(r, STEPS * words * nr * 2, HEW_ALIGNMENT, x->values, where);
    x->t.a_offset = offset * sizeof(uint16_t);
    for (size_t s = 0; s < STEPS; s++) {
        x->steps[s].b_row = (first + s) % STEPS * words;
        for (size_t i = 0; i < m; i++)
            x->steps[s].a[i] = (uint16_t *)x->a.data + (s * m + i) * row;
        for (size_t kk = 0; kk < 2 * words; kk++)
            for (size_t j = 0; j < nr; j++)
                if (kk == k || j >= (size_t)x->t.n)
                    ((uint16_t *)x->b.data)[((s * words + kk / 2) * nr + j) * 2 + kk % 2] = 0;
    }
    x->t.steps = x->steps;
    x->t.b = x->b.data;
}

static void make_epilogue(call *x, rng *r, placement where)
{
    const size_t n = (size_t)x->t.n, m = (size_t)x->t.m, stride = n + (size_t)rng_between(r, 0, 2);
    const bool clamped = rng_chance(r, 2);
    x->q = (hew_quant){.c_type = rng_chance(r, 2) ? HEW_BF16 : HEW_F32,
                       .add_type = rng_chance(r, 2) ? HEW_BF16 : HEW_F32};
    x->e = (hew_epilogue){.alpha = rng_chance(r, 2) ? 1.0f : rng_f32(r), .beta = rng_f32(r),
                          .add_stride = stride * hew_type_size(x->q.add_type), .clamps = clamped,
                          .lo = clamped ? -0.5f : -INFINITY, .hi = clamped ? 0.5f : INFINITY};
    if (rng_chance(r, 2))
        x->scale = floats(r, n, sizeof(float), x->values, where);
    if (rng_chance(r, 2))
        x->bias = floats(r, n, sizeof(float), x->values, where);
    if (rng_chance(r, 2))
        x->add = elements(r, x->q.add_type, (m - 1) * stride + n, x->values, where);
    x->e.scale = x->scale.data;
    x->e.bias = x->bias.data;
    x->e.add = x->add.data;
    x->t.epilogue = &x->e;
    x->t.quant = &x->q;
}

/* -------------------------------------------------------------------------- what must be --- */

static uint32_t word_of_a(const call *x, size_t s, int i, size_t word)
{
    const uint16_t *row = (const uint16_t *)x->steps[s].a[i] + x->t.a_offset / sizeof(uint16_t);
    const uint32_t odd = 2 * word + 1 < x->t.k ? row[2 * word + 1] : 0;
    return row[2 * word] | odd << 16;
}

static float want_sum(const call *x, int i, int j)
{
    const size_t nr = (size_t)x->kernel->nr;
    uint32_t sum = 0;
    for (size_t s = 0; s < x->t.n_steps; s++)
        for (size_t word = 0; word < (x->t.k + 1) / 2; word++) {
            const size_t at = (x->steps[s].b_row + word) * nr + (size_t)j;
            sum = model_dot(EMU_VDPBF16PS, sum, word_of_a(x, s, i, word),
                            ((const uint32_t *)x->t.b)[at]);
        }
    return x->t.add_partial
               ? sum_of(((const float *)x->t.partial)[(size_t)i * nr + (size_t)j], float_of(sum))
               : float_of(sum);
}

static void check_c(const call *x, const void *want)
{
    const int64_t stride = (int64_t)(x->t.c_stride / hew_type_size(x->q.c_type));
    const layout l = layout_of(x->t.m, stride, x->t.n);
    if (x->q.c_type == HEW_F32)
        check_bits("C", want, x->c.data, l, NAN_ANY);
    else
        check_bf16("C", want, x->c.data, l, NAN_ANY);
}

/* -------------------------------------------------------------------------------- calls ---- */

/* The call, under MXCSR as drivers set it, and what it must leave: C, or the partial sums. */
static void run_and_check(call *x)
{
    static float want_c[HEW_MAX_MR * (MAX_NR + WIDE)], want_partial[HEW_MAX_MR * MAX_NR];
    const int nr = x->kernel->nr;
    memcpy(want_c, x->c.data, x->c.bytes);
    for (int i = 0; i < x->t.m; i++)
        for (int j = 0; j < nr; j++) {
            const float sum = want_sum(x, i, j);
            const float v = want_value(&x->e, &x->q, sum, i, j < x->t.n ? j : 0);
            char *at = (char *)want_c + (size_t)i * x->t.c_stride +
                       (size_t)j * hew_type_size(x->q.c_type);
            const uint16_t half = model_bf16_from_f32(bits_of(v));
            want_partial[i * nr + j] = sum;
            if (x->t.last && j < x->t.n)
                memcpy(at, x->q.c_type == HEW_F32 ? (const void *)&v : &half,
                       hew_type_size(x->q.c_type));
        }
    const unsigned mode = hew_bf16_mode();
    state_save();
    HEW_FN(gemm_bf16, x->kernel)(&x->t);
    state_check();
    hew_restore_mode(mode);
    check_c(x, want_c);
    if (!x->t.last)
        check_bits("the partial sums", want_partial, x->partial.data, layout_of(x->t.m, nr, nr),
                   NAN_ANY);
}

static void run_call(const hew_kernel *kernel, int m, int n, size_t most_k, fill values, rng *r,
                     placement where)
{
    call x = {.kernel = kernel, .values = values,
              .t = {.m = m, .n = n, .k = (size_t)rng_between(r, 1, (int64_t)most_k),
                    .n_steps = (size_t)rng_between(r, rng_chance(r, 8) ? 0 : 1, STEPS),
                    .add_partial = rng_chance(r, 2), .last = !rng_chance(r, 3)}};
    make_steps(&x, r, where);
    make_epilogue(&x, r, where);
    const size_t stride = (size_t)n + (size_t)rng_between(r, 0, WIDE);
    x.t.c_stride = stride * hew_type_size(x.q.c_type);
    x.c = elements(r, x.q.c_type, (size_t)(m - 1) * stride + (size_t)n, FILL_POISON, where);
    x.partial = floats(r, (size_t)(m * kernel->nr), HEW_ALIGNMENT, values, where);
    x.t.c = x.c.data;
    x.t.partial = x.partial.data;
    run_and_check(&x);
    buffer *const all[] = {&x.a, &x.b, &x.c, &x.partial, &x.scale, &x.bias, &x.add};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        buffer_free(all[i]);
}

static void run_kernels(size_t most_k, int cases)
{
    static const fill fills[] = {FILL_MIXED, FILL_SPECIALS, FILL_TINY, FILL_MIXED, FILL_DENORMALS,
                                 FILL_NANS};
    for (size_t l = 0; l < hew_all_kernels_count; l++) {
        const hew_kernel *kernel = &hew_all_kernels[l];
        if (kernel->family != HEW_FAMILY_gemm_bf16 || kernel->isa != test_rung())
            continue;
        for (int m = 1; m <= kernel->mr; m++)
            for (int n = 1; n <= kernel->nr; n++)
                for (int i = 0; i < cases; i++) {
                    rng r = case_rng("%s, m %d n %d k <= %zu, %d", kernel->name, m, n, most_k, i);
                    if (takes_case(&r, m * n * (int64_t)most_k))
                        run_call(kernel, m, n, most_k, fills[i % 6], &r,
                                 (placement)(i / 2 % PLACEMENTS));
                }
    }
}

static void tiles(void) { run_kernels(19, 12); }
/* Past the rows that a kernel may keep on its stack. */
static void long_steps(void) { run_kernels(300, 1); }

int main(void)
{
    static const test tests[] = {{"tiles", tiles}, {"long_steps", long_steps}};
    return run_on_rungs("gemm_bf16_tile", HEW_FAMILY_gemm_bf16, TESTS(tests));
}
