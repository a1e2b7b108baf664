/* Ways to run the tasks of an operation. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <xmmintrin.h>

#include "harness_internal.h"

enum { MOST_THREADS = 32 };

static hew_pool *pools[MOST_THREADS + 1];
static hew_threads from_pool[MOST_THREADS + 1];
static hew_threads from_reversed[MOST_THREADS + 1];

const hew_threads *pool_of(size_t n)
{
    if (n == 0 || n > MOST_THREADS)
        fail_case("the harness has no pool of %zu threads", n);
    snprintf(harness.threads, sizeof harness.threads, "a pool of %zu", n);
    if (!pools[n]) {
        check_status(hew_pool_create(&pools[n], &HEW_POOL_DESC(.threads = n)), HEW_OK);
        from_pool[n] = hew_pool_threads(pools[n]);
    }
    return &from_pool[n];
}

void drop_pools(void)
{
    for (size_t n = 0; n <= MOST_THREADS; n++)
        hew_pool_destroy(pools[n]);
    memset(pools, 0, sizeof pools);
}

static hew_status run_reversed(void *context, size_t n, hew_task *fn, void *arg)
{
    const hew_threads *self = context;
    if (n > self->count)
        fail_case("parallel_for was asked for %zu tasks and has %zu threads", n, self->count);
    while (n-- > 0)
        fn(arg, n);
    return HEW_OK;
}

const hew_threads *reversed_of(size_t count)
{
    if (count == 0 || count > MOST_THREADS)
        fail_case("the harness has no parallel_for of %zu threads", count);
    snprintf(harness.threads, sizeof harness.threads, "%zu, last first", count);
    from_reversed[count] = (hew_threads){run_reversed, &from_reversed[count], count};
    return &from_reversed[count];
}

typedef struct call {
    hew_task *fn;
    void *arg;
    size_t i;
} call;

static void *make_call(void *p)
{
    const call *c = p;
    _mm_setcsr(0x1f80); /* a new thread has its parent's */
    c->fn(c->arg, c->i);
    return NULL;
}

static hew_status run_elsewhere(void *context, size_t n, hew_task *fn, void *arg)
{
    (void)context;
    for (size_t i = 0; i < n; i++) {
        call c = {fn, arg, i};
        pthread_t thread;
        if (pthread_create(&thread, NULL, make_call, &c) != 0)
            fail_case("no thread");
        pthread_join(thread, NULL);
    }
    return HEW_OK;
}

const hew_threads *elsewhere_of(size_t count)
{
    static hew_threads threads;
    snprintf(harness.threads, sizeof harness.threads, "%zu, elsewhere", count);
    threads = (hew_threads){run_elsewhere, NULL, count};
    return &threads;
}

static hew_status refuse(void *context, size_t n, hew_task *fn, void *arg)
{
    (void)context;
    (void)n;
    (void)fn;
    (void)arg;
    return HEW_ERR_SYSTEM;
}

const hew_threads *refusing(void)
{
    static const hew_threads threads = {refuse, NULL, 4};
    snprintf(harness.threads, sizeof harness.threads, "refused");
    return &threads;
}

const hew_threads *no_threads(void)
{
    snprintf(harness.threads, sizeof harness.threads, "none");
    return NULL;
}
