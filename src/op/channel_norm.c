/*
 * channel_norm.c - group and batch norm in passes over an image: sums over its parts, what follows
 * from them for each channel, and the results.
 *
 * Of several images that fit in a core's cache, each is a task with all of its passes.  Otherwise a
 * pass is a job with tasks of its own, cut by pixels and channels.  Neither changes a bit: parts
 * are HEW_NORM_PART pixels always.
 */
#include "channel_norm.h"

enum {
    IMAGE_BYTES = 768 << 10,  /* of an image that stays in the L2 cache from pass to pass */
    TASK_ELEMENTS = 32 << 10, /* some 10 us */
    STRIP = 512               /* channels of a task where a part has many */
};

typedef hew_channel_job job;
typedef hew_channel_workspace workspace;

static size_t row_bytes(const hew_channel_norm *p)
{
    return hew_round_up(p->channels * sizeof(float), HEW_ALIGNMENT);
}

static size_t parts_of(const hew_channel_norm *p) { return hew_ceil_div(p->pixels, HEW_NORM_PART); }

static bool is_by_image(const hew_channel_norm *p)
{
    const size_t most = IMAGE_BYTES / hew_type_size(p->type);
    return p->images > 1 && p->channels <= most && p->pixels <= most / p->channels;
}

size_t hew_channel_norm_scratch(const hew_channel_norm *p, size_t threads)
{
    size_t rows, shared, each;
    const size_t row = row_bytes(p);
    if (__builtin_mul_overflow(2 * parts_of(p) + 8, row, &each) ||
        __builtin_mul_overflow(2 * p->images, row, &rows) ||
        __builtin_add_overflow(rows, HEW_ALIGNMENT, &shared))
        return SIZE_MAX;
    return hew_scratch_bytes(shared, each, is_by_image(p) ? threads : 1);
}

static workspace workspace_of(const job *j, size_t worker)
{
    const size_t row = j->row;
    char *s = j->scratch + worker * j->each;
    workspace w;
    w.sum = hew_take(&s, 2 * row);
    w.exact = hew_take(&s, 2 * row);
    w.mean = hew_take(&s, row);
    w.scale = hew_take(&s, row);
    w.shift = hew_take(&s, row);
    w.slope = hew_take(&s, row);
    w.parts = (float *)s;
    return w;
}

/* ------------------------------------------------------------------------------- passes ---- */

static const char *at(const void *p, size_t pixel, size_t stride, size_t channel, size_t element)
{
    return p ? (const char *)p + pixel * stride + channel * element : NULL;
}

/* The sums of part k of an image, channels [c, end). */
static void sum_part(const job *j, const workspace *w, size_t image, size_t k, size_t c, size_t end)
{
    const hew_channel_norm *const p = j->p;
    const size_t element = hew_type_size(p->type), pixel = k * HEW_NORM_PART;
    const size_t first = image * p->pixels + pixel, step = j->row / sizeof(float);
    j->part(&(hew_norm_part){
        .type = p->type,
        .cached = j->small,
        .rows = hew_min(HEW_NORM_PART, p->pixels - pixel),
        .n = end - c,
        .in = at(p->in, first, p->in_stride, c, element),
        .d_out = at(p->d_out, first, p->out_stride, c, element),
        .out = at(p->relu ? p->out : NULL, first, p->out_stride, c, element),
        .in_stride = p->in_stride,
        .out_stride = p->out_stride,
        .mean = w->mean + c,
        .a = w->parts + 2 * k * step + c,
        .b = w->parts + (2 * k + 1) * step + c,
    });
}

