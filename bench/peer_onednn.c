/*
 * peer_onednn.c - oneDNN as a peer: makes the primitive, brings the operands into the layouts that
 * it chose, runs it.
 */
#include "peer.h"
#include "peer_onednn_job.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ARGS = ONEDNN_JOB_ARGS + 1, PLAIN_VARIANT = 3 };

typedef struct onednn_run {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_desc_t pd;
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t args[MAX_ARGS];
    int n_args;
    onednn_job_arg operands[ONEDNN_JOB_ARGS]; /* of a job on tensors: what args begins with */
    int n_operands;
    dnnl_memory_t dst; /* of other jobs: one of args */
    onednn_tensor ours_dst;
    onednn_quant quant;
    const void *bias;
    const bench_job *job;
    void *plain_c; /* dnnl_sgemm and its like: no primitive, this output */
    char label[64];
} onednn_run;

/* oneDNN asks OpenMP how many threads there are; whose OpenMP is known only by its symbol. */
static void set_threads(int threads)
{
    static const char *const runtimes[] = {"libgomp.so.1", "libomp.so.5", "libiomp5.so"};
    for (size_t i = 0; i < sizeof runtimes / sizeof *runtimes; i++) {
        void *so = dlopen(runtimes[i], RTLD_LAZY | RTLD_NOLOAD);
        if (!so)
            continue;
        void (*set)(int);
        *(void **)&set = dlsym(so, "omp_set_num_threads");
        if (set)
            set(threads);
        dlclose(so);
    }
}

static const char *about(void)
{
    static char text[96];
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, sizeof text, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
    return text;
}

/* Runs a primitive of one source and one destination, and waits. */
static bool reorder(onednn_run *r, onednn_md_ref from_md, dnnl_memory_t from, onednn_md_ref to_md,
                    dnnl_memory_t to)
{
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t primitive = NULL;
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    const bool ok =
        dnnl_reorder_primitive_desc_create(&pd, from_md, r->engine, to_md, r->engine, NULL) ==
            dnnl_success &&
        dnnl_primitive_create(&primitive, pd) == dnnl_success &&
        dnnl_primitive_execute(primitive, r->stream, 2, args) == dnnl_success &&
        dnnl_stream_wait(r->stream) == dnnl_success;
    if (primitive)
        dnnl_primitive_destroy(primitive);
    if (pd)
        dnnl_primitive_desc_destroy(pd);
    return ok;
}

/* Between an operand of the job and the primitive's memory, either way. */
static bool exchange(onednn_run *r, const onednn_tensor *ours, const void *values,
                     dnnl_memory_t memory, bool to_primitive)
{
    onednn_md our_md;
    onednn_md_ref md;
    dnnl_memory_t our_memory = NULL;
    if (dnnl_memory_get_memory_desc(memory, &md) != dnnl_success ||
        onednn_md_init(&our_md, ours) != dnnl_success)
        return false;
    onednn_md_ref ref = onednn_md_get(&our_md);
    bool ok = dnnl_memory_create(&our_memory, ref, r->engine, (void *)(uintptr_t)values) ==
              dnnl_success;
    if (ok)
        ok = to_primitive ? reorder(r, ref, our_memory, md, memory)
                          : reorder(r, md, memory, ref, our_memory);
    if (our_memory)
        dnnl_memory_destroy(our_memory);
    onednn_md_free(&our_md);
    return ok;
}

static bool add_memory(onednn_run *r, int arg, onednn_md_ref md)
{
    dnnl_memory_t memory;
    if (dnnl_memory_create(&memory, md, r->engine, DNNL_MEMORY_ALLOCATE) != dnnl_success)
        return false;
    r->args[r->n_args++] = (dnnl_exec_arg_t){arg, memory};
    return true;
}

static bool add_arg(onednn_run *r, int arg, dnnl_query_t query, int index,
                    const onednn_tensor *ours, const float *values)
{
    onednn_md_ref md = dnnl_primitive_desc_query_md(r->pd, query, index);
    if (!md || !add_memory(r, arg, md))
        return false;
    dnnl_memory_t memory = r->args[r->n_args - 1].memory;
    if (arg == DNNL_ARG_DST)
        r->dst = memory;
    return !values || exchange(r, ours, values, memory, true);
}

