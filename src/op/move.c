/*
 * move.c - copies between strided tensors.
 *
 * Loops are put into the order of out's strides, so that what is written lies together, neighbours
 * are joined, and then the inner one, with one other, is what a kernel does.
 */
#include "move.h"

#include <string.h>

#include "format.h"

enum {
    TASK_BYTES = 64 << 10,  /* some 10 us: several times what handing out a task costs */
    UNIT = 64,              /* edges of a matrix's parts lie at multiples: whole cache lines */
    STRIP_BYTES = 1024,     /* of a row that is transposed: the more, the fewer pages at a time */
    TASK_SIDE = 512,        /* rows of a part in memory, of twice as many columns: all of their pages
                               are found in the TLB, and half of each or more is moved */
    FILL_BYTES = 4096
};

hew_status hew_check_written(const char *op, const char *name, unsigned types, hew_tensor *t,
                             int64_t *points)
{
    const hew_status s = hew_check_tensor(op, name, types, t, points);
    for (int j = 0; s == HEW_OK && *points > 0 && j < t->rank; j++)
        if (t->stride[j] == 0 && t->extent[j] > 1)
            return hew_fail(HEW_ERR_INVALID, "%s: %s has a stride of 0 along dimension %d", op,
                            name, j);
    return s;
}

hew_status hew_check_desc(const char *op, const void *desc, size_t given, size_t wanted)
{
    if (!desc)
        return hew_fail(HEW_ERR_INVALID, "%s: desc is null", op);
    if (given != wanted)
        return hew_fail(HEW_ERR_INVALID, "%s: descriptor size is %zu, this library's is %zu", op,
                        given, wanted);
    return HEW_OK;
}

hew_status hew_check_moved(const char *op, hew_tensor *in, hew_tensor *out, int64_t *in_points,
                           int64_t *out_points)
{
    hew_status s = hew_check_tensor(op, "in", HEW_MOVABLE, in, in_points);
    if (s == HEW_OK)
        s = hew_check_written(op, "out", HEW_MOVABLE, out, out_points);
    if (s == HEW_OK && in->type != out->type)
        return hew_fail(HEW_ERR_UNSUPPORTED, "%s: from %s to %s", op, hew_type_name(in->type),
                        hew_type_name(out->type));
    return s;
}

hew_status hew_check_axis(const char *op, int rank, int *axis)
{
    if (*axis < -rank || *axis >= rank)
        return hew_fail(HEW_ERR_INVALID, "%s: axis is %d of %d dimensions", op, *axis, rank);
    *axis += *axis < 0 ? rank : 0;
    return HEW_OK;
}

void hew_nest_pair(const hew_tensor *out, const hew_tensor *in, hew_nest *nest)
{
    const int64_t size = (int64_t)hew_type_size(out->type);
    *nest = (hew_nest){.rank = out->rank, .tensors = 2};
    for (int j = 0; j < out->rank; j++) {
        nest->extent[j] = (size_t)out->extent[j];
        nest->stride[0][j] = (ptrdiff_t)(out->stride[j] * size);
        nest->stride[1][j] = (ptrdiff_t)(in->stride[j] * size);
    }
}

/* -------------------------------------------------------------------------------- plan ---- */

static void flip(hew_move *m, int j)
{
    hew_nest *const n = &m->nest;
    const ptrdiff_t last = (ptrdiff_t)n->extent[j] - 1;
    m->out += n->stride[0][j] * last;
    m->in += n->stride[1][j] * last;
    n->stride[0][j] = -n->stride[0][j];
    n->stride[1][j] = -n->stride[1][j];
}

/* Puts loop j before the inner one, the others staying in order. */
static void pair(hew_nest *n, int j)
{
    const hew_nest was = *n;
    for (int k = j; k < n->rank - 1; k++) {
        const int from = k == n->rank - 2 ? j : k + 1;
        n->extent[k] = was.extent[from];
        n->stride[0][k] = was.stride[0][from];
        n->stride[1][k] = was.stride[1][from];
    }
}

/* A loop of one turn outside. */
static void add_loop(hew_nest *n)
{
    for (int j = n->rank; j > 0; j--) {
        n->extent[j] = n->extent[j - 1];
        n->stride[0][j] = n->stride[0][j - 1];
        n->stride[1][j] = n->stride[1][j - 1];
    }
    n->extent[0] = 1;
    n->stride[0][0] = n->stride[1][0] = 0;
    n->rank++;
}

/* Elements that stay together are one, if there are such elements. */
static void widen(hew_move *m)
{
    hew_nest *const n = &m->nest;
    const int i = n->rank - 1;
    const size_t bytes = n->extent[i] <= 8 ? n->extent[i] * m->size : 0;
    if (i > 0 && n->stride[0][i] == (ptrdiff_t)m->size && n->stride[1][i] == (ptrdiff_t)m->size &&
        (bytes == 2 || bytes == 4 || bytes == 8)) {
        m->size = bytes;
        n->rank--;
    }
}

