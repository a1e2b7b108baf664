/*
 * reduce_pieces.c - hew_reduce: what a piece of the reduced elements makes of results side by side.
 */
#include "reduce_tensor.h"

#include <math.h>
#include <string.h>

void hew_reduce_offsets(const hew_nest *nest, size_t first, size_t count, ptrdiff_t *offset)
{
    const size_t turns = nest->extent[nest->rank - 1];
    const ptrdiff_t step = nest->stride[0][nest->rank - 1];
    while (count > 0) {
        ptrdiff_t at[HEW_NEST_TENSORS];
        hew_nest_at(nest, nest->rank, first, at);
        const size_t here = hew_min(count, turns - first % turns);
        for (size_t i = 0; i < here; i++)
            *offset++ = at[0] + (ptrdiff_t)i * step;
        first += here;
        count -= here;
    }
}

static void copy(size_t element, const char *in, ptrdiff_t step, size_t n, char *to)
{
    if (element == 4)
        for (size_t i = 0; i < n; i++, in += step)
            memcpy(to + 4 * i, in, 4);
    else if (element == 2)
        for (size_t i = 0; i < n; i++, in += step)
            memcpy(to + 2 * i, in, 2);
    else
        for (size_t i = 0; i < n; i++, in += step)
            to[i] = *in;
}

void hew_reduce_gather(const hew_reduce_plan *r, const char *in, const hew_reduce_block *block,
                       char *to)
{
    const hew_nest *const nest = &r->all;
    const size_t turns = nest->extent[nest->rank - 1];
    size_t first = block->row * r->cut.n + block->first, count = block->rows * block->n;
    while (count > 0) {
        ptrdiff_t at[HEW_NEST_TENSORS];
        hew_nest_at(nest, nest->rank, first, at);
        const size_t here = hew_min(count, turns - first % turns);
        copy(r->element, in + at[0], nest->stride[0][nest->rank - 1], here, to);
        to += here * r->element;
        first += here;
        count -= here;
    }
}

void hew_reduce_gather_columns(const hew_reduce_plan *r, const hew_reduce_results *o,
                               const ptrdiff_t *offset, size_t rows, char *to)
{
    for (size_t i = 0; i < rows; i++, to += o->n * r->element)
        copy(r->element, o->in + offset[i], hew_reduce_in_step(r), o->n, to);
}

/* ------------------------------------------------------------------------------------ join ---- */

static void join_floats(hew_reduce_kind kind, size_t n, float *out, const float *more)
{
    for (size_t i = 0; i < n; i++)
        switch (kind) {
        case HEW_REDUCE_KIND_PROD: out[i] *= more[i]; break;
        case HEW_REDUCE_KIND_MIN: /* a NaN that is there stays */
            if (more[i] < out[i] || more[i] != more[i])
                out[i] = more[i];
            break;
        case HEW_REDUCE_KIND_MAX:
            if (more[i] > out[i] || more[i] != more[i])
                out[i] = more[i];
            break;
        default: out[i] += more[i];
        }
}

static void join_ints(hew_reduce_kind kind, size_t n, int32_t *out, const int32_t *more)
{
    for (size_t i = 0; i < n; i++)
        if (kind == HEW_REDUCE_KIND_SUM)
            out[i] = (int32_t)((uint32_t)out[i] + (uint32_t)more[i]);
        else if (kind == HEW_REDUCE_KIND_MIN ? more[i] < out[i] : more[i] > out[i])
            out[i] = more[i];
}

void hew_reduce_join(const hew_reduce_plan *r, hew_reduce_kind kind, size_t n, void *out,
                     const void *more)
{
    if (r->floats)
        join_floats(kind, n, out, more);
    else
        join_ints(kind, n, out, more);
}

/* Before the first element.  Integers' extremes of nothing are the ends of in's type. */
static void begin(const hew_reduce_plan *r, hew_reduce_kind kind, size_t n, void *out)
{
    const float start = kind == HEW_REDUCE_KIND_PROD  ? 1.0f
                        : kind == HEW_REDUCE_KIND_MIN ? INFINITY
                        : kind == HEW_REDUCE_KIND_MAX ? -INFINITY
                                                      : 0.0f;
    const hew_type type = r->d->in.type;
    const int32_t low = type == HEW_S32 ? INT32_MIN : type == HEW_S8 ? -128 : 0;
    const int32_t high = type == HEW_S32 ? INT32_MAX : type == HEW_S8 ? 127 : 255;
    const int32_t start_int = kind == HEW_REDUCE_KIND_MIN   ? high
                              : kind == HEW_REDUCE_KIND_MAX ? low
                                                            : 0;
    for (size_t i = 0; i < n; i++)
        if (r->floats)
            ((float *)out)[i] = start;
        else
            ((int32_t *)out)[i] = start_int;
}

