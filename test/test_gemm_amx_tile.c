/* Each matrix kernel of AMX by itself, against the contract in src/core/kernels_amx.h: bytes in
 * plain integers, bf16 by the emulator's model, which depends on no MXCSR. */
#include "format.h"
#include "tile_model.h"

#include <math.h>
#include <string.h>

enum { STEPS = 3, CHUNKS = 3, MAX_N = 64, MAX_M = 64, WIDE = 3 };

/* What a call is given, in guarded memory. */
typedef struct call {
    const hew_kernel *kernel;
    bool bf16, is_signed; /* A */
    int width;            /* columns of the sums */
    size_t words;         /* of a step */
    fill values;
    hew_gemm_tile t;
    hew_epilogue e;
    hew_quant q;
    hew_reduce_step steps[STEPS];
    buffer a, panels[2], c, partial, scale, bias, add;
    buffer b_sums, bias_s32, b_zero, row_sums, row_zero;
} call;

/* ------------------------------------------------------------------------------- inputs ---- */

static void fill_elements(const call *x, rng *r, void *p, size_t n)
{
    if (x->bf16) {
        fill_bf16(r, p, n, x->values);
        return;
    }
    const bool ends = x->values != FILL_MIXED;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)p)[i] = (uint8_t)(ends ? (rng_chance(r, 2) ? 0x7f : 0x80) ^ (rng_next(r) & 0x80)
                                           : rng_next(r));
}

/* The first row of each step; the last one's last row ends where no more can be read. */
static void make_a(call *x, rng *r, placement where)
{
    const size_t size = x->bf16 ? 2 : 1, row = x->t.k * size, m = (size_t)x->t.m;
    const size_t offset = (size_t)rng_between(r, 0, 3) * size;
    const size_t stride = row + offset + (size_t)rng_between(r, 0, 70) * size;
    const size_t step = (m - 1) * stride + offset + row, steps = x->t.n_steps;
    x->a = buffer_new(hew_max(steps, 1) * step, size, where);
    fill_elements(x, r, x->a.data, x->a.bytes / size);
    for (size_t s = 0; s < steps; s++)
        x->steps[s].a[0] = (const char *)x->a.data + s * step;
    x->t.a_offset = offset;
    x->t.a_stride = stride;
}

/* Steps take their rows of B in an order of their own.  Elements past n and past k are zeros. */
static void make_b(call *x, rng *r, placement where)
{
    const size_t nr = (size_t)x->kernel->nr, depth = (size_t)x->kernel->depth;
    const size_t first = (size_t)rng_between(r, 0, STEPS - 1), rows = STEPS * x->words;
    for (size_t s = 0; s < STEPS; s++)
        x->steps[s].b_row = (first + s) % STEPS * x->words;
    for (size_t p = 0; p < ((size_t)x->t.n > nr ? 2 : 1); p++) {
        x->panels[p] = buffer_new(rows * nr * 4, HEW_ALIGNMENT, where);
        char *const b = x->panels[p].data;
        fill_elements(x, r, b, rows * nr * depth);
        for (size_t kk = 0; kk < rows * depth; kk++)
            for (size_t j = 0; j < nr; j++)
                if (kk % (x->words * depth) >= x->t.k || p * nr + j >= (size_t)x->t.n)
                    memset(b + (kk / depth * nr + j) * 4 + kk % depth * (4 / depth), 0, 4 / depth);
    }
    x->t.b = x->panels[0].data;
    x->t.b_next = x->panels[1].data;
    x->t.b_stride = nr * 4;
}

static buffer floats(rng *r, size_t n, fill kind, size_t alignment, placement where)
{
    buffer b = buffer_new(n * 4, alignment, where);
    fill_f32(r, b.data, n, kind);
    return b;
}
static buffer ints(rng *r, size_t n, bool present, placement where)
{
    buffer b = {0};
    if (present)
        b = buffer_new(n * 4, 4, where);
    for (size_t i = 0; present && i < n; i++)
        ((int32_t *)b.data)[i] = (int32_t)rng_next(r);
    return b;
}

/* C of s32, with everything that is added to a sum. */
static void make_integer_epilogue(call *x, rng *r, placement where)
{
    const size_t n = (size_t)x->t.n, m = (size_t)x->t.m;
    const bool b_zero = rng_chance(r, 3);
    x->b_sums = ints(r, n, true, where);
    x->bias_s32 = ints(r, n, rng_chance(r, 2), where);
    x->b_zero = ints(r, n, b_zero, where);
    x->row_sums = ints(r, m, b_zero, where);
    x->row_zero = ints(r, m, rng_chance(r, 4), where);
    x->q = (hew_quant){.b_sums = x->b_sums.data, .bias = x->bias_s32.data,
                       .b_zero = x->b_zero.data, .row_sums = x->row_sums.data,
                       .row_zero = x->row_zero.data, .a_zero = (int32_t)rng_between(r, -1, 200),
                       .k = (int32_t)rng_between(r, 0, 5000), .c_type = HEW_S32};
}

