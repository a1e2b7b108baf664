/*
 * gemm_u8s8, gemm_s8s8 - C[m x n] = epilogue(partial + sum over steps of A_s[m x k] * B_s[k x n]),
 * A and B of bytes, sums modulo 2^32: no product or sum saturates.
 *
 * What all integer matrix kernels share, over the registers of the including file's reg_s32.h:
 * their epilogue, and what gemm_words.h asks for.  The rest depends on what a word holds: four
 * bytes (gemm_s8_bytes.h) or two elements of 16 bits (gemm_s8_wide.h).  A kernel's own file says
 * which tiles it makes, what bounds them, and defines
 *
 *     dot      sum + a * b, dot products of the lanes' elements
 *
 * and those two whether sums that become floats, or stay as they are, do so in their registers
 * (KEEPS_SUMS): that is most of a kernel's code, which only the fastest need.
 *
 * B panel, 64-byte aligned, columns past n and elements past k zero; nv registers wide, L lanes
 * each.  Of bytes:
 *
 *     row q    | b[0]: B(4q..4q+3, 0) | B(4q..4q+3, 1) | .. | B(4q..4q+3, L-1) | b[1] .. b[nv-1] |
 *     row q+1  | ...
 *
 * There is one loop for each height and so no M tail; an N tail is a mask in the epilogue.  What is
 * left of a row after whole words is one more word: the loop over those knows nothing of it.
 */
#ifndef HEW_SIMD_GEMM_S8_H
#define HEW_SIMD_GEMM_S8_H

#include <string.h>

#include "epilogue_s32.h"
#include "gemm_heights.h"

enum { MAX_NV = 4 };
#define OFFSET(j) ((size_t)(j) * LANES * sizeof(int32_t))

/* ------------------------------------------------------------------------- the epilogue ---- */

HEW_INLINE vf load_floats(const bool full, vf_mask mask, const char *p)
{
    return full ? vf_load(p) : vf_load_masked(mask, p);
}
HEW_INLINE vi load_bytes(const bool full, vf_mask mask, const char *p)
{
    return full ? vi_load_bytes(p) : vi_load_bytes_masked(mask, p);
}

HEW_INLINE vi load_words(const bool full, vf_mask mask, const void *p)
{
    return full ? vi_load(p) : vi_load_masked(mask, p);
}

/* Bytes of an element. */
HEW_INLINE size_t size_of(hew_type type) { return type == HEW_S8 || type == HEW_U8 ? 1 : 4; }

/* What is added to every sum of a column: bias - zero * b_sums. */
HEW_INLINE vi correction(const hew_quant *q, int32_t zero, size_t offset, const bool full,
                         vf_mask mask)
{
    vi c = vi_zero();
    if (q->bias)
        c = load_words(full, mask, (const char *)q->bias + offset);
    if (zero != 0)
        c = vi_sub(c, vi_mul(vi_set(zero),
                             load_words(full, mask, (const char *)q->b_sums + offset)));
    return c;
}

/* Everything else comes here: from the sums in t->partial. */
static __attribute__((noinline)) void store_general(const hew_gemm_tile *t, const int nv,
                                                    const int32_t shift)
{
    const hew_quant *q = t->quant;
    const hew_epilogue *e = t->epilogue;
    const size_t size = size_of(q->c_type), add_size = size_of(q->add_type);
    for (int i = 0; i < t->m; i++)
        for (int j = 0; j < nv; j++) {
            const vf_mask mask = vf_first(t->n - LANES * j);
            const int32_t zero = q->row_zero ? q->row_zero[i] : q->a_zero;
            vi s = vi_load((const char *)t->partial + OFFSET(i * nv + j));
            s = vi_add(s, correction(q, zero + shift, OFFSET(j), false, mask));
            if (q->b_zero) {
                const uint32_t k_zero = (uint32_t)q->k * (uint32_t)zero;
                const vi row = vi_set((int32_t)((uint32_t)q->row_sums[i] - k_zero));
                s = vi_sub(s, vi_mul(row, vi_load_masked(mask, q->b_zero + LANES * j)));
            }
            char *c = (char *)t->c + (size_t)i * t->c_stride + (size_t)(LANES * j) * size;
            if (q->c_type == HEW_S32) {
                vi_store_masked(mask, c, s);
                continue;
            }
            column col = quantised_column_of(q, e, OFFSET(j), false, mask);
            if (q->row_scale)
                col.scale = vf_mul(col.scale, vf_set(q->row_scale[i]));
            vf v = vf_fma(vf_of(s), col.scale, col.bias);
            if (e->add) {
                const char *add = (const char *)e->add + (size_t)i * e->add_stride +
                                  (size_t)(LANES * j) * add_size;
                const vf addend = add_size == 4
                                      ? vf_load_masked(mask, add)
                                      : addend_of_bytes(q, vi_load_bytes_masked(mask, add));
                v = vf_fma(col.beta, addend, v);
            }
            v = clamp(&col, v);
            if (q->c_type == HEW_F32)
                vf_store_masked(mask, c, v);
            else
                vi_store_bytes_masked(mask, c, quantise(q, range_of_type(q), v));
        }
}

