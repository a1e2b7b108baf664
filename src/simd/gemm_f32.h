/*
 * gemm_f32 - C[m x n] = epilogue(partial + sum over steps of A_s[m x k] * B_s[k x n]).
 *
 * The body of every f32 matrix kernel, over the registers of the including file's reg.h; that file
 * says which tiles it makes and what bounds them.  Each element of C is one chain of fused
 * multiply-adds in rising step and k, from +0: see src/core/kernels.h.
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
#include "finish_f32.h"
#include "gemm_heights.h"

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
    finish(t, mr, nv, false, acc);
}
