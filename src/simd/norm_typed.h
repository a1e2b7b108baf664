/*
 * norm_typed.h - what templates of normalisation share: loads that meet tails, sums of sixty-four
 * lanes.
 *
 * The including file has its narrow.h included first.
 */
#ifndef HEW_SIMD_NORM_TYPED_H
#define HEW_SIMD_NORM_TYPED_H

#include "typed.h"

/* Elements j to j + 15 of n; those past the end are zeros and aren't touched. */
HEW_INLINE f32x16 norm_load(const hew_type type, size_t n, const void *p, size_t j)
{
    const void *const at = x16_at(type, p, j);
    return n - j < 16 ? x16_load_type_first(type, n - j, at, x16_set(0.0f))
                      : x16_load_type(type, at);
}
HEW_INLINE void norm_store(const hew_type type, size_t n, void *p, size_t j, f32x16 x)
{
    void *const at = x16_out_at(type, p, j);
    if (n - j < 16)
        x16_store_type_first(type, n - j, at, x);
    else
        x16_store_type(type, at, x);
}

/* The same inside a row; with `stream` past the cache, where p is on a cache line. */
HEW_INLINE void norm_give(const hew_type type, bool stream, void *p, size_t j, f32x16 x)
{
    void *const at = x16_out_at(type, p, j);
    if (!stream)
        x16_store_type(type, at, x);
    else if (type == HEW_F32)
        x16_stream(at, x);
    else
        _mm256_stream_si256(at, x16_narrow_type(type, x));
}

/* Rows that are fetched in the order in which they lie while others are at work, some lines at a
 * time: hardware loses its way in sixteen rows side by side. */
typedef struct norm_ahead {
    const char *p;
    size_t line, lines, stride; /* of a row; lines 0: nothing to fetch */
} norm_ahead;
HEW_INLINE norm_ahead norm_ahead_of(const hew_type type, const void *p, size_t stride, size_t n)
{
    return (norm_ahead){p, 0, p ? n * x16_type_bytes(type) / 64 : 0, stride};
}
HEW_INLINE void norm_fetch(norm_ahead *a, int lines)
{
    if (a->lines == 0)
        return;
    for (int i = 0; i < lines; i++) {
        __builtin_prefetch(a->p + 64 * a->line);
        if (++a->line == a->lines) {
            a->line = 0;
            a->p += a->stride;
        }
    }
}

/* What storing it to the type and loading it again makes of x. */
HEW_INLINE f32x16 norm_rounded(const hew_type type, f32x16 x)
{
    return type == HEW_F32 ? x : x16_widen_type(type, x16_narrow_type(type, x));
}

/* A row of floats that may be left out, and is the same number in every column then. */
typedef struct norm_floats {
    const float *p;
    size_t mask; /* of j */
} norm_floats;
HEW_INLINE norm_floats norm_floats_or(const float *given, const float fallback[16])
{
    return given ? (norm_floats){given, SIZE_MAX} : (norm_floats){fallback, 0};
}
HEW_INLINE f32x16 norm_floats_at(const norm_floats *f, size_t n, size_t j)
{
    const float *const at = f->p + (j & f->mask);
    return n - j < 16 ? x16_load_masked(x16_first(n - j), at, x16_set(0.0f)) : x16_load(at);
}
static const float norm_ones[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
static const float norm_zeros[16];

/* A sum over a row: element j goes to lane j % 64. */
typedef struct norm_lanes {
    f32x16 v[4];
} norm_lanes;
HEW_INLINE norm_lanes norm_no_lanes(void)
{
    const f32x16 zero = x16_set(0.0f);
    return (norm_lanes){{zero, zero, zero, zero}};
}
/* The next sixteen lanes become the first.  A loop that turns four times meets a tail with its body
 * there once. */
HEW_INLINE norm_lanes norm_turn(norm_lanes s)
{
    return (norm_lanes){{s.v[1], s.v[2], s.v[3], s.v[0]}};
}
HEW_INLINE float norm_lanes_sum(const norm_lanes *s)
{
    return x16_sum(x16_add(x16_add(s->v[0], s->v[1]), x16_add(s->v[2], s->v[3])));
}

#endif
