/* Normalisation: rows, channels and local responses, forward and backward. */
#include "fuzz.h"

#include <stdlib.h>

enum { MOST_SCRATCH = 1 << 22 };

typedef struct norm_case {
    hew_layer_norm_desc l;
    hew_group_norm_desc g;
    hew_batch_norm_desc b;
    hew_lrn_desc r;
    bool batch_norm, backward, residual, gamma;
    size_t in, out, residuals, columns, statistics; /* elements */
    const hew_threads *threads;
} norm_case;

/* Operands of any norm, of exactly their size. */
typedef struct operands {
    void *in, *other, *residual;
    float *gamma, *mean, *rstd, *d_gamma;
    void *scratch;
} operands;

static operands make(const norm_case *c, hew_type type, size_t scratch)
{
    return (operands){fuzz_elements(type, c->in, 1),
                      fuzz_elements(type, c->out, 2),
                      c->residual ? fuzz_elements(type, c->residuals, 3) : NULL,
                      c->gamma ? fuzz_floats(c->columns, 4) : NULL,
                      fuzz_floats(c->statistics, 5),
                      fuzz_floats(c->statistics, 6),
                      fuzz_floats(c->columns, 7),
                      fuzz_aligned(scratch ? hew_round_up(scratch, HEW_ALIGNMENT) : 64)};
}

static void unmake(operands *o)
{
    fuzz_unfloats(o->in), fuzz_unfloats(o->other), fuzz_unfloats(o->residual);
    fuzz_unfloats(o->gamma), fuzz_unfloats(o->mean), fuzz_unfloats(o->rstd);
    fuzz_unfloats(o->d_gamma);
    free(o->scratch);
}

static size_t threads_of(const norm_case *c) { return c->threads ? c->threads->count : 0; }

/* ---------------------------------------------------------------------------------- rows ---- */

static hew_status run_layer(const void *what, void *out)
{
    const norm_case *c = what;
    size_t bytes = 0;
    const hew_status s = hew_layer_norm_backward_scratch(&c->l, &bytes);
    if (s != HEW_OK)
        return s;
    if (out == NULL)
        return hew_layer_norm(&c->l, &HEW_LAYER_NORM_ARGS(.threads = c->threads));
    operands o = make(c, c->l.type, bytes);
    const hew_status status =
        c->backward ? hew_layer_norm_backward(&c->l, &HEW_LAYER_NORM_BACKWARD_ARGS(
                          .in = o.in, .d_out = o.other, .d_sum = o.residual, .gamma = o.gamma,
                          .mean = o.mean, .rstd = o.rstd, .d_in = out, .d_gamma = o.d_gamma,
                          .scratch = o.scratch, .threads = c->threads))
                    : hew_layer_norm(&c->l, &HEW_LAYER_NORM_ARGS(
                          .in = o.in, .residual = o.residual, .gamma = o.gamma, .out = out,
                          .mean = o.mean, .threads = c->threads));
    unmake(&o);
    return status;
}

void fuzz_layer_norm(fuzz_bytes *in)
{
    norm_case c = {.l = HEW_LAYER_NORM_DESC(.rows = fuzz_extent(in), .columns = fuzz_extent(in))};
    hew_layer_norm_desc *const d = &c.l;
    d->kind = (hew_layer_norm_kind)(fuzz_byte(in) % 9 % 3);
    d->type = fuzz_one_in(in, 2) ? fuzz_type(in) : HEW_BF16;
    d->epsilon = fuzz_scale(in);
    d->in_stride = fuzz_stride(in, d->columns), d->out_stride = fuzz_stride(in, d->columns);
    d->residual_stride = fuzz_stride(in, d->columns);
    d->size -= fuzz_one_in(in, 100);
    c.backward = fuzz_one_in(in, 2), c.residual = fuzz_one_in(in, 2), c.gamma = fuzz_one_in(in, 2);
    c.threads = fuzz_threads(in);
    const int64_t in_stride = fuzz_or_dense(d->in_stride, d->columns);
    const int64_t out_stride = fuzz_or_dense(d->out_stride, d->columns);
    c.in = fuzz_span(1, 0, d->rows, in_stride, d->columns);
    c.out = fuzz_span(1, 0, d->rows, out_stride, d->columns);
    c.residuals =
        fuzz_span(1, 0, d->rows, fuzz_or_dense(d->residual_stride, d->columns), d->columns);
    c.columns = fuzz_span(1, 0, 1, 1, d->columns), c.statistics = fuzz_span(1, 0, 1, 1, d->rows);
    const bool fits = c.in <= FUZZ_MOST_FLOATS && c.out <= FUZZ_MOST_FLOATS &&
                      c.residuals <= FUZZ_MOST_FLOATS && c.columns <= FUZZ_MOST_FLOATS &&
                      c.statistics <= FUZZ_MOST_FLOATS;
    fuzz_on_every_rung(run_layer, &c, d->type, c.backward ? c.in : c.out, fits);
}

