/*
 * ours.h - this library's way to do a job, behind one interface for all operations.
 */
#ifndef HEW_BENCH_OURS_H
#define HEW_BENCH_OURS_H

#include "job.h"
#include "tensors.h"

typedef struct ours {
    const bench_job *job;
    void *out; /* job->out_count elements of its type, and behind them bench_more */
    const char *kernel;

    /* What an operation needs besides; unused ones are null. */
    hew_gemm *gemm;
    hew_gemm_args gemm_args;
    hew_conv *conv;
    hew_conv_args conv_args;
    tensors_plan tensors;
    void *packed, *scratch;
    const hew_threads *threads;
    size_t calls; /* hew_gemm_run calls of a batch that broadcasts */
} ours;

/*
 * Creates the operation on the rungs in use, packs its weights, allocates output and scratch.
 * threads may be null.  False, with the reason in `why`, when the library refuses.
 */
bool ours_create(ours *o, const bench_job *job, const hew_threads *threads, char why[PROBLEM_WHY]);

/* With a residual, a run adds to what `out` holds: put the residual there first. */
void ours_reset(ours *o);

bool ours_run(ours *o);
void ours_destroy(ours *o);

/* Whether the library is given a batched gemm in one call; else one call for each member. */
bool ours_one_call(const problem *p);

#endif
