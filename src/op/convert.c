/*
 * convert.c - copies between strided tensors of different types.
 *
 * Rows become floats and then what is stored, by the kernels of hew_dequantize and hew_quantize.
 * Where a row doesn't lie together in the input, some of them are transposed or gathered first, and
 * where it doesn't in the output they are spread last: by moves of what fits in the L1 cache.
 */
#include "convert.h"

#include "format.h"

enum {
    ROW = 512,          /* elements converted at a time */
    TILE = 4096,        /* of the rows that are moved together */
    TASK_ELEMENTS = 32 << 10
};

typedef struct conversion {
    const hew_copy_desc *d;
    hew_nest nest;
    size_t in_size, out_size;
    const char *in;
    char *out;
    size_t row, rows;   /* of a tile: elements of loop i, turns of loop j */
    size_t down, across, points, task_tiles;
    quantize_f32_fn *quantize;
    dequantize_f32_fn *dequantize;
} conversion;

/* What belongs to a row's elements: one scale, or one each. */
typedef struct scaling {
    float scale[ROW];
    int32_t zero[ROW];
    bool each;
} scaling;

static int32_t zero_at(hew_type type, const void *zero, size_t i)
{
    if (!zero)
        return 0;
    return type == HEW_S8   ? ((const int8_t *)zero)[i]
           : type == HEW_U8 ? ((const uint8_t *)zero)[i]
                            : ((const int32_t *)zero)[i];
}

/* Of n elements from the given channel on, `step` channels from one to the next. */
static void read_scaling(scaling *s, hew_type type, const float *scale, const void *zero,
                         bool per_axis, size_t channel, size_t step, size_t n)
{
    s->each = per_axis && step > 0;
    for (size_t i = 0; i < (s->each ? n : 1); i++) {
        const size_t at = per_axis ? channel + i * step : 0;
        s->scale[i] = scale ? scale[at] : 1.0f;
        s->zero[i] = zero_at(type, zero, at);
    }
}

/* To the nearest, half to even, whatever MXCSR says; saturated; NaN is 0. */
static int64_t rounded(float x)
{
    if (!(x > -0x1p62f && x < 0x1p62f))
        return x != x ? 0 : x < 0 ? INT64_MIN / 2 : INT64_MAX / 2;
    const int64_t t = (int64_t)x;
    const double rest = (double)x - (double)t;
    const bool odd = t % 2 != 0;
    return t + (rest > 0.5 || (rest == 0.5 && odd)) - (rest < -0.5 || (rest == -0.5 && odd));
}

static void store_s32(const float *x, const scaling *s, size_t n, char *to)
{
    int32_t *const y = (int32_t *)to;
    for (size_t i = 0; i < n; i++) {
        const size_t k = s->each ? i : 0;
        const int64_t q = rounded(x[i] / s->scale[k]) + s->zero[k];
        y[i] = (int32_t)hew_max_i64(hew_min_i64(q, INT32_MAX), INT32_MIN);
    }
}

static void convert_row(const conversion *c, const scaling *in, const scaling *out, size_t n,
                        const char *from, char *to)
{
    float floats[ROW];
    const hew_type in_type = c->d->in.type, out_type = c->d->out.type;
    const float *x = (const float *)from;
    if (in_type != HEW_F32) {
        float *const y = out_type == HEW_F32 ? (float *)to : floats;
        c->dequantize(&(hew_dequantize_rows){
            .x = from, .type = in_type, .y = y, .scale = in->scale[0], .zero = in->zero[0],
            .rows = 1, .n = n, .scales = in->each ? in->scale : NULL,
            .zeros = in->each ? in->zero : NULL});
        x = y;
    }
    if (out_type == HEW_S32)
        store_s32(x, out, n, to);
    else if (out_type != HEW_F32)
        c->quantize(&(hew_quantize_rows){
            .x = x, .y = to, .type = out_type, .inverse = 1.0f,
            .scale = out->scale[0] == 1.0f ? 0.0f : out->scale[0], .zero = out->zero[0],
            .rows = 1, .n = n, .scales = out->each ? out->scale : NULL,
            .zeros = out->each ? out->zero : NULL});
}

/* `rows` x `n` elements between strides in bytes. */
static void move_tile(size_t size, size_t rows, size_t n, const char *in, ptrdiff_t in_j,
                      ptrdiff_t in_i, char *out, ptrdiff_t out_j, ptrdiff_t out_i)
{
    const hew_nest nest = {.rank = 2, .tensors = 2, .extent = {rows, n},
                           .stride = {{out_j, out_i}, {in_j, in_i}}};
    hew_move m;
    hew_move_plan(&m, &nest, size, in, out);
    hew_move_here(&m);
}

