/* hew_parallel: every task once, no two with one worker at a time; and the checks of `threads`. */
#include "harness.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <xmmintrin.h>

enum { MOST_TASKS = 300, MOST_WORKERS = 32 };

typedef struct record {
    atomic_int runs[MOST_TASKS];
    atomic_int busy[MOST_WORKERS];
    atomic_size_t last[MOST_WORKERS]; /* task + 1 */
    atomic_int falls[MOST_WORKERS];   /* tasks below the one before */
    atomic_int faults;
    size_t workers;
    unsigned mxcsr;
} record;

static void note(void *context, size_t worker, size_t task)
{
    record *const r = context;
    if (worker >= r->workers || task >= MOST_TASKS) {
        atomic_fetch_add(&r->faults, 1);
        return;
    }
    const bool alone = atomic_fetch_add(&r->busy[worker], 1) == 0;
    /* From its own share up to the last one, and then once from the first. */
    const bool fell = atomic_exchange(&r->last[worker], task + 1) > task + 1;
    const bool twice = fell && atomic_fetch_add(&r->falls[worker], 1) > 0;
    if (!alone || twice || (_mm_getcsr() & ~0x3fu) != (r->mxcsr & ~0x3fu))
        atomic_fetch_add(&r->faults, 1);
    atomic_fetch_add(&r->runs[task], 1);
    atomic_fetch_sub(&r->busy[worker], 1);
}

static void check_spread(const hew_threads *threads, size_t tasks)
{
    static record r;
    memset(&r, 0, sizeof r);
    const size_t count = threads ? threads->count : 1;
    r.workers = count < tasks ? count : tasks;
    r.mxcsr = _mm_getcsr();
    case_rng("%zu tasks", tasks);
    check_status(hew_parallel(threads, tasks, note, &r), HEW_OK);
    if (r.faults != 0)
        fail_case("%d tasks had a wrong worker, order or MXCSR", (int)r.faults);
    for (size_t i = 0; i < MOST_TASKS; i++)
        if (r.runs[i] != (i < tasks))
            fail_case("task %zu ran %d times", i, (int)r.runs[i]);
}

static void every_task_once(void)
{
    static const size_t counts[] = {1, 2, 3, 8, 24};
    static const size_t tasks[] = {0, 1, 2, 3, 7, 8, 9, 24, 25, MOST_TASKS};
    for (size_t t = 0; t < sizeof tasks / sizeof tasks[0]; t++) {
        check_spread(no_threads(), tasks[t]);
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++)
            for (int again = 0; again < 50; again++) {
                check_spread(pool_of(counts[c]), tasks[t]);
                check_spread(reversed_of(counts[c]), tasks[t]);
            }
    }
}

/* A parallel_for of new threads, one after another, which must end in the mode they began in. */
typedef struct errand {
    hew_task *fn;
    void *arg;
    size_t i;
    bool kept;
} errand;

static void *run_errand(void *arg)
{
    errand *const e = arg;
    _mm_setcsr(0x1f80);
    e->fn(e->arg, e->i);
    e->kept = (_mm_getcsr() & ~0x3fu) == 0x1f80;
    return NULL;
}

static hew_status send_out(void *context, size_t n, hew_task *fn, void *arg)
{
    for (size_t i = 0; i < n; i++) {
        errand e = {fn, arg, i, false};
        pthread_t thread;
        if (pthread_create(&thread, NULL, run_errand, &e) != 0)
            return HEW_ERR_SYSTEM;
        pthread_join(thread, NULL);
        *(bool *)context &= e.kept;
    }
    return HEW_OK;
}

/* A caller that rounds up or flushes denormals does so in all of its threads, and they don't keep
 * it. */
static void mxcsr_goes_along(void)
{
    bool kept = true;
    const hew_threads errands = {send_out, &kept, 3};
    const unsigned before = _mm_getcsr();
    const hew_threads *threads = pool_of(3);
    _mm_setcsr((before & ~0x6000u) | 0x8040u | 0x4000u);
    const unsigned mine = _mm_getcsr();
    for (int again = 0; again < 200; again++)
        check_spread(threads, 40);
    check_spread(&errands, 5);
    assert_true(kept);
    assert_int_equal(_mm_getcsr() & ~0x3fu, mine & ~0x3fu);
    _mm_setcsr(before);
    for (int again = 0; again < 200; again++)
        check_spread(threads, 40);
    assert_int_equal(_mm_getcsr() & ~0x3fu, before & ~0x3fu);
}

static void never(void *context, size_t worker, size_t task)
{
    (void)worker;
    (void)task;
    *(bool *)context = true;
}

static hew_status strange(void *context, size_t n, hew_task *fn, void *arg)
{
    (void)n;
    (void)fn;
    (void)arg;
    return (hew_status)(intptr_t)context;
}

static void refusals(void)
{
    bool called = false;
    check_refused(hew_parallel(refusing(), 2, never, &called), HEW_ERR_SYSTEM, "HEW_ERR_SYSTEM");
    const hew_threads odd = {strange, (void *)(intptr_t)4711, 2};
    check_refused(hew_parallel(&odd, 2, never, &called), (hew_status)4711, "4711");
    assert_false(called);
    /* One task needs no parallel_for. */
    check_status(hew_parallel(refusing(), 1, never, &called), HEW_OK);
    assert_true(called);
}

static void threads_are_checked(void)
{
    check_status(hew_check_threads(NULL), HEW_OK);
    check_status(hew_check_threads(refusing()), HEW_OK);
    const hew_threads no_function = {NULL, NULL, 4}, no_count = {strange, NULL, 0};
    check_refused(hew_check_threads(&no_function), HEW_ERR_INVALID, "parallel_for is null");
    check_refused(hew_check_threads(&no_count), HEW_ERR_INVALID, "count is 0");
    const hew_threads null_pool = hew_pool_threads(NULL);
    check_status(hew_check_threads(&null_pool), HEW_ERR_INVALID);
}

static const test tests[] = {
    {"every_task_once", every_task_once},
    {"mxcsr_goes_along", mxcsr_goes_along},
    {"refusals", refusals},
    {"threads_are_checked", threads_are_checked},
};

int main(void)
{
    return run_once("parallel", TESTS(tests));
}