static void make_float_epilogue(call *x, rng *r, placement where)
{
    const size_t n = (size_t)x->t.n, m = (size_t)x->t.m, stride = n + (size_t)rng_between(r, 0, 2);
    x->q = (hew_quant){.c_type = rng_chance(r, 2) ? HEW_BF16 : HEW_F32, .add_type = HEW_F32};
    x->e = (hew_epilogue){.alpha = rng_f32(r), .beta = rng_f32(r), .add_stride = stride * 4,
                          .lo = -INFINITY, .hi = 0.5f, .clamps = true};
    if (rng_chance(r, 2))
        x->scale = floats(r, n, x->values, 4, where);
    if (rng_chance(r, 2))
        x->bias = floats(r, n, x->values, 4, where);
    if (rng_chance(r, 2))
        x->add = floats(r, (m - 1) * stride + n, x->values, 4, where);
    x->e.scale = x->scale.data;
    x->e.bias = x->bias.data;
    x->e.add = x->add.data;
}

/* -------------------------------------------------------------------------- what must be --- */

static uint32_t word_of_a(const call *x, size_t s, int i, size_t word)
{
    const size_t bytes = x->t.k * (x->bf16 ? 2 : 1), left = bytes - word * 4;
    const char *row = (const char *)x->steps[s].a[0] + x->t.a_offset + (size_t)i * x->t.a_stride;
    uint32_t w = 0;
    memcpy(&w, row + word * 4, hew_min(left, 4));
    return w;
}
static uint32_t word_of_b(const call *x, size_t s, int j, size_t word)
{
    const int nr = x->kernel->nr;
    const uint32_t *panel = x->panels[j / nr].data;
    return panel[(x->steps[s].b_row + word) * (size_t)nr + (size_t)(j % nr)];
}

static uint32_t dot_bytes(const call *x, uint32_t a, uint32_t b)
{
    int32_t sum = 0;
    for (int i = 0; i < 32; i += 8)
        sum += (x->is_signed ? (int8_t)(a >> i) : (uint8_t)(a >> i)) * (int8_t)(b >> i);
    return (uint32_t)sum;
}

static uint32_t want_sum(const call *x, int i, int j)
{
    uint32_t sum = x->t.add_partial ? ((const uint32_t *)x->partial.data)[i * x->width + j] : 0;
    for (size_t s = 0; s < x->t.n_steps; s++)
        for (size_t start = 0; start < x->words; start += x->t.chunk) {
            uint32_t even = 0, odd = 0;
            for (size_t word = start; word < start + x->t.chunk; word++) {
                const uint32_t a = word_of_a(x, s, i, word), b = word_of_b(x, s, j, word);
                if (!x->bf16) {
                    sum += dot_bytes(x, a, b);
                    continue;
                }
                even = model_fma(a << 16, b << 16, even);
                odd = model_fma(a & 0xffff0000, b & 0xffff0000, odd);
            }
            if (x->bf16)
                sum = model_add(sum, model_add(even, odd));
        }
    return sum;
}

static uint32_t want_integer(const call *x, uint32_t sum, int i, int j)
{
    const hew_quant *q = &x->q;
    const uint32_t zero = (uint32_t)(q->row_zero ? q->row_zero[i] : q->a_zero);
    sum += (q->bias ? (uint32_t)q->bias[j] : 0) - zero * (uint32_t)q->b_sums[j];
    if (q->b_zero)
        sum -= (uint32_t)q->b_zero[j] * ((uint32_t)q->row_sums[i] - (uint32_t)q->k * zero);
    return sum;
}

/* -------------------------------------------------------------------------------- calls ---- */

static void check_c(const call *x, const void *want)
{
    const hew_type type = x->q.c_type;
    const layout l = layout_of(x->t.m, (int64_t)(x->t.c_stride / hew_type_size(type)), x->t.n);
    if (type == HEW_F32)
        check_bits("C", want, x->c.data, l, NAN_ANY);
    else if (type == HEW_BF16)
        check_bf16("C", want, x->c.data, l, NAN_ANY);
    else
        check_elements("C", type, want, x->c.data, l);
}

