/* Random numbers, fills and the comparison of tensors. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness_internal.h"

/* ----------------------------------------------------------------------- random numbers ---- */

/* Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014: splitmix64. */
uint64_t rng_next(rng *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint64_t mix_text(uint64_t h, const char *text)
{
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3u; /* FNV-1a */
    return h;
}

rng case_rng(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(harness.name, sizeof harness.name, format, args);
    va_end(args);
    rng r = {mix_text(mix_text(harness.seed ^ 0xcbf29ce484222325u, harness.stream), harness.name)};
    rng_next(&r);
    return r;
}

int64_t rng_between(rng *r, int64_t low, int64_t high)
{
    return low + (int64_t)(rng_next(r) % (uint64_t)(high - low + 1));
}

bool rng_chance(rng *r, int one_in) { return rng_next(r) % (uint64_t)one_in == 0; }

float rng_f32(rng *r) { return (float)((int64_t)(rng_next(r) >> 40) - (1 << 23)) * 0x1p-23f; }

/* -------------------------------------------------------------------------------- fills ---- */

float float_of(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

uint32_t bits_of(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

enum { POISON = 0x7fdec0de };
/* What x86 makes of Inf - Inf.  As long as no other NaN is about, all NaNs have these bits. */
#define DEFAULT_NAN 0xffc00000u

static float mixed(rng *r)
{
    static const float scale[16] = {1, 1, 1, 1, 1, 1, 1, 1, 0x1p-1f, 0x1p-2f, 0x1p-3f, 0x1p-4f,
                                    0x1p-6f, 0x1p-8f, 0x1p1f, 0x1p3f};
    const float x = rng_f32(r);
    return x * scale[rng_next(r) >> 60];
}

static float special(rng *r)
{
    static const uint32_t bits[] = {DEFAULT_NAN, 0x7f800000, 0xff800000, 0x00000000, 0x80000000,
                                    0x00000001, 0x80000001, 0x007fffff, 0x00800000, 0x7f7fffff,
                                    0xff7fffff};
    return float_of(bits[rng_next(r) % (sizeof bits / sizeof bits[0])]);
}

static float some_nan(rng *r)
{
    const uint32_t bits = (uint32_t)rng_next(r);
    return float_of(rng_chance(r, 4) ? 0x7f800000 | (bits & 0x80000000)
                                     : 0x7f800000 | (bits & 0x803fffff) | 1 | (bits & 0x400000));
}

static float element(rng *r, fill kind)
{
    switch (kind) {
    case FILL_INTS: return (float)rng_between(r, -8, 8);
    case FILL_DENORMALS: return float_of((uint32_t)rng_next(r) & 0x807fffff);
    case FILL_ZEROS: return float_of((uint32_t)rng_next(r) & 0x80000001);
    case FILL_POISON: return float_of(POISON);
    case FILL_TINY: return mixed(r) * 0x1p-63f;
    case FILL_MIXED:
    case FILL_SPECIALS:
    case FILL_NANS: break;
    }
    return mixed(r);
}

void fill_f32(rng *r, float *p, size_t n, fill kind)
{
    for (size_t i = 0; i < n; i++)
        p[i] = element(r, kind);
    if (n == 0 || (kind != FILL_SPECIALS && kind != FILL_NANS))
        return;
    /* Few: each one spreads over a row or a column of the result. */
    for (size_t left = 1 + n / 199; left > 0; left--)
        p[rng_next(r) % n] = kind == FILL_SPECIALS ? special(r) : some_nan(r);
}

/* Where that would make a zero of a denormal or an infinity of a NaN, the last bit is set. */
static uint16_t upper_half(float f)
{
    const uint32_t bits = bits_of(f);
    const bool lost = (bits >> 16 & 0x7f) == 0 && (bits & 0xffff) != 0;
    return (uint16_t)(bits >> 16 | lost);
}

void fill_bf16(rng *r, uint16_t *p, size_t n, fill kind)
{
    float some[256];
    for (size_t i = 0; i < n; i += 256) {
        const size_t count = hew_min(n - i, 256);
        fill_f32(r, some, count, kind);
        for (size_t j = 0; j < count; j++)
            p[i + j] = upper_half(some[j]);
    }
}

void poison_f32(float *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = float_of(POISON);
}

/* --------------------------------------------------------------------------- comparison ---- */

layout layout_of(int64_t rows, int64_t row_stride, int64_t columns)
{
    return (layout){.outer = 1, .rows = rows, .row_stride = row_stride, .columns = columns};
}

size_t layout_span(layout l)
{
    if (l.outer == 0 || l.rows == 0 || l.columns == 0)
        return 0;
    return (size_t)((l.outer - 1) * l.outer_stride + (l.rows - 1) * l.row_stride + l.columns);
}

static bool same(float want, float got, nan_rule rule)
{
    if (bits_of(want) == bits_of(got))
        return true;
    return rule == NAN_ANY && isnan(want) && isnan(got) && bits_of(got) != POISON;
}

static const char *place_of(size_t index, layout l, char *text, size_t size)
{
    const int64_t at = (int64_t)index;
    const int64_t outer = l.outer > 1 ? at / l.outer_stride : 0;
    const int64_t inner = at - outer * l.outer_stride;
    const int64_t row = l.rows > 1 ? inner / l.row_stride : 0;
    const int64_t column = l.rows > 1 ? inner % l.row_stride : inner;
    snprintf(text, size, "[%" PRId64 "][%" PRId64 "][%" PRId64 "]%s", outer, row, column,
             row >= l.rows || column >= l.columns ? ", which is padding" : "");
    return text;
}

void check_bits(const char *what, const float *want, const float *got, layout l, nan_rule rule)
{
    const size_t span = layout_span(l);
    size_t wrong = 0, first = 0;
    if (span == 0 || memcmp(want, got, span * sizeof *want) == 0)
        return;
    for (size_t i = 0; i < span; i++) {
        if (same(want[i], got[i], rule))
            continue;
        if (wrong++ == 0)
            first = i;
    }
    if (wrong == 0)
        return;
    char place[128];
    fail_case("%s%s: want %.9g (%08" PRIx32 "), got %.9g (%08" PRIx32 "%s); %zu wrong in %zu",
              what, place_of(first, l, place, sizeof place), (double)want[first],
              bits_of(want[first]), (double)got[first], bits_of(got[first]),
              bits_of(got[first]) == POISON ? ", never written" : "", wrong, span);
}

void check_bf16(const char *what, const uint16_t *want, const uint16_t *got, layout l,
                nan_rule rule)
{
    const size_t span = layout_span(l);
    if (memcmp(want, got, span * sizeof *want) == 0)
        return;
    float *floats = malloc(2 * span * sizeof *floats);
    if (!floats)
        fail_case("out of memory");
    for (size_t i = 0; i < span; i++) {
        floats[i] = float_of((uint32_t)want[i] << 16);
        floats[span + i] = float_of((uint32_t)got[i] << 16);
    }
    check_bits(what, floats, floats + span, l, rule);
    free(floats);
}

static int64_t integer_at(hew_type type, const void *p, size_t i)
{
    switch (type) {
    case HEW_S8: return ((const int8_t *)p)[i];
    case HEW_U8: return ((const uint8_t *)p)[i];
    case HEW_BF16:
    case HEW_F16: return ((const uint16_t *)p)[i];
    case HEW_S32: return ((const int32_t *)p)[i];
    case HEW_F32:
    case HEW_S4:
    case HEW_S64: break;
    }
    fail_case("elements of type %d can't be compared as integers", (int)type);
}

void check_elements(const char *what, hew_type type, const void *want, const void *got, layout l)
{
    if (type == HEW_F32) {
        check_bits(what, want, got, l, NAN_BITS);
        return;
    }
    const size_t span = layout_span(l);
    size_t wrong = 0, first = 0;
    for (size_t i = span; i-- > 0;)
        if (integer_at(type, want, i) != integer_at(type, got, i)) {
            first = i;
            wrong++;
        }
    if (wrong == 0)
        return;
    char place[128];
    fail_case("%s%s: want %" PRId64 ", got %" PRId64 "; %zu wrong in %zu", what,
              place_of(first, l, place, sizeof place), integer_at(type, want, first),
              integer_at(type, got, first), wrong, span);
}
