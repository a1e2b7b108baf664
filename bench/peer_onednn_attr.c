/*
 * peer_onednn_attr.c - what follows a job's sums, in oneDNN's terms: scales, zero points, post-ops.
 *
 * Where the activation is at most a clamp, act(v) / c_scale is act'(v / c_scale): the division goes
 * into the scales, as a framework would have it, and oneDNN has one step less to do.
 */
#include "peer_onednn_job.h"

#include <stdio.h>

static bool is_clamp(const hew_act *act)
{
    return act->kind <= HEW_ACT_CLIP;
}

/* What the division by C's scale multiplies, if it goes into the scales. */
static float unit_of(const bench_job *job)
{
    return job->out_scale != 0 && is_clamp(&job->act) ? 1.0f / job->out_scale : 1.0f;
}

bool onednn_job_quant(onednn_quant *q, const bench_job *job, const onednn_spec *spec,
                      char why[PEER_WHY])
{
    const bool matmul = spec->kind == ONEDNN_MATMUL, conv = spec->kind == ONEDNN_CONV;
    const bool divides = job->out_scale != 0 && !is_clamp(&job->act);
    *q = (onednn_quant){.n_scales = (int64_t)job->scales_count,
                        .dst_mask = matmul ? 1 << (spec->dst.ndims - 1) : 2,
                        .weights_mask = matmul                  ? 1 << (spec->dst.ndims - 1)
                                        : conv && job->p.g > 1 ? 3
                                                               : 1,
                        .dst_scale = divides ? job->out_scale : 1.0f,
                        .src_zero = job->in_zero,
                        .dst_zero = job->out_zero};
    const char *lacks = types_weight_only(&job->types) ? "weights that alone are integers"
                        : job->types.dynamic           ? "rows quantised while it runs"
                        : job->weight_zeros            ? "zero points of weights"
                                                       : NULL;
    if (lacks) {
        snprintf(why, PEER_WHY, "oneDNN has no %s", lacks);
        return false;
    }
    if (!job->scales)
        return true;
    q->scales = element_alloc(HEW_F32, job->scales_count);
    for (size_t i = 0; q->scales && i < job->scales_count; i++)
        q->scales[i] = job->scales[i] * unit_of(job);
    return q->scales != NULL;
}

bool onednn_job_bias(const void **bias, const bench_job *job, const onednn_quant *q)
{
    *bias = job->bias_values;
    if (ONEDNN_SUM_BIAS == dnnl_s32 || !job->bias || !types_quantised(&job->types))
        return true;
    float *scaled = element_alloc(HEW_F32, job->channels);
    for (size_t i = 0; scaled && i < job->channels; i++)
        scaled[i] = (float)((const int32_t *)job->bias_values)[i] * (q->scales ? q->scales[i] : 1);
    *bias = scaled;
    return scaled != NULL;
}

bool onednn_eltwise_of(const hew_act *act, dnnl_alg_kind_t *alg, float *alpha, float *beta)
{
    *alpha = act->alpha;
    *beta = act->beta;
    const bool none = act->alpha == 0 && act->beta == 0;
    switch (act->kind) {
    case HEW_ACT_RELU: *alg = dnnl_eltwise_relu; break;
    case HEW_ACT_LEAKY_RELU:
        *alg = dnnl_eltwise_relu;
        *alpha = act->alpha == 0 ? 0.01f : act->alpha;
        break;
    case HEW_ACT_CLIP:
        *alg = dnnl_eltwise_clip;
        *beta = none ? 6.0f : act->beta;
        break;
    case HEW_ACT_ELU:
        *alg = dnnl_eltwise_elu;
        *alpha = act->alpha == 0 ? 1.0f : act->alpha;
        break;
    case HEW_ACT_SIGMOID: *alg = dnnl_eltwise_logistic; break;
    case HEW_ACT_TANH: *alg = dnnl_eltwise_tanh; break;
    case HEW_ACT_SILU:
        *alg = dnnl_eltwise_swish;
        *alpha = 1.0f;
        break;
    case HEW_ACT_GELU_ERF: *alg = dnnl_eltwise_gelu_erf; break;
    case HEW_ACT_GELU_TANH: *alg = dnnl_eltwise_gelu_tanh; break;
    case HEW_ACT_HARDSWISH: /* version 2 knows only these parameters and ignores them */
        *alg = dnnl_eltwise_hardswish;
        *alpha = 1.0f / 6.0f;
        *beta = 0.5f;
        break;
    case HEW_ACT_HARDSIGMOID:
        *alg = onednn_hard_sigmoid();
        *alpha = none ? 1.0f / 6.0f : act->alpha;
        *beta = none ? 0.5f : act->beta;
        return *alg != dnnl_alg_kind_undef;
    case HEW_ACT_MISH: *alg = dnnl_eltwise_mish; break;
    case HEW_ACT_ABS: *alg = dnnl_eltwise_abs; break;
    case HEW_ACT_SQUARE: *alg = dnnl_eltwise_square; break;
    case HEW_ACT_SQRT: *alg = dnnl_eltwise_sqrt; break;
    case HEW_ACT_EXP: *alg = dnnl_eltwise_exp; break;
    case HEW_ACT_LOG: *alg = dnnl_eltwise_log; break;
    case HEW_ACT_ROUND: *alg = dnnl_eltwise_round; break;
    default: return false;
    }
    return true;
}

bool onednn_job_attr(dnnl_primitive_attr_t attr, const bench_job *job, const onednn_quant *q)
{
    const float unit = unit_of(job);
    dnnl_post_ops_t ops;
    if (job->types.math &&
        dnnl_primitive_attr_set_fpmath_mode(attr, dnnl_fpmath_mode_bf16) != dnnl_success)
        return false;
    if (onednn_set_quant(attr, q) != dnnl_success || dnnl_post_ops_create(&ops) != dnnl_success)
        return false;
    const float residual = (job->residual_scale != 0 ? job->residual_scale : 1) * unit;
    bool ok = true;
    if (job->residual)
        ok = onednn_append_sum(ops, residual, job->residual_zero) == dnnl_success;
    if (job->act.kind != HEW_ACT_NONE) {
        dnnl_alg_kind_t alg = dnnl_alg_kind_undef;
        float alpha, beta;
        ok = ok && onednn_eltwise_of(&job->act, &alg, &alpha, &beta);
        if (job->act.kind == HEW_ACT_CLIP) {
            alpha *= unit;
            beta *= unit;
        }
        ok = ok && onednn_append_eltwise(ops, alg, alpha, beta, q->dst_scale) == dnnl_success;
    }
    ok = ok && dnnl_primitive_attr_set_post_ops(attr, ops) == dnnl_success;
    dnnl_post_ops_destroy(ops);
    return ok;
}
