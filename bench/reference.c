/* reference.c - what the result must be, and how it is compared. */
#include "reference.h"

#include "kernels.h"
#include "ours.h"
#include "sample.h"
#include "training.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

/* ref does some 0.4 G multiply-adds a second: beyond this many, a sample. */
static const double full_macs = 0.3e9;

/* Runs a job once on the given rungs; the output is the caller's to free. */
static void *run_on(unsigned rungs, const bench_job *job, char why[PROBLEM_WHY])
{
    const unsigned before = hew_cpu_rungs();
    ours o;
    void *out = NULL;
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

/* Whether x[i] and y[k] differ. */
static bool differ(const element *e, const void *x, size_t i, const void *y, size_t k,
                   double *max_err)
{
    const double a = e->get(x, i), b = e->get(y, k);
    if ((a == b && signbit(a) == signbit(b)) || (isnan(a) && isnan(b)))
        return false;
    const double err = fabs(a - b);
    *max_err = !(err <= *max_err) ? err : *max_err; /* a NaN counts as an error, and stays */
    return true;
}

static size_t compare(const element *e, const void *x, const void *y, size_t count,
                      double *max_err)
{
    size_t different = 0;
    for (size_t i = 0; i < count; i++)
        different += differ(e, x, i, y, i, max_err);
    return different;
}

size_t reference_compare(const reference *r, void *out, double *max_err)
{
    const bench_job *job = r->job;
    const element *e = element_of(job->types.out);
    *max_err = 0;
    if (r->out)
        return compare(e, out, r->out, job->out_count, max_err) +
               compare(element_of(job->more_type), bench_more(job, out), bench_more(job, r->out),
                       job->more_count, max_err);
    size_t different = 0;
    for (size_t i = 0; i < r->sub.out_count; i++)
        different += differ(e, out, r->where[i], r->sub_out, i, max_err);
    if (r->avx2_out)
        different += compare(e, out, r->avx2_out, job->out_count, max_err);
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

/* What a right result may be away, the largest element being `largest`. */
static double tolerance(const bench_job *job, double largest)
{
    const problem *p = &job->p;
    const bool backward = bench_is_backward(job);
    const bool max = p->op == PROBLEM_POOL && job->pooling == HEW_POOLING_MAX && !backward;
    if (p->op == PROBLEM_REORDER || max || job->types.out == HEW_S32)
        return 0;
    if (element_of(job->types.out)->integer)
        return 1;
    /* fpmath allows bf16, and doesn't ask for it: operands may have been rounded or not. */
    const double rounding = job->types.out == HEW_BF16 || job->types.math ? 0x1p-7
                            : job->types.out == HEW_F16                   ? 0x1p-10
                                                                          : 0;
    const double length = types_quantised(&job->types)   ? 0
                          : job->dir != BENCH_INFERENCE  ? training_sum_length(job)
                          : problem_has_tensors(p->op)   ? tensors_sum_length(job)
                                                         : sum_length(p);
    /* Functions other than sums may be approximations on the other side. */
    const bool curved = job->act.kind > HEW_ACT_CLIP || p->op == PROBLEM_SOFTMAX ||
                        p->op == PROBLEM_LRN || p->op == PROBLEM_RESAMPLING;
    return ((length + 8) * FLT_EPSILON + (curved ? 2e-5 : 0) + rounding) * largest;
}

/* Of one of the results. */
static bool is_within(const bench_job *job, hew_type type, size_t count, const void *mine,
                      const void *theirs, double *max_err, double *allowed)
{
    const element *e = element_of(type);
    double largest = job->p.op == PROBLEM_SOFTMAX ? 0 : 1;
    *max_err = 0;
    for (size_t i = 0; i < count; i++) {
        differ(e, mine, i, theirs, i, max_err);
        const double size = fabs(e->get(mine, i));
        largest = size > largest ? size : largest;
    }
    *allowed = tolerance(job, largest);
    return *max_err <= *allowed;
}

bool within_rounding(const bench_job *job, void *mine, void *theirs, double *max_err,
                     double *allowed)
{
    if (!is_within(job, job->types.out, job->out_count, mine, theirs, max_err, allowed))
        return false;
    /* What a forward run keeps is each library's own affair. */
    return job->dir != BENCH_BACKWARD_ALL ||
           is_within(job, job->more_type, job->more_count, bench_more(job, mine),
                     bench_more(job, theirs), max_err, allowed);
}
