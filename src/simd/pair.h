/*
 * pair.h - two times sixteen floats as the nearest bf16, those of a below those of b in each lane.
 *
 * The including file has its simd.h included first.
 */
#ifndef HEW_SIMD_PAIR_H
#define HEW_SIMD_PAIR_H

HEW_INLINE i32x16 rounded_pair(f32x16 a, f32x16 b)
{
    return x16_zip_upper(x16_to_bf16(a), x16_to_bf16(b));
}

#endif