/* `rows` pixels of an image from `pixel` on. */
static void apply(const job *j, const workspace *w, size_t image, size_t pixel, size_t rows)
{
    const hew_channel_norm *const p = j->p;
    const size_t first = image * p->pixels + pixel;
    if (j->backward)
        j->apply_back(&(hew_norm_apply_back){
            .type = p->type,
            .stream = j->stream,
            .cached = j->cached,
            .rows = rows,
            .n = p->channels,
            .in = p->frozen ? NULL : at(p->in, first, p->in_stride, 0, 0),
            .d_out = at(p->d_out, first, p->out_stride, 0, 0),
            .out = at(p->relu ? p->out : NULL, first, p->out_stride, 0, 0),
            .d_in = (char *)p->d_in + first * p->in_stride,
            .d_residual =
                p->d_residual ? (char *)p->d_residual + first * p->residual_stride : NULL,
            .in_stride = p->in_stride,
            .residual_stride = p->residual_stride,
            .out_stride = p->out_stride,
            .mean = w->mean,
            .scale = w->scale,
            .shift = w->shift,
            .slope = w->slope,
        });
    else
        j->apply(&(hew_norm_apply){
            .type = p->type,
            .relu = p->relu,
            .rows = rows,
            .n = p->channels,
            .in = at(p->in, first, p->in_stride, 0, 0),
            .residual = at(p->residual, first, p->residual_stride, 0, 0),
            .out = (char *)p->out + first * p->out_stride,
            .in_stride = p->in_stride,
            .residual_stride = p->residual_stride,
            .out_stride = p->out_stride,
            .mean = w->mean,
            .scale = w->scale,
            .shift = w->shift,
            .stream = j->stream,
        });
}

/* -------------------------------------------------------------------------------- tasks ---- */

static bool has_sums(const job *j)
{
    return !j->p->frozen || (j->backward && (j->p->d_gamma || j->p->d_beta));
}

static void begin_image(const job *j, const workspace *w, size_t image)
{
    if (j->backward)
        hew_channel_begin_backward(j, w, image);
}

static void finish_image(const job *j, const workspace *w, size_t image)
{
    if (!j->backward)
        hew_channel_finish(j, w, image);
    else if (has_sums(j))
        hew_channel_finish_backward(j, w, image);
}

static void run_image(void *context, size_t worker, size_t image)
{
    const job *const j = context;
    const workspace w = workspace_of(j, worker);
    begin_image(j, &w, image);
    for (size_t k = 0; has_sums(j) && k < j->parts; k++)
        sum_part(j, &w, image, k, 0, j->p->channels);
    finish_image(j, &w, image);
    apply(j, &w, image, 0, j->p->pixels);
}

static void run_parts(void *context, size_t worker, size_t task)
{
    (void)worker;
    const job *const j = context;
    const workspace w = workspace_of(j, 0);
    const size_t c = task % j->strips * STRIP, first = task / j->strips * j->part_task;
    const size_t end = j->strips == 1 ? j->p->channels : hew_min(c + STRIP, j->p->channels);
    for (size_t k = first; k < hew_min(first + j->part_task, j->parts); k++)
        sum_part(j, &w, j->image, k, c, end);
}

static void run_apply(void *context, size_t worker, size_t task)
{
    (void)worker;
    const job *const j = context;
    const workspace w = workspace_of(j, 0);
    const size_t pixel = task * j->apply_task;
    apply(j, &w, j->image, pixel, hew_min(j->apply_task, j->p->pixels - pixel));
}

/* A pool may refuse the first job, before anything is written; later ones are done all the same. */
static hew_status run_pass(const hew_threads *threads, bool begun, size_t tasks, hew_task_fn *fn,
                           job *j)
{
    const hew_status s = hew_parallel(threads, tasks, fn, j);
    return s == HEW_OK || !begun ? s : hew_parallel(NULL, tasks, fn, j);
}

