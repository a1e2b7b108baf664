/* Loops over strided tensors: every point once, where the plain indices say, however loops are
 * joined or sorted; and what is refused. */
#include "nest.h"

#include <string.h>

#include "harness.h"

enum { MOST_POINTS = 4096 };

/* Where tensor t has the point whose index in the shape is given, in bytes. */
static ptrdiff_t where(const hew_tensor *shape, const hew_tensor *t, const int64_t *index)
{
    ptrdiff_t at = 0;
    for (int j = 0; j < t->rank; j++) {
        const int64_t i = t->extent[j] == 1 ? 0 : index[shape->rank - t->rank + j];
        at += (ptrdiff_t)(i * t->stride[j] * (t->type == HEW_F32 ? 4 : 1));
    }
    return at;
}

/* A dense tensor whose dimensions lie in memory in some order, maybe backwards, with gaps. */
static hew_tensor some_layout(rng *r, hew_tensor shape, bool broadcast)
{
    hew_tensor t = shape;
    int order[HEW_MAX_RANK];
    for (int j = 0; j < t.rank; j++)
        order[j] = j;
    for (int j = t.rank - 1; j > 0; j--) {
        const int k = (int)rng_between(r, 0, j), swap = order[j];
        order[j] = order[k], order[k] = swap;
    }
    int64_t step = 1;
    for (int j = 0; j < t.rank; j++) {
        const int d = order[j];
        if (broadcast && rng_chance(r, 3))
            t.extent[d] = 1;
        t.stride[d] = rng_chance(r, 4) ? -step : step;
        step *= t.extent[d] + (rng_chance(r, 4) ? 1 : 0);
    }
    t.type = rng_chance(r, 2) ? HEW_F32 : HEW_U8;
    return t;
}

/* The points of the nest are those of the shape: counted by where the first tensor has them, with
 * the second's place noted beside. */
static void check_points(const hew_nest *nest, const hew_tensor *shape, const hew_tensor *other,
                         int64_t points)
{
    static ptrdiff_t want[MOST_POINTS][2], got[MOST_POINTS][2];
    int64_t index[HEW_MAX_RANK] = {0};
    for (int64_t p = 0; p < points; p++) {
        int64_t rest = p;
        for (int j = shape->rank - 1; j >= 0; j--) {
            index[j] = rest % shape->extent[j];
            rest /= shape->extent[j];
        }
        want[p][0] = where(shape, shape, index), want[p][1] = where(shape, other, index);
    }
    if (hew_nest_points(nest, nest->rank) != (size_t)points)
        fail_case("%zu points, not %lld", hew_nest_points(nest, nest->rank), (long long)points);
    for (int64_t p = 0; p < points; p++) {
        ptrdiff_t offset[HEW_NEST_TENSORS];
        hew_nest_at(nest, nest->rank, (size_t)p, offset);
        got[p][0] = offset[0], got[p][1] = offset[1];
    }
    for (int64_t p = 0; p < points; p++) {
        int64_t q = 0;
        while (q < points && got[q][0] != want[p][0])
            q++;
        if (q == points || got[q][1] != want[p][1])
            fail_case("point %lld is missing, or the other tensor's lies elsewhere", (long long)p);
    }
}

static void every_point_once(void)
{
    static const char *const names[] = {"c", "a"};
    for (int i = 0; i < 400; i++) {
        rng r = case_rng("nest %d", i);
        hew_tensor shape = {.rank = (int)rng_between(&r, 0, HEW_MAX_RANK)};
        int64_t left = 200;
        for (int j = 0; j < shape.rank; j++) {
            shape.extent[j] =
                rng_between(&r, rng_chance(&r, 20) ? 0 : 1, rng_chance(&r, 2) ? 2 : 6);
            shape.extent[j] = shape.extent[j] > left ? 1 : shape.extent[j];
            left /= shape.extent[j] ? shape.extent[j] : 1;
        }
        hew_tensor c = some_layout(&r, shape, false), a = some_layout(&r, c, true);
        const int drop = a.rank > 0 ? (int)rng_between(&r, 0, a.rank) : 0;
        memmove(a.extent, a.extent + drop, sizeof a.extent - (size_t)drop * sizeof a.extent[0]);
        memmove(a.stride, a.stride + drop, sizeof a.stride - (size_t)drop * sizeof a.stride[0]);
        a.rank -= drop;
        int64_t points, few;
        check_status(hew_check_tensor("test", "c", 1 << HEW_F32 | 1 << HEW_U8, &c, &points), HEW_OK);
        check_status(hew_check_tensor("test", "a", 1 << HEW_F32 | 1 << HEW_U8, &a, &few), HEW_OK);
        hew_nest nest;
        check_status(hew_nest_broadcast("test", 2, (const hew_tensor *const[]){&c, &a}, names,
                                        &nest), HEW_OK);
        check_points(&nest, &c, &a, points);
        if (rng_chance(&r, 2))
            hew_nest_sort(&nest, (int)rng_between(&r, 0, 1));
        hew_nest_simplify(&nest);
        assert_true(nest.rank >= 1);
        check_points(&nest, &c, &a, points);
    }
}

