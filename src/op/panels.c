/*
 * panels.c - cutting B into panels, and the loop nest over panels, k blocks and tiles.
 */
#include "panels.h"

#include <limits.h>
#include <math.h>
#include <string.h>

enum {
    TASKS = 32,    /* blocks of rows are not made smaller for more */
    THREAD_TASKS = 16, /* fewer would end at different times */
    TASK_TILES = 4 /* of rows, at least, in a block that is made smaller */
};

/* The narrowest kernel of at least `nr` columns; the widest where none is that wide. */
static const hew_kernel *kernel_for(const hew_kernel *lines, size_t count, size_t nr)
{
    const hew_kernel *best = NULL, *widest = lines;
    for (size_t i = 0; i < count; i++) {
        if ((size_t)lines[i].nr >= nr && (!best || lines[i].nr < best->nr))
            best = lines + i;
        if (lines[i].nr > widest->nr)
            widest = lines + i;
    }
    return best ? best : widest;
}

hew_status hew_panels_create(hew_panels *p, int family, size_t n)
{
    size_t lines;
    const hew_kernel *list = hew_kernels(family, &lines);
    const hew_kernel *widest = kernel_for(list, lines, SIZE_MAX);
    const bool even = widest->mr <= HEW_MAX_MR;
    *p = (hew_panels){.n = n, .count = hew_ceil_div(n, (size_t)widest->nr), .mr = INT_MAX};
    p->panel = p->count > SIZE_MAX / sizeof(hew_panel) ? NULL
                                                       : hew_malloc(p->count * sizeof(hew_panel));
    if (!p->panel)
        return HEW_ERR_NO_MEMORY;
    size_t column = 0;
    for (size_t i = 0; i < p->count; i++) {
        const size_t wanted = even ? hew_ceil_div(n - column, p->count - i) : n - column;
        const hew_kernel *k = kernel_for(list, lines, wanted);
        const size_t width = hew_min(n - column, (size_t)k->nr);
        p->panel[i] = (hew_panel){k, column, p->padded_n, (int)width};
        p->padded_n += (size_t)k->nr;
        p->mr = (int)hew_min((size_t)p->mr, (size_t)k->mr);
        p->max_nr = (int)hew_max((size_t)p->max_nr, (size_t)k->nr);
        column += width;
    }
    if (n == 0)
        p->mr = widest->mr;
    return HEW_OK;
}

hew_cuts hew_cut_tasks(const hew_panels *panels, size_t rows, size_t block_rows, size_t members,
                       double row_macs)
{
    size_t blocks = hew_ceil_div(rows, block_rows);
    const double tasks = (double)rows * row_macs / HEW_TASK_MACS; /* worth while, of a member */
    const double per_block = tasks / (double)hew_max(blocks, 1);
    const size_t chunks = hew_max(
        per_block < (double)panels->count ? (size_t)per_block : panels->count, 1);
    const double all = tasks * (double)members;
    const size_t wanted = all < TASKS ? (size_t)all : TASKS;
    if (members > 0 && blocks < wanted && blocks * chunks * members < wanted) {
        const size_t more = hew_ceil_div(wanted, chunks * members);
        blocks = hew_max(blocks, hew_min(more, rows / ((size_t)panels->mr * TASK_TILES)));
    }
    return (hew_cuts){blocks, chunks};
}

hew_cuts hew_cuts_for(hew_cuts all, size_t few, size_t members, size_t threads)
{
    const size_t wanted = threads * THREAD_TASKS, blocks = hew_max(few * members, 1);
    if (threads == 1)
        return (hew_cuts){few, 1};
    if (blocks * all.chunks < wanted)
        return all;
    return (hew_cuts){few, hew_min(all.chunks, hew_ceil_div(wanted, blocks))};
}

hew_act hew_epilogue_act(hew_epilogue *e, hew_act act)
{
    const hew_act none = {HEW_ACT_NONE, 0, 0};
    e->lo = -INFINITY;
    e->hi = INFINITY;
    e->clamps = act.kind == HEW_ACT_RELU || act.kind == HEW_ACT_CLIP;
    if (act.kind == HEW_ACT_RELU) {
        e->lo = 0;
        return none;
    }
    if (act.kind == HEW_ACT_CLIP) {
        e->lo = act.alpha;
        e->hi = act.beta;
        return none;
    }
    return act;
}

/* Element (row, column) of a tensor of elements of `size` bytes; null stays null. */
HEW_INLINE const void *at(const void *base, size_t row, size_t stride, size_t column, size_t size)
{
    return base ? (const char *)base + row * stride + column * size : NULL;
}

