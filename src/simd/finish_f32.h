/*
 * finish_f32 - what becomes of the float sums of a tile: they are added to the partial ones, and
 * kept, or go through the epilogue to C.
 *
 * Over the registers of the including file's reg_bf16.h.  C and what is added to it are floats, or
 * where `typed`, F32 or BF16 as the tile's quant says.
 */
#ifndef HEW_SIMD_FINISH_F32_H
#define HEW_SIMD_FINISH_F32_H

#include "epilogue_f32.h"
#include "reg_typed.h"

enum { MAX_NV = 4 };
/* Bytes before column register j: of words and floats, and of bf16. */
#define OFFSET(j) ((size_t)(j) * LANES * sizeof(float))
#define OFFSET_OF(bf16, j) ((bf16) ? OFFSET(j) / 2 : OFFSET(j))

HEW_INLINE column tile_column(const hew_gemm_tile *t, const int j, const bool full)
{
    return column_of(t->epilogue, OFFSET(j), full, vf_first(t->n - LANES * j));
}

enum { FULL = !MASKED_STORES_ARE_CHEAP };

HEW_INLINE void add_to_column(const hew_gemm_tile *t, const int mr, const int j, const bool bf16,
                              vf beta, vf v[HEW_MAX_MR])
{
    const vf_mask mask = vf_first(t->n - LANES * j);
    const size_t add_stride = t->epilogue->add_stride;
    const char *add = (const char *)t->epilogue->add + OFFSET_OF(bf16, j);
    HEW_UNROLL for (int i = 0; i < mr; i++)
        v[i] = vf_fma(beta, load(bf16, FULL, mask, add + (size_t)i * add_stride), v[i]);
}

HEW_INLINE void put_column(const hew_gemm_tile *t, const int mr, const int j, const bool bf16,
                           const vf v[HEW_MAX_MR])
{
    const vf_mask mask = vf_first(t->n - LANES * j);
    const size_t c_stride = t->c_stride;
    char *c = (char *)t->c + OFFSET_OF(bf16, j);
    HEW_UNROLL for (int i = 0; i < mr; i++)
        store(bf16, FULL, mask, c + (size_t)i * c_stride, v[i]);
}

/* The epilogue of one column of registers. */
HEW_INLINE void store_column(const hew_gemm_tile *t, const int mr, const int j, const bool typed,
                             const vf acc[HEW_MAX_MR])
{
    const hew_epilogue *e = t->epilogue;
    const column col = tile_column(t, j, FULL);
    vf v[HEW_MAX_MR];
    if (e->scale || e->alpha != 1.0f) {
        HEW_UNROLL for (int i = 0; i < mr; i++)
            v[i] = vf_fma(acc[i], col.scale, col.bias);
    } else { /* the same bits; on Zen 4 not from the pipes that multiply */
        HEW_UNROLL for (int i = 0; i < mr; i++)
            v[i] = vf_add(acc[i], col.bias);
    }
    if (e->add && typed && t->quant->add_type == HEW_BF16)
        add_to_column(t, mr, j, true, col.beta, v);
    else if (e->add)
        add_to_column(t, mr, j, false, col.beta, v);
    if (e->clamps) {
        HEW_UNROLL for (int i = 0; i < mr; i++)
            v[i] = clamp(&col, v[i]);
    }
    if (typed && t->quant->c_type == HEW_BF16)
        put_column(t, mr, j, true, v);
    else
        put_column(t, mr, j, false, v);
}

/* The epilogue of a tile with two addends, or a tail where masked stores are slow, from the sums
 * in t->partial. */
static __attribute__((noinline)) void store_general(const hew_gemm_tile *t, const int nv,
                                                    const bool typed)
{
    const hew_epilogue *e = t->epilogue;
    const bool c_bf16 = typed && t->quant->c_type == HEW_BF16;
    const bool add_bf16 = typed && t->quant->add_type == HEW_BF16;
    for (int j = 0; j < nv; j++) {
        const vf_mask mask = vf_first(t->n - LANES * j);
        const column col = tile_column(t, j, false);
        for (int i = 0; i < t->m; i++) {
            vf v = vf_load((const char *)t->partial + OFFSET(i * nv + j));
            v = vf_fma(v, col.scale, col.bias);
            if (e->add) {
                const char *add = (const char *)e->add + OFFSET_OF(add_bf16, j);
                v = vf_fma(col.beta, load(add_bf16, false, mask, add + (size_t)i * e->add_stride),
                           v);
            }
            if (e->residual) {
                const char *residual = (const char *)e->residual + OFFSET(j);
                v = vf_add(v, vf_load_masked(mask, residual + (size_t)i * e->residual_stride));
            }
            char *c = (char *)t->c + OFFSET_OF(c_bf16, j);
            store(c_bf16, false, mask, c + (size_t)i * t->c_stride, clamp(&col, v));
        }
    }
}

/* What becomes of the block's sums. */
HEW_INLINE void finish(const hew_gemm_tile *t, const int mr, const int nv, const bool typed,
                       vf acc[MAX_NV][HEW_MAX_MR])
{
    char *partial = (char *)t->partial;
    if (t->add_partial) {
        HEW_UNROLL for (int i = 0; i < mr; i++)
            HEW_UNROLL for (int j = 0; j < nv; j++)
                acc[j][i] = vf_add(vf_load(partial + OFFSET(i * nv + j)), acc[j][i]);
    }
    const bool whole = MASKED_STORES_ARE_CHEAP || t->n == nv * LANES;
    if (t->last && whole && !t->epilogue->residual) {
        /* Not a loop: clang 14 wouldn't unroll one of this size, and keep acc in memory for it. */
        store_column(t, mr, 0, typed, acc[0]);
        if (nv > 1)
            store_column(t, mr, 1, typed, acc[1]);
        if (nv > 2)
            store_column(t, mr, 2, typed, acc[2]);
        if (nv > 3)
            store_column(t, mr, 3, typed, acc[3]);
        return;
    }
    HEW_UNROLL for (int i = 0; i < mr; i++)
        HEW_UNROLL for (int j = 0; j < nv; j++)
            vf_store(partial + OFFSET(i * nv + j), acc[j][i]);
    if (t->last)
        store_general(t, nv, typed);
}

#endif
