/*
 * pool.c - the bundled threads.
 *
 * A job is n slices.  The caller publishes it in one word, `claims`, and then takes slices like
 * every worker does, by raising the word's low half until it meets the high one:
 *
 *     claims = | n : 32 | next slice : 32 |
 *
 * So nobody waits for a worker that hasn't woken, or that the system has put aside: whoever runs
 * takes what is left, and the caller waits at the end for slices in progress alone.  It also means
 * that waking more workers than there are CPUs can't help, and a pool of 24 on 2 CPUs wakes one.
 *
 * A worker that finds nothing spins and then sleeps on a semaphore (`sleepers`, `tickets`).
 * Between the layers of a network the next job comes within the spin, and dispatch is one cache
 * line's way to another core.  A sleeper costs its caller some 10 us and starts 50 us late on a
 * virtual CPU that went idle; so one that was called soon after it gave up is more patient next
 * time.
 *
 * The sequentially consistent operations are the two places where each side writes one word and
 * then reads the other's: claims (or closing) and sleepers, unfinished and caller_sleeps.
 */
#include "affinity.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xmmintrin.h>

#define SPIN_SECONDS 40e-6  /* what a sleep and a wake-up cost: spinning never loses more */
#define LONG_SECONDS 500e-6 /* spun where jobs have been coming at such a pace */
enum { MOST_THREADS = 4096 };

struct hew_pool {
    _Alignas(64) _Atomic uint64_t claims; /* workers spin on this line */
    hew_task *fn;
    void *arg;
    _Atomic int caller_cpu; /* where the last job was published */
    _Alignas(64) _Atomic uint32_t unfinished; /* slices; the caller sleeps on it */
    _Atomic uint32_t caller_sleeps;
    _Alignas(64) _Atomic uint32_t sleepers; /* workers asleep that nobody has a ticket for */
    _Atomic uint32_t tickets;               /* each lets one sleeper go; they sleep on it */
    _Alignas(64) atomic_bool taken; /* by a caller with a job in progress */
    atomic_bool closing;
    uint32_t workers, cpus;
    bool pinned;
    unsigned fork_count; /* when it was created */
    pthread_t thread[];
};

/* The pools whose tasks this thread is inside of, innermost first. */
typedef struct frame {
    const hew_pool *pool;
    const struct frame *outer;
} frame;
static _Thread_local const frame *inside;

/* ---------------------------------------------------------------------------- sleeping ---- */

/* Shared with no other process.  Returns on a wake, on a signal, or if *word isn't `expected`. */
static void futex_wait(_Atomic uint32_t *word, uint32_t expected)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, uint32_t count)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

/* With one CPU, whoever is waited for can only run when this thread doesn't. */
HEW_INLINE bool spin(hew_pool *pool, bool ready(hew_pool *), double seconds)
{
    if (ready(pool) || pool->cpus == 1)
        return ready(pool);
    const double end = hew_now() + seconds;
    do {
        for (int i = 0; i < 32; i++) {
            _mm_pause();
            if (ready(pool))
                return true;
        }
    } while (hew_now() < end);
    return false;
}

/* Takes up to `most` away from a counter; how many it got. */
static uint32_t take(_Atomic uint32_t *counter, uint32_t most)
{
    uint32_t have = atomic_load(counter), some;
    do
        some = have < most ? have : most;
    while (some > 0 && !atomic_compare_exchange_weak(counter, &have, have - some));
    return some;
}

static void wake_workers(hew_pool *pool, uint32_t most)
{
    const uint32_t count = take(&pool->sleepers, most);
    if (count > 0) {
        atomic_fetch_add(&pool->tickets, count);
        futex_wake(&pool->tickets, count);
        sched_yield(); /* to one that was put on this CPU: leave_callers_cpu */
    }
}

/* Something to do for a worker. */
static bool called(hew_pool *pool)
{
    const uint64_t claims = atomic_load(&pool->claims);
    return (uint32_t)claims < claims >> 32 || atomic_load(&pool->closing);
}

static void sleep_until_called(hew_pool *pool)
{
    atomic_fetch_add(&pool->sleepers, 1);
    /* A job published before that has not seen this sleeper. */
    if (called(pool) && take(&pool->sleepers, 1) == 1)
        return;
    while (take(&pool->tickets, 1) == 0)
        futex_wait(&pool->tickets, 0);
}

/* ------------------------------------------------------------------------------- working ---- */

static bool claim(hew_pool *pool, uint32_t *slice)
{
    uint64_t claims = atomic_load_explicit(&pool->claims, memory_order_relaxed);
    do {
        *slice = (uint32_t)claims;
        if (*slice >= claims >> 32)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&pool->claims, &claims, claims + 1,
                                                    memory_order_acquire, memory_order_relaxed));
    return true;
}

