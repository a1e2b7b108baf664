/*
 * random.c - the definitions of hew_random_fill and hew_dropout, of w the words of Philox-4x32-10:
 *
 *     u = (w >> 8) 2^-24                                  uniform
 *     r = sqrt(-2 log(((w_0 >> 8) + 1) 2^-24))            normal: of words 0 and 1, and of 2 and 3
 *     z_0 = r cos(2 pi u_1), z_1 = r sin(2 pi u_1)
 *     out = min(fma(u or z, scale, shift), top)
 */
#include "kernels.h"
#include "ref/math.h"
#include "ref/random.h"
#include "ref/ref.h"
#include "ref/trig.h"

static float unit(uint32_t word) { return (float)(word >> 8) * 0x1p-24f; }

static float normal(uint64_t seed, uint64_t e)
{
    const int pair = (int)(e / 16 % 4) & ~1;
    const float u = unit(ref_random_word(seed, e, pair)) + 0x1p-24f;
    const float angle = unit(ref_random_word(seed, e, pair + 1)) * HEW_TWO_PI;
    const float radius = sqrtf(-2.0f * ref_log(u));
    return radius * (e / 16 % 2 ? ref_sin(angle) : ref_cos(angle));
}

void hew_random_fill_ref(const hew_random_run *r)
{
    for (size_t i = 0; i < r->n; i++) {
        const uint64_t e = r->first + i;
        const float x = r->kind == HEW_RANDOM_NORMAL
                            ? normal(r->seed, e)
                            : unit(ref_random_word(r->seed, e, (int)(e / 16 % 4)));
        const float y = fmaf(x, r->scale, r->shift);
        hew_ref_store_type(r->type, r->out, (int64_t)i, min_of(y, r->top));
    }
}

void hew_dropout_ref(const hew_dropout_run *r)
{
    for (size_t i = 0; i < r->n; i++) {
        const uint64_t e = r->first + i;
        const uint32_t word = ref_random_word(r->seed, e, (int)(e / 16 % 4));
        const bool kept = r->given ? r->given[i] != 0 : (int32_t)(word >> 8) >= r->least;
        const float x = hew_ref_load_type(r->type, r->in, (int64_t)i);
        hew_ref_store_type(r->type, r->out, (int64_t)i, kept ? x * r->scale : 0.0f);
        if (r->mask)
            r->mask[i] = kept;
    }
}
