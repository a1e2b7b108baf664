/*
 * reduce_tensor.h - hew_reduce inside: the loops over what is kept and what is reduced.
 */
#ifndef HEW_REDUCE_TENSOR_H
#define HEW_REDUCE_TENSOR_H

#include "kernels.h"
#include "nest.h"
#include "reduce_cut.h"

enum {
    HEW_REDUCE_CHUNK = HEW_REDUCE_COLUMNS, /* results in one go, side by side along one loop */
    HEW_REDUCE_GATHERED = 256, /* of columns that are gathered */
    HEW_REDUCE_FEW = 64        /* results that threads share piece by piece */
};

/* What a piece makes of results; where: of ARGMIN and ARGMAX. */
typedef struct hew_reduce_values {
    void *best; /* floats or int32_t */
    int32_t *where;
} hew_reduce_values;

typedef struct hew_reduce_plan {
    const hew_reduce_desc *d;
    const char *in;
    char *out;
    reduce_rows_fn *rows;
    reduce_columns_fn *columns;
    reduce_find_fn *find;
    reduce_places_fn *places;
    reduce_finish_fn *finish;
    quantize_f32_fn *narrow;
    hew_nest kept;       /* loops over in and out, the innermost over results side by side */
    hew_nest outer, all; /* loops over in: the reduced rows, and all that is reduced */
    hew_reduce_cut cut;
    bool floats, arg;
    bool gathers;        /* what kernels read side by side doesn't lie so */
    size_t element;      /* bytes of one of in's */
    bool far;            /* in is more than caches hold */
    size_t run, runs;    /* turns of the innermost loop of `kept`; how often it is gone round */
    size_t chunk, chunks;/* results of a run in one go; how many chunks that makes */
    size_t task_chunks;
    /* Tasks that are pieces of few results: what they make, [piece][result]. */
    hew_reduce_kind kind;
    const float *largest;
    hew_reduce_values partial;
} hew_reduce_plan;

/* Results side by side: where they begin and how many there are. */
typedef struct hew_reduce_results {
    const char *in;
    char *out;
    size_t n;
} hew_reduce_results;

/* Bytes between neighbours. */
HEW_INLINE ptrdiff_t hew_reduce_in_step(const hew_reduce_plan *r)
{
    return r->kept.stride[0][r->kept.rank - 1];
}
HEW_INLINE ptrdiff_t hew_reduce_out_step(const hew_reduce_plan *r)
{
    return r->kept.stride[1][r->kept.rank - 1];
}

/* What a piece makes of up to HEW_REDUCE_CHUNK results: floats or int32_t. */
void hew_reduce_piece(const hew_reduce_plan *r, hew_reduce_kind kind, const hew_reduce_results *o,
                      size_t piece, const float *largest, void *out);

/* out[i] = what out[i] and more[i] are together. */
void hew_reduce_join(const hew_reduce_plan *r, hew_reduce_kind kind, size_t n, void *out,
                     const void *more);

/* Rows [first, first + count) of a nest: how many bytes each lies behind the first. */
void hew_reduce_offsets(const hew_nest *nest, size_t first, size_t count, ptrdiff_t *offset);

/* The elements of a block along rows of one result, side by side: at most HEW_REDUCE_BLOCK. */
void hew_reduce_gather(const hew_reduce_plan *r, const char *in, const hew_reduce_block *block,
                       char *to);
/* The same of rows across, at most HEW_REDUCE_ROWS of HEW_REDUCE_GATHERED elements. */
void hew_reduce_gather_columns(const hew_reduce_plan *r, const hew_reduce_results *o,
                               const ptrdiff_t *offset, size_t rows, char *to);

/* ARGMIN and ARGMAX.  best: the largest of a piece's elements, of -x or ~x for ARGMIN; where: the
 * number of the piece, along rows; across, the row. */
void hew_reduce_arg_piece(const hew_reduce_plan *r, const hew_reduce_results *o, size_t piece,
                          hew_reduce_values v);
void hew_reduce_arg_join(const hew_reduce_plan *r, size_t n, hew_reduce_values v,
                         hew_reduce_values more);
void hew_reduce_arg_store(const hew_reduce_plan *r, const hew_reduce_results *o,
                          hew_reduce_values v);

#endif