/* ---------------------------------------------------------------------------------- pieces ---- */

static void block_along(const hew_reduce_plan *r, hew_reduce_kind kind, const hew_reduce_results *o,
                        const hew_reduce_block *b, const float *largest, char *out)
{
    ptrdiff_t offset[HEW_REDUCE_BLOCK_ROWS];
    hew_reduce_rows k = {.type = r->d->in.type, .kind = kind, .offset = offset, .rows = b->rows,
                         .n = b->n, .largest = largest, .out = out, .far = r->far};
    if (!r->gathers) {
        hew_reduce_offsets(&r->outer, b->row, b->rows, offset);
        k.in = o->in + b->first * r->element;
        k.step = hew_reduce_in_step(r);
        k.results = o->n;
        r->rows(&k);
        return;
    }
    char gathered[HEW_REDUCE_BLOCK * sizeof(float)] __attribute__((aligned(64)));
    for (size_t i = 0; i < b->rows; i++)
        offset[i] = (ptrdiff_t)(i * b->n * r->element);
    k.in = gathered;
    k.results = 1;
    for (size_t i = 0; i < o->n; i++) {
        hew_reduce_gather(r, o->in + (ptrdiff_t)i * hew_reduce_in_step(r), b, gathered);
        k.out = out + i * sizeof(float);
        k.largest = largest ? largest + i : NULL;
        r->rows(&k);
    }
}

static void piece_along(const hew_reduce_plan *r, hew_reduce_kind kind, const hew_reduce_results *o,
                        size_t piece, const float *largest, char *out)
{
    const size_t first = hew_cut(r->cut.blocks, r->cut.pieces, piece);
    const size_t end = hew_cut(r->cut.blocks, r->cut.pieces, piece + 1);
    float more[HEW_REDUCE_CHUNK];
    if (first == end)
        begin(r, kind, o->n, out);
    for (size_t b = first; b < end; b++) {
        const hew_reduce_block block = hew_reduce_block_of(&r->cut, b);
        block_along(r, kind, o, &block, largest, b == first ? out : (char *)more);
        if (b > first)
            hew_reduce_join(r, kind, o->n, out, more);
    }
}

static void piece_across(const hew_reduce_plan *r, hew_reduce_kind kind,
                         const hew_reduce_results *o, size_t piece, const float *largest,
                         char *out)
{
    enum { BATCH = 512 }; /* rows in a call: a multiple of HEW_REDUCE_ROWS */
    ptrdiff_t offset[BATCH];
    char gathered[HEW_REDUCE_ROWS * HEW_REDUCE_GATHERED * 4] __attribute__((aligned(64)));
    const size_t batch = r->gathers ? HEW_REDUCE_ROWS : BATCH;
    hew_reduce_columns k = {.type = r->d->in.type, .kind = kind, .in = o->in, .offset = offset,
                            .n = o->n, .largest = largest, .out = out};
    begin(r, kind, o->n, out);
    size_t row = hew_cut(r->cut.blocks, r->cut.pieces, piece) * HEW_REDUCE_ROWS;
    const size_t end = hew_min(
        hew_cut(r->cut.blocks, r->cut.pieces, piece + 1) * HEW_REDUCE_ROWS, r->cut.rows);
    for (; row < end; row += k.rows) {
        k.rows = hew_min(batch, end - row);
        hew_reduce_offsets(&r->outer, row, k.rows, offset);
        if (r->gathers) {
            hew_reduce_gather_columns(r, o, offset, k.rows, gathered);
            for (size_t i = 0; i < k.rows; i++)
                offset[i] = (ptrdiff_t)(i * o->n * r->element);
            k.in = gathered;
        }
        r->columns(&k);
    }
}

void hew_reduce_piece(const hew_reduce_plan *r, hew_reduce_kind kind, const hew_reduce_results *o,
                      size_t piece, const float *largest, void *out)
{
    if (r->cut.along)
        piece_along(r, kind, o, piece, largest, out);
    else
        piece_across(r, kind, o, piece, largest, out);
}
