/*
 * pooling_backward.c - gradients of pooling, gathered for each input pixel from the windows that it
 * is in, so that no two threads add to one element; and indices counted as ONNX does.
 */
#include "pooling.h"

enum {
    TASK_BYTES = 64 << 10, /* of gradients that a task writes */
    RUN_PIXELS = 64,       /* of a row whose places along the width are found together */
    RUN_TERMS = 512,       /* in a call of the kernel */
    CARRIED = 256          /* channels of a pixel with more terms than that */
};

/* Output positions, a step apart, in whose windows an input position is. */
typedef struct windows {
    int64_t first, count, step;
} windows;

typedef struct backward {
    hew_pooling_plan plan;
    pooling_grad_fn *fn;
    size_t rows, task_rows; /* of input, in the whole batch */
    int64_t steps[3];       /* between windows that a position is in */
    const char *out, *x, *y; /* the gradient; of lp what was pooled, and the result */
    const int32_t *indices;
    char *in;
} backward;

/* One input row on its way through the kernel. */
typedef struct gather {
    const backward *op;
    windows outer[2];
    hew_pooling_grad grad;
    uint32_t count; /* of terms */
    hew_pooling_term terms[RUN_TERMS];
    uint32_t ends[RUN_PIXELS];
} gather;

static int64_t greatest_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static windows windows_of(const hew_pooling_axis *a, int64_t step, int64_t i)
{
    if (a->adaptive) {
        const int64_t first = i * a->out / a->in, last = ((i + 1) * a->out - 1) / a->in;
        return (windows){first, last - first + 1, 1};
    }
    const int64_t at = i + a->pad_lo, reach = (a->kernel - 1) * a->dilation;
    int64_t first = at > reach ? (at - reach + a->stride - 1) / a->stride : 0;
    const int64_t last = hew_min_i64(at / a->stride, a->out - 1);
    const int64_t limit = hew_min_i64(first + step - 1, last);
    while (first <= limit && (at - first * a->stride) % a->dilation != 0)
        first++;
    return (windows){first, first <= limit ? (last - first) / step + 1 : 0, step};
}

/* What output position o has to do with what an average is divided by. */
static int64_t divisor_along(const hew_pooling_plan *p, const hew_pooling_axis *a, int64_t o)
{
    if (o >= a->middle && o < a->middle_end)
        return a->kernel;
    const hew_pooling_part w = hew_pooling_window(a, o);
    return p->kind == HEW_POOLING_AVG ? (int64_t)w.count : w.padded;
}

/* Hands the pixels since `begin` to the kernel. */
static void flush(gather *g, size_t begin, size_t end)
{
    if (begin == end)
        return;
    const hew_pooling_plan *p = &g->op->plan;
    hew_pooling_grad grad = g->grad;
    grad.pixels = end - begin;
    grad.ends = g->ends + begin;
    grad.in = (char *)grad.in + begin * grad.in_step * p->size;
    grad.x = grad.x ? (const char *)grad.x + begin * grad.in_step * p->size : NULL;
    grad.first += (int32_t)begin;
    g->op->fn(&grad);
    g->count = 0;
}

/* A pixel with more terms than there is room for: a part of its channels at a time, and a part of
 * its terms. */
typedef struct carried {
    size_t channel, channels;
    float carry[CARRIED];
} carried;

static void flush_part(gather *g, size_t pixel, carried *c, bool last)
{
    const hew_pooling_plan *p = &g->op->plan;
    hew_pooling_grad grad = g->grad;
    g->ends[0] = g->count;
    grad.ends = g->ends;
    grad.pixels = 1;
    grad.channels = c->channels;
    grad.out = (const char *)grad.out + c->channel * p->size;
    grad.index = grad.index ? grad.index + c->channel : NULL;
    grad.in = (char *)grad.in + (pixel * grad.in_step + c->channel) * p->size;
    if (grad.power) {
        grad.x = (const char *)grad.x + (pixel * grad.in_step + c->channel) * p->size;
        grad.y = (const char *)grad.y + c->channel * p->size;
    }
    grad.first += (int32_t)pixel;
    grad.carry = c->carry;
    grad.suspended = !last;
    g->op->fn(&grad);
    g->grad.resumed = !last;
    g->count = 0;
}

