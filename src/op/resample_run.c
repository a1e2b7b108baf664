/*
 * resample_run.c - images of another size: a run.
 *
 * A task makes some rows of the output.  Rows of other types than f32, or with gaps, become rows of
 * floats first; the last four stay in a ring, since neighbours need the same.
 */
#include "resample.h"

#include "format.h"

#include <string.h>

typedef struct ring {
    float *rows;
    size_t id[HEW_BLEND_ROWS]; /* the row in each slot, and 1; 0: none */
    unsigned used[HEW_BLEND_ROWS], now;
} ring;

typedef struct run {
    const hew_resample *op;
    const char *in;
    char *out, *scratch;
    size_t rows;
} run;

/* Row `id` of all rows of the input, as floats side by side. */
static const float *fetch(const run *r, ring *g, size_t id)
{
    const hew_resample *const op = r->op;
    const size_t pixels = (size_t)op->axis[2].in;
    const char *const from = r->in + id * pixels * op->in_stride;
    if (!op->converts_in)
        return (const float *)from;
    int slot = 0;
    g->now++;
    for (int k = 0; k < HEW_BLEND_ROWS; k++) {
        if (g->id[k] == id + 1) {
            g->used[k] = g->now;
            return g->rows + (size_t)k * (op->ring_bytes / HEW_BLEND_ROWS / sizeof(float));
        }
        if (g->used[k] < g->used[slot])
            slot = k;
    }
    float *const to = g->rows + (size_t)slot * (op->ring_bytes / HEW_BLEND_ROWS / sizeof(float));
    g->id[slot] = id + 1;
    g->used[slot] = g->now;
    const bool dense = op->in_stride == op->channels * op->element;
    const size_t rows = dense ? 1 : pixels, n = dense ? op->in_row : op->channels;
    if (op->type == HEW_F32)
        op->copy_rows(&(hew_copy_rows){.rows = rows, .bytes = n * sizeof(float), .in = from,
                                       .in_stride = (ptrdiff_t)op->in_stride, .out = (char *)to,
                                       .out_stride = (ptrdiff_t)(n * sizeof(float))});
    else
        op->dequantize(&(hew_dequantize_rows){.x = from, .x_stride = op->in_stride,
                                              .type = op->type, .y = to,
                                              .y_stride = n * sizeof(float), .scale = 1.0f,
                                              .rows = rows, .n = n});
    return to;
}

/* The rows that row (d, h) of an image depends on, those of depth first: one, or two whose blend is
 * left to the pixels' kernel, or their sum. */
typedef struct blended {
    const float *row, *second;
    float w[2];
} blended;

static blended blend(const run *r, ring *g, size_t image, size_t d, size_t h, float *to)
{
    const hew_resample *const op = r->op;
    const hew_resample_axis *const z = &op->axis[0], *const y = &op->axis[1];
    hew_blend b = {.n = op->in_row, .y = to};
    bool any = false;
    for (int32_t i = z->start[d]; i < z->start[d + 1]; i++)
        for (int32_t k = y->start[h]; k < y->start[h + 1]; k++) {
            const size_t row = (image * (size_t)z->in + (size_t)z->at[i]) * (size_t)y->in;
            b.w[b.rows] = z->w[i] * y->w[k];
            b.x[b.rows++] = fetch(r, g, row + (size_t)y->at[k]);
            if (b.rows == HEW_BLEND_ROWS) {
                op->blend(&b);
                any = b.add = true;
                b.rows = 0;
            }
        }
    /* A row alone is itself: but look_f32 reads past its end. */
    if (!any && b.rows == 1 && b.w[0] == 1.0f && op->way == HEW_RESAMPLE_TAPS)
        return (blended){.row = b.x[0]};
    if (!any && b.rows == 2 && op->blends_late)
        return (blended){b.x[0], b.x[1], {b.w[0], b.w[1]}};
    if (b.rows > 0)
        op->blend(&b);
    else if (!any)
        memset(to, 0, op->in_row * sizeof(float));
    return (blended){.row = to};
}

