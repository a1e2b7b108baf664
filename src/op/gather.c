/*
 * gather.c - slices of a tensor that indices choose, read or written.
 *
 * The tensor with all the slices, `table`, is [outer][slices][inner], the other, `picked`, is
 * [outer][indices][inner].  All indices are checked before anything is written.
 */
#include "format.h"
#include "move.h"

#include <string.h>

enum {
    TASK_BYTES = 64 << 10,
    PIECE = 1024 /* bytes of inner that a task takes, where it must see all indices */
};

typedef struct gather {
    const char *op;
    hew_tensor table, index, picked;
    int axis;
    bool reads; /* gathers */
    hew_scatter_op combine;
    size_t size, picks;  /* bytes of an element; indices */
    hew_nest index_nest; /* 0: the index; 1: its place in picked */
    hew_nest outer;      /* 0: picked, 1: table */
    hew_nest inner;
    hew_move move;       /* a whole slice, when reading */
    size_t outer_points, slice_bytes;
    size_t task_picks, tasks_across;
    const char *table_data, *index_data;
    char *picked_data;
} gather;

/* ------------------------------------------------------------------------------- checks ---- */

static int64_t index_at(const gather *g, const char *p)
{
    int64_t wide;
    int32_t narrow;
    if (g->index.type == HEW_S64) {
        memcpy(&wide, p, sizeof wide);
    } else {
        memcpy(&narrow, p, sizeof narrow);
        wide = narrow;
    }
    return wide < 0 ? wide + g->table.extent[g->axis] : wide;
}

static hew_status check_shapes(gather *g, int64_t *picks)
{
    int64_t table_points, picked_points;
    const char *const table = g->reads ? "in" : "out";
    const char *const picked = g->reads ? "out" : "in";
    hew_status s =
        g->reads
            ? hew_check_moved(g->op, &g->table, &g->picked, &table_points, &picked_points)
            : hew_check_moved(g->op, &g->picked, &g->table, &picked_points, &table_points);
    if (s == HEW_OK)
        s = hew_check_tensor(g->op, "index", 1u << HEW_S32 | 1u << HEW_S64, &g->index, picks);
    if (s == HEW_OK)
        s = hew_check_axis(g->op, g->table.rank, &g->axis);
    if (s != HEW_OK)
        return s;
    const int more = g->index.rank - 1;
    bool fits = g->picked.rank == g->table.rank + more;
    for (int j = 0; fits && j < g->picked.rank; j++)
        fits = g->picked.extent[j] == (j < g->axis                   ? g->table.extent[j]
                                       : j < g->axis + g->index.rank ? g->index.extent[j - g->axis]
                                                                     : g->table.extent[j - more]);
    if (!fits)
        return hew_fail(HEW_ERR_INVALID, "%s: %s isn't %s with dimension %d replaced by index's",
                        g->op, picked, table, g->axis);
    s = hew_check_data(g->op, table, &g->table, hew_min_i64(table_points, picked_points),
                       g->table_data);
    if (s == HEW_OK)
        s = hew_check_data(g->op, "index", &g->index, *picks, g->index_data);
    return s == HEW_OK ? hew_check_data(g->op, picked, &g->picked, picked_points, g->picked_data)
                       : s;
}

static void add_loop(hew_nest *n, int64_t extent, int64_t first, int64_t second)
{
    n->extent[n->rank] = (size_t)extent;
    n->stride[0][n->rank] = (ptrdiff_t)first;
    n->stride[1][n->rank] = (ptrdiff_t)second;
    n->rank++;
}

static void make_nests(gather *g)
{
    const int64_t size = (int64_t)g->size;
    const hew_tensor *const t = &g->table, *const p = &g->picked;
    g->index_nest = g->outer = g->inner = (hew_nest){.tensors = 2};
    for (int j = 0; j < g->index.rank; j++)
        add_loop(&g->index_nest, g->index.extent[j],
                 g->index.stride[j] * (int64_t)hew_type_size(g->index.type),
                 p->stride[g->axis + j] * size);
    for (int j = 0; j < t->rank; j++)
        if (j != g->axis)
            add_loop(j < g->axis ? &g->outer : &g->inner, t->extent[j],
                     p->stride[j < g->axis ? j : j + g->index.rank - 1] * size,
                     t->stride[j] * size);
    hew_nest_simplify(&g->index_nest);
    hew_nest_simplify(&g->outer);
    hew_nest_simplify(&g->inner);
    g->outer_points = hew_nest_points(&g->outer, g->outer.rank);
    g->slice_bytes = hew_nest_points(&g->inner, g->inner.rank) * g->size;
}