/* The epilogue of one column of registers, where C is S32 or F32. */
HEW_INLINE void store_column(const hew_gemm_tile *t, const int mr, const int j, const int32_t shift,
                             vi acc[HEW_MAX_MR])
{
    enum { FULL = !MASKED_STORES_ARE_CHEAP };
    const vf_mask mask = vf_first(t->n - LANES * j);
    const hew_quant *q = t->quant;
    const hew_epilogue *e = t->epilogue;
    const vi add_to_all = correction(q, q->a_zero + shift, OFFSET(j), FULL, mask);
    HEW_UNROLL for (int i = 0; i < mr; i++)
        acc[i] = vi_add(acc[i], add_to_all);
    const size_t c_stride = t->c_stride;
    char *c = (char *)t->c + OFFSET(j);
    if (q->c_type == HEW_S32) {
        HEW_UNROLL for (int i = 0; i < mr; i++)
            FULL ? vi_store(c + (size_t)i * c_stride, acc[i])
                 : vi_store_masked(mask, c + (size_t)i * c_stride, acc[i]);
        return;
    }
    const column col = quantised_column_of(q, e, OFFSET(j), FULL, mask);
    vf v[HEW_MAX_MR];
    HEW_UNROLL for (int i = 0; i < mr; i++)
        v[i] = vf_fma(vf_of(acc[i]), col.scale, col.bias);
    if (e->add) {
        const size_t add_stride = e->add_stride;
        const char *add = (const char *)e->add + OFFSET(j);
        HEW_UNROLL for (int i = 0; i < mr; i++)
            v[i] = vf_fma(col.beta, load_floats(FULL, mask, add + (size_t)i * add_stride), v[i]);
    }
    HEW_UNROLL for (int i = 0; i < mr; i++)
        v[i] = clamp(&col, v[i]);
    HEW_UNROLL for (int i = 0; i < mr; i++)
        FULL ? vf_store(c + (size_t)i * c_stride, v[i])
             : vf_store_masked(mask, c + (size_t)i * c_stride, v[i]);
}

/* The sums of one column of registers, tame ones, become results that are rounded, but not clamped
 * yet. */
HEW_INLINE void round_column(const hew_gemm_tile *t, const int mr, const int j,
                             vi acc[HEW_MAX_MR])
{
    enum { FULL = !MASKED_STORES_ARE_CHEAP };
    const hew_quant *q = t->quant;
    const hew_epilogue *e = t->epilogue;
    const vf scale = vf_load(q->tame->scale + LANES * j), bias = vf_load(q->tame->bias + LANES * j);
    if (!e->add) {
        HEW_UNROLL for (int i = 0; i < mr; i++)
            acc[i] = vi_round(vf_fma(vf_of(acc[i]), scale, bias));
        return;
    }
    const vf_mask mask = vf_first(t->n - LANES * j);
    const vf beta = vf_set(e->beta);
    const size_t add_stride = e->add_stride;
    const char *add = (const char *)e->add + LANES * j;
    HEW_UNROLL for (int i = 0; i < mr; i++) {
        const vi bytes = load_bytes(FULL, mask, add + (size_t)i * add_stride);
        const vf v = vf_fma(vf_of(acc[i]), scale, bias);
        acc[i] = vi_round(vf_fma(beta, addend_of_bytes(q, bytes), v));
    }
}

HEW_INLINE void store_bytes_as(const hew_gemm_tile *t, const int mr, const int nv, const bool plain,
                               vi acc[MAX_NV][HEW_MAX_MR])
{
    const byte_range limits = byte_range_of(t->quant);
    char *c = t->c;
    HEW_UNROLL for (int i = 0; i < mr; i++, c += t->c_stride)
        vi_store_row_of_bytes(c, t->n, nv, acc[0][i], nv > 1 ? acc[1][i] : acc[0][i],
                              nv > 2 ? acc[2][i] : acc[0][i], nv > 3 ? acc[3][i] : acc[0][i],
                              plain, &limits);
}