/* The job can't end while a claimed slice is unfinished, so fn and arg belong to the claim. */
static uint32_t run_slices(hew_pool *pool)
{
    uint32_t slice, finished = 0;
    for (; claim(pool, &slice); finished++)
        pool->fn(pool->arg, slice);
    return finished;
}

/* A scheduler may wake a worker on its caller's CPU, and leave the two there for milliseconds while
 * another CPU idles: Linux 6.18 does, on a virtual machine. */
static void leave_callers_cpu(const hew_pool *pool)
{
    const int cpu = sched_getcpu();
    if (!pool->pinned && pool->cpus > 1 && cpu >= 0 &&
        cpu == atomic_load_explicit(&pool->caller_cpu, memory_order_relaxed))
        hew_leave_cpu(cpu);
}

static void *worker(void *argument)
{
    hew_pool *const pool = argument;
    const frame here = {pool, NULL};
    inside = &here;
    double patience = SPIN_SECONDS;
    for (;;) {
        if (!spin(pool, called, patience)) {
            const double start = hew_now();
            sleep_until_called(pool);
            patience = hew_now() - start < LONG_SECONDS ? LONG_SECONDS : SPIN_SECONDS;
        }
        leave_callers_cpu(pool);
        const uint32_t finished = run_slices(pool);
        if (finished > 0 && atomic_fetch_sub(&pool->unfinished, finished) == finished &&
            atomic_load(&pool->caller_sleeps) != 0)
            futex_wake(&pool->unfinished, 1);
        if (finished == 0 && atomic_load(&pool->closing))
            return NULL;
    }
}

static bool all_finished(hew_pool *pool)
{
    return atomic_load_explicit(&pool->unfinished, memory_order_acquire) == 0;
}

static void wait_for_others(hew_pool *pool)
{
    if (spin(pool, all_finished, SPIN_SECONDS))
        return;
    atomic_store(&pool->caller_sleeps, 1);
    for (uint32_t left; (left = atomic_load(&pool->unfinished)) != 0;)
        futex_wait(&pool->unfinished, left);
    atomic_store_explicit(&pool->caller_sleeps, 0, memory_order_relaxed);
}

static void run_on_workers(hew_pool *pool, uint32_t n, hew_task *fn, void *arg)
{
    pool->fn = fn;
    pool->arg = arg;
    atomic_store_explicit(&pool->caller_cpu, sched_getcpu(), memory_order_relaxed);
    atomic_store_explicit(&pool->unfinished, n, memory_order_relaxed);
    atomic_store(&pool->claims, (uint64_t)n << 32);

    const uint32_t wanted = (n < pool->cpus ? n : pool->cpus) - 1;
    const uint32_t awake = pool->workers - atomic_load(&pool->sleepers);
    if (wanted > awake)
        wake_workers(pool, wanted - awake);

    const uint32_t finished = run_slices(pool);
    if (atomic_fetch_sub_explicit(&pool->unfinished, finished, memory_order_acq_rel) != finished)
        wait_for_others(pool);
}

/* ------------------------------------------------------------------------------- forking ---- */

/*
 * Workers don't survive into a fork's child.  A handler that counts forks tells at the price of one
 * load a run; getpid would be a system call in each, and MADV_WIPEONFORK a page and a newer kernel.
 * Only a raw clone() goes unnoticed, after which malloc isn't safe either.
 */
static atomic_uint fork_count;
static int atfork_error;

static void count_fork(void)
{
    atomic_fetch_add(&fork_count, 1);
}

static void watch_forks(void)
{
    atfork_error = pthread_atfork(NULL, NULL, count_fork);
}

static bool is_forked(const hew_pool *pool)
{
    return atomic_load_explicit(&fork_count, memory_order_relaxed) != pool->fork_count;
}

/* ---------------------------------------------------------------------------- parallel_for -- */

static hew_status pool_for(void *context, size_t n, hew_task *fn, void *arg)
{
    hew_pool *const pool = context;
    for (const frame *f = inside; f != NULL; f = f->outer)
        if (f->pool == pool)
            return hew_fail(HEW_ERR_BUSY, "a hew_pool was used from inside one of its own tasks");
    const frame here = {pool, inside};
    inside = &here;
    if (n >= 2 && n <= UINT32_MAX && pool->workers > 0 && !is_forked(pool) &&
        !atomic_exchange_explicit(&pool->taken, true, memory_order_acquire)) {
        run_on_workers(pool, (uint32_t)n, fn, arg);
        atomic_store_explicit(&pool->taken, false, memory_order_release);
    } else {
        for (size_t i = 0; i < n; i++)
            fn(arg, i);
    }
    inside = here.outer;
    return HEW_OK;
}

hew_threads hew_pool_threads(hew_pool *pool)
{
    if (pool == NULL)
        return (hew_threads){NULL, NULL, 0}; /* which every run refuses with a message */
    return (hew_threads){pool_for, pool, (size_t)pool->workers + 1};
}

/* --------------------------------------------------------------------- creation, the end ---- */

