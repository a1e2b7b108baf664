/*
 * chain.c - steps over tensors of any shape, in one pass over memory.
 *
 * The two inner loops of the nest are cut into blocks of some hundred points: rows, or a part of
 * one.  In a block tensors whose rows lie side by side, or repeat an element, stay where they are;
 * others are gathered into a stage, and bytes converted.  Each step takes v in a stage and the last
 * one leaves it in the output, or in a stage that is converted.  A stage whose tensor repeats
 * itself is made once for many blocks.  One step with no stage has blocks as long as tasks.
 */
#include "chain.h"

#include <string.h>

#include "format.h"

enum {
    BLOCK = 1024,        /* floats of a stage: three of them are half an L1 cache */
    TASK_WORK = 32 << 10 /* elements of a link bound by memory, which take some 3 us: several times
                          * what handing out a task costs */
};

/* -------------------------------------------------------------------------------- blocks ---- */

/* What a task has of each tensor. */
typedef struct stages {
    float floats[HEW_CHAIN_TENSORS][BLOCK];
    const char *held[HEW_CHAIN_TENSORS]; /* the address of what is in floats, or null */
    size_t held_points[HEW_CHAIN_TENSORS];
} stages;

typedef struct block {
    size_t rows, n;
    char *at[HEW_CHAIN_TENSORS];
} block;

#define MOVE(name, type)                                                                           \
    static void name(size_t rows, size_t n, const char *from, ptrdiff_t from_row,                  \
                     ptrdiff_t from_step, char *to, ptrdiff_t to_row, ptrdiff_t to_step)           \
    {                                                                                              \
        for (size_t i = 0; i < rows; i++)                                                          \
            for (size_t j = 0; j < n; j++)                                                         \
                *(type *)(to + (ptrdiff_t)i * to_row + (ptrdiff_t)j * to_step) =                   \
                    *(const type *)(from + (ptrdiff_t)i * from_row + (ptrdiff_t)j * from_step);    \
    }
MOVE(move_1, uint8_t)
MOVE(move_2, uint16_t)
MOVE(move_4, uint32_t)

static void gather(const hew_chain_part *p, const block *b, const char *from, void *to)
{
    const ptrdiff_t size = (ptrdiff_t)p->size, row = (ptrdiff_t)b->n * size;
    if (p->step == size) {
        for (size_t i = 0; i < b->rows; i++)
            memcpy((char *)to + (ptrdiff_t)i * row, from + (ptrdiff_t)i * p->row, (size_t)row);
        return;
    }
    (size == 1 ? move_1 : size == 2 ? move_2 : move_4)(b->rows, b->n, from, p->row, p->step, to,
                                                       row, size);
}

static void scatter(const hew_chain_part *p, const block *b, const void *from, char *to)
{
    const ptrdiff_t size = (ptrdiff_t)p->size, row = (ptrdiff_t)b->n * size;
    (size == 1 ? move_1 : size == 2 ? move_2 : move_4)(b->rows, b->n, from, row, size, to, p->row,
                                                       p->step);
}

static bool is_byte(hew_type type) { return type == HEW_S8 || type == HEW_U8; }

/* The block of tensor t for kernels: where it lies, or a stage with its elements side by side, and
 * bytes as floats. */
static hew_step_source source_of(const hew_chain_op *op, stages *s, const block *b, int t)
{
    const hew_chain_part *const p = &op->part[t];
    const char *const from = b->at[t];
    if (p->direct)
        return (hew_step_source){from, p->type, p->step == 0, p->row};
    const size_t points = p->one ? 1 : b->rows * b->n;
    const bool lies = p->one || p->dense, byte = is_byte(p->type);
    const size_t row = p->one ? 0 : b->n * (byte ? sizeof(float) : p->size);
    const hew_step_source staged = {s->floats[t], byte ? HEW_F32 : p->type, p->one,
                                    (ptrdiff_t)row};
    if (s->held[t] == from && s->held_points[t] >= points)
        return staged;
    uint8_t raw[BLOCK];
    if (!lies)
        gather(p, b, from, byte ? (void *)raw : s->floats[t]);
    if (byte)
        op->dequantize(&(hew_dequantize_rows){.x = lies ? (const void *)from : raw,
                                              .type = p->type, .y = s->floats[t],
                                              .scale = p->scale, .zero = p->zero, .rows = 1,
                                              .n = points});
    /* What the output overwrites is not what it was. */
    s->held[t] = p->data == op->part[HEW_CHAIN_OUT].data ? NULL : from;
    s->held_points[t] = points;
    return staged;
}

