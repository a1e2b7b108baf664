/*
 * pooling_f32 - the max or the average over boxes of pixels: pooling_floats.h.
 *
 * The including file has its simd.h included first and defines HEW_POOLING_F32, the kernel's name.
 */
#include "kernels_pooling.h"

enum { POOL_LANES = 16, POOL_SHARES = 1 };

typedef float pool_element;
typedef f32x16 pool_reg;
typedef mask16 pool_lanes;

HEW_INLINE mask16 pool_first(size_t n) { return x16_first(n); }
HEW_INLINE f32x16 pool_load(const float *p) { return x16_load(p); }
HEW_INLINE f32x16 pool_load_some(mask16 lanes, const float *p)
{
    return x16_load_masked(lanes, p, x16_set(0.0f));
}
HEW_INLINE void pool_store(float *p, f32x16 x) { x16_store(p, x); }
HEW_INLINE void pool_store_some(mask16 lanes, float *p, f32x16 x) { x16_store_masked(lanes, p, x); }

#include "pooling_floats.h"

void HEW_POOLING_F32(const hew_pooling_block *b)
{
    pool_any(b);
}
