/*
 * strip.h - a strip of elements side by side that a kernel walks down: a few whole registers of
 * them, or the first lanes of one.
 */
#ifndef HEW_SIMD_STRIP_H
#define HEW_SIMD_STRIP_H

#include "typed.h"

/* nb registers, or the first `count` lanes of one. */
typedef struct strip_lanes {
    int nb;
    size_t count; /* 16: all */
} strip_lanes;

HEW_INLINE f32x16 strip_load(const hew_type type, const strip_lanes l, const void *p, int v)
{
    return l.count == 16 ? x16_load_type(type, x16_at(type, p, 16 * (size_t)v))
                         : x16_load_type_first(type, l.count, p, x16_set(0.0f));
}
HEW_INLINE void strip_store(const hew_type type, const strip_lanes l, void *p, int v, f32x16 x)
{
    if (l.count == 16)
        x16_store_type(type, x16_out_at(type, p, 16 * (size_t)v), x);
    else
        x16_store_type_first(type, l.count, p, x);
}

#endif
