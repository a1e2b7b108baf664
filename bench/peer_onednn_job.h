/* peer_onednn_job.h - from a job to oneDNN's terms: peer_onednn_spec.c, peer_onednn_attr.c. */
#ifndef HEW_BENCH_PEER_ONEDNN_JOB_H
#define HEW_BENCH_PEER_ONEDNN_JOB_H

#include "peer.h"
#include "peer_onednn.h"

/* `s` with the layouts that oneDNN is asked for, `ours` with those of the job's operands.  False:
 * there is no such variant. */
bool onednn_job_spec(onednn_spec *s, onednn_spec *ours, const bench_job *job, int variant);

/*
 * A job on tensors as an onednn_tensors with the layouts that oneDNN is asked for, and in `ours`
 * with those of the job's operands; pooling and softmax are such here.  Variants: 0 as the job has
 * them, 1 blocks of 16 channels, 2 blocks of 8: pooling.  False: there is no such variant, or with
 * the reason in `why` oneDNN lacks it.
 */
bool onednn_job_tensors(onednn_tensors *t, onednn_tensors *ours, const bench_job *job, int variant,
                        char why[PEER_WHY]);

bool onednn_job_has_tensors(const bench_job *job);

/* The arguments of a run, in the layouts of both; data: the operand, null: none. */
typedef struct onednn_job_arg {
    int arg;
    onednn_tensor theirs, ours;
    const void *data;
} onednn_job_arg;
enum { ONEDNN_JOB_ARGS = 12 };
int onednn_job_tensor_args(onednn_job_arg args[ONEDNN_JOB_ARGS], const onednn_tensors *t,
                           const onednn_tensors *ours, const bench_job *job);

/* Where among a job's results an argument belongs; null: it isn't one. */
void *onednn_job_result(const bench_job *job, int arg, void *out);

void onednn_set_window(onednn_window *w, const problem *p);

dnnl_data_type_t onednn_type_of(hew_type type);

/* An activation's algorithm and parameters; false: oneDNN lacks it. */
bool onednn_eltwise_of(const hew_act *act, dnnl_alg_kind_t *alg, float *alpha, float *beta);

/* The scales and zero points; q->scales is the caller's to free.  False, with the reason in `why`:
 * oneDNN lacks them. */
bool onednn_job_quant(onednn_quant *q, const bench_job *job, const onednn_spec *spec,
                      char why[PEER_WHY]);

/* Sets them, and residual and activation as post-ops.  False: oneDNN lacks the activation. */
bool onednn_job_attr(dnnl_primitive_attr_t attr, const bench_job *job, const onednn_quant *q);

/* The summands as onednn_quant has them: the job's own, or others that are the caller's to free. */
bool onednn_job_bias(const void **bias, const bench_job *job, const onednn_quant *q);

#endif
