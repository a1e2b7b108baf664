/* Each integer matrix kernel of kernels.def by itself, against the contract in its header. */
#include "harness.h"
#include "panels.h"

#include <math.h>
#include <string.h>

enum { PARTS = 3, STEPS = 3, MAX_NR = 64, WIDE = 3, HUGE_K = 70000 };

/* What a chain of calls is given, in guarded memory: a part of the reduction each. */
typedef struct call {
    const hew_kernel *kernel;
    bool is_signed; /* A */
    hew_gemm_tile t;
    hew_epilogue e;
    hew_quant q;
    size_t parts, part_steps[PARTS], part_k[PARTS];
    hew_reduce_step steps[PARTS][STEPS];
    buffer a, b, c, partial, scale, bias, add;
    buffer b_sums, bias_s32, b_zero, row_sums, row_zero, row_scale;
} call;

/* The inputs of interest. */
typedef enum values {
    ANY,     /* all bytes alike */
    ENDS,    /* zeros, and both ends of the types' ranges */
    LARGEST, /* 255 * -128, or -128 * -128, everywhere */
    VALUES
} values;

static size_t size_of(hew_type type) { return type == HEW_S8 || type == HEW_U8 ? 1 : 4; }
static bool takes_s8(const hew_kernel *k) { return k->family == HEW_FAMILY_gemm_s8s8; }

/* ------------------------------------------------------------------------------- inputs ---- */

static int8_t some_byte(rng *r, values v, int8_t largest)
{
    static const uint8_t ends[] = {0, 0x7f, 0x80, 0xff};
    if (v == LARGEST)
        return largest;
    return (int8_t)(v == ENDS ? ends[rng_between(r, 0, 3)] : rng_between(r, 0, 255));
}

static buffer ints(rng *r, size_t n, int64_t low, int64_t high, placement where)
{
    buffer b = buffer_new(n * 4, 4, where);
    for (size_t i = 0; i < n; i++)
        ((int32_t *)b.data)[i] = (int32_t)rng_between(r, low, high);
    return b;
}

static buffer floats(rng *r, size_t n, placement where)
{
    buffer b = buffer_new(n * 4, 4, where);
    fill_f32(r, b.data, n, rng_chance(r, 6) ? FILL_SPECIALS : FILL_MIXED);
    return b;
}

/* Element (kk, j) of a step's rows of B. */
static int element_of_b(const call *x, const hew_reduce_step *step, size_t kk, int j)
{
    const size_t depth = (size_t)x->kernel->depth;
    const size_t word = (step->b_row + kk / depth) * (size_t)x->kernel->nr + (size_t)j;
    const char *at = (const char *)x->b.data + word * 4 + kk % depth * (4 / depth);
    if (depth == 4)
        return (int8_t)*at;
    int16_t wide;
    memcpy(&wide, at, sizeof wide);
    return wide;
}

static int element_of_a(const call *x, const hew_reduce_step *step, int i, size_t kk)
{
    const uint8_t byte = ((const uint8_t *)step->a[i])[x->t.a_offset + kk];
    return x->is_signed ? (int8_t)byte : byte;
}

/* B: elements past n and past k are zeros, everything else as `v` says. */
static void make_b(call *x, rng *r, values v, size_t rows, placement where)
{
    const int depth = x->kernel->depth, nr = x->kernel->nr;
    x->b = buffer_new(rows * (size_t)nr * 4, HEW_ALIGNMENT, where);
    memset(x->b.data, 0, x->b.bytes);
    for (size_t p = 0; p < x->parts; p++)
        for (size_t s = 0; s < x->part_steps[p]; s++)
            for (size_t kk = 0; kk < x->part_k[p]; kk++)
                for (int j = 0; j < x->t.n; j++) {
                    const size_t row = x->steps[p][s].b_row + kk / (size_t)depth;
                    char *at = (char *)x->b.data + (row * (size_t)nr + (size_t)j) * 4 +
                               kk % (size_t)depth * (size_t)(4 / depth);
                    const int16_t element = some_byte(r, v, -128);
                    memcpy(at, &element, (size_t)(4 / depth)); /* little-endian */
                }
}

