#include "norm_case.h"

#include <math.h>
#include <stdlib.h>

#include "../src/ref/ref.h"

static size_t size_of(hew_type type) { return type == HEW_F32 ? 4 : 2; }

buffer norm_tensor(rng *r, hew_type type, layout l, fill kind, placement where)
{
    const size_t n = layout_span(l);
    buffer b = buffer_new(n * size_of(type), size_of(type), where);
    float *const x = malloc(n * sizeof *x + 1);
    fill_f32(r, x, n, kind);
    for (size_t i = 0; i < n; i++)
        hew_ref_store_type(type, b.data, (int64_t)i, x[i]);
    free(x);
    return b;
}

buffer norm_again(const buffer *b, placement where)
{
    return buffer_copy(b->data, b->bytes, b->bytes % 4 ? 2 : 4, where);
}

double norm_at(hew_type type, const void *p, size_t i)
{
    return (double)hew_ref_load_type(type, p, (int64_t)i);
}

void norm_put(hew_type type, void *p, size_t i, float x)
{
    hew_ref_store_type(type, p, (int64_t)i, x);
}

double norm_epsilon(hew_type type)
{
    return type == HEW_F32 ? 0x1p-24 : type == HEW_BF16 ? 0x1p-8 : 0x1p-11;
}

int64_t norm_stride(rng *r, int64_t least)
{
    return rng_chance(r, 2) ? 0 : least + rng_between(r, 0, 3);
}

void norm_near(const char *what, size_t i, double got, double want, double bound)
{
    if (!(fabs(got - want) <= bound))
        fail_case("%s, element %zu, is %a (%g), want %a (%g) within %g", what, i, got, got, want,
                  want, bound);
}

void norm_lengths(norm_check *check)
{
    for (int64_t columns = 0; columns <= 140; columns++)
        for (int t = 0; t < 3; t++) {
            rng r = case_rng("type %d, %lld columns", t, (long long)columns);
            check(&r, t, rng_between(&r, 0, 9), columns, FILL_MIXED, no_threads());
        }
}

void norm_special_floats(norm_check *check)
{
    const fill kinds[] = {FILL_SPECIALS, FILL_DENORMALS, FILL_ZEROS, FILL_INTS, FILL_TINY};
    for (int k = 0; k < 5; k++)
        for (int i = 0; i < 60; i++) {
            rng r = case_rng("fill %d, %d", k, i);
            check(&r, i, 6, rng_between(&r, 1, 200), kinds[k], no_threads());
        }
}

void norm_threads(norm_check *check)
{
    static const size_t counts[] = {1, 2, 3, 8};
    static const int64_t shapes[][2] = {{1, 3000}, {700, 33}, {200, 500}, {5, 20000}, {2000, 10}};
    for (int i = 0; i < 5; i++)
        for (int t = 0; t < 8; t++) {
            const size_t count = counts[t / 2];
            const hew_threads *lent = t % 2 ? reversed_of(count) : pool_of(count);
            rng r = case_rng("%lld x %lld", (long long)shapes[i][0], (long long)shapes[i][1]);
            check(&r, i, shapes[i][0], shapes[i][1], FILL_MIXED, lent);
        }
    no_threads();
}
