/* op_gather.c - Gather and Scatter, and those of elements and tuples: rows of what is left. */
#include "onnx/op.h"

#include <string.h>

static int64_t index_of(const struct onnx_tensor *index, int64_t p)
{
    return index->type == ONNX_INT64 ? index->ints[p] : ((const int32_t *)index->data)[p];
}

outcome op_gather(call *c)
{
    const struct onnx_tensor *x = c->in[0], *index = c->in[1];
    hew_gather_desc d = HEW_GATHER_DESC(.axis = 0);
    int64_t dims[2 * ONNX_MAX_RANK];
    int rank = 0;
    if (!op_axis(c, 0, x->rank, &d.axis) || !op_tensor(c, x, &d.in) ||
        !op_tensor(c, index, &d.index))
        return NOT_SUPPORTED;
    d.index.type = index->type == ONNX_INT64 ? HEW_S64 : HEW_S32;
    for (int j = 0; j < x->rank; j++)
        if (j != d.axis)
            dims[rank++] = x->dims[j];
        else
            for (int k = 0; k < index->rank; k++)
                dims[rank++] = index->dims[k];
    if (rank > HEW_MAX_RANK)
        return op_refuse(c, "%d axes", rank);
    op_output(c, 0, x->type, rank, dims);
    op_tensor(c, &c->out[0], &d.out);
    return op_status(c, hew_gather(&d, x->data, index->data, c->out[0].data, c->threads));
}

/* The place in `data`, whose other indices are those in `index`, of each of its elements. */
static bool element_places(call *c, const struct onnx_tensor *data, const struct onnx_tensor *index,
                           int64_t **places)
{
    int axis;
    if (!op_axis(c, 0, data->rank, &axis))
        return false;
    *places = op_memory(c, sizeof(int64_t) * (size_t)index->count, sizeof(int64_t));
    for (int64_t p = 0; p < index->count; p++) {
        int64_t at = 0, step = 1, rest = p;
        for (int j = data->rank - 1; j >= 0; j--) {
            int64_t i = rest % index->dims[j];
            rest /= index->dims[j];
            if (j == axis)
                i = index_of(index, p) + (index_of(index, p) < 0 ? data->dims[j] : 0);
            at += i * step;
            step *= data->dims[j];
        }
        (*places)[p] = at;
    }
    return true;
}

/* The row of `data` that each tuple of `index` names: behind `batch` dimensions that both have. */
static int64_t *tuple_places(call *c, const struct onnx_tensor *data,
                             const struct onnx_tensor *index, int batch, int64_t *count,
                             int64_t *row)
{
    const int64_t width = index->dims[index->rank - 1];
    int64_t tuples_of_batch = 1;
    *count = 1;
    *row = 1;
    for (int j = 0; j < index->rank - 1; j++) {
        *count *= index->dims[j];
        tuples_of_batch *= j < batch ? 1 : index->dims[j];
    }
    for (int j = batch + (int)width; j < data->rank; j++)
        *row *= data->dims[j];
    int64_t *places = op_memory(c, sizeof(int64_t) * (size_t)*count, sizeof(int64_t));
    for (int64_t p = 0; p < *count; p++) {
        int64_t at = batch ? p / tuples_of_batch : 0;
        for (int j = 0; j < (int)width; j++) {
            const int64_t i = index_of(index, p * width + j), n = data->dims[batch + j];
            at = at * n + i + (i < 0 ? n : 0);
        }
        places[p] = at;
    }
    return places;
}

static hew_tensor rows_of(hew_type type, int64_t rows, int64_t row)
{
    return (hew_tensor){.type = type, .rank = 2, .extent = {rows, row}};
}

static outcome gather_rows(call *c, const struct onnx_tensor *x, int64_t *places, int64_t count,
                           int64_t row, void *y)
{
    hew_tensor any;
    if (!op_tensor(c, x, &any))
        return NOT_SUPPORTED;
    const hew_gather_desc d = HEW_GATHER_DESC(
        .in = rows_of(any.type, row ? x->count / row : 0, row),
        .index = {.type = HEW_S64, .rank = 1, .extent = {count}},
        .out = rows_of(any.type, count, row));
    return op_status(c, hew_gather(&d, x->data, places, y, c->threads));
}

outcome op_gather_elements(call *c)
{
    const struct onnx_tensor *x = c->in[0], *index = c->in[1];
    int64_t *places;
    if (!element_places(c, x, index, &places))
        return NOT_SUPPORTED;
    void *y = op_output(c, 0, x->type, index->rank, index->dims);
    return gather_rows(c, x, places, index->count, 1, y);
}

outcome op_gather_nd(call *c)
{
    const struct onnx_tensor *x = c->in[0], *index = c->in[1];
    const int batch = (int)onnx_int(c->node, "batch_dims", 0);
    int64_t count, row, dims[2 * ONNX_MAX_RANK];
    int64_t *places = tuple_places(c, x, index, batch, &count, &row);
    int rank = 0;
    for (; rank < index->rank - 1; rank++)
        dims[rank] = index->dims[rank];
    for (int j = batch + (int)index->dims[index->rank - 1]; j < x->rank; j++)
        dims[rank++] = x->dims[j];
    return gather_rows(c, x, places, count, row, op_output(c, 0, x->type, rank, dims));
}

/* ------------------------------------------------------------------------------- scatter ---- */

/* A copy of the data, and the updates' rows over it. */
static outcome scatter_rows(call *c, int64_t *places, int64_t count, int64_t row)
{
    const struct onnx_tensor *x = c->in[0], *updates = c->in[2];
    const struct pb_bytes how = onnx_string(c->node, "reduction");
    const struct onnx_tensor line = {.rank = 1, .dims = {x->count}, .type = x->type};
    hew_copy_desc copy = HEW_COPY_DESC(.in = {.rank = 0});
    if (!op_tensor(c, &line, &copy.in))
        return NOT_SUPPORTED;
    copy.out = copy.in;
    void *y = op_output(c, 0, x->type, x->rank, x->dims);
    const hew_status status = hew_copy(&copy, x->data, y, c->threads);
    if (status != HEW_OK)
        return op_status(c, status);
    const hew_type type = copy.in.type;
    hew_scatter_desc d = HEW_SCATTER_DESC(
        .in = rows_of(type, count, row), .index = {.type = HEW_S64, .rank = 1, .extent = {count}},
        .out = rows_of(type, row ? x->count / row : 0, row));
    d.op = pb_is(how, "add")   ? HEW_SCATTER_ADD
           : pb_is(how, "mul") ? HEW_SCATTER_MUL
           : pb_is(how, "max") ? HEW_SCATTER_MAX
           : pb_is(how, "min") ? HEW_SCATTER_MIN
                               : HEW_SCATTER_SET;
    if (d.op != HEW_SCATTER_SET && x->type != ONNX_FLOAT)
        return op_refuse(c, "sums of %s", onnx_type_name(x->type));
    return op_status(c, hew_scatter(&d, updates->data, places, y, c->threads));
}

outcome op_scatter_elements(call *c)
{
    int64_t *places;
    return element_places(c, c->in[0], c->in[1], &places)
               ? scatter_rows(c, places, c->in[1]->count, 1)
               : NOT_SUPPORTED;
}

outcome op_scatter_nd(call *c)
{
    int64_t count, row;
    int64_t *places = tuple_places(c, c->in[0], c->in[1], 0, &count, &row);
    return scatter_rows(c, places, count, row);
}
