/*
 * epilogue_f32 - what happens to a register of sums before it is stored: see hew_epilogue.
 */
#ifndef HEW_SIMD_EPILOGUE_F32_H
#define HEW_SIMD_EPILOGUE_F32_H

#include "kernels_matrix.h"

/* The epilogue of one register's columns. */
typedef struct column {
    vf scale, bias, lo, hi, beta;
} column;

/* The columns at `offset` bytes from the epilogue's; those in `mask` unless full. */
HEW_INLINE column column_of(const hew_epilogue *e, size_t offset, const bool full, vf_mask mask)
{
    column c = {vf_set(e->alpha), vf_zero(), vf_set(e->lo), vf_set(e->hi), vf_set(e->beta)};
    const char *scale = (const char *)e->scale + offset, *bias = (const char *)e->bias + offset;
    if (e->scale)
        c.scale = vf_mul(c.scale, full ? vf_load(scale) : vf_load_masked(mask, scale));
    if (e->bias)
        c.bias = vf_add(full ? vf_load(bias) : vf_load_masked(mask, bias), c.bias);
    return c;
}

/* The second operand of min and max is what a NaN leaves. */
HEW_INLINE vf clamp(const column *c, vf v) { return vf_min(c->hi, vf_max(c->lo, v)); }

#endif
