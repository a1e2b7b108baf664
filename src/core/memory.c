/*
 * memory.c - every allocation of the library.
 */
#include "core.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

_Atomic long hew_malloc_fail_after = -1;

static bool made_to_fail(void)
{
    long left = atomic_load_explicit(&hew_malloc_fail_after, memory_order_relaxed);
    while (left > 0 && !atomic_compare_exchange_weak(&hew_malloc_fail_after, &left, left - 1))
        ;
    return left == 0;
}

void *hew_alloc(size_t bytes)
{
    if (bytes > SIZE_MAX - HEW_ALIGNMENT || made_to_fail())
        return NULL;
    /* Whole cache lines: no other allocation shares the last one. */
    return aligned_alloc(HEW_ALIGNMENT, hew_round_up(hew_max(bytes, 1), HEW_ALIGNMENT));
}

void hew_free(void *p)
{
    free(p);
}

void *hew_malloc(size_t bytes)
{
    void *p = hew_alloc(bytes);
    return p == NULL ? NULL : memset(p, 0, bytes);
}

void hew_mfree(void *p)
{
    free(p);
}
