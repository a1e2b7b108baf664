/*
 * hew/softmax.h - softmax and log-softmax.
 */
#ifndef HEW_API_SOFTMAX_H
#define HEW_API_SOFTMAX_H

#include "base.h"

HEW_BEGIN_C

/* ------------------------------------------------------------------------------ softmax ----- */

/* exp(x - max) / sum, or its logarithm, of each of `rows` rows.  A row of -inf alone gives NaN. */
typedef struct hew_softmax_desc {
    size_t size;
    hew_type type;              /* f32                                                            */
    bool log;                   /* log-softmax                                                    */
    int64_t rows, columns;
    int64_t in_stride, out_stride; /* between rows; 0 = columns                                   */
} hew_softmax_desc;
#define HEW_SOFTMAX_DESC(...) ((hew_softmax_desc){.size = sizeof(hew_softmax_desc), __VA_ARGS__})

/* out may be in itself (same stride). */
HEW_API hew_status hew_softmax(const hew_softmax_desc *desc, const void *in, void *out,
                               const hew_threads *threads);

HEW_END_C
#endif
