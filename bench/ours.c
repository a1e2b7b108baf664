/*
 * ours.c - creates, runs and destroys this library's operation for a job.
 */
#include "ours.h"

#include "descs.h"
#include "operands.h"
#include "training.h"

#include <stdio.h>

/* A batch of one call: every member of A has its own matrix or all share one, and so for B. */
bool ours_one_call(const problem *p)
{
    const int64_t members = problem_batch(p, p->c_batch);
    const int64_t a = problem_batch(p, p->a_batch), b = problem_batch(p, p->b_batch);
    return (a == members || a == 1) && (b == members || b == 1);
}

static hew_type residual_type(const bench_job *job)
{
    return job->residual ? job->types.out : HEW_F32;
}

static hew_gemm_desc gemm_desc(const bench_job *job, bool one_call)
{
    const problem *p = &job->p;
    hew_gemm_desc d = HEW_GEMM_DESC(.m = p->m, .n = p->n, .k = p->k, .a_type = job->types.in,
                                    .b_type = job->types.weights, .c_type = job->types.out,
                                    .residual_type = residual_type(job), .b_group = job->b_group,
                                    .a_dynamic = job->types.dynamic, .math = job->types.math);
    d.transpose_a = job->transpose_a;
    d.transpose_b = bench_b_transposed(job);
    d.b_packed = job->packed;
    d.act = job->act;
    if (one_call) {
        const int64_t members = problem_batch(p, p->c_batch);
        d.batch = members;
        if (members > 1 && problem_batch(p, p->a_batch) == 1)
            d.stride_a = HEW_STRIDE_SHARED;
        if (members > 1 && problem_batch(p, p->b_batch) == 1)
            d.stride_b = HEW_STRIDE_SHARED;
        if (members == 0)
            d.batch = -1;
    }
    return d;
}

/* Members of the same A or B one after the other are the rows of one product. */
static void fold_batch(hew_gemm_desc *d)
{
    if (d->batch > 1 && d->stride_b == HEW_STRIDE_SHARED && d->stride_a == 0 && !d->transpose_a) {
        d->m *= d->batch;
        d->batch = 1;
        d->stride_b = 0;
    }
}

/* The usual product is one call of which everything is known beforehand: small ones take less time
 * than putting arguments together. */
static void prepare_gemm(ours *o)
{
    const bench_job *job = o->job;
    const bool sums = operands_bias_type(job) == HEW_S32; /* it is added to */
    o->gemm_args = HEW_GEMM_ARGS(
        .a = job->in, .b = job->packed ? NULL : job->weights, .packed_b = o->packed,
        .scale = job->scales, .bias = sums ? NULL : job->bias_values,
        .residual = job->residual ? o->out : NULL, .c = o->out, .scratch = o->scratch,
        .threads = o->threads, .bias_s32 = sums ? job->bias_values : NULL,
        .b_zero = job->weight_zeros, .a_zero = job->in_zero, .c_zero = job->out_zero,
        .residual_zero = job->residual_zero, .c_scale = job->out_scale,
        .residual_scale = job->residual_scale);
}

static void prepare_conv(ours *o)
{
    const bench_job *job = o->job;
    const bool sums = operands_bias_type(job) == HEW_S32;
    o->conv_args = HEW_CONV_ARGS(
        .in = job->in, .packed = o->packed, .scale = job->scales,
        .bias = sums ? NULL : job->bias_values, .residual = job->residual ? o->out : NULL,
        .out = o->out, .scratch = o->scratch, .threads = o->threads,
        .bias_s32 = sums ? job->bias_values : NULL, .weight_zero = job->weight_zeros,
        .in_zero = job->in_zero, .out_zero = job->out_zero, .residual_zero = job->residual_zero,
        .out_scale = job->out_scale, .residual_scale = job->residual_scale);
}

static hew_status create_gemm(ours *o)
{
    const bench_job *job = o->job;
    const bool one_call = ours_one_call(&job->p);
    hew_gemm_desc d = gemm_desc(job, one_call);
    fold_batch(&d);
    o->calls = one_call ? 1 : (size_t)problem_batch(&job->p, job->p.c_batch);
    hew_status status = hew_gemm_create(&o->gemm, &d);
    if (status != HEW_OK)
        return status;
    if (job->packed) {
        o->packed = hew_alloc(hew_gemm_packed_size(o->gemm));
        status = o->packed ? hew_gemm_pack(o->gemm, job->weights, o->packed) : HEW_ERR_NO_MEMORY;
    }
    o->scratch = hew_alloc(hew_gemm_scratch_size(o->gemm, o->threads ? o->threads->count : 1));
    o->kernel = hew_gemm_kernel(o->gemm);
    prepare_gemm(o);
    return status;
}

static hew_status create_conv(ours *o)
{
    const bench_job *job = o->job;
    const problem *p = &job->p;
    hew_conv_desc d = HEW_CONV_DESC(.batch = p->mb, .in_c = p->ic, .out_c = p->oc, .groups = p->g,
                                    .in_type = job->types.in, .weight_type = job->types.weights,
                                    .out_type = job->types.out,
                                    .residual_type = residual_type(job),
                                    .math = job->types.math);
    for (int i = 0; i < p->rank; i++) {
        d.in[i] = p->in[i];
        d.kernel[i] = p->kernel[i];
        d.stride[i] = p->stride[i];
        d.dilation[i] = p->dilation[i];
        d.pad_lo[i] = p->pad_lo[i];
        d.pad_hi[i] = p->pad_hi[i];
    }
    d.act = job->act;
    hew_status status = hew_conv_create(&o->conv, &d);
    if (status != HEW_OK)
        return status;
    o->packed = hew_alloc(hew_conv_packed_size(o->conv));
    o->scratch = hew_alloc(hew_conv_scratch_size(o->conv, o->threads ? o->threads->count : 1));
    if (!o->packed || !o->scratch)
        return HEW_ERR_NO_MEMORY;
    o->kernel = hew_conv_kernel(o->conv);
    prepare_conv(o);
    return hew_conv_pack(o->conv, job->weights, o->packed);
}

