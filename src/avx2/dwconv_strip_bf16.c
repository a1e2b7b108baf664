/*
 * dwconv_strip_bf16 - depthwise convolution of bf16, strips of output pixels.  ISA: AVX2 + FMA.
 * The body: src/simd/dwconv_strip_f32.h.
 *
 * Registers (16 ymm)    k3s1  sums 3x2 6 | w 3 | x 1         k3s2  sums 2x4 8 | w 3 | x 1
 *                       k5s1  sums 5x1 5 | w 5 | x 1         k5s2  sums 3x2 6 | w 5 | x 1
 *
 * The constants that round take the rest.  An input becomes floats as it is loaded, by two
 * operations; bounds are those of dwconv_strip_f32.c.
 */
#include "reg_bf16.h"

enum { REGISTERS = 16, BF16 = true };

#include "../simd/dwconv_strip_f32.h"

HEW_INLINE shape k3s1(const int columns) { return (shape){3, 1, columns, 1}; }
HEW_INLINE shape k3s2(const int columns) { return (shape){3, 2, columns, 1}; }
HEW_INLINE shape k5s1(const int columns) { return (shape){5, 1, columns, 1}; }
HEW_INLINE shape k5s2(const int columns) { return (shape){5, 2, columns, 1}; }
STRIP_2(k3s1)
STRIP_4(k3s2)
STRIP(k5s1, 1)
STRIP_2(k5s2)

void hew_dwconv_bf16_k3s1_3x2_avx2(const hew_dwconv_f32_strip *b)
{
    static dwconv_strip_bf16_fn *const strips[] = {STRIP_LIST_2(k3s1)};
    strips[b->columns - 1](b);
}

void hew_dwconv_bf16_k3s2_2x4_avx2(const hew_dwconv_f32_strip *b)
{
    static dwconv_strip_bf16_fn *const strips[] = {STRIP_LIST_4(k3s2)};
    strips[b->columns - 1](b);
}

void hew_dwconv_bf16_k5s1_5x1_avx2(const hew_dwconv_f32_strip *b) { k5s1_1(b); }

void hew_dwconv_bf16_k5s2_3x2_avx2(const hew_dwconv_f32_strip *b)
{
    static dwconv_strip_bf16_fn *const strips[] = {STRIP_LIST_2(k5s2)};
    strips[b->columns - 1](b);
}
