/*
 * lrn.c - local response normalisation.
 *
 * Across channels a task is some pixels, backward with both of its passes.  Within channels a task
 * is some rows of pixels, each with the part of its window that lies in the image; backward the
 * first pass over an image leaves its terms in scratch for the second.
 */
#include "norm.h"

#include <float.h>
#include <math.h>

static const char forward_name[] = "lrn", backward_name[] = "lrn_backward";

enum { ALONG = 4096 }; /* elements of a task across channels: terms stay in L1 */

typedef struct lrn {
    const char *name;
    lrn_fn *fn;
    hew_type type;
    size_t images, extent[3], pixels, channels; /* pixels: of an image */
    size_t lo[3], hi[3], element;               /* within: the window's reach along the axes */
    size_t in_stride, out_stride, row;          /* bytes; row: of floats in scratch */
    bool within, backward, second;
    hew_lrn_part part;                          /* what all have */
    float factor, slope;
    size_t task, image;
    const char *in, *d_out;
    char *out, *scratch;
} lrn;

static hew_status check_numbers(lrn *l, const hew_lrn_desc *d, int rank)
{
    if (d->window < 1 || d->window > HEW_LRN_MOST)
        return hew_fail(HEW_ERR_INVALID, "%s: window = %lld; it is 1 to %d", l->name,
                        (long long)d->window, (int)HEW_LRN_MOST);
    if (!(d->alpha >= 0.0f && d->alpha < INFINITY))
        return hew_fail(HEW_ERR_INVALID, "%s: alpha is %g; it must be finite and not negative",
                        l->name, (double)d->alpha);
    if (!(d->beta >= 0.0f && d->beta < INFINITY))
        return hew_fail(HEW_ERR_INVALID, "%s: beta is %g; it must be over 0 and finite", l->name,
                        (double)d->beta);
    if (!(d->k == 0.0f || (d->k >= FLT_MIN && d->k < INFINITY)))
        return hew_fail(HEW_ERR_INVALID, "%s: k is %g; it must be 2^-126 at least, and finite",
                        l->name, (double)d->k);
    const double alpha = (double)(d->alpha == 0.0f ? 1e-4f : d->alpha);
    const double beta = (double)(d->beta == 0.0f ? 0.75f : d->beta);
    double elements = l->within ? 1 : (double)d->window;
    for (int i = 0; l->within && i < rank; i++) {
        elements *= (double)d->window;
        l->lo[3 - rank + i] = (size_t)(d->window - 1) / 2;
        l->hi[3 - rank + i] = (size_t)d->window / 2;
    }
    if (!l->within) {
        l->part.lo = (size_t)(d->window - 1) / 2;
        l->part.hi = (size_t)d->window / 2;
    }
    l->part.k = d->k == 0.0f ? 1.0f : d->k;
    l->part.beta = (float)beta;
    l->factor = (float)(alpha / elements);
    l->slope = (float)(-2 * alpha * beta / elements);
    return HEW_OK;
}

static hew_status check_shape(lrn *l, const hew_lrn_desc *d, int rank)
{
    int64_t pixels = 1, all;
    const int64_t images = d->batch == -1 ? 0 : d->batch == 0 ? 1 : d->batch;
    if (images < 0 || d->channels < 0)
        return hew_fail(HEW_ERR_INVALID, "%s: batch = %lld, channels = %lld", l->name,
                        (long long)d->batch, (long long)d->channels);
    for (int i = 0; i < 3; i++) {
        const int k = i - (3 - rank);
        const int64_t extent = k < 0 ? 1 : d->in[k];
        if (extent < 0 || (i >= rank && d->in[i] != 0))
            return hew_fail(HEW_ERR_INVALID, "%s: in = %lld, %lld, %lld", l->name,
                            (long long)d->in[0], (long long)d->in[1], (long long)d->in[2]);
        if (!hew_mul(pixels, extent, &pixels))
            return hew_fail(HEW_ERR_OVERFLOW, "%s: in = %lld x %lld x %lld is too large", l->name,
                            (long long)d->in[0], (long long)d->in[1], (long long)d->in[2]);
        l->extent[i] = (size_t)extent;
    }
    if (!hew_mul(images, pixels, &all))
        return hew_fail(HEW_ERR_OVERFLOW, "%s: %lld images of %lld pixels are too many", l->name,
                        (long long)images, (long long)pixels);
    l->images = d->channels > 0 ? (size_t)images : 0;
    l->pixels = (size_t)pixels;
    l->channels = (size_t)d->channels;
    l->element = hew_type_size(d->type);
    hew_status s = hew_norm_check_stride(l->name, "in_stride", d->in_stride, all, d->channels,
                                         l->element, &l->in_stride);
    if (s == HEW_OK)
        s = hew_norm_check_stride(l->name, "out_stride", d->out_stride, all, d->channels,
                                  l->element, &l->out_stride);
    return s;
}

