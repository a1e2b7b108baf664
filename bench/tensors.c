/* tensors.c - jobs on tensors: their algorithms, operands and calls. */
#include "tensors.h"

#include "cases.h"
#include "descs.h"

#include <stdio.h>
#include <strings.h>

typedef struct call {
    const bench_job *job;
    void *out, *scratch;
    const hew_threads *threads;
    const hew_resample *resample;
} call;

/* ----------------------------------------------------------------------------- operands ---- */

static size_t channels_of(const problem *p)
{
    const problem_shape *s = &p->shapes[0];
    return (size_t)(p->op == PROBLEM_LNORM ? s->extent[s->rank - 1] : s->extent[1]);
}

void tensors_describe(bench_job *job)
{
    const problem *p = &job->p;
    size_t rest = 0;
    for (int i = 1; i < p->n_shapes; i++)
        rest += problem_volume(&p->shapes[i]);
    const bool shrinks = p->op == PROBLEM_REDUCTION || p->op == PROBLEM_RESAMPLING;
    job->in_count = job->out_count = problem_volume(&p->shapes[0]);
    job->weights_count = 0;
    if (shrinks)
        job->out_count = rest;
    else
        job->weights_count = p->op == PROBLEM_SUM ? job->in_count : rest;
    if (p->op == PROBLEM_CONCAT)
        job->out_count += rest;
    if (p->op == PROBLEM_LNORM || p->op == PROBLEM_GNORM || p->op == PROBLEM_BNORM) {
        job->channels = channels_of(p);
        job->weights_count = job->channels * (p->op == PROBLEM_BNORM ? 4 : 2);
        job->types.weights = HEW_F32;
    }
}

double tensors_sum_length(const bench_job *job)
{
    const problem *p = &job->p;
    switch (p->op) {
    case PROBLEM_REDUCTION: return (double)job->in_count / (double)job->out_count;
    case PROBLEM_LNORM: return (double)job->channels;
    case PROBLEM_RESAMPLING: /* others have places as floats, and weights as their fractions */
        return (double)p->shapes[0].extent[p->shapes[0].rank - 1];
    case PROBLEM_GNORM:
        return (double)job->in_count / (double)p->shapes[0].extent[0] / (double)p->g;
    default: return 8;
    }
}

/* -------------------------------------------------------------------------------- calls ---- */

static hew_status elementwise(const call *c)
{
    const bench_job *job = c->job;
    const problem_shape *s = &job->p.shapes[0];
    return hew_elementwise(&HEW_ELEMENTWISE_DESC(.act = job->act,
                                                 .in = operand_of(job->types.in, s),
                                                 .out = operand_of(job->types.out, s)),
                           job->in, c->out, c->threads);
}

static hew_status pairwise(const call *c, hew_step_kind kind)
{
    const bench_job *job = c->job;
    const problem_shape *a = &job->p.shapes[0], *b = job->p.op == PROBLEM_SUM ? a : a + 1;
    return hew_pairwise(&HEW_PAIRWISE_DESC(.kind = kind, .a = operand_of(job->types.in, a),
                                           .b = operand_of(job->types.in, b),
                                           .c = operand_of(job->types.out, a)),
                        job->in, job->weights, c->out, c->threads);
}

static hew_status binary(const call *c)
{
    static const hew_step_kind kinds[] = {HEW_STEP_ADD, HEW_STEP_SUB, HEW_STEP_MUL, HEW_STEP_DIV,
                                          HEW_STEP_MIN, HEW_STEP_MAX, HEW_STEP_GE,  HEW_STEP_GT,
                                          HEW_STEP_LE,  HEW_STEP_LT,  HEW_STEP_EQ,  HEW_STEP_NE};
    return pairwise(c, kinds[c->job->alg]);
}
static hew_status sum(const call *c) { return pairwise(c, HEW_STEP_ADD); }
static hew_status prelu(const call *c) { return pairwise(c, HEW_STEP_PRELU); }

static hew_status reduction(const call *c)
{
    static const hew_reduce_op kinds[] = {HEW_REDUCE_SUM, HEW_REDUCE_MEAN, HEW_REDUCE_MIN,
                                          HEW_REDUCE_MAX, HEW_REDUCE_PROD, HEW_REDUCE_L1,
                                          HEW_REDUCE_L2,  HEW_REDUCE_SUM_SQUARE};
    const bench_job *job = c->job;
    return hew_reduce(&HEW_REDUCE_DESC(.op = kinds[job->alg],
                                       .in = tensor_of(job->types.in, &job->p.shapes[0]),
                                       .out = tensor_of(job->types.out, &job->p.shapes[1])),
                      job->in, c->out, c->threads);
}

