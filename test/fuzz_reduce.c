/* Reductions, top k, running sums, random numbers and dropout. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

static hew_type some_type(fuzz_bytes *in)
{
    static const hew_type types[] = {HEW_F32, HEW_F32, HEW_BF16, HEW_F16, HEW_S8, HEW_U8, HEW_S32};
    return fuzz_one_in(in, 50) ? fuzz_type(in) : types[fuzz_byte(in) % 7];
}

/* A shape: small, or wild. */
static hew_tensor some_shape(fuzz_bytes *in)
{
    hew_tensor t = {.type = some_type(in)};
    t.rank = fuzz_one_in(in, 60) ? (int)fuzz_byte(in) - 8 : (int)(fuzz_byte(in) % 5);
    for (int j = 0; j < t.rank && j < HEW_MAX_RANK; j++)
        t.extent[j] = fuzz_one_in(in, 2) ? fuzz_small(in, 9) : fuzz_extent(in);
    return t;
}

static bool has_rank(const hew_tensor *t) { return t->rank >= 0 && t->rank <= HEW_MAX_RANK; }
static bool lies(size_t elements) { return elements <= FUZZ_MOST_FLOATS; }

/* Indices want 8 bytes, which elements for every rung don't stand on: they are copied to there. */
static int64_t *some_indices(size_t n) { return calloc(n + 1, sizeof(int64_t)); }

/* ---------------------------------------------------------------------------------- reduce ---- */

typedef struct reduce_case {
    hew_reduce_desc d;
    size_t in, out;
    const hew_threads *threads;
} reduce_case;

static hew_status run_reduce(const void *what, void *out)
{
    const reduce_case *c = what;
    if (!out)
        return hew_reduce(&c->d, NULL, NULL, c->threads);
    void *in = fuzz_elements(c->d.in.type, c->in, 1);
    const bool arg = c->d.out.type == HEW_S64;
    int64_t *indices = arg ? some_indices(c->out) : NULL;
    const hew_status status = hew_reduce(&c->d, in, arg ? (void *)indices : out, c->threads);
    if (arg && status == HEW_OK)
        memcpy(out, indices, sizeof(int64_t) * c->out);
    free(indices);
    fuzz_unfloats(in);
    return status;
}

void fuzz_reduce(fuzz_bytes *in)
{
    reduce_case c = {.d = HEW_REDUCE_DESC(.last_index = fuzz_one_in(in, 2))};
    hew_reduce_desc *d = &c.d;
    d->op = (hew_reduce_op)(fuzz_byte(in) % (fuzz_one_in(in, 40) ? 255 : HEW_REDUCE_OP_COUNT));
    d->in = d->out = some_shape(in);
    const bool arg = d->op == HEW_REDUCE_ARGMIN || d->op == HEW_REDUCE_ARGMAX;
    d->out.type = arg ? HEW_S64 : fuzz_one_in(in, 2) ? d->in.type : some_type(in);
    for (int j = 0; j < d->out.rank && j < HEW_MAX_RANK; j++)
        if (fuzz_one_in(in, 2))
            d->out.extent[j] = fuzz_one_in(in, 40) ? fuzz_small(in, 3) : 1;
    c.in = has_rank(&d->in) ? fuzz_lay_out(in, &d->in) : FUZZ_MOST_FLOATS + 1;
    c.out = has_rank(&d->out) ? fuzz_lay_out(in, &d->out) : FUZZ_MOST_FLOATS + 1;
    d->size -= fuzz_one_in(in, 100);
    c.threads = fuzz_threads(in);
    fuzz_on_every_rung(run_reduce, &c, arg ? HEW_S64 : d->out.type, c.out,
                       lies(c.in) && lies(c.out));
}

/* ------------------------------------------------------------------------- top k and sums ---- */

typedef struct order_case {
    hew_topk_desc topk;
    hew_cumsum_desc cumsum;
    bool sums;
    size_t in, out, indices;
    const hew_threads *threads;
} order_case;

static hew_status run_order(const void *what, void *out)
{
    const order_case *c = what;
    const hew_tensor *const t = c->sums ? &c->cumsum.in : &c->topk.in;
    void *in = out ? fuzz_elements(t->type, c->in, 1) : NULL;
    hew_status status;
    if (c->sums) {
        status = hew_cumsum(&c->cumsum, in, out, c->threads);
    } else {
        int64_t *indices = out ? some_indices(c->indices) : NULL;
        const size_t bytes =
            hew_topk_scratch_size(&c->topk, c->threads ? c->threads->count : 1);
        void *scratch = out && bytes != SIZE_MAX ? fuzz_aligned(bytes) : NULL;
        status = hew_topk(&c->topk, in, out, indices, scratch, c->threads);
        free(scratch);
        free(indices);
    }
    fuzz_unfloats(in);
    return status;
}

