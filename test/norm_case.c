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
