/*
 * slice.c - parts of tensors, and tensors inside larger ones.
 */
#include "format.h"
#include "move.h"

hew_status hew_slice(const hew_slice_desc *desc, const void *in, void *out,
                     const hew_threads *threads)
{
    int64_t in_points, out_points;
    hew_status s = hew_check_desc("slice", desc, desc ? desc->size : 0, sizeof *desc);
    if (s != HEW_OK)
        return s;
    hew_tensor from = desc->in, to = desc->out;
    s = hew_check_moved("slice", &from, &to, &in_points, &out_points);
    if (s != HEW_OK)
        return s;
    if (from.rank != to.rank)
        return hew_fail(HEW_ERR_INVALID, "slice: in has rank %d, out has %d", from.rank, to.rank);
    const size_t size = hew_type_size(to.type);
    ptrdiff_t at = 0;
    for (int j = 0; j < to.rank && out_points > 0; j++) {
        const int64_t step = desc->step[j] == 0 ? 1 : desc->step[j], first = desc->start[j];
        int64_t last;
        if (!hew_mul(to.extent[j] - 1, step, &last) || !hew_add(last, first, &last) || first < 0 ||
            first >= from.extent[j] || last < 0 || last >= from.extent[j])
            return hew_fail(HEW_ERR_INVALID, "slice: %lld elements from %lld in steps of %lld are "
                            "not within the %lld of dimension %d", (long long)to.extent[j],
                            (long long)first, (long long)step, (long long)from.extent[j], j);
        at += hew_step(&from, j, first, size);
        from.stride[j] = to.extent[j] > 1 ? from.stride[j] * step : 0;
    }
    s = hew_check_data("slice", "in", &from, out_points, in);
    if (s == HEW_OK)
        s = hew_check_data("slice", "out", &to, out_points, out);
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    if (s != HEW_OK || out_points == 0)
        return s;
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    hew_nest nest;
    hew_move m;
    hew_nest_pair(&to, &from, &nest);
    hew_move_plan(&m, &nest, size, (const char *)in + at, out);
    s = hew_moves_run(&m, 1, threads);
    hew_move_verbose("slice", &m, 1, start);
    return s;
}

/* ---------------------------------------------------------------------------------- pad ---- */

/* Elements [first, first + n) along a dimension of out: in's from `from` on, in steps of 1, 0 or
 * -1; or, outside of in, the constant. */
typedef struct segment {
    int64_t first, n, from, step;
    bool inside;
} segment;

/* The segment that begins with out's element `first`. */
static segment segment_at(hew_pad_mode mode, int64_t first, int64_t lo, int64_t in, int64_t out)
{
    const int64_t at = first - lo; /* in's index, if it had so many */
    segment s = {first, out - first, at, 1, true};
    if (at >= 0 && at < in) {
        s.n = in - at;
    } else if (mode == HEW_PAD_CONSTANT) {
        s.inside = false;
        s.n = at < 0 ? -at : s.n;
    } else if (mode == HEW_PAD_EDGE) {
        s.from = at < 0 ? 0 : in - 1;
        s.step = 0;
        s.n = at < 0 ? -at : s.n;
    } else if (in == 1) {
        s.from = s.step = 0;
    } else if (mode == HEW_PAD_WRAP) {
        s.from = (at % in + in) % in;
        s.n = in - s.from;
    } else { /* there and back again, the ends once */
        const int64_t period = 2 * (in - 1), phase = (at % period + period) % period;
        s.step = phase < in - 1 ? 1 : -1;
        s.from = phase < in - 1 ? phase : period - phase;
        s.n = phase < in - 1 ? in - 1 - phase : period - phase;
    }
    s.n = hew_min_i64(s.n, out - first);
    return s;
}

typedef struct pad {
    hew_pad_mode mode;
    hew_tensor in, out;
    const int64_t *lo;
    size_t size;
    const char *from;
    char *to;
    const void *value;
    const hew_threads *threads;
    hew_move moves[HEW_MOVES];
    size_t count;
} pad;

