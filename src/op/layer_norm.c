/*
 * layer_norm.c - layer and RMS norm, and their gradients.
 *
 * A task of the forward pass has some rows.  One of the backward pass has some blocks of
 * HEW_NORM_BLOCK rows, each of which leaves its sums over rows in scratch; the sums of those are a
 * second job, cut by columns.
 */
#include "norm.h"

enum {
    ROW_ELEMENTS = 64,        /* what a row costs besides its elements */
    TASK_ELEMENTS = 16 << 10, /* some 5 us: several times what handing out a task costs */
    COLUMN_TASK = 64 << 10    /* elements of parts that are added up */
};

static const char forward_name[] = "layer_norm", backward_name[] = "layer_norm_backward";

typedef struct shape {
    size_t rows, columns, element;
    size_t in_stride, out_stride, residual_stride; /* bytes */
    float epsilon;
} shape;

static hew_status check_desc(const char *op, const hew_layer_norm_desc *d, shape *s)
{
    hew_status status = hew_norm_check_struct(op, "desc", d, sizeof *d);
    if (status == HEW_OK && (int)d->kind != HEW_LAYER_NORM && (int)d->kind != HEW_RMS_NORM)
        return hew_fail(HEW_ERR_INVALID, "%s: there is no kind %d", op, (int)d->kind);
    if (status == HEW_OK)
        status = hew_norm_check_type(op, d->type);
    if (status == HEW_OK)
        status = hew_norm_check_epsilon(op, d->epsilon, &s->epsilon);
    if (status != HEW_OK)
        return status;
    if (d->rows < 0 || d->columns < 0)
        return hew_fail(HEW_ERR_INVALID, "%s: rows = %lld, columns = %lld", op, (long long)d->rows,
                        (long long)d->columns);
    s->element = hew_type_size(d->type);
    s->rows = d->columns ? (size_t)d->rows : 0;
    s->columns = (size_t)d->columns;
    status = hew_norm_check_stride(op, "in_stride", d->in_stride, d->rows, d->columns, s->element,
                                   &s->in_stride);
    if (status == HEW_OK)
        status = hew_norm_check_stride(op, "out_stride", d->out_stride, d->rows, d->columns,
                                       s->element, &s->out_stride);
    if (status == HEW_OK)
        status = hew_norm_check_stride(op, "residual_stride", d->residual_stride, d->rows,
                                       d->columns, s->element, &s->residual_stride);
    return status;
}

static void verbose(const char *op, const hew_layer_norm_desc *d, const hew_kernel *kernel,
                    double seconds)
{
    hew_verbose_line("%s %s %lldx%lld%s %s %.1f us %.2f Gelements/s", op, hew_type_name(d->type),
                     (long long)d->rows, (long long)d->columns,
                     d->kind == HEW_RMS_NORM ? " rms" : "", kernel->name, seconds * 1e6,
                     1e-9 * (double)d->rows * (double)d->columns / seconds);
}

/* ------------------------------------------------------------------------------ forward ---- */

typedef struct forward {
    layer_norm_fn *fn;
    hew_norm_rows all; /* rows: of a task */
    size_t rows;
} forward;

static void *at_row(const void *p, size_t row, size_t stride)
{
    return p ? (char *)p + row * stride : NULL;
}

static void run_rows(void *context, size_t worker, size_t task)
{
    (void)worker;
    const forward *const f = context;
    const size_t row = task * f->all.rows;
    hew_norm_rows r = f->all;
    r.rows = hew_min(r.rows, f->rows - row);
    r.in = at_row(r.in, row, r.in_stride);
    r.residual = at_row(r.residual, row, r.residual_stride);
    r.h = at_row(r.h, row, r.h_stride);
    r.out = at_row(r.out, row, r.out_stride);
    r.mean = at_row(r.mean, row, sizeof(float));
    r.rstd = at_row(r.rstd, row, sizeof(float));
    f->fn(&r);
}

static hew_status check_args(const shape *s, const hew_layer_norm_args *a)
{
    const bool some = s->rows > 0;
    const hew_norm_pointer pointers[] = {
        {"in", a->in, some, s->element},
        {"residual", a->residual, false, s->element},
        {"gamma", a->gamma, false, sizeof(float)},
        {"beta", a->beta, false, sizeof(float)},
        {"out", a->out, some, s->element},
        {"sum", a->sum, false, s->element},
        {"mean", a->mean, false, sizeof(float)},
        {"rstd", a->rstd, false, sizeof(float)},
    };
    hew_status status = hew_norm_check_pointers(forward_name, pointers, 8);
    if (status == HEW_OK && a->sum && !a->residual)
        return hew_fail(HEW_ERR_INVALID, "%s: sum without a residual", forward_name);
    if (status == HEW_OK && some && a->sum == a->out)
        return hew_fail(HEW_ERR_INVALID, "%s: sum and out are one", forward_name);
    if (status == HEW_OK)
        status = hew_norm_check_same(forward_name, a->in, s->in_stride, a->out, s->out_stride);
    if (status == HEW_OK)
        status = hew_norm_check_same(forward_name, a->in, s->in_stride, a->sum,
                                     s->residual_stride);
    if (status == HEW_OK)
        status = hew_norm_check_same(forward_name, a->residual, s->residual_stride, a->out,
                                     s->out_stride);
    return status == HEW_OK ? hew_check_threads(a->threads) : status;
}

