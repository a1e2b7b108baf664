/*
 * reduce_tensor.c - hew_reduce: checks, loops and tasks.
 *
 * Tasks are chunks of results; where there are few results of many elements, pieces of them, whose
 * values are put together in their order.
 */
#include "reduce_tensor.h"

#include <string.h>

#include "format.h"

enum {
    FLOATS = 1 << HEW_F32 | 1 << HEW_BF16 | 1 << HEW_F16,
    INTEGERS = 1 << HEW_S8 | 1 << HEW_U8 | 1 << HEW_S32,
    TASK_ELEMENTS = 16 << 10,/* about 4 us: a few times what handing out a task costs */
    FAR_BYTES = 16 << 20
};

static bool is_arg(hew_reduce_op op)
{
    return op == HEW_REDUCE_ARGMIN || op == HEW_REDUCE_ARGMAX;
}

/* The types that a result may have. */
static unsigned out_types(const hew_reduce_desc *d)
{
    if (is_arg(d->op))
        return 1u << HEW_S64;
    if ((FLOATS >> d->in.type & 1) != 0)
        return FLOATS;
    return d->op == HEW_REDUCE_SUM ? 1u << HEW_S32 : 1u << d->in.type;
}

static bool reduced(const hew_reduce_desc *d, int i)
{
    return d->out.extent[i] == 1 && d->in.extent[i] != 1;
}

static hew_status check_shapes(const hew_reduce_desc *d, int64_t outputs)
{
    int64_t count = 1;
    if (d->out.rank != d->in.rank)
        return hew_fail(HEW_ERR_INVALID, "reduce: out has rank %d, in has %d", d->out.rank,
                        d->in.rank);
    for (int i = 0; i < d->in.rank; i++) {
        if (d->out.extent[i] != d->in.extent[i] && d->out.extent[i] != 1)
            return hew_fail(HEW_ERR_INVALID, "reduce: out has %lld elements along dimension %d, in "
                            "has %lld", (long long)d->out.extent[i], i,
                            (long long)d->in.extent[i]);
        if (outputs > 0 && d->out.stride[i] == 0 && d->out.extent[i] > 1)
            return hew_fail(HEW_ERR_INVALID, "reduce: out's stride along dimension %d, of %lld "
                            "elements, is 0", i, (long long)d->out.extent[i]);
        if (reduced(d, i) && !hew_mul(count, d->in.extent[i], &count))
            count = INT64_MAX; /* a zero is among the extents */
    }
    if (is_arg(d->op) && outputs > 0 && (count == 0 || count > INT32_MAX))
        return hew_fail(count == 0 ? HEW_ERR_INVALID : HEW_ERR_UNSUPPORTED,
                        "reduce: the place of one among %lld elements", (long long)count);
    return HEW_OK;
}

static hew_status check(hew_reduce_desc *d, const void *in, const void *out, int64_t *outputs)
{
    int64_t inputs;
    if ((unsigned)d->op >= HEW_REDUCE_OP_COUNT)
        return hew_fail(HEW_ERR_INVALID, "reduce: operation %d", (int)d->op);
    const bool exact = d->op == HEW_REDUCE_SUM || d->op == HEW_REDUCE_MIN ||
                       d->op == HEW_REDUCE_MAX || is_arg(d->op);
    hew_status s = hew_check_tensor("reduce", "in", exact ? FLOATS | INTEGERS : FLOATS, &d->in,
                                    &inputs);
    if (s == HEW_OK)
        s = hew_check_tensor("reduce", "out", out_types(d), &d->out, outputs);
    if (s == HEW_OK)
        s = check_shapes(d, *outputs);
    if (s == HEW_OK && *outputs > 0)
        s = hew_check_data("reduce", "in", &d->in, inputs, in);
    return s == HEW_OK ? hew_check_data("reduce", "out", &d->out, *outputs, out) : s;
}

/* A loop of `kept` over in and out, or of a nest over in alone. */
static void add_loop(hew_nest *nest, const hew_reduce_desc *d, int i)
{
    nest->extent[nest->rank] = (size_t)d->in.extent[i];
    nest->stride[0][nest->rank] = (ptrdiff_t)(d->in.stride[i] *
                                              (int64_t)hew_type_size(d->in.type));
    if (nest->tensors == 2)
        nest->stride[1][nest->rank] = (ptrdiff_t)(d->out.stride[i] *
                                                  (int64_t)hew_type_size(d->out.type));
    nest->rank++;
}