/* The panel's first row for a word of channels. */
HEW_INLINE const char *panel_of(const hew_block *b, const hew_panel *p, size_t word)
{
    if (b->b_stride)
        return at(b->b, word, b->b_stride, p->column, HEW_WORD);
    const hew_reduction *r = b->reduction;
    const size_t words = p->offset * r->rows * r->taps * r->channels;
    return b->b + (words + word * (size_t)p->kernel->nr) * HEW_WORD;
}

void hew_finish_tile(const hew_block *b, const hew_gemm_tile *tile, char *c, size_t c_stride)
{
    const size_t rows = (size_t)tile->m, n = (size_t)tile->n;
    if (b->act.kind != HEW_ACT_NONE)
        b->act_fn(&(hew_act_f32_rows){
            .act = b->act, .x = tile->c, .x_stride = tile->c_stride, .rows = rows, .n = n});
    if (b->stage)
        b->quantize_fn(&(hew_quantize_rows){.x = b->stage,
                                            .x_stride = tile->c_stride,
                                            .y = c,
                                            .y_stride = c_stride,
                                            .type = b->c_type,
                                            .inverse = b->c_inverse,
                                            .zero = b->c_zero,
                                            .rows = rows,
                                            .n = n});
}

typedef float f4 __attribute__((vector_size(16)));
typedef int32_t i4 __attribute__((vector_size(16)));
typedef uint32_t u4 __attribute__((vector_size(16)));

static const _Alignas(HEW_ALIGNMENT) uint32_t zeros[HEW_MAX_NR];

/* Words [j, j + 4) of n, with zeros past the end. */
HEW_INLINE u4 words_at(const void *p, size_t j, size_t n)
{
    u4 x = {0};
    const char *from = (const char *)p + j * HEW_WORD;
    if (n - j >= 4)
        memcpy(&x, from, sizeof x);
    else
        for (size_t i = 0; i < n - j; i++)
            memcpy((char *)&x + i * HEW_WORD, from + i * HEW_WORD, HEW_WORD);
    return x;
}

/* Whether |x| <= limit; false where x is a NaN. */
HEW_INLINE i4 within(f4 x, float limit) { return (f4)((i4)x & INT32_MAX) <= limit; }

/* What sums of n columns begin with. */
static void start_sums(const hew_quant *q, size_t n, hew_tame *t)
{
    const uint32_t zero = (uint32_t)q->a_zero;
    t->start = (const int32_t *)zeros;
    if (!q->bias && !zero)
        return;
    t->start = t->starts;
    for (size_t j = 0; j < n; j += 4) {
        u4 start = {0};
        if (q->bias)
            start = words_at(q->bias, j, n);
        if (zero)
            start -= words_at(q->b_sums, j, n) * zero;
        memcpy(t->starts + j, &start, sizeof start);
    }
    for (size_t j = hew_round_up(n, 4); j < hew_round_up(n, 16); j++)
        t->starts[j] = 0;
}

/* What hew_tame else has of them, and whether all of it is small enough.  Small products wait for
 * this: in fours, which gcc 12 makes of no loop at -O2. */
static bool tame_columns(const hew_epilogue *e, const hew_quant *q, size_t n, hew_tame *t)
{
    i4 small = {-1, -1, -1, -1};
    t->bias = e->bias ? t->biases : (const float *)zeros;
    for (size_t j = 0; j < n; j += 4) {
        f4 scale = {e->alpha, e->alpha, e->alpha, e->alpha};
        if (e->scale)
            scale *= (f4)words_at(e->scale, j, n);
        small &= within(scale, 0.5f);
        memcpy(t->scale + j, &scale, sizeof scale);
        if (!e->bias)
            continue;
        const f4 bias = ((f4)words_at(e->bias, j, n) + 0.0f) * q->c_inverse;
        small &= within(bias, 1 << 29);
        memcpy(t->biases + j, &bias, sizeof bias);
    }
    for (size_t j = hew_round_up(n, 4); j < hew_round_up(n, 16); j++)
        t->scale[j] = t->biases[j] = 0;
    return (small[0] & small[1] & small[2] & small[3]) != 0;
}

/* The nearest integer, ties to even, of |x| < 2^22: whatever MXCSR says. */
static int32_t rounded(float x)
{
    const int32_t below = (int32_t)x - (x < (float)(int32_t)x);
    const float rest = x - (float)below;
    return below + (rest > 0.5f || (rest == 0.5f && (below & 1)));
}

