/*
 * dynamic.c - rows quantised to their own range.
 */
#include "format.h"
#include "ref/ref.h"

enum {
    ROW_ELEMENTS = 128,       /* what a row costs besides its elements */
    TASK_ELEMENTS = 64 << 10, /* some 15 us: several times what handing out a task costs */
    PIECES = 64               /* of a few long rows, whose ranges are found by several threads */
};

typedef struct dynamic {
    range_f32_fn *find_range;
    quantize_f32_fn *quantize;
    hew_type type;
    size_t rows, columns, in_stride, out_stride; /* elements */
    const float *in;
    char *out;
    float *scale;
    int32_t *zero; /* or null */
    size_t task_rows;
    size_t pieces;          /* of each row, where a task is one of them */
    hew_bounds range[PIECES];
} dynamic;

/* A range that has 0 in it gives a row's scale and zero, and with them what quantises it.  A scale
 * of 0 stands for none: then the product with an inverse of 0 makes every element the zero. */
static hew_quantize_rows quantizer_of(hew_type type, hew_bounds range, float *scale, int32_t *zero)
{
    const float lo = range.lo, hi = range.hi;
    const float s = type == HEW_S8 ? (-lo > hi ? -lo : hi) / 127.0f : (hi - lo) / 255.0f;
    const int32_t z = type == HEW_S8 || s == 0.0f ? 0 : hew_ref_quantize(-lo / s, 0, HEW_U8);
    *scale = s;
    *zero = z;
    return (hew_quantize_rows){.type = type, .scale = s, .zero = z, .rows = 1};
}

void hew_quantize_row(range_f32_fn *range, quantize_f32_fn *quantize, const float *x, size_t k,
                      hew_type type, void *y, float *scale, int32_t *zero)
{
    hew_quantize_rows row = quantizer_of(type, range((hew_bounds){0.0f, 0.0f}, k, x), scale, zero);
    row.x = x;
    row.y = y;
    row.n = k;
    quantize(&row);
}

static void rows_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const dynamic *const d = context;
    const size_t first = task * d->task_rows;
    for (size_t i = first; i < hew_min(first + d->task_rows, d->rows); i++) {
        int32_t zero;
        hew_quantize_row(d->find_range, d->quantize, d->in + i * d->in_stride, d->columns, d->type,
                         d->out + i * d->out_stride, d->scale + i, d->zero ? d->zero + i : &zero);
    }
}

static void range_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    dynamic *const d = context;
    const size_t row = task / d->pieces, piece = task % d->pieces;
    const size_t begin = hew_cut(d->columns, d->pieces, piece);
    const size_t end = hew_cut(d->columns, d->pieces, piece + 1);
    d->range[task] = d->find_range((hew_bounds){0.0f, 0.0f}, end - begin,
                                     d->in + row * d->in_stride + begin);
}

static void piece_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const dynamic *const d = context;
    const size_t row = task / d->pieces, piece = task % d->pieces;
    const hew_bounds *const range = d->range + row * d->pieces;
    const size_t begin = hew_cut(d->columns, d->pieces, piece);
    hew_bounds all = {0.0f, 0.0f};
    for (size_t i = 0; i < d->pieces; i++)
        all = (hew_bounds){range[i].lo < all.lo ? range[i].lo : all.lo,
                          range[i].hi > all.hi ? range[i].hi : all.hi};
    float scale;
    int32_t zero;
    hew_quantize_rows call = quantizer_of(d->type, all, &scale, &zero);
    call.x = d->in + row * d->in_stride + begin;
    call.y = d->out + row * d->out_stride + begin;
    call.n = hew_cut(d->columns, d->pieces, piece + 1) - begin;
    d->quantize(&call);
    if (piece > 0)
        return;
    d->scale[row] = scale;
    if (d->zero)
        d->zero[row] = zero;
}

