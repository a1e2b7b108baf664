/*
 * core.h - what every file of the library may lean on: attributes, errors, checked arithmetic.
 */
#ifndef HEW_CORE_H
#define HEW_CORE_H

#include "hew/base.h"

#define HEW_INLINE static inline __attribute__((always_inline))

/* Full unrolling of a loop whose bounds are literals after inlining; gcc and clang differ. */
#if defined(__clang__)
#define HEW_UNROLL _Pragma("clang loop unroll(full)")
#else
#define HEW_UNROLL _Pragma("GCC unroll 32")
#endif

/* Outputs are written past the cache where they and the inputs they are made of come to so much: it
 * would hold little that is read again.  A quarter of an L3 cache of 32 MB, from which other cores
 * want something too; under it storing past the cache takes up to one and a half times as long. */
enum { HEW_STREAM_BYTES = 8 << 20 };

/* Makes a value opaque: the compiler can neither recompute it nor merge it with another. */
#define HEW_HIDE(x) __asm__("" : "+r"(x))
/* The same, but where a value is hidden twice, gcc takes the second for new too. */
#define HEW_FORGET(x) __asm__ volatile("" : "+r"(x))
/* What memory holds is loaded again after this, where it is used next. */
#define HEW_RELOAD() __asm__ volatile("" ::: "memory")
#define HEW_PIN(x) __asm__("" : "+v"(x)) /* of a vector register */

#define HEW_LIKELY(x) __builtin_expect(!!(x), 1)
#define HEW_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Sets hew_last_error() of this thread and returns `status`.  printf-like. */
__attribute__((format(printf, 2, 3), cold)) hew_status hew_fail(hew_status status,
                                                                const char *format, ...);

/* True when HEW_VERBOSE is on; read once. */
bool hew_verbose(void);

/* Seconds on a monotonic clock. */
double hew_now(void);

/* One line to stderr: "hew: ..." with a newline added, in one write. */
__attribute__((format(printf, 1, 2), cold)) void hew_verbose_line(const char *format, ...);

/* Every allocation of the library goes through these two. */
void *hew_malloc(size_t bytes); /* zeroed, 64-byte aligned, or null */
void hew_mfree(void *p);

/* The test hook: so many more allocations succeed, then all fail.  Negative: no limit. */
extern _Atomic long hew_malloc_fail_after;

HEW_INLINE size_t hew_min(size_t a, size_t b) { return a < b ? a : b; }
HEW_INLINE int64_t hew_min_i64(int64_t a, int64_t b) { return a < b ? a : b; }
HEW_INLINE int64_t hew_max_i64(int64_t a, int64_t b) { return a > b ? a : b; }
HEW_INLINE size_t hew_max(size_t a, size_t b) { return a > b ? a : b; }
HEW_INLINE size_t hew_ceil_div(size_t a, size_t b) { return a / b + (a % b != 0); }
HEW_INLINE size_t hew_round_up(size_t a, size_t b) { return hew_ceil_div(a, b) * b; }

/* Cuts n things into `pieces` even ones, the longer first: piece i begins here. */
HEW_INLINE size_t hew_cut(size_t n, size_t pieces, size_t i)
{
    return n / pieces * i + hew_min(n % pieces, i);
}

/* *out = a * b (or a + b); false on overflow or when the result passes INT64_MAX. */
HEW_INLINE bool hew_mul(int64_t a, int64_t b, int64_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}
HEW_INLINE bool hew_add(int64_t a, int64_t b, int64_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

/* shared + threads * each, or SIZE_MAX, which no allocation meets, where that overflows. */
HEW_INLINE size_t hew_scratch_bytes(size_t shared, size_t each, size_t threads)
{
    size_t bytes;
    if (__builtin_mul_overflow(each, hew_max(threads, 1), &bytes) ||
        __builtin_add_overflow(bytes, shared, &bytes))
        return SIZE_MAX;
    return bytes;
}

/* The next `bytes` of scratch, which starts and stays 64-byte aligned. */
HEW_INLINE void *hew_take(char **scratch, size_t bytes)
{
    void *p = *scratch;
    *scratch += hew_round_up(bytes, HEW_ALIGNMENT);
    return p;
}

/*
 * Spreads `tasks` tasks over the threads: fn(context, worker, task) for every task, workers taken
 * from [0, min(threads->count, tasks)), each first through its own share of the tasks.  Two tasks
 * with the same worker never run at once, so `worker` selects scratch.  threads may be null.
 */
typedef void hew_task_fn(void *context, size_t worker, size_t task);
hew_status hew_parallel(const hew_threads *threads, size_t tasks, hew_task_fn *fn, void *context);

/* Common checks of a run's `threads` argument; HEW_OK when null. */
hew_status hew_check_threads(const hew_threads *threads);

#endif