static hew_status concat(const call *c)
{
    const bench_job *job = c->job;
    const problem *p = &job->p;
    hew_tensor in[PROBLEM_MAX_SHAPES];
    const void *data[PROBLEM_MAX_SHAPES];
    hew_tensor out = tensor_of(job->types.out, &p->shapes[0]);
    const char *rest = job->weights;
    out.extent[job->axis] = 0;
    for (int i = 0; i < p->n_shapes; i++) {
        in[i] = tensor_of(job->types.in, &p->shapes[i]);
        data[i] = i ? rest : job->in;
        if (i)
            rest += element_bytes(job->types.in, problem_volume(&p->shapes[i]));
        out.extent[job->axis] += in[i].extent[job->axis];
    }
    return hew_concat(&HEW_CONCAT_DESC(.axis = job->axis, .count = p->n_shapes, .in = in,
                                       .out = out), data, c->out, c->threads);
}

static hew_status shuffle(const call *c)
{
    const hew_shuffle_desc d = shuffle_desc(c->job);
    return hew_shuffle(&d, c->job->in, c->out, c->threads);
}

static hew_status layer_norm(const call *c)
{
    const bench_job *job = c->job;
    const float *gamma = job->weights;
    const hew_layer_norm_desc d = layer_norm_desc(job);
    return hew_layer_norm(&d, &HEW_LAYER_NORM_ARGS(.in = job->in, .gamma = gamma,
                                                   .beta = gamma + job->channels, .out = c->out,
                                                   .threads = c->threads));
}

static hew_status group_norm(const call *c)
{
    const bench_job *job = c->job;
    const float *gamma = job->weights;
    const hew_group_norm_desc d = group_norm_desc(job);
    return hew_group_norm(&d, &HEW_GROUP_NORM_ARGS(.in = job->in, .gamma = gamma,
                                                   .beta = gamma + job->channels, .out = c->out,
                                                   .scratch = c->scratch, .threads = c->threads));
}

static hew_status batch_norm(const call *c)
{
    const bench_job *job = c->job;
    const float *gamma = job->weights;
    /* Only read, without training. */
    float *const running = (float *)(uintptr_t)(gamma + 2 * job->channels);
    const hew_batch_norm_desc d = batch_norm_desc(job);
    return hew_batch_norm(&d, &HEW_BATCH_NORM_ARGS(.in = job->in, .gamma = gamma,
                                                   .beta = gamma + job->channels, .out = c->out,
                                                   .running_mean = running,
                                                   .running_variance = running + job->channels,
                                                   .scratch = c->scratch, .threads = c->threads));
}

static hew_status local_response(const call *c)
{
    const hew_lrn_desc d = lrn_desc(c->job);
    return hew_lrn(&d, c->job->in, c->out, c->threads);
}

static hew_status resampling(const call *c)
{
    return hew_resample_run(c->resample, &HEW_RESAMPLE_ARGS(.in = c->job->in, .out = c->out,
                                                            .scratch = c->scratch,
                                                            .threads = c->threads));
}

/* Bytes of scratch; of a resampling its operation, too. */
static hew_status plan_of(tensors_plan *plan, const bench_job *job, size_t threads, size_t *bytes)
{
    const bool backward = bench_is_backward(job);
    const problem_op op = job->p.op;
    hew_status status = HEW_OK;
    *bytes = 0;
    if (op == PROBLEM_GNORM) {
        const hew_group_norm_desc d = group_norm_desc(job);
        status = hew_group_norm_scratch(&d, threads, bytes);
    } else if (op == PROBLEM_BNORM) {
        const hew_batch_norm_desc d = batch_norm_desc(job);
        status = hew_batch_norm_scratch(&d, threads, bytes);
    } else if (op == PROBLEM_LNORM && backward) {
        const hew_layer_norm_desc d = layer_norm_desc(job);
        status = hew_layer_norm_backward_scratch(&d, bytes);
    } else if (op == PROBLEM_LRN && backward) {
        const hew_lrn_desc d = lrn_desc(job);
        status = hew_lrn_backward_scratch(&d, threads, bytes);
    } else if (op == PROBLEM_PRELU && backward) {
        *bytes = element_bytes(HEW_F32, job->in_count);
    } else if (op == PROBLEM_RESAMPLING) {
        const hew_resample_desc d = resample_desc(job);
        status = hew_resample_create(&plan->resample, &d);
        if (status == HEW_OK)
            *bytes = hew_resample_scratch_size(plan->resample, threads);
    }
    return status;
}

hew_status tensors_create(tensors_plan *plan, const bench_job *job, const hew_threads *threads)
{
    size_t bytes;
    *plan = (tensors_plan){.threads = threads};
    const hew_status status = plan_of(plan, job, threads ? threads->count : 1, &bytes);
    if (status == HEW_OK && !(plan->scratch = hew_alloc(bytes)))
        return HEW_ERR_NO_MEMORY;
    return status;
}

