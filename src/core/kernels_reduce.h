/*
 * kernels_reduce.h - what kernels of reductions are given.
 */
#ifndef HEW_KERNELS_REDUCE_H
#define HEW_KERNELS_REDUCE_H

#include "core.h"
#include "hew/reduce.h"
#include "reduce_cut.h"

/* What is done with each element; hew_reduce's operations are these and a finish. */
typedef enum hew_reduce_kind {
    HEW_REDUCE_KIND_SUM,
    HEW_REDUCE_KIND_MIN,     /* a NaN if there is one; a zero of either sign */
    HEW_REDUCE_KIND_MAX,
    HEW_REDUCE_KIND_ABS,     /* + |x|; floats only, as what follows */
    HEW_REDUCE_KIND_SQUARES, /* fma(x, x, sum) */
    HEW_REDUCE_KIND_EXP,     /* + exp(x - largest) */
    HEW_REDUCE_KIND_PROD
} hew_reduce_kind;

/* ----------------------------------------------------------------------------- reduce_rows ---- */

/*
 * A block along rows (reduce_cut.h) of each of `results` results: out[r] is what its lanes become.
 * Row i of result r is at in + r * step + offset[i], n elements.  F32, BF16 and F16 give floats;
 * S8, U8 and S32 give int32_t.
 */
typedef struct hew_reduce_rows {
    hew_type type;
    hew_reduce_kind kind;
    const void *in;
    ptrdiff_t step;          /* bytes */
    const ptrdiff_t *offset; /* bytes; null: 0, for a lone row */
    size_t results, rows, n;
    const float *largest;    /* EXP: of each result */
    void *out;
    bool far;                /* all of in is more than caches hold */
} hew_reduce_rows;
typedef void reduce_rows_fn(const hew_reduce_rows *r);
typedef void reduce_rows_ref_fn(const hew_reduce_desc *desc, const void *in, void *out);

/* -------------------------------------------------------------------------- reduce_columns ---- */

/*
 * Blocks across rows: out[j], j < n, goes on with the blocks of in + offset[i] + j, i < rows.  All
 * but the last block have HEW_REDUCE_ROWS rows.  n <= HEW_REDUCE_COLUMNS.  Types as for rows.
 */
enum { HEW_REDUCE_COLUMNS = 1024 };
typedef struct hew_reduce_columns {
    hew_type type;
    hew_reduce_kind kind;
    const void *in;
    const ptrdiff_t *offset; /* bytes */
    size_t rows, n;
    const float *largest;    /* EXP: of each column */
    void *out;
} hew_reduce_columns;
typedef void reduce_columns_fn(const hew_reduce_columns *c);

/* ----------------------------------------------------------------------------- reduce_find ---- */

/* The first, or the last, of n elements that equals *value, a float or an int32_t, or is a NaN if
 * that is one; n if there is none. */
typedef size_t reduce_find_fn(hew_type type, bool last, size_t n, const void *in,
                              const void *value);

/*
 * Columns of which the extremes' places are wanted: best[j] and where[j], j < n, go on with rows
 * [first, first + rows), MIN or MAX.  best has the largest so far, for MIN of -x (floats) or ~x,
 * and begins as -inf or INT32_MIN; where begins as the first row.
 */
typedef struct hew_reduce_places {
    hew_reduce_columns columns; /* out: best */
    bool last;
    size_t first;
    int32_t *where;
} hew_reduce_places;
typedef void reduce_places_fn(const hew_reduce_places *p);

/* --------------------------------------------------------------------------- reduce_finish ---- */

/* What an operation makes of its n sums, in place; `largest`: LOG_SUM_EXP. */
typedef struct hew_reduce_finish {
    hew_reduce_op op;
    size_t n;
    float count; /* MEAN */
    const float *largest;
    float *x;
} hew_reduce_finish;
typedef void reduce_finish_fn(const hew_reduce_finish *f);

#define HEW_KERNELS_LIST "kernels_reduce.def"
#include "kernels_declare.h"

#endif
