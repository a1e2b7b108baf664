/*
 * dwconv_strip_f32 - depthwise convolution, strips of output pixels.  ISA: AVX-512F.
 * The body: src/simd/dwconv_strip_f32.h.
 *
 * Registers (32 zmm)    k3s1  sums 3x7    21 | w 9 | x 1    k3s2  sums 2x7    14 | w 9 | x 1
 *                       k5s1  sums 5x4    20 | w 5 | x 1    k5s2  sums 3x5    15 | w 5 | x 1
 *          for crowds   k3s1  sums 2x3x3  18 | w 9 | x 1    k3s2  sums 2x2x4  16 | w 9 | x 1
 *
 * Bound, an output row of k3s1: 63 multiplies against 19 loads and 7 stores, so multiplies; of k3s2
 * 63, 40 and 7: multiplies while the input comes from L1, else L2.
 */
#include "reg_bf16.h"

enum { REGISTERS = 32, BF16 = false };

#include "../simd/dwconv_strip_f32.h"

HEW_INLINE shape k3s1(const int columns) { return (shape){3, 1, columns, 1}; }
HEW_INLINE shape k3s2(const int columns) { return (shape){3, 2, columns, 1}; }
HEW_INLINE shape k5s1(const int columns) { return (shape){5, 1, columns, 1}; }
HEW_INLINE shape k5s2(const int columns) { return (shape){5, 2, columns, 1}; }
HEW_INLINE shape crowd_k3s1(const int columns) { return (shape){3, 1, columns, 2}; }
HEW_INLINE shape crowd_k3s2(const int columns) { return (shape){3, 2, columns, 2}; }
STRIP_7(k3s1)
STRIP_7(k3s2)
STRIP_4(k5s1)
STRIP_5(k5s2)
STRIP_3(crowd_k3s1)
STRIP_4(crowd_k3s2)

void hew_dwconv_f32_k3s1_3x7_avx512(const hew_dwconv_f32_strip *b)
{
    static dwconv_strip_f32_fn *const strips[] = {STRIP_LIST_7(k3s1)};
    strips[b->columns - 1](b);
}

void hew_dwconv_f32_k3s2_2x7_avx512(const hew_dwconv_f32_strip *b)
{
    static dwconv_strip_f32_fn *const strips[] = {STRIP_LIST_7(k3s2)};
    strips[b->columns - 1](b);
}

void hew_dwconv_f32_k5s1_5x4_avx512(const hew_dwconv_f32_strip *b)
{
    static dwconv_strip_f32_fn *const strips[] = {STRIP_LIST_4(k5s1)};
    strips[b->columns - 1](b);
}

void hew_dwconv_f32_k5s2_3x5_avx512(const hew_dwconv_f32_strip *b)
{
    static dwconv_strip_f32_fn *const strips[] = {STRIP_LIST_5(k5s2)};
    strips[b->columns - 1](b);
}

void hew_dwconv_f32_k3s1_2x3x3_avx512(const hew_dwconv_f32_strip *b)
{
    static dwconv_strip_f32_fn *const strips[] = {STRIP_LIST_3(crowd_k3s1)};
    strips[b->columns - 1](b);
}

void hew_dwconv_f32_k3s2_2x2x4_avx512(const hew_dwconv_f32_strip *b)
{
    static dwconv_strip_f32_fn *const strips[] = {STRIP_LIST_4(crowd_k3s2)};
    strips[b->columns - 1](b);
}
