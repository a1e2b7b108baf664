/*
 * nest.h - loops over tensors with strides.
 *
 * What an operation does for every point of a shape is a nest of loops, of which a kernel takes the
 * inner one or two and the driver the rest:
 *
 *     hew_nest_broadcast      tensors side by side, NumPy's way
 *     hew_nest_sort           for data movement: loops in the order of one tensor's strides
 *     hew_nest_simplify       fewer, longer loops
 *     hew_nest_points, hew_nest_at        the outer loops as one, which tasks can cut anywhere
 *
 * Strides are bytes here.  A tensor that repeats itself along a loop has a stride of 0 in it.
 */
#ifndef HEW_NEST_H
#define HEW_NEST_H

#include "core.h"

enum { HEW_NEST_TENSORS = 12 };
typedef struct hew_nest {
    int rank, tensors;
    size_t extent[HEW_MAX_RANK]; /* outermost first */
    ptrdiff_t stride[HEW_NEST_TENSORS][HEW_MAX_RANK];
} hew_nest;

/*
 * Checks what a caller says of a tensor and fills in the strides of a dense one.  `types` has the
 * bits 1 << hew_type that are fine.  Messages begin with "op: name".  *points: its elements.
 */
hew_status hew_check_tensor(const char *op, const char *name, unsigned types, hew_tensor *t,
                            int64_t *points);

/* Null for a tensor that has elements, or an address that no element may have. */
hew_status hew_check_data(const char *op, const char *name, const hew_tensor *t, int64_t points,
                          const void *data);

/*
 * The loops over checked tensors that are broadcast to the shape of the first: dimensions are
 * matched from the last, and an extent is the first's or 1.  names[i] is for the message.
 */
hew_status hew_nest_broadcast(const char *op, int tensors, const hew_tensor *const *t,
                              const char *const *names, hew_nest *nest);

/* Puts loops with longer steps through tensor `by` outside, those that it repeats outermost. */
void hew_nest_sort(hew_nest *nest, int by);

/* Drops loops of one turn and joins neighbours that are one loop for every tensor.  At least one
 * loop stays; a nest without a point keeps one of no turns. */
void hew_nest_simplify(hew_nest *nest);

/* The points of the outer `loops` loops together: 1 for none. */
size_t hew_nest_points(const hew_nest *nest, int loops);

/* The i-th of them: how many bytes each tensor's element there lies behind its first. */
void hew_nest_at(const hew_nest *nest, int loops, size_t i, ptrdiff_t *offset);

#endif
