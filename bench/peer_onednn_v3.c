/*
 * peer_onednn_v3.c - oneDNN 3.x: the primitive descriptor is made in one call; memory descriptors
 * are handles that someone owns.
 */
#include "peer_onednn.h"

#if DNNL_VERSION_MAJOR >= 3

dnnl_status_t onednn_md_init(onednn_md *md, const onednn_tensor *t)
{
    *md = NULL;
    if (t->ndims == 0)
        return dnnl_success;
    if (t->tag == dnnl_format_tag_undef)
        return dnnl_memory_desc_create_with_strides(md, t->ndims, t->dims, t->type, t->strides);
    return dnnl_memory_desc_create_with_tag(md, t->ndims, t->dims, t->type, t->tag);
}

void onednn_md_free(onednn_md *md)
{
    if (*md)
        dnnl_memory_desc_destroy(*md);
    *md = NULL;
}

onednn_md_ref onednn_md_get(const onednn_md *md)
{
    return *md;
}

typedef struct onednn_mds {
    onednn_md src, weights, bias, dst;
} onednn_mds;

static dnnl_status_t create(dnnl_primitive_desc_t *pd, const onednn_spec *s, const onednn_mds *m,
                            const_dnnl_primitive_attr_t attr, dnnl_engine_t engine)
{
    const onednn_window *w = &s->window;
    switch (s->kind) {
    case ONEDNN_CONV:
        return dnnl_convolution_forward_primitive_desc_create(
            pd, engine, dnnl_forward_inference, dnnl_convolution_direct, m->src, m->weights,
            m->bias, m->dst, w->strides, w->dilates, w->pad_lo, w->pad_hi, attr);
    case ONEDNN_IP:
        return dnnl_inner_product_forward_primitive_desc_create(
            pd, engine, dnnl_forward_inference, m->src, m->weights, m->bias, m->dst, attr);
    case ONEDNN_MATMUL:
        return dnnl_matmul_primitive_desc_create(pd, engine, m->src, m->weights, m->bias, m->dst,
                                                 attr);
    case ONEDNN_REORDER:
        return dnnl_reorder_primitive_desc_create(pd, m->src, engine, m->dst, engine, attr);
    }
    return dnnl_invalid_arguments;
}

dnnl_status_t onednn_pd_create(dnnl_primitive_desc_t *pd, const onednn_spec *spec,
                               const_dnnl_primitive_attr_t attr, dnnl_engine_t engine)
{
    onednn_mds m = {NULL, NULL, NULL, NULL};
    dnnl_status_t status = onednn_md_init(&m.src, &spec->src);
    if (status == dnnl_success)
        status = onednn_md_init(&m.weights, &spec->weights);
    if (status == dnnl_success)
        status = onednn_md_init(&m.bias, &spec->bias);
    if (status == dnnl_success)
        status = onednn_md_init(&m.dst, &spec->dst);
    if (status == dnnl_success)
        status = create(pd, spec, &m, attr, engine);
    onednn_md_free(&m.src);
    onednn_md_free(&m.weights);
    onednn_md_free(&m.bias);
    onednn_md_free(&m.dst);
    return status;
}

static const unsigned scale_shift = dnnl_use_scale | dnnl_use_shift;

