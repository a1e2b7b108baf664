/*
 * peer_onednn_spec.c - a job in oneDNN's terms: which primitive, which tensors.
 *
 * Variants, the fastest of which counts:
 *
 *     conv      0  every layout of oneDNN's own choice (blocked)     1  channels-last activations
 *     ip, gemm  0  matmul, weights of its choice                     1  inner product, likewise
 *               2  inner product, all of its choice                  3  dnnl_sgemm
 *     plain B   0  matmul                                            3  dnnl_sgemm
 *     reorder: one
 */
#include "peer_onednn_job.h"

#include <string.h>

static void set_dims(onednn_tensor *t, int ndims, const int64_t *dims)
{
    t->ndims = ndims;
    memcpy(t->dims, dims, (size_t)ndims * sizeof *dims);
}

/* {batch, channels, spatial...} */
static void set_activation(onednn_tensor *t, const problem *p, int64_t channels,
                           const int64_t *spatial)
{
    int64_t dims[5] = {p->mb, channels};
    memcpy(dims + 2, spatial, (size_t)p->rank * sizeof *dims);
    set_dims(t, 2 + p->rank, dims);
}

void onednn_set_window(onednn_window *w, const problem *p)
{
    for (int i = 0; i < p->rank; i++) {
        w->kernel[i] = p->kernel[i];
        w->strides[i] = p->stride[i];
        w->dilates[i] = p->dilation[i] - 1;
        w->pad_lo[i] = p->pad_lo[i];
        /* oneDNN wants the exact padding, which may be negative where a stride skips the rest. */
        w->pad_hi[i] = (p->out[i] - 1) * p->stride[i] - p->in[i] - p->pad_lo[i] +
                       (p->kernel[i] - 1) * p->dilation[i] + 1;
    }
}

static const dnnl_format_tag_t channels_last[] = {dnnl_nwc, dnnl_nhwc, dnnl_ndhwc};
static const dnnl_format_tag_t plain_weights[2][3] = {{dnnl_oiw, dnnl_oihw, dnnl_oidhw},
                                                      {dnnl_goiw, dnnl_goihw, dnnl_goidhw}};

static bool conv_spec(onednn_spec *s, onednn_spec *ours, const bench_job *job, int variant)
{
    const problem *p = &job->p;
    int64_t weights[6] = {p->g, p->oc / p->g, p->ic / p->g};
    memcpy(weights + 3, p->kernel, (size_t)p->rank * sizeof *weights);
    const bool groups = p->g > 1;

    s->kind = ONEDNN_CONV;
    set_activation(&s->src, p, p->ic, p->in);
    set_activation(&s->dst, p, p->oc, p->out);
    set_dims(&s->weights, 2 + groups + p->rank, weights + !groups);
    if (job->bias)
        set_dims(&s->bias, 1, &p->oc);
    onednn_set_window(&s->window, p);

    *ours = *s;
    ours->src.tag = ours->dst.tag = channels_last[p->rank - 1];
    ours->weights.tag = plain_weights[groups][p->rank - 1];
    ours->bias.tag = dnnl_a;
    s->src.tag = s->dst.tag = variant == 0 ? dnnl_format_tag_any : ours->src.tag;
    s->weights.tag = dnnl_format_tag_any;
    s->bias.tag = dnnl_a;
    return variant < 2;
}

/* A matrix tensor with leading batch dimensions, stored dense and perhaps transposed. */
static void set_matrix(onednn_tensor *t, const problem *p, const int64_t *batch, int64_t rows,
                       int64_t columns, bool transposed)
{
    const int nd = p->dims;
    memcpy(t->dims, batch, (size_t)(nd - 2) * sizeof *batch);
    t->ndims = nd;
    t->dims[nd - 2] = rows;
    t->dims[nd - 1] = columns;
    t->tag = dnnl_format_tag_undef;
    t->strides[nd - 2] = transposed ? 1 : columns;
    t->strides[nd - 1] = transposed ? rows : 1;
    int64_t stride = rows * columns;
    for (int i = nd - 3; i >= 0; i--) {
        t->strides[i] = stride;
        stride *= t->dims[i];
    }
}