/* Sorts the loops; false where the elements that kernels read side by side lie otherwise. */
static void plan(hew_reduce_plan *r)
{
    const hew_reduce_desc *const d = r->d;
    size_t rows = 1, n = 1;
    int tail = d->in.rank; /* the first dimension of a row */
    bool in_row = true;
    for (int i = d->in.rank - 1; i >= 0; i--) {
        if (d->in.extent[i] == 1)
            continue;
        in_row = in_row && reduced(d, i);
        if (in_row)
            tail = i;
        if (reduced(d, i))
            *(in_row ? &n : &rows) *= (size_t)d->in.extent[i];
    }
    const bool along = tail < d->in.rank;
    hew_nest inner = {.tensors = 1};
    r->kept.tensors = 2;
    r->outer.tensors = r->all.tensors = 1;
    for (int i = 0; i < d->in.rank; i++) {
        if (d->in.extent[i] == 1)
            continue;
        add_loop(!reduced(d, i) ? &r->kept : i < tail ? &r->outer : &inner, d, i);
        if (reduced(d, i))
            add_loop(&r->all, d, i);
    }
    hew_nest_sort(&r->kept, 0);
    hew_nest_simplify(&r->kept);
    hew_nest_simplify(&r->outer);
    hew_nest_simplify(&inner);
    hew_nest_simplify(&r->all);
    r->cut = hew_reduce_cut_of(along, rows, n);
    r->element = hew_type_size(d->in.type);
    const hew_nest *const line = along ? &inner : &r->kept;
    r->gathers = line->extent[line->rank - 1] > 1 &&
                 (line->stride[0][line->rank - 1] != (ptrdiff_t)r->element ||
                  (along && line->rank > 1));
    r->run = r->kept.extent[r->kept.rank - 1];
    r->runs = hew_nest_points(&r->kept, r->kept.rank - 1);
    r->far = (double)(r->run * r->runs) * (double)(rows * n * r->element) > FAR_BYTES;
}

static hew_reduce_kind kind_of(hew_reduce_op op)
{
    switch (op) {
    case HEW_REDUCE_MIN: return HEW_REDUCE_KIND_MIN;
    case HEW_REDUCE_MAX: return HEW_REDUCE_KIND_MAX;
    case HEW_REDUCE_PROD: return HEW_REDUCE_KIND_PROD;
    case HEW_REDUCE_L1: return HEW_REDUCE_KIND_ABS;
    case HEW_REDUCE_L2:
    case HEW_REDUCE_SUM_SQUARE: return HEW_REDUCE_KIND_SQUARES;
    case HEW_REDUCE_LOG_SUM_EXP: return HEW_REDUCE_KIND_EXP;
    default: return HEW_REDUCE_KIND_SUM;
    }
}

static hew_reduce_results results_of(const hew_reduce_plan *r, size_t run, size_t first, size_t n)
{
    ptrdiff_t at[HEW_NEST_TENSORS];
    hew_nest_at(&r->kept, r->kept.rank - 1, run, at);
    return (hew_reduce_results){r->in + at[0] + (ptrdiff_t)first * hew_reduce_in_step(r),
                                r->out + at[1] + (ptrdiff_t)first * hew_reduce_out_step(r), n};
}

/* ------------------------------------------------------------------------------- results ------ */

static void scatter(const hew_reduce_plan *r, const hew_reduce_results *o, size_t size,
                    const void *values)
{
    const ptrdiff_t step = hew_reduce_out_step(r);
    if (step == (ptrdiff_t)size || o->n == 1)
        memcpy(o->out, values, o->n * size);
    else
        for (size_t i = 0; i < o->n; i++)
            memcpy(o->out + (ptrdiff_t)i * step, (const char *)values + i * size, size);
}

