/* gather and scatter: slices where indices say, whatever the strides and threads; an index out of
 * range leaves everything as it was. */
#include "strided.h"

#include <math.h>
#include <string.h>

static const hew_type types[] = {HEW_S8, HEW_BF16, HEW_F32, HEW_S64};

typedef struct gather_case {
    hew_tensor table, index, picked;
    int axis;
    strided indices;
} gather_case;

static const hew_threads *some_threads(rng *r)
{
    const int64_t k = rng_between(r, 0, 5);
    return k == 0 ? pool_of(3) : k == 1 ? pool_of(8) : k == 2 ? reversed_of(2) : no_threads();
}

static void set_index(const strided *index, int64_t p, int64_t value)
{
    char *const at = strided_at(index, &index->t, p);
    if (index->t.type == HEW_S64)
        memcpy(at, &value, 8);
    else
        memcpy(at, &(int32_t){(int32_t)value}, 4);
}

static gather_case some_case(rng *r, hew_type type, bool large)
{
    gather_case c = {.table = {.type = type, .rank = (int)rng_between(r, 1, 4)}};
    c.axis = (int)rng_between(r, 0, c.table.rank - 1);
    for (int j = 0; j < c.table.rank; j++)
        c.table.extent[j] = rng_between(r, 1, large && j == c.table.rank - 1 ? 900 : 8);
    c.index = (hew_tensor){.type = rng_chance(r, 2) ? HEW_S32 : HEW_S64,
                           .rank = (int)rng_between(r, 0, 6 - c.table.rank + 1 < 2 ? 1 : 2)};
    for (int j = 0; j < c.index.rank; j++)
        c.index.extent[j] = rng_between(r, rng_chance(r, 20) ? 0 : 1, 9);
    c.picked = (hew_tensor){.type = type};
    for (int j = 0; j < c.table.rank; j++)
        if (j != c.axis)
            c.picked.extent[c.picked.rank++] = c.table.extent[j];
        else
            for (int k = 0; k < c.index.rank; k++)
                c.picked.extent[c.picked.rank++] = c.index.extent[k];
    c.table = any_strides(r, c.table, 2);
    c.index = any_strides(r, c.index, 2);
    c.picked = any_strides(r, c.picked, 2);
    c.indices = strided_new(r, c.index, AT_BACK);
    const int64_t n = c.table.extent[c.axis];
    for (int64_t p = 0; p < tensor_points(&c.index); p++)
        set_index(&c.indices, p, rng_between(r, -n, n - 1));
    return c;
}

/* The element of the table that belongs to the p-th of picked. */
static char *table_at(const gather_case *c, const strided *table, int64_t p)
{
    int64_t index[HEW_MAX_RANK], at[HEW_MAX_RANK], i = 0;
    tensor_index(&c->picked, p, index);
    const char *const from = strided_index(&c->indices, index + c->axis);
    if (c->index.type == HEW_S64)
        memcpy(&i, from, 8);
    else
        i = *(const int32_t *)from;
    for (int j = 0; j < c->table.rank; j++)
        at[j] = j < c->axis ? index[j]
                : j > c->axis ? index[j + c->index.rank - 1]
                              : i + (i < 0 ? c->table.extent[j] : 0);
    return strided_index(table, at);
}

static void gather(void)
{
    for (int i = 0; i < 400; i++) {
        rng r = case_rng("gather %d", i);
        gather_case c = some_case(&r, types[rng_between(&r, 0, 3)], rng_chance(&r, 8));
        strided in = strided_new(&r, c.table, AT_BACK), out = strided_new(&r, c.picked, AT_FRONT);
        strided want = strided_copy(&out, AT_FRONT);
        for (int64_t p = 0; p < tensor_points(&c.picked); p++)
            memcpy(strided_at(&want, &c.picked, p), table_at(&c, &in, p),
                   (size_t)type_bytes(c.table.type));
        const hew_gather_desc d =
            HEW_GATHER_DESC(.axis = rng_chance(&r, 2) ? c.axis : c.axis - c.table.rank,
                            .in = c.table, .index = c.index, .out = c.picked);
        state_save();
        const hew_status status =
            hew_gather(&d, in.data, c.indices.data, out.data, some_threads(&r));
        state_check();
        check_status(status, HEW_OK);
        check_strided("out", &want, &out);
        strided_free(&in), strided_free(&out), strided_free(&want), strided_free(&c.indices);
    }
}

static float combined(hew_scatter_op op, float x, float y)
{
    if (op == HEW_SCATTER_ADD || op == HEW_SCATTER_MUL)
        return op == HEW_SCATTER_ADD ? x + y : x * y;
    if (isnan(x) || isnan(y))
        return isnan(x) ? x : y;
    return op == HEW_SCATTER_MAX ? (x > y ? x : y) : (x < y ? x : y);
}