static void run_tile(const conversion *c, size_t rows, size_t n, const char *in, char *out,
                     size_t channel)
{
    _Alignas(HEW_ALIGNMENT) char raw[TILE * sizeof(float)], cooked[TILE * sizeof(float)];
    const hew_nest *const nest = &c->nest;
    const int j = nest->rank - 2, i = nest->rank - 1;
    const ptrdiff_t in_i = nest->stride[1][i], out_i = nest->stride[0][i];
    ptrdiff_t in_j = nest->stride[1][j], out_j = nest->stride[0][j];
    const bool moves_in = n > 1 && in_i != (ptrdiff_t)c->in_size;
    const bool moves_out = n > 1 && out_i != (ptrdiff_t)c->out_size;
    const size_t step_j = (size_t)nest->stride[2][j], step_i = (size_t)nest->stride[2][i];
    scaling in_scaling, out_scaling;
    if (moves_in) {
        move_tile(c->in_size, rows, n, in, in_j, in_i, raw, (ptrdiff_t)(n * c->in_size),
                  (ptrdiff_t)c->in_size);
        in = raw;
        in_j = (ptrdiff_t)(n * c->in_size);
    }
    char *to = moves_out ? cooked : out;
    const ptrdiff_t to_j = moves_out ? (ptrdiff_t)(n * c->out_size) : out_j;
    for (size_t r = 0; r < rows; r++, in += in_j, to += to_j) {
        if (r == 0 || step_j > 0) {
            read_scaling(&in_scaling, c->d->in.type, c->d->in_scale, c->d->in_zero,
                         c->d->in_per_axis, channel + r * step_j, step_i, n);
            read_scaling(&out_scaling, c->d->out.type, c->d->out_scale, c->d->out_zero,
                         c->d->out_per_axis, channel + r * step_j, step_i, n);
        }
        convert_row(c, &in_scaling, &out_scaling, n, in, to);
    }
    if (moves_out)
        move_tile(c->out_size, rows, n, cooked, (ptrdiff_t)(n * c->out_size),
                  (ptrdiff_t)c->out_size, out, out_j, out_i);
}

static void run_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const conversion *const c = context;
    const hew_nest *const n = &c->nest;
    const int j = n->rank - 2, i = n->rank - 1;
    const size_t parts = c->down * c->across, first = task * c->task_tiles;
    const size_t end = hew_min(first + c->task_tiles, c->points * parts);
    for (size_t tile = first; tile < end; tile++) {
        ptrdiff_t at[HEW_NEST_TENSORS];
        const size_t first_j = tile % parts / c->across * c->rows;
        const size_t first_i = tile % parts % c->across * c->row;
        hew_nest_at(n, j, tile / parts, at);
        for (int t = 0; t < 3; t++)
            at[t] += n->stride[t][j] * (ptrdiff_t)first_j + n->stride[t][i] * (ptrdiff_t)first_i;
        run_tile(c, hew_min(c->rows, n->extent[j] - first_j),
                 hew_min(c->row, n->extent[i] - first_i), c->in + at[1], c->out + at[0],
                 (size_t)at[2]);
    }
}

/* Loop i is the longest along which the output lies together, or else the input; loop j another
 * one along which the input does, so that tiles are transposed. */
static void order_loops(conversion *c)
{
    hew_nest *const n = &c->nest;
    hew_nest_simplify(n);
    hew_nest_sort(n, 0);
    hew_nest_simplify(n);
    if (n->rank == 1) {
        n->rank = 2;
        n->extent[1] = n->extent[0];
        n->extent[0] = 1;
        for (int t = 0; t < 3; t++) {
            n->stride[t][1] = n->stride[t][0];
            n->stride[t][0] = 0;
        }
    }
    const int i = n->rank - 1, j = n->rank - 2;
    for (int k = 0; k < j && n->stride[1][i] != (ptrdiff_t)c->in_size; k++)
        if (n->stride[1][k] == (ptrdiff_t)c->in_size) {
            const hew_nest was = *n;
            n->extent[k] = was.extent[j], n->extent[j] = was.extent[k];
            for (int t = 0; t < 3; t++) {
                n->stride[t][k] = was.stride[t][j];
                n->stride[t][j] = was.stride[t][k];
            }
            return;
        }
}

hew_status hew_convert(const hew_copy_desc *desc, const hew_nest *nest, const void *in, void *out,
                       const hew_threads *threads)
{
    conversion c = {.d = desc, .nest = *nest, .in = in, .out = out,
                    .in_size = hew_type_size(desc->in.type),
                    .out_size = hew_type_size(desc->out.type)};
    order_loops(&c);
    const hew_nest *const n = &c.nest;
    const size_t ni = n->extent[n->rank - 1], nj = n->extent[n->rank - 2];
    c.points = hew_nest_points(n, n->rank - 2);
    if (ni == 0 || nj == 0 || c.points == 0)
        return HEW_OK;
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    size_t count;
    c.quantize = HEW_FN(quantize_f32, hew_kernels(HEW_FAMILY_quantize_f32, &count));
    const hew_kernel *const line = hew_kernels(HEW_FAMILY_dequantize_f32, &count);
    c.dequantize = HEW_FN(dequantize_f32, line);
    const bool transposes = n->stride[1][n->rank - 1] != (ptrdiff_t)c.in_size && nj > 16;
    c.row = hew_min(ni, transposes ? 256 : ROW);
    c.rows = hew_min(nj, hew_max(TILE / c.row, 1));
    c.down = hew_ceil_div(nj, c.rows);
    c.across = hew_ceil_div(ni, c.row);
    c.task_tiles = hew_max(TASK_ELEMENTS / (c.row * c.rows), 1);
    const hew_status s = hew_parallel(
        threads, hew_ceil_div(c.points * c.down * c.across, c.task_tiles), run_task, &c);
    if (HEW_UNLIKELY(start != 0)) {
        const double seconds = hew_now() - start;
        hew_verbose_line("copy %s to %s %zu elements %s %.1f us", hew_type_name(desc->in.type),
                         hew_type_name(desc->out.type), c.points * ni * nj, line->name,
                         seconds * 1e6);
    }
    return s;
}