static dnnl_status_t create_tensors(dnnl_primitive_desc_t *pd, const onednn_tensors *t,
                                    const onednn_md *in, onednn_md out, dnnl_engine_t engine)
{
    static const float ones[ONEDNN_MAX_IN] = {1, 1, 1, 1, 1, 1, 1, 1};
    const dnnl_prop_kind_t forward = t->training ? dnnl_forward_training : dnnl_forward_inference;
    const unsigned known = t->training ? 0 : dnnl_use_global_stats;
    const onednn_window *w = &t->window;
    const_dnnl_memory_desc_t ins[ONEDNN_MAX_IN];
    for (int i = 0; i < t->n; i++)
        ins[i] = in[i];
    switch (t->op) {
    case PROBLEM_CONCAT:
        return dnnl_concat_primitive_desc_create(pd, engine, out, t->n, t->axis, ins, NULL);
    case PROBLEM_SUM: return dnnl_sum_primitive_desc_create(pd, engine, out, t->n, ones, ins, NULL);
    case PROBLEM_POOL:
        return dnnl_pooling_forward_primitive_desc_create(
            pd, engine, forward, t->alg, in[0], out, w->strides, w->kernel, w->dilates, w->pad_lo,
            w->pad_hi, NULL);
    case PROBLEM_SOFTMAX:
        return dnnl_softmax_forward_primitive_desc_create(pd, engine, forward, t->alg, in[0], out,
                                                          t->axis, NULL);
    case PROBLEM_ELTWISE:
        return dnnl_eltwise_forward_primitive_desc_create(pd, engine, forward, t->alg, in[0], out,
                                                          t->alpha, t->beta, NULL);
    case PROBLEM_BINARY:
        return dnnl_binary_primitive_desc_create(pd, engine, t->alg, in[0], in[1], out, NULL);
    case PROBLEM_PRELU:
        return dnnl_prelu_forward_primitive_desc_create(pd, engine, forward, in[0], in[1], out,
                                                        NULL);
    case PROBLEM_REDUCTION:
        return dnnl_reduction_primitive_desc_create(pd, engine, t->alg, in[0], out, t->p, 0.0f,
                                                    NULL);
    case PROBLEM_SHUFFLE:
        return dnnl_shuffle_forward_primitive_desc_create(pd, engine, forward, in[0], out, t->axis,
                                                          t->size, NULL);
    case PROBLEM_LNORM:
        return dnnl_layer_normalization_forward_primitive_desc_create(
            pd, engine, forward, in[0], out, NULL, t->eps, scale_shift, NULL);
    case PROBLEM_BNORM:
        return dnnl_batch_normalization_forward_primitive_desc_create(
            pd, engine, forward, in[0], out, t->eps, known | scale_shift, NULL);
#if DNNL_VERSION_MINOR >= 2 || DNNL_VERSION_MAJOR > 3
    case PROBLEM_GNORM:
        return dnnl_group_normalization_forward_primitive_desc_create(
            pd, engine, forward, in[0], out, t->groups, t->eps, scale_shift, NULL);
#endif
    case PROBLEM_LRN:
        return dnnl_lrn_forward_primitive_desc_create(pd, engine, forward, t->alg, in[0], out,
                                                      t->size, t->alpha, t->beta, t->k, NULL);
    case PROBLEM_RESAMPLING:
        return dnnl_resampling_forward_primitive_desc_create(pd, engine, forward, t->alg, NULL,
                                                             in[0], out, NULL);
    default: return dnnl_unimplemented;
    }
}

static dnnl_status_t create_backward(dnnl_primitive_desc_t *pd, const onednn_tensors *t,
                                     const onednn_md *in, onednn_md out,
                                     const_dnnl_primitive_desc_t fwd, dnnl_engine_t engine)
{
    const dnnl_prop_kind_t back = t->weights_back ? dnnl_backward : dnnl_backward_data;
    const onednn_window *w = &t->window;
    const onednn_md x = in[0];
    switch (t->op) {
    case PROBLEM_POOL:
        return dnnl_pooling_backward_primitive_desc_create(pd, engine, t->alg, x, out, w->strides,
                                                           w->kernel, w->dilates, w->pad_lo,
                                                           w->pad_hi, fwd, NULL);
    case PROBLEM_SOFTMAX:
        return dnnl_softmax_backward_primitive_desc_create(pd, engine, t->alg, x, out, out, t->axis,
                                                           fwd, NULL);
    case PROBLEM_ELTWISE:
        return dnnl_eltwise_backward_primitive_desc_create(pd, engine, t->alg, x, out, x, t->alpha,
                                                           t->beta, fwd, NULL);
    case PROBLEM_PRELU:
        return dnnl_prelu_backward_primitive_desc_create(pd, engine, x, in[1], x, in[1], out, fwd,
                                                         NULL);
    case PROBLEM_SHUFFLE:
        return dnnl_shuffle_backward_primitive_desc_create(pd, engine, x, out, t->axis, t->size,
                                                           fwd, NULL);
    case PROBLEM_LNORM:
        return dnnl_layer_normalization_backward_primitive_desc_create(
            pd, engine, back, x, out, x, NULL, t->eps, scale_shift, fwd, NULL);
    case PROBLEM_BNORM:
        return dnnl_batch_normalization_backward_primitive_desc_create(
            pd, engine, back, x, out, x, t->eps, scale_shift, fwd, NULL);
#if DNNL_VERSION_MINOR >= 2 || DNNL_VERSION_MAJOR > 3
    case PROBLEM_GNORM:
        return dnnl_group_normalization_backward_primitive_desc_create(
            pd, engine, back, x, out, x, t->groups, t->eps, scale_shift, fwd, NULL);
#endif
    case PROBLEM_LRN:
        return dnnl_lrn_backward_primitive_desc_create(pd, engine, t->alg, x, out, x, t->size,
                                                       t->alpha, t->beta, t->k, fwd, NULL);
    case PROBLEM_RESAMPLING:
        return dnnl_resampling_backward_primitive_desc_create(pd, engine, t->alg, NULL, x, out, fwd,
                                                              NULL);
    default: return dnnl_unimplemented;
    }
}

