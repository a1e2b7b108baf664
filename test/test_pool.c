/* hew_pool: many small jobs, nesting, callers at once, forks, too many threads, no memory. */
#include "harness.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef HEW_SANITIZED /* the sanitizer builds define it as 1 */
#define HEW_SANITIZED 0
#endif

static const size_t counts[] = {1, 2, 3, 8, 24};
enum { COUNTS = sizeof counts / sizeof counts[0], MOST_SLICES = 64 };

static hew_pool *new_pool(size_t threads)
{
    hew_pool *pool = NULL;
    check_status(hew_pool_create(&pool, &HEW_POOL_DESC(.threads = threads)), HEW_OK);
    assert_int_equal(hew_pool_threads(pool).count, threads);
    return pool;
}

/* A job that counts what runs.  Plain ints: a missing happens-before is a race for TSan to see. */
typedef struct tally {
    int runs[MOST_SLICES];
} tally;

static void count_slice(void *arg, size_t i)
{
    ((tally *)arg)->runs[i]++;
}

static bool run_tally(hew_threads threads, size_t n)
{
    tally t = {{0}};
    bool good = threads.parallel_for(threads.context, n, count_slice, &t) == HEW_OK;
    for (size_t i = 0; i < MOST_SLICES; i++)
        good &= t.runs[i] == (i < n);
    return good;
}

static void tiny_jobs(void)
{
    for (size_t c = 0; c < COUNTS; c++) {
        rng r = case_rng("%zu threads", counts[c]);
        hew_pool *pool = new_pool(counts[c]);
        for (int job = 0; job < 5000; job++) {
            const size_t n = (size_t)rng_between(&r, 0, rng_chance(&r, 4) ? MOST_SLICES : 4);
            assert_true(run_tally(hew_pool_threads(pool), n));
        }
        hew_pool_destroy(pool);
    }
}

/* Pauses around the workers' spin: they are caught awake, going to sleep and asleep. */
static void pauses_between_jobs(void)
{
    for (size_t c = 0; c < COUNTS; c++) {
        rng r = case_rng("%zu threads", counts[c]);
        hew_pool *pool = new_pool(counts[c]);
        for (int job = 0; job < 200; job++) {
            const double until = hew_now() + 1e-6 * (double)rng_between(&r, 0, 150);
            while (hew_now() < until)
                ;
            if (job % 10 == 0)
                usleep(1000);
            assert_true(run_tally(hew_pool_threads(pool), counts[c]));
        }
        hew_pool_destroy(pool);
    }
}

static void created_and_destroyed(void)
{
    for (int again = 0; again < 100; again++) {
        hew_pool *pool = new_pool(1 + (size_t)again % 5);
        if (again % 3 == 0)
            usleep(300);
        if (again % 2 == 0)
            assert_true(run_tally(hew_pool_threads(pool), 3));
        hew_pool_destroy(pool);
    }
    hew_pool_destroy(NULL);
}

static void nonsense(void)
{
    hew_pool *const untouched = (hew_pool *)&counts;
    hew_pool *pool = untouched;
    check_refused(hew_pool_create(NULL, &HEW_POOL_DESC(.threads = 1)), HEW_ERR_INVALID, "null");
    check_refused(hew_pool_create(&pool, NULL), HEW_ERR_INVALID, "null");
    check_refused(hew_pool_create(&pool, &(hew_pool_desc){.size = 3}), HEW_ERR_INVALID, "size");
    check_refused(hew_pool_create(&pool, &HEW_POOL_DESC(.threads = 5000)), HEW_ERR_INVALID,
                  "5000");
    check_status(hew_pool_create(&pool, &HEW_POOL_DESC(.threads = SIZE_MAX)), HEW_ERR_INVALID);
    assert_ptr_equal(pool, untouched);
    const hew_threads none = hew_pool_threads(NULL);
    assert_true(none.parallel_for == NULL && none.context == NULL && none.count == 0);
}

/* ---------------------------------------------------------------------------- two at once -- */

/* Both slices wait, a while, until the other has begun: so they run on two threads. */
typedef struct meeting {
    atomic_int here;
    int cpus[2];
    pid_t thread[2];
} meeting;

static void meet(void *arg, size_t i)
{
    meeting *const m = arg;
    cpu_set_t set;
    sched_getaffinity(0, sizeof set, &set);
    m->cpus[i] = CPU_COUNT(&set);
    m->thread[i] = (pid_t)syscall(SYS_gettid);
    atomic_fetch_add(&m->here, 1);
    const double until = hew_now() + 5;
    while (atomic_load(&m->here) < 2 && hew_now() < until)
        usleep(100);
    if (m->thread[i] != getpid())
        usleep(3000); /* the caller has to sleep for it */
}

