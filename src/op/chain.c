/*
 * chain.c - steps over tensors of any shape, in one pass over memory.
 *
 * The two inner loops of the nest are cut into blocks of some hundred points.  In a block every
 * tensor becomes a row of floats: floats that lie side by side stay where they are, others are
 * gathered and converted into a stage; each step takes v there and the last one leaves it in the
 * output, or in a stage that is converted.  A stage whose tensor repeats itself is made once for
 * many blocks.  One step of dense floats has no stage and blocks as long as tasks.
 */
#include "chain.h"

#include <string.h>

#include "format.h"

enum {
    BLOCK = 1024,            /* floats of a stage: three of them are half an L1 cache */
    TASK_ELEMENTS = 64 << 10 /* some 15 us: several times what handing out a task costs */
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
    (size == 1 ? move_1 : size == 2 ? move_2 : move_4)(b->rows, b->n, from, p->row, p->step, to,
                                                       row, size);
}

static void scatter(const hew_chain_part *p, const block *b, const void *from, char *to)
{
    const ptrdiff_t size = (ptrdiff_t)p->size, row = (ptrdiff_t)b->n * size;
    (size == 1 ? move_1 : size == 2 ? move_2 : move_4)(b->rows, b->n, from, row, size, to, p->row,
                                                       p->step);
}

/* The block of tensor t as floats, or as one. */
static const float *floats_of(const hew_chain_op *op, stages *s, const block *b, int t)
{
    const hew_chain_part *const p = &op->part[t];
    const char *const from = b->at[t];
    const size_t points = p->one ? 1 : b->rows * b->n;
    uint32_t raw[BLOCK];
    if (p->type == HEW_F32 && (p->one || p->dense))
        return (const float *)from;
    if (s->held[t] == from && s->held_points[t] >= points)
        return s->floats[t];
    const bool lies = p->one || p->dense;
    if (!lies)
        gather(p, b, from, p->type == HEW_F32 ? (void *)s->floats[t] : raw);
    if (p->type != HEW_F32)
        op->dequantize(&(hew_dequantize_rows){.x = lies ? (const void *)from : raw,
                                              .type = p->type, .y = s->floats[t],
                                              .scale = p->scale, .zero = p->zero, .rows = 1,
                                              .n = points});
    /* What the output overwrites is not what it was. */
    s->held[t] = p->data == op->part[HEW_CHAIN_OUT].data ? NULL : from;
    s->held_points[t] = points;
    return s->floats[t];
}

static void store_block(const hew_chain_op *op, const block *b, const float *v)
{
    const hew_chain_part *const p = &op->part[HEW_CHAIN_OUT];
    uint32_t raw[BLOCK];
    const void *from = v;
    if (p->type != HEW_F32) {
        void *const to = p->dense ? b->at[HEW_CHAIN_OUT] : (void *)raw;
        op->quantize(&(hew_quantize_rows){.x = v, .y = to, .type = p->type, .inverse = p->scale,
                                          .zero = p->zero, .rows = 1, .n = b->rows * b->n});
        from = raw;
    }
    if (!p->dense)
        scatter(p, b, from, b->at[HEW_CHAIN_OUT]);
}

/* An input of one element that an activation has to spread. */
static const float *spread(float *to, float x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = x;
    return to;
}

static void run_link(const hew_chain_op *op, stages *s, const block *b, const hew_chain_link *l,
                     const float *v, bool v_one, float *to)
{
    const size_t n = b->rows * b->n;
    if (l->kind == HEW_STEP_ACT) {
        op->act(&(hew_act_f32_rows){.act = l->act, .x = to, .in = v, .rows = 1, .n = n});
        return;
    }
    hew_step_f32 step = {.kind = l->kind, .act = l->act, .from_output = l->from_output, .v = v,
                         .v_one = v_one, .out = to, .n = n};
    step.b = floats_of(op, s, b, l->b);
    step.b_one = op->part[l->b].one;
    if (l->c) {
        step.c = floats_of(op, s, b, l->c);
        step.c_one = op->part[l->c].one;
    }
    if (l->swap) {
        step.v = step.b, step.v_one = step.b_one;
        step.b = v, step.b_one = v_one;
    }
    op->step(&step);
}

static void run_block(const hew_chain_op *op, stages *s, const block *b)
{
    const hew_chain_part *const out = &op->part[HEW_CHAIN_OUT];
    const bool direct = out->type == HEW_F32 && out->dense;
    const float *v = floats_of(op, s, b, HEW_CHAIN_IN);
    bool v_one = op->part[HEW_CHAIN_IN].one;
    if (v_one && op->link[0].kind == HEW_STEP_ACT) {
        v = spread(s->floats[HEW_CHAIN_OUT], *v, b->rows * b->n);
        v_one = false;
    }
    for (int i = 0; i < op->links; i++) {
        float *const to =
            direct && i == op->links - 1 ? (float *)b->at[HEW_CHAIN_OUT] : s->floats[HEW_CHAIN_OUT];
        run_link(op, s, b, &op->link[i], v, v_one, to);
        v = to;
        v_one = false;
    }
    if (!direct)
        store_block(op, b, v);
}

