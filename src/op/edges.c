/*
 * edges.c - copies of tensors in the type that an operation computes with.
 */
#include "edges.h"

#include <string.h>

enum {
    TASK_ELEMENTS = 16 << 10, /* several us: what handing out a task costs, several times */
    HALVES = 1024             /* on the stack, between floats and floats */
};

hew_status hew_inner_types(const char *op, hew_math math, hew_type *a, hew_type *b, hew_type *c,
                           hew_type *residual)
{
    if (math != HEW_MATH_DEFAULT && math != HEW_MATH_BF16)
        return hew_fail(HEW_ERR_INVALID, "%s: math = %d; it is 0 or 1", op, (int)math);
    if (math == HEW_MATH_BF16) {
        if ((*a != HEW_F32 && *a != HEW_BF16) || (*b != HEW_F32 && *b != HEW_BF16))
            return hew_fail(HEW_ERR_UNSUPPORTED, "%s: math bf16 is for f32 and bf16, not %s x %s",
                            op, hew_type_name(*a), hew_type_name(*b));
        *a = *b = HEW_BF16;
        return HEW_OK;
    }
    hew_type *const types[] = {a, b, c, residual};
    for (int i = 0; i < 4; i++)
        if (*types[i] != HEW_F32 && *types[i] != HEW_F16)
            return HEW_OK;
    for (int i = 0; i < 4; i++)
        *types[i] = HEW_F32;
    return HEW_OK;
}

bool hew_edge_of(hew_edge *edge, hew_type type, hew_type inner, bool rounds, int64_t members,
                 int64_t *member_stride, int64_t rows, int64_t *stride, int64_t columns)
{
    const bool shared = *member_stride == 0 && members > 0;
    *edge = (hew_edge){.type = type, .inner = inner, .members = shared ? 1 : members,
                       .member_stride = *member_stride, .rows = rows, .stride = *stride,
                       .columns = columns, .rounds = rounds && type == HEW_F32};
    if (type == inner && !edge->rounds)
        return true;
    size_t count;
    edge->narrow = HEW_FN(quantize_f32, hew_kernels(HEW_FAMILY_quantize_f32, &count));
    edge->widen = HEW_FN(dequantize_f32, hew_kernels(HEW_FAMILY_dequantize_f32, &count));
    int64_t matrix, bytes, callers;
    if (!hew_mul(rows, columns, &matrix) || !hew_mul(matrix, edge->members, &bytes) ||
        !hew_mul(bytes, 64, &bytes) || !hew_mul(rows, *stride, &callers) ||
        !hew_mul(hew_max_i64(callers, *member_stride), hew_max_i64(members, 1), &callers) ||
        !hew_mul(callers, 4, &callers))
        return false;
    *stride = columns;
    if (*member_stride != 0)
        *member_stride = matrix;
    edge->bytes = hew_round_up((size_t)matrix * (size_t)edge->members * hew_type_size(inner),
                               HEW_ALIGNMENT);
    return true;
}

bool hew_edge_pad(hew_edge *edge, int64_t rows, int64_t *stride, int64_t columns, int64_t pad)
{
    int64_t elements, bytes;
    if (!hew_mul(rows, columns + pad, &elements) || !hew_mul(elements, 64, &bytes))
        return false;
    *edge = (hew_edge){.type = HEW_BF16, .inner = HEW_BF16, .members = 1, .rows = rows,
                       .stride = *stride, .columns = columns, .pad = (size_t)pad};
    edge->bytes = hew_round_up((size_t)elements * sizeof(uint16_t), HEW_ALIGNMENT);
    *stride = columns + pad;
    return true;
}

/* Rows of a member, or pieces of a tensor without gaps. */
typedef struct conversion {
    const hew_edge *edge;
    const char *from;
    char *to;
    hew_type from_type, to_type;
    size_t from_size, to_size; /* of an element */
    size_t from_stride, to_stride, from_member, to_member; /* elements */
    size_t rows, columns, task_rows, tasks; /* of a member */
    size_t elements; /* of all pieces: the last one is shorter; 0: rows have gaps */
} conversion;

/* The nearest bf16, as floats. */
static void round_row(const hew_edge *e, size_t n, const float *from, float *to)
{
    uint16_t halves[HALVES];
    for (size_t i = 0; i < n; i += HALVES) {
        const size_t count = hew_min(n - i, HALVES);
        e->narrow(&(hew_quantize_rows){.x = from + i, .y = halves, .type = HEW_BF16, .rows = 1,
                                       .n = count});
        e->widen(&(hew_dequantize_rows){.x = halves, .type = HEW_BF16, .y = to + i, .rows = 1,
                                        .n = count});
    }
}