static void store(const hew_reduce_plan *r, const hew_reduce_results *o, void *values,
                  const float *largest)
{
    const hew_type type = r->d->out.type;
    const size_t size = hew_type_size(type);
    uint16_t halves[HEW_REDUCE_CHUNK];
    if (r->floats) {
        r->finish(&(hew_reduce_finish){.op = r->d->op, .n = o->n, .largest = largest, .x = values,
                                       .count = (float)(r->cut.rows * r->cut.n)});
        if (type != HEW_F32) {
            r->narrow(&(hew_quantize_rows){.x = values, .y = halves, .type = type, .rows = 1,
                                           .n = o->n});
            values = halves;
        }
    } else if (size == 1) {
        for (size_t i = 0; i < o->n; i++) /* the low byte, in place */
            ((uint8_t *)values)[i] = (uint8_t)((const int32_t *)values)[i];
    }
    scatter(r, o, size, values);
}

/* All pieces of some results, one after the other. */
static void all_pieces(const hew_reduce_plan *r, hew_reduce_kind kind, const hew_reduce_results *o,
                       const float *largest, void *out)
{
    float more[HEW_REDUCE_CHUNK];
    hew_reduce_piece(r, kind, o, 0, largest, out);
    for (size_t p = 1; p < r->cut.pieces; p++) {
        hew_reduce_piece(r, kind, o, p, largest, more);
        hew_reduce_join(r, kind, o->n, out, more);
    }
}

static void arg_results(const hew_reduce_plan *r, const hew_reduce_results *o)
{
    float best[HEW_REDUCE_CHUNK], more_best[HEW_REDUCE_CHUNK];
    int32_t where[HEW_REDUCE_CHUNK], more_where[HEW_REDUCE_CHUNK];
    const hew_reduce_values v = {best, where}, more = {more_best, more_where};
    hew_reduce_arg_piece(r, o, 0, v);
    for (size_t p = 1; p < r->cut.pieces; p++) {
        hew_reduce_arg_piece(r, o, p, more);
        hew_reduce_arg_join(r, o->n, v, more);
    }
    hew_reduce_arg_store(r, o, v);
}

static void run_chunk(const hew_reduce_plan *r, size_t chunk)
{
    const size_t first = chunk % r->chunks * r->chunk;
    const hew_reduce_results o =
        results_of(r, chunk / r->chunks, first, hew_min(r->chunk, r->run - first));
    if (r->arg) {
        arg_results(r, &o);
        return;
    }
    float values[HEW_REDUCE_CHUNK], largest[HEW_REDUCE_CHUNK];
    const bool exps = r->d->op == HEW_REDUCE_LOG_SUM_EXP;
    if (exps)
        all_pieces(r, HEW_REDUCE_KIND_MAX, &o, NULL, largest);
    all_pieces(r, kind_of(r->d->op), &o, exps ? largest : NULL, values);
    store(r, &o, values, largest);
}

static void run_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const hew_reduce_plan *const r = context;
    const size_t end = hew_min((task + 1) * r->task_chunks, r->runs * r->chunks);
    for (size_t chunk = task * r->task_chunks; chunk < end; chunk++)
        run_chunk(r, chunk);
}

/* ---------------------------------------------------------------------------- few results ----- */

/* Task: a piece of the results of a run. */
static void run_piece(void *context, size_t worker, size_t task)
{
    (void)worker;
    const hew_reduce_plan *const r = context;
    const size_t run = task / r->cut.pieces, piece = task % r->cut.pieces;
    const hew_reduce_results o = results_of(r, run, 0, r->run);
    const size_t at = piece * r->runs * r->run + run * r->run;
    float *const out = (float *)r->partial.best + at;
    if (r->arg)
        hew_reduce_arg_piece(r, &o, piece, (hew_reduce_values){out, r->partial.where + at});
    else
        hew_reduce_piece(r, r->kind, &o, piece, r->largest ? r->largest + run * r->run : NULL,
                         out);
}

/* Leaves the results' values in those of the first piece. */
static hew_status share_pieces(hew_reduce_plan *r, const hew_threads *threads)
{
    const size_t results = r->runs * r->run;
    const hew_status s = hew_parallel(threads, r->runs * r->cut.pieces, run_piece, r);
    for (size_t p = 1; p < r->cut.pieces && s == HEW_OK; p++) {
        float *const best = (float *)r->partial.best + p * results;
        if (r->arg)
            hew_reduce_arg_join(r, results, r->partial,
                                (hew_reduce_values){best, r->partial.where + p * results});
        else
            hew_reduce_join(r, r->kind, results, r->partial.best, best);
    }
    return s;
}