hew_status hew_layer_norm(const hew_layer_norm_desc *desc, const hew_layer_norm_args *args)
{
    shape s;
    hew_status status = check_desc(forward_name, desc, &s);
    if (status == HEW_OK)
        status = hew_norm_check_struct(forward_name, "args", args, sizeof *args);
    if (status == HEW_OK)
        status = check_args(&s, args);
    if (status != HEW_OK || s.rows == 0)
        return status;
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    size_t count;
    const hew_kernel *const kernel = hew_kernels(HEW_FAMILY_layer_norm, &count);
    if (kernel->isa == HEW_ISA_REF) {
        HEW_REF_FN(layer_norm, kernel)(desc, args);
    } else {
        forward f = {
            .fn = HEW_FN(layer_norm, kernel),
            .rows = s.rows,
            .all = {.kind = desc->kind, .type = desc->type, .n = s.columns, .in = args->in,
                    .residual = args->residual, .h = args->sum ? args->sum : args->out,
                    .out = args->out, .in_stride = s.in_stride,
                    .residual_stride = s.residual_stride,
                    .h_stride = args->sum ? s.residual_stride : s.out_stride,
                    .out_stride = s.out_stride, .gamma = args->gamma, .beta = args->beta,
                    .mean = args->mean, .rstd = args->rstd, .epsilon = s.epsilon},
        };
        f.all.stream = hew_norm_streams(args->out, s.out_stride, s.rows, args->in,
                                        args->residual ? f.all.h : NULL);
        f.all.rows = hew_round_up(hew_ceil_div(TASK_ELEMENTS, s.columns + ROW_ELEMENTS), 4);
        status = hew_parallel(args->threads, hew_ceil_div(s.rows, f.all.rows), run_rows, &f);
    }
    if (HEW_UNLIKELY(start != 0))
        verbose(forward_name, desc, kernel, hew_now() - start);
    return status;
}

/* ----------------------------------------------------------------------------- backward ---- */

typedef struct backward {
    layer_norm_backward_fn *fn;
    hew_norm_rows_back all;
    size_t rows, blocks, task_blocks, task_columns;
    float *parts; /* [blocks][2][columns] */
    float *d_gamma, *d_beta;
} backward;

static void run_blocks(void *context, size_t worker, size_t task)
{
    (void)worker;
    const backward *const b = context;
    const size_t end = hew_min((task + 1) * b->task_blocks, b->blocks);
    for (size_t block = task * b->task_blocks; block < end; block++) {
        const size_t row = block * HEW_NORM_BLOCK;
        hew_norm_rows_back r = b->all;
        r.rows = hew_min(HEW_NORM_BLOCK, b->rows - row);
        r.in = at_row(r.in, row, r.in_stride);
        r.d_out = at_row(r.d_out, row, r.out_stride);
        r.d_sum = at_row(r.d_sum, row, r.residual_stride);
        r.d_in = at_row(r.d_in, row, r.in_stride);
        r.mean = at_row(r.mean, row, sizeof(float));
        r.rstd = at_row(r.rstd, row, sizeof(float));
        r.d_gamma = b->parts + 2 * block * r.n;
        r.d_beta = r.d_gamma + r.n;
        b->fn(&r);
    }
}

static void add_blocks(void *context, size_t worker, size_t task)
{
    (void)worker;
    const backward *const b = context;
    const size_t n = b->all.n, begin = task * b->task_columns;
    const size_t end = hew_min(begin + b->task_columns, n);
    hew_norm_add_up(b->parts, b->blocks, 2 * n, begin, end, b->d_gamma);
    hew_norm_add_up(b->parts + n, b->blocks, 2 * n, begin, end, b->d_beta);
}

static size_t scratch_of(const shape *s)
{
    size_t bytes;
    const size_t blocks = hew_ceil_div(s->rows, HEW_NORM_BLOCK);
    if (__builtin_mul_overflow(blocks, 2 * sizeof(float) * s->columns, &bytes))
        return SIZE_MAX;
    return bytes;
}

