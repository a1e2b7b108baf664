/*
 * timing.c - turns, their lengths, and their medians.
 *
 * With one thread the clock is that thread's CPU time: what other processes take from a shared
 * machine is left out.  With more it is the wall's, since waiting for each other counts.
 */
#include "timing.h"

#include "core.h"

#include <stdlib.h>
#include <time.h>

enum { MAX_CONTESTANTS = 16, MAX_ROUNDS = 2048 };

typedef struct turn {
    double *us;  /* one entry for each round */
    size_t runs; /* timed runs in a turn */
    bool long_run; /* so long that filling the caches doesn't show */
} turn;

static double now(bool threaded)
{
    struct timespec t;
    clock_gettime(threaded ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double seconds_of(const contestant *c, size_t runs, bool threaded)
{
    const double t0 = now(threaded);
    for (size_t i = 0; i < runs; i++)
        c->run(c->op);
    return now(threaded) - t0;
}

/* Spinning workers of the contestant before take CPUs from this one: see peers.c. */
static void let_sleep(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* As many runs as make the clock's step and the first run's cold misses small. */
static size_t runs_in_a_turn(const contestant *c, bool threaded, bool *long_run)
{
    const double wanted = threaded ? 1e-3 : 1.5e-4;
    seconds_of(c, 1, threaded);
    size_t runs = 1;
    double s = seconds_of(c, runs, threaded);
    while (s < wanted / 8 && runs < ((size_t)1 << 24)) {
        runs *= 2;
        s = seconds_of(c, runs, threaded);
    }
    *long_run = s / (double)runs > 0.02;
    return (size_t)(wanted / (s / (double)runs)) + 1;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void summarise(contestant *c, turn *t, size_t rounds)
{
    qsort(t->us, rounds, sizeof *t->us, by_value);
    c->min_us = t->us[0];
    c->median_us = rounds % 2 ? t->us[rounds / 2]
                              : (t->us[rounds / 2 - 1] + t->us[rounds / 2]) / 2;
}

void time_contest(contestant *contestants, size_t count, double seconds, bool threaded)
{
    turn turns[MAX_CONTESTANTS];
    count = hew_min(count, MAX_CONTESTANTS);
    for (size_t i = 0; i < count; i++) {
        turns[i].us = malloc(MAX_ROUNDS * sizeof(double));
        if (!turns[i].us)
            abort();
        turns[i].runs = runs_in_a_turn(&contestants[i], threaded, &turns[i].long_run);
    }
    double first = 0, longest = 0;
    size_t rounds = 0;
    /* A case of which a run takes long is not repeated seven times. */
    while (rounds < MAX_ROUNDS && (first < seconds || rounds < (longest > 0.1 ? 3 : 7))) {
        for (size_t i = 0; i < count; i++) {
            if (threaded && count > 1)
                let_sleep();
            if (!turns[i].long_run)
                contestants[i].run(contestants[i].op);
            const double s = seconds_of(&contestants[i], turns[i].runs, threaded);
            turns[i].us[rounds] = s * 1e6 / (double)turns[i].runs;
            longest = s > longest ? s : longest;
            first += i == 0 ? s : 0;
        }
        rounds++;
    }
    for (size_t i = 0; i < count; i++) {
        summarise(&contestants[i], &turns[i], rounds);
        free(turns[i].us);
    }
}
