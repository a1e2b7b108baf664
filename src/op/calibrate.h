/*
 * calibrate.h - what observers and weights have in common, and a histogram.
 */
#ifndef HEW_CALIBRATE_H
#define HEW_CALIBRATE_H

#include "format.h"

/* Scale and zero of integers within `span` for a range that holds 0. */
typedef struct hew_affine {
    float scale;
    int32_t zero;
} hew_affine;
hew_affine hew_affine_of(hew_span span, bool symmetric, hew_bounds range);

HEW_INLINE bool hew_is_finite(float x) { return x - x == 0.0f; }

/*
 * Counts of elements other than 0, on both sides of it:
 *
 *     below[half - 1] .. below[0]   |   above[0] .. above[half - 1]
 *    -half * width             -width 0  width                half * width
 *
 * below[i] has -(i + 1) width <= x < -i width, above[i] has i width <= x < (i + 1) width.  The
 * width is a power of two.  It doubles when an element lies outside, and two bins become one; so
 * that counts depend on the elements alone, not on the order in which they come.
 */
typedef struct hew_histogram {
    uint64_t *below, *above; /* `half` each */
    size_t half;
    int log_width;
    uint64_t zeros, total; /* elements that are 0; all of them, these included */
} hew_histogram;

/* The edges that clip a histogram: so many bins on each side of 0. */
typedef struct hew_edges {
    size_t below, above;
} hew_edges;

/* The natural logarithm of a normal positive x, to 1e-15 of itself or less. */
double hew_logarithm(double x);

/* `from` covers all elements, and all candidates lie within it. */
hew_edges hew_clip_percentile(const hew_histogram *h, hew_edges from, bool symmetric,
                              double percentile);
hew_edges hew_clip_kl(const hew_histogram *h, hew_edges from, bool symmetric);
hew_edges hew_clip_mse(const hew_histogram *h, hew_edges from, bool symmetric);

#endif
