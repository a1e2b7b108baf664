/* What a fuzzed case is made of: numbers from its bytes, buffers, and the comparison of rungs. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -------------------------------------------------------------------------------- input ---- */

unsigned fuzz_byte(fuzz_bytes *in)
{
    return in->left > 0 ? in->left--, *in->p++ : 0;
}

bool fuzz_one_in(fuzz_bytes *in, unsigned n)
{
    return fuzz_byte(in) % n == 1;
}

static int64_t wild(fuzz_bytes *in)
{
    static const int64_t values[] = {
        -1,
        -2,
        INT64_MIN,
        INT64_MIN + 1,
        INT64_MAX,
        INT64_MAX - 1,
        INT64_MAX / 2,
        INT64_MAX / 4,
        INT64_MAX / 16,
        (int64_t)1 << 31,
        ((int64_t)1 << 31) - 1,
        (int64_t)1 << 32,
        (int64_t)1 << 40,
        (int64_t)1 << 62,
        1000003,
        0,
    };
    return values[fuzz_byte(in) % 16];
}

int64_t fuzz_extent(fuzz_bytes *in)
{
    static const uint8_t edges[] = {1,  2,  3,  4,  5,  6,  7,   8,   9,  12, 13,
                                    15, 16, 17, 24, 25, 31, 32,  33,  47, 48, 49,
                                    63, 64, 65, 80, 96, 97, 127, 128, 129};
    const unsigned b = fuzz_byte(in);
    return b < 150 ? b % 12 : b < 250 ? edges[fuzz_byte(in) % sizeof edges] : wild(in);
}

int64_t fuzz_small(fuzz_bytes *in, unsigned limit)
{
    const unsigned b = fuzz_byte(in);
    return b < 252 ? b % limit : wild(in);
}

/* A stride for rows of `least` elements: dense, a little more, or nonsense. */
int64_t fuzz_stride(fuzz_bytes *in, int64_t least)
{
    const unsigned b = fuzz_byte(in);
    return b < 120 || least > 1 << 20 || least < 0 ? 0 : b < 245 ? least + b % 9 : wild(in);
}

hew_act fuzz_activation(fuzz_bytes *in)
{
    hew_act act = {(hew_act_kind)(fuzz_byte(in) % (HEW_ACT_COUNT + 1)), 0, 0};
    if (fuzz_one_in(in, 3)) {
        act.alpha = (float)fuzz_byte(in) / 64 - 1;
        act.beta = act.alpha + (float)fuzz_byte(in) / 64;
    }
    return act;
}

hew_type fuzz_type(fuzz_bytes *in)
{
    const unsigned b = fuzz_byte(in);
    return b < 250 ? HEW_F32 : (hew_type)(b - 250);
}

fuzz_types fuzz_product_types(fuzz_bytes *in)
{
    static const fuzz_types together[] = {
        {HEW_U8, HEW_S8, HEW_U8, HEW_U8},     {HEW_U8, HEW_S8, HEW_S32, HEW_F32},
        {HEW_S8, HEW_S8, HEW_S8, HEW_S8},     {HEW_S8, HEW_S8, HEW_F32, HEW_F32},
        {HEW_U8, HEW_U8, HEW_U8, HEW_F32},    {HEW_S8, HEW_U8, HEW_BF16, HEW_U8},
        {HEW_BF16, HEW_BF16, HEW_F32, HEW_BF16}, {HEW_BF16, HEW_BF16, HEW_BF16, HEW_F32},
        {HEW_F16, HEW_F16, HEW_F16, HEW_F32}, {HEW_F32, HEW_F16, HEW_F32, HEW_F16},
    };
    const unsigned b = fuzz_byte(in);
    if (b < 100)
        return (fuzz_types){HEW_F32, HEW_F32, HEW_F32, HEW_F32};
    if (b < 240)
        return together[b % 10];
    return (fuzz_types){fuzz_type(in), fuzz_type(in), fuzz_type(in), fuzz_type(in)};
}

int32_t fuzz_zero(fuzz_bytes *in, hew_type type)
{
    if ((type != HEW_U8 && type != HEW_S8) || fuzz_one_in(in, 3))
        return fuzz_one_in(in, 60) ? (int32_t)wild(in) : 0;
    return (int32_t)fuzz_byte(in) - (type == HEW_S8 ? 128 : 0);
}

float fuzz_scale(fuzz_bytes *in)
{
    static const float scales[] = {0, 0, 1, 0.5f, 3, 100, 0x1p-20f, -1, 0x1p-140f};
    return scales[fuzz_byte(in) % 9];
}

static hew_status backwards(void *context, size_t n, hew_task *fn, void *arg)
{
    (void)context;
    while (n-- > 0)
        fn(arg, n);
    return HEW_OK;
}

const hew_threads *fuzz_threads(fuzz_bytes *in)
{
    static const hew_threads reversed = {backwards, NULL, 5};
    static hew_threads pool;
    if (pool.count == 0) {
        hew_pool *p;
        if (hew_pool_create(&p, &HEW_POOL_DESC(.threads = 3)) != HEW_OK)
            abort();
        pool = hew_pool_threads(p);
    }
    const unsigned b = fuzz_byte(in) % 3;
    return b == 0 ? NULL : b == 1 ? &reversed : &pool;
}

/* --------------------------------------------------------------------------- the outcome ---- */

void fuzz_broken(const char *what, hew_isa isa)
{
    fprintf(stderr, "%s on %s (last error: %s)\n", what, hew_isa_name(isa), hew_last_error());
    abort();
}