static void dense_tensors_become_one_loop(void)
{
    hew_tensor t = {.rank = 4, .extent = {3, 1, 5, 7}};
    int64_t points;
    check_status(hew_check_tensor("test", "t", 1 << HEW_F32, &t, &points), HEW_OK);
    assert_int_equal(points, 105);
    assert_int_equal(t.stride[0], 35);
    assert_int_equal(t.stride[3], 1);
    hew_nest nest;
    const hew_tensor *const both[] = {&t, &t};
    static const char *const names[] = {"t", "t"};
    check_status(hew_nest_broadcast("test", 2, both, names, &nest), HEW_OK);
    hew_nest_simplify(&nest);
    assert_int_equal(nest.rank, 1);
    assert_int_equal(nest.extent[0], 105);
    assert_int_equal(nest.stride[1][0], 4);
    /* A transposed one has two, and sorted by itself one again. */
    t = (hew_tensor){.rank = 2, .extent = {3, 5}, .stride = {1, 3}};
    check_status(hew_nest_broadcast("test", 1, both, names, &nest), HEW_OK);
    hew_nest_sort(&nest, 0);
    hew_nest_simplify(&nest);
    assert_int_equal(nest.rank, 1);
    assert_int_equal(nest.extent[0], 15);
}

static void refused(const char *message, hew_status status, hew_tensor t)
{
    int64_t points = -7;
    case_rng("%s", message);
    check_status(hew_check_tensor("test", "t", 1 << HEW_F32 | 1 << HEW_U8, &t, &points), status);
    if (!strstr(hew_last_error(), message))
        fail_case("\"%s\" has no \"%s\"", hew_last_error(), message);
    assert_int_equal(points, -7);
}

static void nonsense(void)
{
    refused("type 5 (s32)", HEW_ERR_UNSUPPORTED, HEW_TENSOR(.type = HEW_S32));
    refused("type 99", HEW_ERR_UNSUPPORTED, HEW_TENSOR(.type = (hew_type)99));
    refused("rank 7", HEW_ERR_INVALID, HEW_TENSOR(.rank = 7));
    refused("rank -1", HEW_ERR_INVALID, HEW_TENSOR(.rank = -1));
    refused("-3 elements along dimension 1", HEW_ERR_INVALID,
            HEW_TENSOR(.rank = 2, .extent = {0, -3}));
    refused("too large", HEW_ERR_OVERFLOW, HEW_TENSOR(.rank = 1, .extent = {INT64_MAX}));
    refused("too large", HEW_ERR_OVERFLOW,
            HEW_TENSOR(.rank = 3, .extent = {1LL << 31, 1LL << 31, 2}));
    refused("too large", HEW_ERR_OVERFLOW,
            HEW_TENSOR(.rank = 2, .extent = {2, 2}, .stride = {INT64_MIN, 1}));
    refused("too large", HEW_ERR_OVERFLOW,
            HEW_TENSOR(.rank = 2, .extent = {3, 2}, .stride = {INT64_MAX / 2, 1}));
    int64_t points;
    hew_tensor empty = HEW_TENSOR(.rank = 3, .extent = {INT64_MAX, 0, INT64_MAX});
    check_status(hew_check_tensor("test", "t", 1 << HEW_F32, &empty, &points), HEW_OK);
    assert_int_equal(points, 0);
    hew_tensor c = HEW_TENSOR(.rank = 1, .extent = {4}), a = HEW_TENSOR(.rank = 1, .extent = {3});
    static const char *const names[] = {"c", "a"};
    hew_nest nest;
    const hew_tensor *const both[] = {&c, &a};
    check_status(hew_nest_broadcast("test", 2, both, names, &nest), HEW_ERR_INVALID);
    assert_non_null(strstr(hew_last_error(), "a has 3 elements along a dimension in which c has 4"));
    a.rank = 2;
    check_status(hew_nest_broadcast("test", 2, both, names, &nest), HEW_ERR_INVALID);
    assert_non_null(strstr(hew_last_error(), "a has rank 2, more than c with 1"));
    static char bytes[8];
    check_status(hew_check_data("test", "t", &c, 4, NULL), HEW_ERR_INVALID);
    check_status(hew_check_data("test", "t", &c, 0, NULL), HEW_OK);
    check_status(hew_check_data("test", "t", &c, 4, bytes + 1), HEW_ERR_INVALID);
}

static const test tests[] = {
    {"every_point_once", every_point_once},
    {"dense_tensors_become_one_loop", dense_tensors_become_one_loop},
    {"nonsense", nonsense},
};

int main(void) { return run_once("nest", TESTS(tests)); }
