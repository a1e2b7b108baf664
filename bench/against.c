/* against.c - a job of other types, with operands of its own, behind a peer's interface. */
#include "against.h"

#include "operands.h"
#include "ours.h"
#include "training.h"

#include <stdio.h>

static struct {
    bench_types types;
    const hew_threads *threads;
} other;

typedef struct against_run {
    bench_job job;
    ours op;
} against_run;

static void destroy(void *op)
{
    against_run *r = op;
    ours_destroy(&r->op);
    operands_free(&r->job);
    free(r);
}

static void *create(const bench_job *job, int variant, char why[PEER_WHY])
{
    char reason[PROBLEM_WHY] = "";
    why[0] = '\0';
    if (variant > 0 || types_same(&job->types, &other.types))
        return NULL;
    against_run *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->job = *job;
    r->job.types = other.types;
    if (!types_weight_only(&other.types))
        r->job.b_group = 0;
    operands_describe(&r->job);
    const bool fits = types_fit(job->p.op, &other.types, reason);
    if (!operands_alloc(&r->job) || !fits) {
        operands_free(&r->job);
        free(r);
        snprintf(why, PEER_WHY, "%.150s", fits ? "no memory" : reason);
        return NULL;
    }
    operands_fill(&r->job);
    if (training_prepare(&r->job, reason) &&
        ours_create(&r->op, &r->job, other.threads, reason))
        return r;
    snprintf(why, PEER_WHY, "%.150s", reason);
    destroy(r);
    return NULL;
}

static void run(void *op)
{
    ours_run(&((against_run *)op)->op);
}

/* Of other operands. */
static bool output(void *op, void *out)
{
    (void)op, (void)out;
    return false;
}

static const char *label(const void *op)
{
    return ((const against_run *)op)->op.kernel;
}

const char *against_name(const bench_types *types)
{
    static char name[16];
    snprintf(name, sizeof name, "hew:%s", types_name(PROBLEM_GEMM, types));
    return name;
}

static const char *about(void)
{
    return "this library with other types";
}

const peer_api *against(const bench_types *types, const hew_threads *threads)
{
    static peer_api api = {PEER_API_VERSION, "hew", about, create, run, output, label, destroy};
    other.types = *types;
    other.threads = threads;
    return &api;
}