static bool matmul_spec(onednn_spec *s, onednn_spec *ours, const bench_job *job)
{
    const problem *p = &job->p;
    const bool n_by_k = bench_b_transposed(job);
    s->kind = ONEDNN_MATMUL;
    set_matrix(&s->src, p, p->a_batch, p->m, p->k, job->transpose_a);
    set_matrix(&s->weights, p, p->b_batch, p->k, p->n, n_by_k);
    set_matrix(&s->dst, p, p->c_batch, p->m, p->n, false);
    if (job->bias) {
        int64_t dims[PROBLEM_MAX_DIMS];
        for (int i = 0; i < p->dims; i++)
            dims[i] = s->bias.strides[i] = 1;
        dims[p->dims - 1] = p->n;
        set_dims(&s->bias, p->dims, dims);
        for (int i = 0; i + 1 < p->dims; i++)
            s->bias.strides[i] = p->n;
    }
    *ours = *s;
    if (job->packed)
        s->weights.tag = dnnl_format_tag_any;
    return true;
}

static bool ip_spec(onednn_spec *s, onednn_spec *ours, const bench_job *job, int variant)
{
    const problem *p = &job->p;
    if (!job->packed || problem_batch(p, p->c_batch) != 1 || p->dims != 2)
        return false;
    s->kind = ONEDNN_IP;
    set_matrix(&s->src, p, p->a_batch, p->m, p->k, job->transpose_a);
    set_matrix(&s->weights, p, p->b_batch, p->n, p->k, p->op == PROBLEM_GEMM && !job->transpose_b);
    set_matrix(&s->dst, p, p->c_batch, p->m, p->n, false);
    if (job->bias)
        set_dims(&s->bias, 1, &p->n);
    s->bias.tag = dnnl_a;
    *ours = *s;
    s->weights.tag = dnnl_format_tag_any;
    if (variant == 2)
        s->src.tag = s->dst.tag = dnnl_format_tag_any;
    return true;
}

static bool reorder_spec(onednn_spec *s, onednn_spec *ours, const bench_job *job, int variant)
{
    const int64_t dims[] = {job->p.rows, job->p.columns, job->p.pixels};
    s->kind = ONEDNN_REORDER;
    set_dims(&s->src, 3, dims);
    s->dst = s->src;
    s->src.tag = job->to_channels_first ? dnnl_acb : dnnl_abc;
    s->dst.tag = job->to_channels_first ? dnnl_abc : dnnl_acb;
    *ours = *s;
    return variant == 0;
}

dnnl_data_type_t onednn_type_of(hew_type type)
{
    static const dnnl_data_type_t types[] = {
        [HEW_F32] = dnnl_f32, [HEW_BF16] = dnnl_bf16, [HEW_F16] = dnnl_f16, [HEW_S8] = dnnl_s8,
        [HEW_U8] = dnnl_u8,   [HEW_S32] = dnnl_s32,   [HEW_S4] = dnnl_data_type_undef};
    return types[type];
}

static void set_types(onednn_spec *s, const bench_types *types)
{
    s->src.type = onednn_type_of(types->in);
    s->weights.type = onednn_type_of(types->weights);
    s->bias.type = types_quantised(types) ? ONEDNN_SUM_BIAS : dnnl_f32;
    s->dst.type = onednn_type_of(types->out);
}

static bool tensors_of(onednn_spec *s, onednn_spec *ours, const bench_job *job, int variant)
{
    switch (job->p.op) {
    case PROBLEM_CONV:
        return conv_spec(s, ours, job, variant);
    case PROBLEM_GEMM:
    case PROBLEM_IP:
        return variant == 0 ? matmul_spec(s, ours, job) : ip_spec(s, ours, job, variant);
    default:
        return reorder_spec(s, ours, job, variant);
    }
}

bool onednn_job_spec(onednn_spec *s, onednn_spec *ours, const bench_job *job, int variant)
{
    memset(s, 0, sizeof *s);
    if (!tensors_of(s, ours, job, variant))
        return false;
    set_types(s, &job->types);
    set_types(ours, &job->types);
    return true;
}
