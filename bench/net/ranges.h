/* What the elements of each tensor span: found by calibration, kept in text files. */
#ifndef HEW_NET_RANGES_H
#define HEW_NET_RANGES_H

#include "graph.h"
#include "pictures.h"

struct net_range {
    float lo, hi;
};

struct net_ranges {
    struct net_range *of;       /* each tensor that a layer makes */
    int count;
    int pictures;               /* that they come from */
    char error[256];
};

/* Runs the first `count` pictures through a net that is prepared in f32. */
bool net_calibrate(struct net_ranges *r, struct net *net, const struct pictures *p, int count);

/* The format of README.md.  Reading checks that the ranges are those of this net. */
bool net_read_ranges(struct net_ranges *r, const struct net *net, const char *path);
bool net_write_ranges(const struct net_ranges *r, const struct net *net, const char *path,
                      const char *source);

bool net_same_ranges(const struct net_ranges *a, const struct net_ranges *b);

void net_free_ranges(struct net_ranges *r);

#endif
