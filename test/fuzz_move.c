/* What moves elements, of tensors with any strides; resampling. */
#include "fuzz.h"

#include <stdlib.h>

enum { COPY, SLICE, PAD, SHUFFLE, DEPTH, CONCAT, SPLIT, GATHER, SCATTER, KINDS };

/* A tensor, how many elements its memory has, and where in it index 0 is. */
typedef struct place {
    hew_tensor t;
    size_t elements, first;
} place;

typedef struct move_case {
    int kind, axis;
    place in, out, index;
    int64_t start[HEW_MAX_RANK], step[HEW_MAX_RANK], number;
    bool scaled, back;
    size_t size;
    const hew_threads *threads;
} move_case;

/* Strides of their own, in any direction, or 0: dense.  Those of an output, which threads may write
 * in any order, don't bring two elements to one address. */
static void fuzz_strides(fuzz_bytes *in, hew_tensor *t, bool wild)
{
    int64_t step = 1;
    if (fuzz_one_in(in, 2) || t->rank > HEW_MAX_RANK)
        return;
    for (int j = t->rank - 1; j >= 0; j--) {
        t->stride[j] = fuzz_one_in(in, 4) ? -step : step;
        if (wild && fuzz_one_in(in, 60))
            t->stride[j] = fuzz_extent(in);
        step *= t->extent[j] > 0 && t->extent[j] < 1 << 8 ? t->extent[j] : 1;
        step += fuzz_one_in(in, 5);
    }
}

static void measure(place *p)
{
    double low = 0, high = 0, step = 1, points = 1;
    bool dense = true;
    p->elements = FUZZ_MOST_FLOATS + 1;
    if (p->t.rank < 0 || p->t.rank > HEW_MAX_RANK)
        return;
    for (int j = 0; j < p->t.rank; j++) {
        dense = dense && p->t.stride[j] == 0;
        points *= (double)p->t.extent[j];
    }
    for (int j = p->t.rank - 1; j >= 0; j--) {
        const double reach = ((double)p->t.extent[j] - 1) * (dense ? step : (double)p->t.stride[j]);
        *(reach < 0 ? &low : &high) += reach;
        step *= (double)p->t.extent[j];
        if (p->t.extent[j] < 0)
            return;
    }
    if (points == 0)
        low = high = 0;
    if (high - low >= FUZZ_MOST_FLOATS || points > FUZZ_MOST_WORK)
        return;
    p->elements = points == 0 ? 0 : (size_t)(high - low) + 1;
    p->first = (size_t)-low;
}

static hew_tensor some_tensor(fuzz_bytes *in, hew_type type)
{
    hew_tensor t = {.type = type, .rank = (int)(fuzz_byte(in) % 6)};
    t.rank = fuzz_one_in(in, 200) ? fuzz_one_in(in, 2) ? -1 : HEW_MAX_RANK + 1 : t.rank;
    for (int j = 0; j < HEW_MAX_RANK; j++)
        t.extent[j] = j < t.rank ? fuzz_small(in, 8) : 0;
    return t;
}

static const void *at(const void *p, const place *where)
{
    static const size_t sizes[] = {4, 2, 2, 1, 1, 4, 0, 8};
    return p == NULL ? NULL : (const char *)p + where->first * sizes[where->t.type & 7];
}

static hew_status run_parts(const move_case *c, const void *in, void *out)
{
    const hew_tensor *const part = c->kind == CONCAT ? &c->in.t : &c->out.t;
    const hew_tensor parts[] = {*part, *part};
    const void *const from[] = {in, in};
    void *const to[] = {out, out};
    const int count = (int)c->number;
    if (c->kind == CONCAT)
        return hew_concat(&(hew_concat_desc){c->size + sizeof(hew_concat_desc), c->axis, count,
                                             parts, c->out.t}, from, out, c->threads);
    return hew_split(&(hew_split_desc){c->size + sizeof(hew_split_desc), c->axis, count, c->in.t,
                                       parts}, in, to, c->threads);
}

