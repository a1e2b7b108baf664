/*
 * gemm_wo.c - weight-only quantisation: floats times packed integers with scales of their own.
 *
 *     task (member, block of rows, chunk of panels):
 *         for each panel                 its words come from memory, once
 *             for each tile of rows      kernel: all of k, group after group, the sums in L1;
 *                                        then the epilogue
 *
 * A kernel decodes the words beside the multiplies, again for each tile.  Many rows share floats:
 *
 *         for each panel
 *             for each group             its words as floats, in L2
 *                 for each tile of rows  gemm_f32's kernel; its sums, scaled, added to the panel's
 *             the epilogue
 *
 * The group's chain is the same.  Long groups stay with the former.
 */
#include "gemm.h"

#include <string.h>

enum {
    GROUP_UNIT = 32, /* whole words of both types, and so for types to come */
    BLOCK_ROWS = 192, /* a panel's words come from L2 for so many rows */
    MANY_ROWS = 32    /* pay for making floats of the words first */
};

hew_status hew_wo_check(hew_gemm_desc *d)
{
    const char *type = hew_type_name(d->b_type);
    if (!d->b_packed)
        return hew_fail(HEW_ERR_UNSUPPORTED,
                        "gemm: f32 x %s takes packed B alone: b_packed = true, and hew_gemm_pack",
                        type);
    if (d->b_group < 0 || d->b_group % GROUP_UNIT != 0)
        return hew_fail(HEW_ERR_INVALID, "gemm: b_group = %lld is not a multiple of %d",
                        (long long)d->b_group, GROUP_UNIT);
    if (d->b_type != HEW_S4)
        return HEW_OK;
    if (d->ldb % 2 != 0)
        return hew_fail(HEW_ERR_INVALID, "gemm: ldb = %lld; rows of s4 begin with a byte, two "
                        "elements", (long long)d->ldb);
    const int64_t columns = d->transpose_b ? d->k : d->n;
    if (d->ldb == 0)
        d->ldb = columns + columns % 2;
    return HEW_OK;
}

/* Floats between rows of A that are copied: whole words, and rows of 4 KiB kept apart. */
static size_t copied_row(const hew_gemm *op) { return op->words * op->depth + HEW_A_PAD; }

/* Rows of A with neighbouring elements and whole words of them. */
static bool copies_a(const hew_gemm *op)
{
    return op->d.transpose_a || op->words * op->depth != (size_t)op->d.k;
}

/* Sums of a block of rows, or of a tile's. */
static size_t sums_floats(const hew_gemm *op)
{
    return (op->expand ? op->block_rows : (size_t)op->panels.mr) * (size_t)op->panels.max_nr;
}

/* A group of a panel as floats, for many rows. */
static size_t expanded_floats(const hew_gemm *op)
{
    return op->expand ? op->group_words * op->depth * (size_t)op->panels.max_nr : 0;
}

static size_t floats(size_t n) { return hew_round_up(n * sizeof(float), HEW_ALIGNMENT); }

hew_status hew_wo_plan(hew_gemm *op)
{
    const hew_gemm_desc *d = &op->d;
    const size_t k = (size_t)d->k, m = (size_t)d->m;
    const size_t group = d->b_group ? (size_t)d->b_group : hew_reduction_of(1, 1, k).block_channels;
    op->group_words = hew_ceil_div(group, op->depth);
    op->tile = hew_gemm_finisher();
    const hew_cuts cuts = hew_cut_tasks(&op->panels, m, BLOCK_ROWS, (size_t)d->batch,
                                        (double)d->n * (double)d->k);
    op->row_blocks = cuts.row_blocks;
    op->chunks = cuts.chunks;
    op->block_rows = hew_ceil_div(m, hew_max(op->row_blocks, 1));
    op->members_per_task = 1;
    int64_t a = 0;
    if (copies_a(op) && !hew_mul((int64_t)op->block_rows * (int64_t)sizeof(float),
                                 (int64_t)copied_row(op), &a))
        return hew_fail(HEW_ERR_OVERFLOW, "gemm: k = %lld is too large", (long long)d->k);
    if (op->block_rows >= MANY_ROWS && op->group_words * op->depth <= HEW_K_BLOCK) {
        size_t count;
        op->expand = HEW_FN(expand_s8, hew_kernels(d->b_type == HEW_S4 ? HEW_FAMILY_expand_s4
                                                                       : HEW_FAMILY_expand_s8,
                                                   &count));
        op->add_scaled = HEW_FN(add_scaled_f32, hew_kernels(HEW_FAMILY_add_scaled_f32, &count));
    }
    op->worker_bytes = floats(sums_floats(op)) + floats((size_t)(op->tile->mr * op->tile->nr)) +
                       floats(expanded_floats(op)) + hew_round_up((size_t)a, HEW_ALIGNMENT);
    return HEW_OK;
}

