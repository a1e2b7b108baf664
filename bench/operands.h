/* operands.h - a job's operands: values that depend on the job alone. */
#ifndef HEW_BENCH_OPERANDS_H
#define HEW_BENCH_OPERANDS_H

#include "job.h"

/* Counts, scales and zero points of a job whose problem and types are set. */
void operands_describe(bench_job *job);

/* Memory of the sizes that operands_describe found, zeroed.  False: there isn't enough, and
 * operands_free may be called all the same. */
bool operands_alloc(bench_job *job);
void operands_fill(bench_job *job);
void operands_free(bench_job *job);

/* A job's operands are written where they are made only; everyone else reads them. */
void *operand(const void *p);

/* Of bias_values: s32 where sums of integers have one scale for all rows. */
hew_type operands_bias_type(const bench_job *job);

/* Bytes of the operands that a run reads, and of its output. */
double operands_bytes(const bench_job *job);

#endif
