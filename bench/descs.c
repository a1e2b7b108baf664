/* descs.c - a job's descriptors. */
#include "descs.h"

hew_tensor tensor_of(hew_type type, const problem_shape *s)
{
    hew_tensor t = {.type = type, .rank = s->rank};
    memcpy(t.extent, s->extent, (size_t)s->rank * sizeof *t.extent);
    return t;
}

hew_operand operand_of(hew_type type, const problem_shape *s)
{
    return HEW_OPERAND(.tensor = tensor_of(type, s));
}

hew_pooling_desc pooling_desc(const bench_job *job)
{
    const problem *p = &job->p;
    hew_pooling_desc d = HEW_POOLING_DESC(.kind = job->pooling, .type = job->types.in,
                                          .batch = p->mb, .channels = p->ic,
                                          .zero = job->in_zero);
    for (int i = 0; i < p->rank; i++) {
        d.in[i] = p->in[i];
        d.kernel[i] = p->kernel[i];
        d.stride[i] = p->stride[i];
        d.dilation[i] = p->dilation[i];
        d.pad_lo[i] = p->pad_lo[i];
        d.pad_hi[i] = p->pad_hi[i];
    }
    return d;
}

hew_softmax_desc softmax_desc(const bench_job *job)
{
    return HEW_SOFTMAX_DESC(.type = job->types.in, .log = job->log, .rows = job->p.rows,
                            .columns = job->p.columns);
}

hew_layer_norm_desc layer_norm_desc(const bench_job *job)
{
    const size_t rows = job->in_count / job->channels;
    return HEW_LAYER_NORM_DESC(.type = job->types.in, .rows = (int64_t)rows,
                               .columns = (int64_t)job->channels, .epsilon = (float)job->p.eps);
}

/* Pixels of an image: what follows batch and channels. */
static int64_t pixels_of(const problem *p)
{
    int64_t pixels = 1;
    for (int i = 2; i < p->shapes[0].rank; i++)
        pixels *= p->shapes[0].extent[i];
    return pixels;
}

hew_group_norm_desc group_norm_desc(const bench_job *job)
{
    const problem *p = &job->p;
    return HEW_GROUP_NORM_DESC(.type = job->types.in, .batch = p->shapes[0].extent[0],
                               .pixels = pixels_of(p), .channels = p->shapes[0].extent[1],
                               .groups = p->g, .epsilon = (float)p->eps);
}

hew_batch_norm_desc batch_norm_desc(const bench_job *job)
{
    const problem *p = &job->p;
    return HEW_BATCH_NORM_DESC(.type = job->types.in, .training = job->dir != BENCH_INFERENCE,
                               .pixels = p->shapes[0].extent[0] * pixels_of(p),
                               .channels = p->shapes[0].extent[1], .epsilon = (float)p->eps);
}

hew_lrn_desc lrn_desc(const bench_job *job)
{
    const problem *p = &job->p;
    hew_lrn_desc d = HEW_LRN_DESC(.kind = job->alg ? HEW_LRN_WITHIN : HEW_LRN_ACROSS,
                                  .type = job->types.in, .batch = p->shapes[0].extent[0],
                                  .channels = p->shapes[0].extent[1], .window = p->window,
                                  .alpha = (float)p->lrn_alpha, .beta = (float)p->lrn_beta,
                                  .k = (float)p->lrn_k);
    memcpy(d.in, p->shapes[0].extent + 2, (size_t)(p->shapes[0].rank - 2) * sizeof *d.in);
    return d;
}

/* oneDNN's: half pixels, and the nearest rounded up. */
hew_resample_desc resample_desc(const bench_job *job)
{
    const problem *p = &job->p;
    const size_t spatial = (size_t)(p->shapes[0].rank - 2);
    hew_resample_desc d =
        HEW_RESAMPLE_DESC(.kind = job->alg ? HEW_RESAMPLE_LINEAR : HEW_RESAMPLE_NEAREST,
                          .type = job->types.in, .round = HEW_RESAMPLE_ROUND_PREFER_CEIL,
                          .backward = bench_is_backward(job),
                          .batch = p->shapes[0].extent[0], .channels = p->shapes[0].extent[1]);
    memcpy(d.in, p->shapes[0].extent + 2, spatial * sizeof *d.in);
    memcpy(d.out, p->shapes[1].extent + 2, spatial * sizeof *d.out);
    return d;
}

hew_shuffle_desc shuffle_desc(const bench_job *job)
{
    const hew_tensor t = tensor_of(job->types.in, &job->p.shapes[0]);
    const int64_t groups =
        bench_is_backward(job) ? t.extent[job->axis] / job->groups : job->groups;
    return HEW_SHUFFLE_DESC(.in = t, .out = t, .axis = job->axis, .groups = groups);
}
