/* concat, split, slice, pad, shuffle, depth to space: every element where the definition says, in
 * tensors of any strides, and nothing else touched. */
#include "strided.h"

#include <string.h>

static const hew_type types[] = {HEW_S8, HEW_BF16, HEW_S32, HEW_S64};

static hew_type some_type(rng *r) { return types[rng_between(r, 0, 3)]; }

static const hew_threads *some_threads(rng *r)
{
    const int64_t k = rng_between(r, 0, 5);
    return k == 0 ? pool_of(3) : k == 1 ? pool_of(8) : k == 2 ? reversed_of(2) : no_threads();
}

static hew_tensor some_shape(rng *r, int least_rank, int most_rank)
{
    hew_tensor t = {.type = some_type(r), .rank = (int)rng_between(r, least_rank, most_rank)};
    for (int j = 0; j < t.rank; j++)
        t.extent[j] = rng_between(r, rng_chance(r, 40) ? 0 : 1, t.rank > 3 ? 5 : 20);
    return t;
}

static void move(const strided *from, const int64_t *from_index, const strided *to,
                 const int64_t *to_index)
{
    memcpy(strided_index(to, to_index), strided_index(from, from_index),
           (size_t)type_bytes(to->t.type));
}

static void check_and_free(hew_status status, strided *want, strided *got)
{
    state_check();
    check_status(status, HEW_OK);
    check_strided("out", want, got);
    strided_free(want);
    strided_free(got);
}

/* ---------------------------------------------------------------------- concat and split ---- */

enum { MOST_PARTS = 20 };

static void concat_and_split(void)
{
    for (int i = 0; i < 300; i++) {
        rng r = case_rng("concat %d", i);
        hew_tensor whole = some_shape(&r, 1, 5), parts[MOST_PARTS];
        const int count = (int)rng_between(&r, 1, rng_chance(&r, 5) ? MOST_PARTS : 4);
        const int axis = (int)rng_between(&r, 0, whole.rank - 1);
        strided part[MOST_PARTS], want_part[MOST_PARTS];
        const void *in[MOST_PARTS];
        void *out[MOST_PARTS];
        whole.extent[axis] = 0;
        for (int k = 0; k < count; k++) {
            hew_tensor t = whole;
            t.extent[axis] = rng_between(&r, 0, 9);
            parts[k] = any_strides(&r, t, 2);
            part[k] = strided_new(&r, parts[k], AT_BACK);
            in[k] = out[k] = part[k].data;
        }
        for (int k = 0; k < count; k++)
            whole.extent[axis] += parts[k].extent[axis];
        whole = any_strides(&r, whole, 2);
        strided all = strided_new(&r, whole, AT_BACK), want = strided_copy(&all, AT_BACK);
        int64_t first = 0, index[HEW_MAX_RANK], at[HEW_MAX_RANK];
        const bool split = rng_chance(&r, 2);
        for (int k = 0; k < count; first += parts[k++].extent[axis]) {
            want_part[k] = strided_copy(&part[k], AT_BACK);
            for (int64_t p = 0; p < tensor_points(&parts[k]); p++) {
                tensor_index(&parts[k], p, index);
                memcpy(at, index, sizeof at);
                at[axis] += first;
                split ? move(&all, at, &want_part[k], index) : move(&part[k], index, &want, at);
            }
        }
        const int given = rng_chance(&r, 2) ? axis : axis - whole.rank;
        state_save();
        check_and_free(split ? hew_split(&HEW_SPLIT_DESC(.axis = given, .count = count, .in = whole,
                                                         .out = parts), all.data, out,
                                         some_threads(&r))
                             : hew_concat(&HEW_CONCAT_DESC(.axis = given, .count = count,
                                                           .in = parts, .out = whole), in,
                                          all.data, some_threads(&r)), &want, &all);
        for (int k = 0; k < count; k++) {
            check_strided("part", &want_part[k], &part[k]);
            strided_free(&part[k]);
            strided_free(&want_part[k]);
        }
    }
}

/* --------------------------------------------------------------------------------- slice ---- */

