/*
 * affinity.h - on which CPUs a thread may run.
 */
#ifndef HEW_AFFINITY_H
#define HEW_AFFINITY_H

#include "core.h"

#include <sched.h>

/* The calling thread's mask, of *bytes bytes, to be freed by hew_mfree; null with errno. */
cpu_set_t *hew_affinity_mask(size_t *bytes);

/* Moves the calling thread off this CPU, if its mask has another; the mask stays what it is. */
void hew_leave_cpu(int cpu);

#endif
