/* rivals.c - peers' operations for a job: made, checked, and the fastest way of each chosen. */
#include "rivals.h"

#include "reference.h"
#include "timing.h"

#include <stdio.h>

void rival_run(void *op)
{
    const rival *v = op;
    v->api->run(v->op);
}

/* One run of the peer gives what one run of ours gave. */
static bool check_rival(const bench_job *job, const rival *v, void *expected, void *theirs,
                        const char *name)
{
    double err, allowed;
    v->api->run(v->op);
    if (!v->api->output(v->op, theirs) || within_rounding(job, expected, theirs, &err, &allowed))
        return true;
    fprintf(stderr, "hew-bench: %s: %s's result (%s) is %g away from ours, %g would be right\n",
            job->p.text, name, v->api->label(v->op), err, allowed);
    return false;
}

size_t rival_gather(const peer_api *api, const bench_job *job, void *expected,
                    rival *rivals, bool *wrong, bool verbose)
{
    size_t count = 0, bad = 0;
    /* Not every peer takes empty operands (oneDNN 2.6 divides by zero). */
    const bool product = job->p.op == PROBLEM_GEMM || job->p.op == PROBLEM_IP;
    if (job->in_count == 0 || job->out_count == 0 || (product && job->weights_count == 0))
        return 0;
    void *theirs = bench_alloc_results(job);
    char last[PEER_WHY] = "";
    for (int variant = 0; theirs && count < MAX_VARIANTS; variant++) {
        char why[PEER_WHY] = "";
        rival v = {api, api->create(job, variant, why)};
        if (!v.op && !why[0])
            break;
        if (!v.op) {
            if (verbose && strcmp(why, last) != 0)
                fprintf(stderr, "hew-bench: %s, way %d: %s\n", api->name, variant, why);
            memcpy(last, why, sizeof last);
            if (variant >= MAX_VARIANTS)
                break;
        } else if (check_rival(job, &v, expected, theirs, api->name)) {
            rivals[count++] = v;
        } else {
            api->destroy(v.op);
            bad++;
        }
    }
    free(theirs);
    *wrong |= bad > 0 && count == 0;
    return count;
}

void rival_choose(rival *rivals, size_t count, double seconds, bool threaded)
{
    contestant c[MAX_VARIANTS];
    for (size_t i = 0; i < count; i++)
        c[i] = (contestant){.run = rival_run, .op = &rivals[i]};
    if (count > 1)
        time_contest(c, count, seconds, threaded);
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        best = c[i].median_us < c[best].median_us ? i : best;
    for (size_t i = 0; i < count; i++) {
        if (i != best)
            rivals[i].api->destroy(rivals[i].op);
    }
    rivals[0] = rivals[best];
}