static void slice(void)
{
    for (int i = 0; i < 400; i++) {
        rng r = case_rng("slice %d", i);
        hew_tensor in = some_shape(&r, 0, 6), out = in;
        hew_slice_desc d = HEW_SLICE_DESC(.in = in);
        for (int j = 0; j < in.rank; j++) {
            d.step[j] = rng_between(&r, -3, 3);
            const int64_t step = d.step[j] ? d.step[j] : 1;
            const int64_t most = in.extent[j] / (step < 0 ? -step : step);
            out.extent[j] = rng_between(&r, most ? rng_chance(&r, 30) ? 0 : 1 : 0, most);
            const int64_t reach = out.extent[j] ? (out.extent[j] - 1) * step : 0;
            const int64_t spare = in.extent[j] - 1 - (reach < 0 ? -reach : reach);
            d.start[j] = (reach < 0 ? -reach : 0) + (spare > 0 ? rng_between(&r, 0, spare) : 0);
        }
        d.in = any_strides(&r, in, 2), d.out = any_strides(&r, out, 2);
        strided from = strided_new(&r, d.in, AT_BACK), to = strided_new(&r, d.out, AT_FRONT);
        strided want = strided_copy(&to, AT_FRONT);
        for (int64_t p = 0; p < tensor_points(&out); p++) {
            int64_t index[HEW_MAX_RANK], at[HEW_MAX_RANK];
            tensor_index(&out, p, index);
            for (int j = 0; j < in.rank; j++)
                at[j] = d.start[j] + index[j] * (d.step[j] ? d.step[j] : 1);
            move(&from, at, &want, index);
        }
        state_save();
        check_and_free(hew_slice(&d, from.data, to.data, some_threads(&r)), &want, &to);
        strided_free(&from);
    }
}

/* ----------------------------------------------------------------------------------- pad ---- */

/* Where along a dimension of `n` elements the one at `at`, which may lie outside, comes from; -1:
 * from nowhere.  By walking there, as one would with a finger. */
static int64_t source(hew_pad_mode mode, int64_t at, int64_t n)
{
    if (mode == HEW_PAD_CONSTANT)
        return at < 0 || at >= n ? -1 : at;
    while (at < 0 || at >= n) {
        if (mode == HEW_PAD_EDGE)
            at += at < 0 ? 1 : -1;
        else if (mode == HEW_PAD_WRAP)
            at += at < 0 ? n : -n;
        else if (n == 1)
            at = 0;
        else
            at = at < 0 ? -at : 2 * (n - 1) - at;
    }
    return at;
}

static void pad(void)
{
    for (int i = 0; i < 400; i++) {
        rng r = case_rng("pad %d", i);
        const hew_tensor in = some_shape(&r, 0, 5);
        hew_tensor out = in;
        hew_pad_desc d = HEW_PAD_DESC(.mode = (hew_pad_mode)rng_between(&r, 0, 3));
        const bool empty = tensor_points(&in) == 0;
        for (int j = 0; j < in.rank; j++) {
            d.lo[j] = rng_chance(&r, 2) ? 0 : rng_between(&r, -2, 6);
            const int64_t hi = rng_chance(&r, 2) ? 0 : rng_between(&r, -2, 9);
            out.extent[j] = in.extent[j] + d.lo[j] + hi;
            out.extent[j] = out.extent[j] < 0 || (empty && d.mode) ? 0 : out.extent[j];
        }
        const int64_t value = (int64_t)rng_next(&r);
        static const int64_t zero = 0;
        d.value = rng_chance(&r, 2) ? &value : NULL;
        d.in = any_strides(&r, in, 2), d.out = any_strides(&r, out, 2);
        strided from = strided_new(&r, d.in, AT_BACK), to = strided_new(&r, d.out, AT_FRONT);
        strided want = strided_copy(&to, AT_FRONT);
        for (int64_t p = 0; p < tensor_points(&out); p++) {
            int64_t index[HEW_MAX_RANK], at[HEW_MAX_RANK];
            bool inside = true;
            tensor_index(&out, p, index);
            for (int j = 0; j < in.rank; j++) {
                at[j] = source(d.mode, index[j] - d.lo[j], in.extent[j]);
                inside = inside && at[j] >= 0;
            }
            if (inside)
                move(&from, at, &want, index);
            else
                memcpy(strided_index(&want, index), d.value ? d.value : &zero,
                       (size_t)type_bytes(in.type));
        }
        state_save();
        check_and_free(hew_pad(&d, from.data, to.data, some_threads(&r)), &want, &to);
        strided_free(&from);
    }
}

/* ----------------------------------------------------------------- shuffle, depth to space ---- */

static void shuffle(void)
{
    for (int i = 0; i < 300; i++) {
        rng r = case_rng("shuffle %d", i);
        hew_tensor t = some_shape(&r, 1, 5);
        hew_shuffle_desc d = HEW_SHUFFLE_DESC(.groups = rng_between(&r, 1, 6));
        d.axis = (int)rng_between(&r, 0, t.rank - 1);
        const int64_t n = rng_between(&r, 1, 9);
        t.extent[d.axis] = d.groups * n;
        d.in = any_strides(&r, t, 2), d.out = any_strides(&r, t, 2);
        strided from = strided_new(&r, d.in, AT_BACK), to = strided_new(&r, d.out, AT_FRONT);
        strided want = strided_copy(&to, AT_FRONT);
        for (int64_t p = 0; p < tensor_points(&t); p++) {
            int64_t index[HEW_MAX_RANK], at[HEW_MAX_RANK];
            tensor_index(&t, p, index);
            memcpy(at, index, sizeof at);
            at[d.axis] = index[d.axis] % d.groups * n + index[d.axis] / d.groups;
            move(&from, at, &want, index);
        }
        state_save();
        check_and_free(hew_shuffle(&d, from.data, to.data, some_threads(&r)), &want, &to);
        strided_free(&from);
    }
}

