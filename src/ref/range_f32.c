/*
 * range_f32 - the definition of a row's range: src/core/kernels.h.
 */
#include "kernels.h"

hew_bounds hew_range_f32_ref(hew_bounds bounds, size_t n, const float *x)
{
    for (size_t j = 0; j < n; j++) {
        if (x[j] < bounds.lo)
            bounds.lo = x[j];
        if (x[j] > bounds.hi)
            bounds.hi = x[j];
    }
    return (hew_bounds){bounds.lo + 0.0f, bounds.hi + 0.0f};
}
