/*
 * reference.h - what the result must be: the library's definition of the operation (the ref rung),
 * of everything or, where that would take too long, of a sample.
 */
#ifndef HEW_BENCH_REFERENCE_H
#define HEW_BENCH_REFERENCE_H

#include "job.h"

enum { REFERENCE_WHAT = 48 };

typedef struct reference {
    const bench_job *job;
    void *out;       /* everything; null if only a sample is known */
    void *avx2_out;  /* then: everything as the avx2 rung computes it, or null */

    bench_job sub; /* the sample as a problem of its own, with operands of its own */
    void *sub_out;
    size_t *where; /* sub_out[i] is to be found at out[where[i]] */

    char what[REFERENCE_WHAT]; /* "ref", "ref 3x1024 + avx2": what a comparison covers */
} reference;

/* Both also restore the rungs in use.  False, with the reason in `why`, on failure. */
bool reference_create(reference *r, const bench_job *job, char why[PROBLEM_WHY]);
void reference_destroy(reference *r);

/* Elements that differ in any bit (NaNs are alike), and the largest difference. */
size_t reference_compare(const reference *r, void *out, double *max_err);

/* Whether a peer's result is right: within the rounding of a sum of this length, or of what comes
 * after a sum of integers.  Bare sums of integers, s32, must be the same. */
bool within_rounding(const bench_job *job, void *mine, void *theirs, double *max_err,
                     double *allowed);

#endif