static void depth_to_space(void)
{
    for (int i = 0; i < 300; i++) {
        rng r = case_rng("depth to space %d", i);
        hew_depth_to_space_desc d = HEW_DEPTH_TO_SPACE_DESC(
            .layout = (hew_layout)rng_between(&r, 0, 1), .block = rng_between(&r, 1, 4),
            .order = (hew_depth_order)rng_between(&r, 0, 1));
        const bool last = d.layout == HEW_CHANNELS_LAST, back = rng_chance(&r, 2);
        const int c = last ? 3 : 1, y = last ? 1 : 2, x = y + 1;
        hew_tensor deep = {.type = some_type(&r), .rank = 4}, wide;
        const int64_t b = d.block, channels = rng_between(&r, 1, 9);
        deep.extent[0] = rng_between(&r, 1, 2);
        deep.extent[y] = rng_between(&r, 1, 7), deep.extent[x] = rng_between(&r, 1, 20);
        wide = deep;
        wide.extent[y] *= b, wide.extent[x] *= b;
        wide.extent[c] = channels, deep.extent[c] = channels * b * b;
        deep = any_strides(&r, deep, 2), wide = any_strides(&r, wide, 2);
        d.in = back ? wide : deep, d.out = back ? deep : wide;
        strided from = strided_new(&r, d.in, AT_BACK), to = strided_new(&r, d.out, AT_FRONT);
        strided want = strided_copy(&to, AT_FRONT);
        for (int64_t p = 0; p < tensor_points(&wide); p++) {
            int64_t index[HEW_MAX_RANK], at[HEW_MAX_RANK];
            tensor_index(&wide, p, index);
            memcpy(at, index, sizeof at);
            const int64_t by = index[y] % b, bx = index[x] % b;
            at[y] = index[y] / b, at[x] = index[x] / b;
            at[c] = d.order == HEW_DEPTH_CRD ? (index[c] * b + by) * b + bx
                                             : (by * b + bx) * channels + index[c];
            back ? move(&from, index, &want, at) : move(&from, at, &want, index);
        }
        state_save();
        check_and_free(back ? hew_space_to_depth(&d, from.data, to.data, some_threads(&r))
                            : hew_depth_to_space(&d, from.data, to.data, some_threads(&r)), &want,
                       &to);
        strided_free(&from);
    }
}

/* ----------------------------------------------------------------------------- refusals ---- */

