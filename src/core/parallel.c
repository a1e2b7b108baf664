/*
 * parallel.c - spreads tasks over the threads that a caller lends.
 *
 * The caller's parallel_for is asked for as many slices as threads.  Each slice has a share of the
 * tasks, which it takes from a counter, and then helps with the others' shares.  So a core meets
 * the same part of a tensor in run after run and finds it in its own cache; threads of uneven speed
 * even out all the same, a slice that starts late finds nothing to do, and it doesn't matter which
 * thread runs which slice, nor when.
 */
#include "core.h"

#include <stdatomic.h>
#include <xmmintrin.h>

enum { MAX_SHARES = 32 };

typedef struct share {
    _Alignas(64) atomic_size_t next; /* alone in its line: others write theirs */
    size_t end;
} share;

typedef struct job {
    hew_task_fn *fn;
    void *context;
    size_t count; /* of shares */
    unsigned mxcsr;
    share shares[MAX_SHARES];
} job;

static void slice(void *arg, size_t worker)
{
    job *const j = arg;
    /* Rounding and flush-to-zero of the calling thread hold in all of its run: else the bits would
     * depend on which thread got which task. */
    const unsigned mxcsr = _mm_getcsr();
    _mm_setcsr(j->mxcsr);
    for (size_t i = 0; i < j->count; i++) {
        share *const s = j->shares + (worker + i) % j->count;
        for (;;) {
            const size_t task = atomic_fetch_add_explicit(&s->next, 1, memory_order_relaxed);
            if (task >= s->end)
                break;
            j->fn(j->context, worker, task);
        }
    }
    _mm_setcsr(mxcsr);
}

hew_status hew_parallel(const hew_threads *threads, size_t tasks, hew_task_fn *fn, void *context)
{
    if (threads == NULL || threads->count <= 1 || tasks <= 1) {
        for (size_t task = 0; task < tasks; task++)
            fn(context, 0, task);
        return HEW_OK;
    }
    const size_t slices = hew_min(threads->count, tasks);
    job j;
    j.fn = fn;
    j.context = context;
    j.count = hew_min(slices, MAX_SHARES);
    j.mxcsr = _mm_getcsr();
    for (size_t i = 0; i < j.count; i++) {
        atomic_init(&j.shares[i].next, hew_cut(tasks, j.count, i));
        j.shares[i].end = hew_cut(tasks, j.count, i + 1);
    }
    const hew_status status = threads->parallel_for(threads->context, slices, slice, &j);
    if (HEW_UNLIKELY(status == HEW_ERR_BUSY))
        return hew_fail(status, "a hew_pool was used from inside one of its own tasks");
    if (HEW_UNLIKELY(status != HEW_OK))
        return hew_fail(status, "hew_threads.parallel_for refused the work: %d (%s)", (int)status,
                        hew_status_name(status));
    return HEW_OK;
}

hew_status hew_check_threads(const hew_threads *threads)
{
    if (threads == NULL)
        return HEW_OK;
    if (threads->parallel_for == NULL)
        return hew_fail(HEW_ERR_INVALID, "hew_threads.parallel_for is null");
    if (threads->count == 0)
        return hew_fail(HEW_ERR_INVALID, "hew_threads.count is 0; it counts the caller's thread");
    return HEW_OK;
}
