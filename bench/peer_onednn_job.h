/* peer_onednn_job.h - from a job to oneDNN's terms: peer_onednn_spec.c. */
#ifndef HEW_BENCH_PEER_ONEDNN_JOB_H
#define HEW_BENCH_PEER_ONEDNN_JOB_H

#include "job.h"
#include "peer_onednn.h"

/* `s` with the layouts that oneDNN is asked for, `ours` with those of the job's operands.  False:
 * there is no such variant. */
bool onednn_job_spec(onednn_spec *s, onednn_spec *ours, const bench_job *job, int variant);

/* Residual and activation as post-ops.  False: oneDNN lacks the activation. */
bool onednn_job_attr(dnnl_primitive_attr_t attr, const bench_job *job);

#endif
