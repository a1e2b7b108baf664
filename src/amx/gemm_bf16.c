/*
 * gemm_bf16 - bf16 matrix kernels.  ISA: AMX-BF16.
 * The body: gemm_tiles.h; the epilogue: src/simd/finish_f32.h.
 */
#include "../avx512/reg_bf16_dpbf16.h"

#include "../simd/finish_f32.h"

/* All rows from their sums in memory to C: no second addend is ever there. */
HEW_INLINE void finish_all(const hew_gemm_tile *t, const int nv)
{
    const hew_epilogue *e = t->epilogue;
    const bool c_bf16 = t->quant->c_type == HEW_BF16, add_bf16 = t->quant->add_type == HEW_BF16;
    const size_t c_stride = t->c_stride, add_stride = e->add ? e->add_stride : 0;
    vf_mask mask[MAX_NV];
    column col[MAX_NV];
    HEW_UNROLL for (int j = 0; j < nv; j++) {
        mask[j] = vf_first(t->n - LANES * j);
        col[j] = tile_column(t, j, false);
    }
    const char *from = t->partial, *add = e->add;
    char *c = t->c;
    for (int i = 0; i < t->m; i++, from += OFFSET(nv), c += c_stride, add += add_stride)
        HEW_UNROLL for (int j = 0; j < nv; j++) {
            vf v = vf_fma(vf_load(from + OFFSET(j)), col[j].scale, col[j].bias);
            if (add && add_bf16)
                v = vf_fma(col[j].beta, vf_load_bf16_masked(mask[j], add + OFFSET(j) / 2), v);
            else if (add)
                v = vf_fma(col[j].beta, vf_load_masked(mask[j], add + OFFSET(j)), v);
            v = clamp(&col[j], v);
            if (c_bf16)
                vf_store_bf16_masked(mask[j], c + OFFSET(j) / 2, v);
            else
                vf_store_masked(mask[j], c + OFFSET(j), v);
        }
}

enum { ELEMENT = 2 };
#define TDP(form, c, a, b) _tile_dpbf16ps(c, a, b)

#include "gemm_tiles.h"

AMX_32x32(hew_gemm_bf16_32x32_amx, 0)
AMX_64x16(hew_gemm_bf16_64x16_amx, 0)

void hew_finish_f32_amx(const hew_gemm_tile *t) { finish_rows(t, (t->n + 15) / 16); }
