/*
 * nest.c - loops over tensors with strides.
 */
#include "nest.h"

#include <string.h>

#include "format.h"

static bool is_dense(const hew_tensor *t)
{
    for (int i = 0; i < t->rank; i++)
        if (t->stride[i] != 0)
            return false;
    return true;
}

/* The bytes from the lowest to the highest element fit in an int64_t. */
static bool span_fits(const hew_tensor *t)
{
    int64_t sum = 0, reach;
    for (int i = 0; i < t->rank; i++)
        if (t->stride[i] == INT64_MIN ||
            !hew_mul(t->extent[i] - 1, t->stride[i] < 0 ? -t->stride[i] : t->stride[i], &reach) ||
            !hew_add(sum, reach, &sum))
            return false;
    return hew_add(sum, 1, &sum) && hew_mul(sum, (int64_t)hew_type_size(t->type), &sum);
}

hew_status hew_check_tensor(const char *op, const char *name, unsigned types, hew_tensor *t,
                            int64_t *points)
{
    if ((unsigned)t->type >= 32 || (types >> (unsigned)t->type & 1) == 0)
        return hew_fail(HEW_ERR_UNSUPPORTED, "%s: %s has type %d (%s), which isn't supported", op,
                        name, (int)t->type, hew_type_name(t->type));
    if (t->rank < 0 || t->rank > HEW_MAX_RANK)
        return hew_fail(HEW_ERR_INVALID, "%s: %s has rank %d; it is 0 to %d", op, name, t->rank,
                        HEW_MAX_RANK);
    bool empty = false;
    for (int i = 0; i < t->rank; i++) {
        if (t->extent[i] < 0)
            return hew_fail(HEW_ERR_INVALID, "%s: %s has %lld elements along dimension %d", op,
                            name, (long long)t->extent[i], i);
        empty = empty || t->extent[i] == 0;
    }
    const bool dense = is_dense(t);
    int64_t count = 1, bytes;
    for (int i = t->rank - 1; i >= 0; i--) {
        if (dense || empty) /* whose strides mean nothing, and may be too large to compute with */
            t->stride[i] = count;
        if (!empty && !hew_mul(count, t->extent[i], &count))
            count = INT64_MAX;
    }
    if (!empty && (!hew_mul(count, (int64_t)hew_type_size(t->type), &bytes) || !span_fits(t)))
        return hew_fail(HEW_ERR_OVERFLOW, "%s: %s is too large", op, name);
    *points = empty ? 0 : count;
    return HEW_OK;
}

hew_status hew_check_data(const char *op, const char *name, const hew_tensor *t, int64_t points,
                          const void *data)
{
    if (points > 0 && !data)
        return hew_fail(HEW_ERR_INVALID, "%s: %s is null", op, name);
    if ((uintptr_t)data & (hew_type_size(t->type) - 1))
        return hew_fail(HEW_ERR_INVALID, "%s: %s at %p is not aligned to its elements", op, name,
                        data);
    return HEW_OK;
}

hew_status hew_nest_broadcast(const char *op, int tensors, const hew_tensor *const *t,
                              const char *const *names, hew_nest *nest)
{
    const hew_tensor *const shape = t[0];
    memset(nest, 0, sizeof *nest);
    nest->rank = shape->rank;
    nest->tensors = tensors;
    for (int j = 0; j < shape->rank; j++)
        nest->extent[j] = (size_t)shape->extent[j];
    for (int i = 0; i < tensors; i++) {
        const int lead = shape->rank - t[i]->rank;
        if (lead < 0)
            return hew_fail(HEW_ERR_INVALID, "%s: %s has rank %d, more than %s with %d", op,
                            names[i], t[i]->rank, names[0], shape->rank);
        for (int j = 0; j < t[i]->rank; j++) {
            const int64_t extent = t[i]->extent[j], other = shape->extent[lead + j];
            if (extent != other && extent != 1)
                return hew_fail(HEW_ERR_INVALID, "%s: %s has %lld elements along a dimension in "
                                "which %s has %lld", op, names[i], (long long)extent, names[0],
                                (long long)other);
            if (extent != 1)
                nest->stride[i][lead + j] =
                    (ptrdiff_t)(t[i]->stride[j] * (int64_t)hew_type_size(t[i]->type));
        }
    }
    return HEW_OK;
}

static size_t magnitude(ptrdiff_t stride) { return (size_t)(stride < 0 ? -stride : stride); }

static void move_loop(hew_nest *nest, int from, int to)
{
    nest->extent[to] = nest->extent[from];
    for (int i = 0; i < nest->tensors; i++)
        nest->stride[i][to] = nest->stride[i][from];
}

void hew_nest_sort(hew_nest *nest, int by)
{
    for (int j = 1; j < nest->rank; j++)
        for (int k = j; k > 0; k--) {
            const size_t outer = magnitude(nest->stride[by][k - 1]);
            const size_t inner = magnitude(nest->stride[by][k]);
            if (outer == 0 || (inner <= outer && inner != 0))
                break;
            hew_nest loop = *nest;
            move_loop(nest, k - 1, k);
            nest->extent[k - 1] = loop.extent[k];
            for (int i = 0; i < nest->tensors; i++)
                nest->stride[i][k - 1] = loop.stride[i][k];
        }
}

static bool joins(const hew_nest *nest, int outer, int inner)
{
    for (int i = 0; i < nest->tensors; i++) {
        int64_t whole; /* too large for an empty tensor alone */
        if (!hew_mul(nest->stride[i][inner], (int64_t)nest->extent[inner], &whole) ||
            nest->stride[i][outer] != whole)
            return false;
    }
    return true;
}

void hew_nest_simplify(hew_nest *nest)
{
    int kept = 0;
    bool empty = false;
    for (int j = 0; j < nest->rank; j++) {
        empty = empty || nest->extent[j] == 0;
        if (nest->extent[j] == 1)
            continue;
        if (kept > 0 && !empty && joins(nest, kept - 1, j)) {
            const size_t turns = nest->extent[kept - 1];
            move_loop(nest, j, kept - 1);
            nest->extent[kept - 1] *= turns;
        } else {
            move_loop(nest, j, kept++);
        }
    }
    if (empty || kept == 0) {
        nest->extent[0] = !empty;
        for (int i = 0; i < nest->tensors; i++)
            nest->stride[i][0] = 0;
        kept = 1;
    }
    nest->rank = kept;
}

size_t hew_nest_points(const hew_nest *nest, int loops)
{
    size_t points = 1;
    for (int j = 0; j < loops; j++)
        points *= nest->extent[j];
    return points;
}

void hew_nest_at(const hew_nest *nest, int loops, size_t i, ptrdiff_t *offset)
{
    for (int t = 0; t < nest->tensors; t++)
        offset[t] = 0;
    for (int j = loops - 1; j >= 0; j--) {
        const size_t turn = i % nest->extent[j];
        i /= nest->extent[j];
        for (int t = 0; t < nest->tensors; t++)
            offset[t] += nest->stride[t][j] * (ptrdiff_t)turn;
    }
}
