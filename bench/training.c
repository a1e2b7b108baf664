/* training.c - jobs in other directions than inference: their operands and calls. */
#include "training.h"

#include "descs.h"
#include "operands.h"
#include "ours.h"

#include <stdio.h>

/* ----------------------------------------------------------------------------- operands ---- */

static bool is_norm(const bench_job *job)
{
    return job->p.op == PROBLEM_LNORM || job->p.op == PROBLEM_BNORM || job->p.op == PROBLEM_GNORM;
}

/* Means, or rstds. */
static size_t statistics_of(const bench_job *job)
{
    const problem *p = &job->p;
    switch (p->op) {
    case PROBLEM_LNORM: return job->in_count / job->channels;
    case PROBLEM_GNORM: return (size_t)(p->shapes[0].extent[0] * p->g);
    default: return job->channels;
    }
}

/* What a forward run keeps besides its output. */
static void kept_by(const bench_job *job, hew_type *type, size_t *count)
{
    const bool max = job->p.op == PROBLEM_POOL && job->pooling == HEW_POOLING_MAX;
    *type = max ? HEW_S32 : HEW_F32;
    *count = max ? job->out_count : is_norm(job) ? 2 * statistics_of(job) : 0;
}

/* Whether the output is what a backward run needs of the forward run. */
static bool saves_output(const bench_job *job)
{
    return job->p.op == PROBLEM_SOFTMAX || job->from_output;
}

void training_describe(bench_job *job)
{
    job->d_out_count = job->saved_count = job->more_count = 0;
    if (job->dir == BENCH_INFERENCE)
        return;
    if (job->dir == BENCH_TRAINING) {
        kept_by(job, &job->more_type, &job->more_count);
        return;
    }
    kept_by(job, &job->saved_type, &job->saved_count);
    if (saves_output(job)) {
        job->saved_type = job->types.out;
        job->saved_count = job->out_count;
    }
    job->d_out_count = job->out_count;
    job->out_count = job->in_count;
    if (job->dir == BENCH_BACKWARD_ALL) {
        job->more_type = job->types.weights;
        job->more_count = is_norm(job) ? 2 * job->channels : job->weights_count;
    }
}

bool training_prepare(bench_job *job, char why[PROBLEM_WHY])
{
    bench_job forward = *job;
    ours o;
    if (job->saved_count == 0)
        return true;
    forward.dir = saves_output(job) ? BENCH_INFERENCE : BENCH_TRAINING;
    operands_describe(&forward);
    const bool ok = ours_create(&o, &forward, NULL, why) && ours_run(&o);
    if (ok)
        element_copy(job->saved_type, operand(job->saved), 0,
                     saves_output(job) ? o.out : bench_more(&forward, o.out), 0, job->saved_count);
    else if (!why[0])
        snprintf(why, PROBLEM_WHY, "%.200s", hew_last_error());
    ours_destroy(&o);
    return ok;
}

double training_sum_length(const bench_job *job)
{
    const problem *p = &job->p;
    switch (p->op) {
    case PROBLEM_POOL: return (double)(p->kernel[0] * p->kernel[1] * p->kernel[2]);
    case PROBLEM_SOFTMAX: return (double)p->columns;
    case PROBLEM_PRELU: return (double)job->in_count / (double)job->weights_count;
    case PROBLEM_LNORM: /* of gamma's gradient; d_in's sum is along a row */
        return (double)(job->in_count / job->channels + job->channels);
    case PROBLEM_BNORM:
    case PROBLEM_GNORM: return (double)(job->in_count / statistics_of(job));
    default: return tensors_sum_length(job);
    }
}

/* -------------------------------------------------------------------------------- calls ---- */