static bool build(onednn_run *r, const bench_job *job, const onednn_spec *s,
                  const onednn_spec *ours)
{
    dnnl_primitive_attr_t attr;
    if (dnnl_primitive_attr_create(&attr) != dnnl_success)
        return false;
    bool ok = onednn_job_bias(&r->bias, job, &r->quant) && onednn_job_attr(attr, job, &r->quant) &&
              onednn_pd_create(&r->pd, s, attr, r->engine) == dnnl_success;
    dnnl_primitive_attr_destroy(attr);
    ok = ok && dnnl_primitive_create(&r->primitive, r->pd) == dnnl_success &&
         add_arg(r, DNNL_ARG_SRC, dnnl_query_src_md, 0, &ours->src, job->in) &&
         add_arg(r, DNNL_ARG_DST, dnnl_query_dst_md, 0, &ours->dst,
                 job->residual ? job->residual_values : NULL);
    if (s->weights.ndims)
        ok = ok && add_arg(r, DNNL_ARG_WEIGHTS, dnnl_query_weights_md, 0, &ours->weights,
                           job->weights);
    if (s->bias.ndims)
        ok = ok && add_arg(r, DNNL_ARG_BIAS, dnnl_query_weights_md, 1, &ours->bias,
                           r->bias);
    ok = ok && onednn_quant_args(&r->quant, r->engine, r->args, &r->n_args) == dnnl_success;
    if (ok) {
        const char *name = "";
        dnnl_primitive_desc_query(r->pd, dnnl_query_impl_info_str, 0, (void *)&name);
        snprintf(r->label, sizeof r->label, "%s%s", name,
                 s->kind == ONEDNN_IP                        ? " (ip)"
                 : s->src.tag == dnnl_format_tag_any         ? ""
                 : s->kind == ONEDNN_CONV                    ? " (nhwc)"
                                                             : "");
    }
    return ok;
}

/* An argument of a given layout, filled from the job's operand, if it is one. */
static bool add_operand(onednn_run *r, const onednn_job_arg *a)
{
    onednn_md md;
    if (onednn_md_init(&md, &a->theirs) != dnnl_success)
        return false;
    const bool ok = add_memory(r, a->arg, onednn_md_get(&md)) &&
                    (!a->data || exchange(r, &a->ours, a->data, r->args[r->n_args - 1].memory,
                                          true));
    onednn_md_free(&md);
    return ok;
}

/* Once the forward primitive has run, and left what a backward one needs, that is put in its place.
 * Either finds its own among the arguments.  A result that is read is the one that ours reads. */
static bool turn_back(onednn_run *r, const onednn_tensors *t)
{
    dnnl_primitive_desc_t forward_pd = r->pd;
    dnnl_primitive_t forward = r->primitive;
    r->pd = NULL;
    r->primitive = NULL;
    bool ok = dnnl_primitive_execute(forward, r->stream, r->n_args, r->args) == dnnl_success &&
              dnnl_stream_wait(r->stream) == dnnl_success;
    for (int i = 0; i < r->n_operands && ok; i++) {
        const onednn_job_arg *a = &r->operands[i];
        if (a->arg == DNNL_ARG_DST && a->data)
            ok = exchange(r, &a->ours, a->data, r->args[i].memory, true);
    }
    ok = ok && onednn_backward_pd_create(&r->pd, t, forward_pd, r->engine) == dnnl_success &&
         dnnl_primitive_create(&r->primitive, r->pd) == dnnl_success;
    dnnl_primitive_destroy(forward);
    dnnl_primitive_desc_destroy(forward_pd);
    return ok;
}

