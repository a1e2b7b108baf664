/*
 * peer_libxsmm.c - libxsmm as a peer for small products: the kernel that it generates for exactly
 * these extents, called directly.  It works on columns, so it is given C' = B' A'.
 */
#include "peer.h"

#include <libxsmm.h>
#include <stdio.h>

static const double most_macs = 128.0 * 128 * 128; /* it is made for products below this */

typedef struct xsmm_run {
    const bench_job *job;
    float *c;
    size_t members;
    libxsmm_smmfunction kernel;
} xsmm_run;

static const char *about(void)
{
    static char text[80];
    libxsmm_init();
    snprintf(text, sizeof text, "libxsmm %d.%d.%d (%.20s)", LIBXSMM_VERSION_MAJOR,
             LIBXSMM_VERSION_MINOR, LIBXSMM_VERSION_UPDATE, libxsmm_get_target_arch());
    return text;
}

static const char *lacks(const bench_job *job)
{
    const problem *p = &job->p;
    if (p->op != PROBLEM_GEMM)
        return "only has products of matrices";
    if (job->types.in != HEW_F32 || job->types.weights != HEW_F32)
        return "has no kernels for integers here";
    if (job->bias || job->act.kind != HEW_ACT_NONE || job->transpose_a || job->transpose_b)
        return "has no such epilogue or operands";
    if (job->threads > 1)
        return "has kernels for one thread";
    if ((double)p->m * (double)p->n * (double)p->k > most_macs)
        return "is for smaller products";
    return NULL;
}

static void *create(const bench_job *job, int variant, char why[PEER_WHY])
{
    const problem *p = &job->p;
    const char *reason = lacks(job);
    why[0] = '\0';
    if (reason)
        snprintf(why, PEER_WHY, "libxsmm %s", reason);
    if (reason || variant > 0)
        return NULL;
    const libxsmm_blasint m = (libxsmm_blasint)p->m, n = (libxsmm_blasint)p->n,
                          k = (libxsmm_blasint)p->k;
    const float alpha = 1.0f, beta = job->residual ? 1.0f : 0.0f;
    xsmm_run *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->job = job;
    r->members = (size_t)problem_batch(p, p->c_batch);
    r->kernel = libxsmm_smmdispatch(n, m, k, &n, &k, &n, &alpha, &beta, NULL, NULL);
    r->c = r->kernel ? element_alloc(HEW_F32, job->out_count) : NULL;
    if (!r->c) {
        snprintf(why, PEER_WHY, "libxsmm has no kernel for this");
        free(r);
        return NULL;
    }
    if (job->residual)
        memcpy(r->c, job->residual_values, job->out_count * sizeof(float));
    return r;
}

static void run(void *op)
{
    const xsmm_run *r = op;
    if (r->members == 1) {
        r->kernel(r->job->weights, r->job->in, r->c);
        return;
    }
    const float *a = r->job->in, *b = r->job->weights;
    for (size_t i = 0; i < r->members; i++) {
        const bench_member at = bench_member_of(&r->job->p, i);
        r->kernel(b + at.b, a + at.a, r->c + at.c);
    }
}

static bool output(void *op, void *out)
{
    const xsmm_run *r = op;
    memcpy(out, r->c, r->job->out_count * sizeof(float));
    return true;
}

static const char *label(const void *op)
{
    (void)op;
    return "generated kernel";
}

static void destroy(void *op)
{
    xsmm_run *r = op;
    if (r) {
        free(r->c);
        free(r);
    }
}

const peer_api hew_bench_peer = {PEER_API_VERSION, "libxsmm", about, create,
                                 run,              output,    label, destroy};
