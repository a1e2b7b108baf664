/*
 * What a net computes in: a table with an entry for each choice.
 *
 * Everything else asks the entry.  Results, which callers read, are f32 whatever it says, and so is
 * what softmax reads and writes: quantize.c.
 */
#ifndef HEW_NET_TYPES_H
#define HEW_NET_TYPES_H

#include "graph.h"

struct net_type {
    const char *name;           /* "u8s8": activations, weights */
    hew_type tensors, weights;
    bool ranged;                /* tensors have a scale and a zero point, by calibration */
    const char *pooling;        /* the kernels' family */
    const char *unit;           /* of its speed: 1e9 operations a second */
    double (*peak)(void);       /* of one thread, in that unit */
    double agreement;           /* largest difference of a logit from another library's floats;
                                   0: there are rounding errors by design, only accuracy counts */
    double loss;                /* percentage points of accuracy that it may cost */

    /* `count` floats to elements of a tensor. */
    hew_status (*put)(const struct net_tensor *tensor, const float *in, int count, void *out);

    /* What to pack of a layer's weights: the floats themselves, or a block for the caller to free,
     * on failure too.  Sets the layer's scale. */
    hew_status (*convert)(struct net_layer *layer, const struct net_tensor *in, int count,
                          void **out);
};

/* f32 is the first. */
extern const struct net_type net_types[];
extern const int net_type_count;

/* The entry in which a layer computes: the net's, or f32 where its input is. */
const struct net_type *net_type_of(const struct net *net, const struct net_layer *layer);

/* A name or several, "f32,u8s8" or "all", as a mask of entries; 0 where there is an unknown one. */
unsigned net_types_named(const char *names);

size_t net_element_size(hew_type type);

#endif
