/* softmax_case.h - one softmax, or its gradient, against its definition and against double
 * precision: the operands, the run and the comparison. */
#ifndef HEW_TEST_SOFTMAX_CASE_H
#define HEW_TEST_SOFTMAX_CASE_H

#include "harness.h"

typedef struct softmax_case {
    hew_softmax_desc d;
    hew_softmax_mask m; /* size = 0: none.  Its pointers are whether there is such a mask */
    bool in_place;
    bool exact;         /* finite numbers: compare with double precision too */
} softmax_case;

/* Descriptors and masks of all kinds, all of them good. */
softmax_case random_softmax(rng *r);

/* Runs a case and its definition on guarded memory and compares bit for bit. */
void check_softmax(const softmax_case *c, rng *r, fill kind, const hew_threads *threads);
void check_softmax_backward(const softmax_case *c, rng *r, fill kind, const hew_threads *threads);

#endif