static hew_status check_indices(const gather *g)
{
    for (size_t k = 0; k < g->picks; k++) {
        ptrdiff_t at[HEW_NEST_TENSORS];
        hew_nest_at(&g->index_nest, g->index_nest.rank, k, at);
        const int64_t i = index_at(g, g->index_data + at[0]);
        if (i < 0 || i >= g->table.extent[g->axis])
            return hew_fail(HEW_ERR_INVALID, "%s: index %zu is %lld, of %lld", g->op, k,
                            (long long)(i < 0 ? i - g->table.extent[g->axis] : i),
                            (long long)g->table.extent[g->axis]);
    }
    return HEW_OK;
}

static hew_status check(gather *g, const hew_threads *threads)
{
    int64_t picks;
    hew_status s = check_shapes(g, &picks);
    if (s != HEW_OK)
        return s;
    g->size = hew_type_size(g->table.type);
    g->picks = (size_t)picks;
    make_nests(g);
    s = check_indices(g);
    return s == HEW_OK ? hew_check_threads(threads) : s;
}

/* -------------------------------------------------------------------------------- reads ---- */

static void gather_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const gather *const g = context;
    const int64_t step = g->table.stride[g->axis] * (int64_t)g->size;
    const bool whole = g->inner.rank == 1 && (g->inner.extent[0] == 1 ||
                                              (g->inner.stride[0][0] == (ptrdiff_t)g->size &&
                                               g->inner.stride[1][0] == (ptrdiff_t)g->size));
    ptrdiff_t start[HEW_NEST_TENSORS], at[HEW_NEST_TENSORS];
    hew_nest_at(&g->outer, g->outer.rank, task / g->tasks_across, start);
    const size_t first = task % g->tasks_across * g->task_picks;
    const size_t end = hew_min(first + g->task_picks, g->picks);
    hew_move move = g->move;
    for (size_t k = first; k < end; k++) {
        hew_nest_at(&g->index_nest, g->index_nest.rank, k, at);
        const ptrdiff_t in = start[1] + (ptrdiff_t)(index_at(g, g->index_data + at[0]) * step);
        const ptrdiff_t out = start[0] + at[1];
        if (whole && g->slice_bytes == 4) {
            memcpy(g->picked_data + out, g->table_data + in, 4);
        } else if (whole) {
            memcpy(g->picked_data + out, g->table_data + in, g->slice_bytes);
        } else {
            move.in = g->move.in + in;
            move.out = g->move.out + out;
            hew_move_here(&move);
        }
    }
}

hew_status hew_gather(const hew_gather_desc *desc, const void *in, const void *index, void *out,
                      const hew_threads *threads)
{
    hew_status s = hew_check_desc("gather", desc, desc ? desc->size : 0, sizeof *desc);
    if (s != HEW_OK)
        return s;
    gather g = {.op = "gather", .table = desc->in, .index = desc->index, .picked = desc->out,
                .axis = desc->axis, .reads = true, .table_data = in,
                .index_data = index, .picked_data = out};
    s = check(&g, threads);
    if (s != HEW_OK || g.picks == 0 || g.outer_points == 0 || g.slice_bytes == 0)
        return s;
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    hew_move_plan(&g.move, &g.inner, g.size, in, out);
    g.task_picks = hew_max(TASK_BYTES / g.slice_bytes, 1);
    g.tasks_across = hew_ceil_div(g.picks, g.task_picks);
    s = hew_parallel(threads, g.outer_points * g.tasks_across, gather_task, &g);
    if (HEW_UNLIKELY(start != 0))
        hew_verbose_line("gather %zu x %zu x %zu bytes %.1f us", g.outer_points, g.picks,
                         g.slice_bytes, (hew_now() - start) * 1e6);
    return s;
}

/* ------------------------------------------------------------------------------- writes ---- */

static float combined(hew_scatter_op op, float a, float b)
{
    switch (op) {
    case HEW_SCATTER_ADD: return a + b;
    case HEW_SCATTER_MUL: return a * b;
    case HEW_SCATTER_MAX: return a != a || a > b ? a : b;
    case HEW_SCATTER_MIN: return a != a || a < b ? a : b;
    case HEW_SCATTER_SET: break;
    }
    return b;
}

