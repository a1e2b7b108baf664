/*
 * against.h - this library itself as a contestant: the same problem with other types, on the same
 * rung and threads.
 */
#ifndef HEW_BENCH_AGAINST_H
#define HEW_BENCH_AGAINST_H

#include "peer.h"

/* Types and threads (null: the calling one) of the contestants that are made from then on. */
const peer_api *against(const bench_types *types, const hew_threads *threads);

/* "hew:f32": static. */
const char *against_name(const bench_types *types);

#endif