static void run_and_check(call *x)
{
    static char want_c[MAX_M * (MAX_N + WIDE) * 4];
    static uint32_t want[MAX_M * MAX_N];
    const int columns = x->width;
    memcpy(want_c, x->c.data, x->c.bytes);
    for (int i = 0; i < x->t.m; i++)
        for (int j = 0; j < columns; j++) {
            const uint32_t sum = want[i * columns + j] = want_sum(x, i, j);
            if (j >= x->t.n || !x->t.last)
                continue;
            const uint32_t v = x->bf16
                                   ? bits_of(want_value(&x->e, &x->q, float_of(sum), i, j))
                                   : want_integer(x, sum, i, j);
            const uint16_t half = model_bf16_from_f32(v);
            const size_t size = hew_type_size(x->q.c_type);
            memcpy(want_c + (size_t)i * x->t.c_stride + (size_t)j * size,
                   size == 2 ? (const void *)&half : &v, size);
        }
    size_t count;
    amx_config_fn *config = HEW_FN(amx_config, hew_kernels(HEW_FAMILY_amx_config, &count));
    const unsigned mode = x->bf16 ? hew_bf16_mode() : 0;
    state_save();
    config(&(hew_amx_shape){x->t.m, x->t.n, (int)x->t.chunk});
    ((hew_gemm_fn *)x->kernel->fn)(&x->t);
    config(NULL);
    state_check();
    if (x->bf16)
        hew_restore_mode(mode);
    check_c(x, want_c);
    const layout l = layout_of(x->t.m, columns, columns);
    if (x->bf16 && !x->t.last)
        check_bits("the partial sums", (float *)want, x->partial.data, l, NAN_ANY);
    else if (!x->t.last)
        check_elements("the partial sums", HEW_S32, want, x->partial.data, l);
}

static void run_call(const hew_kernel *kernel, int m, int n, fill values, rng *r, placement where)
{
    call x = {.kernel = kernel, .values = values, .bf16 = kernel->family == HEW_FAMILY_amx_bf16,
              .is_signed = kernel->family == HEW_FAMILY_amx_s8s8, .width = (n + 15) / 16 * 16,
              .t = {.m = m, .n = n,
                    .n_steps = (size_t)rng_between(r, rng_chance(r, 8) ? 0 : 1, STEPS),
                    .chunk = (size_t)rng_between(r, 1, 16),
                    .add_partial = rng_chance(r, 2), .last = rng_chance(r, 2)}};
    x.words = x.t.chunk * (size_t)rng_between(r, 1, CHUNKS);
    x.t.k = x.words * (size_t)kernel->depth;
    if (rng_chance(r, 2)) /* half a word */
        x.t.k -= (size_t)rng_between(r, 0, kernel->depth - 1);
    make_a(&x, r, where);
    make_b(&x, r, where);
    x.bf16 ? make_float_epilogue(&x, r, where) : make_integer_epilogue(&x, r, where);
    const size_t stride = (size_t)(n + rng_between(r, 0, WIDE)), size = hew_type_size(x.q.c_type);
    x.c = buffer_new(((size_t)(m - 1) * stride + (size_t)n) * size, size, where);
    memset(x.c.data, 0xEE, x.c.bytes);
    x.partial = floats(r, (size_t)(m * x.width), values, HEW_ALIGNMENT, where);
    x.t.steps = x.steps;
    x.t.epilogue = &x.e;
    x.t.quant = &x.q;
    x.t.c = x.c.data;
    x.t.c_stride = stride * size;
    x.t.partial = x.partial.data;
    run_and_check(&x);
    buffer *const all[] = {&x.a, &x.panels[0], &x.panels[1], &x.c, &x.partial, &x.scale, &x.bias,
                           &x.add, &x.b_sums, &x.bias_s32, &x.b_zero, &x.row_sums, &x.row_zero};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        buffer_free(all[i]);
}

/* A shape that the kernel takes. */
static void pick_shape(rng *r, const hew_kernel *k, int *m, int *n)
{
    const bool pair = k->nr == 32 && rng_chance(r, 4);
    *m = (int)rng_between(r, 1, pair ? 16 : k->mr);
    *n = (int)rng_between(r, pair ? 49 : k->nr - 15, pair ? 64 : k->nr);
}

static bool is_product(const hew_kernel *k)
{
    return k->family == HEW_FAMILY_amx_u8s8 || k->family == HEW_FAMILY_amx_s8s8 ||
           k->family == HEW_FAMILY_amx_bf16;
}

static void tiles(void)
{
    static const fill fills[] = {FILL_MIXED, FILL_SPECIALS, FILL_TINY, FILL_MIXED, FILL_DENORMALS,
                                 FILL_NANS};
    for (const hew_kernel *k = hew_all_kernels; k < hew_all_kernels + hew_all_kernels_count; k++) {
        if (!is_product(k))
            continue;
        for (int i = 0; i < 240; i++) {
            rng r = case_rng("%s, %d", k->name, i);
            int m, n;
            pick_shape(&r, k, &m, &n);
            run_call(k, m, n, fills[i % 6], &r, (placement)(i / 2 % PLACEMENTS));
        }
    }
}

int main(void)
{
    static const test tests[] = {{"tiles", tiles}};
    return run_on_rungs("gemm_amx_tile", HEW_FAMILY_amx_u8s8, TESTS(tests));
}