void hew_quant_tame(const hew_epilogue *e, hew_quant *q, size_t n, hew_tame *t)
{
    q->tame = NULL;
    if (q->c_type != HEW_U8 && q->c_type != HEW_S8)
        return;
    if (e->add && (q->add_type == HEW_F32 || !(fabsf(e->beta) * 255 <= (float)(1 << 29))))
        return;
    if (!(e->lo <= e->hi) || !tame_columns(e, q, n, t))
        return;
    start_sums(q, n, t);
    const int32_t low = q->c_type == HEW_U8 ? 0 : -128;
    q->tame = t;
    t->lo = low;
    t->hi = low + 255;
    t->plain = low == 0 && q->c_zero == 0;
    if (!e->clamps)
        return;
    const float lo = (float)(low - q->c_zero), hi = (float)(low + 255 - q->c_zero);
    t->lo = rounded(e->lo < lo ? lo : e->lo > hi ? hi : e->lo) + q->c_zero;
    t->hi = rounded(e->hi < lo ? lo : e->hi > hi ? hi : e->hi) + q->c_zero;
    t->plain = t->plain && t->lo == 0 && t->hi == 255;
}

static void start_columns(const hew_block *b, const hew_panel *p, size_t n, hew_panel_end *end)
{
    end->e = b->epilogue;
    end->e.scale = at(end->e.scale, 0, 0, p->column, sizeof(float));
    end->e.bias = at(end->e.bias, 0, 0, p->column, sizeof(float));
    if (!b->quant)
        return;
    end->q = *b->quant;
    end->q.b_sums = at(end->q.b_sums, 0, 0, p->offset, sizeof(int32_t));
    end->q.bias = at(end->q.bias, 0, 0, p->column, sizeof(int32_t));
    if (b->stage)
        end->q.c_type = HEW_F32;
    hew_quant_tame(&end->e, &end->q, n, &end->tame);
    if (!b->b_zero)
        return;
    for (size_t j = 0; j < n; j++)
        end->b_zero[j] = hew_zero_of(b->b_zero, p->column + j);
    end->q.b_zero = end->b_zero;
}

void hew_start_panel(const hew_block *b, const hew_panel *p, hew_panel_end *end)
{
    start_columns(b, p, (size_t)p->n, end);
}

void hew_start_tile(const hew_block *b, const hew_panel *p, size_t row, size_t slot,
                    hew_panel_end *end)
{
    const hew_epilogue *e = &b->epilogue;
    end->e.add = at(e->add, row, e->add_stride, p->column, b->add_size);
    end->e.residual = at(e->residual, row, e->residual_stride, p->column, sizeof(float));
    if (!b->quant)
        return;
    end->q.row_sums = at(b->quant->row_sums, slot, sizeof(int32_t), 0, 0);
    end->q.row_zero = at(b->quant->row_zero, slot, sizeof(int32_t), 0, 0);
    end->q.row_scale = at(b->quant->row_scale, slot, sizeof(float), 0, 0);
}

void hew_amx_configure(hew_amx_state *s, const hew_gemm_tile *tile)
{
    const hew_amx_shape shape = {tile->m, tile->n, (int)tile->chunk};
    if (shape.m == s->shape.m && shape.chunk == s->shape.chunk &&
        (shape.n - 1) / 16 == (s->shape.n - 1) / 16)
        return;
    s->config(&shape);
    s->shape = shape;
}

/* A block of k: of the steps of one part, channels [word, word + words), or all of each step where
 * words is 0. */
typedef struct span {
    size_t part, word, words, chunk;
    bool first, last;
} span;