static void store(const run *r, const float *from, char *to)
{
    const hew_resample *const op = r->op;
    const bool dense = op->out_stride == op->channels * op->element;
    const size_t rows = dense ? 1 : (size_t)op->axis[2].out, n = dense ? op->out_row : op->channels;
    if (op->type == HEW_F32)
        op->copy_rows(&(hew_copy_rows){.rows = rows, .bytes = n * sizeof(float),
                                       .in = (const char *)from,
                                       .in_stride = (ptrdiff_t)(n * sizeof(float)), .out = to,
                                       .out_stride = (ptrdiff_t)op->out_stride});
    else
        op->quantize(&(hew_quantize_rows){.x = from, .x_stride = n * sizeof(float), .y = to,
                                          .y_stride = op->out_stride, .type = op->type,
                                          .inverse = 1.0f, .rows = rows, .n = n});
}

static void sum_row(const run *r, ring *g, char *scratch, size_t image, size_t d, size_t h,
                    char *to)
{
    const hew_resample *const op = r->op;
    const hew_resample_axis *const x = &op->axis[2];
    const blended b = blend(r, g, image, d, h, (float *)scratch);
    float *const sums = (float *)(op->converts_out ? scratch + op->blend_bytes : to);
    if (op->way == HEW_RESAMPLE_LOOK)
        op->look(&(hew_look){.n = op->out_row, .blocks = op->blocks, .x = b.row, .y = sums});
    else
        op->taps(&(hew_taps){.pixels = (size_t)x->out, .channels = op->channels, .start = x->start,
                             .at = x->at, .w = x->w, .x = b.row, .second = b.second,
                             .row_w = {b.w[0], b.w[1]}, .y = sums,
                             .y_stride = op->converts_out ? op->channels
                                                          : op->out_stride / sizeof(float)});
    if (op->converts_out)
        store(r, sums, to);
}

/* ------------------------------------------------------------------------------- nearest ---- */

#define COPY_ELEMENTS(size)                                                                        \
    static void copy##size(size_t n, const int32_t *at, const char *in, size_t in_stride,          \
                           char *out, size_t out_stride)                                           \
    {                                                                                              \
        for (; n > 0; n--, at++, out += out_stride)                                                \
            memcpy(out, in + (size_t)*at * in_stride, size);                                       \
    }
COPY_ELEMENTS(1)
COPY_ELEMENTS(2)
COPY_ELEMENTS(3)
COPY_ELEMENTS(4)

static void copy_pixels(const hew_resample *op, const char *in, char *out)
{
    const hew_resample_axis *const x = &op->axis[2];
    const size_t n = (size_t)x->out, bytes = op->channels * op->element;
    const size_t in_stride = op->in_stride, out_stride = op->out_stride;
    if (op->picks) {
        op->pick(&(hew_pick){.bytes = n * bytes, .blocks = op->picks, .two = op->picks_two,
                             .in = in, .out = out});
        return;
    }
    switch (bytes) {
    case 1: copy1(n, x->at, in, in_stride, out, out_stride); return;
    case 2: copy2(n, x->at, in, in_stride, out, out_stride); return;
    case 3: copy3(n, x->at, in, in_stride, out, out_stride); return;
    case 4: copy4(n, x->at, in, in_stride, out, out_stride); return;
    }
    op->copy_rows(&(hew_copy_rows){.rows = n, .bytes = bytes, .in = in,
                                   .in_stride = (ptrdiff_t)in_stride, .at = x->at, .out = out,
                                   .out_stride = (ptrdiff_t)out_stride});
}

/* A row that repeats the one before is a copy of it, which is in the cache. */
static void copy_row(const hew_resample *op, const char *in, const char *last_in, char *out,
                     const char *last_out)
{
    const size_t bytes = op->channels * op->element, pixels = (size_t)op->axis[2].out;
    if (in != last_in) {
        copy_pixels(op, in, out);
        return;
    }
    const bool dense = op->out_stride == bytes;
    op->copy_rows(&(hew_copy_rows){.rows = dense ? 1 : pixels,
                                   .bytes = dense ? bytes * pixels : bytes, .in = last_out,
                                   .in_stride = (ptrdiff_t)op->out_stride, .out = out,
                                   .out_stride = (ptrdiff_t)op->out_stride});
}