/* Rows of three that follow each other, as four: read as four, too, but for the last. */
static size_t pad_threes(size_t rows, const uint16_t *from, uint16_t *to)
{
    for (size_t i = 0; i < rows - 1; i++) {
        uint64_t word;
        memcpy(&word, from + 3 * i, sizeof word);
        word &= 0xffffffffffff;
        memcpy(to + 4 * i, &word, sizeof word);
    }
    return rows - 1;
}

static void pad_rows(const conversion *c, size_t rows, const uint16_t *from, uint16_t *to)
{
    const size_t columns = c->columns, pad = c->edge->pad, stride = c->from_stride;
    const bool threes = columns == 3 && pad == 1 && stride == 3;
    for (size_t i = threes ? pad_threes(rows, from, to) : 0; i < rows; i++) {
        uint16_t *row = to + i * (columns + pad);
        memcpy(row, from + i * stride, columns * sizeof *row);
        memset(row + columns, 0, pad * sizeof *row);
    }
}

static void run_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const conversion *c = context;
    const size_t member = task / c->tasks, row = task % c->tasks * c->task_rows;
    size_t columns = c->columns;
    if (c->elements)
        columns = hew_min(columns, c->elements - row * c->columns);
    const void *from =
        c->from + (member * c->from_member + row * c->from_stride) * c->from_size;
    void *to = c->to + (member * c->to_member + row * c->to_stride) * c->to_size;
    const size_t rows = hew_min(c->task_rows, c->rows - row);
    if (c->edge->pad) {
        pad_rows(c, rows, from, to);
    } else if (c->from_type == c->to_type) {
        for (size_t i = 0; i < rows; i++)
            round_row(c->edge, columns, (const float *)from + i * c->from_stride,
                      (float *)to + i * c->to_stride);
    } else if (c->from_type == HEW_F32) {
        const hew_quantize_rows r = {.x = from, .x_stride = c->from_stride * c->from_size, .y = to,
                                     .y_stride = c->to_stride * c->to_size, .type = c->to_type,
                                     .rows = rows, .n = columns};
        c->edge->narrow(&r);
    } else {
        const hew_dequantize_rows r = {.x = from, .x_stride = c->from_stride * c->from_size,
                                       .type = c->from_type, .y = to,
                                       .y_stride = c->to_stride * c->to_size, .rows = rows,
                                       .n = columns};
        c->edge->widen(&r);
    }
}

static hew_status convert(const hew_edge *e, conversion *c, const hew_threads *threads)
{
    c->rows = (size_t)e->rows;
    c->columns = (size_t)e->columns;
    c->from_size = hew_type_size(c->from_type);
    c->to_size = hew_type_size(c->to_type);
    size_t members = (size_t)e->members;
    if (c->rows == 0 || c->columns == 0 || members == 0)
        return HEW_OK;
    const bool dense = e->stride == e->columns && !e->pad &&
                       (members == 1 || e->member_stride == e->rows * e->columns);
    if (dense) {
        c->elements = members * c->rows * c->columns;
        members = 1;
        c->columns = c->from_stride = c->to_stride = TASK_ELEMENTS;
        c->rows = hew_ceil_div(c->elements, c->columns);
    }
    c->task_rows = hew_max(1, TASK_ELEMENTS / c->columns);
    c->tasks = hew_ceil_div(c->rows, c->task_rows);
    return hew_parallel(threads, members * c->tasks, run_task, c);
}

hew_status hew_edge_in(const hew_edge *e, const void *tensor, void *copy,
                       const hew_threads *threads)
{
    const size_t columns = (size_t)e->columns + e->pad;
    conversion c = {.edge = e, .from = tensor, .from_type = e->type,
                    .from_stride = (size_t)e->stride,
                    .from_member = (size_t)e->member_stride, .to = copy, .to_type = e->inner,
                    .to_stride = columns, .to_member = (size_t)e->rows * columns};
    return convert(e, &c, threads);
}

hew_status hew_edge_out(const hew_edge *e, const void *copy, void *tensor,
                        const hew_threads *threads)
{
    conversion c = {.edge = e, .from = copy, .from_type = e->inner,
                    .from_stride = (size_t)e->columns,
                    .from_member = (size_t)(e->rows * e->columns), .to = tensor,
                    .to_type = e->type, .to_stride = (size_t)e->stride,
                    .to_member = (size_t)e->member_stride};
    return convert(e, &c, threads);
}

const void *hew_edge_take(hew_status *status, const hew_edge *edge, const void *tensor,
                          char **scratch, const hew_threads *threads)
{
    if (edge->bytes == 0 || !tensor || *status != HEW_OK)
        return tensor;
    void *copy = hew_take(scratch, edge->bytes);
    *status = hew_edge_in(edge, tensor, copy, threads);
    return copy;
}
