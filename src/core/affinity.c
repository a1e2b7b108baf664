/*
 * affinity.c - on which CPUs a thread may run.
 */
#include "affinity.h"

#include <errno.h>

cpu_set_t *hew_affinity_mask(size_t *bytes)
{
    for (size_t cpus = CPU_SETSIZE; cpus <= 1 << 20; cpus *= 2) {
        *bytes = CPU_ALLOC_SIZE(cpus);
        cpu_set_t *set = hew_malloc(*bytes);
        errno = ENOMEM;
        if (set == NULL || sched_getaffinity(0, *bytes, set) == 0)
            return set;
        hew_mfree(set);
        if (errno != EINVAL) /* which means that the system has more CPUs than that */
            break;
    }
    return NULL;
}

void hew_leave_cpu(int cpu)
{
    cpu_set_t mask;
    if (cpu >= CPU_SETSIZE || sched_getaffinity(0, sizeof mask, &mask) != 0)
        return; /* more CPUs than a cpu_set_t holds */
    cpu_set_t others = mask;
    CPU_CLR((size_t)cpu, &others);
    if (CPU_COUNT(&others) > 0 && sched_setaffinity(0, sizeof others, &others) == 0)
        sched_setaffinity(0, sizeof mask, &mask);
}