/* From a stage: floats for bytes, and otherwise elements of the output's type. */
static void store_block(const hew_chain_op *op, const block *b, const float *stage)
{
    const hew_chain_part *const p = &op->part[HEW_CHAIN_OUT];
    uint8_t raw[BLOCK];
    const void *from = stage;
    if (is_byte(p->type)) {
        void *const to = p->dense ? b->at[HEW_CHAIN_OUT] : (void *)raw;
        op->quantize(&(hew_quantize_rows){.x = stage, .y = to, .type = p->type,
                                          .inverse = p->scale, .zero = p->zero, .rows = 1,
                                          .n = b->rows * b->n});
        from = raw;
    }
    if (!p->dense)
        scatter(p, b, from, b->at[HEW_CHAIN_OUT]);
}

/* Where a link leaves its rows: the output itself, or a stage. */
typedef struct place {
    void *p;
    hew_type type;
    ptrdiff_t row;
    bool stream;
} place;

static void run_link(const hew_chain_op *op, stages *s, const block *b, const hew_chain_link *l,
                     hew_step_source v, place to)
{
    if (l->kind == HEW_STEP_ACT) {
        op->act(&(hew_act_f32_rows){.act = l->act, .x = to.p, .x_stride = (size_t)to.row,
                                    .in = v.p, .in_stride = (size_t)v.row, .x_type = to.type,
                                    .in_type = v.type, .stream = to.stream, .add = NULL,
                                    .add_stride = 0, .rows = b->rows, .n = b->n});
        return;
    }
    const hew_step_source none = {NULL, HEW_F32, false, 0};
    const hew_step_source with = source_of(op, s, b, l->b);
    const hew_step_source c = l->c ? source_of(op, s, b, l->c) : none;
    op->step(&(hew_step_f32){.kind = l->kind, .act = l->act, .from_output = l->from_output,
                             .v = l->swap ? with : v, .b = l->swap ? v : with, .c = c,
                             .out = to.p, .out_row = to.row, .out_type = to.type,
                             .stream = to.stream, .rows = b->rows, .n = b->n});
}

static void run_block(const hew_chain_op *op, stages *s, const block *b)
{
    const hew_chain_part *const out = &op->part[HEW_CHAIN_OUT];
    const hew_type type = is_byte(out->type) ? HEW_F32 : out->type;
    const place end = {b->at[HEW_CHAIN_OUT], type, out->row, op->stream};
    const place stage = {s->floats[HEW_CHAIN_OUT], HEW_F32,
                         (ptrdiff_t)(b->n * sizeof(float)), false};
    place last = stage;
    if (type != HEW_F32) {
        last.type = type;
        last.row /= 2;
    }
    hew_step_source v = source_of(op, s, b, HEW_CHAIN_IN);
    if (v.one && op->link[0].kind == HEW_STEP_ACT) { /* an element as many */
        op->step(&(hew_step_f32){.kind = HEW_STEP_BACKWARD, .act.kind = HEW_ACT_NONE, .v = v,
                                 .b = v, .out = stage.p, .out_row = stage.row, .rows = b->rows,
                                 .n = b->n});
        v = (hew_step_source){.p = stage.p, .row = stage.row};
    }
    for (int i = 0; i < op->links; i++) {
        const place to = i < op->links - 1 ? stage : out->direct ? end : last;
        run_link(op, s, b, &op->link[i], v, to);
        v = (hew_step_source){.p = to.p, .row = to.row};
    }
    if (!out->direct)
        store_block(op, b, s->floats[HEW_CHAIN_OUT]);
}