static hew_status run_job(job *j, const hew_threads *threads)
{
    const hew_channel_norm *const p = j->p;
    const size_t pixels = p->images * p->pixels;
    j->stream = j->backward ? hew_norm_streams(p->d_in, p->in_stride, pixels, p->d_out, NULL)
                            : hew_norm_streams(p->out, p->out_stride, pixels, p->in, p->residual);
    const size_t most = IMAGE_BYTES / hew_type_size(p->type);
    j->small = pixels <= most / p->channels;
    j->cached = j->small || is_by_image(p);
    if (is_by_image(p))
        return hew_parallel(threads, p->images, run_image, j);
    const size_t part = hew_min(HEW_NORM_PART, p->pixels) * p->channels;
    j->part_task = hew_max(TASK_ELEMENTS / part, 1);
    j->strips = part > TASK_ELEMENTS ? hew_ceil_div(p->channels, STRIP) : 1;
    j->apply_task = hew_round_up(hew_ceil_div(TASK_ELEMENTS, p->channels), 4);
    const workspace w = workspace_of(j, 0);
    bool begun = false;
    for (j->image = 0; j->image < p->images; j->image++) {
        begin_image(j, &w, j->image);
        if (has_sums(j)) {
            const size_t tasks = hew_ceil_div(j->parts, j->part_task) * j->strips;
            const hew_status s = run_pass(threads, begun, tasks, run_parts, j);
            if (s != HEW_OK)
                return s;
            begun = true;
        }
        finish_image(j, &w, j->image);
        const hew_status s =
            run_pass(threads, begun, hew_ceil_div(p->pixels, j->apply_task), run_apply, j);
        if (s != HEW_OK)
            return s;
        begun = true;
    }
    return HEW_OK;
}

static job job_of(const hew_channel_norm *p, void *scratch)
{
    const size_t row = row_bytes(p);
    char *s = scratch;
    float *const sums = hew_take(&s, 2 * p->images * row);
    return (job){.p = p, .parts = parts_of(p), .scratch = s, .sums = sums, .row = row,
                 .each = (2 * parts_of(p) + 8) * row};
}

static void verbose(const hew_channel_norm *p, const char *direction, const char *kernel,
                    double seconds)
{
    hew_verbose_line("%s%s %s %zux%zux%zu groups %zu %s %.1f us %.2f Gelements/s", p->name,
                     direction, hew_type_name(p->type), p->images, p->pixels, p->channels,
                     p->groups, kernel, seconds * 1e6,
                     1e-9 * (double)p->images * (double)p->pixels * (double)p->channels / seconds);
}

hew_status hew_channel_norm_run(const hew_channel_norm *p, void *scratch,
                                const hew_threads *threads)
{
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    size_t count;
    hew_status status = HEW_OK;
    const hew_kernel *const kernel = hew_kernels(HEW_FAMILY_channel_norm, &count);
    if (kernel->isa == HEW_ISA_REF) {
        HEW_REF_FN(channel_norm, kernel)(p);
    } else {
        job j = job_of(p, scratch);
        j.part = HEW_FN(channel_norm, kernel);
        j.add_parts = HEW_FN(channel_norm_sums, hew_kernels(HEW_FAMILY_channel_norm_sums, &count));
        j.lines = HEW_FN(channel_norm_lines, hew_kernels(HEW_FAMILY_channel_norm_lines, &count));
        j.apply = HEW_FN(channel_norm_apply, hew_kernels(HEW_FAMILY_channel_norm_apply, &count));
        status = run_job(&j, threads);
    }
    if (HEW_UNLIKELY(start != 0))
        verbose(p, "", kernel->name, hew_now() - start);
    return status;
}

hew_status hew_channel_norm_run_backward(const hew_channel_norm *p, void *scratch,
                                         const hew_threads *threads)
{
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    size_t count;
    const hew_kernel *const kernel = hew_kernels(HEW_FAMILY_channel_norm_backward, &count);
    if (kernel->isa == HEW_ISA_REF) {
        HEW_REF_FN(channel_norm_backward, kernel)(p);
        return HEW_OK;
    }
    job j = job_of(p, scratch);
    j.backward = true;
    j.part = HEW_FN(channel_norm_backward, kernel);
    j.apply_back = HEW_FN(channel_norm_backward_apply,
                          hew_kernels(HEW_FAMILY_channel_norm_backward_apply, &count));
    const hew_status status = run_job(&j, threads);
    if (status == HEW_OK && has_sums(&j)) {
        const size_t step = j.row / sizeof(float);
        hew_norm_add_up(j.sums, p->images, 2 * step, 0, p->channels, p->d_beta);
        hew_norm_add_up(j.sums + step, p->images, 2 * step, 0, p->channels, p->d_gamma);
    }
    if (HEW_UNLIKELY(start != 0))
        verbose(p, "_backward", kernel->name, hew_now() - start);
    return status;
}