static void scatter(void)
{
    for (int i = 0; i < 400; i++) {
        rng r = case_rng("scatter %d", i);
        const hew_scatter_op op =
            rng_chance(&r, 2) ? HEW_SCATTER_SET : (hew_scatter_op)rng_between(&r, 1, 4);
        const hew_type type = op == HEW_SCATTER_SET ? types[rng_between(&r, 0, 3)] : HEW_F32;
        gather_case c = some_case(&r, type, rng_chance(&r, 8));
        strided in = strided_new(&r, c.picked, AT_BACK), out = strided_new(&r, c.table, AT_FRONT);
        if (op != HEW_SCATTER_SET) { /* but for one NaN, since the sum of two is either's */
            fill_f32(&r, in.memory.data, (size_t)in.elements, FILL_MIXED);
            fill_f32(&r, out.memory.data, (size_t)out.elements, FILL_MIXED);
            if (in.elements > 0)
                ((float *)in.memory.data)[rng_between(&r, 0, in.elements - 1)] = NAN;
        }
        strided want = strided_copy(&out, AT_FRONT);
        for (int64_t p = 0; p < tensor_points(&c.picked); p++) {
            char *const to = table_at(&c, &want, p), *const from = strided_at(&in, &c.picked, p);
            if (op == HEW_SCATTER_SET)
                memcpy(to, from, (size_t)type_bytes(type));
            else
                *(float *)to = combined(op, *(float *)to, *(float *)from);
        }
        const hew_scatter_desc d = HEW_SCATTER_DESC(.op = op, .axis = c.axis, .in = c.picked,
                                                    .index = c.index, .out = c.table);
        state_save();
        const hew_status status =
            hew_scatter(&d, in.data, c.indices.data, out.data, some_threads(&r));
        state_check();
        check_status(status, HEW_OK);
        check_strided("out", &want, &out);
        strided_free(&in), strided_free(&out), strided_free(&want), strided_free(&c.indices);
    }
}

static void refusals(void)
{
    float table[12] = {0}, picked[12] = {0}, before[12];
    int64_t index[3] = {0, 1, 4};
    poison_f32(picked, 12);
    memcpy(before, picked, sizeof before);
    const hew_tensor t = {.rank = 2, .extent = {4, 3}}, p = {.rank = 2, .extent = {3, 3}};
    const hew_tensor i = {.type = HEW_S64, .rank = 1, .extent = {3}};
    hew_gather_desc d = HEW_GATHER_DESC(.in = t, .index = i, .out = p);
    case_rng("indices");
    check_refused(hew_gather(&d, table, index, picked, NULL), HEW_ERR_INVALID,
                  "gather: index 2 is 4, of 4");
    const hew_scatter_desc s = HEW_SCATTER_DESC(.in = p, .index = i, .out = t);
    index[2] = -5;
    check_refused(hew_scatter(&s, picked, index, table, NULL), HEW_ERR_INVALID,
                  "scatter: index 2 is -5, of 4");
    index[2] = INT64_MIN;
    check_refused(hew_gather(&d, table, index, picked, NULL), HEW_ERR_INVALID,
                  "-9223372036854775808");
    index[2] = 3;
    case_rng("descriptors");
    check_refused(hew_gather(NULL, table, index, picked, NULL), HEW_ERR_INVALID, "null");
    check_refused(hew_gather(&d, table, NULL, picked, NULL), HEW_ERR_INVALID, "index is null");
    check_refused(hew_gather(&d, table, (char *)index + 4, picked, NULL), HEW_ERR_INVALID,
                  "aligned");
    check_refused(hew_gather(&d, table, index, picked, &(hew_threads){0}), HEW_ERR_INVALID,
                  "parallel_for");
    d.index.type = HEW_F32;
    check_refused(hew_gather(&d, table, index, picked, NULL), HEW_ERR_UNSUPPORTED, "f32");
    d.index = i, d.axis = 2;
    check_refused(hew_gather(&d, table, index, picked, NULL), HEW_ERR_INVALID, "axis is 2");
    d.axis = 1;
    check_refused(hew_gather(&d, table, index, picked, NULL), HEW_ERR_INVALID,
                  "out isn't in with dimension 1 replaced");
    check_refused(hew_scatter(&HEW_SCATTER_DESC(.op = (hew_scatter_op)5, .in = p, .index = i,
                                                .out = t), picked, index, table, NULL),
                  HEW_ERR_INVALID, "op is 5");
    hew_scatter_desc add = HEW_SCATTER_DESC(.op = HEW_SCATTER_ADD, .in = p, .index = i, .out = t);
    add.in.type = add.out.type = HEW_S32;
    check_refused(hew_scatter(&add, picked, index, table, NULL), HEW_ERR_UNSUPPORTED, "s32");
    check_bits("picked", before, picked, layout_of(1, 12, 12), NAN_BITS);
    for (int k = 0; k < 12; k++)
        assert_true(table[k] == 0);
}

int main(void)
{
    static const test tests[] = {
        {"gather", gather}, {"scatter", scatter}, {"refusals", refusals}};
    return run_on_rungs("gather", HEW_FAMILY_copy_rows, TESTS(tests));
}
