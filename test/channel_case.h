/* channel_case.h - runs of group and batch norm, forward and backward, against their definition. */
#ifndef HEW_TEST_CHANNEL_CASE_H
#define HEW_TEST_CHANNEL_CASE_H

#include "norm_case.h"

/* Which tensors are one: out is in or residual; backward: d_in or d_residual is d_out. */
typedef enum channel_alias { APART, ALIAS_IN, ALIAS_RESIDUAL, CHANNEL_ALIASES } channel_alias;

/* A group norm, or the batch norm of the same tensors. */
typedef struct channel_case {
    bool batch;
    hew_group_norm_desc g; /* of a batch norm: its shape */
    hew_batch_norm_desc b;
    bool residual, gamma, beta, statistics; /* given or wanted; backward: d_gamma and so on */
    channel_alias alias;
} channel_case;

/* Shapes and flags of all kinds; images of `pixels`. */
channel_case channel_random(rng *r, int i, int64_t images, int64_t pixels, int64_t channels);

void channel_check(const channel_case *s, rng *r, fill kind, const hew_threads *threads);
void channel_check_backward(const channel_case *s, rng *r, fill kind, const hew_threads *threads);

#endif