static void refusals(void)
{
    float in[64] = {0}, out[64], before[64];
    poison_f32(out, 64);
    memcpy(before, out, sizeof out);
    const hew_tensor t = {.rank = 2, .extent = {2, 6}}, u = {.rank = 2, .extent = {2, 3}};
    const hew_tensor bytes = {.type = HEW_U8, .rank = 2, .extent = {2, 6}};
    const hew_tensor parts[] = {u, t}, both[] = {u, u}, three[] = {{.rank = 3}, u};
    const void *const from[] = {in, in};
    void *const to[] = {out, out};
#define REFUSED(call, status, text)                                                                \
    case_rng("%s", text);                                                                          \
    check_refused(call, status, text)
    REFUSED(hew_concat(NULL, from, out, NULL), HEW_ERR_INVALID, "concat: desc is null");
    REFUSED(hew_concat(&(hew_concat_desc){.size = 3}, from, out, NULL), HEW_ERR_INVALID, "3");
    REFUSED(hew_concat(&HEW_CONCAT_DESC(.axis = 1, .count = 2, .in = parts, .out = t), from, out,
                       NULL), HEW_ERR_INVALID, "the parts have more");
    REFUSED(hew_concat(&HEW_CONCAT_DESC(.axis = 1, .count = 1, .in = parts, .out = t), from, out,
                       NULL), HEW_ERR_INVALID, "the parts have fewer");
    REFUSED(hew_concat(&HEW_CONCAT_DESC(.axis = 0, .count = 2, .in = both, .out = t), from, out,
                       NULL), HEW_ERR_INVALID, "in[0] has 3 elements along dimension 1");
    REFUSED(hew_concat(&HEW_CONCAT_DESC(.axis = 1, .count = 2, .in = three, .out = t), from, out,
                       NULL), HEW_ERR_INVALID, "in[0] has rank 3");
    REFUSED(hew_concat(&HEW_CONCAT_DESC(.axis = 2, .count = 2, .in = both, .out = t), from, out,
                       NULL), HEW_ERR_INVALID, "axis is 2");
    REFUSED(hew_concat(&HEW_CONCAT_DESC(.axis = 1, .count = 0, .in = both, .out = t), from, out,
                       NULL), HEW_ERR_INVALID, "count is 0");
    REFUSED(hew_concat(&HEW_CONCAT_DESC(.axis = 1, .count = 2, .in = both, .out = bytes), from, out,
                       NULL), HEW_ERR_UNSUPPORTED, "f32");
    REFUSED(hew_concat(&HEW_CONCAT_DESC(.axis = 1, .count = 2, .in = both, .out = t), from, out,
                       refusing()), HEW_ERR_SYSTEM, "");
    REFUSED(hew_split(&HEW_SPLIT_DESC(.axis = 1, .count = 2, .in = u, .out = parts), in, to, NULL),
            HEW_ERR_INVALID, "split: in has 3 elements");
    REFUSED(hew_slice(&HEW_SLICE_DESC(.in = t, .out = u, .start = {0, 4}), in, out, NULL),
            HEW_ERR_INVALID, "3 elements from 4 in steps of 1");
    REFUSED(hew_slice(&HEW_SLICE_DESC(.in = t, .out = u, .start = {0, -1}), in, out, NULL),
            HEW_ERR_INVALID, "from -1");
    REFUSED(hew_slice(&HEW_SLICE_DESC(.in = t, .out = u, .step = {0, INT64_MAX}), in, out, NULL),
            HEW_ERR_INVALID, "in steps of 9223372036854775807");
    REFUSED(hew_slice(&HEW_SLICE_DESC(.in = t, .out = bytes), in, out, NULL), HEW_ERR_UNSUPPORTED,
            "from f32 to u8");
    REFUSED(hew_pad(&HEW_PAD_DESC(.mode = (hew_pad_mode)4, .in = u, .out = t), in, out, NULL),
            HEW_ERR_INVALID, "mode is 4");
    REFUSED(hew_pad(&HEW_PAD_DESC(.in = u, .out = t, .lo = {INT64_MAX}), in, out, NULL),
            HEW_ERR_OVERFLOW, "dimension 0");
    REFUSED(hew_pad(&HEW_PAD_DESC(.in = u, .out = t, .lo = {0, INT64_MIN}), in, out, NULL),
            HEW_ERR_OVERFLOW, "dimension 1");
    REFUSED(hew_pad(&HEW_PAD_DESC(.mode = HEW_PAD_EDGE, .in = {.rank = 2, .extent = {2, 0}},
                                  .out = t), in, out, NULL), HEW_ERR_INVALID, "nothing along");
    REFUSED(hew_shuffle(&HEW_SHUFFLE_DESC(.axis = 1, .groups = 4, .in = t, .out = t), in, out,
                        NULL), HEW_ERR_INVALID, "4 groups of 6");
    REFUSED(hew_shuffle(&HEW_SHUFFLE_DESC(.axis = 1, .groups = 3, .in = t, .out = u), in, out,
                        NULL), HEW_ERR_INVALID, "shapes");
    REFUSED(hew_depth_to_space(&HEW_DEPTH_TO_SPACE_DESC(.block = 2, .in = t, .out = u), in, out,
                               NULL), HEW_ERR_INVALID, "ranks are 2 and 2");
    const hew_tensor deep = {.rank = 4, .extent = {1, 2, 2, 8}};
    REFUSED(hew_space_to_depth(&HEW_DEPTH_TO_SPACE_DESC(.block = INT64_MAX, .in = deep,
                                                        .out = deep), in, out, NULL),
            HEW_ERR_INVALID, "block 9223372036854775807");
    REFUSED(hew_depth_to_space(&HEW_DEPTH_TO_SPACE_DESC(.block = 2, .in = deep, .out = deep), in,
                               out, NULL), HEW_ERR_INVALID, "don't become");
    check_bits("out", before, out, layout_of(1, 64, 64), NAN_BITS);
}

int main(void)
{
    static const test tests[] = {{"concat_and_split", concat_and_split},
                                 {"slice", slice},
                                 {"pad", pad},
                                 {"shuffle", shuffle},
                                 {"depth_to_space", depth_to_space},
                                 {"refusals", refusals}};
    return run_on_rungs("move", HEW_FAMILY_copy_rows, TESTS(tests));
}
