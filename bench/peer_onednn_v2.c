/*
 * peer_onednn_v2.c - oneDNN 2.x: an operation descriptor first, then the primitive descriptor;
 * memory descriptors are structs.
 */
#include "peer_onednn.h"

#if DNNL_VERSION_MAJOR == 2

dnnl_status_t onednn_md_init(onednn_md *md, const onednn_tensor *t)
{
    if (t->ndims == 0) {
        *md = (dnnl_memory_desc_t){.ndims = 0};
        return dnnl_success;
    }
    if (t->tag == dnnl_format_tag_undef)
        return dnnl_memory_desc_init_by_strides(md, t->ndims, t->dims, t->type, t->strides);
    return dnnl_memory_desc_init_by_tag(md, t->ndims, t->dims, t->type, t->tag);
}

void onednn_md_free(onednn_md *md)
{
    (void)md;
}

onednn_md_ref onednn_md_get(const onednn_md *md)
{
    return md->ndims ? md : NULL;
}

/* Any operation's descriptor: dnnl_primitive_desc_create finds out which. */
typedef union onednn_op {
    dnnl_convolution_desc_t conv;
    dnnl_inner_product_desc_t ip;
    dnnl_matmul_desc_t matmul;
} onednn_op;

typedef struct onednn_mds {
    onednn_md src, weights, bias, dst;
} onednn_mds;

static dnnl_status_t op_init(onednn_op *op, const onednn_spec *s, const onednn_mds *m)
{
    const onednn_window *w = &s->window;
    onednn_md_ref bias = onednn_md_get(&m->bias);
    switch (s->kind) {
    case ONEDNN_CONV:
        return dnnl_dilated_convolution_forward_desc_init(
            &op->conv, dnnl_forward_inference, dnnl_convolution_direct, &m->src, &m->weights, bias,
            &m->dst, w->strides, w->dilates, w->pad_lo, w->pad_hi);
    case ONEDNN_IP:
        return dnnl_inner_product_forward_desc_init(&op->ip, dnnl_forward_inference, &m->src,
                                                    &m->weights, bias, &m->dst);
    case ONEDNN_MATMUL:
        return dnnl_matmul_desc_init(&op->matmul, &m->src, &m->weights, bias, &m->dst);
    case ONEDNN_REORDER:
        break;
    }
    return dnnl_invalid_arguments;
}

dnnl_status_t onednn_pd_create(dnnl_primitive_desc_t *pd, const onednn_spec *spec,
                               const_dnnl_primitive_attr_t attr, dnnl_engine_t engine)
{
    onednn_mds m;
    onednn_op op;
    dnnl_status_t status = onednn_md_init(&m.src, &spec->src);
    if (status == dnnl_success)
        status = onednn_md_init(&m.weights, &spec->weights);
    if (status == dnnl_success)
        status = onednn_md_init(&m.bias, &spec->bias);
    if (status == dnnl_success)
        status = onednn_md_init(&m.dst, &spec->dst);
    if (status != dnnl_success)
        return status;
    if (spec->kind == ONEDNN_REORDER)
        return dnnl_reorder_primitive_desc_create(pd, &m.src, engine, &m.dst, engine, attr);
    status = op_init(&op, spec, &m);
    return status == dnnl_success ? dnnl_primitive_desc_create(pd, &op, attr, engine, NULL)
                                  : status;
}

typedef union onednn_tensors_desc {
    dnnl_pooling_v2_desc_t pool;
    dnnl_softmax_v2_desc_t softmax;
    dnnl_eltwise_desc_t eltwise;
    dnnl_binary_desc_t binary;
    dnnl_prelu_desc_t prelu;
    dnnl_reduction_desc_t reduction;
    dnnl_shuffle_desc_t shuffle;
    dnnl_layer_normalization_desc_t lnorm;
    dnnl_batch_normalization_desc_t bnorm;
    dnnl_lrn_desc_t lrn;
    dnnl_resampling_desc_t resampling;
} onednn_tensors_desc;

