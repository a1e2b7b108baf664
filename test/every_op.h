/* every_op.h - one run of each operation of the library, with work for several threads. */
#ifndef HEW_TEST_EVERY_OP_H
#define HEW_TEST_EVERY_OP_H

#include "harness.h"

/* What runs read, the same for all; `floats` of each. */
typedef struct inputs {
    float *x, *y, *z;   /* any, finite */
    uint16_t *h, *w;    /* bf16 */
    uint8_t *q;         /* u8, s8 */
    int32_t *index;     /* 0 .. 63 */
    float *positive;
} inputs;

enum { FLOATS = 1 << 18, SCRATCH_BYTES = 1 << 22 };

/* What a run has to itself: an output of FLOATS floats, scratch, and ways to run tasks. */
typedef struct run_args {
    const inputs *in;
    const void *op, *packed; /* what `create` made, for all runs */
    float *out;
    void *scratch;
    const hew_threads *threads;
} run_args;

typedef struct every_op {
    const char *name;
    hew_status (*run)(const run_args *a);
    void (*create)(const inputs *in, void **op, void **packed); /* null: there is nothing to make */
    void (*destroy)(void *op);
} every_op;

extern const every_op every_ops[];
extern const size_t every_op_count;

#endif
