/*
 * What the elements of each tensor span: found by calibration, kept in text files.
 *
 * The functions return false on failure, with the reason in ranges.error.
 */
#ifndef HEW_NET_RANGES_H
#define HEW_NET_RANGES_H

#include "graph.h"
#include "pictures.h"

struct net_range {
    float lo, hi;
};

struct net_ranges {
    struct net_range *of;       /* each tensor; NaN where no layer makes it */
    int count;
    int pictures;               /* that they come from */
    char error[256];
};

bool net_ranges_begin(struct net_ranges *r, const struct net *net);
bool net_ranges_fail(struct net_ranges *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool net_same_ranges(const struct net_ranges *a, const struct net_ranges *b);
void net_free_ranges(struct net_ranges *r);

/* The format of README.md.  Reading checks that the ranges are those of this net. */
bool net_read_ranges(struct net_ranges *r, const struct net *net, const char *path);
bool net_write_ranges(const struct net_ranges *r, const struct net *net, const char *path,
                      const char *pictures, const char *observer);

/* ---- calibrate.c ---- */

/* "min-max", "moving-average", "percentile", "kl", "mse". */
bool net_observer_named(const char *name, hew_observer_kind *kind);
const char *net_observer_name(hew_observer_kind kind);

/* Runs the first `count` pictures through a net that is prepared in f32. */
bool net_calibrate(struct net_ranges *r, struct net *net, const struct pictures *p, int count,
                   hew_observer_kind kind);

#endif