static void workers_work(void)
{
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    hew_pool *as_many;
    check_status(hew_pool_create(&as_many, &HEW_POOL_DESC(.threads = 0)), HEW_OK);
    assert_int_equal(hew_pool_threads(as_many).count, CPU_COUNT(&set));
    hew_pool_destroy(as_many);
    if (CPU_COUNT(&set) < 2)
        skip(); /* nobody is woken */
    for (int pin = 0; pin < 2; pin++) {
        hew_pool *pool;
        check_status(hew_pool_create(&pool, &HEW_POOL_DESC(.threads = 5, .pin = pin)), HEW_OK);
        const hew_threads t = hew_pool_threads(pool);
        for (int again = 0; again < 3; again++) {
            meeting m = {.here = 0};
            check_status(t.parallel_for(t.context, 2, meet, &m), HEW_OK);
            assert_int_not_equal(m.thread[0], m.thread[1]);
            for (int i = 0; i < 2; i++)
                assert_int_equal(m.cpus[i], pin && m.thread[i] != getpid() ? 1 : CPU_COUNT(&set));
        }
        hew_pool_destroy(pool);
    }
}

/* -------------------------------------------------------------------------------- nesting -- */

typedef struct nest {
    hew_threads outer, inner;
    hew_status status[MOST_SLICES];
    bool told[MOST_SLICES];
} nest;

static void run_inner(void *arg, size_t i)
{
    nest *const n = arg;
    tally t = {{0}};
    n->status[i] = n->inner.parallel_for(n->inner.context, 4, count_slice, &t);
    n->told[i] = strstr(hew_last_error(), "inside one of its own tasks") != NULL;
    for (int s = 0; s < 4; s++)
        if (t.runs[s] != (n->status[i] == HEW_OK))
            n->status[i] = HEW_ERR_INVALID;
}

static void run_inner_in_between(void *arg, size_t i)
{
    (void)i;
    nest *const n = arg;
    n->outer.parallel_for(n->outer.context, 3, run_inner, n);
}

static void nested(void)
{
    for (size_t c = 0; c < COUNTS; c++) {
        case_rng("%zu threads", counts[c]);
        hew_pool *one = new_pool(counts[c]), *two = new_pool(3);
        const hew_threads of_one = hew_pool_threads(one), of_two = hew_pool_threads(two);
        nest same = {.inner = of_one}, other = {.inner = of_two};
        nest around = {.outer = of_two, .inner = of_one};
        for (int again = 0; again < 100; again++) {
            check_status(of_one.parallel_for(of_one.context, 8, run_inner, &same), HEW_OK);
            check_status(of_one.parallel_for(of_one.context, 8, run_inner, &other), HEW_OK);
            for (int i = 0; i < 8; i++) {
                check_status(same.status[i], HEW_ERR_BUSY);
                assert_true(same.told[i]);
                check_status(other.status[i], HEW_OK);
            }
            /* one > two > one: refused on the threads of one, served on two's own. */
            check_status(of_one.parallel_for(of_one.context, 1, run_inner_in_between, &around),
                         HEW_OK);
            for (int i = 0; i < 3; i++)
                assert_true(around.status[i] == HEW_ERR_BUSY || around.status[i] == HEW_OK);
        }
        assert_true(run_tally(of_one, 5));
        hew_pool_destroy(one);
        hew_pool_destroy(two);
    }
}

/* ------------------------------------------------------------------------ several callers -- */

static void *caller(void *arg)
{
    const hew_threads *t = arg;
    for (size_t job = 0; job < 2000; job++)
        if (!run_tally(*t, job % 9))
            return arg;
    return NULL;
}

static void concurrent_callers(void)
{
    for (size_t c = 0; c < COUNTS; c++) {
        hew_pool *pool = new_pool(counts[c]);
        hew_threads t = hew_pool_threads(pool);
        pthread_t threads[4];
        for (int i = 0; i < 4; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, caller, &t), 0);
        for (int i = 0; i < 4; i++) {
            void *bad;
            pthread_join(threads[i], &bad);
            assert_null(bad);
        }
        hew_pool_destroy(pool);
    }
}

/* --------------------------------------------------------------------------------- forks --- */

static void note_thread(void *arg, size_t i)
{
    ((pid_t *)arg)[i] = (pid_t)syscall(SYS_gettid);
}