/* All tiles of the block against one block of k of one panel, or two. */
static void run_tiles(const hew_block *b, const hew_panel *p, int panels, span s)
{
    hew_gemm_fn *const kernel = (hew_gemm_fn *)p->kernel->fn;
    const size_t depth = (size_t)p->kernel->depth, nr = (size_t)(p->kernel->nr * panels);
    const bool post = s.last && (b->act.kind != HEW_ACT_NONE || b->stage);
    const int n = panels == 2 ? p->n + p[1].n : p->n;
    hew_panel_end end;
    start_columns(b, p, (size_t)n, &end);
    hew_gemm_tile tile = {
        .a_offset = s.word * b->a_word,
        .a_stride = b->a_stride,
        .chunk = s.chunk,
        .b = panel_of(b, p, s.word),
        .b_next = panels == 2 ? panel_of(b, p + 1, s.word) : NULL,
        .b_stride = b->amx ? nr / (size_t)panels * HEW_WORD : b->b_stride,
        .partial = b->partial,
        .add_partial = !s.first,
        .last = s.last,
        .n = n,
        .epilogue = &end.e,
        .quant = b->quant ? &end.q : NULL,
    };
    for (const hew_tile *t = b->tiles; t < b->tiles + b->n_tiles; t++) {
        const size_t c_stride = t->step * b->c_stride;
        char *const c = b->c + t->row * b->c_stride + p->column * b->c_size;
        tile.steps = t->steps + t->first[s.part];
        tile.n_steps = t->first[s.part + 1] - t->first[s.part];
        tile.m = t->m;
        tile.k = s.words ? hew_min(s.words * depth, t->k - s.word * depth) : t->k;
        tile.c = b->stage ? (char *)b->stage : c;
        tile.c_stride = b->stage ? nr * sizeof(float) : c_stride;
        hew_start_tile(b, p, t->row, t->slot, &end);
        end.e.add_stride = t->step * b->epilogue.add_stride;
        end.e.residual_stride = t->step * b->epilogue.residual_stride;
        if (!(s.first && s.last))
            tile.partial = b->partial + t->slot * nr * HEW_WORD;
        if (b->amx)
            hew_amx_configure(b->amx, &tile);
        kernel(&tile);
        if (HEW_UNLIKELY(post))
            hew_finish_tile(b, &tile, c, c_stride);
    }
}

/* Whole chunks of all steps, then what is left of them.  Rows that fill one tile only take panels
 * two at a time. */
static void run_amx(const hew_block *b)
{
    const hew_reduction *r = b->reduction;
    const hew_amx_cut cut = hew_amx_cut_of(r->channels);
    const hew_panel *const end = b->panels->panel + b->panel_end;
    bool low = true;
    for (size_t t = 0; t < b->n_tiles; t++)
        low = low && b->tiles[t].m <= HEW_AMX_WORDS;
    for (const hew_panel *p = b->panels->panel + b->panel_begin, *next; p < end; p = next) {
        const int panels = low && p + 1 < end && p[1].kernel == p->kernel ? 2 : 1;
        next = p + panels;
        for (size_t c = 0; c == 0 || c < cut.whole; c += r->block_channels) {
            const size_t words = hew_min(r->block_channels, cut.whole - c);
            run_tiles(b, p, panels, (span){0, c, words, cut.chunk, c == 0,
                                           cut.rest == 0 && c + words == cut.whole});
        }
        if (cut.rest > 0)
            run_tiles(b, p, panels, (span){0, cut.whole, cut.rest, cut.rest, false, true});
    }
}

void hew_block_run(const hew_block *b)
{
    if (b->amx) {
        run_amx(b);
        return;
    }
    const hew_reduction *r = b->reduction;
    const size_t parts = hew_parts(r);
    const bool split = r->channels > r->block_channels;
    for (size_t p = b->panel_begin; p < b->panel_end; p++)
        for (size_t part = 0; part < parts; part++)
            for (size_t c = 0; c == 0 || c < r->channels; c += r->block_channels)
                run_tiles(b, b->panels->panel + p, 1,
                          (span){part, c, split ? hew_min(r->block_channels, r->channels - c) : 0,
                                 0, part == 0 && c == 0,
                                 part == parts - 1 && c + r->block_channels >= r->channels});
}

HEW_INLINE const uint8_t *row_of_step(const hew_block *b, const hew_reduce_step *s, size_t i)
{
    return b->amx ? (const uint8_t *)s->a[0] + i * b->a_stride : s->a[i];
}

void hew_block_row_sums(const hew_block *b, bool is_signed, int32_t *row_sums)
{
    const size_t parts = hew_parts(b->reduction);
    const unsigned flip = is_signed ? 0x80 : 0; /* x ^ 0x80 is x + 128 as an unsigned byte */
    for (const hew_tile *t = b->tiles; t < b->tiles + b->n_tiles; t++) {
        const hew_reduce_step *s = t->steps + t->first[0], *end = t->steps + t->first[parts];
        for (size_t i = 0; i < (size_t)t->m; i++) {
            uint32_t sum = 0; /* modulo 2^32, like the sums */
            for (s = t->steps + t->first[0]; s < end; s++)
                for (size_t k = 0; k < t->k; k++)
                    sum += (row_of_step(b, s, i)[k] ^ flip) - flip;
            row_sums[t->slot + i] = (int32_t)sum;
        }
    }
}
