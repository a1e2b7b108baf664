/*
 * timing.h - times contestants against each other: A B A B, in one process, each warm.
 */
#ifndef HEW_BENCH_TIMING_H
#define HEW_BENCH_TIMING_H

#include <stdbool.h>
#include <stddef.h>

/* Times are CPU times of the calling thread, or wall times if `threaded`. */
typedef struct contestant {
    void (*run)(void *op);
    void *op;
    double min_us, median_us; /* the result, of one run */
} contestant;

/*
 * Takes turns until the first contestant has been timed for `seconds`, and at least a few times
 * each.  A turn is one run that is not timed, to fill the caches, and as many timed ones as the
 * clock needs.  `threaded`: wait before each turn until other contestants' threads are asleep.
 */
void time_contest(contestant *contestants, size_t count, double seconds, bool threaded);

#endif