/* ----------------------------------------------------------------------------- packing ---- */

/* Element `at` of rows of s8 or s4, in the lowest bits. */
HEW_INLINE uint32_t element(const uint8_t *b, size_t at, const int bits)
{
    return bits == 8 ? b[at] : b[at / 2] >> at % 2 * 4 & 15;
}

/* `count` elements of a column, `row` apart, as a word: src/core/kernels.h. */
HEW_INLINE uint32_t word_of(const uint8_t *b, size_t at, size_t row, size_t count, const int bits)
{
    uint32_t word = 0;
    HEW_UNROLL for (size_t i = 0; i < count; i++)
        word |= element(b, at + i * row, bits) << (32 - (i + 1) * (size_t)bits);
    return word;
}

/* The same of neighbours that begin with a byte, 32 bits of them. */
HEW_INLINE uint32_t whole_word(const uint8_t *bytes, const int bits)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    word = __builtin_bswap32(word);
    return bits == 8 ? word : (word & 0x0f0f0f0f) << 4 | (word >> 4 & 0x0f0f0f0f);
}

HEW_INLINE void pack_words(const hew_gemm *op, const hew_panel *p, const uint8_t *b, uint32_t *out,
                           const int bits)
{
    const hew_gemm_desc *d = &op->d;
    const size_t depth = 32 / (size_t)bits, whole = (size_t)d->k / depth, ldb = (size_t)d->ldb;
    const size_t row = d->transpose_b ? 1 : ldb, column = d->transpose_b ? ldb : 1;
    const size_t n = (size_t)p->n, nr = (size_t)p->kernel->nr, rest = (size_t)d->k % depth;
    if (n < nr)
        memset(out, 0, op->words * nr * sizeof *out);
    for (size_t j = 0; j < n && d->transpose_b; j++)
        for (size_t w = 0; w < whole; w++)
            out[w * nr + j] =
                whole_word(b + ((p->column + j) * ldb + w * depth) * (size_t)bits / 8, bits);
    for (size_t w = 0; w < whole && !d->transpose_b; w++)
        for (size_t j = 0; j < n; j++)
            out[w * nr + j] = word_of(b, w * depth * ldb + p->column + j, ldb, depth, bits);
    for (size_t j = 0; j < n && rest > 0; j++)
        out[whole * nr + j] = word_of(b, whole * depth * row + (p->column + j) * column, row, rest,
                                      bits);
}

/* Words of f16, as kernels_matrix.h has them. */
static void pack_f16(const hew_gemm *op, const hew_panel *p, const uint16_t *b, uint16_t *out)
{
    const hew_gemm_desc *d = &op->d;
    const size_t k = (size_t)d->k, nr = (size_t)p->kernel->nr, lanes = nr / 4, ldb = (size_t)d->ldb;
    const size_t row = d->transpose_b ? 1 : ldb, column = d->transpose_b ? ldb : 1;
    memset(out, 0, op->words * nr * HEW_WORD);
    for (size_t j = 0; j < (size_t)p->n; j++)
        for (size_t kk = 0; kk < k; kk++)
            out[kk / 2 * 2 * nr + j / lanes * 2 * lanes + kk % 2 * lanes + j % lanes] =
                b[kk * row + (p->column + j) * column];
}

void hew_wo_pack_panel(const hew_gemm *op, const void *b, size_t panel, void *out)
{
    if (op->d.b_type == HEW_F16)
        pack_f16(op, op->panels.panel + panel, b, out);
    else if (op->d.b_type == HEW_S4)
        pack_words(op, op->panels.panel + panel, b, out, 4);
    else
        pack_words(op, op->panels.panel + panel, b, out, 8);
}

