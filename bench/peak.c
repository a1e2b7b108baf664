/*
 * peak.c - times the loops of the peak_*.c.
 *
 * Other users of a shared machine can only slow a window down, so the best window counts.
 */
#include "peak.h"

#include "core.h"

#include <stdlib.h>
#include <string.h>

static const hew_peak_loops *loops_of(hew_isa isa)
{
    if (isa >= HEW_ISA_AVX512)
        return &hew_peak_avx512;
    return isa >= HEW_ISA_AVX2 ? &hew_peak_avx2 : &hew_peak_sse;
}

static const hew_peak_rate *dots_of(hew_isa isa)
{
    if (isa >= HEW_ISA_AVX512_VNNI)
        return &hew_peak_avx512_vnni;
    return isa == HEW_ISA_AVX2_VNNI ? &hew_peak_avx2_vnni : &loops_of(isa)->dots;
}

static double best_ops(const hew_peak_rate *loop)
{
    const size_t iterations = 40000; /* some 0.2 ms */
    double best = 0;
    loop->run(iterations); /* wakes the wide units */
    for (const double end = hew_now() + 0.02; hew_now() < end;) {
        const double t0 = hew_now();
        loop->run(iterations);
        const double rate = (double)iterations * loop->ops / (hew_now() - t0);
        best = rate > best ? rate : best;
    }
    return best * 1e-9;
}

double hew_bench_peak_gflops_of(hew_isa isa)
{
    return best_ops(&loops_of(isa)->fma);
}

double hew_bench_peak_gops_of(hew_isa isa)
{
    return best_ops(dots_of(isa));
}

double hew_bench_peak_gflops(void)
{
    return hew_bench_peak_gflops_of(hew_active_isa());
}

static size_t in_cache_bytes(void)
{
    hew_cpu_info info = {.size = sizeof info};
    return hew_cpu_query(&info) == HEW_OK ? info.l3 : 0;
}

size_t hew_bench_memory_bytes(void)
{
    const size_t mb = (size_t)1 << 20;
    return hew_min(hew_max(5 * in_cache_bytes(), 64 * mb), 256 * mb);
}

/* Pieces, one for each thread, of a buffer that is read or of two that are copied. */
struct hew_bench_traffic {
    char *to, *from;
    size_t piece, pieces;
    uint64_t (*read)(const void *, size_t); /* null: copy */
    void (*copy)(void *, const void *, size_t);
    const hew_threads *threads;
    uint64_t sums[HEW_ALIGNMENT]; /* where the sums go, so that the reads are needed */
};

static void touch_piece(void *arg, size_t i)
{
    hew_bench_traffic *t = arg;
    const size_t at = i * t->piece;
    if (t->read)
        t->sums[i % HEW_ALIGNMENT] = t->read(t->from + at, t->piece);
    else if (t->copy)
        t->copy(t->to + at, t->from + at, t->piece);
    else
        memcpy(t->to + at, t->from + at, t->piece);
}

hew_bench_traffic *hew_bench_traffic_create(size_t bytes, bool copy, const hew_threads *threads)
{
    hew_bench_traffic *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->threads = threads;
    t->pieces = threads ? threads->count : 1;
    t->piece = hew_max(bytes / (copy ? 2 : 1) / t->pieces / 1024 * 1024, 1024);
    t->read = copy ? NULL : loops_of(hew_active_isa())->read;
    /* Beyond the caches, memcpy knows how not to read what it writes. */
    t->copy = bytes < in_cache_bytes() ? loops_of(hew_active_isa())->copy : NULL;
    t->from = hew_alloc(t->piece * t->pieces);
    t->to = copy ? hew_alloc(t->piece * t->pieces) : NULL;
    if (!t->from || (copy && !t->to)) {
        hew_bench_traffic_destroy(t);
        return NULL;
    }
    memset(t->from, 1, t->piece * t->pieces);
    if (copy)
        memset(t->to, 2, t->piece * t->pieces);
    return t;
}

void hew_bench_traffic_run(void *traffic)
{
    hew_bench_traffic *t = traffic;
    if (t->pieces > 1)
        t->threads->parallel_for(t->threads->context, t->pieces, touch_piece, t);
    else
        touch_piece(t, 0);
    /* The next run must not be thought to be the same as this one. */
    __asm__ volatile("" : : "r"(t->from), "r"(t->to) : "memory");
}

size_t hew_bench_traffic_bytes(const hew_bench_traffic *t)
{
    return t->piece * t->pieces * (t->read ? 1 : 2);
}

void hew_bench_traffic_destroy(hew_bench_traffic *t)
{
    if (!t)
        return;
    hew_free(t->from);
    hew_free(t->to);
    free(t);
}

static double best_rate(size_t bytes, bool copy, const hew_threads *threads)
{
    hew_bench_traffic *t = hew_bench_traffic_create(bytes, copy, threads);
    if (!t)
        return 0;
    double best = 0;
    size_t repeats = 1;
    const double end = hew_now() + 0.06;
    for (int i = 0; i < 3 || hew_now() < end; i++) {
        const double t0 = hew_now();
        for (size_t r = 0; r < repeats; r++)
            hew_bench_traffic_run(t);
        const double s = hew_now() - t0;
        const double rate = (double)(repeats * hew_bench_traffic_bytes(t)) / s;
        best = rate > best ? rate : best;
        if (s < 1e-4)
            repeats *= 2;
    }
    hew_bench_traffic_destroy(t);
    return best * 1e-9;
}

double hew_bench_copy_gbs(size_t bytes, const hew_threads *threads)
{
    return best_rate(bytes, true, threads);
}

double hew_bench_read_gbs(size_t bytes, const hew_threads *threads)
{
    return best_rate(bytes, false, threads);
}