static const unsigned scale_shift = dnnl_use_scale | dnnl_use_shift;

static dnnl_status_t tensors_init(onednn_tensors_desc *d, const onednn_tensors *t,
                                  const onednn_md *in, const onednn_md *out)
{
    const dnnl_prop_kind_t forward = t->training ? dnnl_forward_training : dnnl_forward_inference;
    const unsigned known = t->training ? 0 : dnnl_use_global_stats;
    const onednn_window *w = &t->window;
    switch (t->op) {
    case PROBLEM_POOL:
        return dnnl_pooling_v2_forward_desc_init(&d->pool, forward, t->alg, in, out, w->strides,
                                                 w->kernel, w->dilates, w->pad_lo, w->pad_hi);
    case PROBLEM_SOFTMAX:
        return dnnl_softmax_v2_forward_desc_init(&d->softmax, forward, t->alg, in, out, t->axis);
    case PROBLEM_ELTWISE:
        return dnnl_eltwise_forward_desc_init(&d->eltwise, forward, t->alg, in, t->alpha, t->beta);
    case PROBLEM_BINARY: return dnnl_binary_desc_init(&d->binary, t->alg, in, in + 1, out);
    case PROBLEM_PRELU: return dnnl_prelu_forward_desc_init(&d->prelu, forward, in, in + 1);
    case PROBLEM_REDUCTION:
        return dnnl_reduction_desc_init(&d->reduction, t->alg, in, out, t->p, 0.0f);
    case PROBLEM_SHUFFLE:
        return dnnl_shuffle_forward_desc_init(&d->shuffle, forward, in, t->axis, t->size);
    case PROBLEM_LNORM:
        return dnnl_layer_normalization_forward_desc_init(&d->lnorm, forward, in, NULL, t->eps,
                                                          scale_shift);
    case PROBLEM_BNORM:
        return dnnl_batch_normalization_forward_desc_init(&d->bnorm, forward, in, t->eps,
                                                          known | scale_shift);
    case PROBLEM_LRN:
        return dnnl_lrn_forward_desc_init(&d->lrn, forward, t->alg, in, t->size, t->alpha, t->beta,
                                          t->k);
    case PROBLEM_RESAMPLING:
        return dnnl_resampling_forward_desc_init(&d->resampling, forward, t->alg, NULL, in, out);
    default: return dnnl_unimplemented; /* group normalisation came with 3.2 */
    }
}

static dnnl_status_t mds_init(const onednn_tensors *t, onednn_md *in, onednn_md *out)
{
    dnnl_status_t status = onednn_md_init(out, &t->out);
    for (int i = 0; i < t->n && status == dnnl_success; i++)
        status = onednn_md_init(&in[i], &t->in[i]);
    return status;
}

dnnl_status_t onednn_tensors_pd_create(dnnl_primitive_desc_t *pd, const onednn_tensors *t,
                                       dnnl_engine_t engine)
{
    static const float ones[ONEDNN_MAX_IN] = {1, 1, 1, 1, 1, 1, 1, 1};
    onednn_tensors_desc desc;
    onednn_md in[ONEDNN_MAX_IN], out;
    dnnl_status_t status = mds_init(t, in, &out);
    if (status != dnnl_success)
        return status;
    if (t->op == PROBLEM_CONCAT)
        return dnnl_concat_primitive_desc_create(pd, &out, t->n, t->axis, in, NULL, engine);
    if (t->op == PROBLEM_SUM)
        return dnnl_sum_primitive_desc_create(pd, &out, t->n, ones, in, NULL, engine);
    status = tensors_init(&desc, t, in, &out);
    return status == dnnl_success ? dnnl_primitive_desc_create(pd, &desc, NULL, engine, NULL)
                                  : status;
}

