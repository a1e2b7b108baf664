/* Pooling: forward, with indices, and its gradient. */
#include "fuzz.h"

typedef struct pooling_case {
    hew_pooling_desc d;
    size_t in, out, indices; /* elements */
    bool backward;
    const hew_threads *threads;
} pooling_case;

static hew_status run_pooling(const void *what, void *out)
{
    const pooling_case *c = what;
    int64_t shape[3];
    if (out == NULL)
        return hew_pooling_out_shape(&c->d, shape);
    void *in = fuzz_elements(c->d.type, c->in, 1);
    const hew_status status = hew_pooling(&c->d, in, out, c->threads);
    fuzz_unfloats(in);
    return status;
}

/* out: the maxima, or the gradient of the input. */
static hew_status run_indexed(const void *what, void *out)
{
    const pooling_case *c = what;
    void *in = fuzz_elements(c->d.type, c->in, 1), *maxima = fuzz_elements(c->d.type, c->out, 2);
    int32_t *index = fuzz_elements(HEW_S32, c->indices, 3);
    hew_status status = HEW_OK;
    if (c->d.kind == HEW_POOLING_MAX || !c->backward)
        status = hew_pooling_max(&c->d, in, c->backward ? maxima : out, index, c->threads);
    if (c->backward && c->d.kind == HEW_POOLING_LP)
        status = hew_pooling_lp_backward(&c->d, maxima, in, maxima, out, c->threads);
    else if (c->backward && status == HEW_OK)
        status = hew_pooling_backward(&c->d, maxima, c->d.kind == HEW_POOLING_MAX ? index : NULL,
                                      out, c->threads);
    fuzz_unfloats(in);
    fuzz_unfloats(maxima);
    fuzz_unfloats(index);
    return status;
}

void fuzz_pooling(fuzz_bytes *in)
{
    pooling_case c = {.d = HEW_POOLING_DESC(.kind = (hew_pooling_kind)(fuzz_byte(in) % 5))};
    hew_pooling_desc *d = &c.d;
    const int rank = 1 + (int)(fuzz_byte(in) % 3);
    d->type = fuzz_one_in(in, 2) ? fuzz_type(in) : fuzz_one_in(in, 2) ? HEW_U8 : HEW_S8;
    d->zero = fuzz_one_in(in, 3) ? (int32_t)fuzz_byte(in) - 128 : 0;
    d->batch = fuzz_one_in(in, 3) ? fuzz_small(in, 4) : 0;
    d->channels = fuzz_extent(in);
    const bool adaptive = fuzz_one_in(in, 5);
    d->power = d->kind == HEW_POOLING_LP || fuzz_one_in(in, 50) ? (int32_t)fuzz_small(in, 18) : 0;
    d->global = fuzz_one_in(in, 4), d->ceil_mode = fuzz_one_in(in, 2);
    for (int i = 0; i < rank; i++) {
        d->in[i] = rank == 1 ? fuzz_extent(in) : fuzz_small(in, 16);
        d->adaptive[i] = adaptive ? fuzz_small(in, 9) : 0;
        if ((d->global || adaptive) && !fuzz_one_in(in, 50))
            continue;
        d->kernel[i] = fuzz_small(in, 6);
        d->stride[i] = fuzz_one_in(in, 2) ? fuzz_small(in, 4) : 0;
        d->dilation[i] = fuzz_one_in(in, 3) ? fuzz_small(in, 4) : 0;
        d->pad_lo[i] = fuzz_small(in, 4);
        d->pad_hi[i] = fuzz_small(in, 4);
    }
    d->in_stride = fuzz_stride(in, d->channels), d->out_stride = fuzz_stride(in, d->channels);
    d->size -= fuzz_one_in(in, 100);
    c.threads = fuzz_threads(in);

    fuzz_on_every_rung(run_pooling, &c, HEW_F32, 0, false);
    int64_t shape[3];
    if (hew_pooling_out_shape(d, shape) != HEW_OK)
        return;
    double pixels = 1, outs = (double)shape[0] * (double)shape[1] * (double)shape[2], taps = 1;
    for (int i = 0; i < rank; i++) {
        pixels *= (double)fuzz_or_dense(d->in[i], 1); /* 0: beyond the rank */
        taps *= (double)fuzz_or_dense(d->global || adaptive ? d->in[i] : d->kernel[i], 1);
    }
    const int64_t batch = d->batch == 0 ? 1 : d->batch < 0 ? 0 : d->batch;
    if (batch > 8 || pixels > FUZZ_MOST_FLOATS || outs > FUZZ_MOST_FLOATS ||
        outs * taps * (double)d->channels > FUZZ_MOST_WORK)
        return;
    const int64_t in_stride = fuzz_or_dense(d->in_stride, d->channels);
    const int64_t out_stride = fuzz_or_dense(d->out_stride, d->channels);
    c.in = fuzz_span(1, 0, batch * (int64_t)pixels, in_stride, d->channels);
    c.out = fuzz_span(1, 0, batch * (int64_t)outs, out_stride, d->channels);
    c.indices = fuzz_span(1, 0, batch * (int64_t)outs, d->channels, d->channels);
    if (c.in > FUZZ_MOST_FLOATS || c.out > FUZZ_MOST_FLOATS || c.indices > FUZZ_MOST_FLOATS)
        return;
    fuzz_on_every_rung(run_pooling, &c, d->type, c.out, true);
    fuzz_on_every_rung(run_indexed, &c, d->type, c.out, true);
    c.backward = true;
    if (pixels * outs * (double)d->channels <= FUZZ_MOST_WORK)
        fuzz_on_every_rung(run_indexed, &c, d->type, c.in, true);
}
