/*
 * types.h - the types of elements, and the three that an operation is asked for, as tables.
 */
#ifndef HEW_BENCH_TYPES_H
#define HEW_BENCH_TYPES_H

#include "hew.h"
#include "problem.h"

/* One type of elements.  s4 has two elements in a byte, the first in the low half. */
typedef struct element {
    const char *name;  /* benchdnn's: "u8" */
    int bits;
    bool integer;
    double lo, hi;     /* what fill_values gives, evenly */
    int32_t zero;      /* the zero point of a tensor that is given one */
    int32_t weight_zero_lo, weight_zero_hi; /* and those of weights */
    double (*get)(const void *x, size_t i);
    void (*put)(void *x, size_t i, double value); /* null: results only */
} element;

const element *element_of(hew_type type);
size_t element_bytes(hew_type type, size_t count);

/* `count` elements from one place to another; indices count elements. */
void element_copy(hew_type type, void *to, size_t to_index, const void *from, size_t from_index,
                  size_t count);

/* `count` zeros, 64-byte aligned, to be freed by free(); null when there is no memory. */
void *element_alloc(hew_type type, size_t count);

/* Values from lo to hi that depend on the seed and the index alone; integers or not. */
void fill_values(hew_type type, void *x, size_t count, double lo, double hi, uint64_t seed);

/* The types of a job: pooling, softmax and reorder have `weights` like their input. */
typedef struct bench_types {
    hew_type in, weights, out;
    hew_dynamic dynamic; /* f32 times s8: rows of the input are quantised by the run */
    hew_math math;       /* f32 times f32 */
} bench_types;

/*
 * "f32", "u8s8", "u8s8s32", "u8:s8:s32", "s8": what oneDNN's benchdnn calls --dt or --cfg.  "wo8",
 * "wo4", "dyn8", "dyn8u": weights alone, and the input while running, symmetric or not.  "fpmath":
 * f32, multiplied in bf16, as oneDNN's fpmath mode of that name.
 * One type stands for all three; two leave the output to be that of the input.
 */
bool types_parse(const char *word, bench_types *types);
bool element_parse(const char *word, hew_type *type);

/* "f32", "u8s8u8", "wo4"; "u8" for an operation without weights: static. */
const char *types_name(problem_op op, const bench_types *types);
bool types_same(const bench_types *a, const bench_types *b);

/* Integers times integers, in the end: the sums are exact, and there are scales. */
bool types_quantised(const bench_types *types);
/* f32 times s8 or s4, multiplied as floats. */
bool types_weight_only(const bench_types *types);

/* Whether the library has the operation with these types; if not, `why` says which it has. */
bool types_fit(problem_op op, const bench_types *types, char why[PROBLEM_WHY]);

#endif