void fuzz_order(fuzz_bytes *in)
{
    order_case c = {.topk = HEW_TOPK_DESC(.smallest = fuzz_one_in(in, 2)),
                    .cumsum = HEW_CUMSUM_DESC(.exclusive = fuzz_one_in(in, 2),
                                              .reverse = fuzz_one_in(in, 2)),
                    .sums = fuzz_one_in(in, 2), .indices = 0};
    hew_tensor t = some_shape(in), out = t, indices = t;
    const int axis = fuzz_one_in(in, 30) ? (int)fuzz_byte(in) - 100
                     : t.rank > 0        ? (int)(fuzz_byte(in) % (unsigned)t.rank)
                                         : 0;
    if (!c.sums && axis >= 0 && axis < HEW_MAX_RANK)
        out.extent[axis] = indices.extent[axis] = fuzz_small(in, 9);
    indices.type = HEW_S64;
    c.in = has_rank(&t) ? fuzz_lay_out(in, &t) : FUZZ_MOST_FLOATS + 1;
    c.out = has_rank(&out) ? fuzz_lay_out(in, &out) : FUZZ_MOST_FLOATS + 1;
    c.indices = has_rank(&indices) ? fuzz_lay_out(in, &indices) : FUZZ_MOST_FLOATS + 1;
    c.topk.axis = c.cumsum.axis = axis;
    c.topk.in = c.cumsum.in = t;
    c.topk.values = c.cumsum.out = out;
    c.topk.indices = indices;
    c.topk.size -= fuzz_one_in(in, 100);
    c.cumsum.size -= fuzz_one_in(in, 100);
    c.threads = fuzz_threads(in);
    /* The definition of top k counts: the square of a line. */
    const bool quick = c.sums || (lies(c.in) && c.in <= 2000);
    fuzz_on_every_rung(run_order, &c, t.type, c.out,
                       quick && lies(c.in) && lies(c.out) && lies(c.indices));
}

/* ------------------------------------------------------------------------- random numbers ---- */

typedef struct random_case {
    hew_random_desc fill;
    hew_dropout_desc dropout;
    bool drops, backward;
    const hew_threads *threads;
} random_case;

static hew_status run_random(const void *what, void *out)
{
    const random_case *c = what;
    if (!c->drops)
        return hew_random_fill(&c->fill, out, c->threads);
    void *in = out ? fuzz_elements(c->dropout.type, (size_t)c->dropout.n, 1) : NULL;
    const hew_status status = c->backward
                                  ? hew_dropout_backward(&c->dropout, in, NULL, out, c->threads)
                                  : hew_dropout(&c->dropout, in, out, NULL, c->threads);
    fuzz_unfloats(in);
    return status;
}

void fuzz_random(fuzz_bytes *in)
{
    random_case c = {.fill = HEW_RANDOM_DESC(.seed = fuzz_byte(in) * UINT64_C(0x9e3779b97f4a7c15)),
                     .drops = fuzz_one_in(in, 2), .backward = fuzz_one_in(in, 2)};
    hew_random_desc *d = &c.fill;
    d->type = fuzz_one_in(in, 2) ? HEW_F32 : fuzz_one_in(in, 2) ? HEW_BF16 : fuzz_type(in);
    d->kind = (hew_random_kind)(fuzz_byte(in) % 3);
    d->n = fuzz_extent(in), d->offset = fuzz_extent(in);
    d->lo = fuzz_scale(in) - 1, d->hi = fuzz_scale(in);
    d->mean = fuzz_scale(in), d->deviation = fuzz_scale(in);
    c.dropout = HEW_DROPOUT_DESC(.type = d->type, .p = fuzz_scale(in), .seed = d->seed,
                                 .offset = d->offset, .n = d->n);
    d->size -= fuzz_one_in(in, 100);
    c.dropout.size -= fuzz_one_in(in, 100);
    c.threads = fuzz_threads(in);
    const bool fits = d->n >= 0 && d->n <= FUZZ_MOST_FLOATS;
    fuzz_on_every_rung(run_random, &c, d->type, fits ? (size_t)d->n : 0, fits);
}
