/* peer_onednn_tensors.c - jobs on tensors in oneDNN's terms. */
#include "peer_onednn_job.h"

#include <stdio.h>
#include <string.h>

bool onednn_job_has_tensors(const bench_job *job)
{
    return problem_has_tensors(job->p.op) || job->p.op == PROBLEM_POOL ||
           job->p.op == PROBLEM_SOFTMAX;
}

static bool has_channels(problem_op op)
{
    return op == PROBLEM_POOL || op == PROBLEM_BNORM || op == PROBLEM_GNORM || op == PROBLEM_LRN ||
           op == PROBLEM_RESAMPLING;
}

/* Dense in the order that is written. */
static void set_dense(onednn_tensor *t, const problem_shape *s)
{
    int64_t step = 1;
    t->ndims = s->rank;
    t->tag = dnnl_format_tag_undef;
    for (int i = s->rank - 1; i >= 0; i--) {
        t->dims[i] = s->extent[i];
        t->strides[i] = step;
        step *= s->extent[i];
    }
}

static void set_channels_last(onednn_tensor *t, const problem_shape *s)
{
    set_dense(t, s);
    int64_t step = t->dims[1];
    for (int i = s->rank - 1; i >= 2; i--) {
        t->strides[i] = step;
        step *= t->dims[i];
    }
    t->strides[1] = 1;
    t->strides[0] = step;
}

/* The tensors of a job, the result's last.  How many. */
static int shapes_of(problem_shape *shapes, const bench_job *job)
{
    const problem *p = &job->p;
    const problem_shape first = p->shapes[0];
    int n = p->n_shapes;
    if (p->op == PROBLEM_POOL) {
        shapes[0] = shapes[1] = (problem_shape){2 + p->rank, {p->mb, p->ic}};
        memcpy(shapes[0].extent + 2, p->in, (size_t)p->rank * sizeof *p->in);
        memcpy(shapes[1].extent + 2, p->out, (size_t)p->rank * sizeof *p->out);
        return 2;
    }
    if (p->op == PROBLEM_SOFTMAX) {
        shapes[0] = shapes[1] = (problem_shape){2, {p->rows, p->columns}};
        return 2;
    }
    memcpy(shapes, p->shapes, (size_t)n * sizeof *shapes);
    if (p->op == PROBLEM_RESAMPLING || p->op == PROBLEM_REDUCTION)
        return n;
    if (p->op == PROBLEM_SUM)
        shapes[n++] = first;
    shapes[n] = first;
    for (int i = 1; p->op == PROBLEM_CONCAT && i < n; i++)
        shapes[n].extent[job->axis] += p->shapes[i].extent[job->axis];
    return n + 1;
}

static dnnl_alg_kind_t alg_of(const bench_job *job)
{
    static const dnnl_alg_kind_t reductions[] = {
        dnnl_reduction_sum, dnnl_reduction_mean,        dnnl_reduction_min,
        dnnl_reduction_max, dnnl_reduction_mul,         dnnl_reduction_norm_lp_sum,
        dnnl_reduction_norm_lp_sum, dnnl_reduction_norm_lp_power_p_sum};
    static const dnnl_alg_kind_t binaries[] = {
        dnnl_binary_add, dnnl_binary_sub, dnnl_binary_mul, dnnl_binary_div, dnnl_binary_min,
        dnnl_binary_max, dnnl_binary_ge,  dnnl_binary_gt,  dnnl_binary_le,  dnnl_binary_lt,
        dnnl_binary_eq,  dnnl_binary_ne};
    static const dnnl_alg_kind_t poolings[] = {
        [HEW_POOLING_MAX] = dnnl_pooling_max,
        [HEW_POOLING_AVG] = dnnl_pooling_avg_exclude_padding,
        [HEW_POOLING_AVG_PADDED] = dnnl_pooling_avg_include_padding};
    switch (job->p.op) {
    case PROBLEM_POOL: return poolings[job->pooling];
    case PROBLEM_SOFTMAX: return job->log ? dnnl_softmax_log : dnnl_softmax_accurate;
    case PROBLEM_REDUCTION: return reductions[job->alg];
    case PROBLEM_BINARY: return binaries[job->alg];
    case PROBLEM_LRN: return job->alg ? dnnl_lrn_within_channel : dnnl_lrn_across_channels;
    case PROBLEM_RESAMPLING: return job->alg ? dnnl_resampling_linear : dnnl_resampling_nearest;
    default: return dnnl_alg_kind_undef;
    }
}