/* ------------------------------------------------------------------------------ channels ---- */

static hew_status run_channels(const void *what, void *out)
{
    const norm_case *c = what;
    size_t bytes = 0;
    const hew_status s = c->batch_norm ? hew_batch_norm_scratch(&c->b, threads_of(c), &bytes)
                                       : hew_group_norm_scratch(&c->g, threads_of(c), &bytes);
    if (s != HEW_OK || out == NULL || bytes > MOST_SCRATCH)
        return s;
    operands o = make(c, c->g.type, bytes);
    const hew_norm_backward_args a = HEW_NORM_BACKWARD_ARGS(
            .in = o.in, .out = o.other, .d_out = o.other, .gamma = o.gamma, .mean = o.mean,
            .rstd = o.rstd, .d_in = out, .d_residual = o.residual, .d_gamma = o.d_gamma,
            .scratch = o.scratch, .threads = c->threads);
    hew_status status;
    if (c->backward)
        status = c->batch_norm ? hew_batch_norm_backward(&c->b, &a)
                               : hew_group_norm_backward(&c->g, &a);
    else if (c->batch_norm)
        status = hew_batch_norm(&c->b, &HEW_BATCH_NORM_ARGS(
                     .in = o.in, .residual = o.residual, .gamma = o.gamma, .out = out,
                     .running_mean = o.mean, .running_variance = o.rstd, .scratch = o.scratch,
                     .threads = c->threads));
    else
        status = hew_group_norm(&c->g, &HEW_GROUP_NORM_ARGS(
                     .in = o.in, .residual = o.residual, .gamma = o.gamma, .out = out,
                     .mean = o.mean, .scratch = o.scratch, .threads = c->threads));
    unmake(&o);
    return status;
}

void fuzz_channel_norm(fuzz_bytes *in)
{
    norm_case c = {.g = HEW_GROUP_NORM_DESC(.batch = 0)};
    hew_group_norm_desc *const d = &c.g;
    d->pixels = fuzz_extent(in), d->channels = fuzz_extent(in);
    d->type = fuzz_one_in(in, 2) ? fuzz_type(in) : HEW_BF16;
    d->epsilon = fuzz_scale(in);
    d->batch = fuzz_one_in(in, 2) ? fuzz_small(in, 4) : 0;
    d->groups = fuzz_one_in(in, 2) ? d->channels : fuzz_small(in, 4);
    d->in_stride = fuzz_stride(in, d->channels), d->out_stride = fuzz_stride(in, d->channels);
    d->residual_stride = fuzz_stride(in, d->channels);
    d->relu = fuzz_one_in(in, 2);
    d->size -= fuzz_one_in(in, 100);
    c.batch_norm = fuzz_one_in(in, 2), c.backward = fuzz_one_in(in, 2);
    c.residual = fuzz_one_in(in, 2), c.gamma = fuzz_one_in(in, 2);
    c.b = HEW_BATCH_NORM_DESC(.type = d->type, .training = fuzz_one_in(in, 2),
                              .pixels = d->pixels, .channels = d->channels,
                              .in_stride = d->in_stride, .out_stride = d->out_stride,
                              .residual_stride = d->residual_stride, .epsilon = d->epsilon,
                              .momentum = fuzz_scale(in), .relu = d->relu);
    c.threads = fuzz_threads(in);
    const int64_t images = c.batch_norm ? 1 : d->batch == -1 ? 0 : fuzz_or_dense(d->batch, 1);
    const int64_t c_in = fuzz_or_dense(d->in_stride, d->channels);
    const int64_t c_out = fuzz_or_dense(d->out_stride, d->channels);
    const int64_t c_residual = fuzz_or_dense(d->residual_stride, d->channels);
    const bool sane = images >= 0 && images < 100 && d->pixels >= 0 && d->pixels < 1 << 16;
    const int64_t pixels = sane ? images * d->pixels : -1;
    c.in = fuzz_span(1, 0, pixels, c_in, d->channels);
    c.out = fuzz_span(1, 0, pixels, c_out, d->channels);
    c.residuals = fuzz_span(1, 0, pixels, c_residual, d->channels);
    c.columns = fuzz_span(1, 0, 1, 1, d->channels);
    c.statistics = fuzz_span(1, 0, images, d->channels, d->channels);
    const bool fits = c.in <= FUZZ_MOST_FLOATS && c.out <= FUZZ_MOST_FLOATS &&
                      c.residuals <= FUZZ_MOST_FLOATS && c.columns <= FUZZ_MOST_FLOATS &&
                      c.statistics <= FUZZ_MOST_FLOATS;
    fuzz_on_every_rung(run_channels, &c, d->type, c.backward ? c.in : c.out, fits);
}

