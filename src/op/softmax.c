/*
 * softmax.c - softmax along an axis, under masks, and its gradient.
 */
#include "format.h"

#include <math.h>

enum {
    ROW_FLOATS = 64,        /* what a row costs besides its elements */
    TASK_FLOATS = 16 << 10, /* about 8 us: several times what handing out a task costs */
    LANES = 64              /* an axis of lanes is cut at multiples of this */
};

typedef struct softmax {
    const hew_softmax_desc *desc;
    const hew_softmax_mask *mask; /* null: none */
    size_t rows, columns, inner, in_stride, out_stride, size;
    size_t heads, queries;
    float scale;
    bool backward;
    hew_any_fn *fn;
    size_t task_rows; /* with inner > 1: lanes */
    const char *in, *gradient;
    char *out;
} softmax;

static hew_status check_side(const char *name, const hew_softmax_desc *d, int64_t given,
                             size_t *stride)
{
    int64_t dense, bytes;
    if (!hew_mul(d->columns, d->inner ? d->inner : 1, &dense))
        return hew_fail(HEW_ERR_OVERFLOW, "softmax: %lld columns, %lld apart, are too large",
                        (long long)d->columns, (long long)d->inner);
    const int64_t used = given == 0 ? dense : given;
    if (used < dense)
        return hew_fail(HEW_ERR_INVALID, "softmax: %s = %lld is less than the %lld columns", name,
                        (long long)given, (long long)dense);
    if (!hew_mul(used, d->rows, &bytes) || !hew_mul(bytes, (int64_t)sizeof(float), &bytes))
        return hew_fail(HEW_ERR_OVERFLOW, "softmax: %lld rows with %s = %lld are too large",
                        (long long)d->rows, name, (long long)used);
    *stride = (size_t)used;
    return HEW_OK;
}

static hew_status check_desc(const hew_softmax_desc *d, softmax *op)
{
    if (!d)
        return hew_fail(HEW_ERR_INVALID, "softmax: desc is null");
    if (d->size != sizeof *d)
        return hew_fail(HEW_ERR_INVALID, "softmax: descriptor size is %zu, this library's is %zu",
                        d->size, sizeof *d);
    if (d->type != HEW_F32 && d->type != HEW_BF16)
        return hew_fail(HEW_ERR_UNSUPPORTED, "softmax: type %d (%s); f32 and bf16 are what there "
                        "is", (int)d->type, hew_type_name(d->type));
    if (d->rows < 0 || d->columns < 0 || d->inner < 0)
        return hew_fail(HEW_ERR_INVALID, "softmax: rows = %lld, columns = %lld, inner = %lld",
                        (long long)d->rows, (long long)d->columns, (long long)d->inner);
    if (!isfinite(d->scale))
        return hew_fail(HEW_ERR_INVALID, "softmax: scale = %g", (double)d->scale);
    hew_status s = check_side("in_stride", d, d->in_stride, &op->in_stride);
    if (s == HEW_OK)
        s = check_side("out_stride", d, d->out_stride, &op->out_stride);
    op->desc = d;
    op->rows = d->columns ? (size_t)d->rows : 0;
    op->columns = (size_t)d->columns;
    op->inner = d->inner ? (size_t)d->inner : 1;
    op->scale = d->scale != 0.0f ? d->scale : 1.0f;
    op->size = hew_type_size(d->type);
    return s;
}

static hew_status check_mask(const hew_softmax_mask *m, const hew_softmax_desc *d, softmax *op)
{
    if (m->size != sizeof *m)
        return hew_fail(HEW_ERR_INVALID, "softmax: the mask's size is %zu, this library's is %zu",
                        m->size, sizeof *m);
    const int64_t heads = m->heads ? m->heads : 1, queries = m->queries ? m->queries : 1;
    int64_t group;
    if (op->inner > 1)
        return hew_fail(HEW_ERR_UNSUPPORTED, "softmax: a mask with inner = %zu", op->inner);
    if (heads < 1 || queries < 1 || !hew_mul(heads, queries, &group) || d->rows % group)
        return hew_fail(HEW_ERR_INVALID, "softmax: %lld rows of %lld heads and %lld queries",
                        (long long)d->rows, (long long)heads, (long long)queries);
    if (m->offset > INT64_MAX / 4 || m->offset < -INT64_MAX / 4 || (m->offset && !m->causal))
        return hew_fail(HEW_ERR_INVALID, "softmax: offset = %lld of a mask that is %scausal",
                        (long long)m->offset, m->causal ? "" : "not ");
    const int64_t extents[3] = {d->rows / group, heads, queries};
    int64_t end = d->columns, last;
    for (int i = 0; i < 3; i++)
        if (m->add_stride[i] < 0 || (!m->add && m->add_stride[i]))
            return hew_fail(HEW_ERR_INVALID, "softmax: add_stride[%d] = %lld", i,
                            (long long)m->add_stride[i]);
        else if (!hew_mul(extents[i], m->add_stride[i], &last) || !hew_add(end, last, &end) ||
                 end > INT64_MAX / 4)
            return hew_fail(HEW_ERR_OVERFLOW, "softmax: a mask with add_stride[%d] = %lld is too "
                            "large", i, (long long)m->add_stride[i]);
    if ((uintptr_t)m->add % sizeof(float) || (uintptr_t)m->lengths % sizeof(int32_t))
        return hew_fail(HEW_ERR_INVALID, "softmax: add = %p or lengths = %p isn't aligned to 4 "
                        "bytes", (const void *)m->add, (const void *)m->lengths);
    op->mask = m;
    op->heads = (size_t)heads;
    op->queries = (size_t)queries;
    return HEW_OK;
}