/* For the definition: k x n bytes. */
void hew_wo_pack_plain(const hew_gemm *op, const void *b, int8_t *out)
{
    const hew_gemm_desc *d = &op->d;
    const size_t k = (size_t)d->k, n = (size_t)d->n, ldb = (size_t)d->ldb;
    const int bits = d->b_type == HEW_S4 ? 4 : 8;
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < n; j++) {
            const uint32_t q = element(b, d->transpose_b ? j * ldb + i : i * ldb + j, bits);
            out[i * n + j] = (int8_t)(bits == 4 && q > 7 ? (int)q - 16 : (int)q);
        }
}

/* ----------------------------------------------------------------------------- running ---- */

typedef struct run_state {
    const hew_gemm *op;
    const hew_gemm_args *args;  /* the caller's */
    hew_gemm_args epilogue;     /* those that are left for the epilogue */
    char *workers;
} run_state;

/* The block's rows of A: where they lie, or copied. */
static const float *rows_of_a(const run_state *s, size_t member, size_t row, size_t rows,
                              float *copy, size_t *stride)
{
    const hew_gemm *op = s->op;
    const hew_gemm_desc *d = &op->d;
    const size_t k = (size_t)d->k, lda = (size_t)d->lda;
    const float *a = (const float *)s->args->a + member * (size_t)d->stride_a;
    a += d->transpose_a ? row : row * lda;
    *stride = lda;
    if (!copies_a(op))
        return a;
    *stride = copied_row(op);
    if (d->transpose_a)
        op->transpose(k, rows, a, lda, copy, *stride);
    for (size_t i = 0; i < rows; i++) {
        float *to = copy + i * *stride;
        if (!d->transpose_a)
            memcpy(to, a + i * lda, k * sizeof(float));
        memset(to + k, 0, (op->words * op->depth - k) * sizeof(float));
    }
    return copy;
}

/* A block of rows on its way along the panels. */
typedef struct block {
    size_t member, row, rows;
    const float *a;
    size_t stride; /* floats between its rows */
    float *sums, *partial, *floats;
} block;

/* What a run has for the panel's first column: weights, and scales and zero points of group 0. */
typedef struct weights {
    const char *words;
    const float *scale;
    const int8_t *zero;
    size_t stride; /* of both */
} weights;

static weights weights_of(const run_state *s, const hew_panel *p)
{
    const hew_gemm *op = s->op;
    const bool grouped = op->d.b_group != 0;
    const float *scale = grouped ? s->args->scale : NULL;
    const int8_t *zero = s->args->b_zero;
    return (weights){hew_gemm_packed_panels(op, s->args->packed_b) +
                         p->offset * op->words * HEW_WORD,
                     scale ? scale + p->column : NULL, zero ? zero + p->column : NULL,
                     grouped ? (size_t)op->d.n : 0};
}

/* The sums of a few rows over all k. */
static void sum_rows(const hew_gemm *op, const hew_panel *p, const weights *w, const block *b,
                     size_t row, size_t rows)
{
    if (op->words == 0) {
        memset(b->sums, 0, rows * (size_t)p->kernel->nr * sizeof(float));
        return;
    }
    HEW_FN(gemm_f32s8, p->kernel)(&(hew_gemm_wo){.a = b->a + row * b->stride,
                                                 .a_stride = b->stride * sizeof(float),
                                                 .b = w->words,
                                                 .words = op->words,
                                                 .group_words = op->group_words,
                                                 .scale = w->scale,
                                                 .zero = w->zero,
                                                 .scale_stride = w->stride * sizeof(float),
                                                 .zero_stride = w->stride,
                                                 .sums = b->sums,
                                                 .m = (int)rows,
                                                 .n = p->n});
}

static void few_rows(const run_state *s, const hew_panel *p, const block *b)
{
    const size_t nr = (size_t)p->kernel->nr;
    const size_t tiles = hew_ceil_div(b->rows, (size_t)s->op->panels.mr);
    const weights w = weights_of(s, p);
    for (size_t t = 0; t < tiles; t++) {
        const size_t row = hew_cut(b->rows, tiles, t);
        const size_t rows = hew_cut(b->rows, tiles, t + 1) - row;
        sum_rows(s->op, p, &w, b, row, rows);
        hew_gemm_finish(s->op, &s->epilogue, b->member, b->row + row, rows, p->column,
                        (size_t)p->n, b->sums, nr, b->partial);
    }
}

