/* peer_onednn_job.h - from a job to oneDNN's terms: peer_onednn_spec.c, peer_onednn_attr.c. */
#ifndef HEW_BENCH_PEER_ONEDNN_JOB_H
#define HEW_BENCH_PEER_ONEDNN_JOB_H

#include "peer.h"
#include "peer_onednn.h"

/* `s` with the layouts that oneDNN is asked for, `ours` with those of the job's operands.  False:
 * there is no such variant. */
bool onednn_job_spec(onednn_spec *s, onednn_spec *ours, const bench_job *job, int variant);

/* The scales and zero points; q->scales is the caller's to free.  False, with the reason in `why`:
 * oneDNN lacks them. */
bool onednn_job_quant(onednn_quant *q, const bench_job *job, const onednn_spec *spec,
                      char why[PEER_WHY]);

/* Sets them, and residual and activation as post-ops.  False: oneDNN lacks the activation. */
bool onednn_job_attr(dnnl_primitive_attr_t attr, const bench_job *job, const onednn_quant *q);

/* The summands as onednn_quant has them: the job's own, or others that are the caller's to free. */
bool onednn_job_bias(const void **bias, const bench_job *job, const onednn_quant *q);

#endif
