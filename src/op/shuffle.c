/*
 * shuffle.c - a dimension seen as two or three, which change places: channel shuffle, depth to
 * space.
 */
#include "format.h"
#include "move.h"

static hew_status run(const char *op, const hew_nest *nest, size_t size, const void *in, void *out,
                      const hew_threads *threads)
{
    const hew_status s = hew_check_threads(threads);
    if (s != HEW_OK)
        return s;
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    hew_move m;
    hew_move_plan(&m, nest, size, in, out);
    const hew_status ran = hew_moves_run(&m, 1, threads);
    hew_move_verbose(op, &m, 1, start);
    return ran;
}

static hew_status check_both(const char *op, hew_tensor *in, hew_tensor *out, const void *from,
                             const void *to)
{
    int64_t in_points, out_points;
    hew_status s = hew_check_moved(op, in, out, &in_points, &out_points);
    if (s == HEW_OK)
        s = hew_check_data(op, "in", in, in_points, from);
    return s == HEW_OK ? hew_check_data(op, "out", out, out_points, to) : s;
}

hew_status hew_shuffle(const hew_shuffle_desc *desc, const void *in, void *out,
                       const hew_threads *threads)
{
    hew_status s = hew_check_desc("shuffle", desc, desc ? desc->size : 0, sizeof *desc);
    if (s != HEW_OK)
        return s;
    hew_tensor from = desc->in, to = desc->out;
    int axis = desc->axis;
    s = check_both("shuffle", &from, &to, in, out);
    if (s == HEW_OK)
        s = hew_check_axis("shuffle", to.rank, &axis);
    if (s != HEW_OK)
        return s;
    if (to.rank == HEW_MAX_RANK)
        return hew_fail(HEW_ERR_UNSUPPORTED, "shuffle: rank %d; it is at most %d", to.rank,
                        HEW_MAX_RANK - 1);
    bool same = from.rank == to.rank;
    for (int j = 0; j < to.rank; j++)
        same = same && from.extent[j] == to.extent[j];
    if (!same)
        return hew_fail(HEW_ERR_INVALID, "shuffle: in and out differ in their shapes");
    const int64_t groups = desc->groups, extent = to.extent[axis];
    if (groups < 1 || extent % groups != 0)
        return hew_fail(HEW_ERR_INVALID, "shuffle: %lld groups of %lld elements",
                        (long long)groups, (long long)extent);
    hew_nest nest, split;
    hew_nest_pair(&to, &from, &nest);
    split = nest;
    split.rank++;
    for (int j = nest.rank; j > axis; j--)
        for (int t = 0; t < 2; t++) {
            split.extent[j] = nest.extent[j - 1];
            split.stride[t][j] = nest.stride[t][j - 1];
        }
    /* out[b][a] = in[a][b], a below groups */
    split.extent[axis] = (size_t)(extent / groups);
    split.extent[axis + 1] = (size_t)groups;
    split.stride[0][axis] = nest.stride[0][axis] * (ptrdiff_t)groups;
    split.stride[1][axis + 1] = nest.stride[1][axis] * (ptrdiff_t)(extent / groups);
    return run("shuffle", &split, hew_type_size(to.type), in, out, threads);
}

/* ------------------------------------------------------------------------- depth, space ---- */

/* Loops image, y, block y, x, block x, channel over the deep tensor (tensor `deep` of the nest) and
 * the wide one. */
static hew_status blocks(const char *op, const hew_depth_to_space_desc *d, hew_tensor deep,
                         hew_tensor wide, int deep_at, hew_nest *nest)
{
    if (deep.rank != 4 || wide.rank != 4)
        return hew_fail(HEW_ERR_INVALID, "%s: ranks are %d and %d; they must be 4", op, d->in.rank,
                        d->out.rank);
    if ((int)d->layout < 0 || d->layout > HEW_CHANNELS_FIRST || (int)d->order < 0 ||
        d->order > HEW_DEPTH_CRD || d->block < 1 || d->block > INT32_MAX)
        return hew_fail(HEW_ERR_INVALID, "%s: layout %d, order %d, block %lld", op, (int)d->layout,
                        (int)d->order, (long long)d->block);
    const bool last = d->layout == HEW_CHANNELS_LAST;
    const int c = last ? 3 : 1, y = last ? 1 : 2, x = y + 1;
    const int64_t block = d->block, channels = wide.extent[c];
    int64_t all, high, broad;
    if (!hew_mul(channels, block * block, &all) || !hew_mul(deep.extent[y], block, &high) ||
        !hew_mul(deep.extent[x], block, &broad) || all != deep.extent[c] ||
        high != wide.extent[y] || broad != wide.extent[x] || deep.extent[0] != wide.extent[0])
        return hew_fail(HEW_ERR_INVALID, "%s: with blocks of %lld, %lld channels of %lld x %lld "
                        "don't become %lld of %lld x %lld", op, (long long)block,
                        (long long)deep.extent[c], (long long)deep.extent[y],
                        (long long)deep.extent[x], (long long)channels, (long long)wide.extent[y],
                        (long long)wide.extent[x]);
    /* How many of the deep tensor's channels lie between neighbours. */
    const bool crd = d->order == HEW_DEPTH_CRD;
    const int64_t step_x = crd ? 1 : channels, step_y = step_x * block;
    const int64_t step_c = crd ? block * block : 1;
    const int64_t size = (int64_t)hew_type_size(wide.type);
    const int64_t extent[6] = {wide.extent[0], deep.extent[y], block, deep.extent[x], block,
                               channels};
    const int64_t w[6] = {wide.stride[0], wide.stride[y] * block, wide.stride[y],
                          wide.stride[x] * block, wide.stride[x], wide.stride[c]};
    const int64_t v[6] = {deep.stride[0], deep.stride[y], deep.stride[c] * step_y, deep.stride[x],
                          deep.stride[c] * step_x, deep.stride[c] * step_c};
    *nest = (hew_nest){.rank = 6, .tensors = 2};
    for (int j = 0; j < 6; j++) {
        nest->extent[j] = (size_t)extent[j];
        nest->stride[deep_at][j] = (ptrdiff_t)(v[j] * size);
        nest->stride[1 - deep_at][j] = (ptrdiff_t)(w[j] * size);
    }
    return HEW_OK;
}

static hew_status reblock(const char *op, const hew_depth_to_space_desc *desc, bool to_space,
                          const void *in, void *out, const hew_threads *threads)
{
    hew_nest nest;
    hew_status s = hew_check_desc(op, desc, desc ? desc->size : 0, sizeof *desc);
    if (s != HEW_OK)
        return s;
    hew_tensor from = desc->in, to = desc->out;
    s = check_both(op, &from, &to, in, out);
    if (s == HEW_OK)
        s = to_space ? blocks(op, desc, from, to, 1, &nest) : blocks(op, desc, to, from, 0, &nest);
    return s == HEW_OK ? run(op, &nest, hew_type_size(to.type), in, out, threads) : s;
}

hew_status hew_depth_to_space(const hew_depth_to_space_desc *desc, const void *in, void *out,
                              const hew_threads *threads)
{
    return reblock("depth_to_space", desc, true, in, out, threads);
}

hew_status hew_space_to_depth(const hew_depth_to_space_desc *desc, const void *in, void *out,
                              const hew_threads *threads)
{
    return reblock("space_to_depth", desc, false, in, out, threads);
}