/* ---------------------------------------------------------------------------------- runs ---- */

static void run_task(void *context, size_t worker, size_t task)
{
    const run *const r = context;
    const hew_resample *const op = r->op;
    const hew_resample_axis *const z = &op->axis[0], *const y = &op->axis[1];
    char *const scratch = r->scratch + worker * op->worker_bytes;
    ring g = {.rows = (float *)(scratch + op->blend_bytes + op->out_bytes)};
    const size_t first = task * op->task_rows, end = hew_min(first + op->task_rows, r->rows);
    const char *last_in = NULL, *last_out = NULL;
    size_t h = first % (size_t)y->out, d = first / (size_t)y->out % (size_t)z->out;
    size_t image = first / ((size_t)y->out * (size_t)z->out);
    for (size_t row = first; row < end; row++) {
        char *const to = r->out + row * (size_t)op->axis[2].out * op->out_stride;
        if (op->way != HEW_RESAMPLE_COPY) {
            sum_row(r, &g, scratch, image, d, h, to);
        } else {
            const size_t from = (image * (size_t)z->in + (size_t)z->at[d]) * (size_t)y->in;
            const char *const in =
                r->in + (from + (size_t)y->at[h]) * (size_t)op->axis[2].in * op->in_stride;
            copy_row(op, in, last_in, to, last_out);
            last_in = in;
            last_out = to;
        }
        if (++h == (size_t)y->out) {
            h = 0;
            d = d + 1 == (size_t)z->out ? 0 : d + 1;
            image += d == 0;
        }
    }
}

static hew_status check_args(const hew_resample *op, const hew_resample_args *a)
{
    if (!op || !a)
        return hew_fail(HEW_ERR_INVALID, "resample: %s is null", op ? "args" : "op");
    if (a->size != sizeof *a)
        return hew_fail(HEW_ERR_INVALID, "resample: arguments' size is %zu, this library's is %zu",
                        a->size, sizeof *a);
    const hew_status s = hew_check_threads(a->threads);
    if (s != HEW_OK || op->batch == 0)
        return s;
    if (!a->in || !a->out)
        return hew_fail(HEW_ERR_INVALID, "resample: %s is null", a->in ? "out" : "in");
    if (((uintptr_t)a->in | (uintptr_t)a->out) & (op->element - 1))
        return hew_fail(HEW_ERR_INVALID, "resample: in at %p or out at %p is not aligned to its "
                        "elements", a->in, a->out);
    if (op->worker_bytes > 0 && (!a->scratch || (uintptr_t)a->scratch % HEW_ALIGNMENT))
        return hew_fail(HEW_ERR_INVALID, "resample: scratch is at %p; %zu bytes aligned to %d are "
                        "needed", a->scratch,
                        hew_resample_scratch_size(op, a->threads ? a->threads->count : 1),
                        HEW_ALIGNMENT);
    return HEW_OK;
}

hew_status hew_resample_run(const hew_resample *op, const hew_resample_args *args)
{
    hew_status s = check_args(op, args);
    if (s != HEW_OK || op->batch == 0)
        return s;
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    char none; /* an address for a run without scratch, to which nothing is written */
    run r = {.op = op, .in = args->in, .out = args->out,
             .scratch = args->scratch ? args->scratch : &none};
    r.rows = op->batch * (size_t)op->axis[0].out * (size_t)op->axis[1].out;
    s = hew_parallel(args->threads, hew_ceil_div(r.rows, op->task_rows), run_task, &r);
    if (HEW_UNLIKELY(start != 0)) {
        const double seconds = hew_now() - start;
        hew_verbose_line("resample %s %zu rows of %zu to %zu elements %s %.1f us %.2f Gelements/s",
                         hew_type_name(op->type), r.rows, op->in_row, op->out_row, op->kernel,
                         seconds * 1e6, 1e-9 * (double)(r.rows * op->out_row) / seconds);
    }
    return s;
}
