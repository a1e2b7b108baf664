/*
 * norm.h - what the drivers of normalisation share.
 */
#ifndef HEW_NORM_H
#define HEW_NORM_H

#include "format.h"

/* A descriptor or arguments, `what`: given, and of this library's size, its first member. */
hew_status hew_norm_check_struct(const char *op, const char *what, const void *given,
                                 size_t wanted);

/* F32, BF16 or F16; epsilon, whose default is filled in. */
hew_status hew_norm_check_type(const char *op, hew_type type);
hew_status hew_norm_check_epsilon(const char *op, float given, float *epsilon);

/* The bytes between rows of `columns` elements, of which there are `rows`. */
hew_status hew_norm_check_stride(const char *op, const char *name, int64_t given, int64_t rows,
                                 int64_t columns, size_t element, size_t *stride);

/* Pointers: given if needed, and aligned to the element. */
typedef struct hew_norm_pointer {
    const char *name;
    const void *p;
    bool needed;
    size_t element; /* bytes */
} hew_norm_pointer;
hew_status hew_norm_check_pointers(const char *op, const hew_norm_pointer *list, size_t count);

/* Two tensors that are one have one stride. */
hew_status hew_norm_check_same(const char *op, const void *a, size_t a_stride, const void *b,
                               size_t b_stride);

/* Whether `rows` rows are stored past the cache: they and the inputs, `other` of which may be null,
 * are HEW_STREAM_BYTES or more, begin on cache lines, and aren't those of an input, which are in the
 * cache. */
bool hew_norm_streams(const void *out, size_t stride, size_t rows, const void *in,
                      const void *other);

/* out[j] = the sum over i < rows of part[i * stride + j], in double precision, i rising; for
 * columns [begin, end).  out may be null. */
void hew_norm_add_up(const float *part, size_t rows, size_t stride, size_t begin, size_t end,
                     float *out);

#endif
