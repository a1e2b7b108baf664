/*
 * group_norm.c - group and batch norm: what descriptors and arguments mean.
 */
#include "channel_norm.h"

static const char group_name[] = "group_norm", batch_name[] = "batch_norm";

typedef struct strides {
    int64_t in, out, residual;
} strides;

/* What both have in common: pixels of all images, channels, strides. */
static hew_status check_shape(hew_channel_norm *p, int64_t images, int64_t pixels,
                              int64_t channels, float epsilon, const strides *s)
{
    const size_t element = hew_type_size(p->type);
    int64_t all;
    hew_status status = hew_norm_check_type(p->name, p->type);
    if (status == HEW_OK)
        status = hew_norm_check_epsilon(p->name, epsilon, &p->epsilon);
    if (status != HEW_OK)
        return status;
    if (images < 0 || pixels < 0 || channels < 0)
        return hew_fail(HEW_ERR_INVALID, "%s: %lld images, pixels = %lld, channels = %lld", p->name,
                        (long long)images, (long long)pixels, (long long)channels);
    if (!hew_mul(images, pixels, &all))
        return hew_fail(HEW_ERR_OVERFLOW, "%s: %lld images of %lld pixels are too many", p->name,
                        (long long)images, (long long)pixels);
    status = hew_norm_check_stride(p->name, "in_stride", s->in, all, channels, element,
                                   &p->in_stride);
    if (status == HEW_OK)
        status = hew_norm_check_stride(p->name, "out_stride", s->out, all, channels, element,
                                       &p->out_stride);
    if (status == HEW_OK)
        status = hew_norm_check_stride(p->name, "residual_stride", s->residual, all, channels,
                                       element, &p->residual_stride);
    p->pixels = (size_t)pixels;
    p->channels = (size_t)channels;
    p->images = pixels > 0 && channels > 0 ? (size_t)images : 0;
    return status;
}

static hew_status check_group(const hew_group_norm_desc *d, hew_channel_norm *p)
{
    *p = (hew_channel_norm){.name = group_name};
    hew_status status = hew_norm_check_struct(group_name, "desc", d, sizeof *d);
    if (status != HEW_OK)
        return status;
    p->type = d->type;
    p->relu = d->relu;
    const int64_t images = d->batch == -1 ? 0 : d->batch == 0 ? 1 : d->batch;
    status = check_shape(p, images, d->pixels, d->channels, d->epsilon,
                         &(strides){d->in_stride, d->out_stride, d->residual_stride});
    if (status != HEW_OK)
        return status;
    const int64_t groups = d->groups == 0 ? 1 : d->groups;
    if (groups < 1 || d->channels % groups != 0)
        return hew_fail(HEW_ERR_INVALID, "group_norm: %lld channels in %lld groups",
                        (long long)d->channels, (long long)d->groups);
    p->groups = (size_t)groups;
    return HEW_OK;
}

static hew_status check_batch(const hew_batch_norm_desc *d, hew_channel_norm *p)
{
    *p = (hew_channel_norm){.name = batch_name};
    hew_status status = hew_norm_check_struct(batch_name, "desc", d, sizeof *d);
    if (status != HEW_OK)
        return status;
    if (!(d->momentum >= 0.0f && d->momentum <= 1.0f))
        return hew_fail(HEW_ERR_INVALID, "batch_norm: momentum is %g; it is over 0 and up to 1",
                        (double)d->momentum);
    p->type = d->type;
    p->relu = d->relu;
    p->unbiased = d->unbiased;
    p->frozen = !d->training;
    p->momentum = d->momentum == 0.0f ? 0.1f : d->momentum;
    status = check_shape(p, 1, d->pixels, d->channels, d->epsilon,
                         &(strides){d->in_stride, d->out_stride, d->residual_stride});
    p->groups = p->channels;
    return status;
}

static hew_status give_scratch(const hew_channel_norm *p, size_t threads, size_t *bytes)
{
    if (!bytes)
        return hew_fail(HEW_ERR_INVALID, "%s: bytes is null", p->name);
    *bytes = p->images == 0 ? 0 : hew_channel_norm_scratch(p, threads);
    return HEW_OK;
}

hew_status hew_group_norm_scratch(const hew_group_norm_desc *desc, size_t threads, size_t *bytes)
{
    hew_channel_norm p;
    const hew_status status = check_group(desc, &p);
    return status == HEW_OK ? give_scratch(&p, threads, bytes) : status;
}

hew_status hew_batch_norm_scratch(const hew_batch_norm_desc *desc, size_t threads, size_t *bytes)
{
    hew_channel_norm p;
    const hew_status status = check_batch(desc, &p);
    return status == HEW_OK ? give_scratch(&p, threads, bytes) : status;
}

/* ------------------------------------------------------------------------------ forward ---- */