static void run_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const hew_chain_op *const op = context;
    const size_t first = task * op->task_blocks, area = op->down * op->across;
    const size_t end = hew_min(first + op->task_blocks, op->blocks);
    const int outer = op->nest.rank - 2;
    size_t point = 0, row = 0, column = 0;
    ptrdiff_t offset[HEW_NEST_TENSORS];
    stages s;
    for (int t = 0; t < op->nest.tensors; t++) {
        offset[t] = 0;
        s.held[t] = NULL;
    }
    if (first > 0) {
        point = first / area;
        row = first % area / op->across * op->block_rows;
        column = first % op->across * op->block_n;
    }
    if (outer > 0)
        hew_nest_at(&op->nest, outer, point, offset);
    for (size_t i = first; i < end; i++) {
        block b = {.rows = hew_min(op->block_rows, op->rows - row),
                   .n = hew_min(op->block_n, op->n - column)};
        for (int t = 0; t < op->nest.tensors; t++) {
            const hew_chain_part *const p = &op->part[t];
            b.at[t] = p->data + offset[t] + (ptrdiff_t)row * p->row + (ptrdiff_t)column * p->step;
        }
        run_block(op, &s, &b);
        column += b.n;
        if (column < op->n)
            continue;
        column = 0;
        row += b.rows;
        if (row < op->rows)
            continue;
        row = 0;
        if (outer > 0 && i + 1 < end)
            hew_nest_at(&op->nest, outer, ++point, offset);
    }
}

/* ---------------------------------------------------------------------------------- plan ---- */

enum { SHORT_ROW = 16 }; /* elements, fewer than which kernels are not called for */

static void place_parts(hew_chain_op *op)
{
    const hew_nest *const nest = &op->nest;
    const int inner = nest->rank - 1;
    const bool one_row = op->block_rows == 1;
    for (int t = 0; t < nest->tensors; t++) {
        hew_chain_part *const p = &op->part[t];
        const ptrdiff_t size = (ptrdiff_t)p->size;
        p->step = nest->extent[inner] == 1 ? size : nest->stride[t][inner];
        p->row = inner > 0 ? nest->stride[t][inner - 1] : 0;
        const bool dense = p->step == size && (one_row || p->row == (ptrdiff_t)op->n * size);
        const bool one = p->step == 0 && (one_row || p->row == 0);
        const bool rows = op->n >= SHORT_ROW && (p->step == size || p->step == 0);
        p->dense = dense;
        p->one = one;
        p->direct = !is_byte(p->type) && (dense || one || rows);
    }
}

/* The longest of the fewest pieces of n that are even and `most` at most. */
static size_t piece_of(size_t n, size_t most)
{
    return n <= most ? n : hew_ceil_div(n, hew_ceil_div(n, most));
}

/* A block has rows, or a part of one; parts begin at whole lines of the longest. */
static void cut(hew_chain_op *op, size_t points)
{
    op->block_rows = op->rows == 1 || op->n > points / 2 ? 1 : piece_of(op->rows, points / op->n);
    op->block_n = op->n <= points ? op->n : hew_round_up(piece_of(op->n, points), HEW_ALIGNMENT);
    place_parts(op);
}

/* How many times as long as a link that is bound by memory it takes. */
static size_t work_of(const hew_chain_link *l)
{
    enum { LIGHT = 1, HEAVY = 4 };
    if (l->kind != HEW_STEP_ACT && l->kind != HEW_STEP_BACKWARD)
        return l->kind == HEW_STEP_POW ? HEAVY : LIGHT;
    switch ((int)l->act.kind) {
    case HEW_ACT_NONE:
    case HEW_ACT_RELU:
    case HEW_ACT_LEAKY_RELU:
    case HEW_ACT_CLIP:
    case HEW_ACT_HARDSWISH:
    case HEW_ACT_HARDSIGMOID:
    case HEW_ACT_ABS:
    case HEW_ACT_SQUARE:
    case HEW_ACT_LINEAR:
    case HEW_ACT_ROUND: return LIGHT;
    }
    return HEAVY;
}

