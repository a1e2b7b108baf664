/*
 * tensors.h - jobs on tensors, from eltwise to resampling: their algorithms, operands and calls.
 *
 * `in` is the first tensor.  `weights` are the others, one behind the other:
 *
 *     sum, binary, prelu      the second tensor
 *     concat                  the second and those after it
 *     lnorm, gnorm            gamma, beta: f32
 *     bnorm                   gamma, beta, mean, variance: f32
 *
 * Tensors with channels are channels-last here, though extents are written channels first.
 */
#ifndef HEW_BENCH_TENSORS_H
#define HEW_BENCH_TENSORS_H

#include "job.h"

/* The algorithm by benchdnn's name; null: the operation's usual one.  False, with a sentence in
 * `why`, for other words. */
bool tensors_set_alg(bench_job *job, const char *word, char why[PROBLEM_WHY]);
const char *tensors_alg_name(const bench_job *job);

/* Elements of `in`, `weights` and the output; those of a row of vectors: job->channels. */
void tensors_describe(bench_job *job);

/* Elements that one of the result is made from. */
double tensors_sum_length(const bench_job *job);

/* The family of the kernel that does the work, without its type. */
const char *tensors_family(const bench_job *job);

/* What a run needs besides operands: made once.  threads may be null. */
typedef struct tensors_plan {
    const hew_threads *threads;
    hew_resample *resample;
    void *scratch;
} tensors_plan;
hew_status tensors_create(tensors_plan *plan, const bench_job *job, const hew_threads *threads);
hew_status tensors_run(const bench_job *job, const tensors_plan *plan, void *out);
void tensors_destroy(tensors_plan *plan);

#endif
