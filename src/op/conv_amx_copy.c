/*
 * conv_amx_copy.c - a band of the input with its padding in place: conv_amx.c.
 */
#include "conv_amx.h"

#include <string.h>

/* Whether a tap lies in plane p. */
static bool is_used(const hew_conv_desc *d, int rank, const hew_amx_axis *axis, size_t p)
{
    if (axis->own || axis->planes == 1)
        return true;
    for (int64_t t = 0; t < hew_min_i64(d->kernel[rank], d->stride[rank]); t++)
        if ((size_t)(t * d->dilation[rank] % d->stride[rank]) == p)
            return true;
    return false;
}

/* Coordinates of a plane's first position under output position 0: of the input, not padded. */
static int64_t origin_of(const hew_conv_desc *d, int rank, const hew_amx_axis *axis, size_t p)
{
    return (int64_t)p * (axis->own ? d->dilation[rank] : 1) - d->pad_lo[rank];
}

/* One row of positions, all of the same plane. */
typedef struct row_copy {
    size_t bytes, stride, from_step; /* of a pixel; between pixels in the copy, in the input */
    size_t positions, begin, end;    /* [begin, end) lie inside the input */
    uint8_t pad;
} row_copy;

/* Behind a pixel's channels are zeros, in the padding too. */
static void fill(const row_copy *r, char *to, size_t positions)
{
    memset(to, r->pad, positions * r->stride);
    for (size_t i = 0; r->bytes < r->stride && i < positions; i++)
        memset(to + i * r->stride + r->bytes, 0, r->stride - r->bytes);
}

/* from: of position `begin`; null where the whole row is padding. */
static char *copy_row(const row_copy *r, const char *from, char *to)
{
    char *const next = to + r->positions * r->stride;
    if (!from) {
        fill(r, to, r->positions);
        return next;
    }
    fill(r, to, r->begin);
    fill(r, to + r->end * r->stride, r->positions - r->end);
    to += r->begin * r->stride;
    if (r->bytes == r->stride && r->from_step == r->bytes) {
        memcpy(to, from, (r->end - r->begin) * r->bytes);
        return next;
    }
    for (size_t i = r->begin; i < r->end; i++, to += r->stride, from += r->from_step) {
        memcpy(to, from, r->bytes);
        memset(to + r->bytes, 0, r->stride - r->bytes);
    }
    return next;
}

/* Positions q of a row with 0 <= at + q * step < extent. */
static void set_inside(row_copy *r, int64_t at, int64_t step, int64_t extent)
{
    const int64_t n = (int64_t)r->positions;
    const int64_t begin = at < 0 ? (-at + step - 1) / step : 0;
    const int64_t end = at >= extent ? 0 : (extent - 1 - at) / step + 1;
    r->begin = (size_t)hew_min_i64(begin, n);
    r->end = (size_t)hew_min_i64(end, n);
}

/* All rows of one plane. */
static char *copy_plane(const hew_amx_task *t, int64_t depth, size_t down, row_copy *r,
                        int64_t column, char *to)
{
    const hew_conv *op = t->op;
    const hew_conv_desc *d = &op->d;
    const int64_t pixel = d->in_stride * (int64_t)op->format.a_size, row = d->in[2] * pixel;
    const int64_t first = origin_of(d, 1, &op->amx.down, down);
    for (size_t i = t->image; i < t->image + t->size.images; i++) {
        const int64_t member = (int64_t)i / op->out[0], z = (int64_t)i % op->out[0];
        const int64_t at = z * d->stride[0] - d->pad_lo[0] + depth * d->dilation[0];
        for (size_t q = 0; q < t->size.rows + op->amx.down.reach; q++) {
            const int64_t y = (int64_t)(t->row + q) * d->stride[1] + first;
            const bool inside = at >= 0 && at < d->in[0] && y >= 0 && y < d->in[1];
            const char *from = NULL;
            if (inside && r->begin < r->end)
                from = t->in + ((member * d->in[0] + at) * d->in[1] + y) * row +
                       (column + (int64_t)r->begin * d->stride[2]) * pixel;
            to = copy_row(r, from, to);
        }
    }
    return to;
}

void hew_amx_copy(const hew_amx_task *t, uint8_t pad, char *to)
{
    const hew_conv *op = t->op;
    const hew_conv_desc *d = &op->d;
    const hew_conv_amx *a = &op->amx;
    const size_t element = op->format.a_size;
    row_copy r = {.bytes = op->group_in * element, .stride = a->stride,
                  .from_step = (size_t)d->stride[2] * (size_t)d->in_stride * element,
                  .positions = t->size.columns + a->across.reach, .pad = pad};
    for (int64_t depth = 0; depth < d->kernel[0]; depth++)
        for (size_t down = 0; down < a->down.planes; down++)
            for (size_t across = 0; across < a->across.planes; across++) {
                const int64_t x = (int64_t)t->column * d->stride[2] +
                                  origin_of(d, 2, &a->across, across);
                set_inside(&r, x, d->stride[2], d->in[2]);
                if (is_used(d, 1, &a->down, down) && is_used(d, 2, &a->across, across))
                    to = copy_plane(t, depth, down, &r, x, to);
                else
                    to += t->size.images * (t->size.rows + a->down.reach) * r.positions * r.stride;
            }
}

/* A tap's positions from the outputs' they belong to. */
static size_t tap_offset(const hew_conv_desc *d, int rank, const hew_amx_axis *axis, int64_t tap,
                         size_t plane, size_t position)
{
    const int64_t at = tap * d->dilation[rank], stride = d->stride[rank];
    return axis->own ? (size_t)tap * plane
                     : (size_t)(at % stride) * plane + (size_t)(at / stride) * position;
}

size_t hew_amx_tap(const hew_amx_task *t, int64_t depth, int64_t down, int64_t across)
{
    const hew_conv_desc *d = &t->op->d;
    const hew_conv_amx *a = &t->op->amx;
    if (a->form != HEW_AMX_COPIED) {
        const size_t pixel = (size_t)d->in_stride * t->op->format.a_size;
        const int64_t row = down * d->dilation[1] + depth * d->dilation[0] * d->in[1];
        return (size_t)(row * d->in[2] + across * d->dilation[2]) * pixel;
    }
    const size_t pitch = t->size.columns + a->across.reach;
    const size_t plane = t->size.images * (t->size.rows + a->down.reach) * pitch;
    const size_t positions =
        (size_t)depth * a->down.planes * a->across.planes * plane +
        tap_offset(d, 1, &a->down, down, a->across.planes * plane, pitch) +
        tap_offset(d, 2, &a->across, across, plane, 1);
    return positions * a->stride;
}
