/*
 * kernels_random.h - what kernels of random numbers are given.
 */
#ifndef HEW_KERNELS_RANDOM_H
#define HEW_KERNELS_RANDOM_H

#include "core.h"
#include "hew/random.h"

/* --------------------------------------------------------------------------- random_fill ---- */

/* Elements [first, first + n) of a seed's numbers u or z, as min(fma(u, scale, shift), top).
 * F32 or BF16. */
typedef struct hew_random_run {
    hew_type type;
    hew_random_kind kind;
    uint64_t seed, first;
    size_t n;
    float scale, shift, top;
    void *out;
} hew_random_run;
typedef void random_fill_fn(const hew_random_run *run);
typedef random_fill_fn random_fill_ref_fn;

/* ------------------------------------------------------------------------------- dropout ---- */

/* out = kept ? in * scale : 0, where kept is given[i] != 0, or without one, that the upper 24 bits
 * of the number are `least` or more.  mask may be null.  F32 or BF16; out may be in. */
typedef struct hew_dropout_run {
    hew_type type;
    uint64_t seed, first;
    size_t n;
    int32_t least;
    float scale;
    const void *in;
    const uint8_t *given;
    void *out;
    uint8_t *mask;
} hew_dropout_run;
typedef void dropout_fn(const hew_dropout_run *run);
typedef dropout_fn dropout_ref_fn;

#define HEW_KERNELS_LIST "kernels_random.def"
#include "kernels_declare.h"

#endif
