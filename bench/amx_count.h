/*
 * amx_count.h - what a problem costs on AMX, counted and not timed: its code runs under the
 * emulator of test/emu, which carries out AMX instructions and counts them by kind.
 */
#ifndef HEW_BENCH_AMX_COUNT_H
#define HEW_BENCH_AMX_COUNT_H

#include "hew.h"
#include "problem.h"

typedef struct amx_counts {
    uint64_t multiplies;                     /* TDP* */
    uint64_t loads, stores, zeros, configs;  /* TILELOADD*, TILESTORED, TILEZERO, LDTILECFG and
                                                TILERELEASE */
    uint64_t others; /* instructions of the CPU's own, if they were counted */
} amx_counts;

/* Tile instructions that don't multiply. */
static inline uint64_t amx_other_tiles(const amx_counts *c)
{
    return c->loads + c->stores + c->zeros + c->configs;
}

/* Null, or why nothing can be emulated here.  Before the library is asked anything. */
const char *amx_count_begin(void);

/*
 * One run of a conv or gemm on one thread, with bias and relu: u8 times s8 to u8 (type HEW_U8), or
 * bf16 times bf16 to bf16 (HEW_BF16).  With `step` the trap flag is set while it runs, which counts
 * its other instructions at 12 us each.  False, with the reason in `why`, when the library refuses.
 */
bool amx_count(const problem *p, hew_type type, bool step, amx_counts *counts,
               char why[PROBLEM_WHY]);

/*
 * The least number of tile multiplies that do all products of a problem, each on full tiles: 16
 * rows of A (output pixels of the whole batch), 16 columns, 64 bytes of k (all taps and channels of
 * a group).  Taps in the padding count.
 */
uint64_t amx_least_multiplies(const problem *p, hew_type type);

/*
 * Cycles that no order of the instructions can go below on Sapphire Rapids, by unit: the tile
 * multiplier takes 16 cycles for a multiply, the two load ports 8 for a tile, the store port 16,
 * and 6 instructions of any kind begin in a cycle.
 */
typedef struct amx_cycles {
    double multiply, load, store, issue;
    double together; /* the largest: all units at work at once */
    double apart;    /* loads behind multiplies; stores and other instructions beside neither */
} amx_cycles;
amx_cycles amx_model(const amx_counts *c);

/* What the JIT of oneDNN takes for the same, counted in the same way. */
typedef struct amx_peer {
    const char *text;
    hew_type type;
    uint64_t multiplies, others; /* tile instructions */
} amx_peer;
enum { AMX_PEERS = 7 };
extern const amx_peer amx_peers[AMX_PEERS];
const amx_peer *amx_peer_of(const problem *p, hew_type type); /* or null */

#endif