/* Any of the rows of A may be the one that ends where no more can be read. */
static void make_a(call *x, rng *r, values v, placement where)
{
    size_t bytes = 0, at = 0, count = 0;
    struct {
        const void **to;
        size_t bytes;
    } rows[PARTS * STEPS * HEW_MAX_MR];
    for (size_t p = 0; p < x->parts; p++)
        for (size_t s = 0; s < x->part_steps[p]; s++)
            for (int i = 0; i < x->t.m; i++, count++) {
                rows[count].to = &x->steps[p][s].a[i];
                rows[count].bytes = x->t.a_offset + x->part_k[p];
                bytes += rows[count].bytes;
            }
    x->a = buffer_new(bytes, 1, where);
    for (size_t i = 0; i < bytes; i++)
        ((int8_t *)x->a.data)[i] = some_byte(r, v, x->is_signed ? -128 : -1);
    const size_t first = count > 0 ? (size_t)rng_between(r, 0, (int64_t)count - 1) : 0;
    for (size_t i = 0; i < count; i++) {
        *rows[(first + i) % count].to = (const char *)x->a.data + at;
        at += rows[(first + i) % count].bytes;
    }
}

/* Steps take their rows of B in an order of their own. */
static void make_steps(call *x, rng *r, size_t most_k, values v, placement where)
{
    size_t rows = 0;
    const bool huge = most_k >= HUGE_K;
    x->parts = huge ? 1 : (size_t)rng_between(r, 1, PARTS);
    x->t.a_offset = (size_t)rng_between(r, 0, 5);
    for (size_t p = 0; p < x->parts; p++) {
        x->part_k[p] = huge ? most_k : (size_t)rng_between(r, 1, (int64_t)most_k);
        x->part_steps[p] = huge ? 1 : (size_t)rng_between(r, rng_chance(r, 8) ? 0 : 1, STEPS);
        const size_t each = hew_ceil_div(x->part_k[p], (size_t)x->kernel->depth);
        for (size_t s = 0; s < x->part_steps[p]; s++)
            x->steps[p][s].b_row = rows + (x->part_steps[p] - 1 - s) * each;
        rows += x->part_steps[p] * each;
        x->q.k += (int32_t)(x->part_steps[p] * x->part_k[p]);
    }
    make_b(x, r, v, rows, where);
    make_a(x, r, v, where);
}

static void make_quant(call *x, rng *r, placement where)
{
    static const hew_type types[] = {HEW_F32, HEW_U8, HEW_S8, HEW_S32};
    const int low = x->is_signed ? -128 : 0;
    hew_quant *q = &x->q;
    q->c_type = types[rng_between(r, 0, 3)];
    q->a_zero = (int32_t)(rng_chance(r, 2) ? rng_between(r, 0, 1) * 255 : rng_between(r, 0, 255)) +
                low;
    q->c_zero = q->c_type == HEW_S8 ? (int32_t)rng_between(r, -128, 127)
                                    : (int32_t)rng_between(r, 0, 255);
    q->c_inverse = rng_chance(r, 2) ? 1.0f : 8.0f + rng_f32(r);
    x->b_sums = ints(r, (size_t)x->t.n, 0, 0, where);
    for (size_t p = 0; p < x->parts; p++)
        for (size_t s = 0; s < x->part_steps[p]; s++)
            for (size_t kk = 0; kk < x->part_k[p]; kk++)
                for (int j = 0; j < x->t.n; j++)
                    ((int32_t *)x->b_sums.data)[j] += element_of_b(x, &x->steps[p][s], kk, j);
    if (rng_chance(r, 2)) /* from either end of s32, so that sums wrap */
        x->bias_s32 = rng_chance(r, 3) ? ints(r, (size_t)x->t.n, INT32_MIN, INT32_MAX, where)
                                       : ints(r, (size_t)x->t.n, -70000, 70000, where);
    if (rng_chance(r, 5)) {
        x->b_zero = ints(r, (size_t)x->t.n, -128, 127, where);
        x->row_sums = ints(r, (size_t)x->t.m, INT32_MIN, INT32_MAX, where);
    }
    if (rng_chance(r, 5))
        x->row_zero = ints(r, (size_t)x->t.m, low, low + 255, where);
    if (rng_chance(r, 5))
        x->row_scale = floats(r, (size_t)x->t.m, where);
    q->b_sums = x->b_sums.data;
    q->bias = x->bias_s32.data;
    q->b_zero = x->b_zero.data;
    q->row_sums = x->row_sums.data;
    q->row_zero = x->row_zero.data;
    q->row_scale = x->row_scale.data;
    x->t.quant = q;
}

