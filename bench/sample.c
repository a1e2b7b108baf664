/* sample.c - parts of problems, cut out and run as problems of their own. */
#include "sample.h"

#include "operands.h"

#include <stdio.h>

static const double sample_macs = 0.1e9;

/* The i-th of `count` indices that are spread over [0, n) from the first to the last. */
static size_t spread(size_t i, size_t count, size_t n)
{
    return count < 2 ? n - 1 : i * (n - 1) / (count - 1);
}

static size_t at_most(double want, size_t most)
{
    return want < 1 ? 1 : want < (double)most ? (size_t)want : most;
}

/* What every sample owns: operands, and the map back. */
static bool allocate(reference *r)
{
    operands_describe(&r->sub);
    r->where = malloc((r->sub.out_count + 1) * sizeof *r->where);
    return operands_alloc(&r->sub) && r->where;
}

void sample_destroy(reference *r)
{
    operands_free(&r->sub);
    free(r->where);
    r->where = NULL;
}

/* What belongs to an output channel: bias, scales and zero points, those of groups of rows too. */
static void copy_channel(reference *r, size_t to, size_t from)
{
    const bench_job *job = r->job;
    bench_job *sub = &r->sub;
    const size_t grouped = job->scales_count / job->channels, groups = grouped ? grouped : 1;
    if (job->bias)
        element_copy(operands_bias_type(job), operand(sub->bias_values), to, job->bias_values,
                     from, 1);
    for (size_t g = 0; g < groups; g++) {
        const size_t at = g * sub->channels + to, whence = g * job->channels + from;
        if (job->scales)
            element_copy(HEW_F32, operand(sub->scales), at, job->scales, whence, 1);
        if (job->weight_zeros)
            element_copy(HEW_S8, operand(sub->weight_zeros), at, job->weight_zeros, whence, 1);
    }
}

static bool sample_gemm(reference *r)
{
    const bench_job *job = r->job;
    const problem *p = &job->p;
    bench_job *sub = &r->sub;
    const size_t m = (size_t)p->m, n = (size_t)p->n, k = (size_t)p->k;
    const size_t rows = at_most(3, m), columns = at_most(sample_macs / (double)(rows * k), n);
    const bench_member at = bench_member_of(p, (size_t)problem_batch(p, p->c_batch) - 1);
    const bool b_t = bench_b_transposed(job);

    sub->p.dims = 2;
    sub->p.m = (int64_t)rows;
    sub->p.n = (int64_t)columns;
    if (!allocate(r))
        return false;
    const size_t to_row = bench_b_row(sub), from_row = bench_b_row(job);
    for (size_t i = 0; i < rows; i++) {
        const size_t from = spread(i, rows, m);
        for (size_t kk = 0; kk < k; kk++)
            element_copy(job->types.in, operand(sub->in),
                         job->transpose_a ? kk * rows + i : i * k + kk, job->in,
                         at.a + (job->transpose_a ? kk * m + from : from * k + kk), 1);
    }
    for (size_t j = 0; j < columns; j++) {
        const size_t from = spread(j, columns, n);
        for (size_t kk = 0; kk < k; kk++)
            element_copy(job->types.weights, operand(sub->weights),
                         b_t ? j * to_row + kk : kk * to_row + j, job->weights,
                         at.b + (b_t ? from * from_row + kk : kk * from_row + from), 1);
        copy_channel(r, j, from);
        for (size_t i = 0; i < rows; i++)
            r->where[i * columns + j] = at.c + spread(i, rows, m) * n + from;
    }
    snprintf(r->what, sizeof r->what, "ref %zux%zu", rows, columns);
    return true;
}

/* First and last group (all, if there are no groups), and some of the output channels of each. */
static bool sample_conv(reference *r)
{
    const bench_job *job = r->job;
    const problem *p = &job->p;
    bench_job *sub = &r->sub;
    const size_t g = (size_t)p->g, ic = (size_t)p->ic / g, oc = (size_t)p->oc / g;
    const size_t taps = (size_t)(p->kernel[0] * p->kernel[1] * p->kernel[2]);
    const size_t pixels = (size_t)(p->in[0] * p->in[1] * p->in[2]);
    const size_t out_pixels = (size_t)(p->out[0] * p->out[1] * p->out[2]);
    const double macs = (double)(out_pixels * taps * ic);
    const size_t groups = at_most(2, g);
    const size_t each = at_most(sample_macs / macs / (double)groups, oc);

    sub->p.mb = 1;
    sub->p.g = (int64_t)groups;
    sub->p.ic = (int64_t)(groups * ic);
    sub->p.oc = (int64_t)(groups * each);
    if (!allocate(r))
        return false;
    const size_t image = ((size_t)p->mb - 1) * pixels * (size_t)p->ic;
    const size_t out_image = ((size_t)p->mb - 1) * out_pixels * (size_t)p->oc;
    for (size_t gi = 0; gi < groups; gi++) {
        const size_t group = spread(gi, groups, g);
        for (size_t x = 0; x < pixels; x++)
            element_copy(job->types.in, operand(sub->in), (x * groups + gi) * ic, job->in,
                         image + (x * g + group) * ic, ic);
        for (size_t c = 0; c < each; c++) {
            const size_t from = group * oc + spread(c, each, oc), to = gi * each + c;
            element_copy(job->types.weights, operand(sub->weights), to * ic * taps, job->weights,
                         from * ic * taps, ic * taps);
            copy_channel(r, to, from);
            for (size_t x = 0; x < out_pixels; x++)
                r->where[x * groups * each + to] = out_image + x * (size_t)p->oc + from;
        }
    }
    snprintf(r->what, sizeof r->what, "ref %zu of %lld oc", groups * each, (long long)p->oc);
    return true;
}

bool sample_create(reference *r)
{
    r->sub = *r->job;
    if (!(r->job->p.op == PROBLEM_CONV ? sample_conv(r) : sample_gemm(r)))
        return false;
    for (size_t i = 0; r->sub.residual && i < r->sub.out_count; i++)
        element_copy(r->job->types.out, operand(r->sub.residual_values), i,
                     r->job->residual_values, r->where[i], 1);
    return true;
}
