/*
 * parallel.c - spreads tasks over the threads that a caller lends.
 *
 * The caller's parallel_for is asked for as many slices as threads, and a slice takes tasks from a
 * shared counter until none is left.  So threads of uneven speed even out, a slice that starts late
 * finds nothing to do, and it doesn't matter which thread runs which slice, nor when.
 */
#include "core.h"

#include <stdatomic.h>
#include <xmmintrin.h>

typedef struct job {
    hew_task_fn *fn;
    void *context;
    size_t tasks;
    unsigned mxcsr;
    _Alignas(64) atomic_size_t next; /* alone in its line: all threads write it */
} job;

static void slice(void *arg, size_t worker)
{
    job *const j = arg;
    /* Rounding and flush-to-zero of the calling thread hold in all of its run: else the bits would
     * depend on which thread got which task. */
    const unsigned mxcsr = _mm_getcsr();
    _mm_setcsr(j->mxcsr);
    for (;;) {
        const size_t task = atomic_fetch_add_explicit(&j->next, 1, memory_order_relaxed);
        if (task >= j->tasks)
            break;
        j->fn(j->context, worker, task);
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
    job j = {.fn = fn, .context = context, .tasks = tasks, .mxcsr = _mm_getcsr()};
    const hew_status status =
        threads->parallel_for(threads->context, hew_min(threads->count, tasks), slice, &j);
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