static void make_epilogue(call *x, rng *r, placement where)
{
    static const hew_type types[] = {HEW_F32, HEW_U8, HEW_S8};
    const size_t n = (size_t)x->t.n, m = (size_t)x->t.m, stride = n + (size_t)rng_between(r, 0, 2);
    const bool clamps = rng_chance(r, 2);
    x->e = (hew_epilogue){.alpha = rng_chance(r, 2) ? 1.0f : rng_f32(r) * 0.01f,
                          .beta = rng_f32(r), .clamps = clamps,
                          .lo = clamps ? -37.0f : -INFINITY, .hi = clamps ? 71.5f : INFINITY};
    x->e.lo = clamps && rng_chance(r, 4) ? 80.0f /* over hi */ : x->e.lo;
    if (rng_chance(r, 4))
        x->e.alpha = 0x1p-13f;
    else
        x->scale = floats(r, n, where);
    for (size_t j = 0; j < n && x->scale.data; j++)
        ((float *)x->scale.data)[j] *= 0x1p-9f;
    if (rng_chance(r, 2))
        x->bias = floats(r, n, where);
    x->q.add_type = types[rng_between(r, 0, 2)];
    x->q.add_zero = (int32_t)(x->q.add_type == HEW_S8 ? rng_between(r, -128, 127)
                                                      : rng_between(r, 0, 255));
    x->e.add_stride = stride * size_of(x->q.add_type);
    if (rng_chance(r, 2) && x->q.add_type == HEW_F32) {
        x->add = floats(r, (m - 1) * stride + n, where);
    } else if (rng_chance(r, 2) && x->q.add_type != HEW_F32) {
        x->add = buffer_new((m - 1) * stride + n, 1, where);
        for (size_t i = 0; i < x->add.bytes; i++)
            ((int8_t *)x->add.data)[i] = some_byte(r, ANY, 0);
    }
    x->e.scale = x->scale.data;
    x->e.bias = x->bias.data;
    x->e.add = x->add.data;
    x->t.epilogue = x->q.c_type == HEW_S32 ? NULL : &x->e;
}

/* -------------------------------------------------------------------------- what must be --- */

static int32_t want_sum(const call *x, int i, int j)
{
    const hew_quant *q = &x->q;
    uint32_t s = q->bias ? (uint32_t)q->bias[j] : 0;
    for (size_t p = 0; p < x->parts; p++)
        for (size_t t = 0; t < x->part_steps[p]; t++)
            for (size_t kk = 0; kk < x->part_k[p]; kk++)
                s += (uint32_t)(element_of_a(x, &x->steps[p][t], i, kk) *
                                element_of_b(x, &x->steps[p][t], kk, j));
    const uint32_t zero = (uint32_t)(q->row_zero ? q->row_zero[i] : q->a_zero);
    s -= zero * (uint32_t)q->b_sums[j];
    if (q->b_zero)
        s -= (uint32_t)q->b_zero[j] * ((uint32_t)q->row_sums[i] - (uint32_t)q->k * zero);
    return (int32_t)s;
}

