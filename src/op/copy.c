/*
 * copy.c - a strided tensor to another.
 */
#include "format.h"
#include "move.h"

static hew_status check_size(const hew_copy_desc *d)
{
    if (!d)
        return hew_fail(HEW_ERR_INVALID, "copy: desc is null");
    if (d->size != sizeof *d)
        return hew_fail(HEW_ERR_INVALID, "copy: descriptor size is %zu, this library's is %zu",
                        d->size, sizeof *d);
    return HEW_OK;
}

/* The loops over both tensors; none for empty ones. */
static hew_status check(const hew_copy_desc *d, const void *in, const void *out, hew_nest *nest)
{
    hew_tensor from = d->in, to = d->out;
    int64_t in_points, out_points;
    hew_status s = hew_check_tensor("copy", "in", HEW_MOVABLE, &from, &in_points);
    if (s == HEW_OK)
        s = hew_check_written("copy", "out", HEW_MOVABLE, &to, &out_points);
    if (s == HEW_OK && from.type != to.type)
        s = hew_fail(HEW_ERR_UNSUPPORTED, "copy: from %s to %s", hew_type_name(from.type),
                     hew_type_name(to.type));
    if (s == HEW_OK)
        s = hew_nest_broadcast("copy", 2, (const hew_tensor *const[]){&to, &from},
                               (const char *const[]){"out", "in"}, nest);
    if (s == HEW_OK)
        s = hew_check_data("copy", "in", &from, hew_min_i64(in_points, out_points), in);
    if (s == HEW_OK)
        s = hew_check_data("copy", "out", &to, out_points, out);
    return s;
}

hew_status hew_copy(const hew_copy_desc *desc, const void *in, void *out,
                    const hew_threads *threads)
{
    hew_nest nest;
    hew_status s = check_size(desc);
    if (s == HEW_OK)
        s = check(desc, in, out, &nest);
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    if (s != HEW_OK)
        return s;
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    hew_move m;
    hew_move_plan(&m, &nest, hew_type_size(desc->out.type));
    s = hew_move_run(&m, in, out, threads);
    if (HEW_UNLIKELY(start != 0)) {
        const double seconds = hew_now() - start;
        const double bytes = (double)(hew_nest_points(&nest, nest.rank) *
                                      hew_type_size(desc->out.type));
        hew_verbose_line("copy %s %.0f bytes %s %.1f us %.2f GB/s",
                         hew_type_name(desc->out.type), bytes, m.kernel ? m.kernel : "-",
                         seconds * 1e6, 2e-9 * bytes / seconds);
    }
    return s;
}
