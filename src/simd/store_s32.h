/*
 * store_s32 - integer sums in memory become rows of C, with everything that hew_quant and
 * hew_epilogue can ask for, a column's zero point aside.
 */
#ifndef HEW_SIMD_STORE_S32_H
#define HEW_SIMD_STORE_S32_H

#include "epilogue_s32.h"

/* Sums with bias and zero points in them; n columns of each row. */
typedef struct sum_rows {
    const int32_t *sums;
    size_t sums_step; /* all steps in bytes */
    char *c;
    size_t c_step;
    const char *add; /* or null */
    size_t add_step;
    size_t rows, n;
} sum_rows;

/* Bytes of an element. */
HEW_INLINE size_t size_of(hew_type type) { return type == HEW_S8 || type == HEW_U8 ? 1 : 4; }

/* Columns [j, j + LANES) of row i. */
HEW_INLINE void store_sums(const hew_quant *q, const column *col, range r, const sum_rows *rows,
                           size_t i, size_t j)
{
    const vf_mask mask = vf_first((int)hew_min(rows->n - j, LANES));
    char *c = rows->c + i * rows->c_step + j * size_of(q->c_type);
    const vi s = vi_load((const char *)rows->sums + i * rows->sums_step + j * sizeof(int32_t));
    if (q->c_type == HEW_S32) {
        vi_store_masked(mask, c, s);
        return;
    }
    vf v = vf_fma(vf_of(s), col->scale, col->bias);
    if (rows->add) {
        const char *add = rows->add + i * rows->add_step + j * size_of(q->add_type);
        v = vf_fma(col->beta,
                   q->add_type == HEW_F32 ? vf_load_masked(mask, add)
                                          : addend_of_bytes(q, vi_load_bytes_masked(mask, add)),
                   v);
    }
    v = clamp(col, v);
    if (q->c_type == HEW_F32)
        vf_store_masked(mask, c, v);
    else
        vi_store_bytes_masked(mask, c, quantise(q, r, v));
}

static __attribute__((noinline)) void store_rows(const hew_epilogue *e, const hew_quant *q,
                                                 const sum_rows *rows)
{
    const range r = range_of_type(q);
    for (size_t j = 0; j < rows->n; j += LANES) {
        const vf_mask mask = vf_first((int)hew_min(rows->n - j, LANES));
        column col = {.lo = vf_zero()};
        if (q->c_type != HEW_S32)
            col = quantised_column_of(q, e, j * sizeof(float), false, mask);
        for (size_t i = 0; i < rows->rows; i++)
            store_sums(q, &col, r, rows, i, j);
    }
}

#endif