static dnnl_status_t backward_init(onednn_tensors_desc *d, const onednn_tensors *t,
                                   const onednn_md *in, const onednn_md *out)
{
    const dnnl_prop_kind_t back = t->weights_back ? dnnl_backward : dnnl_backward_data;
    const onednn_window *w = &t->window;
    switch (t->op) {
    case PROBLEM_POOL:
        return dnnl_pooling_v2_backward_desc_init(&d->pool, t->alg, in, out, w->strides, w->kernel,
                                                  w->dilates, w->pad_lo, w->pad_hi);
    case PROBLEM_SOFTMAX:
        return dnnl_softmax_v2_backward_desc_init(&d->softmax, t->alg, in, out, out, t->axis);
    case PROBLEM_ELTWISE:
        return dnnl_eltwise_backward_desc_init(&d->eltwise, t->alg, in, in, t->alpha, t->beta);
    case PROBLEM_PRELU:
        return dnnl_prelu_backward_desc_init(&d->prelu, in, in + 1, in, in + 1);
    case PROBLEM_SHUFFLE:
        return dnnl_shuffle_backward_desc_init(&d->shuffle, in, t->axis, t->size);
    case PROBLEM_LNORM:
        return dnnl_layer_normalization_backward_desc_init(&d->lnorm, back, in, in, NULL, t->eps,
                                                           scale_shift);
    case PROBLEM_BNORM:
        return dnnl_batch_normalization_backward_desc_init(&d->bnorm, back, in, in, t->eps,
                                                           scale_shift);
    case PROBLEM_LRN:
        return dnnl_lrn_backward_desc_init(&d->lrn, t->alg, in, in, t->size, t->alpha, t->beta,
                                           t->k);
    case PROBLEM_RESAMPLING:
        return dnnl_resampling_backward_desc_init(&d->resampling, t->alg, NULL, in, out);
    default: return dnnl_unimplemented;
    }
}

dnnl_status_t onednn_backward_pd_create(dnnl_primitive_desc_t *pd, const onednn_tensors *t,
                                        const_dnnl_primitive_desc_t forward, dnnl_engine_t engine)
{
    onednn_tensors_desc desc;
    onednn_md in[ONEDNN_MAX_IN], out;
    dnnl_status_t status = mds_init(t, in, &out);
    if (status == dnnl_success)
        status = backward_init(&desc, t, in, &out);
    return status == dnnl_success ? dnnl_primitive_desc_create(pd, &desc, NULL, engine, forward)
                                  : status;
}

dnnl_status_t onednn_append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t alg, float alpha,
                                    float beta, float dst_scale)
{
    return dnnl_post_ops_append_eltwise(ops, 1.0f / dst_scale, alg, alpha, beta);
}

dnnl_status_t onednn_append_sum(dnnl_post_ops_t ops, float scale, int32_t zero)
{
    return zero ? dnnl_post_ops_append_sum_v3(ops, scale, zero, dnnl_data_type_undef)
                : dnnl_post_ops_append_sum(ops, scale);
}

dnnl_status_t onednn_set_quant(dnnl_primitive_attr_t attr, const onednn_quant *q)
{
    dnnl_status_t status = dnnl_success;
    if (q->scales)
        status = dnnl_primitive_attr_set_output_scales(attr, q->n_scales, q->dst_mask, q->scales);
    if (status == dnnl_success && q->src_zero)
        status = dnnl_primitive_attr_set_zero_points(attr, DNNL_ARG_SRC, 1, 0, &q->src_zero);
    if (status == dnnl_success && q->dst_zero)
        status = dnnl_primitive_attr_set_zero_points(attr, DNNL_ARG_DST, 1, 0, &q->dst_zero);
    return status;
}

dnnl_status_t onednn_quant_args(const onednn_quant *q, dnnl_engine_t engine, dnnl_exec_arg_t *args,
                                int *n_args)
{
    (void)q, (void)engine, (void)args, (void)n_args;
    return dnnl_success;
}

dnnl_alg_kind_t onednn_hard_sigmoid(void)
{
#if DNNL_VERSION_MINOR >= 7
    return dnnl_eltwise_hardsigmoid;
#else
    return dnnl_alg_kind_undef;
#endif
}

#else
typedef int peer_onednn_v2_is_empty;
#endif