static int start_worker(hew_pool *pool, uint32_t i, bool pin, const cpu_set_t *mask, size_t bytes,
                        cpu_set_t *one)
{
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error != 0)
        return error;
    if (pin) {
        /* The caller's thread counts as 0, so worker i has the number i + 1. */
        size_t cpu = 0;
        for (uint32_t before = (i + 1) % pool->cpus; before > 0 || !CPU_ISSET_S(cpu, bytes, mask);)
            before -= CPU_ISSET_S(cpu++, bytes, mask) ? 1 : 0;
        CPU_ZERO_S(bytes, one);
        CPU_SET_S(cpu, bytes, one);
        error = pthread_attr_setaffinity_np(&attributes, bytes, one);
    }
    if (error == 0)
        error = pthread_create(&pool->thread[i], &attributes, worker, pool);
    pthread_attr_destroy(&attributes);
    return error;
}

/* pool->workers rises to how many there are; the first error ends it. */
static int start_workers(hew_pool *pool, uint32_t count, bool pin, const cpu_set_t *mask,
                         size_t bytes)
{
    cpu_set_t *const one = hew_malloc(bytes);
    if (one == NULL)
        return ENOMEM;
    /* Signals are for the program's own threads, but for those that a worker's code raises. */
    const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
    sigset_t most, before;
    sigfillset(&most);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(&most, faults[i]);
    pthread_sigmask(SIG_SETMASK, &most, &before);
    int error = 0;
    for (; error == 0 && pool->workers < count; pool->workers += error == 0)
        error = start_worker(pool, pool->workers, pin, mask, bytes, one);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    hew_mfree(one);
    return error;
}

static hew_status check(hew_pool **pool, const hew_pool_desc *desc)
{
    if (pool == NULL || desc == NULL)
        return hew_fail(HEW_ERR_INVALID, "hew_pool_create: %s is null",
                        pool == NULL ? "pool" : "desc");
    if (desc->size != sizeof *desc)
        return hew_fail(HEW_ERR_INVALID, "hew_pool_create: desc->size is %zu, not %zu", desc->size,
                        sizeof *desc);
    if (desc->threads > MOST_THREADS)
        return hew_fail(HEW_ERR_INVALID, "hew_pool_create: %zu threads are more than %d",
                        desc->threads, MOST_THREADS);
    return HEW_OK;
}

static hew_status create(hew_pool **out, const hew_pool_desc *desc, const cpu_set_t *mask,
                         size_t bytes)
{
    const size_t cpus = (size_t)CPU_COUNT_S(bytes, mask);
    const size_t workers = (desc->threads > 0 ? desc->threads : hew_min(cpus, MOST_THREADS)) - 1;
    hew_pool *const pool = hew_malloc(sizeof *pool + workers * sizeof pool->thread[0]);
    if (pool == NULL)
        return hew_fail(HEW_ERR_NO_MEMORY, "hew_pool_create: no memory for %zu threads",
                        workers + 1);
    pool->cpus = (uint32_t)cpus;
    pool->pinned = desc->pin;
    atomic_init(&pool->caller_cpu, -1);
    pool->fork_count = atomic_load(&fork_count);
    const int error = start_workers(pool, (uint32_t)workers, desc->pin, mask, bytes);
    if (error != 0) {
        const size_t started = pool->workers;
        hew_pool_destroy(pool);
        return hew_fail(error == ENOMEM ? HEW_ERR_NO_MEMORY : HEW_ERR_SYSTEM,
                        "hew_pool_create: cannot start worker %zu of %zu: %s", started + 1, workers,
                        strerror(error));
    }
    *out = pool;
    return HEW_OK;
}

hew_status hew_pool_create(hew_pool **pool, const hew_pool_desc *desc)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const hew_status status = check(pool, desc);
    if (status != HEW_OK)
        return status;
    pthread_once(&once, watch_forks);
    if (atfork_error != 0)
        return hew_fail(HEW_ERR_SYSTEM, "hew_pool_create: pthread_atfork: %s",
                        strerror(atfork_error));
    size_t bytes;
    cpu_set_t *const mask = hew_affinity_mask(&bytes);
    if (mask == NULL)
        return hew_fail(errno == ENOMEM ? HEW_ERR_NO_MEMORY : HEW_ERR_SYSTEM,
                        "hew_pool_create: the affinity mask: %s", strerror(errno));
    const hew_status created = create(pool, desc, mask, bytes);
    hew_mfree(mask);
    return created;
}

void hew_pool_destroy(hew_pool *pool)
{
    if (pool == NULL)
        return;
    if (!is_forked(pool)) {
        atomic_store(&pool->closing, true);
        wake_workers(pool, UINT32_MAX);
        for (uint32_t i = 0; i < pool->workers; i++)
            pthread_join(pool->thread[i], NULL);
    }
    hew_mfree(pool);
}