/* Appends the terms of a pixel, which are no more than there is room for unless `c` is given. */
static void add_terms(gather *g, windows wide, size_t pixel, carried *c)
{
    const hew_pooling_plan *p = &g->op->plan;
    const hew_pooling_axis *a = p->axis;
    const windows deep = g->outer[0], high = g->outer[1];
    int64_t divisor = 0;
    float factor = 0.0f;
    for (int64_t d = 0, o0 = deep.first; d < deep.count; d++, o0 += deep.step)
        for (int64_t h = 0, o1 = high.first; h < high.count; h++, o1 += high.step) {
            const int64_t row = (o0 * a[1].out + o1) * a[2].out;
            const int64_t outer = p->kind == HEW_POOLING_MAX || p->power
                                      ? 0
                                      : divisor_along(p, &a[0], o0) * divisor_along(p, &a[1], o1);
            for (int64_t w = 0, o2 = wide.first; w < wide.count; w++, o2 += wide.step) {
                const int64_t by = outer ? outer * divisor_along(p, &a[2], o2) : 0;
                if (by != divisor) {
                    divisor = by;
                    factor = 1.0f / (float)by;
                }
                if (c && g->count == RUN_TERMS)
                    flush_part(g, pixel, c, false);
                g->terms[g->count++] = (hew_pooling_term){(size_t)(row + o2), factor};
            }
        }
}

static void add_crowded(gather *g, windows wide, size_t pixel)
{
    carried c;
    const size_t channels = g->op->plan.channels;
    for (c.channel = 0; c.channel < channels; c.channel += CARRIED) {
        c.channels = hew_min(channels - c.channel, CARRIED);
        add_terms(g, wide, pixel, &c);
        flush_part(g, pixel, &c, true);
    }
}

/* `count` pixels of a row, whose windows along the width are given. */
static void run_pixels(gather *g, const windows *wide, size_t count)
{
    const int64_t outer = g->outer[0].count * g->outer[1].count; /* less than all output pixels */
    size_t begin = 0;
    for (size_t i = 0; i < count; i++) {
        const int64_t terms = outer * wide[i].count;
        if (terms > RUN_TERMS - (int64_t)g->count) {
            flush(g, begin, i);
            begin = i;
        }
        if (terms > RUN_TERMS) {
            add_crowded(g, wide[i], i);
            begin = i + 1;
            continue;
        }
        add_terms(g, wide[i], i, NULL);
        g->ends[i] = g->count;
    }
    flush(g, begin, count);
}

static void run_row(gather *g, size_t row, size_t x, const windows *wide, size_t count)
{
    const backward *op = g->op;
    const hew_pooling_plan *p = &op->plan;
    const hew_pooling_axis *a = p->axis;
    const size_t plane = row / (size_t)a[1].in, image = plane / (size_t)a[0].in;
    const size_t out = image * hew_pooling_out_pixels(p);
    const size_t pixel = row * (size_t)a[2].in + x;
    g->outer[0] = windows_of(&a[0], op->steps[0], (int64_t)(plane % (size_t)a[0].in));
    g->outer[1] = windows_of(&a[1], op->steps[1], (int64_t)(row % (size_t)a[1].in));
    g->count = 0;
    g->grad = (hew_pooling_grad){
        .max = p->kind == HEW_POOLING_MAX,
        .type = p->type,
        .power = p->power,
        .channels = p->channels,
        .terms = g->terms,
        .out = op->out + out * p->out_stride * p->size,
        .out_step = p->out_stride,
        .y = p->power ? op->y + out * p->out_stride * p->size : NULL,
        .x = p->power ? op->x + pixel * p->in_stride * p->size : NULL,
        .index = op->indices ? op->indices + out * p->channels : NULL,
        .index_step = p->channels,
        .first = (int32_t)(pixel - image * hew_pooling_in_pixels(p)),
        .in = op->in + pixel * p->in_stride * p->size,
        .in_step = p->in_stride,
    };
    run_pixels(g, wide, count);
}

static void run_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const backward *op = context;
    const hew_pooling_axis *a = &op->plan.axis[2];
    const size_t begin = task * op->task_rows, end = hew_min(begin + op->task_rows, op->rows);
    windows wide[RUN_PIXELS];
    gather g = {.op = op};
    for (size_t x = 0; x < (size_t)a->in; x += RUN_PIXELS) {
        const size_t count = hew_min((size_t)a->in - x, RUN_PIXELS);
        for (size_t i = 0; i < count; i++)
            wide[i] = windows_of(a, op->steps[2], (int64_t)(x + i));
        for (size_t row = begin; row < end; row++)
            run_row(&g, row, x, wide, count);
    }
}