static void choose(hew_move *m)
{
    hew_nest *const n = &m->nest;
    const int i = n->rank - 1;
    const ptrdiff_t size = (ptrdiff_t)m->size;
    m->kind = HEW_MOVE_ELEMENTS;
    if (n->stride[0][i] == size && n->stride[1][i] == size) {
        m->kind = HEW_MOVE_ROWS;
        return;
    }
    for (int j = i - 1; j >= 0 && n->stride[0][i] == size; j--)
        if (n->stride[1][j] == size || n->stride[1][j] == -size) {
            if (n->stride[1][j] < 0)
                flip(m, j);
            pair(n, j);
            m->kind = HEW_MOVE_TRANSPOSE;
            return;
        }
}

/* Several turns of the outer loops, or parts of one. */
static void cut(hew_move *m)
{
    const hew_nest *const n = &m->nest;
    const size_t nj = n->extent[n->rank - 2], ni = n->extent[n->rank - 1];
    const size_t row = ni * m->size, bytes = nj * row;
    m->task_points = 1;
    m->task_j = nj;
    m->task_i = ni;
    m->down = m->across = 1;
    if (bytes < TASK_BYTES) {
        m->task_points = hew_max(TASK_BYTES / hew_max(bytes, UNIT), 1);
        return;
    }
    if (m->kind == HEW_MOVE_TRANSPOSE && m->stream) {
        m->task_j = hew_min(nj, hew_max(2 * TASK_SIDE, TASK_BYTES / row));
        m->task_i = hew_min(ni, hew_max(TASK_SIDE, TASK_BYTES / (nj * m->size) / UNIT * UNIT));
    } else if (m->kind == HEW_MOVE_TRANSPOSE) {
        m->task_j = hew_min(nj, STRIP_BYTES / m->size);
        m->task_i = hew_min(ni, hew_round_up(TASK_BYTES / (m->task_j * m->size), UNIT));
    } else {
        m->task_j = hew_min(nj, hew_max(TASK_BYTES / row, 1));
        if (row > 2 * TASK_BYTES)
            m->task_i = TASK_BYTES / m->size;
    }
    m->down = hew_ceil_div(nj, m->task_j);
    m->across = hew_ceil_div(ni, m->task_i);
}

void hew_move_plan(hew_move *m, const hew_nest *nest, size_t size, const void *in, void *out)
{
    *m = (hew_move){.nest = *nest, .size = size, .in = in, .out = out};
    hew_nest *const n = &m->nest;
    hew_nest_simplify(n);
    if (n->extent[0] == 0)
        return;
    for (int j = 0; j < n->rank; j++)
        if (n->stride[0][j] < 0)
            flip(m, j);
    hew_nest_sort(n, 0);
    hew_nest_simplify(n);
    widen(m);
    if (n->rank < 2)
        add_loop(n);
    choose(m);
    m->points = hew_nest_points(n, n->rank - 2);
    const size_t block = n->extent[n->rank - 2] * n->extent[n->rank - 1] * m->size;
    m->stream = m->points * block >= HEW_STREAM_BYTES;
    cut(m);
    size_t count;
    const hew_kernel *const transpose = hew_kernels(HEW_FAMILY_transpose, &count);
    const hew_kernel *const copy_rows = hew_kernels(HEW_FAMILY_copy_rows, &count);
    m->transpose = HEW_FN(transpose, transpose);
    m->copy_rows = HEW_FN(copy_rows, copy_rows);
    m->kernel = m->kind == HEW_MOVE_ROWS        ? copy_rows->name
                : m->kind == HEW_MOVE_TRANSPOSE ? transpose->name
                                                : "elements";
}

/* ------------------------------------------------------------------------------- blocks ---- */

/* One element, again and again: by what is written already, while that is in the cache. */
static void fill(size_t size, size_t n, const char *in, char *out)
{
    const size_t bytes = n * size;
    if (size == 1) {
        memset(out, *(const unsigned char *)in, n);
        return;
    }
    memcpy(out, in, size);
    for (size_t done = size, more; done < bytes; done += more) {
        more = hew_min(hew_min(done, FILL_BYTES), bytes - done);
        memcpy(out + done, out, more);
    }
}

#define MOVE_ELEMENTS(size)                                                                        \
    static void elements##size(size_t n, const char *in, ptrdiff_t in_step, char *out,             \
                               ptrdiff_t out_step)                                                 \
    {                                                                                              \
        for (; n > 0; n--, in += in_step, out += out_step)                                         \
            memcpy(out, in, size);                                                                 \
    }
MOVE_ELEMENTS(1)
MOVE_ELEMENTS(2)
MOVE_ELEMENTS(4)
MOVE_ELEMENTS(8)

