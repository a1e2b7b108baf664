/* norm_case.h - tensors of normalisation's tests: f32, bf16 and f16, on guarded memory. */
#ifndef HEW_TEST_NORM_CASE_H
#define HEW_TEST_NORM_CASE_H

#include "harness.h"

static const hew_type norm_types[] = {HEW_F32, HEW_BF16, HEW_F16};

/* Everything between rows is filled too. */
buffer norm_tensor(rng *r, hew_type type, layout l, fill kind, placement where);
buffer norm_again(const buffer *b, placement where); /* a copy */

/* Element i as a double, and a float rounded to the type as element i. */
double norm_at(hew_type type, const void *p, size_t i);
void norm_put(hew_type type, void *p, size_t i, float x);

/* Half of the distance between 1 and the next number of the type. */
double norm_epsilon(hew_type type);

/* 0, or `least` and a little more. */
int64_t norm_stride(rng *r, int64_t least);

/*
 * Matrices that every operation on rows is checked with: all lengths of rows up to 140 and all
 * types, floats of every kind, and shapes that are cut in every way for 1, 2, 3 and 8 threads.  i
 * counts the cases: the type is norm_types[i % 3].
 */
typedef void norm_check(rng *r, int i, int64_t rows, int64_t columns, fill kind,
                        const hew_threads *threads);
void norm_lengths(norm_check *check);
void norm_special_floats(norm_check *check);
void norm_threads(norm_check *check);

/* Fails the case unless |got - want| <= bound. */
void norm_near(const char *what, size_t i, double got, double want, double bound);

#endif
