/*
 * job.h - one case to be run: a problem, what is fused with it, and its operands.  The same job is
 * given to this library and to its peers.
 */
#ifndef HEW_BENCH_JOB_H
#define HEW_BENCH_JOB_H

#include "hew.h"
#include "problem.h"
#include "types.h"

#include <stdlib.h>
#include <string.h>

/* Which operands have zero points other than 0. */
enum { ZERO_IN = 1, ZERO_WEIGHTS = 2, ZERO_OUT = 4 };

/* benchdnn's directions: FWD_I, FWD_D, BWD_D, BWD_DW. */
typedef enum bench_dir {
    BENCH_INFERENCE,
    BENCH_TRAINING,    /* forward, and what the backward run needs is kept */
    BENCH_BACKWARD,    /* the gradient of the input */
    BENCH_BACKWARD_ALL /* and that of the weights */
} bench_dir;

typedef struct bench_job {
    problem p;
    bench_types types;
    hew_act act;
    bool bias;
    bool residual;             /* added before the activation, in place: C holds it beforehand */
    bool transpose_a, transpose_b;
    bool packed;               /* gemm: B is a weight and is packed beforehand */
    hew_pooling_kind pooling;
    bench_dir dir;
    bool from_output;          /* eltwise: the derivative, by way of what the forward run gave */
    bool log;                  /* log-softmax */
    bool to_channels_first;    /* reorder */
    int alg;                   /* of an operation on tensors: tensors.h.  eltwise has act */
    int axis;                  /* concat, shuffle */
    int64_t groups;            /* shuffle */
    int64_t b_group;           /* weight-only: rows of B with one scale; 0: all of them */
    unsigned zero_points;      /* ZERO_IN, ... */
    int threads;
    const char *group; /* the suite that it comes from, or "" */

    /*
     * Dense operands in this library's layouts: activations channels-last, convolution weights
     * OIHW, matrices row-major (k x m and n x k when transposed; ip weights are n x k).
     */
    const void *in, *weights;
    const void *bias_values;     /* operands_bias_type; or null */
    const void *residual_values; /* of the output's type, or null */
    size_t in_count, weights_count, out_count;
    size_t channels;             /* of the output: bias_values has so many */

    /* Other directions than inference, whose `out` is the gradient of `in`: training.h.  The
     * results are out_count elements of the output's type and more_count of another: bench_more. */
    const void *d_out;           /* the gradient of the output, of its type */
    const void *saved;           /* what the forward run left */
    size_t d_out_count, saved_count, more_count;
    hew_type saved_type, more_type;

    /* Quantised and weight-only types, as in hew_gemm_args; null and 0 otherwise. */
    const float *scales;         /* channels, or [k / b_group][n] */
    const void *weight_zeros;    /* as many, of the weights' type; for s4 of s8; or null */
    size_t scales_count;
    int32_t in_zero, out_zero, residual_zero;
    float out_scale, residual_scale;
} bench_job;

static inline bool bench_is_backward(const bench_job *job) { return job->dir >= BENCH_BACKWARD; }

/* The results behind `out`: both begin at multiples of 64 bytes. */
static inline size_t bench_out_bytes(const bench_job *job)
{
    return (element_bytes(job->types.out, job->out_count) + 63) / 64 * 64;
}
static inline void *bench_more(const bench_job *job, void *out)
{
    return (char *)out + bench_out_bytes(job);
}
static inline void *bench_alloc_results(const bench_job *job)
{
    return element_alloc(HEW_U8, bench_out_bytes(job) +
                                     element_bytes(job->more_type, job->more_count));
}

/* Whether a run reads `in`: some gradients are made from others alone. */
static inline bool bench_reads_in(const bench_job *job)
{
    const problem_op op = job->p.op;
    return !bench_is_backward(job) ||
           !(job->from_output || op == PROBLEM_POOL || op == PROBLEM_SOFTMAX ||
             op == PROBLEM_SHUFFLE || op == PROBLEM_RESAMPLING);
}

/* B as it is stored: how many rows, and elements from one to the next.  Rows of s4 begin with a
 * byte. */
static inline bool bench_b_transposed(const bench_job *job)
{
    return job->p.op == PROBLEM_IP || job->transpose_b;
}
static inline size_t bench_b_rows(const bench_job *job)
{
    return (size_t)(bench_b_transposed(job) ? job->p.n : job->p.k);
}
static inline size_t bench_b_row(const bench_job *job)
{
    const size_t columns = (size_t)(bench_b_transposed(job) ? job->p.k : job->p.n);
    return job->types.weights == HEW_S4 ? columns + columns % 2 : columns;
}

/* One product of a batched gemm, for libraries that have no batches: offsets in elements. */
typedef struct bench_member {
    size_t a, b, c;
} bench_member;

/* The offsets of member i of the batch, in row-major order of C's batch dimensions. */
static inline bench_member bench_member_of(const problem *p, size_t i)
{
    size_t a = 0, b = 0, a_stride = 1, b_stride = 1, rest = i;
    for (int d = p->dims - 3; d >= 0; d--) {
        const size_t extent = p->c_batch[d] ? (size_t)p->c_batch[d] : 1;
        const size_t at = rest % extent;
        rest /= extent;
        a += p->a_batch[d] == 1 ? 0 : at * a_stride;
        b += p->b_batch[d] == 1 ? 0 : at * b_stride;
        a_stride *= (size_t)p->a_batch[d];
        b_stride *= (size_t)p->b_batch[d];
    }
    const size_t m = (size_t)p->m, n = (size_t)p->n, k = (size_t)p->k;
    return (bench_member){a * m * k, b * k * n, i * m * n};
}

#endif