hew_status hew_layer_norm_backward_scratch(const hew_layer_norm_desc *desc, size_t *bytes)
{
    shape s;
    const hew_status status = check_desc(backward_name, desc, &s);
    if (status == HEW_OK && !bytes)
        return hew_fail(HEW_ERR_INVALID, "%s: bytes is null", backward_name);
    if (status == HEW_OK)
        *bytes = scratch_of(&s);
    return status;
}

static hew_status check_backward_args(const hew_layer_norm_desc *d, const shape *s,
                                      const hew_layer_norm_backward_args *a)
{
    const bool some = s->rows > 0;
    const hew_norm_pointer pointers[] = {
        {"in", a->in, some, s->element},
        {"d_out", a->d_out, some, s->element},
        {"d_sum", a->d_sum, false, s->element},
        {"gamma", a->gamma, false, sizeof(float)},
        {"mean", a->mean, some && d->kind == HEW_LAYER_NORM, sizeof(float)},
        {"rstd", a->rstd, some, sizeof(float)},
        {"d_in", a->d_in, some, s->element},
        {"d_gamma", a->d_gamma, false, sizeof(float)},
        {"d_beta", a->d_beta, false, sizeof(float)},
        {"scratch", a->scratch, some, HEW_ALIGNMENT},
    };
    hew_status status = hew_norm_check_pointers(backward_name, pointers, 10);
    if (status == HEW_OK)
        status = hew_norm_check_same(backward_name, a->d_in, s->in_stride, a->d_out,
                                     s->out_stride);
    if (status == HEW_OK)
        status = hew_norm_check_same(backward_name, a->d_in, s->in_stride, a->d_sum,
                                     s->residual_stride);
    return status == HEW_OK ? hew_check_threads(a->threads) : status;
}

static hew_status run_backward(const hew_layer_norm_desc *d, const shape *s,
                               const hew_layer_norm_backward_args *a, layer_norm_backward_fn *fn)
{
    backward b = {
        .fn = fn,
        .rows = s->rows,
        .blocks = hew_ceil_div(s->rows, HEW_NORM_BLOCK),
        .parts = a->scratch,
        .d_gamma = a->d_gamma,
        .d_beta = a->d_beta,
        .all = {.kind = d->kind, .type = d->type, .n = s->columns, .in = a->in, .d_out = a->d_out,
                .d_sum = a->d_sum, .d_in = a->d_in, .in_stride = s->in_stride,
                .out_stride = s->out_stride, .residual_stride = s->residual_stride,
                .gamma = a->gamma, .mean = a->mean, .rstd = a->rstd},
    };
    b.all.stream = hew_norm_streams(a->d_in, s->in_stride, s->rows, a->d_out, a->d_sum);
    b.task_blocks =
        hew_ceil_div(TASK_ELEMENTS, HEW_NORM_BLOCK * hew_min(s->columns + 16, TASK_ELEMENTS));
    b.task_columns = hew_round_up(hew_ceil_div(COLUMN_TASK, b.blocks + 16), 64);
    hew_status status =
        hew_parallel(a->threads, hew_ceil_div(b.blocks, b.task_blocks), run_blocks, &b);
    if (status == HEW_OK && (a->d_gamma || a->d_beta))
        status = hew_parallel(a->threads, hew_ceil_div(b.all.n, b.task_columns), add_blocks, &b);
    return status;
}

hew_status hew_layer_norm_backward(const hew_layer_norm_desc *desc,
                                   const hew_layer_norm_backward_args *args)
{
    shape s;
    hew_status status = check_desc(backward_name, desc, &s);
    if (status == HEW_OK)
        status = hew_norm_check_struct(backward_name, "args", args, sizeof *args);
    if (status == HEW_OK)
        status = check_backward_args(desc, &s, args);
    if (status != HEW_OK)
        return status;
    if (s.rows == 0) { /* sums of nothing */
        for (size_t j = 0; j < s.columns; j++) {
            if (args->d_gamma)
                args->d_gamma[j] = 0.0f;
            if (args->d_beta)
                args->d_beta[j] = 0.0f;
        }
        return HEW_OK;
    }
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    size_t count;
    const hew_kernel *const kernel = hew_kernels(HEW_FAMILY_layer_norm_backward, &count);
    if (kernel->isa == HEW_ISA_REF)
        HEW_REF_FN(layer_norm_backward, kernel)(desc, args);
    else
        status = run_backward(desc, &s, args, HEW_FN(layer_norm_backward, kernel));
    if (HEW_UNLIKELY(start != 0))
        verbose(backward_name, desc, kernel, hew_now() - start);
    return status;
}