static hew_status check(lrn *l, const hew_lrn_desc *d)
{
    hew_status s = hew_norm_check_struct(l->name, "desc", d, sizeof *d);
    if (s == HEW_OK && (int)d->kind != HEW_LRN_ACROSS && (int)d->kind != HEW_LRN_WITHIN)
        return hew_fail(HEW_ERR_INVALID, "%s: there is no kind %d", l->name, (int)d->kind);
    if (s == HEW_OK)
        s = hew_norm_check_type(l->name, d->type);
    if (s != HEW_OK)
        return s;
    int rank = 0;
    while (rank < 3 && d->in[rank] != 0)
        rank++;
    l->type = d->type;
    l->within = d->kind == HEW_LRN_WITHIN;
    s = check_numbers(l, d, rank);
    if (s == HEW_OK)
        s = check_shape(l, d, rank);
    l->row = hew_round_up(l->channels * sizeof(float), HEW_ALIGNMENT);
    const size_t along = hew_max(ALONG / hew_max(l->channels, 1), 1);
    l->task = hew_min(hew_max(l->pixels * l->images, 1), along);
    return s;
}

/* ------------------------------------------------------------------------------- passes ---- */

/* What a pass over pixels from `pixel` on takes, but for the window of one within channels. */
static hew_lrn_part part_of(const lrn *l, size_t pixel, size_t pixels, char *terms)
{
    hew_lrn_part p = l->part;
    p.type = l->type;
    p.gradient = l->second;
    p.pixels = pixels;
    p.n = l->channels;
    p.in = l->in + pixel * l->in_stride;
    p.in_step = l->in_stride;
    p.window = p.in;
    p.window_step = p.in_step;
    p.factor = l->second ? l->slope : l->factor;
    p.d_out = l->backward ? l->d_out + pixel * l->out_stride : NULL;
    p.out_step = l->second ? l->in_stride : l->out_stride;
    p.out = l->backward && !l->second ? NULL : l->out + pixel * p.out_step;
    p.terms = (float *)terms;
    p.terms_step = 2 * l->row;
    p.rest = terms ? (float *)(terms + l->row) : NULL;
    if (l->second) {
        p.window = terms;
        p.window_step = p.terms_step;
        p.lo = l->part.hi, p.hi = l->part.lo;
    }
    return p;
}

static void run_across(void *context, size_t worker, size_t task)
{
    lrn l = *(const lrn *)context;
    const size_t pixel = task * l.task, pixels = hew_min(l.task, l.pixels * l.images - pixel);
    char *const terms = l.backward ? l.scratch + worker * l.task * 2 * l.row : NULL;
    hew_lrn_part p = part_of(&l, pixel, pixels, terms);
    l.fn(&p);
    if (l.backward) {
        l.second = true;
        p = part_of(&l, pixel, pixels, terms);
        l.fn(&p);
    }
}

/* Row `task` of an image's pixels. */
static void run_within(void *context, size_t worker, size_t task)
{
    (void)worker;
    const lrn *const l = context;
    const size_t *const e = l->extent;
    const size_t at[2] = {task / e[1], task % e[1]};
    for (size_t x = 0; x < e[2]; x++) {
        const size_t here[3] = {at[0], at[1], x};
        const size_t pixel = l->image * l->pixels + task * e[2] + x;
        char *const terms = l->backward ? l->scratch + (task * e[2] + x) * 2 * l->row : NULL;
        hew_lrn_part p = part_of(l, pixel, 1, terms);
        const size_t step[3] = {e[1] * e[2] * p.window_step, e[2] * p.window_step, p.window_step};
        const char *window = p.window;
        for (int i = 0; i < 3; i++) {
            const size_t lo = l->second ? l->hi[i] : l->lo[i], hi = l->second ? l->lo[i] : l->hi[i];
            const size_t before = hew_min(here[i], lo);
            p.box[i] = before + 1 + hew_min(e[i] - 1 - here[i], hi);
            p.box_step[i] = step[i];
            window -= before * step[i];
        }
        p.window = window;
        l->fn(&p);
    }
}