/* ------------------------------------------------------------------------ local responses ---- */

static hew_status run_lrn(const void *what, void *out)
{
    const norm_case *c = what;
    size_t bytes = 0;
    const hew_status s = hew_lrn_backward_scratch(&c->r, threads_of(c), &bytes);
    if (s != HEW_OK || out == NULL || bytes > MOST_SCRATCH)
        return s;
    operands o = make(c, c->r.type, bytes);
    const hew_status status =
        c->backward ? hew_lrn_backward(&c->r, o.in, o.other, out, o.scratch, c->threads)
                    : hew_lrn(&c->r, o.in, out, c->threads);
    unmake(&o);
    return status;
}

void fuzz_lrn(fuzz_bytes *in)
{
    norm_case c = {.r = HEW_LRN_DESC(.channels = fuzz_extent(in), .window = fuzz_small(in, 6))};
    hew_lrn_desc *const d = &c.r;
    d->kind = (hew_lrn_kind)(fuzz_byte(in) % 9 % 3);
    d->type = fuzz_one_in(in, 2) ? fuzz_type(in) : HEW_BF16;
    d->batch = fuzz_one_in(in, 3) ? fuzz_small(in, 3) : 0;
    for (unsigned i = 0; i < 3 && fuzz_one_in(in, 2); i++)
        d->in[i] = fuzz_small(in, 5);
    d->alpha = fuzz_scale(in), d->beta = fuzz_scale(in), d->k = fuzz_scale(in);
    d->in_stride = fuzz_stride(in, d->channels), d->out_stride = fuzz_stride(in, d->channels);
    d->size -= fuzz_one_in(in, 100);
    c.backward = fuzz_one_in(in, 2);
    c.threads = fuzz_threads(in);
    int64_t pixels = d->batch == -1 ? 0 : fuzz_or_dense(d->batch, 1);
    bool sane = pixels >= 0 && pixels < 100;
    for (int i = 0; i < 3; i++) {
        sane = sane && d->in[i] >= 0 && d->in[i] < 100;
        pixels *= sane ? fuzz_or_dense(d->in[i], 1) : 0;
    }
    c.in = fuzz_span(1, 0, sane ? pixels : -1, fuzz_or_dense(d->in_stride, d->channels),
                     d->channels);
    c.out = fuzz_span(1, 0, sane ? pixels : -1, fuzz_or_dense(d->out_stride, d->channels),
                      d->channels);
    /* The definition of a gradient takes each window of each window. */
    const double window = (double)fuzz_or_dense(d->window, 1), taps = window * window;
    const double work = (double)c.in * taps * (d->kind == HEW_LRN_WITHIN ? taps * taps : 1);
    const bool fits = c.in <= FUZZ_MOST_FLOATS && c.out <= FUZZ_MOST_FLOATS &&
                      work <= 8.0 * FUZZ_MOST_WORK;
    fuzz_on_every_rung(run_lrn, &c, d->type, c.backward ? c.in : c.out, fits);
}