void tensors_destroy(tensors_plan *plan)
{
    hew_resample_destroy(plan->resample);
    hew_free(plan->scratch);
    *plan = (tensors_plan){.scratch = NULL};
}

/* -------------------------------------------------------------------------------- table ---- */

/* benchdnn's words, the usual one first. */
static const char *const one_way[] = {"", NULL};

static const char *const binaries[] = {"add", "sub", "mul", "div", "min", "max", "ge",
                                       "gt",  "le",  "lt",  "eq",  "ne",  NULL};

static const char *const reductions[] = {"sum", "mean", "min", "max", "mul", "norm_lp_sum:1",
                                         "norm_lp_sum:2", "norm_lp_power_p_sum:2", NULL};
static const char *const windows[] = {"across", "within", NULL};
static const char *const interpolations[] = {"nearest", "linear", NULL};

static const struct {
    const char *family;
    const char *const *algs;
    hew_status (*run)(const call *c);
} ops[] = {
    [PROBLEM_ELTWISE - PROBLEM_ELTWISE] = {"chain", one_way, elementwise},
    [PROBLEM_SUM - PROBLEM_ELTWISE] = {"chain", one_way, sum},
    [PROBLEM_BINARY - PROBLEM_ELTWISE] = {"chain", binaries, binary},
    [PROBLEM_PRELU - PROBLEM_ELTWISE] = {"chain", one_way, prelu},
    [PROBLEM_CONCAT - PROBLEM_ELTWISE] = {"copy_rows", one_way, concat},
    [PROBLEM_SHUFFLE - PROBLEM_ELTWISE] = {"transpose", one_way, shuffle},
    [PROBLEM_LNORM - PROBLEM_ELTWISE] = {"layer_norm", one_way, layer_norm},
    [PROBLEM_BNORM - PROBLEM_ELTWISE] = {"channel_norm_apply", one_way, batch_norm},
    [PROBLEM_GNORM - PROBLEM_ELTWISE] = {"channel_norm", one_way, group_norm},
    [PROBLEM_REDUCTION - PROBLEM_ELTWISE] = {"reduce_rows", reductions, reduction},
    [PROBLEM_LRN - PROBLEM_ELTWISE] = {"lrn", windows, local_response},
    [PROBLEM_RESAMPLING - PROBLEM_ELTWISE] = {"", interpolations, resampling},
};

/* "tanh_dst", perhaps with parameters: benchdnn's word where the derivative is taken from what the
 * function gave. */
static bool parse_from_output(bench_job *job, const char *word)
{
    char name[64];
    const size_t length = strcspn(word, ":");
    if (length < 4 || strlen(word) >= sizeof name || strncmp(word + length - 4, "_dst", 4) != 0)
        return false;
    snprintf(name, sizeof name, "%.*s%s", (int)(length - 4), word, word + length);
    job->from_output = case_act_parse(name, &job->act);
    switch (job->act.kind) {
    case HEW_ACT_RELU:
    case HEW_ACT_LEAKY_RELU:
    case HEW_ACT_CLIP:
    case HEW_ACT_ELU:
    case HEW_ACT_SIGMOID:
    case HEW_ACT_TANH:
    case HEW_ACT_SQRT:
    case HEW_ACT_EXP: return job->from_output;
    default: return false;
    }
}

bool tensors_set_alg(bench_job *job, const char *word, char why[PROBLEM_WHY])
{
    const problem_op op = job->p.op;
    const size_t i = (size_t)(op - PROBLEM_ELTWISE);
    const bool there = i < sizeof ops / sizeof *ops && ops[i].run;
    if (there && op == PROBLEM_ELTWISE) {
        if (!word)
            job->act = (hew_act){HEW_ACT_RELU, 0, 0};
        if (!word || case_act_parse(word, &job->act) || parse_from_output(job, word))
            return true;
    } else if (there) {
        for (job->alg = 0; ops[i].algs[job->alg]; job->alg++)
            if (!word || strcasecmp(word, ops[i].algs[job->alg]) == 0)
                return true;
    }
    snprintf(why, PROBLEM_WHY, "there is no %s%s%.32s", problem_op_name(op),
             word ? " with algorithm " : "", word ? word : "");
    return false;
}

const char *tensors_alg_name(const bench_job *job)
{
    if (job->p.op == PROBLEM_ELTWISE)
        return case_act_name(job->act.kind);
    return ops[job->p.op - PROBLEM_ELTWISE].algs[job->alg];
}

const char *tensors_family(const bench_job *job) { return ops[job->p.op - PROBLEM_ELTWISE].family; }

hew_status tensors_run(const bench_job *job, const tensors_plan *plan, void *out)
{
    const call c = {job, out, plan->scratch, plan->threads, plan->resample};
    return ops[job->p.op - PROBLEM_ELTWISE].run(&c);
}
