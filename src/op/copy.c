/*
 * copy.c - a strided tensor to another.
 */
#include "format.h"
#include "move.h"

/* The loops over both tensors; none for empty ones. */
static hew_status check(const hew_copy_desc *d, const void *in, const void *out, hew_nest *nest)
{
    hew_tensor from = d->in, to = d->out;
    int64_t in_points, out_points;
    hew_status s = hew_check_moved("copy", &from, &to, &in_points, &out_points);
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
    hew_move m;
    hew_status s = hew_check_desc("copy", desc, desc ? desc->size : 0, sizeof *desc);
    if (s == HEW_OK)
        s = check(desc, in, out, &nest);
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    if (s != HEW_OK)
        return s;
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    hew_move_plan(&m, &nest, hew_type_size(desc->out.type), in, out);
    s = hew_moves_run(&m, 1, threads);
    hew_move_verbose("copy", &m, 1, start);
    return s;
}
