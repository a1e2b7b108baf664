/*
 * binary.c - two matrices, element by element.
 *
 * A task takes some rows of some columns.  Activations that are more than a clamp are a pass over a
 * stretch of C, or of floats that become C.
 */
#include "panels.h"

enum {
    TASK_ELEMENTS = 64 << 10, /* some 15 us: several times what handing out a task costs */
    STRETCH = 1024            /* columns whose floats stay in the L1 cache */
};

typedef struct binary {
    hew_binary_rows rows; /* of all */
    size_t a_size, b_size, c_size;
    binary_fn *fn;
    hew_act act; /* after the clamp, or NONE */
    act_f32_fn *act_fn;
    float c_inverse;
    quantize_f32_fn *quantize_fn; /* of what `act` leaves; null where C is f32 */
    size_t task_rows, task_columns, across;
} binary;

/* --------------------------------------------------------------------------- descriptors ---- */

static hew_status check_type(const char *name, hew_type type, float scale, int32_t zero)
{
    if (type != HEW_F32 && type != HEW_U8 && type != HEW_S8)
        return hew_fail(HEW_ERR_UNSUPPORTED,
                        "binary: %s of type %d (%s); f32, u8 and s8 are what there is", name,
                        (int)type, hew_type_name(type));
    const hew_status s = hew_check_zero("binary", name, zero, type);
    return s == HEW_OK ? hew_check_scale("binary", name, scale) : s;
}

/* *bytes: of a row's stride. */
static hew_status check_stride(const char *name, const hew_binary_desc *d, int64_t given,
                               size_t size, size_t *bytes)
{
    const int64_t used = given == 0 ? d->columns : given;
    if (used < d->columns)
        return hew_fail(HEW_ERR_INVALID, "binary: %s_stride = %lld is less than the %lld columns",
                        name, (long long)given, (long long)d->columns);
    int64_t all;
    if (!hew_mul(used, (int64_t)size, &all) || !hew_mul(all, d->rows, &all))
        return hew_fail(HEW_ERR_OVERFLOW, "binary: %lld rows with %s_stride = %lld are too large",
                        (long long)d->rows, name, (long long)used);
    *bytes = (size_t)used * size;
    return HEW_OK;
}

static hew_status check_desc(const hew_binary_desc *d, hew_act *act)
{
    if (!d)
        return hew_fail(HEW_ERR_INVALID, "binary: desc is null");
    if (d->size != sizeof *d)
        return hew_fail(HEW_ERR_INVALID, "binary: descriptor size is %zu, this library's is %zu",
                        d->size, sizeof *d);
    if (d->kind != HEW_BINARY_ADD)
        return hew_fail(HEW_ERR_INVALID, "binary: there is no kind %d; HEW_BINARY_ADD is 0",
                        (int)d->kind);
    if (d->rows < 0 || d->columns < 0)
        return hew_fail(HEW_ERR_INVALID, "binary: rows = %lld, columns = %lld", (long long)d->rows,
                        (long long)d->columns);
    hew_status s = check_type("a", d->a_type, d->a_scale, d->a_zero);
    if (s == HEW_OK)
        s = check_type("b", d->b_type, d->b_scale, d->b_zero);
    if (s == HEW_OK)
        s = check_type("c", d->c_type, d->c_scale, d->c_zero);
    if (s == HEW_OK && d->c_type == HEW_F32 && d->c_scale != 0.0f)
        s = hew_fail(HEW_ERR_INVALID, "binary: c_scale = %g with c of f32", (double)d->c_scale);
    *act = d->act;
    return s == HEW_OK ? hew_act_defaults("binary", act) : s;
}

static hew_status check_pointer(const char *name, const void *p, size_t size)
{
    if (!p)
        return hew_fail(HEW_ERR_INVALID, "binary: %s is null", name);
    if ((uintptr_t)p % size)
        return hew_fail(HEW_ERR_INVALID, "binary: %s is not aligned to its elements", name);
    return HEW_OK;
}

/* An operand may be C where each of its elements lies in the place of one of C. */
static hew_status check_alias(const char *name, const hew_binary_rows *r, const void *p,
                              size_t size, size_t stride, size_t c_size)
{
    if (p != r->c || (size == c_size && (r->rows == 1 || stride == r->c_stride)))
        return HEW_OK;
    return hew_fail(HEW_ERR_INVALID, "binary: c is %s, but with elements of %zu and %zu bytes and "
                    "strides of %zu and %zu", name, c_size, size, r->c_stride, stride);
}

static hew_status check_operands(binary *op)
{
    const hew_binary_rows *r = &op->rows;
    hew_status s = check_pointer("a", r->a, op->a_size);
    if (s == HEW_OK)
        s = check_pointer("b", r->b, op->b_size);
    if (s == HEW_OK)
        s = check_pointer("c", r->c, op->c_size);
    if (s == HEW_OK)
        s = check_alias("a", r, r->a, op->a_size, r->a_stride, op->c_size);
    return s == HEW_OK ? check_alias("b", r, r->b, op->b_size, r->b_stride, op->c_size) : s;
}

