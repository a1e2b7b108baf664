/*
 * softmax.c - softmax over the rows of a matrix.
 */
#include "kernels.h"

enum {
    ROW_FLOATS = 64,       /* what a row costs besides its elements */
    TASK_FLOATS = 16 << 10 /* about 8 us: several times what handing out a task costs */
};

typedef struct softmax {
    softmax_f32_fn *fn;
    bool log;
    size_t rows, columns, in_stride, out_stride;
    size_t task_rows;
    const float *in;
    float *out;
} softmax;

static hew_status check_side(const char *name, const hew_softmax_desc *d, int64_t given,
                             size_t *stride)
{
    const int64_t used = given == 0 ? d->columns : given;
    if (used < d->columns)
        return hew_fail(HEW_ERR_INVALID, "softmax: %s = %lld is less than the %lld columns", name,
                        (long long)given, (long long)d->columns);
    int64_t bytes;
    if (!hew_mul(used, d->rows, &bytes) || !hew_mul(bytes, (int64_t)sizeof(float), &bytes))
        return hew_fail(HEW_ERR_OVERFLOW, "softmax: %lld rows with %s = %lld are too large",
                        (long long)d->rows, name, (long long)used);
    *stride = (size_t)used;
    return HEW_OK;
}

static hew_status check(const hew_softmax_desc *d, const void *in, const void *out, softmax *op)
{
    if (!d)
        return hew_fail(HEW_ERR_INVALID, "softmax: desc is null");
    if (d->size != sizeof *d)
        return hew_fail(HEW_ERR_INVALID, "softmax: descriptor size is %zu, this library's is %zu",
                        d->size, sizeof *d);
    if (d->type != HEW_F32)
        return hew_fail(HEW_ERR_UNSUPPORTED, "softmax: type %d; f32 is what there is",
                        (int)d->type);
    if (d->rows < 0 || d->columns < 0)
        return hew_fail(HEW_ERR_INVALID, "softmax: rows = %lld, columns = %lld",
                        (long long)d->rows, (long long)d->columns);
    hew_status s = check_side("in_stride", d, d->in_stride, &op->in_stride);
    if (s == HEW_OK)
        s = check_side("out_stride", d, d->out_stride, &op->out_stride);
    if (s != HEW_OK)
        return s;
    op->log = d->log;
    op->rows = d->columns ? (size_t)d->rows : 0;
    op->columns = (size_t)d->columns;
    if (op->rows && (!in || !out))
        return hew_fail(HEW_ERR_INVALID, "softmax: %s is null", in ? "out" : "in");
    if (op->rows > 1 && in == out && op->in_stride != op->out_stride)
        return hew_fail(HEW_ERR_INVALID, "softmax: in place with strides %zu and %zu",
                        op->in_stride, op->out_stride);
    return HEW_OK;
}

static void run_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const softmax *op = context;
    const size_t row = task * op->task_rows;
    op->fn(op->log, hew_min(op->task_rows, op->rows - row), op->columns,
           op->in + row * op->in_stride, op->in_stride, op->out + row * op->out_stride,
           op->out_stride);
}

hew_status hew_softmax(const hew_softmax_desc *desc, const void *in, void *out,
                       const hew_threads *threads)
{
    softmax op = {.in = in, .out = out};
    hew_status s = check(desc, in, out, &op);
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    if (s != HEW_OK || op.rows == 0)
        return s;
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    size_t count;
    const hew_kernel *kernel = hew_kernels(HEW_FAMILY_softmax_f32, &count);
    op.fn = HEW_FN(softmax_f32, kernel);
    op.task_rows = hew_ceil_div(TASK_FLOATS, op.columns + ROW_FLOATS);
    s = hew_parallel(threads, hew_ceil_div(op.rows, op.task_rows), run_task, &op);
    if (HEW_UNLIKELY(start != 0)) {
        const double seconds = hew_now() - start;
        hew_verbose_line("softmax f32 %zux%zu%s %s %.1f us %.2f Gelements/s", op.rows, op.columns,
                         op.log ? " log" : "", kernel->name, seconds * 1e6,
                         1e-9 * (double)(op.rows * op.columns) / seconds);
    }
    return s;
}
