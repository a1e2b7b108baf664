/*
 * gemv.c - products in which one operand is a few vectors, and so bound by reading the other once.
 *
 *     C has one column, or few rows;  X is the matrix, its long side C's      kernel
 *     n = 1, A plain                  X = A   m x k   sums along rows         dots_f32
 *     n = 1, A transposed             X = A   k x m   sums over rows          gemv_f32
 *     m <= 4, B transposed            X = B   n x k   sums along rows         dots_f32
 *     m <= 4, B plain and large       X = B   k x n   sums over rows          gemv_f32
 *
 * Tasks are chunks of the long side.  Sums over the blocks of k stay in scratch; a matrix kernel
 * with nothing left to multiply puts them through the epilogue.
 */
#include "gemm.h"

#include <string.h>

enum {
    LARGE_B_BYTES = 256 << 10, /* below, B is in L2 and a tile of rows does as well */
    GEMV_CHUNK = 1024,         /* a row's piece is a page, and the sums stay in L1 */
    DOTS_BYTES = 256 << 10,    /* of the matrix in a task */
    MAX_CHUNK = 2048
};

/* Which operands are what. */
typedef struct roles {
    bool column;       /* n = 1: X is A */
    bool along;        /* sums along X's rows */
    size_t vectors;    /* m of the kernel */
    size_t length;     /* of C's long side */
    size_t x_stride;   /* floats between X's rows */
    size_t v_step;     /* floats between a vector's elements */
    size_t v_stride;   /* and between vectors */
} roles;

static roles roles_of(const hew_gemm_desc *d)
{
    roles r = {.column = d->n == 1};
    if (r.column) {
        r.along = !d->transpose_a;
        r.vectors = 1;
        r.length = (size_t)d->m;
        r.x_stride = (size_t)d->lda;
        r.v_step = d->transpose_b || d->b_packed ? 1 : (size_t)d->ldb;
    } else {
        r.along = d->transpose_b;
        r.vectors = (size_t)d->m;
        r.length = (size_t)d->n;
        r.x_stride = (size_t)d->ldb;
        r.v_step = d->transpose_a ? (size_t)d->lda : 1;
        r.v_stride = d->transpose_a ? 1 : (size_t)d->lda;
    }
    return r;
}

bool hew_gemv_serves(const hew_gemm_desc *d)
{
    if (d->m == 0 || d->n == 0 || d->k == 0)
        return false;
    if (d->n == 1)
        return true;
    return d->m <= HEW_GEMV_M && !d->b_packed &&
           (d->transpose_b || d->k * d->n > LARGE_B_BYTES / (int64_t)sizeof(float));
}

static size_t row_bytes(size_t floats)
{
    return hew_round_up(floats * sizeof(float), HEW_ALIGNMENT);
}

const hew_kernel *hew_gemm_finisher(void)
{
    size_t count;
    const hew_kernel *lines = hew_kernels(HEW_FAMILY_gemm_f32, &count), *widest = lines;
    for (size_t i = 1; i < count; i++)
        if (lines[i].nr > widest->nr)
            widest = lines + i;
    return widest;
}

void hew_gemv_plan(hew_gemm *op)
{
    const hew_gemm_desc *d = &op->d;
    const roles r = roles_of(d);
    size_t count;
    op->kernel = hew_kernels(r.along ? HEW_FAMILY_dots_f32 : HEW_FAMILY_gemv_f32, &count);
    op->tile = hew_gemm_finisher();
    op->chunk = GEMV_CHUNK;
    if (r.along)
        op->chunk = hew_max(64, hew_min(DOTS_BYTES / sizeof(float) / (size_t)d->k, MAX_CHUNK));
    op->chunk = hew_round_up(hew_min(op->chunk, r.length), 16);
    const size_t sums = r.vectors * row_bytes(op->chunk) * (r.along ? 1 : 2);
    const size_t vectors = r.v_step == 1 ? 0 : r.vectors * row_bytes((size_t)d->k);
    op->worker_bytes = sums + vectors + row_bytes((size_t)(op->tile->mr * op->tile->nr));
    op->chunks = hew_ceil_div(r.length, op->chunk);
    op->row_blocks = op->members_per_task = 1;
}

void hew_gemv_pack(const hew_gemm *op, const float *b, float *packed)
{
    const size_t step = op->d.transpose_b ? 1 : (size_t)op->d.ldb;
    for (size_t i = 0; i < (size_t)op->d.k; i++)
        packed[i] = b[i * step];
}

typedef struct run_state {
    const hew_gemm *op;
    const hew_gemm_args *args;
    char *workers;
    roles roles;
} run_state;

/* Puts m x n sums through the epilogue, to C from element `at` on. */
static void store_tile(const hew_gemm *op, const float *sums, size_t sums_stride, size_t m,
                       size_t n, float *c, const hew_epilogue *e, float *partial)
{
    for (size_t t = 0; t < m; t++)
        memcpy(partial + t * (size_t)op->tile->nr, sums + t * sums_stride, n * sizeof(float));
    const hew_gemm_tile tile = {.partial = partial,
                                    .add_partial = true,
                                    .last = true,
                                    .c = c,
                                    .c_stride = (size_t)op->d.ldc * sizeof(float),
                                    .m = (int)m,
                                    .n = (int)n,
                                    .epilogue = e};
    HEW_FN(gemm_f32, op->tile)(&tile);
    if (op->act.kind != HEW_ACT_NONE)
        op->act_fn(&(hew_act_f32_rows){
            .act = op->act, .x = c, .x_stride = tile.c_stride, .rows = m, .n = n});
}