static bool build_tensors(onednn_run *r, const bench_job *job, const onednn_tensors *t,
                          const onednn_tensors *ours)
{
    bool ok = onednn_tensors_pd_create(&r->pd, t, r->engine) == dnnl_success &&
              dnnl_primitive_create(&r->primitive, r->pd) == dnnl_success;
    r->n_operands = onednn_job_tensor_args(r->operands, t, ours, job);
    for (int i = 0; i < r->n_operands && ok; i++)
        ok = add_operand(r, &r->operands[i]);
    onednn_md_ref space = ok ? dnnl_primitive_desc_query_md(r->pd, dnnl_query_workspace_md, 0)
                             : NULL;
    if (space && dnnl_memory_desc_get_size(space) > 0)
        ok = add_memory(r, DNNL_ARG_WORKSPACE, space);
    if (ok && bench_is_backward(job))
        ok = turn_back(r, t);
    if (ok) {
        const char *name = "";
        dnnl_primitive_desc_query(r->pd, dnnl_query_impl_info_str, 0, (void *)&name);
        snprintf(r->label, sizeof r->label, "%s%s", name,
                 t->in[0].tag == dnnl_format_tag_undef ? "" : " (blocked)");
    }
    return ok;
}

static void destroy(void *op)
{
    onednn_run *r = op;
    if (!r)
        return;
    for (int i = 0; i < r->n_args; i++)
        dnnl_memory_destroy(r->args[i].memory);
    if (r->primitive)
        dnnl_primitive_destroy(r->primitive);
    if (r->pd)
        dnnl_primitive_desc_destroy(r->pd);
    if (r->stream)
        dnnl_stream_destroy(r->stream);
    if (r->engine)
        dnnl_engine_destroy(r->engine);
    if (r->job && r->bias != r->job->bias_values)
        free((void *)(uintptr_t)r->bias);
    free(r->quant.scales);
    free(r->plain_c);
    free(r);
}

/* The products of BLAS: no epilogue, but beta = 1 is a residual. */
static bool plain_fits(const bench_job *job)
{
    const problem *p = &job->p;
    const bench_types *t = &job->types;
    const bool f32 = t->in == HEW_F32 && t->weights == HEW_F32;
    const bool s32 = t->weights == HEW_S8 && t->out == HEW_S32 && !job->weight_zeros;
    return (p->op == PROBLEM_GEMM || p->op == PROBLEM_IP) && problem_batch(p, p->c_batch) == 1 &&
           !job->bias && job->act.kind == HEW_ACT_NONE && (f32 || s32);
}

static const char *plain_name(const bench_job *job)
{
    return job->types.in == HEW_F32  ? "dnnl_sgemm"
           : job->types.in == HEW_U8 ? "dnnl_gemm_u8s8s32"
                                     : "dnnl_gemm_s8s8s32";
}

static void run_plain(onednn_run *r)
{
    const bench_job *job = r->job;
    const problem *p = &job->p;
    const bool n_by_k = bench_b_transposed(job);
    const char ta = job->transpose_a ? 'T' : 'N', tb = n_by_k ? 'T' : 'N';
    const int64_t lda = job->transpose_a ? p->m : p->k, ldb = n_by_k ? p->k : p->n;
    const float beta = job->residual ? 1.0f : 0.0f;
    const int32_t zero = 0;
    if (job->types.in == HEW_F32)
        dnnl_sgemm(ta, tb, p->m, p->n, p->k, 1.0f, job->in, lda, job->weights, ldb, beta,
                   r->plain_c, p->n);
    else if (job->types.in == HEW_U8)
        dnnl_gemm_u8s8s32(ta, tb, 'F', p->m, p->n, p->k, 1.0f, job->in, lda, (uint8_t)job->in_zero,
                          job->weights, ldb, 0, 0.0f, r->plain_c, p->n, &zero);
    else
        dnnl_gemm_s8s8s32(ta, tb, 'F', p->m, p->n, p->k, 1.0f, job->in, lda, (int8_t)job->in_zero,
                          job->weights, ldb, 0, 0.0f, r->plain_c, p->n, &zero);
}

static bool start_engine(onednn_run *r)
{
    return dnnl_engine_create(&r->engine, dnnl_cpu, 0) == dnnl_success &&
           dnnl_stream_create(&r->stream, r->engine, dnnl_stream_default_flags) == dnnl_success;
}

