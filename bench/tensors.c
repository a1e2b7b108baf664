/* tensors.c - jobs on tensors: their algorithms, operands and calls. */
#include "tensors.h"

#include "cases.h"

#include <stdio.h>
#include <strings.h>

typedef struct call {
    const bench_job *job;
    void *out, *scratch;
    const hew_threads *threads;
    const hew_resample *resample;
} call;

/* ----------------------------------------------------------------------------- operands ---- */

static hew_tensor tensor_of(hew_type type, const problem_shape *s)
{
    hew_tensor t = {.type = type, .rank = s->rank};
    memcpy(t.extent, s->extent, (size_t)s->rank * sizeof *t.extent);
    return t;
}

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

static hew_operand operand_of(hew_type type, const problem_shape *s)
{
    return HEW_OPERAND(.tensor = tensor_of(type, s));
}

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
    const hew_tensor t = tensor_of(c->job->types.in, &c->job->p.shapes[0]);
    return hew_shuffle(&HEW_SHUFFLE_DESC(.in = t, .out = t, .axis = c->job->axis,
                                         .groups = c->job->groups),
                       c->job->in, c->out, c->threads);
}

static hew_status layer_norm(const call *c)
{
    const bench_job *job = c->job;
    const float *gamma = job->weights;
    const int64_t columns = (int64_t)job->channels;
    return hew_layer_norm(
        &HEW_LAYER_NORM_DESC(.type = job->types.in, .rows = (int64_t)job->in_count / columns,
                             .columns = columns, .epsilon = (float)job->p.eps),
        &HEW_LAYER_NORM_ARGS(.in = job->in, .gamma = gamma, .beta = gamma + columns, .out = c->out,
                             .threads = c->threads));
}

/* Pixels of an image: what follows batch and channels. */
static int64_t pixels_of(const problem *p)
{
    int64_t pixels = 1;
    for (int i = 2; i < p->shapes[0].rank; i++)
        pixels *= p->shapes[0].extent[i];
    return pixels;
}

static hew_group_norm_desc group_desc(const bench_job *job)
{
    const problem *p = &job->p;
    return HEW_GROUP_NORM_DESC(.type = job->types.in, .batch = p->shapes[0].extent[0],
                               .pixels = pixels_of(p), .channels = p->shapes[0].extent[1],
                               .groups = p->g, .epsilon = (float)p->eps);
}

static hew_status group_norm(const call *c)
{
    const bench_job *job = c->job;
    const float *gamma = job->weights;
    const hew_group_norm_desc d = group_desc(job);
    return hew_group_norm(&d, &HEW_GROUP_NORM_ARGS(.in = job->in, .gamma = gamma,
                                                   .beta = gamma + job->channels, .out = c->out,
                                                   .scratch = c->scratch, .threads = c->threads));
}

static hew_batch_norm_desc batch_desc(const bench_job *job)
{
    const problem *p = &job->p;
    return HEW_BATCH_NORM_DESC(.type = job->types.in,
                               .pixels = p->shapes[0].extent[0] * pixels_of(p),
                               .channels = p->shapes[0].extent[1], .epsilon = (float)p->eps);
}

static hew_status batch_norm(const call *c)
{
    const bench_job *job = c->job;
    const float *gamma = job->weights;
    /* Only read, without training. */
    float *const running = (float *)(uintptr_t)(gamma + 2 * job->channels);
    const hew_batch_norm_desc d = batch_desc(job);
    return hew_batch_norm(&d, &HEW_BATCH_NORM_ARGS(.in = job->in, .gamma = gamma,
                                                   .beta = gamma + job->channels, .out = c->out,
                                                   .running_mean = running,
                                                   .running_variance = running + job->channels,
                                                   .scratch = c->scratch, .threads = c->threads));
}

static hew_status local_response(const call *c)
{
    const bench_job *job = c->job;
    const problem *p = &job->p;
    hew_lrn_desc d = HEW_LRN_DESC(.kind = job->alg ? HEW_LRN_WITHIN : HEW_LRN_ACROSS,
                                  .type = job->types.in, .batch = p->shapes[0].extent[0],
                                  .channels = p->shapes[0].extent[1], .window = p->window,
                                  .alpha = (float)p->lrn_alpha, .beta = (float)p->lrn_beta,
                                  .k = (float)p->lrn_k);
    memcpy(d.in, p->shapes[0].extent + 2, (size_t)(p->shapes[0].rank - 2) * sizeof *d.in);
    return hew_lrn(&d, job->in, c->out, c->threads);
}

/* oneDNN's: half pixels, and the nearest rounded up. */
static hew_resample_desc resample_desc(const bench_job *job)
{
    const problem *p = &job->p;
    const size_t spatial = (size_t)(p->shapes[0].rank - 2);
    hew_resample_desc d =
        HEW_RESAMPLE_DESC(.kind = job->alg ? HEW_RESAMPLE_LINEAR : HEW_RESAMPLE_NEAREST,
                          .type = job->types.in, .round = HEW_RESAMPLE_ROUND_PREFER_CEIL,
                          .batch = p->shapes[0].extent[0], .channels = p->shapes[0].extent[1]);
    memcpy(d.in, p->shapes[0].extent + 2, spatial * sizeof *d.in);
    memcpy(d.out, p->shapes[1].extent + 2, spatial * sizeof *d.out);
    return d;
}

static hew_status resampling(const call *c)
{
    return hew_resample_run(c->resample, &HEW_RESAMPLE_ARGS(.in = c->job->in, .out = c->out,
                                                            .scratch = c->scratch,
                                                            .threads = c->threads));
}

hew_status tensors_create(tensors_plan *plan, const bench_job *job, const hew_threads *threads)
{
    const size_t count = threads ? threads->count : 1;
    size_t bytes = 0;
    hew_status status = HEW_OK;
    *plan = (tensors_plan){.threads = threads};
    if (job->p.op == PROBLEM_GNORM) {
        const hew_group_norm_desc d = group_desc(job);
        status = hew_group_norm_scratch(&d, count, &bytes);
    } else if (job->p.op == PROBLEM_BNORM) {
        const hew_batch_norm_desc d = batch_desc(job);
        status = hew_batch_norm_scratch(&d, count, &bytes);
    } else if (job->p.op == PROBLEM_RESAMPLING) {
        const hew_resample_desc d = resample_desc(job);
        status = hew_resample_create(&plan->resample, &d);
        if (status == HEW_OK)
            bytes = hew_resample_scratch_size(plan->resample, count);
    }
    if (status == HEW_OK && !(plan->scratch = hew_alloc(bytes)))
        status = HEW_ERR_NO_MEMORY;
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

bool tensors_set_alg(bench_job *job, const char *word, char why[PROBLEM_WHY])
{
    const problem_op op = job->p.op;
    const size_t i = (size_t)(op - PROBLEM_ELTWISE);
    const bool there = i < sizeof ops / sizeof *ops && ops[i].run;
    if (there && op == PROBLEM_ELTWISE) {
        if (!word)
            job->act = (hew_act){HEW_ACT_RELU, 0, 0};
        if (!word || case_act_parse(word, &job->act))
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
