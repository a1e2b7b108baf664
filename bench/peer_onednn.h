/*
 * peer_onednn.h - the parts of oneDNN's C API that differ between its versions 2 and 3, as
 * functions of one form: peer_onednn_v2.c and peer_onednn_v3.c.
 */
#ifndef HEW_BENCH_PEER_ONEDNN_H
#define HEW_BENCH_PEER_ONEDNN_H

#include <stdbool.h>

#include <oneapi/dnnl/dnnl.h>

#include "problem.h"

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t onednn_md; /* an owned handle */
typedef const_dnnl_memory_desc_t onednn_md_ref;
#else
typedef dnnl_memory_desc_t onednn_md; /* a struct */
typedef const dnnl_memory_desc_t *onednn_md_ref;
#endif

/* A tensor to be described; no dims: absent. */
typedef struct onednn_tensor {
    dnnl_data_type_t type;
    int ndims;
    dnnl_dims_t dims;
    dnnl_format_tag_t tag; /* dnnl_format_tag_any; dnnl_format_tag_undef: by strides */
    dnnl_dims_t strides;
} onednn_tensor;

typedef struct onednn_window {
    dnnl_dims_t kernel, strides, dilates, pad_lo, pad_hi;
} onednn_window;

typedef enum onednn_kind {
    ONEDNN_CONV,
    ONEDNN_IP,
    ONEDNN_MATMUL,
    ONEDNN_REORDER
} onednn_kind;

/* A primitive to be made.  Reorder has only src and dst. */
typedef struct onednn_spec {
    onednn_kind kind;
    onednn_tensor src, weights, bias, dst;
    onednn_window window;
} onednn_spec;

/*
 * What becomes of sums of integers:
 *
 *     dst = act((sum + bias) * scales[j]) / dst_scale + dst_zero     version 2: bias is s32
 *     dst = act(sum * scales[j] + bias) / dst_scale + dst_zero       version 3: bias is f32
 *
 * The sum is of (src - src_zero) * weights.  Version 2 divides by dst_scale in the activation.
 */
typedef struct onednn_quant {
    float *scales; /* null: none, as for f32 and for bare sums */
    int64_t n_scales;
    int dst_mask, weights_mask; /* which dimension of a tensor the scales run along */
    float dst_scale;            /* 1 unless the activation is more than a clamp */
    int32_t src_zero, dst_zero;
} onednn_quant;
#if DNNL_VERSION_MAJOR >= 3
#define ONEDNN_SUM_BIAS dnnl_f32
#else
#define ONEDNN_SUM_BIAS dnnl_s32
#endif

/* All fail with a status other than dnnl_success. */
dnnl_status_t onednn_md_init(onednn_md *md, const onednn_tensor *t);
void onednn_md_free(onednn_md *md);
onednn_md_ref onednn_md_get(const onednn_md *md);

dnnl_status_t onednn_pd_create(dnnl_primitive_desc_t *pd, const onednn_spec *spec,
                               const_dnnl_primitive_attr_t attr, dnnl_engine_t engine);
dnnl_status_t onednn_append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t alg, float alpha,
                                    float beta, float dst_scale);
dnnl_status_t onednn_append_sum(dnnl_post_ops_t ops, float scale, int32_t zero);
dnnl_status_t onednn_set_quant(dnnl_primitive_attr_t attr, const onednn_quant *q);

/* Scales and zero points that are arguments of a run: version 3 has at most ONEDNN_QUANT_ARGS of
 * them, version 2 none.  Adds to args what the caller is to destroy. */
enum { ONEDNN_QUANT_ARGS = 4 };
dnnl_status_t onednn_quant_args(const onednn_quant *q, dnnl_engine_t engine, dnnl_exec_arg_t *args,
                                int *n_args);

/* A primitive on tensors; reorder and the matrix operations aside. */
enum { ONEDNN_MAX_IN = 8 };
typedef struct onednn_tensors {
    problem_op op;
    bool training;     /* forward */
    bool weights_back; /* backward: gradients of scale and shift, too */
    onednn_window window; /* of pooling */
    int n; /* of in */
    onednn_tensor in[ONEDNN_MAX_IN], out;
    dnnl_alg_kind_t alg;
    float alpha, beta, k, eps, p;
    int64_t size, groups; /* lrn's window; of shuffle: channels in a group; of gnorm */
    int axis;
} onednn_tensors;
dnnl_status_t onednn_tensors_pd_create(dnnl_primitive_desc_t *pd, const onednn_tensors *t,
                                       dnnl_engine_t engine);

/* The gradient of in[0] from that of out, after the forward primitive in training. */
dnnl_status_t onednn_backward_pd_create(dnnl_primitive_desc_t *pd, const onednn_tensors *t,
                                        const_dnnl_primitive_desc_t forward, dnnl_engine_t engine);

/* hardsigmoid came with 2.7: dnnl_alg_kind_undef where it is missing. */
dnnl_alg_kind_t onednn_hard_sigmoid(void);

#endif
