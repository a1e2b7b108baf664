/* descs.h - a job's descriptors, of operations on tensors and of pooling and softmax. */
#ifndef HEW_BENCH_DESCS_H
#define HEW_BENCH_DESCS_H

#include "job.h"

hew_tensor tensor_of(hew_type type, const problem_shape *s);
hew_operand operand_of(hew_type type, const problem_shape *s);

hew_pooling_desc pooling_desc(const bench_job *job);
hew_softmax_desc softmax_desc(const bench_job *job);
hew_layer_norm_desc layer_norm_desc(const bench_job *job);
hew_group_norm_desc group_norm_desc(const bench_job *job);
hew_batch_norm_desc batch_norm_desc(const bench_job *job);
hew_lrn_desc lrn_desc(const bench_job *job);
hew_resample_desc resample_desc(const bench_job *job);
hew_shuffle_desc shuffle_desc(const bench_job *job);

#endif