static hew_status run_pieces(hew_reduce_plan *r, const hew_threads *threads)
{
    float best[HEW_REDUCE_PIECES * HEW_REDUCE_FEW], largest[HEW_REDUCE_FEW] = {0};
    int32_t where[HEW_REDUCE_PIECES * HEW_REDUCE_FEW];
    r->partial = (hew_reduce_values){best, where};
    hew_status s = HEW_OK;
    if (r->d->op == HEW_REDUCE_LOG_SUM_EXP) {
        r->kind = HEW_REDUCE_KIND_MAX;
        s = share_pieces(r, threads);
        memcpy(largest, best, r->runs * r->run * sizeof(float));
        r->largest = largest;
    }
    r->kind = kind_of(r->d->op);
    if (s == HEW_OK)
        s = share_pieces(r, threads);
    for (size_t run = 0; run < r->runs && s == HEW_OK; run++) {
        const hew_reduce_results o = results_of(r, run, 0, r->run);
        const size_t at = run * r->run;
        if (r->arg)
            hew_reduce_arg_store(r, &o, (hew_reduce_values){best + at, where + at});
        else
            store(r, &o, best + at, largest + at);
    }
    return s;
}

/* ------------------------------------------------------------------------------------- run ---- */

#define KERNEL(family) HEW_FN(family, hew_kernels(HEW_FAMILY_##family, &count))

static hew_status run(hew_reduce_plan *r, const hew_threads *threads)
{
    size_t count;
    r->rows = KERNEL(reduce_rows);
    r->columns = KERNEL(reduce_columns);
    r->find = KERNEL(reduce_find);
    r->places = KERNEL(reduce_places);
    r->finish = KERNEL(reduce_finish);
    r->narrow = KERNEL(quantize_f32);
    plan(r);
    if (threads && r->runs * r->run <= HEW_REDUCE_FEW && r->cut.pieces > 1)
        return run_pieces(r, threads);
    const size_t elements = hew_max(r->cut.rows * r->cut.n, 1);
    r->chunk = hew_max(TASK_ELEMENTS / elements, 1);
    if (!r->cut.along) { /* long rows for the sake of memory, enough of them for threads */
        const size_t tasks = threads ? 2 * hew_min(threads->count, 1 << 16) : 1;
        const size_t share = hew_ceil_div(r->runs * r->run, tasks);
        r->chunk = hew_max(r->chunk, hew_round_up(share, 64));
    }
    r->chunk = hew_min(r->chunk, r->gathers ? HEW_REDUCE_GATHERED : HEW_REDUCE_CHUNK);
    r->chunks = hew_ceil_div(r->run, r->chunk);
    r->task_chunks = hew_max(TASK_ELEMENTS / elements / hew_min(r->chunk, r->run), 1);
    return hew_parallel(threads, hew_ceil_div(r->runs * r->chunks, r->task_chunks), run_task, r);
}

hew_status hew_reduce(const hew_reduce_desc *desc, const void *in, void *out,
                      const hew_threads *threads)
{
    if (!desc)
        return hew_fail(HEW_ERR_INVALID, "reduce: desc is null");
    if (desc->size != sizeof *desc)
        return hew_fail(HEW_ERR_INVALID, "reduce: descriptor size is %zu, this library's is %zu",
                        desc->size, sizeof *desc);
    hew_reduce_desc d = *desc;
    int64_t outputs;
    hew_status s = check(&d, in, out, &outputs);
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    if (s != HEW_OK || outputs == 0)
        return s;
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    size_t count;
    const hew_kernel *const kernel = hew_kernels(HEW_FAMILY_reduce_rows, &count);
    hew_reduce_plan r = {.d = &d, .in = in, .out = out, .arg = is_arg(d.op),
                       .floats = (FLOATS >> d.in.type & 1) != 0};
    if (kernel->isa == HEW_ISA_REF)
        HEW_REF_FN(reduce_rows, kernel)(&d, in, out);
    else
        s = run(&r, threads);
    if (HEW_UNLIKELY(start != 0)) {
        const double seconds = hew_now() - start;
        hew_verbose_line("reduce %d %s %lld results of %zux%zu %s %.1f us", (int)d.op,
                         hew_type_name(d.in.type), (long long)outputs, r.cut.rows, r.cut.n,
                         kernel->name, seconds * 1e6);
    }
    return s;
}