static hew_status run(dynamic *d, const hew_threads *threads)
{
    size_t count;
    d->find_range = HEW_FN(range_f32, hew_kernels(HEW_FAMILY_range_f32, &count));
    d->quantize = HEW_FN(quantize_f32, hew_kernels(HEW_FAMILY_quantize_f32, &count));
    if (threads && threads->count > d->rows && d->columns >= 2 * TASK_ELEMENTS &&
        d->rows <= PIECES / 2) {
        d->pieces = hew_min(PIECES / d->rows, d->columns / TASK_ELEMENTS);
        const hew_status s = hew_parallel(threads, d->rows * d->pieces, range_task, d);
        return s == HEW_OK ? hew_parallel(threads, d->rows * d->pieces, piece_task, d) : s;
    }
    d->task_rows = hew_ceil_div(TASK_ELEMENTS, d->columns + ROW_ELEMENTS);
    return hew_parallel(threads, hew_ceil_div(d->rows, d->task_rows), rows_task, d);
}

static hew_status check_stride(const char *name, const hew_quantize_dynamic_desc *d, int64_t given,
                               size_t *stride)
{
    const int64_t used = given == 0 ? d->columns : given;
    if (used < d->columns)
        return hew_fail(HEW_ERR_INVALID,
                        "quantize_dynamic: %s = %lld is less than the %lld columns", name,
                        (long long)given, (long long)d->columns);
    int64_t bytes;
    if (!hew_mul(used, d->rows, &bytes) || !hew_mul(bytes, (int64_t)sizeof(float), &bytes))
        return hew_fail(HEW_ERR_OVERFLOW,
                        "quantize_dynamic: %lld rows with %s = %lld are too large",
                        (long long)d->rows, name, (long long)used);
    *stride = (size_t)used;
    return HEW_OK;
}

static hew_status check(const hew_quantize_dynamic_desc *d, dynamic *op)
{
    if (!d)
        return hew_fail(HEW_ERR_INVALID, "quantize_dynamic: desc is null");
    if (d->size != sizeof *d)
        return hew_fail(HEW_ERR_INVALID,
                        "quantize_dynamic: descriptor size is %zu, this library's is %zu", d->size,
                        sizeof *d);
    if (d->kind != HEW_DYNAMIC_SYMMETRIC && d->kind != HEW_DYNAMIC_ASYMMETRIC)
        return hew_fail(HEW_ERR_INVALID, "quantize_dynamic: kind = %d; there are %d and %d",
                        (int)d->kind, HEW_DYNAMIC_SYMMETRIC, HEW_DYNAMIC_ASYMMETRIC);
    if (d->rows < 0 || d->columns < 0)
        return hew_fail(HEW_ERR_INVALID, "quantize_dynamic: rows = %lld, columns = %lld",
                        (long long)d->rows, (long long)d->columns);
    hew_status s = check_stride("in_stride", d, d->in_stride, &op->in_stride);
    if (s == HEW_OK)
        s = check_stride("out_stride", d, d->out_stride, &op->out_stride);
    op->type = d->kind == HEW_DYNAMIC_SYMMETRIC ? HEW_S8 : HEW_U8;
    op->rows = (size_t)d->rows;
    op->columns = (size_t)d->columns;
    if (d->columns == 0)
        op->in_stride = op->out_stride = 0; /* the tensors may be null */
    if (s != HEW_OK || d->rows == 0)
        return s;
    if (d->columns > 0 && (!op->in || !op->out))
        return hew_fail(HEW_ERR_INVALID, "quantize_dynamic: %s is null", op->in ? "out" : "in");
    if (!op->scale || (!op->zero && d->kind == HEW_DYNAMIC_ASYMMETRIC))
        return hew_fail(HEW_ERR_INVALID, "quantize_dynamic: %s is null",
                        op->scale ? "zero" : "scale");
    return HEW_OK;
}

hew_status hew_quantize_dynamic(const hew_quantize_dynamic_desc *desc, const float *in, void *out,
                                float *scale, int32_t *zero, const hew_threads *threads)
{
    dynamic op = {.in = in, .out = out, .scale = scale, .zero = zero};
    hew_status s = check(desc, &op);
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    if (s != HEW_OK || op.rows == 0)
        return s;
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    s = run(&op, threads);
    if (HEW_UNLIKELY(start != 0)) {
        const double seconds = hew_now() - start;
        hew_verbose_line("quantize_dynamic %zux%zu %s %.1f us %.2f Gelements/s", op.rows,
                         op.columns, hew_type_name(op.type), seconds * 1e6,
                         1e-9 * (double)(op.rows * op.columns) / seconds);
    }
    return s;
}
