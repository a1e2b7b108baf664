/*
 * peer_cblas.c - OpenBLAS and BLIS as peers: cblas_sgemm, and for M = 1 or N = 1 also cblas_sgemv.
 * Built once for each, with PEER_OPENBLAS or PEER_BLIS defined.
 */
#include "peer.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(PEER_OPENBLAS)
#define NAME "openblas"
#include <openblas_config.h>
static const char *about(void)
{
    static char text[160];
    snprintf(text, sizeof text, "%.120s (%.30s)", openblas_get_config(), openblas_get_corename());
    return text;
}
static void set_threads(int threads)
{
    openblas_set_num_threads(threads);
}
typedef blasint extent;
#else
#define NAME "blis"
/* Of blis.h only what is needed: the whole of it defines half of C. */
extern void bli_thread_set_num_threads(int64_t threads);
extern const char *bli_info_get_version_str(void);
static const char *about(void)
{
    static char text[64];
    snprintf(text, sizeof text, "BLIS %.40s", bli_info_get_version_str());
    return text;
}
static void set_threads(int threads)
{
    bli_thread_set_num_threads(threads);
}
typedef int extent;
#endif

typedef struct cblas_run {
    const bench_job *job;
    float *c;
    extent m, n, k;
    size_t members;
    float beta;
    bool a_t, b_t, vector;
} cblas_run;

static bool fits(const bench_job *job, char why[PEER_WHY])
{
    const problem *p = &job->p;
    const char *lacks = NULL;
    if (p->op != PROBLEM_GEMM && p->op != PROBLEM_IP)
        lacks = "only has products of matrices";
    else if (job->types.in != HEW_F32 || job->types.weights != HEW_F32)
        lacks = "has no integers";
    else if (job->bias || job->act.kind != HEW_ACT_NONE)
        lacks = "has no bias and no activation";
    if (lacks)
        snprintf(why, PEER_WHY, "BLAS %s", lacks);
    return !lacks;
}

static void *create(const bench_job *job, int variant, char why[PEER_WHY])
{
    const problem *p = &job->p;
    why[0] = '\0';
    if (!fits(job, why))
        return NULL;
    const bool vector = p->m == 1 || p->n == 1;
    if (variant > (vector ? 1 : 0))
        return NULL;
    cblas_run *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    set_threads(job->threads);
    *r = (cblas_run){.job = job,
                     .m = (extent)p->m,
                     .n = (extent)p->n,
                     .k = (extent)p->k,
                     .members = (size_t)problem_batch(p, p->c_batch),
                     .beta = job->residual ? 1.0f : 0.0f,
                     .a_t = job->transpose_a,
                     .b_t = bench_b_transposed(job),
                     .vector = variant == 1};
    r->c = element_alloc(HEW_F32, job->out_count);
    if (!r->c) {
        free(r);
        return NULL;
    }
    if (job->residual)
        memcpy(r->c, job->residual_values, job->out_count * sizeof(float));
    return r;
}

static void multiply(const cblas_run *r, const float *a, const float *b, float *c)
{
    const extent lda = r->a_t ? r->m : r->k, ldb = r->b_t ? r->k : r->n;
    if (r->vector && r->m == 1) /* c = op(B)^T a */
        cblas_sgemv(CblasRowMajor, r->b_t ? CblasNoTrans : CblasTrans, r->b_t ? r->n : r->k,
                    r->b_t ? r->k : r->n, 1.0f, b, ldb, a, 1, r->beta, c, 1);
    else if (r->vector) /* c = op(A) b */
        cblas_sgemv(CblasRowMajor, r->a_t ? CblasTrans : CblasNoTrans, r->a_t ? r->k : r->m,
                    r->a_t ? r->m : r->k, 1.0f, a, lda, b, 1, r->beta, c, 1);
    else
        cblas_sgemm(CblasRowMajor, r->a_t ? CblasTrans : CblasNoTrans,
                    r->b_t ? CblasTrans : CblasNoTrans, r->m, r->n, r->k, 1.0f, a, lda, b, ldb,
                    r->beta, c, r->n);
}

static void run(void *op)
{
    const cblas_run *r = op;
    if (r->members == 1) {
        multiply(r, r->job->in, r->job->weights, r->c);
        return;
    }
    const float *a = r->job->in, *b = r->job->weights;
    for (size_t i = 0; i < r->members; i++) {
        const bench_member at = bench_member_of(&r->job->p, i);
        multiply(r, a + at.a, b + at.b, r->c + at.c);
    }
}

static bool output(void *op, void *out)
{
    const cblas_run *r = op;
    memcpy(out, r->c, r->job->out_count * sizeof(float));
    return true;
}

static const char *label(const void *op)
{
    return ((const cblas_run *)op)->vector ? "cblas_sgemv" : "cblas_sgemm";
}

static void destroy(void *op)
{
    cblas_run *r = op;
    if (r) {
        free(r->c);
        free(r);
    }
}

const peer_api hew_bench_peer = {PEER_API_VERSION, NAME,   about, create,
                                 run,              output, label, destroy};
