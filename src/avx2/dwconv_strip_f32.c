/*
 * dwconv_strip_f32 - depthwise convolution, strips of output pixels.  ISA: AVX2 + FMA.
 * The body: src/simd/dwconv_strip_f32.h.
 *
 * Registers (16 ymm)    k3s1  sums 3x3 9 | w 3 | x 1         k3s2  sums 2x4 8 | w 3 | x 1
 *                       k5s1  sums 5x1 5 | w 5 | x 1         k5s2  sums 3x2 6 | w 5 | x 1
 *
 * Bound, an output row of k3s1: 27 multiplies against 25 loads and 3 stores; of k3s2 36, 37 and 4;
 * two multiplies and two loads a cycle, so either.  The loads of 5 x 5 are twice its multiplies.
 */
#include "reg_bf16.h"

enum { REGISTERS = 16, BF16 = false };

#include "../simd/dwconv_strip_f32.h"

HEW_INLINE shape k3s1(const int columns) { return (shape){3, 1, columns, 1}; }
HEW_INLINE shape k3s2(const int columns) { return (shape){3, 2, columns, 1}; }
HEW_INLINE shape k5s1(const int columns) { return (shape){5, 1, columns, 1}; }
HEW_INLINE shape k5s2(const int columns) { return (shape){5, 2, columns, 1}; }
STRIP_3(k3s1)
STRIP_4(k3s2)
STRIP_2(k5s1)
STRIP_2(k5s2)

void hew_dwconv_f32_k3s1_3x3_avx2(const hew_dwconv_f32_strip *b)
{
    static dwconv_strip_f32_fn *const strips[] = {STRIP_LIST_3(k3s1)};
    strips[b->columns - 1](b);
}

void hew_dwconv_f32_k3s2_2x4_avx2(const hew_dwconv_f32_strip *b)
{
    static dwconv_strip_f32_fn *const strips[] = {STRIP_LIST_4(k3s2)};
    strips[b->columns - 1](b);
}

void hew_dwconv_f32_k5s1_5x2_avx2(const hew_dwconv_f32_strip *b)
{
    static dwconv_strip_f32_fn *const strips[] = {STRIP_LIST_2(k5s1)};
    strips[b->columns - 1](b);
}

void hew_dwconv_f32_k5s2_3x2_avx2(const hew_dwconv_f32_strip *b)
{
    static dwconv_strip_f32_fn *const strips[] = {STRIP_LIST_2(k5s2)};
    strips[b->columns - 1](b);
}
