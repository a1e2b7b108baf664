/*
 * hew/random.h - random numbers by element, dropout.
 */
#ifndef HEW_API_RANDOM_H
#define HEW_API_RANDOM_H

#include "base.h"

HEW_BEGIN_C

/* -------------------------------------------------------------------------- random fill ----- */

/*
 * Numbers of Philox-4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): a
 * function of a seed and a number, without a state.  Element i of a call depends on the seed and on
 * offset + i alone; so a fill may be cut anywhere, as long as its parts go on with their offsets.
 */
typedef enum hew_random_kind {
    HEW_RANDOM_UNIFORM = 0, /* [lo, hi): multiples of 2^-24 of it; bf16 is the nearest, hi too    */
    HEW_RANDOM_NORMAL = 1   /* mean + deviation * z, |z| < 5.8 (Box and Muller, 1958)             */
} hew_random_kind;

typedef struct hew_random_desc {
    size_t size;
    hew_type type;          /* f32, bf16                                                          */
    hew_random_kind kind;
    uint64_t seed;
    int64_t offset;         /* of the first element; >= 0                                         */
    int64_t n;
    float lo, hi;           /* UNIFORM: finite, lo < hi; both 0: 0 and 1                          */
    float mean, deviation;  /* NORMAL: finite, deviation >= 0; both 0: 0 and 1                    */
} hew_random_desc;
#define HEW_RANDOM_DESC(...) ((hew_random_desc){.size = sizeof(hew_random_desc), __VA_ARGS__})

HEW_API hew_status hew_random_fill(const hew_random_desc *desc, void *out,
                                   const hew_threads *threads);

/* ------------------------------------------------------------------------------ dropout ----- */

/* Element i is kept if the uniform number of the seed and offset + i is p or more. */
typedef struct hew_dropout_desc {
    size_t size;
    hew_type type;  /* f32, bf16 */
    float p;        /* the part that is dropped, 0 .. 1                                           */
    uint64_t seed;
    int64_t offset; /* >= 0 */
    int64_t n;
} hew_dropout_desc;
#define HEW_DROPOUT_DESC(...) ((hew_dropout_desc){.size = sizeof(hew_dropout_desc), __VA_ARGS__})

/*
 * ONNX Dropout in training: out = kept ? in * (1 / (1 - p)) : 0, a product of floats with one that
 * was rounded to a float.  mask, if it isn't null, gets n bytes of 1 where kept and 0 elsewhere.
 * out may be in.
 */
HEW_API hew_status hew_dropout(const hew_dropout_desc *desc, const void *in, void *out,
                               uint8_t *mask, const hew_threads *threads);

/* The same of d_out, by the mask or, where that is null, by the seed.  d_in may be d_out. */
HEW_API hew_status hew_dropout_backward(const hew_dropout_desc *desc, const void *d_out,
                                        const uint8_t *mask, void *d_in,
                                        const hew_threads *threads);

HEW_END_C
#endif
