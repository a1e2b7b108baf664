/*
 * clip.c - where to clip a histogram.
 *
 * A candidate is a pair of edges of bins.  Its cost is a divergence or an error; candidates of one
 * side are some hundred edges from the outermost to the innermost.  Costs are computed in units of
 * a bin's width, which is common to all.
 */
#include "calibrate.h"

#include <math.h>
#include <string.h>

enum {
    CANDIDATES = 128, /* of a side */
    ROUNDS = 8        /* in which one side is searched and then the other */
};

/* By basic operations alone: libm's has not the same bits everywhere, and with them a tie between
 * candidates could end either way. */
double hew_logarithm(double x)
{
    int64_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int64_t sqrt_half = 0x3fe6a09e667f3bcd;
    const int64_t power = (bits - sqrt_half) >> 52; /* x = 2^power m, m in [sqrt(1/2), sqrt(2)) */
    bits -= (int64_t)((uint64_t)power << 52);
    double m;
    memcpy(&m, &bits, sizeof m);
    /* log(m) = 2 artanh(s), and s^2 < 0.03 */
    const double s = (m - 1) / (m + 1), z = s * s;
    double series = 0;
    for (int i = 21; i > 0; i -= 2)
        series = series * z + 1.0 / i;
    return (double)power * 0x1.62e42fefa39efp-1 + 2 * s * series;
}

/* ---------------------------------------------------------------------------- percentile ---- */

/* How many bins are left when bins are taken from the outside while they hold `allowed` elements at
 * most; the other side's, if any, along with them. */
static size_t inner(const uint64_t *side, const uint64_t *other, size_t n, double allowed)
{
    uint64_t outside = 0;
    for (; n > 0; n--) {
        outside += side[n - 1] + (other ? other[n - 1] : 0);
        if ((double)outside > allowed)
            break;
    }
    return n;
}

hew_edges hew_clip_percentile(const hew_histogram *h, hew_edges from, bool symmetric,
                              double percentile)
{
    const double allowed = (double)h->total * (100 - percentile) / 100;
    hew_edges e;
    if (symmetric)
        e.below = e.above = inner(h->above, h->below, hew_max(from.below, from.above), allowed);
    else
        e = (hew_edges){inner(h->below, NULL, from.below, allowed),
                        inner(h->above, NULL, from.above, allowed)};
    return e.below + e.above > 0 ? e : from; /* zeros, but for a few elements */
}

/* --------------------------------------------------------------------------------- costs ---- */

static uint64_t sum_of(const uint64_t *counts, size_t begin, size_t end)
{
    uint64_t sum = 0;
    for (size_t i = begin; i < end; i++)
        sum += counts[i];
    return sum;
}

/* Bins from the lowest to the highest within the edges. */
static uint64_t count_at(const hew_histogram *h, hew_edges e, size_t i)
{
    return i < e.below ? h->below[e.below - 1 - i] : h->above[i - e.below];
}

/*
 * The divergence of P, the counts within the edges with what lies outside added to the end bins,
 * from Q, the counts within, where each level's share of bins has its average in all bins that are
 * not empty.  Infinite where Q is 0 and P isn't, and where there are fewer bins than levels.
 */
static double kl_cost(const hew_histogram *h, hew_edges e, size_t levels)
{
    const size_t n = e.below + e.above;
    const uint64_t low = sum_of(h->below, e.below, h->half);
    const uint64_t high = sum_of(h->above, e.above, h->half);
    if (n < levels || (low && !count_at(h, e, 0)) || (high && !count_at(h, e, n - 1)))
        return INFINITY;
    double cost = 0, within = 0;
    for (size_t level = 0; level < levels; level++) {
        const size_t begin = hew_cut(n, levels, level), end = hew_cut(n, levels, level + 1);
        double sum = 0, used = 0;
        for (size_t i = begin; i < end; i++) {
            const uint64_t count = count_at(h, e, i);
            sum += (double)count;
            used += count > 0;
        }
        within += sum;
        for (size_t i = begin; i < end; i++) {
            uint64_t p = count_at(h, e, i);
            if (p == 0)
                continue;
            p += (i == 0 ? low : 0) + (i == n - 1 ? high : 0);
            cost += (double)p * hew_logarithm((double)p * used / sum);
        }
    }
    const double all = (double)(h->total - h->zeros);
    return within > 0 ? cost / all + hew_logarithm(within / all) : INFINITY;
}

/* Of the elements beyond `edge`, which are clipped to it. */
static double clipping_error(const uint64_t *counts, size_t edge, size_t half)
{
    double error = 0;
    for (size_t i = edge; i < half; i++) {
        const double distance = (double)(i - edge) + 0.5;
        error += (double)counts[i] * (distance * distance + 1.0 / 12);
    }
    return error;
}

/* The sum of squared errors: step^2 / 12 for an element that is rounded.  Zeros are exact. */
static double mse_cost(const hew_histogram *h, hew_edges e, size_t levels)
{
    const double step = (double)(e.below + e.above) / (double)(levels - 1);
    const uint64_t within = sum_of(h->below, 0, e.below) + sum_of(h->above, 0, e.above);
    return (double)within * step * step / 12 + clipping_error(h->below, e.below, h->half) +
           clipping_error(h->above, e.above, h->half);
}

/* -------------------------------------------------------------------------------- search ---- */

typedef double cost_fn(const hew_histogram *h, hew_edges e, size_t levels);

/* Among equals the widest. */
static hew_edges search_symmetric(const hew_histogram *h, hew_edges from, cost_fn *cost)
{
    const size_t widest = hew_max(from.below, from.above), step = hew_ceil_div(widest, CANDIDATES);
    hew_edges best = {widest, widest};
    double least = cost(h, best, 255);
    for (size_t i = widest; i > step; i -= step) {
        const hew_edges e = {i - step, i - step};
        const double c = cost(h, e, 255);
        if (c < least) {
            least = c;
            best = e;
        }
    }
    return best;
}

/* The best edge of one side while the other stays, if it is better than what is in *best. */
static bool search_side(const hew_histogram *h, size_t widest, bool below, cost_fn *cost,
                        hew_edges *best, double *least)
{
    const size_t step = hew_max(hew_ceil_div(widest, CANDIDATES), 1);
    bool better = false;
    hew_edges e = *best;
    for (size_t i = 0; i < widest; i += step) {
        *(below ? &e.below : &e.above) = widest - i;
        const double c = cost(h, e, 256);
        if (c < *least) {
            *least = c;
            *best = e;
            better = true;
        }
    }
    return better;
}

static hew_edges search(const hew_histogram *h, hew_edges from, bool symmetric, cost_fn *cost)
{
    if (symmetric)
        return search_symmetric(h, from, cost);
    hew_edges best = from;
    double least = cost(h, best, 256);
    for (int round = 0; round < ROUNDS; round++) {
        const bool above = search_side(h, from.above, false, cost, &best, &least);
        const bool below = search_side(h, from.below, true, cost, &best, &least);
        if (!above && !below)
            break;
    }
    return best;
}

hew_edges hew_clip_kl(const hew_histogram *h, hew_edges from, bool symmetric)
{
    return search(h, from, symmetric, kl_cost);
}

hew_edges hew_clip_mse(const hew_histogram *h, hew_edges from, bool symmetric)
{
    return search(h, from, symmetric, mse_cost);
}