static hew_status check(const hew_pooling_desc *d, bool lp, const backward *op,
                        const hew_threads *threads, hew_pooling_plan *p)
{
    hew_status s = hew_pooling_check(d, p);
    if (s != HEW_OK)
        return s;
    if (p->kind == HEW_POOLING_MAX && !lp)
        s = hew_pooling_check_indices(p);
    else if ((p->kind == HEW_POOLING_LP) != lp || p->size == 1)
        return hew_fail(HEW_ERR_UNSUPPORTED, "pooling: the gradient of kind %d of type %s; there "
                        "are those of maxima, averages and, as lp_backward, lp, of f32 and bf16",
                        (int)p->kind, hew_type_name(p->type));
    else if (op->indices)
        return hew_fail(HEW_ERR_INVALID, "pooling: indices for the gradient of an average");
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    if (s != HEW_OK || p->batch == 0)
        return s;
    s = hew_pooling_check_data("out_gradient", op->out, p->size);
    if (s == HEW_OK)
        s = hew_pooling_check_data("in_gradient", op->in, p->size);
    if (s == HEW_OK && p->kind == HEW_POOLING_MAX)
        s = hew_pooling_check_data("indices", op->indices, sizeof *op->indices);
    if (s == HEW_OK && lp)
        s = hew_pooling_check_data("in", op->x, p->size);
    return s == HEW_OK && lp ? hew_pooling_check_data("out", op->y, p->size) : s;
}

static hew_status run(backward *op, const hew_kernel *kernel, const hew_threads *threads)
{
    const hew_pooling_plan *p = &op->plan;
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    op->rows = p->batch * (size_t)(p->axis[0].in * p->axis[1].in);
    op->task_rows = TASK_BYTES / ((size_t)p->axis[2].in * p->channels * p->size) + 1;
    for (int i = 0; i < 3; i++)
        op->steps[i] =
            p->axis[i].dilation / greatest_divisor(p->axis[i].dilation, p->axis[i].stride);
    const hew_status s = hew_parallel(threads, hew_ceil_div(op->rows, op->task_rows), run_task, op);
    if (HEW_UNLIKELY(start != 0))
        hew_verbose_line("pooling_backward %s %zux%zux%zu %s %.1f us", hew_type_name(p->type),
                         p->batch, hew_pooling_in_pixels(p), p->channels, kernel->name,
                         (hew_now() - start) * 1e6);
    return s;
}

hew_status hew_pooling_backward(const hew_pooling_desc *desc, const void *out_gradient,
                                const int32_t *indices, void *in_gradient,
                                const hew_threads *threads)
{
    backward op = {.out = out_gradient, .indices = indices, .in = in_gradient};
    const hew_status s = check(desc, false, &op, threads, &op.plan);
    if (s != HEW_OK || op.plan.batch == 0)
        return s;
    size_t count;
    const hew_kernel *const kernel = hew_kernels(HEW_FAMILY_pooling_grad, &count);
    if (kernel->isa == HEW_ISA_REF) {
        HEW_REF_FN(pooling_grad, kernel)(desc, out_gradient, indices, in_gradient);
        return HEW_OK;
    }
    op.fn = HEW_FN(pooling_grad, kernel);
    return run(&op, kernel, threads);
}

hew_status hew_pooling_lp_backward(const hew_pooling_desc *desc, const void *out_gradient,
                                   const void *in, const void *out, void *in_gradient,
                                   const hew_threads *threads)
{
    backward op = {.out = out_gradient, .x = in, .y = out, .in = in_gradient};
    const hew_status s = check(desc, true, &op, threads, &op.plan);
    if (s != HEW_OK || op.plan.batch == 0)
        return s;
    size_t count;
    const hew_kernel *const kernel = hew_kernels(HEW_FAMILY_pooling_lp_grad, &count);
    if (kernel->isa == HEW_ISA_REF) {
        HEW_REF_FN(pooling_lp_grad, kernel)(desc, out_gradient, in, out, in_gradient);
        return HEW_OK;
    }
    op.fn = HEW_FN(pooling_lp_grad, kernel);
    return run(&op, kernel, threads);
}
