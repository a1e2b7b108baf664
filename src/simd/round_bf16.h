/*
 * round_bf16 - sixteen floats as the nearest bf16, ties to even, whatever MXCSR says.
 *
 * The including file has its simd.h included first.
 */
#ifndef HEW_SIMD_ROUND_BF16_H
#define HEW_SIMD_ROUND_BF16_H

/* In the upper halves.  Adding half of what is cut off, less one if the result would be odd: the
 * carry rounds. */
HEW_INLINE i32x16 rounded_bits(f32x16 x)
{
    const i32x16 bits = x16_bits(x);
    const i32x16 odd = x16_and_int(x16_shift_down(bits, 16), x16_set_int(1));
    const i32x16 rounded = x16_add_int(bits, x16_add_int(odd, x16_set_int(0x7fff)));
    /* A NaN's carry could make it an infinity, or zero; its lower half is dropped instead. */
    const i32x16 quiet = x16_or_int(bits, x16_set_int(0x400000));
    return x16_bits(
        x16_select(x16_unordered(x, x), x16_from_bits(quiet), x16_from_bits(rounded)));
}

#endif
