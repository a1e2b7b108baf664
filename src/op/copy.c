/*
 * copy.c - a strided tensor to another.
 */
#include "convert.h"
#include "format.h"

enum {
    CONVERTIBLE = 1 << HEW_F32 | 1 << HEW_BF16 | 1 << HEW_F16 | 1 << HEW_S8 | 1 << HEW_U8 |
                  1 << HEW_S32
};

/* The loops over both tensors, and which channel they are at; none for empty ones. */
static hew_status check(const hew_copy_desc *d, const void *in, const void *out, bool convert,
                        int axis, hew_nest *nest)
{
    hew_tensor from = d->in, to = d->out;
    int64_t in_points, out_points;
    const unsigned types = convert ? CONVERTIBLE : HEW_MOVABLE;
    hew_status s = hew_check_tensor("copy", "in", types, &from, &in_points);
    if (s == HEW_OK)
        s = hew_check_written("copy", "out", types, &to, &out_points);
    if (s == HEW_OK)
        s = hew_nest_broadcast("copy", 2, (const hew_tensor *const[]){&to, &from},
                               (const char *const[]){"out", "in"}, nest);
    if (s == HEW_OK)
        s = hew_check_data("copy", "in", &from, hew_min_i64(in_points, out_points), in);
    if (s == HEW_OK)
        s = hew_check_data("copy", "out", &to, out_points, out);
    if (s == HEW_OK && convert) {
        nest->tensors = 3;
        if (to.rank > 0)
            nest->stride[2][axis] = 1;
    }
    return s;
}

/* A tensor's scales and zeros; `n` of them if there is one for each index of the axis. */
static hew_status check_scaling(const char *name, hew_type type, const float *scale,
                                const void *zero, bool per_axis, int64_t n)
{
    const bool integer = type == HEW_S8 || type == HEW_U8 || type == HEW_S32;
    if (!integer && (scale || zero))
        return hew_fail(HEW_ERR_INVALID, "copy: %s is %s, which has no scale or zero", name,
                        hew_type_name(type));
    if ((uintptr_t)scale % sizeof(float) || (uintptr_t)zero % hew_type_size(type))
        return hew_fail(HEW_ERR_INVALID, "copy: %s's scale or zero is not aligned", name);
    for (int64_t i = 0; scale && i < (per_axis ? n : 1); i++)
        if (!(scale[i] > 0.0f) || scale[i] - scale[i] != 0.0f)
            return hew_fail(HEW_ERR_INVALID, "copy: scale %lld of %s is %g; it must be positive "
                            "and finite", (long long)i, name, (double)scale[i]);
    return HEW_OK;
}

hew_status hew_copy(const hew_copy_desc *desc, const void *in, void *out,
                    const hew_threads *threads)
{
    hew_nest nest;
    hew_status s = hew_check_desc("copy", desc, desc ? desc->size : 0, sizeof *desc);
    if (s != HEW_OK)
        return s;
    const hew_copy_desc *const d = desc;
    const bool convert = d->in.type != d->out.type || d->in_scale || d->out_scale || d->in_zero ||
                         d->out_zero;
    int axis = d->axis;
    if (d->in_per_axis || d->out_per_axis)
        s = hew_check_axis("copy", d->out.rank < 0 ? 0 : d->out.rank, &axis);
    else
        axis = 0;
    if (s == HEW_OK)
        s = check(d, in, out, convert, axis, &nest);
    const int64_t channels = d->out.rank > 0 && s == HEW_OK ? d->out.extent[axis] : 1;
    if (s == HEW_OK)
        s = check_scaling("in", d->in.type, d->in_scale, d->in_zero, d->in_per_axis, channels);
    if (s == HEW_OK)
        s = check_scaling("out", d->out.type, d->out_scale, d->out_zero, d->out_per_axis, channels);
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    if (s != HEW_OK)
        return s;
    if (convert)
        return hew_convert(d, &nest, in, out, threads);
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    hew_move m;
    hew_move_plan(&m, &nest, hew_type_size(d->out.type), in, out);
    s = hew_moves_run(&m, 1, threads);
    hew_move_verbose("copy", &m, 1, start);
    return s;
}
