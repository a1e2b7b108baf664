/* peer_onednn_tensors.c - jobs on tensors in oneDNN's terms. */
#include "peer_onednn_job.h"

#include "tensors.h"

#include <stdio.h>
#include <string.h>

static bool has_channels(problem_op op)
{
    return op == PROBLEM_BNORM || op == PROBLEM_GNORM || op == PROBLEM_LRN ||
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
    switch (job->p.op) {
    case PROBLEM_REDUCTION: return reductions[job->alg];
    case PROBLEM_BINARY: return binaries[job->alg];
    case PROBLEM_LRN: return job->alg ? dnnl_lrn_within_channel : dnnl_lrn_across_channels;
    case PROBLEM_RESAMPLING: return job->alg ? dnnl_resampling_linear : dnnl_resampling_nearest;
    default: return dnnl_alg_kind_undef;
    }
}

static bool set_parameters(onednn_tensors *t, const bench_job *job)
{
    const problem *p = &job->p;
    t->alg = alg_of(job);
    t->eps = (float)p->eps;
    t->alpha = (float)p->lrn_alpha;
    t->beta = (float)p->lrn_beta;
    t->k = (float)p->lrn_k;
    t->p = job->alg == 5 ? 1.0f : 2.0f; /* of the reductions that have one */
    t->axis = job->axis;
    t->size = p->window;
    t->groups = p->g;
    if (p->op == PROBLEM_SHUFFLE) /* columns of the matrix that is transposed */
        t->size = p->shapes[0].extent[job->axis] / job->groups;
    return p->op != PROBLEM_ELTWISE || onednn_eltwise_of(&job->act, &t->alg, &t->alpha, &t->beta);
}

bool onednn_job_tensors(onednn_tensors *t, onednn_tensors *ours, const bench_job *job, int variant,
                        char why[PEER_WHY])
{
    static const dnnl_format_tag_t blocked[] = {dnnl_nCw16c, dnnl_nChw16c, dnnl_nCdhw16c};
    const problem *p = &job->p;
    const bool channels = has_channels(p->op), shrinks = p->op == PROBLEM_REDUCTION ||
                                                          p->op == PROBLEM_RESAMPLING;
    const int rank = p->shapes[0].rank;
    void (*const set)(onednn_tensor *, const problem_shape *) =
        channels ? set_channels_last : set_dense;
    if (variant > 1 || (variant == 1 && (!channels || rank < 3)))
        return false;
    memset(t, 0, sizeof *t);
    t->op = p->op;
    t->n = p->op == PROBLEM_SUM ? 2 : shrinks ? 1 : p->n_shapes;
    for (int i = 0; i < t->n; i++) {
        set(&t->in[i], &p->shapes[p->op == PROBLEM_SUM ? 0 : i]);
        t->in[i].type = onednn_type_of(job->types.in);
    }
    set(&t->out, &p->shapes[shrinks ? 1 : 0]);
    t->out.type = onednn_type_of(job->types.out);
    if (p->op == PROBLEM_CONCAT) {
        problem_shape whole = p->shapes[0];
        for (int i = 1; i < p->n_shapes; i++)
            whole.extent[job->axis] += p->shapes[i].extent[job->axis];
        set(&t->out, &whole);
    }
    if (!set_parameters(t, job)) {
        snprintf(why, PEER_WHY, "oneDNN has no such function");
        return false;
    }
    *ours = *t;
    if (variant == 1)
        t->in[0].tag = t->out.tag = blocked[rank - 3];
    return true;
}

int onednn_job_tensor_args(onednn_job_arg *args, const bench_job *job)
{
    const problem *p = &job->p;
    const float *row = job->weights;
    const size_t channels = job->channels;
    int n = 0;
    const bool many = p->op == PROBLEM_CONCAT || p->op == PROBLEM_SUM;
    args[n++] = (onednn_job_arg){many ? DNNL_ARG_MULTIPLE_SRC : DNNL_ARG_SRC, 0, job->in};
    if (p->op == PROBLEM_BINARY || p->op == PROBLEM_PRELU)
        args[n++] = (onednn_job_arg){p->op == PROBLEM_BINARY ? DNNL_ARG_SRC_1 : DNNL_ARG_WEIGHTS, 1,
                                     job->weights};
    const char *rest = job->weights;
    for (int i = 1; many && i < (p->op == PROBLEM_SUM ? 2 : p->n_shapes); i++) {
        args[n++] = (onednn_job_arg){DNNL_ARG_MULTIPLE_SRC + i, i, rest};
        if (p->op == PROBLEM_CONCAT)
            rest += element_bytes(job->types.in, problem_volume(&p->shapes[i]));
    }
    if (p->op == PROBLEM_LNORM || p->op == PROBLEM_GNORM || p->op == PROBLEM_BNORM) {
        args[n++] = (onednn_job_arg){DNNL_ARG_SCALE, -1, row};
        args[n++] = (onednn_job_arg){DNNL_ARG_SHIFT, -1, row + channels};
    }
    if (p->op == PROBLEM_BNORM) {
        args[n++] = (onednn_job_arg){DNNL_ARG_MEAN, -1, row + 2 * channels};
        args[n++] = (onednn_job_arg){DNNL_ARG_VARIANCE, -1, row + 3 * channels};
    }
    return n;
}
