/*
 * peak.c - times the loops of peak_sse.c, peak_avx2.c and peak_avx512.c.
 *
 * Other users of a shared machine can only slow a window down, so the best window counts.
 */
#include "peak.h"

#include "core.h"

#include <string.h>

static const hew_peak_loops *loops_of(hew_isa isa)
{
    if (isa >= HEW_ISA_AVX512)
        return &hew_peak_avx512;
    return isa >= HEW_ISA_AVX2 ? &hew_peak_avx2 : &hew_peak_sse;
}

double hew_bench_peak_gflops_of(hew_isa isa)
{
    const hew_peak_loops *loops = loops_of(isa);
    const size_t iterations = 40000; /* some 0.2 ms */
    double best = 0;
    loops->fma(iterations); /* wakes the wide units */
    for (const double end = hew_now() + 0.02; hew_now() < end;) {
        const double t0 = hew_now();
        loops->fma(iterations);
        const double rate = (double)iterations * loops->flops / (hew_now() - t0);
        best = rate > best ? rate : best;
    }
    return best * 1e-9;
}

double hew_bench_peak_gflops(void)
{
    return hew_bench_peak_gflops_of(hew_active_isa());
}

size_t hew_bench_memory_bytes(void)
{
    hew_cpu_info info = {.size = sizeof info};
    const size_t mb = (size_t)1 << 20;
    const size_t l3 = hew_cpu_query(&info) == HEW_OK ? info.l3 : 0;
    return hew_min(hew_max(5 * l3, 64 * mb), 256 * mb);
}

typedef struct pass {
    char *to, *from;
    size_t piece;
    uint64_t (*read)(const void *, size_t); /* null: copy */
    uint64_t sums[HEW_ALIGNMENT]; /* where the sums go, so that the reads are needed */
} pass;

static void pass_piece(void *arg, size_t i)
{
    pass *p = arg;
    const size_t at = i * p->piece;
    if (p->read)
        p->sums[i % HEW_ALIGNMENT] = p->read(p->from + at, p->piece);
    else
        memcpy(p->to + at, p->from + at, p->piece);
}

static double pass_seconds(pass *p, const hew_threads *threads, size_t repeats)
{
    const double t0 = hew_now();
    for (size_t r = 0; r < repeats; r++) {
        if (threads && threads->count > 1)
            threads->parallel_for(threads->context, threads->count, pass_piece, p);
        else
            pass_piece(p, 0);
        /* The next pass must not be thought to be the same as this one. */
        __asm__ volatile("" : : "r"(p->from), "r"(p->to) : "memory");
    }
    return (hew_now() - t0) / (double)repeats;
}

static double best_rate(size_t bytes, const hew_threads *threads, bool read)
{
    const size_t count = threads ? threads->count : 1;
    const size_t piece = hew_max(bytes / count / 1024 * 1024, 1024), total = piece * count;
    pass p = {.to = read ? NULL : hew_alloc(total), .from = hew_alloc(total), .piece = piece};
    p.read = read ? loops_of(hew_active_isa())->read : NULL;
    double best = 0;
    if (p.from && (read || p.to)) {
        memset(p.from, 1, total);
        if (p.to)
            memset(p.to, 2, total);
        const double once = pass_seconds(&p, threads, 1);
        const size_t repeats = once < 2e-4 ? (size_t)(2e-4 / (once > 1e-8 ? once : 1e-8)) + 1 : 1;
        const double end = hew_now() + 0.06;
        for (int i = 0; i < 3 || hew_now() < end; i++) {
            const double s = pass_seconds(&p, threads, repeats);
            const double rate = (double)total * (read ? 1 : 2) / s;
            best = rate > best ? rate : best;
        }
    }
    hew_free(p.to);
    hew_free(p.from);
    return best * 1e-9;
}

double hew_bench_copy_gbs(size_t bytes, const hew_threads *threads)
{
    return best_rate(bytes / 2, threads, false);
}

double hew_bench_read_gbs(size_t bytes, const hew_threads *threads)
{
    return best_rate(bytes, threads, true);
}
