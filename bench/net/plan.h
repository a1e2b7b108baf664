/* Between plan.c, exec.c and time.c. */
#ifndef HEW_NET_PLAN_H
#define HEW_NET_PLAN_H

#include "graph.h"

/* Gives every tensor its data, row_stride, parent and offset, for the net's batch. */
bool net_plan_memory(struct net *net);

hew_status net_run_layer(const struct net *net, const struct net_layer *layer);

#endif