static hew_status prepare(const hew_binary_desc *d, binary *op)
{
    hew_act act;
    hew_status s = check_desc(d, &act);
    if (s != HEW_OK)
        return s;
    hew_binary_rows *r = &op->rows;
    r->a_type = d->a_type, r->b_type = d->b_type, r->c_type = d->c_type;
    r->a_zero = d->a_zero, r->b_zero = d->b_zero, r->c_zero = d->c_zero;
    op->a_size = hew_type_size(d->a_type);
    op->b_size = hew_type_size(d->b_type);
    op->c_size = hew_type_size(d->c_type);
    s = check_stride("a", d, d->a_stride, op->a_size, &r->a_stride);
    if (s == HEW_OK)
        s = check_stride("b", d, d->b_stride, op->b_size, &r->b_stride);
    if (s == HEW_OK)
        s = check_stride("c", d, d->c_stride, op->c_size, &r->c_stride);
    if (s != HEW_OK)
        return s;
    r->rows = d->columns ? (size_t)d->rows : 0;
    r->n = (size_t)d->columns;

    hew_epilogue e = {.alpha = d->a_scale == 0 ? 1 : d->a_scale,
                      .beta = d->b_scale == 0 ? 1 : d->b_scale};
    hew_quant q = {.c_type = d->c_type, .c_inverse = 1 / (d->c_scale == 0 ? 1 : d->c_scale)};
    op->act = hew_epilogue_act(&e, act);
    op->c_inverse = q.c_inverse;
    hew_quant_fold(&e, &q, op->act.kind != HEW_ACT_NONE);
    r->a_factor = e.alpha, r->b_factor = e.beta;
    r->lo = e.lo, r->hi = e.hi;
    return HEW_OK;
}

/* ---------------------------------------------------------------------------------- runs ---- */

/* One row: the kernel makes floats, in C or beside it, and they become C. */
static void run_stretch(const binary *op, hew_binary_rows r)
{
    float floats[STRETCH];
    char *const c = r.c;
    if (op->quantize_fn) {
        r.c = floats;
        r.c_type = HEW_F32;
    }
    op->fn(&r);
    op->act_fn(&(hew_act_f32_rows){.act = op->act, .x = r.c, .rows = 1, .n = r.n});
    if (op->quantize_fn)
        op->quantize_fn(&(hew_quantize_rows){.x = floats, .y = c, .type = op->rows.c_type,
                                             .inverse = op->c_inverse, .zero = r.c_zero, .rows = 1,
                                             .n = r.n});
}

/* `rows` by n elements of the whole. */
static hew_binary_rows part_of(const binary *op, size_t row, size_t column, size_t rows, size_t n)
{
    hew_binary_rows r = op->rows;
    r.a = (const char *)r.a + row * r.a_stride + column * op->a_size;
    r.b = (const char *)r.b + row * r.b_stride + column * op->b_size;
    r.c = (char *)r.c + row * r.c_stride + column * op->c_size;
    r.rows = rows;
    r.n = n;
    return r;
}

static void run_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const binary *const op = context;
    const size_t row = task / op->across * op->task_rows;
    const size_t column = task % op->across * op->task_columns;
    const size_t rows = hew_min(op->task_rows, op->rows.rows - row);
    const size_t n = hew_min(op->task_columns, op->rows.n - column);
    if (op->act.kind == HEW_ACT_NONE) {
        const hew_binary_rows r = part_of(op, row, column, rows, n);
        op->fn(&r);
        return;
    }
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < n; j += STRETCH)
            run_stretch(op, part_of(op, row + i, column + j, 1, hew_min(STRETCH, n - j)));
}

/* Rows without gaps are one; a whole row to a task where it is short enough. */
static void plan(binary *op)
{
    hew_binary_rows *r = &op->rows;
    if (r->a_stride == r->n * op->a_size && r->b_stride == r->n * op->b_size &&
        r->c_stride == r->n * op->c_size) {
        r->n *= r->rows;
        r->rows = 1;
    }
    op->task_columns = hew_min(r->n, TASK_ELEMENTS);
    op->task_rows = hew_min(hew_ceil_div(TASK_ELEMENTS, op->task_columns), r->rows);
    op->across = hew_ceil_div(r->n, op->task_columns);
}

static hew_status run(binary *op, const hew_kernel *kernel, const hew_threads *threads)
{
    size_t count;
    op->fn = HEW_FN(binary, kernel);
    if (op->act.kind != HEW_ACT_NONE) {
        op->act_fn = HEW_FN(act_f32, hew_kernels(HEW_FAMILY_act_f32, &count));
        if (op->rows.c_type != HEW_F32)
            op->quantize_fn = HEW_FN(quantize_f32, hew_kernels(HEW_FAMILY_quantize_f32, &count));
    }
    plan(op);
    return hew_parallel(threads, hew_ceil_div(op->rows.rows, op->task_rows) * op->across, run_task,
                        op);
}

hew_status hew_binary(const hew_binary_desc *desc, const void *a, const void *b, void *c,
                      const hew_threads *threads)
{
    binary op = {.rows = {.a = a, .b = b, .c = c}};
    hew_status s = prepare(desc, &op);
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    if (s != HEW_OK || op.rows.rows == 0)
        return s;
    s = check_operands(&op);
    if (s != HEW_OK)
        return s;
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    size_t count;
    const hew_kernel *kernel = hew_kernels(HEW_FAMILY_binary, &count);
    if (kernel->isa == HEW_ISA_REF)
        HEW_REF_FN(binary, kernel)(desc, a, b, c);
    else
        s = run(&op, kernel, threads);
    if (HEW_UNLIKELY(start != 0)) {
        const double seconds = hew_now() - start;
        const double bytes = (double)(desc->rows * desc->columns) *
                             (double)(op.a_size + op.b_size + op.c_size);
        hew_verbose_line("binary %s + %s -> %s %lldx%lld %s %.1f us %.2f GB/s",
                         hew_type_name(desc->a_type), hew_type_name(desc->b_type),
                         hew_type_name(desc->c_type), (long long)desc->rows,
                         (long long)desc->columns, kernel->name, seconds * 1e6,
                         1e-9 * bytes / seconds);
    }
    return s;
}
