/* rivals.h - a peer's operation for a job, as a contestant. */
#ifndef HEW_BENCH_RIVALS_H
#define HEW_BENCH_RIVALS_H

#include "peer.h"

enum { MAX_VARIANTS = 4 };

typedef struct rival {
    const peer_api *api;
    void *op;
} rival;

/*
 * Makes each of a peer's variants and keeps those whose result is right: at most MAX_VARIANTS go to
 * `rivals`.  Returns how many; sets *wrong if there were some and none was right.
 */
size_t rival_gather(const peer_api *api, const bench_job *job, void *expected,
                    rival *rivals, bool *wrong, bool verbose);

/* A short contest among a peer's variants.  The fastest goes to rivals[0], the others go. */
void rival_choose(rival *rivals, size_t count, double seconds, bool threaded);

void rival_run(void *op); /* of a contestant whose op is a rival */

#endif
