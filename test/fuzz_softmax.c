/* Softmax, under masks too, and its gradient. */
#include "fuzz.h"

typedef struct softmax_case {
    hew_softmax_desc d;
    hew_softmax_mask m;
    size_t in, out; /* elements */
    bool in_place, masked;
    const hew_threads *threads;
} softmax_case;

static hew_status run_softmax(const void *what, void *out)
{
    const softmax_case *c = what;
    void *in = out == NULL ? NULL : fuzz_elements(c->d.type, c->in, 1);
    const void *from = c->in_place ? out : in;
    const hew_status status = c->masked ? hew_softmax_masked(&c->d, &c->m, from, out, c->threads)
                                        : hew_softmax(&c->d, from, out, c->threads);
    fuzz_unfloats(in);
    return status;
}

static hew_status run_backward(const void *what, void *in)
{
    const softmax_case *c = what;
    void *y = in == NULL ? NULL : fuzz_elements(c->d.type, c->out, 1);
    void *dy = in == NULL ? NULL : fuzz_elements(c->d.type, c->out, 2);
    const hew_status status = hew_softmax_backward(&c->d, c->masked ? &c->m : NULL, y,
                                                   c->in_place ? in : dy, in, c->threads);
    fuzz_unfloats(y);
    fuzz_unfloats(dy);
    return status;
}

/* A mask whose tensors are small, and true to size, or which is refused before they are read. */
static void fuzz_mask(fuzz_bytes *in, softmax_case *c)
{
    static const float add[4096];
    static const int32_t lengths[256] = {3, 0, -1, 7, INT32_MAX, INT32_MIN, 12};
    hew_softmax_mask *m = &c->m;
    *m = HEW_SOFTMAX_MASK(.heads = fuzz_small(in, 4), .queries = fuzz_small(in, 8));
    m->causal = fuzz_one_in(in, 2), m->row_lengths = fuzz_one_in(in, 2);
    m->offset = fuzz_one_in(in, 2) ? fuzz_small(in, 9) - 3 : 0;
    m->size -= fuzz_one_in(in, 100);
    const hew_softmax_desc *d = &c->d;
    if (d->rows < 0 || d->rows > 256 || d->columns < 0 || d->columns > 1024)
        return;
    m->lengths = fuzz_one_in(in, 2) ? lengths : NULL;
    m->add = fuzz_one_in(in, 2) ? add : NULL;
    const bool wild = fuzz_one_in(in, 20);
    for (int i = 0; i < 3; i++)
        m->add_stride[i] = wild ? INT64_MIN + (int64_t)fuzz_byte(in) : fuzz_byte(in) % 4;
}

void fuzz_softmax(fuzz_bytes *in)
{
    softmax_case c = {.d = HEW_SOFTMAX_DESC(.rows = fuzz_extent(in), .columns = fuzz_extent(in))};
    hew_softmax_desc *d = &c.d;
    d->type = fuzz_type(in), d->log = fuzz_one_in(in, 2);
    d->inner = fuzz_one_in(in, 3) ? fuzz_small(in, 40) : 0;
    d->scale = fuzz_scale(in);
    int64_t dense;
    if (__builtin_mul_overflow(d->columns, fuzz_or_dense(d->inner, 1), &dense))
        dense = 0;
    d->in_stride = fuzz_stride(in, dense), d->out_stride = fuzz_stride(in, dense);
    d->size -= fuzz_one_in(in, 100);
    c.threads = fuzz_threads(in);
    c.masked = fuzz_one_in(in, 3);
    if (c.masked)
        fuzz_mask(in, &c);
    const int64_t in_stride = fuzz_or_dense(d->in_stride, dense);
    const int64_t out_stride = fuzz_or_dense(d->out_stride, dense);
    c.in_place = fuzz_one_in(in, 3) && in_stride == out_stride;
    c.in = fuzz_span(1, 0, d->rows, in_stride, dense);
    c.out = fuzz_span(1, 0, d->rows, out_stride, dense);
    /* One that can't run must be refused, null pointers at the latest. */
    const bool fits = c.in <= FUZZ_MOST_FLOATS && c.out <= FUZZ_MOST_FLOATS;
    fuzz_on_every_rung(run_softmax, &c, d->type, c.out, fits);
    fuzz_on_every_rung(run_backward, &c, d->type, c.in, fits);
}
