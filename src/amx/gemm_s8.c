/*
 * gemm_u8s8, gemm_s8s8 - integer matrix kernels.  ISA: AMX-INT8.
 * The body: gemm_tiles.h; the epilogue: src/simd/gemm_s8.h.
 *
 * Both signs of A have their instruction: nothing is added to A of s8.
 */
#include "../avx512/reg_s32.h"

#include "../simd/gemm_s8.h"

HEW_INLINE void finish_height(const hew_gemm_tile *part, const int rows, const int nv)
{
    vi acc[MAX_NV][HEW_MAX_MR];
    HEW_UNROLL for (int i = 0; i < rows; i++)
        HEW_UNROLL for (int j = 0; j < nv; j++)
            acc[j][i] = vi_load((const char *)part->partial + OFFSET(i * nv + j));
    finish(part, rows, nv, 0, acc);
}

#include "rows.h"

enum { UNSIGNED, SIGNED };
#define TDP(form, c, a, b)                                                                         \
    if ((form) == SIGNED)                                                                          \
        _tile_dpbssd(c, a, b);                                                                     \
    else                                                                                           \
        _tile_dpbusd(c, a, b)

#include "gemm_tiles.h"

AMX_32x32(hew_gemm_u8s8_32x32_amx, UNSIGNED)
AMX_64x16(hew_gemm_u8s8_64x16_amx, UNSIGNED)
AMX_32x32(hew_gemm_s8s8_32x32_amx, SIGNED)
AMX_64x16(hew_gemm_s8s8_64x16_amx, SIGNED)

void hew_finish_s32_amx(const hew_gemm_tile *t) { finish_rows(t, (t->n + 15) / 16); }
