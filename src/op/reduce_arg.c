/*
 * reduce_arg.c - hew_reduce: where the least or largest elements are.
 *
 * Along rows the extreme of each piece is found first, as for MIN and MAX, and then looked for in
 * the piece that has it: most elements are read once.  Across rows the place goes along.
 */
#include <math.h>
#include <string.h>

#include "reduce_tensor.h"

static hew_reduce_kind kind_of(const hew_reduce_plan *r)
{
    return r->d->op == HEW_REDUCE_ARGMIN ? HEW_REDUCE_KIND_MIN : HEW_REDUCE_KIND_MAX;
}

/* The least is the largest of what is turned round, and back. */
static void turn(const hew_reduce_plan *r, size_t n, void *values)
{
    if (kind_of(r) == HEW_REDUCE_KIND_MAX)
        return;
    for (size_t i = 0; i < n; i++)
        if (r->floats)
            ((float *)values)[i] = -((float *)values)[i];
        else
            ((int32_t *)values)[i] = ~((int32_t *)values)[i];
}

static void piece_across(const hew_reduce_plan *r, const hew_reduce_results *o, size_t piece,
                         hew_reduce_values v)
{
    enum { BATCH = 128 }; /* rows in a call */
    ptrdiff_t offset[BATCH];
    char gathered[HEW_REDUCE_ROWS * HEW_REDUCE_GATHERED * 4] __attribute__((aligned(64)));
    const size_t batch = r->gathers ? HEW_REDUCE_ROWS : BATCH;
    size_t row = hew_cut(r->cut.blocks, r->cut.pieces, piece) * HEW_REDUCE_ROWS;
    const size_t end = hew_min(
        hew_cut(r->cut.blocks, r->cut.pieces, piece + 1) * HEW_REDUCE_ROWS, r->cut.rows);
    hew_reduce_places k = {.columns = {.type = r->d->in.type, .kind = kind_of(r), .in = o->in,
                                       .offset = offset, .n = o->n, .out = v.best},
                           .last = r->d->last_index, .where = v.where};
    for (size_t i = 0; i < o->n; i++) {
        v.where[i] = (int32_t)row;
        if (r->floats)
            ((float *)v.best)[i] = -INFINITY;
        else
            ((int32_t *)v.best)[i] = INT32_MIN;
    }
    for (; row < end; row += k.columns.rows) {
        k.first = row;
        k.columns.rows = hew_min(batch, end - row);
        hew_reduce_offsets(&r->outer, row, k.columns.rows, offset);
        if (r->gathers) {
            hew_reduce_gather_columns(r, o, offset, k.columns.rows, gathered);
            for (size_t i = 0; i < k.columns.rows; i++)
                offset[i] = (ptrdiff_t)(i * o->n * r->element);
            k.columns.in = gathered;
        }
        r->places(&k);
    }
}

void hew_reduce_arg_piece(const hew_reduce_plan *r, const hew_reduce_results *o, size_t piece,
                          hew_reduce_values v)
{
    if (!r->cut.along) {
        piece_across(r, o, piece, v);
        return;
    }
    hew_reduce_piece(r, kind_of(r), o, piece, NULL, v.best);
    turn(r, o->n, v.best);
    for (size_t i = 0; i < o->n; i++)
        v.where[i] = (int32_t)piece;
}

void hew_reduce_arg_join(const hew_reduce_plan *r, size_t n, hew_reduce_values v,
                         hew_reduce_values more)
{
    const bool last = r->d->last_index;
    for (size_t i = 0; i < n; i++) {
        bool takes;
        if (r->floats) {
            const float x = ((float *)more.best)[i], y = ((float *)v.best)[i];
            takes = x != x ? y == y || last : x > y || (last && x == y);
        } else {
            const int32_t x = ((int32_t *)more.best)[i], y = ((int32_t *)v.best)[i];
            takes = x > y || (last && x == y);
        }
        if (takes) {
            memcpy((char *)v.best + 4 * i, (char *)more.best + 4 * i, 4);
            v.where[i] = more.where[i];
        }
    }
}

/* Where a value is among the reduced elements of a result, which has it in this piece. */
static size_t find(const hew_reduce_plan *r, const char *in, size_t piece, const void *value)
{
    const bool last = r->d->last_index;
    const size_t first = hew_cut(r->cut.blocks, r->cut.pieces, piece);
    const size_t end = hew_cut(r->cut.blocks, r->cut.pieces, piece + 1);
    char gathered[HEW_REDUCE_BLOCK * sizeof(float)] __attribute__((aligned(64)));
    for (size_t k = first; k < end; k++) {
        const hew_reduce_block b =
            hew_reduce_block_of(&r->cut, last ? end - 1 - (k - first) : k);
        const size_t begin = b.row * r->cut.n + b.first;
        if (r->gathers) {
            hew_reduce_gather(r, in, &b, gathered);
            const size_t n = b.rows * b.n, at = r->find(r->d->in.type, last, n, gathered, value);
            if (at < n)
                return begin + at;
            continue;
        }
        for (size_t i = 0; i < b.rows; i++) {
            const size_t row = last ? b.rows - 1 - i : i;
            ptrdiff_t offset;
            hew_reduce_offsets(&r->outer, b.row + row, 1, &offset);
            const char *const p = in + offset + b.first * r->element;
            const size_t at = r->find(r->d->in.type, last, b.n, p, value);
            if (at < b.n)
                return begin + row * r->cut.n + at;
        }
    }
    return 0; /* not met: the piece has it */
}

void hew_reduce_arg_store(const hew_reduce_plan *r, const hew_reduce_results *o,
                          hew_reduce_values v)
{
    if (r->cut.along)
        turn(r, o->n, v.best);
    for (size_t i = 0; i < o->n; i++) {
        int64_t at = v.where[i];
        if (r->cut.along)
            at = (int64_t)find(r, o->in + (ptrdiff_t)i * hew_reduce_in_step(r),
                               (size_t)v.where[i], (char *)v.best + 4 * i);
        *(int64_t *)(o->out + (ptrdiff_t)i * hew_reduce_out_step(r)) = at;
    }
}