/* Adds the products of `count` elements from kk on, whose weights are floats by now: n columns. */
static void add_group(const hew_gemm *op, const block *b, size_t kk, size_t count,
                      const float *floats, const float *scale, size_t n, float *sums)
{
    const size_t width = (size_t)op->tile->nr;
    const size_t tiles = hew_ceil_div(b->rows, (size_t)op->tile->mr);
    hew_reduce_step step = {.b_row = 0};
    hew_gemm_tile tile = {.steps = &step,
                          .n_steps = 1,
                          .a_offset = kk * sizeof(float),
                          .k = count,
                          .b = floats,
                          .partial = b->partial,
                          .n = (int)width};
    for (size_t t = 0; t < tiles; t++) {
        const size_t row = hew_cut(b->rows, tiles, t);
        tile.m = (int)(hew_cut(b->rows, tiles, t + 1) - row);
        for (size_t i = 0; i < (size_t)tile.m; i++)
            step.a[i] = b->a + (row + i) * b->stride;
        HEW_FN(gemm_f32, op->tile)(&tile);
        op->add_scaled((size_t)tile.m, n, width, b->partial, scale, sums + row * width);
    }
}

/* A panel is one or more of gemm_f32's; so are its sums. */
static void many_rows(const run_state *s, const hew_panel *p, const block *b)
{
    const hew_gemm *op = s->op;
    const size_t width = (size_t)op->tile->nr, nr = (size_t)p->kernel->nr, n = (size_t)p->n;
    const weights w = weights_of(s, p);
    memset(b->sums, 0, b->rows * nr * sizeof(float));
    for (size_t word = 0, g = 0; word < op->words; word += op->group_words, g++) {
        const size_t words = hew_min(op->group_words, op->words - word), kk = word * op->depth;
        op->expand(&(hew_expand){.b = w.words + word * nr * HEW_WORD,
                                 .words = words,
                                 .zero = w.zero ? w.zero + g * w.stride : NULL,
                                 .out = b->floats,
                                 .width = width,
                                 .n = p->n});
        const size_t count = words * op->depth; /* past k, A is zero */
        for (size_t j = 0; j < n; j += width)
            add_group(op, b, kk, count, b->floats + j * words * op->depth,
                      w.scale ? w.scale + g * w.stride + j : NULL, hew_min(width, n - j),
                      b->sums + j * b->rows);
    }
    for (size_t j = 0; j < n; j += width)
        hew_gemm_finish(op, &s->epilogue, b->member, b->row, b->rows, p->column + j,
                        hew_min(width, n - j), b->sums + j * b->rows, width, b->partial);
}

static void run_task(void *context, size_t worker, size_t task)
{
    const run_state *s = context;
    const hew_gemm *op = s->op;
    const size_t m = (size_t)op->d.m, count = op->panels.count;
    const size_t chunk = task % op->chunks, row_block = task / op->chunks % op->row_blocks;
    block b = {.member = task / op->chunks / op->row_blocks,
               .row = hew_cut(m, op->row_blocks, row_block)};
    b.rows = hew_cut(m, op->row_blocks, row_block + 1) - b.row;
    char *scratch = s->workers + worker * op->worker_bytes;
    b.sums = hew_take(&scratch, sums_floats(op) * sizeof(float));
    b.partial = hew_take(&scratch, (size_t)(op->tile->mr * op->tile->nr) * sizeof(float));
    b.floats = hew_take(&scratch, expanded_floats(op) * sizeof(float));
    b.a = rows_of_a(s, b.member, b.row, b.rows, (float *)scratch, &b.stride);
    const hew_panel *p = op->panels.panel + hew_cut(count, op->chunks, chunk);
    for (; p < op->panels.panel + hew_cut(count, op->chunks, chunk + 1); p++)
        if (op->expand)
            many_rows(s, p, &b);
        else
            few_rows(s, p, &b);
}

hew_status hew_wo_run(const hew_gemm *op, const hew_gemm_args *args, char *workers)
{
    run_state s = {op, args, *args, workers};
    if (op->d.b_group)
        s.epilogue.scale = NULL; /* it is in the sums */
    return hew_parallel(args->threads, (size_t)op->d.batch * op->row_blocks * op->chunks, run_task,
                        &s);
}