static void move_elements(size_t size, size_t n, const char *in, ptrdiff_t in_step, char *out,
                          ptrdiff_t out_step)
{
    if (in_step == 0 && out_step == (ptrdiff_t)size) {
        fill(size, n, in, out);
        return;
    }
    switch (size) {
    case 1: elements1(n, in, in_step, out, out_step); break;
    case 2: elements2(n, in, in_step, out, out_step); break;
    case 4: elements4(n, in, in_step, out, out_step); break;
    case 8: elements8(n, in, in_step, out, out_step); break;
    }
}

static void run_block(const hew_move *m, size_t nj, size_t ni, const char *in, char *out)
{
    const hew_nest *const n = &m->nest;
    const int j = n->rank - 2, i = n->rank - 1;
    const ptrdiff_t in_j = n->stride[1][j], out_j = n->stride[0][j];
    const ptrdiff_t in_i = n->stride[1][i], out_i = n->stride[0][i];
    switch (m->kind) {
    case HEW_MOVE_ROWS:
        m->copy_rows(&(hew_copy_rows){.rows = nj, .bytes = ni * m->size, .in = in,
                                      .in_stride = in_j, .out = out, .out_stride = out_j,
                                      .stream = m->stream});
        break;
    case HEW_MOVE_TRANSPOSE:
        m->transpose(&(hew_transpose){.size = m->size, .rows = ni, .columns = nj, .in = in,
                                      .in_stride = in_i, .out = out, .out_stride = out_j,
                                      .stream = m->stream});
        break;
    case HEW_MOVE_ELEMENTS:
        for (; nj > 0; nj--, in += in_j, out += out_j)
            move_elements(m->size, ni, in, in_i, out, out_i);
        break;
    }
}

/* --------------------------------------------------------------------------------- runs ---- */

/* Some turns of the outer loops: whole turns of the innermost of them at a time. */
static void run_points(const hew_move *m, size_t first, size_t end)
{
    const hew_nest *const n = &m->nest;
    const int outer = n->rank - 2;
    const size_t turns = outer > 0 ? n->extent[outer - 1] : 1;
    while (first < end) {
        ptrdiff_t at[HEW_NEST_TENSORS];
        hew_nest_at(n, outer, first, at);
        const char *from = m->in + at[1];
        char *to = m->out + at[0];
        const size_t together = hew_min(end - first, turns - first % turns);
        for (size_t k = 0; k < together; k++) {
            run_block(m, n->extent[outer], n->extent[outer + 1], from, to);
            if (outer > 0) {
                from += n->stride[1][outer - 1];
                to += n->stride[0][outer - 1];
            }
        }
        first += together;
    }
}

static size_t tasks_of(const hew_move *m)
{
    return m->points == 0 ? 0 : hew_ceil_div(m->points, m->task_points) * m->down * m->across;
}

static void run_task(const hew_move *m, size_t task)
{
    const hew_nest *const n = &m->nest;
    if (m->down * m->across == 1) {
        const size_t first = task * m->task_points;
        run_points(m, first, hew_min(first + m->task_points, m->points));
        return;
    }
    const int j = n->rank - 2, i = n->rank - 1;
    const size_t part = task % (m->down * m->across);
    const size_t first_j = part / m->across * m->task_j, first_i = part % m->across * m->task_i;
    ptrdiff_t at[HEW_NEST_TENSORS];
    hew_nest_at(n, j, task / (m->down * m->across), at);
    for (int t = 0; t < 2; t++)
        at[t] += n->stride[t][j] * (ptrdiff_t)first_j + n->stride[t][i] * (ptrdiff_t)first_i;
    run_block(m, hew_min(m->task_j, n->extent[j] - first_j),
              hew_min(m->task_i, n->extent[i] - first_i), m->in + at[1], m->out + at[0]);
}

static void run_any_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const hew_move *m = context;
    for (size_t tasks; task >= (tasks = tasks_of(m)); m++)
        task -= tasks;
    run_task(m, task);
}

hew_status hew_moves_run(const hew_move *m, size_t count, const hew_threads *threads)
{
    size_t tasks = 0;
    for (size_t k = 0; k < count; k++)
        tasks += tasks_of(&m[k]);
    return tasks == 0 ? HEW_OK : hew_parallel(threads, tasks, run_any_task, (void *)m);
}

void hew_move_here(const hew_move *m)
{
    if (m->points > 0)
        run_points(m, 0, m->points);
}

void hew_move_verbose(const char *op, const hew_move *m, size_t count, double start)
{
    if (HEW_LIKELY(start == 0))
        return;
    const double seconds = hew_now() - start;
    double bytes = 0;
    for (size_t k = 0; k < count; k++)
        bytes += (double)(hew_nest_points(&m[k].nest, m[k].nest.rank) * m[k].size);
    hew_verbose_line("%s %.0f bytes in %zu parts %s %.1f us %.2f GB/s", op, bytes, count,
                     count > 0 && m->kernel ? m->kernel : "-", seconds * 1e6,
                     2e-9 * bytes / seconds);
}
