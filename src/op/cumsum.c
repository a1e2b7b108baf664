/*
 * cumsum.c - running sums along an axis.
 */
#include "format.h"
#include "kernels.h"
#include "nest.h"

enum {
    WIDTH = 64,              /* lines in a call: registers of them for each step of the axis */
    TASK_ELEMENTS = 16 << 10 /* about 10 us: several times what handing out a task costs */
};

typedef struct cumsum {
    hew_cumsum_lines lines;
    cumsum_fn *fn;
    const char *in;
    char *out;
    hew_nest nest;       /* over in and out: all loops but the axis */
    size_t width, parts; /* lines of the innermost loop in a call; how many calls that makes */
    size_t calls, task_calls;
} cumsum;

static hew_status check(hew_cumsum_desc *d, const void *in, const void *out, int64_t *points)
{
    const unsigned types = 1u << HEW_F32 | 1u << HEW_BF16 | 1u << HEW_F16 | 1u << HEW_S32;
    int64_t out_points;
    hew_status s = hew_check_tensor("cumsum", "in", types, &d->in, points);
    if (s == HEW_OK)
        s = hew_check_tensor("cumsum", "out", 1u << d->in.type, &d->out, &out_points);
    if (s != HEW_OK)
        return s;
    if (d->out.rank != d->in.rank)
        return hew_fail(HEW_ERR_INVALID, "cumsum: out has rank %d, in has %d", d->out.rank,
                        d->in.rank);
    if (d->axis < 0 || d->axis >= d->in.rank)
        return hew_fail(HEW_ERR_INVALID, "cumsum: axis %d of %d", d->axis, d->in.rank);
    for (int i = 0; i < d->in.rank; i++) {
        if (d->out.extent[i] != d->in.extent[i])
            return hew_fail(HEW_ERR_INVALID, "cumsum: out has %lld elements along dimension %d, in "
                            "has %lld", (long long)d->out.extent[i], i,
                            (long long)d->in.extent[i]);
        if (*points > 0 && d->out.stride[i] == 0 && d->out.extent[i] > 1)
            return hew_fail(HEW_ERR_INVALID, "cumsum: out's stride along dimension %d is 0", i);
        if (in == out && *points > 0 && d->in.extent[i] > 1 && d->in.stride[i] != d->out.stride[i])
            return hew_fail(HEW_ERR_INVALID, "cumsum: in place with strides %lld and %lld",
                            (long long)d->in.stride[i], (long long)d->out.stride[i]);
    }
    s = hew_check_data("cumsum", "in", &d->in, *points, in);
    return s == HEW_OK ? hew_check_data("cumsum", "out", &d->out, *points, out) : s;
}

static void run_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const cumsum *const op = context;
    const hew_nest *const nest = &op->nest;
    const int inner = nest->rank - 1;
    const size_t end = hew_min((task + 1) * op->task_calls, op->calls);
    for (size_t call = task * op->task_calls; call < end; call++) {
        ptrdiff_t at[HEW_NEST_TENSORS];
        hew_nest_at(nest, inner, call / op->parts, at);
        const size_t first = call % op->parts * op->width;
        hew_cumsum_lines l = op->lines;
        l.width = hew_min(op->width, nest->extent[inner] - first);
        l.in = op->in + at[0] + (ptrdiff_t)first * nest->stride[0][inner];
        l.out = op->out + at[1] + (ptrdiff_t)first * nest->stride[1][inner];
        op->fn(&l);
    }
}

static hew_status run(const hew_cumsum_desc *d, cumsum *op, const hew_threads *threads)
{
    const ptrdiff_t size = (ptrdiff_t)hew_type_size(d->in.type);
    hew_nest *const nest = &op->nest;
    nest->tensors = 2;
    for (int i = 0; i < d->in.rank; i++)
        if (i != d->axis) {
            nest->extent[nest->rank] = (size_t)d->in.extent[i];
            nest->stride[0][nest->rank] = (ptrdiff_t)d->in.stride[i] * size;
            nest->stride[1][nest->rank++] = (ptrdiff_t)d->out.stride[i] * size;
        }
    hew_nest_sort(nest, 1);
    hew_nest_simplify(nest);
    hew_cumsum_lines *const l = &op->lines;
    *l = (hew_cumsum_lines){.type = d->in.type, .exclusive = d->exclusive,
                            .n = (size_t)d->in.extent[d->axis],
                            .in_step = (ptrdiff_t)d->in.stride[d->axis] * size,
                            .out_step = (ptrdiff_t)d->out.stride[d->axis] * size};
    if (d->reverse) {
        op->in += (ptrdiff_t)(l->n - 1) * l->in_step;
        op->out += (ptrdiff_t)(l->n - 1) * l->out_step;
        l->in_step = -l->in_step;
        l->out_step = -l->out_step;
    }
    const int inner = nest->rank - 1;
    const bool beside = nest->stride[0][inner] == size && nest->stride[1][inner] == size;
    op->width = beside ? WIDTH : 1;
    op->parts = hew_ceil_div(nest->extent[inner], op->width);
    op->calls = hew_nest_points(nest, inner) * op->parts;
    op->task_calls = hew_ceil_div(TASK_ELEMENTS, l->n * op->width);
    return hew_parallel(threads, hew_ceil_div(op->calls, op->task_calls), run_task, op);
}

hew_status hew_cumsum(const hew_cumsum_desc *desc, const void *in, void *out,
                      const hew_threads *threads)
{
    if (!desc)
        return hew_fail(HEW_ERR_INVALID, "cumsum: desc is null");
    if (desc->size != sizeof *desc)
        return hew_fail(HEW_ERR_INVALID, "cumsum: descriptor size is %zu, this library's is %zu",
                        desc->size, sizeof *desc);
    hew_cumsum_desc d = *desc;
    int64_t points;
    hew_status s = check(&d, in, out, &points);
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    if (s != HEW_OK || points == 0)
        return s;
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    size_t count;
    const hew_kernel *const kernel = hew_kernels(HEW_FAMILY_cumsum, &count);
    cumsum op = {.in = in, .out = out};
    if (kernel->isa == HEW_ISA_REF) {
        HEW_REF_FN(cumsum, kernel)(&d, in, out);
    } else {
        op.fn = HEW_FN(cumsum, kernel);
        s = run(&d, &op, threads);
    }
    if (HEW_UNLIKELY(start != 0))
        hew_verbose_line("cumsum %s %lld elements, %lld along the axis, %s %.1f us",
                         hew_type_name(d.in.type), (long long)points,
                         (long long)d.in.extent[d.axis], kernel->name,
                         (hew_now() - start) * 1e6);
    return s;
}