static hew_status train_norm(const bench_job *job, const tensors_plan *plan, void *out)
{
    const float *gamma = job->weights, *beta = gamma + job->channels;
    float *mean = bench_more(job, out), *rstd = mean + statistics_of(job);
    if (job->p.op == PROBLEM_LNORM) {
        const hew_layer_norm_desc d = layer_norm_desc(job);
        return hew_layer_norm(&d, &HEW_LAYER_NORM_ARGS(.in = job->in, .gamma = gamma, .beta = beta,
                                                       .out = out, .mean = mean, .rstd = rstd,
                                                       .threads = plan->threads));
    }
    if (job->p.op == PROBLEM_GNORM) {
        const hew_group_norm_desc d = group_norm_desc(job);
        return hew_group_norm(&d, &HEW_GROUP_NORM_ARGS(.in = job->in, .gamma = gamma, .beta = beta,
                                                       .out = out, .mean = mean, .rstd = rstd,
                                                       .scratch = plan->scratch,
                                                       .threads = plan->threads));
    }
    const hew_batch_norm_desc d = batch_norm_desc(job);
    return hew_batch_norm(&d, &HEW_BATCH_NORM_ARGS(.in = job->in, .gamma = gamma, .beta = beta,
                                                   .out = out, .mean = mean, .rstd = rstd,
                                                   .scratch = plan->scratch,
                                                   .threads = plan->threads));
}

static hew_status train_pool(const bench_job *job, const tensors_plan *plan, void *out)
{
    const hew_pooling_desc d = pooling_desc(job);
    if (job->pooling != HEW_POOLING_MAX)
        return hew_pooling(&d, job->in, out, plan->threads);
    return hew_pooling_max(&d, job->in, out, bench_more(job, out), plan->threads);
}

static hew_status layer_norm_back(const bench_job *job, const tensors_plan *plan, void *out)
{
    const float *mean = job->saved;
    float *d_gamma = job->more_count ? bench_more(job, out) : NULL;
    const hew_layer_norm_desc d = layer_norm_desc(job);
    return hew_layer_norm_backward(
        &d, &HEW_LAYER_NORM_BACKWARD_ARGS(.in = job->in, .d_out = job->d_out,
                                          .gamma = job->weights, .mean = mean,
                                          .rstd = mean + statistics_of(job), .d_in = out,
                                          .d_gamma = d_gamma,
                                          .d_beta = d_gamma ? d_gamma + job->channels : NULL,
                                          .scratch = plan->scratch, .threads = plan->threads));
}

static hew_status channel_norm_back(const bench_job *job, const tensors_plan *plan, void *out)
{
    const float *mean = job->saved;
    float *d_gamma = job->more_count ? bench_more(job, out) : NULL;
    const hew_norm_backward_args args =
        HEW_NORM_BACKWARD_ARGS(.in = job->in, .d_out = job->d_out, .gamma = job->weights,
                               .mean = mean, .rstd = mean + statistics_of(job), .d_in = out,
                               .d_gamma = d_gamma,
                               .d_beta = d_gamma ? d_gamma + job->channels : NULL,
                               .scratch = plan->scratch, .threads = plan->threads);
    if (job->p.op == PROBLEM_GNORM) {
        const hew_group_norm_desc d = group_norm_desc(job);
        return hew_group_norm_backward(&d, &args);
    }
    const hew_batch_norm_desc d = batch_norm_desc(job);
    return hew_batch_norm_backward(&d, &args);
}

static hew_status pool_back(const bench_job *job, const tensors_plan *plan, void *out)
{
    const hew_pooling_desc d = pooling_desc(job);
    return hew_pooling_backward(&d, job->d_out, job->saved_count ? job->saved : NULL, out,
                                plan->threads);
}

static hew_status softmax_back(const bench_job *job, const tensors_plan *plan, void *out)
{
    const hew_softmax_desc d = softmax_desc(job);
    return hew_softmax_backward(&d, NULL, job->saved, job->d_out, out, plan->threads);
}

static hew_status eltwise_back(const bench_job *job, const tensors_plan *plan, void *out)
{
    const hew_tensor t = tensor_of(job->types.in, &job->p.shapes[0]);
    return hew_elementwise_backward(
        &HEW_ELEMENTWISE_BACKWARD_DESC(.act = job->act, .from_output = job->from_output, .x = t,
                                       .dy = t, .dx = t),
        job->from_output ? job->saved : job->in, job->d_out, out, plan->threads);
}

