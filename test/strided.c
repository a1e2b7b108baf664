/* strided.c - see strided.h. */
#include "strided.h"

#include <string.h>

int64_t type_bytes(hew_type type)
{
    static const int64_t bytes[] = {4, 2, 2, 1, 1, 4, 0, 8};
    return bytes[type];
}

hew_tensor dense_tensor(hew_type type, int rank, const int64_t *extent)
{
    hew_tensor t = {.type = type, .rank = rank};
    int64_t step = 1;
    for (int j = rank - 1; j >= 0; j--) {
        t.extent[j] = extent[j];
        t.stride[j] = step;
        step *= extent[j];
    }
    return t;
}

int64_t tensor_points(const hew_tensor *t)
{
    int64_t points = 1;
    for (int j = 0; j < t->rank; j++)
        points *= t->extent[j];
    return points;
}

hew_tensor any_strides(rng *r, hew_tensor t, int dense_one_in)
{
    if (rng_chance(r, dense_one_in))
        return dense_tensor(t.type, t.rank, t.extent);
    int order[HEW_MAX_RANK];
    for (int j = 0; j < t.rank; j++)
        order[j] = t.rank - 1 - j;
    if (rng_chance(r, 2))
        for (int j = t.rank - 1; j > 0; j--) {
            const int k = (int)rng_between(r, 0, j), swap = order[j];
            order[j] = order[k], order[k] = swap;
        }
    int64_t step = rng_chance(r, 6) ? 2 : 1;
    for (int j = 0; j < t.rank; j++) {
        const int d = order[j];
        t.stride[d] = rng_chance(r, 5) ? -step : step;
        step *= t.extent[d] > 0 ? t.extent[d] : 1;
        step += rng_chance(r, 4) ? rng_between(r, 1, 3) : 0;
    }
    return t;
}

strided strided_new(rng *r, hew_tensor t, placement where)
{
    bool dense = true;
    for (int j = 0; j < t.rank; j++)
        dense = dense && t.stride[j] == 0;
    strided s = {.t = dense ? dense_tensor(t.type, t.rank, t.extent) : t, .elements = 0};
    int64_t low = 0, high = 0;
    for (int j = 0; j < t.rank; j++) {
        const int64_t reach = (s.t.extent[j] - 1) * s.t.stride[j];
        *(reach < 0 ? &low : &high) += reach;
    }
    if (tensor_points(&t) > 0)
        s.elements = high - low + 1;
    else
        low = 0;
    const size_t size = (size_t)type_bytes(t.type);
    s.memory = buffer_new((size_t)s.elements * size, size, where);
    s.data = (char *)s.memory.data - low * (int64_t)size;
    for (size_t i = 0; i < s.memory.bytes; i++)
        ((uint8_t *)s.memory.data)[i] = (uint8_t)rng_next(r);
    return s;
}

strided strided_copy(const strided *from, placement where)
{
    strided s = *from;
    s.memory = buffer_copy(from->memory.data, from->memory.bytes,
                           (size_t)type_bytes(from->t.type), where);
    s.data = (char *)s.memory.data + (from->data - (char *)from->memory.data);
    return s;
}

void strided_free(strided *s) { buffer_free(&s->memory); }

void tensor_index(const hew_tensor *shape, int64_t p, int64_t *index)
{
    for (int j = shape->rank - 1; j >= 0; j--) {
        index[j] = p % shape->extent[j];
        p /= shape->extent[j];
    }
}

char *strided_index(const strided *s, const int64_t *index)
{
    int64_t at = 0;
    for (int j = 0; j < s->t.rank; j++)
        at += index[j] * s->t.stride[j];
    return s->data + at * type_bytes(s->t.type);
}

char *strided_at(const strided *s, const hew_tensor *shape, int64_t p)
{
    int64_t index[HEW_MAX_RANK], own[HEW_MAX_RANK];
    tensor_index(shape, p, index);
    for (int j = 0; j < s->t.rank; j++)
        own[j] = s->t.extent[j] == 1 ? 0 : index[shape->rank - s->t.rank + j];
    return strided_index(s, own);
}

void check_strided(const char *what, const strided *want, const strided *got)
{
    const uint8_t *const a = want->memory.data, *const b = got->memory.data;
    if (memcmp(a, b, want->memory.bytes) == 0)
        return;
    size_t i = 0;
    while (a[i] == b[i])
        i++;
    fail_case("%s: byte %zu of %zu is %#x, want %#x", what, i, want->memory.bytes, b[i], a[i]);
}
