/*
 * rows.h - a tile's rows from its sums in memory to C, a few at a time: the epilogue of the other
 * matrix kernels, which has its rows in registers.
 *
 * The including file has finish_height(part, rows, nv) for `rows` rows of nv registers, inlined.
 */
#ifndef HEW_AMX_ROWS_H
#define HEW_AMX_ROWS_H

#include "kernels_matrix.h"

typedef struct rows_left {
    hew_gemm_tile t;
    hew_epilogue e;
    hew_quant q;
} rows_left;

HEW_INLINE rows_left all_rows(const hew_gemm_tile *t)
{
    rows_left left = {.t = *t};
    left.t.add_partial = false;
    if (t->epilogue)
        left.e = *t->epilogue;
    if (t->quant)
        left.q = *t->quant;
    return left;
}

HEW_INLINE void skip_rows(rows_left *left, int rows, const int nv)
{
    left->t.c = (char *)left->t.c + (size_t)rows * left->t.c_stride;
    left->t.partial = (char *)left->t.partial + (size_t)(rows * nv) * 64;
    if (left->e.add)
        left->e.add = (const char *)left->e.add + (size_t)rows * left->e.add_stride;
    if (left->q.row_sums)
        left->q.row_sums += rows;
    if (left->q.row_zero)
        left->q.row_zero += rows;
    if (left->q.row_scale)
        left->q.row_scale += rows;
}

static void finish_8x1(const hew_gemm_tile *part);
static void finish_8x2(const hew_gemm_tile *part);
static void finish_4x4(const hew_gemm_tile *part);
static void finish_1x1(const hew_gemm_tile *part);
static void finish_1x2(const hew_gemm_tile *part);
static void finish_1x4(const hew_gemm_tile *part);

static __attribute__((noinline)) void finish_rows(const hew_gemm_tile *t, int nv)
{
    hew_gemm_fn *const few = nv == 4 ? finish_4x4 : nv == 2 ? finish_8x2 : finish_8x1;
    hew_gemm_fn *const one = nv == 4 ? finish_1x4 : nv == 2 ? finish_1x2 : finish_1x1;
    const int height = nv == 4 ? 4 : 8;
    rows_left left = all_rows(t);
    left.t.epilogue = &left.e;
    left.t.quant = &left.q;
    for (int m = t->m; m > 0; m -= left.t.m) {
        left.t.m = m >= height ? height : 1;
        (left.t.m == 1 ? one : few)(&left.t);
        skip_rows(&left, left.t.m, nv);
    }
}

#define FINISH(rows, nv)                                                                           \
    static __attribute__((noinline)) void finish_##rows##x##nv(const hew_gemm_tile *part)          \
    {                                                                                              \
        finish_height(part, rows, nv);                                                             \
    }
FINISH(8, 1)
FINISH(8, 2)
FINISH(4, 4)
FINISH(1, 1)
FINISH(1, 2)
FINISH(1, 4)

#endif
