/*
 * weights.h - where the weights of a channel lie.
 */
#ifndef HEW_WEIGHTS_H
#define HEW_WEIGHTS_H

#include "calibrate.h"
#include "hew/weights.h"

/* Element i of a channel c: w[c * channel + i * step], i < k. */
typedef struct hew_weights {
    size_t channels, k;
    size_t channel, step;
    size_t row;                /* elements of a row, of which s4 has whole bytes */
    size_t k_group, groups;    /* elements with one scale; and how many such groups in k */
    size_t taps, group_out, group_in; /* of the groups of a convolution, channels out and in */
    bool is_s4;
    size_t bytes; /* of q */
} hew_weights;

/* The input channel of element i of channel c. */
HEW_INLINE size_t hew_weights_input(const hew_weights *w, size_t c, size_t i)
{
    return c / w->group_out * w->group_in + i / w->taps;
}

/* Shapes alone; and the type of q too.  `op` names the caller in the message. */
hew_status hew_weights_check(const char *op, const hew_weights_desc *d, hew_weights *w);
hew_status hew_weights_check_q(const char *op, const hew_weights_desc *d, hew_weights *w);

/* q of element `at` of the floats. */
int32_t hew_weight_at(const hew_weights *w, const void *q, size_t at);

#endif