static hew_status run(const hew_channel_norm *p, void *scratch, const hew_threads *threads)
{
    const size_t element = hew_type_size(p->type);
    const bool some = p->images > 0;
    const hew_norm_pointer pointers[] = {
        {"in", p->in, some, element},
        {"residual", p->residual, false, element},
        {"gamma", p->gamma, false, sizeof(float)},
        {"beta", p->beta, false, sizeof(float)},
        {"out", p->out, some, element},
        {"running_mean", p->running_mean, some && p->frozen, sizeof(float)},
        {"running_variance", p->running_variance, some && p->frozen, sizeof(float)},
        {"mean", p->mean, false, sizeof(float)},
        {"rstd", p->rstd, false, sizeof(float)},
        {"scratch", scratch, some, HEW_ALIGNMENT},
    };
    hew_status status = hew_norm_check_pointers(p->name, pointers, 10);
    if (status == HEW_OK)
        status = hew_norm_check_same(p->name, p->in, p->in_stride, p->out, p->out_stride);
    if (status == HEW_OK)
        status =
            hew_norm_check_same(p->name, p->residual, p->residual_stride, p->out, p->out_stride);
    if (status == HEW_OK)
        status = hew_check_threads(threads);
    return status == HEW_OK && some ? hew_channel_norm_run(p, scratch, threads) : status;
}

hew_status hew_group_norm(const hew_group_norm_desc *desc, const hew_group_norm_args *args)
{
    hew_channel_norm p;
    hew_status status = check_group(desc, &p);
    if (status == HEW_OK)
        status = hew_norm_check_struct(group_name, "args", args, sizeof *args);
    if (status != HEW_OK)
        return status;
    p.in = args->in, p.residual = args->residual, p.out = args->out;
    p.gamma = args->gamma, p.beta = args->beta;
    p.mean = args->mean, p.rstd = args->rstd;
    return run(&p, args->scratch, args->threads);
}

hew_status hew_batch_norm(const hew_batch_norm_desc *desc, const hew_batch_norm_args *args)
{
    hew_channel_norm p;
    hew_status status = check_batch(desc, &p);
    if (status == HEW_OK)
        status = hew_norm_check_struct(batch_name, "args", args, sizeof *args);
    if (status != HEW_OK)
        return status;
    p.in = args->in, p.residual = args->residual, p.out = args->out;
    p.gamma = args->gamma, p.beta = args->beta;
    p.mean = args->mean, p.rstd = args->rstd;
    p.running_mean = args->running_mean, p.running_variance = args->running_variance;
    return run(&p, args->scratch, args->threads);
}

/* ----------------------------------------------------------------------------- backward ---- */

static hew_status run_backward(hew_channel_norm *p, const hew_norm_backward_args *a)
{
    hew_status status = hew_norm_check_struct(p->name, "args", a, sizeof *a);
    if (status != HEW_OK)
        return status;
    const size_t element = hew_type_size(p->type);
    const bool some = p->images > 0, sums = !p->frozen || a->d_gamma || a->d_beta;
    const hew_norm_pointer pointers[] = {
        {"in", a->in, some && sums, element},
        {"out", a->out, some && p->relu, element},
        {"d_out", a->d_out, some, element},
        {"gamma", a->gamma, false, sizeof(float)},
        {"mean", a->mean, some && sums, sizeof(float)},
        {"rstd", a->rstd, some, sizeof(float)},
        {"d_in", a->d_in, some, element},
        {"d_residual", a->d_residual, false, element},
        {"d_gamma", a->d_gamma, false, sizeof(float)},
        {"d_beta", a->d_beta, false, sizeof(float)},
        {"scratch", a->scratch, some, HEW_ALIGNMENT},
    };
    status = hew_norm_check_pointers(p->name, pointers, 11);
    if (status == HEW_OK && some && a->d_in == a->d_residual)
        return hew_fail(HEW_ERR_INVALID, "%s: d_in and d_residual are one", p->name);
    if (status == HEW_OK)
        status = hew_norm_check_same(p->name, a->d_in, p->in_stride, a->d_out, p->out_stride);
    if (status == HEW_OK)
        status = hew_norm_check_same(p->name, a->d_residual, p->residual_stride, a->d_out,
                                     p->out_stride);
    if (status == HEW_OK)
        status = hew_check_threads(a->threads);
    if (status != HEW_OK)
        return status;
    p->in = a->in, p->d_out = a->d_out, p->d_in = a->d_in, p->d_residual = a->d_residual;
    p->out = (void *)(uintptr_t)a->out; /* which is only read */
    p->mean = (float *)(uintptr_t)a->mean, p->rstd = (float *)(uintptr_t)a->rstd;
    p->gamma = a->gamma, p->d_gamma = a->d_gamma, p->d_beta = a->d_beta;
    if (some)
        return hew_channel_norm_run_backward(p, a->scratch, a->threads);
    hew_norm_add_up(NULL, 0, 0, 0, p->channels, p->d_gamma);
    hew_norm_add_up(NULL, 0, 0, 0, p->channels, p->d_beta);
    return HEW_OK;
}

hew_status hew_group_norm_backward(const hew_group_norm_desc *desc,
                                   const hew_norm_backward_args *args)
{
    hew_channel_norm p;
    const hew_status status = check_group(desc, &p);
    return status == HEW_OK ? run_backward(&p, args) : status;
}

hew_status hew_batch_norm_backward(const hew_batch_norm_desc *desc,
                                   const hew_norm_backward_args *args)
{
    hew_channel_norm p;
    const hew_status status = check_batch(desc, &p);
    return status == HEW_OK ? run_backward(&p, args) : status;
}
