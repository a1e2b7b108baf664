/*
 * training.h - jobs in other directions than inference: forward runs that keep something for the
 * backward run, and backward runs.
 *
 *                    a forward run keeps        gradients besides the input's
 *     pool, max      indices: s32
 *     lnorm, ...     means, then rstds: f32     gamma's, then beta's: f32 (lnorm, bnorm, gnorm)
 *     prelu                                     the slope's
 *     softmax        its output
 *     eltwise        its output, if the derivative is taken from it
 */
#ifndef HEW_BENCH_TRAINING_H
#define HEW_BENCH_TRAINING_H

#include "tensors.h"

/* The direction's operands and results, after those of inference are described. */
void training_describe(bench_job *job);

/* Fills `saved` by a forward run. */
bool training_prepare(bench_job *job, char why[PROBLEM_WHY]);

/* Elements that one of the result is made from, at most. */
double training_sum_length(const bench_job *job);

const char *training_family(const bench_job *job);
hew_status training_run(const bench_job *job, const tensors_plan *plan, void *out);

#endif