/* The input's gradient; the slope's, element by element; the sum of that to the slope's shape. */
static hew_status prelu_back(const bench_job *job, const tensors_plan *plan, void *out)
{
    const problem_shape *x = &job->p.shapes[0], *slope = x + 1;
    const hew_operand data = operand_of(job->types.in, x);
    const bool sums = job->weights_count != job->in_count;
    const hew_operand part = operand_of(sums ? HEW_F32 : job->more_type, x);
    void *d_slope = bench_more(job, out), *parts = sums ? plan->scratch : d_slope;
    const void *operands[] = {job->weights, job->d_out};
    hew_status status = hew_chain(
        &HEW_CHAIN_DESC(.in = data, .out = data, .steps = 1,
                        .step = {{.kind = HEW_STEP_PRELU_BACKWARD,
                                  .b = operand_of(job->types.weights, slope), .c = data}}),
        job->in, operands, out, plan->threads);
    if (status == HEW_OK)
        status = hew_chain(
            &HEW_CHAIN_DESC(.in = data, .out = part, .steps = 1,
                            .step = {{.kind = HEW_STEP_SLOPE_BACKWARD, .b = data}}),
            job->in, operands + 1, parts, plan->threads);
    if (status == HEW_OK && sums)
        status = hew_reduce(&HEW_REDUCE_DESC(.op = HEW_REDUCE_SUM, .in = part.tensor,
                                             .out = tensor_of(job->more_type, slope)),
                            parts, d_slope, plan->threads);
    return status;
}

static hew_status lrn_back(const bench_job *job, const tensors_plan *plan, void *out)
{
    const hew_lrn_desc d = lrn_desc(job);
    return hew_lrn_backward(&d, job->in, job->d_out, out, plan->scratch, plan->threads);
}

static hew_status resampling_back(const bench_job *job, const tensors_plan *plan, void *out)
{
    return hew_resample_run(plan->resample,
                            &HEW_RESAMPLE_ARGS(.in = job->d_out, .out = out,
                                               .scratch = plan->scratch,
                                               .threads = plan->threads));
}

static hew_status shuffle_back(const bench_job *job, const tensors_plan *plan, void *out)
{
    const hew_shuffle_desc d = shuffle_desc(job);
    return hew_shuffle(&d, job->d_out, out, plan->threads);
}

/* -------------------------------------------------------------------------------- table ---- */

typedef hew_status run(const bench_job *job, const tensors_plan *plan, void *out);

/* Null where there is nothing to do. */
static const struct {
    const char *train_family, *back_family;
    run *train, *back;
} ops[PROBLEM_OP_COUNT] = {
    [PROBLEM_POOL] = {"pooling_index", "pooling_grad", train_pool, pool_back},
    [PROBLEM_SOFTMAX] = {NULL, "softmax_grad", NULL, softmax_back},
    [PROBLEM_ELTWISE] = {NULL, "chain", NULL, eltwise_back},
    [PROBLEM_PRELU] = {NULL, "chain", NULL, prelu_back},
    [PROBLEM_SHUFFLE] = {NULL, "transpose", NULL, shuffle_back},
    [PROBLEM_LNORM] = {"layer_norm", "layer_norm_backward", train_norm, layer_norm_back},
    [PROBLEM_BNORM] = {"channel_norm", "channel_norm_backward", train_norm, channel_norm_back},
    [PROBLEM_GNORM] = {"channel_norm", "channel_norm_backward", train_norm, channel_norm_back},
    [PROBLEM_LRN] = {NULL, "lrn_backward", NULL, lrn_back},
    [PROBLEM_RESAMPLING] = {NULL, "", NULL, resampling_back},
};

const char *training_family(const bench_job *job)
{
    const problem_op op = job->p.op;
    const bool average = op == PROBLEM_POOL && job->pooling != HEW_POOLING_MAX;
    if (bench_is_backward(job))
        return ops[op].back_family;
    return average ? "pooling" : ops[op].train_family;
}

hew_status training_run(const bench_job *job, const tensors_plan *plan, void *out)
{
    return (bench_is_backward(job) ? ops[job->p.op].back : ops[job->p.op].train)(job, plan, out);
}
