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
        return dnnl_memory_desc_create_with_strides(md, t->ndims, t->dims, dnnl_f32, t->strides);
    return dnnl_memory_desc_create_with_tag(md, t->ndims, t->dims, dnnl_f32, t->tag);
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
    case ONEDNN_POOL:
        return dnnl_pooling_forward_primitive_desc_create(
            pd, engine, dnnl_forward_inference, s->alg, m->src, m->dst, w->strides, w->kernel,
            w->dilates, w->pad_lo, w->pad_hi, attr);
    case ONEDNN_SOFTMAX:
        return dnnl_softmax_forward_primitive_desc_create(
            pd, engine, dnnl_forward_inference,
            s->log ? dnnl_softmax_log : dnnl_softmax_accurate, m->src, m->dst, s->axis, attr);
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

dnnl_status_t onednn_append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t alg, float alpha,
                                    float beta)
{
    return dnnl_post_ops_append_eltwise(ops, alg, alpha, beta);
}

dnnl_status_t onednn_append_sum(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_sum(ops, 1.0f, 0, dnnl_f32);
}

dnnl_alg_kind_t onednn_hard_sigmoid(void)
{
    return dnnl_eltwise_hardsigmoid;
}

#else
typedef int peer_onednn_v3_is_empty;
#endif
