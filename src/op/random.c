/*
 * random.c - random numbers by element, and dropout.
 */
#include <math.h>

#include "format.h"
#include "kernels.h"

enum { TASK_ELEMENTS = 16 << 10 }; /* about 8 us: several times what handing out a task costs */

static hew_status check_range(const char *op, hew_type type, int64_t offset, int64_t n)
{
    int64_t end;
    if (type != HEW_F32 && type != HEW_BF16)
        return hew_fail(HEW_ERR_UNSUPPORTED, "%s: type %d (%s)", op, (int)type,
                        hew_type_name(type));
    if (n < 0 || offset < 0)
        return hew_fail(HEW_ERR_INVALID, "%s: offset = %lld, n = %lld", op, (long long)offset,
                        (long long)n);
    if (!hew_add(offset, n, &end) || !hew_mul(n, (int64_t)sizeof(float), &end))
        return hew_fail(HEW_ERR_OVERFLOW, "%s: offset = %lld and n = %lld are too large", op,
                        (long long)offset, (long long)n);
    return HEW_OK;
}

static hew_status check_pointer(const char *op, const char *name, hew_type type, const void *p)
{
    if (!p)
        return hew_fail(HEW_ERR_INVALID, "%s: %s is null", op, name);
    if ((uintptr_t)p & (hew_type_size(type) - 1))
        return hew_fail(HEW_ERR_INVALID, "%s: %s at %p is not aligned to its elements", op, name,
                        p);
    return HEW_OK;
}

/* ------------------------------------------------------------------------------------ fill ---- */

static hew_status check_fill(const hew_random_desc *d, hew_random_run *r)
{
    hew_status s = check_range("random_fill", d->type, d->offset, d->n);
    if (s != HEW_OK)
        return s;
    *r = (hew_random_run){.type = d->type, .kind = d->kind, .seed = d->seed,
                          .first = (uint64_t)d->offset, .n = (size_t)d->n, .top = INFINITY};
    if (d->kind == HEW_RANDOM_UNIFORM) {
        const bool unit = d->lo == 0 && d->hi == 0;
        const float lo = unit ? 0.0f : d->lo, hi = unit ? 1.0f : d->hi;
        r->scale = hi - lo;
        r->shift = lo;
        if (!(lo < hi) || !(r->scale < INFINITY))
            return hew_fail(HEW_ERR_INVALID, "random_fill: from %g to %g", (double)d->lo,
                            (double)d->hi);
        r->top = nextafterf(hi, lo);
        return HEW_OK;
    }
    if (d->kind != HEW_RANDOM_NORMAL)
        return hew_fail(HEW_ERR_INVALID, "random_fill: kind %d", (int)d->kind);
    const bool standard = d->mean == 0 && d->deviation == 0;
    r->scale = standard ? 1.0f : d->deviation;
    r->shift = d->mean;
    if (!(r->scale >= 0) || !(r->scale < INFINITY) || !(fabsf(d->mean) < INFINITY))
        return hew_fail(HEW_ERR_INVALID, "random_fill: mean %g, deviation %g", (double)d->mean,
                        (double)d->deviation);
    return HEW_OK;
}

typedef struct random_fill {
    random_fill_fn *fn;
    hew_random_run run;
} random_fill;

static void fill_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const random_fill *const op = context;
    const size_t first = task * TASK_ELEMENTS;
    hew_random_run r = op->run;
    r.first += first;
    r.n = hew_min(r.n - first, TASK_ELEMENTS);
    r.out = (char *)r.out + first * hew_type_size(r.type);
    op->fn(&r);
}