static hew_status check_data(const softmax *op, const char *name, const void *data)
{
    if (!data)
        return hew_fail(HEW_ERR_INVALID, "softmax: %s is null", name);
    if ((uintptr_t)data % op->size)
        return hew_fail(HEW_ERR_INVALID, "softmax: %s = %p isn't aligned to %zu bytes", name, data,
                        op->size);
    return HEW_OK;
}

/* ---------------------------------------------------------------------------------- tasks ---- */

/* Hands a block of rows to the kernel. */
static void run_rows(const softmax *op, size_t row, size_t rows, size_t visible, const float *add)
{
    const char *in = op->in + row * (op->backward ? op->out_stride : op->in_stride) * op->size;
    char *out = op->out + row * (op->backward ? op->in_stride : op->out_stride) * op->size;
    const hew_softmax_desc *d = op->desc;
    if (op->backward)
        ((softmax_grad_fn *)op->fn)(&(hew_softmax_grad){
            .type = d->type, .log = d->log, .rows = rows, .columns = op->columns,
            .visible = visible, .scale = op->scale, .y = in,
            .dy = op->gradient + row * op->out_stride * op->size, .y_stride = op->out_stride,
            .in = out, .in_stride = op->in_stride});
    else
        ((softmax_f32_fn *)op->fn)(&(hew_softmax_rows){
            .type = d->type, .log = d->log, .rows = rows, .columns = op->columns,
            .visible = visible, .scale = op->scale, .add = add, .in = in,
            .in_stride = op->in_stride, .out = out, .out_stride = op->out_stride});
}

static void run_masked(const softmax *op, size_t row)
{
    const hew_softmax_mask *m = op->mask;
    const size_t query = row % op->queries, head = row / op->queries % op->heads;
    const size_t batch = row / op->queries / op->heads;
    int64_t visible = (int64_t)op->columns;
    if (m->causal)
        visible = hew_min_i64(visible, (int64_t)query + m->offset + 1);
    if (m->lengths)
        visible = hew_min_i64(visible, m->lengths[m->row_lengths ? row : batch]);
    const float *add = m->add && !op->backward
                           ? m->add + batch * (size_t)m->add_stride[0] +
                                 head * (size_t)m->add_stride[1] + query * (size_t)m->add_stride[2]
                           : NULL;
    run_rows(op, row, 1, visible > 0 ? (size_t)visible : 0, add);
}

/* Lanes of one row. */
static void run_axis(const softmax *op, size_t task)
{
    const hew_softmax_desc *d = op->desc;
    const size_t chunks = hew_ceil_div(op->inner, op->task_rows);
    const size_t row = task / chunks, lane = task % chunks * op->task_rows;
    const size_t lanes = hew_min(op->task_rows, op->inner - lane);
    const size_t from = (row * (op->backward ? op->out_stride : op->in_stride) + lane) * op->size;
    const size_t to = (row * (op->backward ? op->in_stride : op->out_stride) + lane) * op->size;
    if (op->backward)
        ((softmax_axis_grad_fn *)op->fn)(&(hew_softmax_grad){
            .type = d->type, .log = d->log, .columns = op->columns, .lanes = lanes,
            .inner = op->inner, .scale = op->scale, .y = op->in + from, .dy = op->gradient + from,
            .in = op->out + to});
    else
        ((softmax_axis_fn *)op->fn)(&(hew_softmax_axis){
            .type = d->type, .log = d->log, .columns = op->columns, .lanes = lanes,
            .inner = op->inner, .scale = op->scale, .in = op->in + from, .out = op->out + to});
}