/* The function whose derivative is taken from its result; false: oneDNN lacks it. */
static bool use_result(dnnl_alg_kind_t *alg)
{
    static const dnnl_alg_kind_t pairs[][2] = {
        {dnnl_eltwise_relu, dnnl_eltwise_relu_use_dst_for_bwd},
        {dnnl_eltwise_tanh, dnnl_eltwise_tanh_use_dst_for_bwd},
        {dnnl_eltwise_elu, dnnl_eltwise_elu_use_dst_for_bwd},
        {dnnl_eltwise_sqrt, dnnl_eltwise_sqrt_use_dst_for_bwd},
        {dnnl_eltwise_logistic, dnnl_eltwise_logistic_use_dst_for_bwd},
        {dnnl_eltwise_exp, dnnl_eltwise_exp_use_dst_for_bwd},
        {dnnl_eltwise_clip, dnnl_eltwise_clip_v2_use_dst_for_bwd}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (*alg == pairs[i][0]) {
            *alg = pairs[i][1];
            return true;
        }
    }
    return false;
}

static bool set_parameters(onednn_tensors *t, const bench_job *job)
{
    const problem *p = &job->p;
    t->op = p->op;
    t->training = job->dir != BENCH_INFERENCE;
    t->weights_back = job->dir == BENCH_BACKWARD_ALL;
    t->alg = alg_of(job);
    t->eps = (float)p->eps;
    t->alpha = (float)p->lrn_alpha;
    t->beta = (float)p->lrn_beta;
    t->k = (float)p->lrn_k;
    t->p = job->alg == 5 ? 1.0f : 2.0f; /* of the reductions that have one */
    t->axis = p->op == PROBLEM_SOFTMAX ? 1 : job->axis;
    t->size = p->window;
    t->groups = p->g;
    if (p->op == PROBLEM_POOL)
        onednn_set_window(&t->window, p);
    if (p->op == PROBLEM_SHUFFLE) /* columns of the matrix that is transposed */
        t->size = p->shapes[0].extent[job->axis] / job->groups;
    return p->op != PROBLEM_ELTWISE ||
           (onednn_eltwise_of(&job->act, &t->alg, &t->alpha, &t->beta) &&
            (!job->from_output || use_result(&t->alg)));
}

bool onednn_job_tensors(onednn_tensors *t, onednn_tensors *ours, const bench_job *job, int variant,
                        char why[PEER_WHY])
{
    static const dnnl_format_tag_t blocked[2][3] = {{dnnl_nCw16c, dnnl_nChw16c, dnnl_nCdhw16c},
                                                    {dnnl_nCw8c, dnnl_nChw8c, dnnl_nCdhw8c}};
    const bool channels = has_channels(job->p.op);
    void (*const set)(onednn_tensor *, const problem_shape *) =
        channels ? set_channels_last : set_dense;
    problem_shape shapes[PROBLEM_MAX_SHAPES + 1];
    const int n = shapes_of(shapes, job), rank = shapes[0].rank;
    if (variant > (job->p.op == PROBLEM_POOL ? 2 : 1) || (variant && (!channels || rank < 3)))
        return false;
    memset(t, 0, sizeof *t);
    t->n = n - 1;
    for (int i = 0; i < t->n; i++) {
        set(&t->in[i], &shapes[i]);
        t->in[i].type = onednn_type_of(job->types.in);
    }
    set(&t->out, &shapes[t->n]);
    t->out.type = onednn_type_of(job->types.out);
    if (!set_parameters(t, job)) {
        snprintf(why, PEER_WHY, "oneDNN has no such function");
        return false;
    }
    *ours = *t;
    if (variant)
        t->in[0].tag = t->out.tag = blocked[variant - 1][rank - 3];
    return true;
}

/* ---------------------------------------------------------------------------- arguments ---- */

typedef struct list {
    onednn_job_arg *args;
    int n;
} list;

static void add(list *l, int arg, const onednn_tensor *theirs, const onednn_tensor *ours,
                const void *data)
{
    l->args[l->n++] = (onednn_job_arg){arg, *theirs, *ours, data};
}