void hew_gemm_finish(const hew_gemm *op, const hew_gemm_args *args, size_t member, size_t row,
                     size_t rows, size_t column, size_t columns, const float *sums,
                     size_t sums_stride, float *partial)
{
    const hew_gemm_desc *d = &op->d;
    const size_t mr = (size_t)op->tile->mr, nr = (size_t)op->tile->nr;
    for (size_t i = 0; i < rows; i += mr)
        for (size_t j = 0; j < columns; j += nr) {
            const size_t at = (row + i) * (size_t)d->ldc + column + j;
            const hew_epilogue e = hew_gemm_epilogue(op, args, member, row + i, column + j);
            store_tile(op, sums + i * sums_stride + j, sums_stride, hew_min(rows - i, mr),
                       hew_min(columns - j, nr),
                       (float *)args->c + member * (size_t)d->stride_c + at, &e, partial);
        }
}

/* The same of one column whose elements are neighbours: a row, of one scale and one bias. */
static void finish_column(const run_state *s, size_t member, size_t row, size_t rows,
                          const float *sums, float *partial)
{
    const hew_gemm *op = s->op;
    const size_t nr = (size_t)op->tile->nr;
    float bias[64];
    for (size_t j = 0; s->args->bias && j < nr; j++)
        bias[j] = *s->args->bias;
    for (size_t i = 0; i < rows; i += nr) {
        hew_epilogue e = hew_gemm_epilogue(op, s->args, member, row + i, 0);
        if (e.scale)
            e.alpha *= *e.scale;
        e.scale = NULL;
        if (e.bias)
            e.bias = bias;
        store_tile(op, sums + i, 0, 1, hew_min(rows - i, nr),
                   (float *)s->args->c + member * (size_t)op->d.stride_c + row + i, &e, partial);
    }
}

/* The vectors with neighbouring elements: where they lie, or copied to scratch. */
static const float *gather(const run_state *s, size_t member, float *scratch, size_t *stride)
{
    const hew_gemm *op = s->op;
    const hew_gemm_desc *d = &op->d;
    const roles *r = &s->roles;
    const float *v = (const float *)s->args->a + member * (size_t)d->stride_a;
    if (d->b_packed)
        v = (const float *)((const char *)s->args->packed_b + sizeof(hew_packed_header));
    else if (r->column)
        v = (const float *)s->args->b + member * (size_t)d->stride_b;
    *stride = r->v_stride * sizeof(float);
    if (r->v_step == 1)
        return v;
    *stride = row_bytes((size_t)d->k);
    for (size_t i = 0; i < r->vectors; i++)
        for (size_t kk = 0; kk < (size_t)d->k; kk++)
            scratch[i * *stride / sizeof(float) + kk] = v[i * r->v_stride + kk * r->v_step];
    return scratch;
}

static void run_task(void *context, size_t worker, size_t task)
{
    const run_state *s = context;
    const hew_gemm *op = s->op;
    const hew_gemm_desc *d = &op->d;
    const roles *r = &s->roles;
    const size_t member = task / op->chunks, begin = task % op->chunks * op->chunk;
    const size_t count = hew_min(op->chunk, r->length - begin), k = (size_t)d->k;
    const size_t row = row_bytes(op->chunk), step = op->reduction.block_channels;
    char *scratch = s->workers + worker * op->worker_bytes;
    float *partial = (float *)scratch;
    scratch += row_bytes((size_t)(op->tile->mr * op->tile->nr));
    float *sums = (float *)scratch;
    scratch += r->vectors * row * (r->along ? 1 : 2);
    const float *x = r->column ? (const float *)s->args->a + member * (size_t)d->stride_a
                               : (const float *)s->args->b + member * (size_t)d->stride_b;
    x += r->along ? begin * r->x_stride : begin;
    hew_gemv_f32_block block = {.x_stride = r->x_stride * sizeof(float),
                                .n = count,
                                .m = (int)r->vectors,
                                .sums = sums,
                                .sums_stride = row,
                                .chain = (float *)((char *)sums + r->vectors * row)};
    const float *v = gather(s, member, (float *)scratch, &block.v_stride);
    for (size_t kk = 0; kk < k; kk += step) {
        block.k = hew_min(step, k - kk);
        block.add = kk > 0;
        block.v = v + kk;
        block.x = x + (r->along ? kk : kk * r->x_stride);
        HEW_FN(gemv_f32, op->kernel)(&block);
    }
    if (r->column && d->ldc == 1 && (d->ldr == 1 || !s->args->residual))
        finish_column(s, member, begin, count, sums, partial);
    else if (r->column)
        hew_gemm_finish(op, s->args, member, begin, count, 0, 1, sums, 1, partial);
    else
        hew_gemm_finish(op, s->args, member, 0, r->vectors, begin, count, sums,
                        row / sizeof(float), partial);
}

hew_status hew_gemv_run(const hew_gemm *op, const hew_gemm_args *args, char *workers)
{
    run_state s = {op, args, workers, roles_of(&op->d)};
    return hew_parallel(args->threads, (size_t)op->d.batch * op->chunks, run_task, &s);
}
