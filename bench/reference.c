/* reference.c - what the result must be, and how it is compared. */
#include "reference.h"

#include "kernels.h"
#include "ours.h"
#include "sample.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

/* ref does some 0.4 G multiply-adds a second: beyond this many, a sample. */
static const double full_macs = 0.3e9;

void fill_values(float *x, size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t z = (i + 1) * 0x9e3779b97f4a7c15u + seed * 0xd1342543de82ef95u; /* splitmix64 */
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        z ^= z >> 31;
        x[i] = (float)(int32_t)(z >> 32) * 0x1p-31f;
    }
}

/* Runs a job once on the given rungs; the output is the caller's to free. */
static float *run_on(unsigned rungs, const bench_job *job, char why[PROBLEM_WHY])
{
    const unsigned before = hew_cpu_rungs();
    ours o;
    float *out = NULL;
    hew_cpu_restrict(rungs);
    if (ours_create(&o, job, NULL, why)) {
        if (ours_run(&o)) {
            out = o.out;
            o.out = NULL;
        } else {
            snprintf(why, PROBLEM_WHY, "%.200s", hew_last_error());
        }
    }
    ours_destroy(&o);
    hew_cpu_restrict(before);
    return out;
}

bool reference_create(reference *r, const bench_job *job, char why[PROBLEM_WHY])
{
    const unsigned ref = 1u << HEW_ISA_REF, avx2 = 1u << HEW_ISA_AVX2;
    *r = (reference){.job = job};
    if (problem_macs(&job->p) <= full_macs) {
        snprintf(r->what, sizeof r->what, "ref");
        r->out = run_on(ref, job, why);
        return r->out != NULL;
    }
    if (!sample_create(r))
        snprintf(why, PROBLEM_WHY, "no memory for a sample");
    else
        r->sub_out = run_on(ref, &r->sub, why);
    if (r->sub_out && hew_active_isa() > HEW_ISA_AVX2 && (hew_cpu_rungs() & avx2)) {
        r->avx2_out = run_on(ref | avx2, job, why);
        const size_t used = strlen(r->what);
        snprintf(r->what + used, sizeof r->what - used, "+avx2");
        return r->avx2_out != NULL;
    }
    return r->sub_out != NULL;
}

void reference_destroy(reference *r)
{
    free(r->out);
    free(r->avx2_out);
    free(r->sub_out);
    sample_destroy(r);
    *r = (reference){.job = NULL};
}

static bool differ(float x, float y, double *max_err)
{
    uint32_t a, b;
    memcpy(&a, &x, sizeof a);
    memcpy(&b, &y, sizeof b);
    if (a == b || (isnan(x) && isnan(y)))
        return false;
    const double err = fabs((double)x - (double)y);
    *max_err = !(err <= *max_err) ? err : *max_err; /* a NaN counts as an error, and stays */
    return true;
}

size_t compare_bits(const float *x, const float *y, size_t count, double *max_err)
{
    size_t different = 0;
    for (size_t i = 0; i < count; i++)
        different += differ(x[i], y[i], max_err);
    return different;
}

size_t reference_compare(const reference *r, const float *out, double *max_err)
{
    *max_err = 0;
    if (r->out)
        return compare_bits(out, r->out, r->job->out_count, max_err);
    size_t different = 0;
    for (size_t i = 0; i < r->sub.out_count; i++)
        different += differ(out[r->where[i]], r->sub_out[i], max_err);
    if (r->avx2_out)
        different += compare_bits(out, r->avx2_out, r->job->out_count, max_err);
    return different;
}

static double sum_length(const problem *p)
{
    switch (p->op) {
    case PROBLEM_GEMM:
    case PROBLEM_IP: return (double)p->k;
    case PROBLEM_CONV:
        return (double)(p->ic / p->g * p->kernel[0] * p->kernel[1] * p->kernel[2]);
    case PROBLEM_POOL: return (double)(p->kernel[0] * p->kernel[1] * p->kernel[2]);
    case PROBLEM_SOFTMAX: return (double)p->columns;
    default: return 0;
    }
}

bool within_rounding(const bench_job *job, const float *mine, const float *theirs,
                     double *max_err, double *allowed)
{
    double largest = job->p.op == PROBLEM_SOFTMAX ? 0 : 1;
    *max_err = 0;
    for (size_t i = 0; i < job->out_count; i++) {
        differ(mine[i], theirs[i], max_err);
        const double size = fabs((double)mine[i]);
        largest = size > largest ? size : largest;
    }
    /* Functions other than sums may be approximations on the other side. */
    const bool curved = job->act.kind > HEW_ACT_CLIP || job->p.op == PROBLEM_SOFTMAX;
    *allowed = ((sum_length(&job->p) + 8) * FLT_EPSILON + (curved ? 2e-5 : 0)) * largest;
    if (job->p.op == PROBLEM_REORDER)
        *allowed = 0;
    return *max_err <= *allowed;
}