static hew_status flush(pad *p)
{
    const hew_status s = hew_moves_run(p->moves, p->count, p->threads);
    p->count = 0;
    return s;
}

/* The box that has these segments of the first `known` dimensions.  Constants fill what is left of
 * the others; else each of their segments makes boxes of its own. */
static hew_status run_box(pad *p, segment *box, int known)
{
    const bool inside = known == 0 || box[known - 1].inside;
    if (inside && known < p->out.rank) {
        hew_status s = HEW_OK;
        for (int64_t i = 0; s == HEW_OK && i < p->out.extent[known]; i += box[known].n) {
            box[known] = segment_at(p->mode, i, p->lo[known], p->in.extent[known],
                                    p->out.extent[known]);
            s = run_box(p, box, known + 1);
        }
        return s;
    }
    hew_tensor from = p->in, to = p->out;
    const char *in = inside ? p->from : p->value;
    char *out = p->to;
    for (int j = 0; j < known; j++) {
        out += hew_step(&to, j, box[j].first, p->size);
        in += inside ? hew_step(&from, j, box[j].from, p->size) : 0;
        to.extent[j] = box[j].n;
        from.stride[j] *= box[j].step;
    }
    for (int j = 0; j < to.rank && !inside; j++)
        from.stride[j] = 0;
    hew_nest nest;
    hew_nest_pair(&to, &from, &nest);
    hew_move_plan(&p->moves[p->count++], &nest, p->size, in, out);
    return p->count == HEW_MOVES ? flush(p) : HEW_OK;
}

static hew_status check_pad(const hew_pad_desc *d, pad *p)
{
    int64_t in_points, out_points;
    hew_status s = hew_check_moved("pad", &p->in, &p->out, &in_points, &out_points);
    if (s != HEW_OK)
        return s;
    if ((int)d->mode < 0 || d->mode > HEW_PAD_WRAP)
        return hew_fail(HEW_ERR_INVALID, "pad: mode is %d; it is 0 to 3", (int)d->mode);
    if (p->in.rank != p->out.rank)
        return hew_fail(HEW_ERR_INVALID, "pad: in has rank %d, out has %d", p->in.rank,
                        p->out.rank);
    for (int j = 0; j < p->in.rank; j++) {
        int64_t end;
        if (d->lo[j] < -INT64_MAX || !hew_add(d->lo[j], p->in.extent[j], &end) ||
            !hew_add(p->out.extent[j], -d->lo[j], &end))
            return hew_fail(HEW_ERR_OVERFLOW, "pad: lo is %lld along dimension %d",
                            (long long)d->lo[j], j);
        if (in_points == 0 && out_points > 0 && p->in.extent[j] == 0 && d->mode != HEW_PAD_CONSTANT)
            return hew_fail(HEW_ERR_INVALID, "pad: in has nothing along dimension %d to pad with",
                            j);
    }
    s = hew_check_data("pad", "in", &p->in, hew_min_i64(in_points, out_points), p->from);
    return s == HEW_OK ? hew_check_data("pad", "out", &p->out, out_points, p->to) : s;
}

hew_status hew_pad(const hew_pad_desc *desc, const void *in, void *out, const hew_threads *threads)
{
    static const int64_t zero = 0;
    hew_status s = hew_check_desc("pad", desc, desc ? desc->size : 0, sizeof *desc);
    if (s != HEW_OK)
        return s;
    pad p = {.mode = desc->mode, .in = desc->in, .out = desc->out, .lo = desc->lo, .from = in,
             .to = out, .value = desc->value ? desc->value : &zero, .threads = threads};
    s = check_pad(desc, &p);
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    if (s != HEW_OK)
        return s;
    for (int j = 0; j < p.out.rank; j++)
        if (p.out.extent[j] == 0)
            return HEW_OK;
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    segment box[HEW_MAX_RANK];
    p.size = hew_type_size(p.out.type);
    s = run_box(&p, box, 0);
    const size_t last = p.count;
    if (s == HEW_OK)
        s = flush(&p);
    hew_move_verbose("pad", p.moves, last, start);
    return s;
}
