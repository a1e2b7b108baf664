/*
 * dw3x3_f32 - 3 x 3 depthwise convolution.  ISA: AVX-512F.  The body: src/simd/dw3x3_f32.h.
 *
 * Registers (32 zmm)    4x4: acc 16 | w 3 | x 1
 *
 * Bound: 144 multiplies against 81 loads and 16 stores for 4 x 4 outputs of stride 1, 117 loads for
 * stride 2: multiplies while the input comes from L1, else L2.
 */
#include "reg.h"

#include "../simd/dw3x3_f32.h"

DW3X3_ROWS(1)
DW3X3_ROWS(2)
DW3X3_ROWS(3)
DW3X3_ROWS(4)

void hew_dw3x3_f32_4x4_avx512(const hew_dw3x3_f32_block *b)
{
    static dw3x3_f32_fn *const block[] = {DW3X3_LIST(1), DW3X3_LIST(2), DW3X3_LIST(3),
                                          DW3X3_LIST(4)};
    block[(b->rows - 1) * MAX_COLUMNS + b->columns - 1](b);
}
