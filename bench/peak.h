/*
 * peak.h - what this machine can do at most, measured: the yardstick for every `% of peak`.
 */
#ifndef HEW_BENCH_PEAK_H
#define HEW_BENCH_PEAK_H

#include "hew.h"

/* f32 GFLOP/s of one thread (an FMA counts as two): on the active rung, or on a given one, which
 * must be available.  The best of many short windows, some 20 ms in all.  The ref rung is measured
 * with the packed multiplies and adds of baseline x86-64. */
double hew_bench_peak_gflops(void);
double hew_bench_peak_gflops_of(hew_isa isa);

/* GOP/s of one thread in exact sums of products of 8-bit integers (a multiplication and an addition
 * count as two), measured alike: vpdpbusd where a rung has it, below that vpmaddwd and vpaddd. */
double hew_bench_peak_gops_of(hew_isa isa);

/*
 * GB/s of touching `bytes` bytes over and over, from the cache that holds them or from memory: by
 * copying one half to the other (what is read and what is written both count), or by reading.  The
 * best of many passes, spread over the threads (null: the calling one).  0 without memory for it.
 */
double hew_bench_copy_gbs(size_t bytes, const hew_threads *threads);
double hew_bench_read_gbs(size_t bytes, const hew_threads *threads);

/* The same as something to be run and timed among others; null when there is no memory for it.  A
 * run touches hew_bench_traffic_bytes, `bytes` but for some rounding. */
typedef struct hew_bench_traffic hew_bench_traffic;
hew_bench_traffic *hew_bench_traffic_create(size_t bytes, bool copy, const hew_threads *threads);
void hew_bench_traffic_run(void *traffic);
size_t hew_bench_traffic_bytes(const hew_bench_traffic *traffic);
void hew_bench_traffic_destroy(hew_bench_traffic *traffic);

/* A size that is out of cache: over 4 times L3 within 64 to 256 MB. */
size_t hew_bench_memory_bytes(void);

/* Independent operations on registers, at the rate at which the machine does them. */
typedef struct hew_peak_rate {
    void (*run)(size_t iterations);
    double ops; /* of one iteration */
} hew_peak_rate;

/* The loops, one file for each instruction set; call one only on its rung. */
typedef struct hew_peak_loops {
    hew_peak_rate fma, dots;
    uint64_t (*read)(const void *p, size_t bytes); /* aligned; a multiple of 1 KB */
    void (*copy)(void *to, const void *from, size_t bytes); /* likewise */
} hew_peak_loops;
extern const hew_peak_loops hew_peak_sse, hew_peak_avx2, hew_peak_avx512;
extern const hew_peak_rate hew_peak_avx2_vnni, hew_peak_avx512_vnni;

#endif
