/*
 * concat.c - tensors joined along an axis, and cut along it.
 */
#include "format.h"
#include "move.h"

/* Parts that lie one behind the other in `whole`; one of the two is written. */
typedef struct joint {
    const char *op;
    const char *whole_name, *part_name;
    hew_tensor whole;
    int axis, count;
    const hew_tensor *parts;
    bool writes_whole;
} joint;

static hew_status check_part(const joint *c, int k, const void *data, hew_tensor *part)
{
    int64_t points;
    *part = c->parts[k];
    const unsigned type = 1u << c->whole.type;
    hew_status s = c->writes_whole ? hew_check_tensor(c->op, c->part_name, type, part, &points)
                                   : hew_check_written(c->op, c->part_name, type, part, &points);
    if (s != HEW_OK)
        return s;
    if (part->rank != c->whole.rank)
        return hew_fail(HEW_ERR_INVALID, "%s: %s[%d] has rank %d, %s has %d", c->op, c->part_name,
                        k, part->rank, c->whole_name, c->whole.rank);
    for (int j = 0; j < part->rank; j++)
        if (j != c->axis && part->extent[j] != c->whole.extent[j])
            return hew_fail(HEW_ERR_INVALID, "%s: %s[%d] has %lld elements along dimension %d, %s "
                            "has %lld", c->op, c->part_name, k, (long long)part->extent[j], j,
                            c->whole_name, (long long)c->whole.extent[j]);
    return hew_check_data(c->op, c->part_name, part, points, data);
}

static hew_status check(joint *c, const void *whole, const void *const *parts)
{
    int64_t points, sum = 0;
    hew_status s = c->writes_whole
                       ? hew_check_written(c->op, c->whole_name, HEW_MOVABLE, &c->whole, &points)
                       : hew_check_tensor(c->op, c->whole_name, HEW_MOVABLE, &c->whole, &points);
    if (s == HEW_OK)
        s = hew_check_axis(c->op, c->whole.rank, &c->axis);
    if (s == HEW_OK)
        s = hew_check_data(c->op, c->whole_name, &c->whole, points, whole);
    if (s != HEW_OK)
        return s;
    if (c->count < 1 || !c->parts || !parts)
        return hew_fail(HEW_ERR_INVALID, "%s: count is %d, %s", c->op, c->count,
                        !c->parts || !parts ? "of null" : "less than 1");
    for (int k = 0; k < c->count; k++) {
        hew_tensor part;
        s = check_part(c, k, parts[k], &part);
        if (s != HEW_OK)
            return s;
        if (!hew_add(sum, part.extent[c->axis], &sum))
            sum = -1;
        if (sum < 0 || sum > c->whole.extent[c->axis])
            break;
    }
    if (sum != c->whole.extent[c->axis])
        return hew_fail(HEW_ERR_INVALID, "%s: %s has %lld elements along dimension %d, the parts "
                        "have %s", c->op, c->whole_name,
                        (long long)c->whole.extent[c->axis], c->axis,
                        sum >= 0 && sum < c->whole.extent[c->axis] ? "fewer" : "more");
    return HEW_OK;
}

static void plan_part(const joint *c, int k, int64_t first, const char *whole, const char *part,
                      hew_move *m)
{
    const size_t size = hew_type_size(c->whole.type);
    hew_tensor t;
    hew_nest nest;
    (void)check_part(c, k, part, &t); /* for the strides of dense ones */
    hew_tensor piece = c->whole;
    piece.extent[c->axis] = t.extent[c->axis];
    const char *const at = whole ? whole + hew_step(&piece, c->axis, first, size) : NULL;
    hew_nest_pair(c->writes_whole ? &piece : &t, c->writes_whole ? &t : &piece, &nest);
    hew_move_plan(m, &nest, size, c->writes_whole ? part : at,
                  (void *)(uintptr_t)(c->writes_whole ? at : part));
}

static hew_status run(joint *c, const void *whole, const void *const *parts,
                      const hew_threads *threads)
{
    hew_status s = check(c, whole, parts);
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    int64_t first = 0;
    for (int k = 0; s == HEW_OK && k < c->count;) {
        const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
        hew_move moves[HEW_MOVES];
        size_t n = 0;
        for (; n < HEW_MOVES && k < c->count; n++, k++) {
            plan_part(c, k, first, whole, parts[k], &moves[n]);
            first += c->parts[k].extent[c->axis];
        }
        s = hew_moves_run(moves, n, threads);
        hew_move_verbose(c->op, moves, n, start);
    }
    return s;
}

hew_status hew_concat(const hew_concat_desc *desc, const void *const *in, void *out,
                      const hew_threads *threads)
{
    const hew_status s = hew_check_desc("concat", desc, desc ? desc->size : 0, sizeof *desc);
    if (s != HEW_OK)
        return s;
    joint c = {"concat", "out", "in", desc->out, desc->axis, desc->count, desc->in, true};
    return run(&c, out, in, threads);
}

hew_status hew_split(const hew_split_desc *desc, const void *in, void *const *out,
                     const hew_threads *threads)
{
    const hew_status s = hew_check_desc("split", desc, desc ? desc->size : 0, sizeof *desc);
    if (s != HEW_OK)
        return s;
    joint c = {"split", "in", "out", desc->in, desc->axis, desc->count, desc->out, false};
    return run(&c, in, (const void *const *)out, threads);
}
