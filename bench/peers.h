/* peers.h - finds and loads the plugins of peer.h. */
#ifndef HEW_BENCH_PEERS_H
#define HEW_BENCH_PEERS_H

#include "peer.h"

/* Other libraries; and with this one on other types, all that a case is held against. */
enum { PEERS_MAX = 4, RIVALS_MAX = PEERS_MAX + 1 };
extern const char *const peer_names[PEERS_MAX]; /* onednn, openblas, blis, libxsmm */

/* The plugin of that name, beside this program in bench/.  Null, with the reason in `why`. */
const peer_api *peer_load(const char *name, char why[PEER_WHY]);

#endif
