/* harness_internal.h - what the files of the harness know of each other. */
#ifndef HEW_TEST_HARNESS_INTERNAL_H
#define HEW_TEST_HARNESS_INTERNAL_H

#include "harness.h"

extern struct harness {
    bool seeded, sanitized, emulating;
    uint64_t seed;
    const char *stream;   /* the running test's name without its rung */
    const char *test;     /* its whole name */
    char name[512];       /* its case */
    char threads[32];
    hew_isa rung;
    uint32_t mxcsr;
} harness;

/* Gives back what the runs of a group left for the next one. */
void drop_pools(void);
void drop_regions(void);

#endif
