/*
 * pooling_bf16 - the max or the average over boxes of pixels: pooling_floats.h.
 *
 * The including file has its narrow.h included first and defines HEW_POOLING_BF16, the kernel's
 * name.
 */
#include "kernels_pooling.h"
#include "typed.h"

enum { POOL_LANES = 16, POOL_SHARES = 0 };

typedef uint16_t pool_element;
typedef f32x16 pool_reg;
typedef size_t pool_lanes; /* how many */

HEW_INLINE size_t pool_first(size_t n) { return n; }
HEW_INLINE f32x16 pool_load(const uint16_t *p) { return x16_load_type(HEW_BF16, p); }
HEW_INLINE f32x16 pool_load_some(size_t lanes, const uint16_t *p)
{
    return lanes == POOL_LANES ? pool_load(p)
                               : x16_load_type_first(HEW_BF16, lanes, p, x16_set(0.0f));
}
HEW_INLINE void pool_store(uint16_t *p, f32x16 x) { x16_store_type(HEW_BF16, p, x); }
HEW_INLINE void pool_store_some(size_t lanes, uint16_t *p, f32x16 x)
{
    if (lanes == POOL_LANES)
        pool_store(p, x);
    else
        x16_store_type_first(HEW_BF16, lanes, p, x);
}

#include "pooling_floats.h"

void HEW_POOLING_BF16(const hew_pooling_block *b)
{
    pool_any(b);
}