/* 0 if all is well in the child. */
static int in_the_child(hew_pool *pool)
{
    const hew_threads t = hew_pool_threads(pool);
    pid_t ran[8];
    for (int again = 0; again < 20; again++) {
        if (t.parallel_for(t.context, 8, note_thread, ran) != HEW_OK)
            return 1;
        for (int i = 0; i < 8; i++)
            if (ran[i] != getpid())
                return 2;
    }
    hew_pool_destroy(pool);
    if (HEW_SANITIZED)
        return 0; /* TSan wants no threads in a fork's child */
    hew_pool *own;
    if (hew_pool_create(&own, &HEW_POOL_DESC(.threads = 3)) != HEW_OK)
        return 3;
    for (int again = 0; again < 200; again++)
        if (!run_tally(hew_pool_threads(own), 7))
            return 4;
    hew_pool_destroy(own);
    return 0;
}

typedef struct busy {
    hew_threads threads;
    atomic_bool stop;
} busy;

static void *busy_caller(void *arg)
{
    busy *const b = arg;
    while (!atomic_load(&b->stop))
        if (!run_tally(b->threads, 6))
            return arg;
    return NULL;
}

static void forked(void)
{
    hew_pool *pool = new_pool(4);
    const hew_threads t = hew_pool_threads(pool);
    busy shared = {.threads = t};
    pthread_t other;
    assert_true(run_tally(t, 4));
    assert_int_equal(pthread_create(&other, NULL, busy_caller, &shared), 0);
    for (int again = 0; again < 10; again++) {
        fflush(NULL);
        const pid_t child = fork();
        if (child == 0)
            _exit(in_the_child(pool));
        int status;
        waitpid(child, &status, 0);
        assert_int_equal(status, 0);
        assert_true(run_tally(t, 6));
    }
    atomic_store(&shared.stop, true);
    void *bad;
    pthread_join(other, &bad);
    assert_null(bad);
    hew_pool_destroy(pool);
}

/* -------------------------------------------------------------------------------- limits --- */

static void out_of_memory(void)
{
    hew_pool *const untouched = (hew_pool *)&counts;
    hew_pool *pool = untouched;
    for (long allocations = 0; pool == untouched; allocations++) {
        case_rng("%ld allocations", allocations);
        atomic_store(&hew_malloc_fail_after, allocations);
        const hew_status status = hew_pool_create(&pool, &HEW_POOL_DESC(.threads = 3, .pin = true));
        atomic_store(&hew_malloc_fail_after, -1);
        check_status(status, pool == untouched ? HEW_ERR_NO_MEMORY : HEW_OK);
        assert_in_range(allocations, 0, 9);
    }
    assert_true(run_tally(hew_pool_threads(pool), 5));
    hew_pool_destroy(pool);
}

/* In a child with too little address space for the stacks of so many threads. */
static void no_more_threads(void)
{
    if (HEW_SANITIZED)
        skip(); /* whose own memory is beyond any limit */
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        const rlim_t bytes = 512 << 20;
        setrlimit(RLIMIT_AS, &(struct rlimit){bytes, bytes});
        hew_pool *pool = NULL;
        const hew_status status = hew_pool_create(&pool, &HEW_POOL_DESC(.threads = 1000));
        const bool told = strstr(hew_last_error(), "cannot start worker") != NULL;
        _exit(status == HEW_ERR_SYSTEM && pool == NULL && told ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

static void spend(void *arg, size_t i)
{
    (void)i;
    for (volatile int left = *(const int *)arg; left > 0; left--)
        ;
}

static double seconds_of(hew_threads t, int jobs, int work)
{
    const double start = hew_now();
    for (int job = 0; job < jobs; job++)
        check_status(t.parallel_for(t.context, 24, spend, &work), HEW_OK);
    return hew_now() - start;
}

/* 24 threads do what one does in at most 24 / CPUs of its time: a bound that a busy machine keeps
 * as well, since both suffer. */
static void more_threads_than_cpus(void)
{
    hew_pool *one = new_pool(1), *many = new_pool(24);
    double alone = 0, together = 0;
    for (int round = 0; round < 10; round++) {
        alone += seconds_of(hew_pool_threads(one), 20, 2000);
        together += seconds_of(hew_pool_threads(many), 20, 2000);
    }
    print_message("  24 threads take %.2f of one thread's time\n", together / alone);
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    assert_true(together < alone * (CPU_COUNT(&set) < 12 ? 24.0 / CPU_COUNT(&set) : 2));
    hew_pool_destroy(one);
    hew_pool_destroy(many);
}

static const test tests[] = {
    {"tiny_jobs", tiny_jobs},
    {"pauses_between_jobs", pauses_between_jobs},
    {"created_and_destroyed", created_and_destroyed},
    {"nonsense", nonsense},
    {"workers_work", workers_work},
    {"nested", nested},
    {"concurrent_callers", concurrent_callers},
    {"forked", forked},
    {"out_of_memory", out_of_memory},
    {"no_more_threads", no_more_threads},
    {"more_threads_than_cpus", more_threads_than_cpus},
};

int main(void)
{
    return run_once("pool", TESTS(tests));
}
