/* strided.h - tensors with strides, in guarded memory of exactly their size. */
#ifndef HEW_TEST_STRIDED_H
#define HEW_TEST_STRIDED_H

#include "harness.h"

/* A tensor, its memory and the address of index 0 in it. */
typedef struct strided {
    hew_tensor t;
    buffer memory;
    char *data;
    int64_t elements; /* of memory */
} strided;

int64_t type_bytes(hew_type type);
hew_tensor dense_tensor(hew_type type, int rank, const int64_t *extent);

/* The shape, with dimensions in any order in memory, perhaps backwards, with gaps between rows or
 * elements; one in `dense_one_in` dense. */
hew_tensor any_strides(rng *r, hew_tensor shape, int dense_one_in);

/* Memory for a tensor with strides (or, all 0, dense ones, which are filled in), of random bytes;
 * a copy of it. */
strided strided_new(rng *r, hew_tensor t, placement where);
strided strided_copy(const strided *from, placement where);
void strided_free(strided *s);

int64_t tensor_points(const hew_tensor *t);

/* The address of the p-th point, in the order of indices; of dimensions that are missing or 1 in s
 * but not in `shape`, of the one index there is. */
char *strided_at(const strided *s, const hew_tensor *shape, int64_t p);

/* Of an element with that index. */
char *strided_index(const strided *s, const int64_t *index);
void tensor_index(const hew_tensor *shape, int64_t p, int64_t *index);

/* All of both memories, with what lies between elements. */
void check_strided(const char *what, const strided *want, const strided *got);

#endif