static size_t bytes_of(hew_type type, size_t n)
{
    switch (type) {
    case HEW_U8:
    case HEW_S8: return n;
    case HEW_S4: return (n + 1) / 2;
    case HEW_BF16:
    case HEW_F16: return 2 * n;
    case HEW_S64: return 8 * n;
    case HEW_F32:
    case HEW_S32: break;
    }
    return 4 * n; /* of values that are no type too */
}

/* Floats between -2 and 2, their upper halves as bf16 and f16, and any bytes. */
void *fuzz_elements(hew_type type, size_t n, uint32_t seed)
{
    const bool half = type == HEW_BF16 || type == HEW_F16;
    const size_t bytes = bytes_of(type, n), size = type == HEW_F32 ? 4 : half ? 2 : 1;
    char *const p = (char *)malloc(4 + bytes) + 4;
    for (size_t i = 0; i < bytes; i += size) {
        seed = seed * 1664525u + 1013904223u;
        const float x = (float)(int32_t)(seed >> 8 & 0xFFF) / 1024 - 2;
        if (size == 1)
            p[i] = (char)(seed >> 16);
        else
            memcpy(p + i, (const char *)&x + sizeof x - size, size);
    }
    return p;
}

float *fuzz_floats(size_t n, uint32_t seed) { return fuzz_elements(HEW_F32, n, seed); }

void fuzz_unfloats(void *p)
{
    if (p != NULL)
        free((char *)p - 4);
}

void *fuzz_aligned(size_t bytes)
{
    return bytes == 0 ? NULL : aligned_alloc(HEW_ALIGNMENT, bytes);
}

void fuzz_on_every_rung(fuzz_case_fn *run, const void *c, hew_type type, size_t out_elements,
                        bool can_run)
{
    const size_t out_bytes = bytes_of(type, out_elements);
    hew_cpu_restrict(~0u);
    const unsigned rungs = hew_cpu_rungs();
    void *want = NULL;
    for (unsigned isa = 0; isa < HEW_ISA_COUNT; isa++) {
        if ((rungs >> isa & 1) == 0)
            continue;
        hew_cpu_restrict((2u << isa) - 1);
        void *out = can_run ? fuzz_elements(type, out_elements, 7) : NULL;
        hew_fail(HEW_OK, "%s", "");
        const hew_status status = run(c, out);
        if (status != HEW_OK && hew_last_error()[0] == '\0')
            fuzz_broken("a refusal without a message", (hew_isa)isa);
        if (status != HEW_OK && out != NULL) {
            void *before = fuzz_elements(type, out_elements, 7);
            if (memcmp(before, out, out_bytes) != 0)
                fuzz_broken("a failure has written", (hew_isa)isa);
            fuzz_unfloats(before);
        }
        if (status == HEW_OK && want != NULL && out != NULL &&
            memcmp(want, out, out_bytes) != 0)
            fuzz_broken("other bits than ref's", (hew_isa)isa);
        if (status == HEW_OK && want == NULL)
            want = out;
        else
            fuzz_unfloats(out);
    }
    fuzz_unfloats(want);
}

size_t fuzz_lay_out(fuzz_bytes *in, hew_tensor *t)
{
    const bool gaps = fuzz_one_in(in, 3);
    double all = 1, points = 1;
    int64_t step = gaps && fuzz_one_in(in, 4) ? 2 : 1;
    for (int j = t->rank - 1; j >= 0; j--) {
        if (t->extent[j] < 0 || t->extent[j] > 1 << 20)
            return FUZZ_MOST_FLOATS + 1;
        points *= (double)t->extent[j];
        all += (double)(t->extent[j] - 1) * (double)step;
        if (gaps)
            t->stride[j] = step;
        step = (step + (gaps ? fuzz_byte(in) % 3 : 0)) * (t->extent[j] > 0 ? t->extent[j] : 1);
        if (step > 1 << 24)
            return FUZZ_MOST_FLOATS + 1;
    }
    if (t->rank > 0 && fuzz_one_in(in, 60)) {
        t->stride[0] = fuzz_one_in(in, 2) ? -1 : fuzz_small(in, 2);
        return FUZZ_MOST_FLOATS + 1;
    }
    return points == 0 ? 0 : all > FUZZ_MOST_FLOATS ? FUZZ_MOST_FLOATS + 1 : (size_t)all;
}

/* Elements from the first to the last of `outer` x `rows` x `columns`; more than FUZZ_MOST_FLOATS
 * if they are too many, or if a stride is nonsense, which only creation has to withstand. */
size_t fuzz_span(int64_t outer, int64_t outer_stride, int64_t rows, int64_t row_stride,
                 int64_t columns)
{
    const int64_t all[] = {outer, outer_stride, rows, row_stride, columns};
    for (int i = 0; i < 5; i++)
        if (all[i] < 0 || all[i] > 1 << 24) /* so that products of two of them fit */
            return FUZZ_MOST_FLOATS + 1;
    if (outer == 0 || rows == 0 || columns == 0)
        return 0;
    const double n = (double)(outer - 1) * (double)outer_stride +
                     (double)(rows - 1) * (double)row_stride + (double)columns;
    return n > FUZZ_MOST_FLOATS ? FUZZ_MOST_FLOATS + 1 : (size_t)n;
}

int64_t fuzz_or_dense(int64_t given, int64_t dense)
{
    return given == 0 ? dense : given;
}