/* forward: null for that primitive itself. */
static dnnl_status_t create_either(dnnl_primitive_desc_t *pd, const onednn_tensors *t,
                                   const_dnnl_primitive_desc_t forward, dnnl_engine_t engine)
{
    onednn_md in[ONEDNN_MAX_IN] = {NULL}, out = NULL;
    dnnl_status_t status = onednn_md_init(&out, &t->out);
    for (int i = 0; i < t->n && status == dnnl_success; i++)
        status = onednn_md_init(&in[i], &t->in[i]);
    if (status == dnnl_success)
        status = forward ? create_backward(pd, t, in, out, forward, engine)
                         : create_tensors(pd, t, in, out, engine);
    for (int i = 0; i < t->n; i++)
        onednn_md_free(&in[i]);
    onednn_md_free(&out);
    return status;
}

dnnl_status_t onednn_tensors_pd_create(dnnl_primitive_desc_t *pd, const onednn_tensors *t,
                                       dnnl_engine_t engine)
{
    return create_either(pd, t, NULL, engine);
}

dnnl_status_t onednn_backward_pd_create(dnnl_primitive_desc_t *pd, const onednn_tensors *t,
                                        const_dnnl_primitive_desc_t forward, dnnl_engine_t engine)
{
    return create_either(pd, t, forward, engine);
}

dnnl_status_t onednn_append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t alg, float alpha,
                                    float beta, float dst_scale)
{
    (void)dst_scale; /* an attribute of its own */
    return dnnl_post_ops_append_eltwise(ops, alg, alpha, beta);
}

dnnl_status_t onednn_append_sum(dnnl_post_ops_t ops, float scale, int32_t zero)
{
    return dnnl_post_ops_append_sum(ops, scale, zero, dnnl_data_type_undef);
}

dnnl_status_t onednn_set_quant(dnnl_primitive_attr_t attr, const onednn_quant *q)
{
    dnnl_status_t status = dnnl_success;
    if (q->scales)
        status = dnnl_primitive_attr_set_scales_mask(attr, DNNL_ARG_WEIGHTS, q->weights_mask);
    if (status == dnnl_success && q->scales && q->dst_scale != 1)
        status = dnnl_primitive_attr_set_scales_mask(attr, DNNL_ARG_DST, 0);
    if (status == dnnl_success && q->src_zero)
        status = dnnl_primitive_attr_set_zero_points_mask(attr, DNNL_ARG_SRC, 0);
    if (status == dnnl_success && q->dst_zero)
        status = dnnl_primitive_attr_set_zero_points_mask(attr, DNNL_ARG_DST, 0);
    return status;
}

/* One argument: a row of n values, which are the caller's and outlive it. */
static dnnl_status_t add(dnnl_exec_arg_t *args, int *n_args, int arg, dnnl_data_type_t type,
                         int64_t n, const void *values, dnnl_engine_t engine)
{
    const dnnl_dims_t dims = {n};
    dnnl_memory_desc_t md = NULL;
    dnnl_memory_t memory = NULL;
    dnnl_status_t status = dnnl_memory_desc_create_with_tag(&md, 1, dims, type, dnnl_a);
    if (status != dnnl_success)
        return status;
    status = dnnl_memory_create(&memory, md, engine, (void *)(uintptr_t)values);
    dnnl_memory_desc_destroy(md);
    if (status == dnnl_success)
        args[(*n_args)++] = (dnnl_exec_arg_t){arg, memory};
    return status;
}

dnnl_status_t onednn_quant_args(const onednn_quant *q, dnnl_engine_t engine, dnnl_exec_arg_t *args,
                                int *n_args)
{
    enum { SCALES = DNNL_ARG_ATTR_SCALES, ZEROS = DNNL_ARG_ATTR_ZERO_POINTS };
    dnnl_status_t status = dnnl_success;
    if (q->scales)
        status = add(args, n_args, SCALES | DNNL_ARG_WEIGHTS, dnnl_f32, q->n_scales, q->scales,
                     engine);
    if (status == dnnl_success && q->scales && q->dst_scale != 1)
        status = add(args, n_args, SCALES | DNNL_ARG_DST, dnnl_f32, 1, &q->dst_scale, engine);
    if (status == dnnl_success && q->src_zero)
        status = add(args, n_args, ZEROS | DNNL_ARG_SRC, dnnl_s32, 1, &q->src_zero, engine);
    if (status == dnnl_success && q->dst_zero)
        status = add(args, n_args, ZEROS | DNNL_ARG_DST, dnnl_s32, 1, &q->dst_zero, engine);
    return status;
}

dnnl_alg_kind_t onednn_hard_sigmoid(void)
{
    return dnnl_eltwise_hardsigmoid;
}

#else
typedef int peer_onednn_v3_is_empty;
#endif
