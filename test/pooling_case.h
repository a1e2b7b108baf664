/* pooling_case.h - one pooling against its definition: the operands, the run and the comparison. */
#ifndef HEW_TEST_POOLING_CASE_H
#define HEW_TEST_POOLING_CASE_H

#include "harness.h"

/* Runs a descriptor of any type and its definition on guarded memory and compares bit for bit: the
 * output and its padding.  `kind` is of floats; bytes are random.  False when the descriptor is
 * refused. */
bool check_pooling(const hew_pooling_desc *d, rng *r, fill kind, const hew_threads *threads);

/* The same with an input of the caller's, of pooling_elements(d) elements. */
bool check_pooling_of(const hew_pooling_desc *d, rng *r, const void *in,
                      const hew_threads *threads);

/* Elements of the input of a good descriptor, from the first to the last. */
size_t pooling_elements(const hew_pooling_desc *d);

/* Where the elements of its input and output lie; their size; n of them. */
layout pooling_in_side(const hew_pooling_desc *d);
layout pooling_out_side(const hew_pooling_desc *d);
size_t pooling_bytes(const hew_pooling_desc *d);
void *pooling_fill(const hew_pooling_desc *d, rng *r, size_t n, fill kind);

/* A descriptor of f32, which may be refused. */
hew_pooling_desc random_pooling(rng *r);

#endif