hew_status hew_random_fill(const hew_random_desc *desc, void *out, const hew_threads *threads)
{
    if (!desc)
        return hew_fail(HEW_ERR_INVALID, "random_fill: desc is null");
    if (desc->size != sizeof *desc)
        return hew_fail(HEW_ERR_INVALID, "random_fill: descriptor size is %zu, this library's is "
                        "%zu", desc->size, sizeof *desc);
    random_fill op;
    hew_status s = check_fill(desc, &op.run);
    if (s == HEW_OK && desc->n > 0)
        s = check_pointer("random_fill", "out", desc->type, out);
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    if (s != HEW_OK || desc->n == 0)
        return s;
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    size_t count;
    const hew_kernel *const kernel = hew_kernels(HEW_FAMILY_random_fill, &count);
    op.fn = HEW_FN(random_fill, kernel);
    op.run.out = out;
    s = hew_parallel(threads, hew_ceil_div(op.run.n, TASK_ELEMENTS), fill_task, &op);
    if (HEW_UNLIKELY(start != 0))
        hew_verbose_line("random_fill %s %zu %s %.1f us", hew_type_name(desc->type), op.run.n,
                         kernel->name, (hew_now() - start) * 1e6);
    return s;
}

/* --------------------------------------------------------------------------------- dropout ---- */

typedef struct dropout {
    dropout_fn *fn;
    hew_dropout_run run;
} dropout;

static void drop_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const dropout *const op = context;
    const size_t first = task * TASK_ELEMENTS, bytes = first * hew_type_size(op->run.type);
    hew_dropout_run r = op->run;
    r.first += first;
    r.n = hew_min(r.n - first, TASK_ELEMENTS);
    r.in = (const char *)r.in + bytes;
    r.out = (char *)r.out + bytes;
    r.given = r.given ? r.given + first : NULL;
    r.mask = r.mask ? r.mask + first : NULL;
    op->fn(&r);
}

static hew_status drop(const char *name, const hew_dropout_desc *d, const void *in,
                       const uint8_t *given, void *out, uint8_t *mask, const hew_threads *threads)
{
    if (!d)
        return hew_fail(HEW_ERR_INVALID, "%s: desc is null", name);
    if (d->size != sizeof *d)
        return hew_fail(HEW_ERR_INVALID, "%s: descriptor size is %zu, this library's is %zu", name,
                        d->size, sizeof *d);
    hew_status s = check_range(name, d->type, d->offset, d->n);
    if (s == HEW_OK && !(d->p >= 0 && d->p <= 1))
        s = hew_fail(HEW_ERR_INVALID, "%s: p = %g is not between 0 and 1", name, (double)d->p);
    if (s == HEW_OK && d->n > 0)
        s = check_pointer(name, given ? "d_out" : "in", d->type, in);
    if (s == HEW_OK && d->n > 0)
        s = check_pointer(name, "out", d->type, out);
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    if (s != HEW_OK || d->n == 0)
        return s;
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    const double p = (double)d->p;
    size_t count;
    const hew_kernel *const kernel = hew_kernels(HEW_FAMILY_dropout, &count);
    dropout op = {HEW_FN(dropout, kernel),
                  {.type = d->type, .seed = d->seed, .first = (uint64_t)d->offset,
                   .n = (size_t)d->n, .least = (int32_t)ceil(p * 0x1p24),
                   .scale = p < 1 ? (float)(1 / (1 - p)) : 0.0f, .in = in, .given = given,
                   .out = out, .mask = mask}};
    s = hew_parallel(threads, hew_ceil_div(op.run.n, TASK_ELEMENTS), drop_task, &op);
    if (HEW_UNLIKELY(start != 0))
        hew_verbose_line("%s %s %zu %s %.1f us", name, hew_type_name(d->type), op.run.n,
                         kernel->name, (hew_now() - start) * 1e6);
    return s;
}

hew_status hew_dropout(const hew_dropout_desc *desc, const void *in, void *out, uint8_t *mask,
                       const hew_threads *threads)
{
    return drop("dropout", desc, in, NULL, out, mask, threads);
}

hew_status hew_dropout_backward(const hew_dropout_desc *desc, const void *d_out,
                                const uint8_t *mask, void *d_in, const hew_threads *threads)
{
    return drop("dropout_backward", desc, d_out, mask, d_in, NULL, threads);
}