static void combine_row(const gather *g, size_t n, const char *from, ptrdiff_t from_step, char *to,
                        ptrdiff_t to_step)
{
    for (; n > 0; n--, from += from_step, to += to_step)
        if (g->combine == HEW_SCATTER_SET) {
            memcpy(to, from, g->size);
        } else {
            float a, b;
            memcpy(&a, to, sizeof a);
            memcpy(&b, from, sizeof b);
            a = combined(g->combine, a, b);
            memcpy(to, &a, sizeof a);
        }
}

/* All indices, in order, for a piece of the innermost loop at one turn of all others. */
static void scatter_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const gather *const g = context;
    const int64_t step = g->table.stride[g->axis] * (int64_t)g->size;
    const int last = g->inner.rank - 1;
    const size_t first = task % g->tasks_across * g->task_picks;
    const size_t n = hew_min(g->task_picks, g->inner.extent[last] - first);
    const size_t rows = hew_nest_points(&g->inner, last);
    ptrdiff_t outer[HEW_NEST_TENSORS], inner[HEW_NEST_TENSORS], at[HEW_NEST_TENSORS];
    hew_nest_at(&g->outer, g->outer.rank, task / g->tasks_across / rows, outer);
    hew_nest_at(&g->inner, last, task / g->tasks_across % rows, inner);
    const ptrdiff_t from_step = g->inner.stride[0][last], to_step = g->inner.stride[1][last];
    const bool whole = g->combine == HEW_SCATTER_SET && from_step == (ptrdiff_t)g->size &&
                       to_step == (ptrdiff_t)g->size;
    const ptrdiff_t from_start = outer[0] + inner[0] + from_step * (ptrdiff_t)first;
    const ptrdiff_t to_start = outer[1] + inner[1] + to_step * (ptrdiff_t)first;
    char *const table = (char *)(uintptr_t)g->table_data;
    for (size_t k = 0; k < g->picks; k++) {
        hew_nest_at(&g->index_nest, g->index_nest.rank, k, at);
        const ptrdiff_t slice = (ptrdiff_t)(index_at(g, g->index_data + at[0]) * step);
        const char *const from = g->picked_data + from_start + at[1];
        char *const to = table + to_start + slice;
        if (whole)
            memcpy(to, from, n * g->size);
        else
            combine_row(g, n, from, from_step, to, to_step);
    }
}

hew_status hew_scatter(const hew_scatter_desc *desc, const void *in, const void *index, void *out,
                       const hew_threads *threads)
{
    hew_status s = hew_check_desc("scatter", desc, desc ? desc->size : 0, sizeof *desc);
    if (s != HEW_OK)
        return s;
    if ((int)desc->op < 0 || desc->op > HEW_SCATTER_MIN)
        return hew_fail(HEW_ERR_INVALID, "scatter: op is %d; it is 0 to 4", (int)desc->op);
    if (desc->op != HEW_SCATTER_SET && desc->out.type != HEW_F32)
        return hew_fail(HEW_ERR_UNSUPPORTED, "scatter: op %d of %s; it is for f32", (int)desc->op,
                        hew_type_name(desc->out.type));
    gather g = {.op = "scatter", .table = desc->out, .index = desc->index, .picked = desc->in,
                .axis = desc->axis, .combine = desc->op, .table_data = out, .index_data = index,
                .picked_data = (char *)(uintptr_t)in};
    s = check(&g, threads);
    if (s != HEW_OK || g.picks == 0 || g.outer_points == 0 || g.slice_bytes == 0)
        return s;
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    const size_t row = g.inner.extent[g.inner.rank - 1];
    g.task_picks = hew_min(PIECE / g.size, row);
    g.tasks_across = hew_ceil_div(row, g.task_picks);
    s = hew_parallel(threads,
                     g.outer_points * hew_nest_points(&g.inner, g.inner.rank - 1) * g.tasks_across,
                     scatter_task, &g);
    if (HEW_UNLIKELY(start != 0))
        hew_verbose_line("scatter %zu x %zu x %zu bytes %.1f us", g.outer_points, g.picks,
                         g.slice_bytes, (hew_now() - start) * 1e6);
    return s;
}