static float want_value(const call *x, int32_t sum, int i, int j)
{
    const hew_epilogue *e = &x->e;
    const hew_quant *q = &x->q;
    float factor = e->scale ? e->alpha * e->scale[j] : e->alpha;
    if (q->row_scale)
        factor = factor * q->row_scale[i];
    float v = fmaf((float)sum, factor, ((e->bias ? e->bias[j] : 0.0f) + 0.0f) * q->c_inverse);
    if (e->add) {
        const char *at = (const char *)e->add + (size_t)i * e->add_stride +
                         (size_t)j * size_of(q->add_type);
        float addend = (float)((q->add_type == HEW_S8 ? (int8_t)*at : (uint8_t)*at) - q->add_zero);
        if (q->add_type == HEW_F32)
            memcpy(&addend, at, sizeof addend);
        v = fmaf(e->beta, addend, v);
    }
    v = e->lo > v ? e->lo : v;
    return e->hi < v ? e->hi : v;
}

/* In double, where all of it is exact: no rounding mode matters. */
static uint8_t want_byte(const hew_quant *q, float v)
{
    const int low = q->c_type == HEW_U8 ? 0 : -128;
    const double x = v;
    if (isnan(x))
        return (uint8_t)q->c_zero;
    if (x < -1000 || x > 1000)
        return (uint8_t)(x < 0 ? low : low + 255);
    int below = (int)x - (x < (int)x);
    const double rest = x - below;
    below += rest > 0.5 || (rest == 0.5 && below % 2 != 0);
    below += q->c_zero;
    return (uint8_t)(below < low ? low : below > low + 255 ? low + 255 : below);
}

static void store_want(const call *x, char *to, int i, int j)
{
    const int32_t sum = want_sum(x, i, j);
    if (x->q.c_type == HEW_S32) {
        memcpy(to, &sum, 4);
        return;
    }
    const float v = want_value(x, sum, i, j);
    if (x->q.c_type == HEW_F32)
        memcpy(to, &v, 4);
    else
        *to = (char)want_byte(&x->q, v);
}

static void check_c(const call *x, const char *want)
{
    const char *got = x->c.data;
    size_t wrong = 0, first = 0;
    for (size_t i = 0; i < x->c.bytes; i++)
        if (got[i] != want[i] && wrong++ == 0)
            first = i;
    if (wrong > 0)
        fail_case("C[%zu] byte %zu of a row: want %02x, got %02x; type %d, stride %zu, %zu wrong",
                  first / x->t.c_stride, first % x->t.c_stride, (uint8_t)want[first],
                  (uint8_t)got[first], (int)x->q.c_type, x->t.c_stride, wrong);
}

/* -------------------------------------------------------------------------------- calls ---- */

static void run_parts(call *x, char *want)
{
    state_save();
    for (size_t p = 0; p < x->parts; p++) {
        x->t.steps = x->steps[p];
        x->t.n_steps = x->part_steps[p];
        x->t.k = x->part_k[p];
        x->t.add_partial = p > 0;
        x->t.last = p == x->parts - 1;
        if (x->t.last)
            check_c(x, want); /* not written yet */
        HEW_FN(gemm_u8s8, x->kernel)(&x->t);
    }
    state_check();
}