/* The epilogue of a tile of tame bytes. */
HEW_INLINE void store_bytes(const hew_gemm_tile *t, const int mr, const int nv,
                            vi acc[MAX_NV][HEW_MAX_MR])
{
    round_column(t, mr, 0, acc[0]); /* no loop: as in finish */
    if (nv > 1)
        round_column(t, mr, 1, acc[1]);
    if (nv > 2)
        round_column(t, mr, 2, acc[2]);
    if (nv > 3)
        round_column(t, mr, 3, acc[3]);
    if (HAS_PLAIN_BYTES && t->quant->tame->plain)
        store_bytes_as(t, mr, nv, true, acc);
    else
        store_bytes_as(t, mr, nv, false, acc);
}

/* Whether the sums can stay in registers for what is asked. */
HEW_INLINE bool is_common(const hew_gemm_tile *t, const int nv)
{
    const hew_quant *q = t->quant;
    return (MASKED_STORES_ARE_CHEAP || t->n == nv * LANES) && !q->b_zero && !q->row_zero &&
           !q->row_scale &&
           (q->tame || (KEEPS_SUMS && (q->c_type == HEW_S32 || (q->c_type == HEW_F32 &&
                                       (!t->epilogue->add || q->add_type == HEW_F32)))));
}

/* What becomes of the block's sums. */
HEW_INLINE void finish(const hew_gemm_tile *t, const int mr, const int nv, const int32_t shift,
                       vi acc[MAX_NV][HEW_MAX_MR])
{
    char *partial = (char *)t->partial;
    if (t->last && is_common(t, nv)) {
        if (t->quant->tame) {
            store_bytes(t, mr, nv, acc);
            return;
        }
        /* Not a loop: clang 14 wouldn't unroll one of this size, and keep acc in memory for it. */
        store_column(t, mr, 0, shift, acc[0]);
        if (nv > 1)
            store_column(t, mr, 1, shift, acc[1]);
        if (nv > 2)
            store_column(t, mr, 2, shift, acc[2]);
        if (nv > 3)
            store_column(t, mr, 3, shift, acc[3]);
        return;
    }
    HEW_UNROLL for (int i = 0; i < mr; i++)
        HEW_UNROLL for (int j = 0; j < nv; j++)
            vi_store(partial + OFFSET(i * nv + j), acc[j][i]);
    if (t->last)
        store_general(t, nv, shift);
}

/* ---------------------------------------------------------------------------- the sums ----- */

/* What sums of a block begin with: those before it; of tame results, what is added to all of a
 * column's. */
HEW_INLINE void start(const hew_gemm_tile *t, const int mr, const int nv, const int32_t shift,
                      vi acc[MAX_NV][HEW_MAX_MR])
{
    const char *partial = (const char *)t->partial;
    const hew_quant *q = t->quant;
    vi first[MAX_NV];
    HEW_UNROLL for (int j = 0; j < nv; j++)
        first[j] = vi_zero();
    if (t->add_partial) {
        HEW_UNROLL for (int j = 0; j < nv; j++)
            HEW_UNROLL for (int i = 0; i < mr; i++)
                acc[j][i] = vi_load(partial + OFFSET(i * nv + j));
        return;
    }
    if (q->tame && is_common(t, nv)) {
        HEW_UNROLL for (int j = 0; j < nv; j++)
            first[j] = vi_load(q->tame->start + LANES * j);
        if (shift) {
            HEW_UNROLL for (int j = 0; j < nv; j++) {
                const vf_mask mask = vf_first(t->n - LANES * j);
                const vi sums = load_words(!MASKED_STORES_ARE_CHEAP, mask, q->b_sums + LANES * j);
                first[j] = vi_sub(first[j], vi_mul(vi_set(shift), sums));
            }
        }
    }
    HEW_UNROLL for (int j = 0; j < nv; j++)
        HEW_UNROLL for (int i = 0; i < mr; i++)
            acc[j][i] = first[j];
}

typedef vi sums, words;
enum { ELEMENT = 1, PASSES = 1, A_WORD = 4 };
HEW_INLINE words b_part(const char *p, const int pass)
{
    (void)pass;
    return vi_load(p);
}

#endif
