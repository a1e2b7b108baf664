/*
 * gemm_f32 - C[m x n] = epilogue(partial + sum over steps of A_s[m x k] * B_s[k x n]).
 *
 * The body of every f32 matrix kernel, over the registers of the including file's reg.h; that file
 * says which tiles it makes and what bounds them.  Each element of C is one chain of fused
 * multiply-adds in rising step and k, from +0: see src/kernels.h.
 *
 * B panel, 64-byte aligned, columns past n zero-filled by the packer; nv registers wide:
 *
 *     row k    | b[0]: B(k, 0..L-1) | b[1]: B(k, L..2L-1) | ... | b[nv-1] |
 *     row k+1  | ...
 *
 * The direct form reads the caller's B: rows b_stride apart, the last register masked.
 *
 * There is one loop for each height and so no M tail; an N tail is a mask in the epilogue.  Row
 * pointers share one running offset, which leaves eight of them, the panel's and the loop's in
 * general registers.
 */
#include "epilogue_f32.h"
#include "gemm_heights.h"

enum { MAX_NV = 4 };
#define OFFSET(j) ((size_t)(j) * LANES * sizeof(float))

HEW_INLINE column tile_column(const hew_gemm_tile *t, const int j, const bool full)
{
    return column_of(t->epilogue, OFFSET(j), full, vf_first(t->n - LANES * j));
}

HEW_INLINE vf load(const bool full, vf_mask mask, const void *p)
{
    return full ? vf_load(p) : vf_load_masked(mask, p);
}

HEW_INLINE void store(const bool full, vf_mask mask, void *p, vf x)
{
    if (full)
        vf_store(p, x);
    else
        vf_store_masked(mask, p, x);
}

/* The epilogue of one column of registers. */
HEW_INLINE void store_column(const hew_gemm_tile *t, const int mr, const int j,
                             const vf acc[HEW_MAX_MR])
{
    enum { FULL = !MASKED_STORES_ARE_CHEAP };
    const vf_mask mask = vf_first(t->n - LANES * j);
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
    if (e->add) {
        const char *add = (const char *)e->add + OFFSET(j);
        HEW_UNROLL for (int i = 0; i < mr; i++)
            v[i] = vf_fma(col.beta, load(FULL, mask, add + (size_t)i * e->add_stride), v[i]);
    }
    if (e->clamps) {
        HEW_UNROLL for (int i = 0; i < mr; i++)
            v[i] = clamp(&col, v[i]);
    }
    char *c = (char *)t->c + OFFSET(j);
    const size_t c_stride = t->c_stride;
    HEW_UNROLL for (int i = 0; i < mr; i++)
        store(FULL, mask, c + (size_t)i * c_stride, v[i]);
}

/* The epilogue of a tile with two addends, or a tail where masked stores are slow, from the sums
 * in t->partial. */
static __attribute__((noinline)) void store_general(const hew_gemm_tile *t, const int nv)
{
    const hew_epilogue *e = t->epilogue;
    for (int j = 0; j < nv; j++) {
        const vf_mask mask = vf_first(t->n - LANES * j);
        const column col = tile_column(t, j, false);
        for (int i = 0; i < t->m; i++) {
            vf v = vf_load((const char *)t->partial + OFFSET(i * nv + j));
            v = vf_fma(v, col.scale, col.bias);
            if (e->add) {
                const char *add = (const char *)e->add + (size_t)i * e->add_stride + OFFSET(j);
                v = vf_fma(col.beta, vf_load_masked(mask, add), v);
            }
            if (e->residual) {
                const char *residual = (const char *)e->residual + OFFSET(j);
                v = vf_add(v, vf_load_masked(mask, residual + (size_t)i * e->residual_stride));
            }
            vf_store_masked(mask, (char *)t->c + (size_t)i * t->c_stride + OFFSET(j),
                            clamp(&col, v));
        }
    }
}

/* What becomes of the block's sums. */
HEW_INLINE void finish(const hew_gemm_tile *t, const int mr, const int nv,
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
        store_column(t, mr, 0, acc[0]);
        if (nv > 1)
            store_column(t, mr, 1, acc[1]);
        if (nv > 2)
            store_column(t, mr, 2, acc[2]);
        if (nv > 3)
            store_column(t, mr, 3, acc[3]);
        return;
    }
    HEW_UNROLL for (int i = 0; i < mr; i++)
        HEW_UNROLL for (int j = 0; j < nv; j++)
            vf_store(partial + OFFSET(i * nv + j), acc[j][i]);
    if (t->last)
        store_general(t, nv);
}

HEW_INLINE void gemm_tile(const hew_gemm_tile *t, const int mr, const int nv, const bool direct)
{
    vf acc[MAX_NV][HEW_MAX_MR];
    HEW_UNROLL for (int j = 0; j < nv; j++)
        HEW_UNROLL for (int i = 0; i < mr; i++)
            acc[j][i] = vf_zero();

    const vf_mask tail = vf_first(t->n - LANES * (nv - 1));
    const size_t b_stride = direct ? t->b_stride : OFFSET(nv);
    const hew_reduce_step *step = t->steps;
    for (size_t s = t->n_steps; s > 0; s--, step++) {
        const char *b = (const char *)t->b + step->b_row * b_stride, *a[HEW_MAX_MR];
        HEW_UNROLL for (int i = 0; i < mr; i++)
            a[i] = (const char *)step->a[i] + t->a_offset;
        for (size_t kk = 0; kk < t->k * sizeof(float); kk += sizeof(float), b += b_stride) {
            vf bv[MAX_NV];
            HEW_UNROLL for (int j = 0; j < nv; j++)
                bv[j] = direct && j == nv - 1 ? vf_load_masked(tail, b + OFFSET(j))
                                              : vf_load(b + OFFSET(j));
            HEW_UNROLL for (int i = 0; i < mr; i++) {
                const vf av = vf_set(*(const float *)(a[i] + kk));
                HEW_UNROLL for (int j = 0; j < nv; j++)
                    acc[j][i] = vf_fma(av, bv[j], acc[j][i]);
            }
        }
    }
    finish(t, mr, nv, acc);
}