static hew_status run(lrn *l, const hew_threads *threads)
{
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    hew_status s = HEW_OK;
    if (!l->within)
        s = hew_parallel(threads, hew_ceil_div(l->pixels * l->images, l->task), run_across, l);
    for (l->image = 0; l->within && s == HEW_OK && l->image < l->images; l->image++)
        for (int pass = 0; pass <= (int)l->backward && s == HEW_OK; pass++) {
            l->second = pass == 1;
            s = hew_parallel(threads, l->extent[0] * l->extent[1], run_within, l);
            /* A pool may refuse the first job, before anything is written; later ones are done. */
            if (s != HEW_OK && (l->image > 0 || l->second))
                s = hew_parallel(NULL, l->extent[0] * l->extent[1], run_within, l);
        }
    if (HEW_UNLIKELY(start != 0))
        hew_verbose_line("%s %s %zux%zux%zu%s %.1f us", l->name, hew_type_name(l->type), l->images,
                         l->pixels, l->channels, l->within ? " within" : "",
                         (hew_now() - start) * 1e6);
    return s;
}

hew_status hew_lrn(const hew_lrn_desc *desc, const void *in, void *out, const hew_threads *threads)
{
    lrn l = {.name = forward_name, .in = in, .out = out};
    hew_status s = check(&l, desc);
    if (s != HEW_OK)
        return s;
    const hew_norm_pointer pointers[] = {{"in", in, l.images > 0, l.element},
                                         {"out", out, l.images > 0, l.element}};
    s = hew_norm_check_pointers(l.name, pointers, 2);
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    if (s != HEW_OK || l.images == 0)
        return s;
    size_t count;
    const hew_kernel *const kernel = hew_kernels(HEW_FAMILY_lrn, &count);
    if (kernel->isa == HEW_ISA_REF) {
        HEW_REF_FN(lrn, kernel)(desc, in, out);
        return HEW_OK;
    }
    l.fn = HEW_FN(lrn, kernel);
    return run(&l, threads);
}

hew_status hew_lrn_backward_scratch(const hew_lrn_desc *desc, size_t threads, size_t *bytes)
{
    lrn l = {.name = backward_name};
    const hew_status s = check(&l, desc);
    if (s != HEW_OK)
        return s;
    if (!bytes)
        return hew_fail(HEW_ERR_INVALID, "%s: bytes is null", l.name);
    size_t each;
    if (__builtin_mul_overflow(l.within ? l.pixels : l.task, 2 * l.row, &each))
        each = SIZE_MAX;
    *bytes = l.images == 0 ? 0 : hew_scratch_bytes(0, each, l.within ? 1 : threads);
    return HEW_OK;
}

hew_status hew_lrn_backward(const hew_lrn_desc *desc, const void *in, const void *d_out,
                            void *d_in, void *scratch, const hew_threads *threads)
{
    lrn l = {.name = backward_name, .backward = true, .in = in, .d_out = d_out, .out = d_in,
             .scratch = scratch};
    hew_status s = check(&l, desc);
    if (s != HEW_OK)
        return s;
    const bool some = l.images > 0;
    const hew_norm_pointer pointers[] = {{"in", in, some, l.element},
                                         {"d_out", d_out, some, l.element},
                                         {"d_in", d_in, some, l.element},
                                         {"scratch", scratch, some, HEW_ALIGNMENT}};
    s = hew_norm_check_pointers(l.name, pointers, 4);
    if (s == HEW_OK)
        s = hew_norm_check_same(l.name, d_in, l.in_stride, d_out, l.out_stride);
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    if (s != HEW_OK || !some)
        return s;
    size_t count;
    const hew_kernel *const kernel = hew_kernels(HEW_FAMILY_lrn_backward, &count);
    if (kernel->isa == HEW_ISA_REF) {
        HEW_REF_FN(lrn_backward, kernel)(desc, in, d_out, d_in);
        return HEW_OK;
    }
    l.fn = HEW_FN(lrn_backward, kernel);
    return run(&l, threads);
}
