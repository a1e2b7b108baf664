/*
 * peer.h - another library, behind one interface.
 *
 * Each peer is a plugin, build/bench/peer_NAME.so, loaded with its symbols to itself: two of them
 * define the same cblas_sgemm.  A plugin exports one peer_api named hew_bench_peer.
 */
#ifndef HEW_BENCH_PEER_H
#define HEW_BENCH_PEER_H

#include "job.h"

enum { PEER_API_VERSION = 2, PEER_WHY = 160 };

typedef struct peer_api {
    int api; /* PEER_API_VERSION */
    const char *name;

    /* The library and its version, in words. */
    const char *(*about)(void);

    /*
     * Prepares a job: weights packed, activations in the layout that the library likes, threads
     * set.  variant = 0, 1, ... are the library's different ways to do the job, of which the
     * fastest counts.  Null, with the reason in `why`, when it can't; null with an empty `why` when
     * there is no such variant.  The job's operands must outlive the result.
     */
    void *(*create)(const bench_job *job, int variant, char why[PEER_WHY]);

    void (*run)(void *op);

    /* What the runs so far left in the output, dense and in this library's layout.  False where it
     * is known to be something else than the job asks for, and nothing to compare with. */
    bool (*output)(void *op, void *out);

    /* "brgconv:avx512_core nhwc": what does the work. */
    const char *(*label)(const void *op);

    void (*destroy)(void *op);
} peer_api;

#define PEER_SYMBOL "hew_bench_peer"
HEW_API extern const peer_api hew_bench_peer;

#endif
