/*
 * order.c - the definitions of hew_cumsum and hew_topk: lines along an axis, one by one.
 */
#include "kernels.h"
#include "ref/ref.h"

/* A tensor's strides, dense ones filled in. */
static void strides_of(const hew_tensor *t, int64_t *stride)
{
    int64_t count = 1;
    bool dense = true;
    for (int i = 0; i < t->rank; i++)
        dense = dense && t->stride[i] == 0;
    for (int i = t->rank - 1; i >= 0; i--) {
        stride[i] = dense ? count : t->stride[i];
        count *= t->extent[i];
    }
}

/* Where line number `line` of a tensor begins; lines are counted by the indices of `shape`. */
static int64_t line_at(const hew_tensor *shape, const int64_t *stride, int axis, int64_t line)
{
    int64_t at = 0;
    for (int i = shape->rank - 1; i >= 0; i--)
        if (i != axis) {
            at += line % shape->extent[i] * stride[i];
            line /= shape->extent[i];
        }
    return at;
}

static int64_t lines_of(const hew_tensor *shape, int axis)
{
    int64_t lines = 1;
    for (int i = 0; i < shape->rank; i++)
        lines *= i == axis ? 1 : shape->extent[i];
    return lines;
}

void hew_cumsum_ref(const hew_cumsum_desc *d, const void *in, void *out)
{
    int64_t in_stride[HEW_MAX_RANK], out_stride[HEW_MAX_RANK];
    strides_of(&d->in, in_stride);
    strides_of(&d->out, out_stride);
    const int64_t lines = lines_of(&d->in, d->axis), n = d->in.extent[d->axis];
    for (int64_t line = 0; line < lines; line++) {
        const int64_t from = line_at(&d->in, in_stride, d->axis, line);
        const int64_t to = line_at(&d->in, out_stride, d->axis, line);
        float sum = 0.0f;
        uint32_t sum_int = 0;
        for (int64_t step = 0; step < n; step++) {
            const int64_t i = d->reverse ? n - 1 - step : step;
            const int64_t x = from + i * in_stride[d->axis], y = to + i * out_stride[d->axis];
            if (d->in.type == HEW_S32) {
                const uint32_t with = sum_int + ((const uint32_t *)in)[x];
                ((uint32_t *)out)[y] = d->exclusive ? sum_int : with;
                sum_int = with;
            } else {
                const float with = sum + hew_ref_load_type(d->in.type, in, x);
                hew_ref_store_type(d->in.type, out, y, d->exclusive ? sum : with);
                sum = with;
            }
        }
    }
}

/* Whether element x comes before y, both of them where they are in `in`. */
static bool before(const hew_topk_desc *d, const void *in, int64_t x, int64_t y)
{
    switch (d->in.type) {
    case HEW_S8: {
        const int8_t *p = in;
        return d->smallest ? p[x] < p[y] : p[x] > p[y];
    }
    case HEW_U8: {
        const uint8_t *p = in;
        return d->smallest ? p[x] < p[y] : p[x] > p[y];
    }
    case HEW_S32: {
        const int32_t *p = in;
        return d->smallest ? p[x] < p[y] : p[x] > p[y];
    }
    default: break;
    }
    const float a = hew_ref_load_type(d->in.type, in, x), b = hew_ref_load_type(d->in.type, in, y);
    if (a != a || b != b)
        return d->smallest ? b != b && a == a : a != a && b == b;
    return d->smallest ? a < b : a > b;
}

/* The place of a line's element number `rank` in the order: found by counting. */
void hew_topk_ref(const hew_topk_desc *d, const void *in, void *values, void *indices)
{
    int64_t in_stride[HEW_MAX_RANK], value_stride[HEW_MAX_RANK], index_stride[HEW_MAX_RANK];
    strides_of(&d->in, in_stride);
    strides_of(&d->values, value_stride);
    strides_of(&d->indices, index_stride);
    const int64_t lines = lines_of(&d->in, d->axis), n = d->in.extent[d->axis];
    const int64_t step = in_stride[d->axis];
    const size_t size = d->in.type == HEW_S8 || d->in.type == HEW_U8     ? 1
                        : d->in.type == HEW_F32 || d->in.type == HEW_S32 ? 4
                                                                         : 2;
    for (int64_t line = 0; line < lines; line++) {
        const int64_t from = line_at(&d->in, in_stride, d->axis, line);
        const int64_t value = line_at(&d->in, value_stride, d->axis, line);
        const int64_t index = line_at(&d->in, index_stride, d->axis, line);
        for (int64_t i = 0; i < n; i++) {
            int64_t rank = 0;
            for (int64_t j = 0; j < n; j++)
                rank += before(d, in, from + j * step, from + i * step) ||
                        (j < i && !before(d, in, from + i * step, from + j * step));
            if (rank >= d->values.extent[d->axis])
                continue;
            ((int64_t *)indices)[index + rank * index_stride[d->axis]] = i;
            memcpy((char *)values + (value + rank * value_stride[d->axis]) * (int64_t)size,
                   (const char *)in + (from + i * step) * (int64_t)size, size);
        }
    }
}
