/* Between plan.c and exec.c: where each tensor lies. */
#ifndef HEW_NET_PLAN_H
#define HEW_NET_PLAN_H

#include "graph.h"

/* Gives every tensor its data, row_stride, parent and offset, for the net's batch. */
bool net_plan_memory(struct net *net);

#endif