static void plan(hew_chain_op *op)
{
    hew_nest *const nest = &op->nest;
    size_t work = 0;
    for (int i = 0; i < op->links; i++)
        work += work_of(&op->link[i]);
    const size_t task = TASK_WORK / work / BLOCK * BLOCK;
    if (nest->rank != 1) {
        hew_nest_sort(nest, HEW_CHAIN_OUT);
        hew_nest_simplify(nest);
    }
    op->n = nest->extent[nest->rank - 1];
    op->rows = nest->rank > 1 ? nest->extent[nest->rank - 2] : 1;
    cut(op, task);
    const hew_chain_part *const out = &op->part[HEW_CHAIN_OUT], *const in = out + 1;
    const size_t points = hew_nest_points(nest, nest->rank);
    bool staged = op->links > 1 || (in->step == 0 && op->link[0].kind == HEW_STEP_ACT);
    /* Short rows would leave lines in pieces. */
    op->stream = out->direct && points >= (size_t)HEW_STREAM_BYTES / out->size &&
                 (op->n >= BLOCK || op->n * out->size % HEW_ALIGNMENT == 0);
    for (int t = 0; t < nest->tensors; t++) {
        staged = staged || !op->part[t].direct;
        op->stream = op->stream && (t == HEW_CHAIN_OUT || op->part[t].data != out->data);
    }
    if (staged)
        cut(op, BLOCK);
    op->down = op->rows == 1 ? 1 : hew_ceil_div(op->rows, op->block_rows);
    op->across = op->n == op->block_n ? 1 : hew_ceil_div(op->n, op->block_n);
    op->blocks = op->down * op->across * hew_nest_points(nest, nest->rank - 2);
    op->task_blocks = op->blocks == 1
                          ? 1
                          : hew_ceil_div(task, op->block_rows * op->block_n);
}

/* The definition, which takes a descriptor. */
static void run_ref(const hew_chain_call *c, const hew_kernel *kernel)
{
    hew_chain_desc d = HEW_CHAIN_DESC(.in = *c->in_desc, .out = *c->out_desc, .steps = c->steps);
    for (int i = 0; i < c->steps; i++)
        d.step[i] = c->step[i];
    HEW_REF_FN(chain, kernel)(&d, c->in, c->operands, c->out);
}

hew_status hew_chain_run(const hew_chain_call *c, const hew_threads *threads)
{
    hew_chain_op op;
    hew_status s = hew_chain_check(c, &op);
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    const size_t points = s == HEW_OK ? hew_nest_points(&op.nest, op.nest.rank) : 0;
    if (points == 0)
        return s;
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    size_t count;
    const hew_kernel *kernel = hew_kernels(HEW_FAMILY_chain, &count);
    if (kernel->isa == HEW_ISA_REF) {
        run_ref(c, kernel);
    } else {
        op.step = HEW_FN(chain, kernel);
        op.act = HEW_FN(act_f32, hew_kernels(HEW_FAMILY_act_f32, &count));
        if (op.bytes) {
            op.quantize = HEW_FN(quantize_f32, hew_kernels(HEW_FAMILY_quantize_f32, &count));
            op.dequantize = HEW_FN(dequantize_f32, hew_kernels(HEW_FAMILY_dequantize_f32, &count));
        }
        plan(&op);
        if (op.blocks <= op.task_blocks)
            run_task(&op, 0, 0);
        else
            s = hew_parallel(threads, hew_ceil_div(op.blocks, op.task_blocks), run_task, &op);
    }
    if (HEW_UNLIKELY(start != 0)) {
        const double seconds = hew_now() - start;
        hew_verbose_line("%s %s -> %s %zu points %d steps %s %.1f us %.2f Gelements/s",
                         c->words->op, hew_type_name(c->in_desc->tensor.type),
                         hew_type_name(c->out_desc->tensor.type), points, c->steps, kernel->name,
                         seconds * 1e6, 1e-9 * (double)points / seconds);
    }
    return s;
}
