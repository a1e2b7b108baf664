/*
 * dw3x3_f32 - 3 x 3 depthwise convolution.  ISA: AVX2 + FMA.  The body: src/simd/dw3x3_f32.h.
 *
 * Registers (16 ymm)    2x4: acc 8 | w 3 | x 1
 *
 * Bound: 72 multiplies against 45 loads for 2 x 4 outputs of stride 1; two of each a cycle, so
 * multiplies.
 */
#include "reg.h"

#include "../simd/dw3x3_f32.h"

DW3X3_ROWS(1)
DW3X3_ROWS(2)

void hew_dw3x3_f32_2x4_avx2(const hew_dw3x3_f32_block *b)
{
    static dw3x3_f32_fn *const block[] = {DW3X3_LIST(1), DW3X3_LIST(2)};
    block[(b->rows - 1) * MAX_COLUMNS + b->columns - 1](b);
}