static void add_row(list *l, int arg, const onednn_tensor *row, const void *data)
{
    add(l, arg, row, row, data);
}

/* Means or variances of training: of a channel, a row, or an image's groups. */
static onednn_tensor statistics_of(const bench_job *job)
{
    const problem *p = &job->p;
    problem_shape s = {1, {(int64_t)job->channels}};
    onednn_tensor t;
    if (p->op == PROBLEM_LNORM) {
        s = p->shapes[0];
        s.rank--;
    } else if (p->op == PROBLEM_GNORM) {
        s = (problem_shape){2, {p->shapes[0].extent[0], p->g}};
    }
    set_dense(&t, &s);
    t.type = dnnl_f32;
    return t;
}

static void add_norm(list *l, const bench_job *job)
{
    const onednn_tensor row = {dnnl_f32, 1, {(int64_t)job->channels}, dnnl_a, {0}};
    const onednn_tensor statistics = statistics_of(job);
    const float *weights = job->weights;
    const size_t channels = job->channels;
    const bool training = job->dir != BENCH_INFERENCE;
    add_row(l, DNNL_ARG_SCALE, &row, weights);
    add_row(l, DNNL_ARG_SHIFT, &row, weights + channels);
    if (training || job->p.op == PROBLEM_BNORM) {
        add_row(l, DNNL_ARG_MEAN, &statistics, training ? NULL : weights + 2 * channels);
        add_row(l, DNNL_ARG_VARIANCE, &statistics, training ? NULL : weights + 3 * channels);
    }
    if (job->dir == BENCH_BACKWARD_ALL) {
        add_row(l, DNNL_ARG_DIFF_SCALE, &row, NULL);
        add_row(l, DNNL_ARG_DIFF_SHIFT, &row, NULL);
    }
}

int onednn_job_tensor_args(onednn_job_arg args[ONEDNN_JOB_ARGS], const onednn_tensors *t,
                           const onednn_tensors *ours, const bench_job *job)
{
    const problem *p = &job->p;
    const bool prelu = p->op == PROBLEM_PRELU;
    const bool many = p->op == PROBLEM_CONCAT || p->op == PROBLEM_SUM;
    list l = {args, 0};
    add(&l, many ? DNNL_ARG_MULTIPLE_SRC : DNNL_ARG_SRC, t->in, ours->in, job->in);
    if (p->op == PROBLEM_BINARY || prelu)
        add(&l, prelu ? DNNL_ARG_WEIGHTS : DNNL_ARG_SRC_1, t->in + 1, ours->in + 1, job->weights);
    const char *rest = job->weights;
    for (int i = 1; many && i < t->n; i++) {
        add(&l, DNNL_ARG_MULTIPLE_SRC + i, t->in + i, ours->in + i, rest);
        if (p->op == PROBLEM_CONCAT)
            rest += element_bytes(job->types.in, problem_volume(&p->shapes[i]));
    }
    if (p->op == PROBLEM_LNORM || p->op == PROBLEM_GNORM || p->op == PROBLEM_BNORM)
        add_norm(&l, job);
    const bool from_result = p->op == PROBLEM_SOFTMAX || job->from_output;
    add(&l, DNNL_ARG_DST, &t->out, &ours->out, from_result ? job->saved : NULL);
    if (bench_is_backward(job)) {
        add(&l, DNNL_ARG_DIFF_DST, &t->out, &ours->out, job->d_out);
        add(&l, DNNL_ARG_DIFF_SRC, t->in, ours->in, NULL);
        if (prelu)
            add(&l, DNNL_ARG_DIFF_WEIGHTS, t->in + 1, ours->in + 1, NULL);
    }
    return l.n;
}

void *onednn_job_result(const bench_job *job, int arg, void *out)
{
    switch (arg) {
    case DNNL_ARG_DST: return bench_is_backward(job) ? NULL : out;
    case DNNL_ARG_DIFF_SRC: return out;
    case DNNL_ARG_DIFF_WEIGHTS:
    case DNNL_ARG_DIFF_SCALE: return bench_more(job, out);
    case DNNL_ARG_DIFF_SHIFT: return (float *)bench_more(job, out) + job->channels;
    default: return NULL;
    }
}