static void run_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const softmax *op = context;
    if (op->inner > 1) {
        run_axis(op, task);
        return;
    }
    const size_t begin = task * op->task_rows, end = hew_min(begin + op->task_rows, op->rows);
    if (!op->mask)
        run_rows(op, begin, end - begin, op->columns, NULL);
    else
        for (size_t row = begin; row < end; row++)
            run_masked(op, row);
}

static int family_of(const softmax *op)
{
    if (op->inner > 1)
        return op->backward ? HEW_FAMILY_softmax_axis_grad : HEW_FAMILY_softmax_axis;
    return op->backward                  ? HEW_FAMILY_softmax_grad
           : op->desc->type == HEW_F32 ? HEW_FAMILY_softmax_f32
                                         : HEW_FAMILY_softmax_bf16;
}

static hew_status run(softmax *op, const hew_threads *threads)
{
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    size_t count, tasks;
    const hew_kernel *kernel = hew_kernels(family_of(op), &count);
    op->fn = kernel->fn; /* definitions are of the kernels' types */
    if (op->inner > 1) {
        op->task_rows = hew_round_up(hew_ceil_div(TASK_FLOATS, op->columns), LANES);
        tasks = op->rows * hew_ceil_div(op->inner, op->task_rows);
    } else {
        op->task_rows = hew_ceil_div(TASK_FLOATS, op->columns + ROW_FLOATS);
        tasks = hew_ceil_div(op->rows, op->task_rows);
    }
    const hew_status s = hew_parallel(threads, tasks, run_task, op);
    if (HEW_UNLIKELY(start != 0)) {
        const double seconds = hew_now() - start;
        hew_verbose_line("softmax%s %s %zux%zux%zu%s%s %s %.1f us %.2f Gelements/s",
                         op->backward ? "_backward" : "", hew_type_name(op->desc->type), op->rows,
                         op->columns, op->inner, op->desc->log ? " log" : "",
                         op->mask ? " masked" : "", kernel->name, seconds * 1e6,
                         1e-9 * (double)op->rows * (double)(op->columns * op->inner) / seconds);
    }
    return s;
}

/* ------------------------------------------------------------------------------- forward ---- */

static hew_status forward(softmax *op, const hew_threads *threads)
{
    hew_status s = hew_check_threads(threads);
    if (s != HEW_OK || op->rows == 0)
        return s;
    s = check_data(op, "in", op->in);
    if (s == HEW_OK)
        s = check_data(op, "out", op->out);
    if (s != HEW_OK)
        return s;
    if (op->rows > 1 && op->in == op->out && op->in_stride != op->out_stride)
        return hew_fail(HEW_ERR_INVALID, "softmax: in place with strides %zu and %zu",
                        op->in_stride, op->out_stride);
    return run(op, threads);
}

hew_status hew_softmax(const hew_softmax_desc *desc, const void *in, void *out,
                       const hew_threads *threads)
{
    softmax op = {.in = in, .out = out};
    const hew_status s = check_desc(desc, &op);
    return s == HEW_OK ? forward(&op, threads) : s;
}

hew_status hew_softmax_masked(const hew_softmax_desc *desc, const hew_softmax_mask *mask,
                              const void *in, void *out, const hew_threads *threads)
{
    softmax op = {.in = in, .out = out};
    hew_status s = check_desc(desc, &op);
    if (s == HEW_OK && !mask)
        return hew_fail(HEW_ERR_INVALID, "softmax: mask is null");
    if (s == HEW_OK)
        s = check_mask(mask, desc, &op);
    return s == HEW_OK ? forward(&op, threads) : s;
}

/* ------------------------------------------------------------------------------ backward ---- */

hew_status hew_softmax_backward(const hew_softmax_desc *desc, const hew_softmax_mask *mask,
                                const void *out, const void *out_gradient, void *in_gradient,
                                const hew_threads *threads)
{
    softmax op = {.in = out, .gradient = out_gradient, .out = in_gradient, .backward = true};
    hew_status s = check_desc(desc, &op);
    if (s == HEW_OK && mask)
        s = check_mask(mask, desc, &op);
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    if (s != HEW_OK || op.rows == 0)
        return s;
    s = check_data(&op, "out", out);
    if (s == HEW_OK)
        s = check_data(&op, "out_gradient", out_gradient);
    if (s == HEW_OK)
        s = check_data(&op, "in_gradient", in_gradient);
    if (s != HEW_OK)
        return s;
    if (op.rows > 1 && op.in_stride != op.out_stride &&
        (in_gradient == out || in_gradient == out_gradient))
        return hew_fail(HEW_ERR_INVALID, "softmax: in place with strides %zu and %zu",
                        op.in_stride, op.out_stride);
    return run(&op, threads);
}