static hew_status run_one(const move_case *c, const void *in, const void *index, void *out)
{
    const float scale[] = {0.5f, 0.25f, 3, 1, 1, 1, 1, 1};
    hew_copy_desc copy = {c->size + sizeof copy, .in = c->in.t, .out = c->out.t, .axis = c->axis};
    hew_slice_desc slice = {c->size + sizeof slice, .in = c->in.t, .out = c->out.t};
    hew_pad_desc pad = {c->size + sizeof pad, .mode = (hew_pad_mode)c->number, .in = c->in.t,
                        .out = c->out.t};
    for (int j = 0; j < HEW_MAX_RANK; j++) {
        slice.start[j] = c->start[j], slice.step[j] = c->step[j];
        pad.lo[j] = c->start[j] - 2;
    }
    copy.out_scale = c->scaled ? scale : NULL;
    switch (c->kind) {
    case COPY: return hew_copy(&copy, in, out, c->threads);
    case SLICE: return hew_slice(&slice, in, out, c->threads);
    case PAD: return hew_pad(&pad, in, out, c->threads);
    case SHUFFLE:
        return hew_shuffle(&(hew_shuffle_desc){c->size + sizeof(hew_shuffle_desc), c->in.t,
                                               c->out.t, c->axis, c->number}, in, out, c->threads);
    case DEPTH:
        return (c->back ? hew_space_to_depth : hew_depth_to_space)(
            &(hew_depth_to_space_desc){c->size + sizeof(hew_depth_to_space_desc),
                                       (hew_layout)(c->axis & 1), (hew_depth_order)c->scaled,
                                       c->number, c->in.t, c->out.t}, in, out, c->threads);
    case GATHER:
        return hew_gather(&(hew_gather_desc){c->size + sizeof(hew_gather_desc), c->axis, c->in.t,
                                             c->index.t, c->out.t}, in, index, out, c->threads);
    case SCATTER:
        return hew_scatter(&(hew_scatter_desc){c->size + sizeof(hew_scatter_desc),
                                               (hew_scatter_op)c->number, c->axis, c->in.t,
                                               c->index.t, c->out.t}, in, index, out, c->threads);
    }
    return run_parts(c, in, out);
}

static hew_status run_move(const void *what, void *out)
{
    const move_case *c = what;
    if (out == NULL)
        return run_one(c, NULL, NULL, NULL);
    void *const in = fuzz_elements(c->in.t.type, c->in.elements, 1);
    int32_t *const index = fuzz_elements(HEW_S32, c->index.elements, 2);
    for (size_t i = 0; i < c->index.elements; i++)
        index[i] = (int32_t)((uint32_t)index[i] % 5) - (c->scaled ? 2 : 0);
    const hew_status s =
        run_one(c, at(in, &c->in), at(index, &c->index), (void *)(uintptr_t)at(out, &c->out));
    fuzz_unfloats(in);
    fuzz_unfloats(index);
    return s;
}

/* Extents that go together, mostly. */
static void shape_output(fuzz_bytes *in, move_case *c)
{
    hew_tensor *const t = &c->out.t;
    const int axis = c->in.t.rank > 0 && c->in.t.rank <= HEW_MAX_RANK ? c->axis : 0;
    for (int j = 0; j < HEW_MAX_RANK; j++) {
        c->start[j] = fuzz_small(in, 5);
        c->step[j] = fuzz_small(in, 4) - 1;
        if (c->kind == PAD || c->kind == SLICE)
            t->extent[j] = j < t->rank && fuzz_one_in(in, 2) ? fuzz_small(in, 9) : t->extent[j];
    }
    if (axis < 0 || axis >= HEW_MAX_RANK)
        return;
    if ((c->kind == GATHER || c->kind == SCATTER) && c->index.t.rank == 1)
        (c->kind == GATHER ? t : &c->in.t)->extent[axis] = c->index.t.extent[0];
    else if (c->kind == CONCAT && t->extent[axis] > 0 && t->extent[axis] < 1 << 20)
        t->extent[axis] *= 2;
    else if (c->kind == SPLIT && c->in.t.extent[axis] > 0 && c->in.t.extent[axis] < 1 << 20)
        c->in.t.extent[axis] *= 2;
}

void fuzz_move(fuzz_bytes *in)
{
    static const hew_type types[] = {HEW_F32, HEW_BF16, HEW_U8, HEW_S8, HEW_F16, HEW_S32};
    move_case c = {.kind = (int)(fuzz_byte(in) % KINDS), .axis = (int)(fuzz_byte(in) % 4)};
    c.axis = fuzz_one_in(in, 10) ? -c.axis : c.axis;
    c.in.t = some_tensor(in, types[fuzz_byte(in) % 6]);
    c.out.t = fuzz_one_in(in, 12) ? some_tensor(in, c.in.t.type) : c.in.t;
    if (c.kind == COPY && fuzz_one_in(in, 2))
        c.out.t.type = types[fuzz_byte(in) % 6];
    c.index.t = (hew_tensor){.type = HEW_S32, .rank = 1, .extent = {fuzz_small(in, 8)}};
    c.number = fuzz_small(in, 5);
    if (c.kind == CONCAT || c.kind == SPLIT)
        c.number = fuzz_one_in(in, 20) ? c.number % 3 : 2;
    if (c.kind == SPLIT) /* of which both are written, to one place */
        c.number = 1;
    c.scaled = fuzz_one_in(in, 3), c.back = fuzz_one_in(in, 2);
    c.size = 0 - (size_t)fuzz_one_in(in, 100);
    shape_output(in, &c);
    fuzz_strides(in, &c.in.t, c.kind != SPLIT);
    fuzz_strides(in, &c.out.t, false);
    c.threads = fuzz_threads(in);
    measure(&c.in), measure(&c.out), measure(&c.index);
    fuzz_on_every_rung(run_move, &c, c.out.t.type, c.out.elements,
                       c.in.elements <= FUZZ_MOST_FLOATS && c.out.elements <= FUZZ_MOST_FLOATS &&
                           c.index.elements <= FUZZ_MOST_FLOATS);
}

