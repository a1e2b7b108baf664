/*
 * gemm_bf16 - bf16 matrix kernels.  ISA: AMX-BF16.
 * The body: gemm_tiles.h; the epilogue: src/simd/finish_f32.h.
 */
#include "../avx512/reg_bf16_dpbf16.h"

#include "../simd/finish_f32.h"

HEW_INLINE void finish_height(const hew_gemm_tile *part, const int rows, const int nv)
{
    vf acc[MAX_NV][HEW_MAX_MR];
    HEW_UNROLL for (int i = 0; i < rows; i++)
        HEW_UNROLL for (int j = 0; j < nv; j++)
            acc[j][i] = vf_load((const char *)part->partial + OFFSET(i * nv + j));
    finish(part, rows, nv, true, acc);
}

#include "rows.h"

enum { ELEMENT = 2 };
#define TDP(form, c, a, b) _tile_dpbf16ps(c, a, b)

#include "gemm_tiles.h"

AMX_32x32(hew_gemm_bf16_32x32_amx, 0)
AMX_64x16(hew_gemm_bf16_64x16_amx, 0)

void hew_finish_f32_amx(const hew_gemm_tile *t) { finish_rows(t, (t->n + 15) / 16); }
