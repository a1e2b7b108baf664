/*
 * Guarded memory.  A region is mapped once, with a page that can't be touched on either side, and
 * serves one buffer after another: a buffer stands at its front or at its back, and a page's worth
 * of canaries watches the open side.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "harness_internal.h"

enum { PAGE = 4096, SMALLEST = 16 * PAGE, CANARY = 0xa5 };

struct region {
    struct region *next;
    unsigned char *start; /* between the two guard pages */
    size_t capacity;
    unsigned char *canaries[2];
    size_t canary_bytes[2];
};
static struct region *idle;

static struct region *map_region(size_t bytes)
{
    struct region *r = calloc(1, sizeof *r);
    size_t capacity = SMALLEST;
    while (capacity < bytes)
        capacity *= 2;
    unsigned char *all = mmap(NULL, capacity + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
                              -1, 0);
    if (!r || all == MAP_FAILED || mprotect(all + PAGE, capacity, PROT_READ | PROT_WRITE) != 0)
        fail_case("no memory for a region of %zu bytes", capacity);
    r->start = all + PAGE;
    r->capacity = capacity;
    return r;
}

static struct region *take_region(size_t bytes)
{
    struct region **best = NULL;
    for (struct region **r = &idle; *r; r = &(*r)->next)
        if ((*r)->capacity >= bytes && (!best || (*r)->capacity < (*best)->capacity))
            best = r;
    if (!best)
        return map_region(bytes);
    struct region *taken = *best;
    *best = taken->next;
    return taken;
}

static void set_canary(struct region *r, int side, unsigned char *at, size_t bytes)
{
    r->canaries[side] = at;
    r->canary_bytes[side] = bytes;
    memset(at, CANARY, bytes);
}

buffer buffer_new(size_t bytes, size_t alignment, placement where)
{
    struct region *r = take_region(bytes + alignment + PAGE);
    unsigned char *data = r->start, *end = r->start + r->capacity;
    if (where == AT_BACK) {
        data = end - bytes;
        data -= (uintptr_t)data % alignment;
        set_canary(r, 0, data - PAGE, PAGE);
        set_canary(r, 1, data + bytes, (size_t)(end - (data + bytes)));
    } else {
        set_canary(r, 0, data, 0);
        set_canary(r, 1, data + bytes, PAGE);
    }
    return (buffer){data, bytes, r};
}

buffer buffer_copy(const void *from, size_t bytes, size_t alignment, placement where)
{
    buffer b = buffer_new(bytes, alignment, where);
    if (bytes)
        memcpy(b.data, from, bytes);
    return b;
}

static void check_canary(const buffer *b, int side)
{
    const unsigned char *at = b->region->canaries[side];
    for (size_t i = 0; i < b->region->canary_bytes[side]; i++)
        if (at[i] != CANARY)
            fail_case("byte %td of a buffer of %zu bytes was written to",
                      at + i - (unsigned char *)b->data, b->bytes);
}

void buffer_free(buffer *b)
{
    if (!b->region)
        return;
    check_canary(b, 0);
    check_canary(b, 1);
    b->region->next = idle;
    idle = b->region;
    *b = (buffer){0};
}

void drop_regions(void)
{
    while (idle) {
        struct region *r = idle;
        idle = r->next;
        munmap(r->start - PAGE, r->capacity + 2 * PAGE);
        free(r);
    }
}