static bool start_tensors(onednn_run *r, const bench_job *job, int variant, char why[PEER_WHY],
                          bool *there)
{
    onednn_tensors t, ours;
    *there = onednn_job_tensors(&t, &ours, job, variant, why);
    return *there && start_engine(r) && build_tensors(r, job, &t, &ours);
}

static bool start_spec(onednn_run *r, const bench_job *job, int variant, char why[PEER_WHY],
                       bool *there)
{
    onednn_spec spec, ours;
    *there = onednn_job_spec(&spec, &ours, job, variant) &&
             onednn_job_quant(&r->quant, job, &spec, why);
    r->ours_dst = ours.dst;
    return *there && start_engine(r) && build(r, job, &spec, &ours);
}

static bool start(onednn_run *r, const bench_job *job, int variant, char why[PEER_WHY])
{
    const bool tensors = onednn_job_has_tensors(job);
    if (variant == PLAIN_VARIANT && !tensors) {
        r->plain_c = plain_fits(job) ? element_alloc(job->types.out, job->out_count) : NULL;
        if (r->plain_c && job->residual)
            element_copy(job->types.out, r->plain_c, 0, job->residual_values, 0, job->out_count);
        snprintf(r->label, sizeof r->label, "%s", plain_name(job));
        return r->plain_c != NULL;
    }
    bool there = false;
    const bool ok = variant < PLAIN_VARIANT &&
                    (tensors ? start_tensors : start_spec)(r, job, variant, why, &there);
    if (!there)
        return false;
    /* Of integers, the primitives that it has for completeness are no contestants. */
    const bool ref = ok && types_quantised(&job->types) && strncmp(r->label, "ref", 3) == 0;
    if (!ok || ref)
        snprintf(why, PEER_WHY, "oneDNN has no %s for this",
                 ref ? "primitive but its reference" : "primitive");
    return ok && !ref;
}

static void *create(const bench_job *job, int variant, char why[PEER_WHY])
{
    why[0] = '\0';
    set_threads(job->threads);
    onednn_run *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->job = job;
    if (start(r, job, variant, why))
        return r;
    /* The missing ones among a gemm's variants are skipped; the last one ends the list. */
    const bool gemm = job->p.op == PROBLEM_GEMM || job->p.op == PROBLEM_IP;
    if (!why[0] && gemm && variant < PLAIN_VARIANT)
        snprintf(why, PEER_WHY, "not with inner products");
    destroy(r);
    return NULL;
}

static void run(void *op)
{
    onednn_run *r = op;
    if (r->plain_c) {
        run_plain(r);
    } else {
        dnnl_primitive_execute(r->primitive, r->stream, r->n_args, r->args);
        dnnl_stream_wait(r->stream);
    }
}

/* Without VNNI, it adds pairs of products of u8 and s8 to 16 bits, which saturate, and halves the
 * weights of s8 and s8. */
static bool is_exact(const bench_job *job)
{
    const int isa = (int)dnnl_get_effective_cpu_isa();
    const bool vnni = (isa & dnnl_cpu_isa_avx512_core_vnni) == dnnl_cpu_isa_avx512_core_vnni ||
                      (isa & dnnl_cpu_isa_avx2_vnni) == dnnl_cpu_isa_avx2_vnni;
    return vnni || !types_quantised(&job->types) || job->p.op == PROBLEM_POOL;
}

static bool output(void *op, void *out)
{
    onednn_run *r = op;
    if (!is_exact(r->job))
        return false;
    if (r->plain_c)
        element_copy(r->job->types.out, out, 0, r->plain_c, 0, r->job->out_count);
    else if (r->n_operands == 0)
        exchange(r, &r->ours_dst, out, r->dst, false);
    for (int i = 0; i < r->n_operands; i++) {
        void *to = onednn_job_result(r->job, r->operands[i].arg, out);
        if (to)
            exchange(r, &r->operands[i].ours, to, r->args[i].memory, false);
    }
    return true;
}

static const char *label(const void *op)
{
    return ((const onednn_run *)op)->label;
}

const peer_api hew_bench_peer = {PEER_API_VERSION, "onednn", about, create,
                                 run,              output,   label, destroy};
