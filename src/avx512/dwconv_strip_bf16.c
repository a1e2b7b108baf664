/*
 * dwconv_strip_bf16 - depthwise convolution of bf16, strips of output pixels.  ISA: AVX-512BW + VL.
 * The body: src/simd/dwconv_strip_f32.h.
 *
 * Registers (32 zmm)    k3s1  sums 3x5 15 | w 9 | x 1        k3s2  sums 2x7 14 | w 9 | x 1
 *                       k5s1  sums 5x4 20 | w 5 | x 1        k5s2  sums 3x5 15 | w 5 | x 1
 *
 * The constants that round take the rest.  An input becomes floats as it is loaded, by two
 * operations; bounds are those of dwconv_strip_f32.c.
 */
#include "reg_bf16.h"

enum { REGISTERS = 32, BF16 = true };

#include "../simd/dwconv_strip_f32.h"

HEW_INLINE shape k3s1(const int columns) { return (shape){3, 1, columns, 1}; }
HEW_INLINE shape k3s2(const int columns) { return (shape){3, 2, columns, 1}; }
HEW_INLINE shape k5s1(const int columns) { return (shape){5, 1, columns, 1}; }
HEW_INLINE shape k5s2(const int columns) { return (shape){5, 2, columns, 1}; }
STRIP_5(k3s1)
STRIP_7(k3s2)
STRIP_4(k5s1)
STRIP_5(k5s2)

void hew_dwconv_bf16_k3s1_3x5_avx512(const hew_dwconv_f32_strip *b)
{
    static dwconv_strip_bf16_fn *const strips[] = {STRIP_LIST_5(k3s1)};
    strips[b->columns - 1](b);
}

void hew_dwconv_bf16_k3s2_2x7_avx512(const hew_dwconv_f32_strip *b)
{
    static dwconv_strip_bf16_fn *const strips[] = {STRIP_LIST_7(k3s2)};
    strips[b->columns - 1](b);
}

void hew_dwconv_bf16_k5s1_5x4_avx512(const hew_dwconv_f32_strip *b)
{
    static dwconv_strip_bf16_fn *const strips[] = {STRIP_LIST_4(k5s1)};
    strips[b->columns - 1](b);
}

void hew_dwconv_bf16_k5s2_3x5_avx512(const hew_dwconv_f32_strip *b)
{
    static dwconv_strip_bf16_fn *const strips[] = {STRIP_LIST_5(k5s2)};
    strips[b->columns - 1](b);
}
