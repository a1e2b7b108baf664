/*
 * move.h - copies between strided tensors of one element size: what transposes, concatenations,
 * slices, pads and many more come to.
 */
#ifndef HEW_MOVE_H
#define HEW_MOVE_H

#include "kernels.h"
#include "nest.h"

/*
 * A nest of loops over out (tensor 0) and in (tensor 1) whose two inner loops, j and i, are a
 * kernel's:
 *
 *     ROWS        i runs along both:  rows of bytes
 *     TRANSPOSE   i runs along out, j along in
 *     ELEMENTS    neither: one by one
 */
typedef enum hew_move_kind { HEW_MOVE_ROWS, HEW_MOVE_TRANSPOSE, HEW_MOVE_ELEMENTS } hew_move_kind;
typedef struct hew_move {
    hew_nest nest;
    hew_move_kind kind;
    size_t size;                 /* bytes of an element: several of the tensor's, if they stay
                                    together */
    const char *in;              /* of the first turn of each loop: loops that ran down run up */
    char *out;
    size_t points;               /* turns of all outer loops; 0: nothing to do */
    size_t task_points;          /* a task's, or 1 and it has a part of j and i alone */
    size_t task_j, task_i, down, across;
    bool stream;
    transpose_fn *transpose;
    copy_rows_fn *copy_rows;
    const char *kernel;
} hew_move;

/* `nest` has two tensors, out without strides of 0, whose addresses are those of index 0. */
void hew_move_plan(hew_move *m, const hew_nest *nest, size_t size, const void *in, void *out);

/* All of them at once, so that none is made if the threads refuse. */
enum { HEW_MOVES = 16 };
hew_status hew_moves_run(const hew_move *m, size_t count, const hew_threads *threads);

/* One on this thread, for use in a task. */
void hew_move_here(const hew_move *m);

/* A line of HEW_VERBOSE, if that is on. */
void hew_move_verbose(const char *op, const hew_move *m, size_t count, double start);

/* Types that are moved as bits: all with whole bytes. */
#define HEW_MOVABLE                                                                                \
    (1u << HEW_F32 | 1u << HEW_BF16 | 1u << HEW_F16 | 1u << HEW_S8 | 1u << HEW_U8 |                \
     1u << HEW_S32 | 1u << HEW_S64)

/* Checks a tensor that is written: as hew_check_tensor, and no element twice by a stride of 0. */
hew_status hew_check_written(const char *op, const char *name, unsigned types, hew_tensor *t,
                             int64_t *points);

hew_status hew_check_desc(const char *op, const void *desc, size_t given, size_t wanted);

/* Two tensors of one type; the second is written. */
hew_status hew_check_moved(const char *op, hew_tensor *in, hew_tensor *out, int64_t *in_points,
                           int64_t *out_points);

/* An axis that counts from the last if it is negative. */
hew_status hew_check_axis(const char *op, int rank, int *axis);

/* The loops over out's extents, with the strides of both. */
void hew_nest_pair(const hew_tensor *out, const hew_tensor *in, hew_nest *nest);

/* Where the i-th element of a dimension lies. */
HEW_INLINE ptrdiff_t hew_step(const hew_tensor *t, int j, int64_t i, size_t size)
{
    return (ptrdiff_t)(t->stride[j] * i * (int64_t)size);
}

#endif