static void run_call(const hew_kernel *kernel, int m, int n, size_t most_k, values v, rng *r,
                     placement where)
{
    static char want[HEW_MAX_MR * (MAX_NR + WIDE) * 4];
    hew_tame tame;
    call x = {.kernel = kernel, .is_signed = takes_s8(kernel), .t = {.m = m, .n = n}};
    make_steps(&x, r, most_k, v, where);
    make_quant(&x, r, where);
    make_epilogue(&x, r, where);
    /* False is always right. */
    if (!rng_chance(r, 4))
        hew_quant_tame(&x.e, &x.q, (size_t)n, &tame);
    const size_t size = size_of(x.q.c_type);
    x.t.c_stride = ((size_t)n + (size_t)rng_between(r, 0, WIDE)) * size;
    x.c = buffer_new((size_t)(m - 1) * x.t.c_stride + (size_t)n * size, size, where);
    x.partial = buffer_new((size_t)(m * kernel->nr) * 4, HEW_ALIGNMENT, where);
    memset(x.c.data, 0x5b, x.c.bytes);
    memset(x.partial.data, 0x5b, x.partial.bytes);
    x.t.b = x.b.data;
    x.t.c = x.c.data;
    x.t.partial = x.partial.data;
    memcpy(want, x.c.data, x.c.bytes);
    run_parts(&x, want);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++)
            store_want(&x, want + (size_t)i * x.t.c_stride + (size_t)j * size, i, j);
    check_c(&x, want);
    buffer *const all[] = {&x.a, &x.b, &x.c, &x.partial, &x.scale, &x.bias, &x.add, &x.b_sums,
                           &x.bias_s32, &x.b_zero, &x.row_sums, &x.row_zero, &x.row_scale};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        buffer_free(all[i]);
}

static void run_kernel(const hew_kernel *kernel, size_t most_k, int cases)
{
    for (int m = 1; m <= kernel->mr; m++)
        for (int n = 1; n <= kernel->nr; n++)
            for (int i = 0; i < cases; i++) {
                rng r = case_rng("%s, m %d n %d k <= %zu, %d", kernel->name, m, n, most_k, i);
                if (takes_case(&r, m * n * (int64_t)most_k))
                    run_call(kernel, m, n, most_k, (values)(i % VALUES), &r,
                             (placement)(i % PLACEMENTS));
            }
}

static bool is_under_test(const hew_kernel *k)
{
    return k->isa == test_rung() &&
           (k->family == HEW_FAMILY_gemm_u8s8 || k->family == HEW_FAMILY_gemm_s8s8);
}

static void run_all(size_t most_k, int cases)
{
    for (const hew_kernel *k = hew_all_kernels; k < hew_all_kernels + hew_all_kernels_count; k++)
        if (is_under_test(k))
            run_kernel(k, most_k, cases);
}

static void tiles(void) { run_all(17, 6); }

/* Past the stretches that a kernel may keep on its stack. */
static void long_rows(void) { run_all(300, 1); }

/* One sum of 255 * -128, or of -128 * -128 twice as long, is too large for 32 bits. */
static void wrapping(void)
{
    for (const hew_kernel *k = hew_all_kernels; k < hew_all_kernels + hew_all_kernels_count; k++) {
        rng r = case_rng("%s, huge k", k->name);
        if (is_under_test(k))
            run_call(k, 1, 2, takes_s8(k) ? 2 * HUGE_K : HUGE_K, LARGEST, &r, AT_BACK);
    }
}

/* Floats round as MXCSR says, bytes half to even. */
static void rounding_modes(void)
{
    uint32_t before, mxcsr;
    __asm__ volatile("stmxcsr %0" : "=m"(before)::"memory");
    for (uint32_t mode = 1; mode < 4; mode++) {
        mxcsr = before | mode << 13;
        __asm__ volatile("ldmxcsr %0" ::"m"(mxcsr) : "memory");
        run_all(6 + mode, 1);
        __asm__ volatile("ldmxcsr %0" ::"m"(before) : "memory");
    }
}

int main(void)
{
    static const test tests[] = {{"tiles", tiles}, {"long_rows", long_rows},
                                 {"wrapping", wrapping}, {"rounding_modes", rounding_modes}};
    return run_on_rungs("gemm_s8_tile", HEW_FAMILY_gemm_u8s8, TESTS(tests));
}