static void run_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const hew_chain_op *const op = context;
    const size_t first = task * op->task_blocks, area = op->down * op->across;
    const size_t end = hew_min(first + op->task_blocks, op->blocks);
    const int outer = op->nest.rank - 2;
    ptrdiff_t offset[HEW_NEST_TENSORS] = {0};
    stages s;
    memset(s.held, 0, sizeof s.held);
    for (size_t i = first; i < end; i++) {
        const size_t row = i % area / op->across * op->block_rows;
        const size_t column = i % op->across * op->block_n;
        if (outer > 0 && (i == first || i % area == 0))
            hew_nest_at(&op->nest, outer, i / area, offset);
        block b = {.rows = hew_min(op->block_rows, op->rows - row),
                   .n = hew_min(op->block_n, op->n - column)};
        for (int t = 0; t < op->nest.tensors; t++) {
            const hew_chain_part *const p = &op->part[t];
            b.at[t] = p->data + offset[t] + (ptrdiff_t)row * p->row + (ptrdiff_t)column * p->step;
        }
        run_block(op, &s, &b);
    }
}

/* ---------------------------------------------------------------------------------- plan ---- */

static void place(hew_chain_op *op)
{
    const hew_nest *const nest = &op->nest;
    const int inner = nest->rank - 1;
    for (int t = 0; t < nest->tensors; t++) {
        hew_chain_part *const p = &op->part[t];
        const ptrdiff_t size = (ptrdiff_t)p->size;
        p->step = nest->extent[inner] == 1 ? size : nest->stride[t][inner];
        p->row = inner > 0 ? nest->stride[t][inner - 1] : 0;
        p->dense = p->step == size &&
                   (op->block_rows == 1 || p->row == (ptrdiff_t)op->n * size);
        p->one = p->step == 0 && (op->block_rows == 1 || p->row == 0);
    }
}

static void plan(hew_chain_op *op)
{
    hew_nest *const nest = &op->nest;
    hew_nest_sort(nest, HEW_CHAIN_OUT);
    hew_nest_simplify(nest);
    op->n = nest->extent[nest->rank - 1];
    op->rows = nest->rank > 1 ? nest->extent[nest->rank - 2] : 1;
    op->block_rows = op->n > BLOCK / 2 ? 1 : hew_min(BLOCK / op->n, op->rows);
    place(op);
    bool staged = op->links > 1;
    for (int t = 0; t < nest->tensors; t++) {
        const hew_chain_part *const p = &op->part[t];
        staged = staged || p->type != HEW_F32 || !(p->dense || p->one);
    }
    staged = staged || (op->part[HEW_CHAIN_IN].one && op->link[0].kind == HEW_STEP_ACT);
    op->block_n = hew_min(op->n, staged ? BLOCK : TASK_ELEMENTS);
    op->down = hew_ceil_div(op->rows, op->block_rows);
    op->across = hew_ceil_div(op->n, op->block_n);
    op->blocks = op->down * op->across * hew_nest_points(nest, nest->rank - 2);
    op->task_blocks = hew_ceil_div(TASK_ELEMENTS, op->block_rows * op->block_n);
}

hew_status hew_chain_run(const hew_chain_words *words, const hew_chain_desc *d, const void *in,
                         const void *const *operands, void *out, const hew_threads *threads)
{
    hew_chain_op op;
    memset(op.link, 0, sizeof op.link);
    hew_status s = hew_chain_check(words, d, in, operands, out, &op);
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    const size_t points = s == HEW_OK ? hew_nest_points(&op.nest, op.nest.rank) : 0;
    if (points == 0)
        return s;
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    size_t count;
    const hew_kernel *kernel = hew_kernels(HEW_FAMILY_chain, &count);
    if (kernel->isa == HEW_ISA_REF) {
        HEW_REF_FN(chain, kernel)(d, in, operands, out);
    } else {
        op.step = HEW_FN(chain, kernel);
        op.act = HEW_FN(act_f32, hew_kernels(HEW_FAMILY_act_f32, &count));
        op.quantize = HEW_FN(quantize_f32, hew_kernels(HEW_FAMILY_quantize_f32, &count));
        op.dequantize = HEW_FN(dequantize_f32, hew_kernels(HEW_FAMILY_dequantize_f32, &count));
        plan(&op);
        s = hew_parallel(threads, hew_ceil_div(op.blocks, op.task_blocks), run_task, &op);
    }
    if (HEW_UNLIKELY(start != 0)) {
        const double seconds = hew_now() - start;
        hew_verbose_line("%s %s -> %s %zu points %d steps %s %.1f us %.2f Gelements/s", words->op,
                         hew_type_name(d->in.tensor.type), hew_type_name(d->out.tensor.type),
                         points, d->steps, kernel->name, seconds * 1e6,
                         1e-9 * (double)points / seconds);
    }
    return s;
}