/* ----------------------------------------------------------------------------- resample ---- */

typedef struct resample_case {
    hew_resample_desc d;
    size_t in, out;
    const hew_threads *threads;
} resample_case;

static hew_status run_resample(const void *what, void *out)
{
    const resample_case *c = what;
    hew_resample *op;
    hew_status s = hew_resample_create(&op, &c->d);
    if (s != HEW_OK)
        return s;
    const size_t bytes = hew_resample_scratch_size(op, c->threads ? c->threads->count : 1);
    if (out != NULL) {
        void *const in = fuzz_elements(c->d.type, c->in, 1);
        void *const scratch = fuzz_aligned(hew_round_up(bytes, HEW_ALIGNMENT));
        s = hew_resample_run(op, &HEW_RESAMPLE_ARGS(.in = in, .out = out, .scratch = scratch,
                                                    .threads = c->threads));
        free(scratch);
        fuzz_unfloats(in);
    }
    hew_resample_destroy(op);
    return s;
}

static size_t image_elements(const hew_resample_desc *d, const int64_t *extent, int64_t stride)
{
    int64_t pixels = 1;
    for (int i = 0; i < 3; i++)
        if (extent[i] != 0)
            pixels = extent[i] < 0 || extent[i] > 1 << 12 || pixels > 1 << 12 ? -1
                                                                              : pixels * extent[i];
    return pixels < 0 ? FUZZ_MOST_FLOATS + 1
                      : fuzz_span(d->batch == 0 ? 1 : d->batch == -1 ? 0 : d->batch,
                                  pixels * (stride < 0 || stride > 1 << 20 ? 1 << 20 : stride),
                                  pixels, stride,
                                  d->channels);
}

void fuzz_resample(fuzz_bytes *in)
{
    static const hew_type types[] = {HEW_F32, HEW_BF16, HEW_U8, HEW_S8, HEW_F16, HEW_S32};
    resample_case c = {.d = HEW_RESAMPLE_DESC(.kind = (hew_resample_kind)(fuzz_byte(in) % 2))};
    hew_resample_desc *const d = &c.d;
    d->type = types[fuzz_byte(in) % 6];
    d->place = (hew_resample_place)(fuzz_byte(in) % 11 % 6);
    d->round = (hew_resample_round)(fuzz_byte(in) % 9 % 5);
    d->backward = fuzz_one_in(in, 3);
    d->batch = fuzz_small(in, 3), d->channels = fuzz_small(in, 20);
    for (int i = 0; i < 1 + (int)(fuzz_byte(in) % 3); i++) {
        d->in[i] = fuzz_small(in, 8), d->out[i] = fuzz_small(in, 9);
        d->scale[i] = fuzz_one_in(in, 4) ? (double)fuzz_scale(in) : 0;
    }
    d->in_stride = fuzz_stride(in, d->channels), d->out_stride = fuzz_stride(in, d->channels);
    d->size -= fuzz_one_in(in, 100);
    c.threads = fuzz_threads(in);
    const size_t small = image_elements(d, d->in, fuzz_or_dense(d->in_stride, d->channels));
    const size_t large = image_elements(d, d->out, fuzz_or_dense(d->out_stride, d->channels));
    c.in = d->backward ? large : small;
    c.out = d->backward ? small : large;
    int64_t most = 0;
    for (int i = 0; i < 3; i++)
        most = hew_max_i64(most, hew_max_i64(d->in[i], d->out[i]));
    if (most > 1 << 20 && most < INT32_MAX) /* tables of that length are no bug */
        return;
    fuzz_on_every_rung(run_resample, &c, d->type, c.out,
                       c.in <= FUZZ_MOST_FLOATS && c.out <= FUZZ_MOST_FLOATS);
}
