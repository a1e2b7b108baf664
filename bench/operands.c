/*
 * operands.c - makes a job's operands.
 *
 * A tensor of integers stands for real values as in hew_gemm: (q - zero) * scale.  Scales are such
 * that outputs have a standard deviation of 3: an output of integers, whose scale is 1/16, is then
 * spread over much of its range, and relu6 has something to do.
 */
#include "operands.h"

#include "tensors.h"
#include "training.h"

#include <math.h>

static const double deviation = 3;
static const float out_scale = 1.0f / 16, residual_scale = 1.0f / 32;

void *operand(const void *p)
{
    return (void *)(uintptr_t)p;
}

static size_t sum_length(const problem *p)
{
    if (p->op == PROBLEM_CONV)
        return (size_t)(p->ic / p->g * p->kernel[0] * p->kernel[1] * p->kernel[2]);
    return p->k > 0 ? (size_t)p->k : 1;
}

/* The zero points of weights: their type, and how many there are. */
static hew_type zero_type(const bench_job *job)
{
    return job->types.weights == HEW_S4 ? HEW_S8 : job->types.weights;
}

static size_t zero_count(const bench_job *job)
{
    const bool some = job->zero_points & ZERO_WEIGHTS && element_of(job->types.weights)->integer;
    const bool grouped = types_weight_only(&job->types);
    return !some || job->p.op == PROBLEM_POOL ? 0 : grouped ? job->scales_count : job->channels;
}

hew_type operands_bias_type(const bench_job *job)
{
    return element_of(job->types.in)->integer ? HEW_S32 : HEW_F32;
}

void operands_describe(bench_job *job)
{
    const problem *p = &job->p;
    const problem_sizes s = problem_elements(p);
    const element *out = element_of(job->types.out);
    const bool quantised = types_quantised(&job->types), sums = p->op != PROBLEM_POOL;
    job->in_count = s.in;
    job->weights_count = s.weights;
    if (job->types.weights == HEW_S4) /* of which there is one, with padded rows */
        job->weights_count = bench_b_row(job) * bench_b_rows(job);
    job->out_count = s.out;
    job->channels = (size_t)(p->op == PROBLEM_CONV ? p->oc : p->n);
    if (problem_has_tensors(p->op))
        tensors_describe(job);
    training_describe(job);
    job->scales_count = 0;
    if (types_weight_only(&job->types))
        job->scales_count = job->channels * (size_t)(job->b_group ? p->k / job->b_group : 1);
    if (quantised && sums)
        job->scales_count = job->types.out == HEW_S32 ? 0 : job->channels;
    job->in_zero = job->out_zero = job->residual_zero = 0;
    job->out_scale = job->residual_scale = 0;
    if (!quantised)
        return;
    job->in_zero = job->zero_points & ZERO_IN ? element_of(job->types.in)->zero : 0;
    if (!sums || !out->integer || job->types.out == HEW_S32)
        return;
    job->out_scale = out_scale;
    job->residual_scale = job->residual ? residual_scale : 0;
    if (job->zero_points & ZERO_OUT) {
        job->out_zero = out->zero;
        job->residual_zero = job->residual ? out->zero : 0;
    }
}

bool operands_alloc(bench_job *job)
{
    const size_t zeros = zero_count(job);
    job->in = element_alloc(job->types.in, job->in_count);
    job->weights = element_alloc(job->types.weights, job->weights_count);
    job->bias_values = job->bias ? element_alloc(operands_bias_type(job), job->channels) : NULL;
    job->residual_values = job->residual ? element_alloc(job->types.out, job->out_count) : NULL;
    job->scales = job->scales_count ? element_alloc(HEW_F32, job->scales_count) : NULL;
    job->weight_zeros = zeros ? element_alloc(zero_type(job), zeros) : NULL;
    job->d_out = job->d_out_count ? element_alloc(job->types.out, job->d_out_count) : NULL;
    job->saved = job->saved_count ? element_alloc(job->saved_type, job->saved_count) : NULL;
    return job->in && job->weights && (!job->bias || job->bias_values) &&
           (!job->residual || job->residual_values) && (!job->scales_count || job->scales) &&
           (!zeros || job->weight_zeros) && (!job->d_out_count || job->d_out) &&
           (!job->saved_count || job->saved);
}

/* The root of the mean square of q - zero. */
static double magnitude(hew_type type, int32_t zero)
{
    const element *e = element_of(type);
    const double mean = (e->lo + e->hi) / 2 - zero, width = e->hi - e->lo;
    return sqrt(mean * mean + width * width / 12);
}

static void fill_element(hew_type type, void *x, size_t count, uint64_t seed)
{
    fill_values(type, x, count, element_of(type)->lo, element_of(type)->hi, seed);
}

void operands_fill(bench_job *job)
{
    const bench_types *t = &job->types;
    fill_element(t->in, operand(job->in), job->in_count, 1);
    if (problem_has_tensors(job->p.op)) /* which divide, or are roots' */
        fill_values(t->weights, operand(job->weights), job->weights_count, 0.5, 1.5, 2);
    else
        fill_element(t->weights, operand(job->weights), job->weights_count, 2);
    if (job->bias)
        fill_element(operands_bias_type(job), operand(job->bias_values), job->channels, 3);
    if (job->residual)
        fill_element(t->out, operand(job->residual_values), job->out_count, 4);
    if (job->d_out)
        fill_element(t->out, operand(job->d_out), job->d_out_count, 7);
    if (job->scales_count) {
        const double unit = deviation / sqrt((double)sum_length(&job->p)) /
                            magnitude(t->in, job->in_zero) / magnitude(t->weights, 0);
        fill_values(HEW_F32, operand(job->scales), job->scales_count, unit / 2, unit * 3 / 2, 5);
    }
    if (job->weight_zeros) {
        const element *w = element_of(t->weights);
        fill_values(zero_type(job), operand(job->weight_zeros), zero_count(job), w->weight_zero_lo,
                    w->weight_zero_hi, 6);
    }
}

void operands_free(bench_job *job)
{
    free(operand(job->in));
    free(operand(job->weights));
    free(operand(job->bias_values));
    free(operand(job->residual_values));
    free(operand(job->scales));
    free(operand(job->weight_zeros));
    free(operand(job->d_out));
    free(operand(job->saved));
    job->in = job->weights = job->bias_values = job->residual_values = job->weight_zeros = NULL;
    job->d_out = job->saved = NULL;
    job->scales = NULL;
}

double operands_bytes(const bench_job *job)
{
    const size_t in = bench_reads_in(job) ? job->in_count : 0;
    return (double)element_bytes(job->types.in, in) +
           (double)element_bytes(job->types.out, job->d_out_count) +
           (double)element_bytes(job->saved_type, job->saved_count) +
           (double)element_bytes(job->more_type, job->more_count) +
           (double)element_bytes(job->types.weights, job->weights_count) +
           (double)element_bytes(job->types.out, job->out_count) +
           (double)element_bytes(HEW_F32, job->scales_count);
}