/* The kernel in use of the family "OP_TYPE", or of "OP", which serves all types. */
static const char *family_kernel(const char *op, hew_type type)
{
    char family[32];
    hew_kernel_info k;
    snprintf(family, sizeof family, "%s_%s", op, element_of(type)->name);
    for (size_t i = 0; hew_active_kernel(i, &k); i++) {
        if (strcmp(k.family, family) == 0 || strcmp(k.family, op) == 0)
            return k.symbol;
    }
    return "";
}

static hew_status create_tensors(ours *o)
{
    const bench_job *job = o->job;
    const bool inference = job->dir == BENCH_INFERENCE;
    const hew_status status = tensors_create(&o->tensors, job, o->threads);
    o->kernel = o->tensors.resample ? hew_resample_kernel(o->tensors.resample)
                                    : family_kernel(inference ? tensors_family(job)
                                                              : training_family(job),
                                                    job->types.in);
    return status;
}

static hew_status create_operation(ours *o)
{
    const hew_type type = o->job->types.in;
    if (o->job->dir != BENCH_INFERENCE)
        return create_tensors(o);
    switch (o->job->p.op) {
    case PROBLEM_GEMM:
    case PROBLEM_IP: return create_gemm(o);
    case PROBLEM_CONV: return create_conv(o);
    case PROBLEM_POOL: o->kernel = family_kernel("pooling", type); return HEW_OK;
    case PROBLEM_SOFTMAX: o->kernel = family_kernel("softmax", type); return HEW_OK;
    case PROBLEM_REORDER: o->kernel = family_kernel("transpose", type); return HEW_OK;
    default: return create_tensors(o);
    }
}

bool ours_create(ours *o, const bench_job *job, const hew_threads *threads, char why[PROBLEM_WHY])
{
    *o = (ours){.job = job, .threads = threads, .kernel = "", .out = bench_alloc_results(job)};
    const hew_status status = o->out ? create_operation(o) : HEW_ERR_NO_MEMORY;
    if (status != HEW_OK)
        snprintf(why, PROBLEM_WHY, "%s: %.200s", hew_status_name(status), hew_last_error());
    else
        ours_reset(o);
    return status == HEW_OK;
}

void ours_reset(ours *o)
{
    const bench_job *job = o->job;
    if (job->residual)
        memcpy(o->out, job->residual_values, element_bytes(job->types.out, job->out_count));
}

static hew_status run_gemm(const ours *o)
{
    const bench_job *job = o->job;
    if (o->calls == 1)
        return hew_gemm_run(o->gemm, &o->gemm_args);
    hew_gemm_args args = o->gemm_args;
    for (size_t i = 0; i < o->calls; i++) {
        const bench_member at = bench_member_of(&job->p, i);
        const bench_types *t = &job->types;
        args.a = (const char *)job->in + element_bytes(t->in, at.a);
        args.b = job->packed ? NULL : (const char *)job->weights + element_bytes(t->weights, at.b);
        args.c = (char *)o->out + element_bytes(t->out, at.c);
        args.residual = job->residual ? args.c : NULL;
        const hew_status status = hew_gemm_run(o->gemm, &args);
        if (status != HEW_OK)
            return status;
    }
    return HEW_OK;
}

static hew_status run_rows(const ours *o)
{
    const problem *p = &o->job->p;
    if (p->op == PROBLEM_POOL) {
        const hew_pooling_desc d = pooling_desc(o->job);
        return hew_pooling(&d, o->job->in, o->out, o->threads);
    }
    if (p->op == PROBLEM_SOFTMAX) {
        const hew_softmax_desc d = softmax_desc(o->job);
        return hew_softmax(&d, o->job->in, o->out, o->threads);
    }
    const bool first = o->job->to_channels_first;
    const hew_reorder_desc d =
        HEW_REORDER_DESC(.from = first ? HEW_CHANNELS_LAST : HEW_CHANNELS_FIRST,
                         .to = first ? HEW_CHANNELS_FIRST : HEW_CHANNELS_LAST, .batch = p->rows,
                         .pixels = p->pixels, .channels = p->columns);
    return hew_reorder(&d, o->job->in, o->out, o->threads);
}

bool ours_run(ours *o)
{
    if (o->job->dir != BENCH_INFERENCE)
        return training_run(o->job, &o->tensors, o->out) == HEW_OK;
    switch (o->job->p.op) {
    case PROBLEM_GEMM:
    case PROBLEM_IP: return run_gemm(o) == HEW_OK;
    case PROBLEM_CONV: return hew_conv_run(o->conv, &o->conv_args) == HEW_OK;
    case PROBLEM_POOL:
    case PROBLEM_SOFTMAX:
    case PROBLEM_REORDER: return run_rows(o) == HEW_OK;
    default: return tensors_run(o->job, &o->tensors, o->out) == HEW_OK;
    }
}

void ours_destroy(ours *o)
{
    hew_gemm_destroy(o->gemm);
    hew_conv_destroy(o->conv);
    tensors_destroy(&o->tensors);
    hew_free(o->packed);
    hew_free(o->scratch);
    free(o->out);
    *o = (ours){.job = NULL};
}
