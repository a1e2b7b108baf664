/*
 * dwconv_strip_f32 - depthwise convolution of a strip of output pixels: see hew_dwconv_f32_strip.
 *
 * The body of the kernels of every ISA, over the registers of the including file's reg.h.  Lanes
 * are channels.  The strip is walked down once for each register of channels.  Every input row
 * meets all output rows that it lies under, whose sums are in registers; the top one is then
 * complete and leaves them.  Stride 1, three taps, the step to output row r:
 *
 *     input row r + 2    x0   x1   x2   x3   x4 ...         each loaded once
 *     acc[0], row r      times the weights of kernel row 2  complete: stored
 *     acc[1], row r + 1  times those of kernel row 1        acc[0] of the next step
 *     acc[2], row r + 2  times those of kernel row 0        acc[1] of the next step
 *
 * So an output's taps come in rising order, and only pixels under two strips are read twice.  Two
 * registers of channels side by side are for pixels so far apart that they share few sets of the L1
 * cache: what a visit to a pixel brings in beside one line would be gone before its turn comes.
 *
 * An epilogue with a scale or an addend is rare, and takes a second pass over the strip's sums.
 *
 * The including file defines REGISTERS, the vector registers of its ISA, and BF16: whether inputs
 * are bf16, and not floats.  Offsets of channels are in bytes of floats.
 */
#include "epilogue_f32.h"
#include "kernels_dwconv.h"
#include "reg_typed.h"

#include <math.h>

enum { MAX_COLUMNS = 7, MAX_TAPS = 5 };

/* What is known when a kernel is compiled: literals after inlining. */
typedef struct shape {
    int taps, stride, columns, registers; /* registers of channels side by side: 1 or 2 */
} shape;

HEW_INLINE int rows_in_flight(const shape s) { return (s.taps - 1) / s.stride + 1; }
HEW_INLINE int in_columns(const shape s) { return (s.columns - 1) * s.stride + s.taps; }

typedef vf sums[MAX_TAPS][MAX_COLUMNS];

/* Bytes to channels that are `offset` bytes of floats away. */
HEW_INLINE size_t offset_of(const bool bf16, size_t offset) { return bf16 ? offset / 2 : offset; }

/*
 * An input row meets output rows [f0, f0 + held) of those in flight, and below n; for row 0 it lies
 * under kernel row ky.
 */
HEW_INLINE void add_part(const hew_dwconv_f32_strip *b, const shape s, size_t offset,
                         const ptrdiff_t *pixel, const int ky, const int n, const int f0,
                         const int held, sums acc)
{
    HEW_FORGET(b); /* else pixels and weights are kept from one part to the next, and spill */
    const char *in = (const char *)b->in + offset_of(BF16, offset);
    const char *weights = (const char *)b->w + offset;
    vf w[MAX_TAPS][MAX_TAPS];
    HEW_UNROLL for (int f = 0; f < held; f++)
        HEW_UNROLL for (int t = 0; t < s.taps; t++) {
            const int row = ky - (f0 + f) * s.stride;
            if (f0 + f < n && row >= 0)
                w[f][t] = vf_load(weights + (size_t)(row * s.taps + t) * b->w_step);
        }
    HEW_UNROLL for (int j = 0; j < in_columns(s); j++) {
        const vf x = load(BF16, true, vf_first(LANES), in + pixel[j]);
        HEW_UNROLL for (int f = 0; f < held; f++)
            HEW_UNROLL for (int g = 0; g < s.columns; g++) {
                const int row = ky - (f0 + f) * s.stride, kx = j - g * s.stride;
                if (f0 + f < n && row >= 0 && kx >= 0 && kx < s.taps)
                    acc[f0 + f][g] = vf_fma(x, w[f][kx], acc[f0 + f][g]);
            }
    }
}

/* The next input row meets n output rows, with all weights in registers at once if they fit. */
HEW_INLINE void add_row(const hew_dwconv_f32_strip *b, const shape s, size_t offset,
                        const ptrdiff_t *pixel, const int ky, const int n, sums acc)
{
    const int flight = rows_in_flight(s);
    if (REGISTERS - 2 - flight * s.columns * s.registers >= s.taps * s.taps) {
        add_part(b, s, offset, pixel, ky, n, 0, flight, acc);
        return;
    }
    add_part(b, s, offset, pixel, ky, n, 0, 1, acc);
    if (n > 1)
        add_part(b, s, offset, pixel, ky, n, 1, 1, acc);
    if (n > 2)
        add_part(b, s, offset, pixel, ky, n, 2, 1, acc);
    if (n > 3)
        add_part(b, s, offset, pixel, ky, n, 3, 1, acc);
    if (n > 4)
        add_part(b, s, offset, pixel, ky, n, 4, 1, acc);
}

/* Row r of the output leaves the registers. */
HEW_INLINE void put_row(const hew_dwconv_f32_strip *b, const shape s, size_t offset, size_t r,
                        const bool bf16, const vf acc[])
{
    const vf bias = vf_add(vf_load((const char *)b->bias + offset), vf_zero());
    const column col = {.lo = vf_set(b->lo), .hi = vf_set(b->hi)};
    char *out = (char *)b->out + r * b->out_row + offset_of(bf16, offset);
    HEW_UNROLL for (int g = 0; g < s.columns; g++)
        store(bf16, true, vf_first(LANES), out + (size_t)g * b->out_step,
              clamp(&col, vf_add(acc[g], bias)));
}

HEW_INLINE void store_row(const hew_dwconv_f32_strip *b, const shape s, size_t offset, size_t r,
                          const vf acc[])
{
    HEW_FORGET(b); /* else constants are kept from row to row, and spill */
    if (BF16 && b->out_bf16)
        put_row(b, s, offset, r, true, acc);
    else
        put_row(b, s, offset, r, false, acc);
}

/* Row r of the output: its last input rows, shared by n output rows, and its way to memory. */
HEW_INLINE void finish_row(const hew_dwconv_f32_strip *b, const shape s, size_t offset, size_t r,
                           const int n, sums acc)
{
    const int first = s.taps - s.stride;
    const ptrdiff_t *pixel = b->offset + (r * (size_t)s.stride + (size_t)first) *
                                             (size_t)in_columns(s);
    add_row(b, s, offset, pixel, first, n, acc);
    if (s.stride > 1)
        add_row(b, s, offset, pixel + in_columns(s), first + 1, n, acc);
    store_row(b, s, offset, r, acc[0]);
    HEW_UNROLL for (int g = 0; g < s.columns; g++) {
        HEW_UNROLL for (int f = 1; f < n; f++)
            acc[f - 1][g] = acc[f][g];
        if (n == rows_in_flight(s))
            acc[n - 1][g] = vf_zero();
    }
}

/* Of one register of channels or of two. */
HEW_INLINE void finish_rows(const hew_dwconv_f32_strip *b, const shape s, size_t offset, size_t r,
                            const int n, sums acc[2])
{
    finish_row(b, s, offset, r, n, acc[0]);
    if (s.registers > 1)
        finish_row(b, s, offset + sizeof(vf), r, n, acc[1]);
}

/* s.registers registers of channels, from top to bottom. */
HEW_INLINE void strip_channels(const hew_dwconv_f32_strip *b, const shape s, size_t offset)
{
    const int flight = rows_in_flight(s);
    sums acc[2];
    HEW_UNROLL for (int i = 0; i < flight * s.columns; i++)
        acc[0][i / s.columns][i % s.columns] = acc[1][i / s.columns][i % s.columns] = vf_zero();
    HEW_UNROLL for (int i = 0; i < s.taps - s.stride; i++) {
        add_row(b, s, offset, b->offset + i * in_columns(s), i, flight, acc[0]);
        if (s.registers > 1)
            add_row(b, s, offset + sizeof(vf), b->offset + i * in_columns(s), i, flight, acc[1]);
    }
    size_t r = 0;
    for (; r + (size_t)flight <= b->rows; r++)
        finish_rows(b, s, offset, r, flight, acc);
    if (flight > 4 && b->rows - r == 4)
        finish_rows(b, s, offset, r++, 4, acc);
    if (flight > 3 && b->rows - r == 3)
        finish_rows(b, s, offset, r++, 3, acc);
    if (flight > 2 && b->rows - r == 2)
        finish_rows(b, s, offset, r++, 2, acc);
    finish_rows(b, s, offset, r, 1, acc);
}

/* A register of the addend, or of the output, of one pixel of the strip. */
HEW_INLINE vf load_add(const hew_dwconv_f32_strip *b, size_t r, size_t g, size_t offset,
                       const bool full, vf_mask mask)
{
    const hew_epilogue *e = b->epilogue;
    const char *add = (const char *)e->add + r * b->add_row + g * e->add_stride;
    if (BF16 && b->add_bf16)
        return load(true, full, mask, add + offset_of(true, offset));
    return load(false, full, mask, add + offset);
}
HEW_INLINE void store_out(const hew_dwconv_f32_strip *b, size_t r, size_t g, size_t offset,
                          const bool full, vf_mask mask, vf v)
{
    char *out = (char *)b->out + r * b->out_row + g * b->out_step;
    if (BF16 && b->out_bf16)
        store(true, full, mask, out + offset_of(true, offset), v);
    else
        store(false, full, mask, out + offset, v);
}

/* Some channels, a pixel at a time. */
static __attribute__((noinline)) void pixel_by_pixel(const hew_dwconv_f32_strip *b, const shape s,
                                                     size_t c)
{
    const vf_mask mask = vf_first((int)(b->channels - c));
    const size_t offset = c * sizeof(float);
    const hew_epilogue *e = b->epilogue;
    const column col = column_of(e, offset, false, mask);
    for (size_t r = 0; r < b->rows; r++)
        for (size_t g = 0; g < (size_t)s.columns; g++) {
            const ptrdiff_t *pixel = b->offset + r * (size_t)(s.stride * in_columns(s)) +
                                     g * (size_t)s.stride;
            const char *w = (const char *)b->w + offset;
            vf v = vf_zero();
            for (int ky = 0; ky < s.taps; ky++, pixel += in_columns(s))
                for (int kx = 0; kx < s.taps; kx++, w += b->w_step)
                    v = vf_fma(load(BF16, false, mask,
                                    (const char *)b->in + pixel[kx] + offset_of(BF16, offset)),
                               vf_load(w), v);
            v = vf_fma(v, col.scale, col.bias);
            if (e->add)
                v = vf_fma(col.beta, load_add(b, r, g, offset, false, mask), v);
            store_out(b, r, g, offset, false, mask, clamp(&col, v));
        }
}

/* The strip with its sums stored as they are, channels at `offset` to b->sums. */
static __attribute__((noinline)) void divert(const hew_dwconv_f32_strip *b, size_t step,
                                             size_t offset, hew_dwconv_f32_strip *other)
{
    *other = *b;
    other->bias = (const float *)((intptr_t)b->zeros - (intptr_t)offset);
    other->lo = -HUGE_VALF;
    other->hi = HUGE_VALF;
    other->out = (float *)((intptr_t)b->sums - (intptr_t)offset);
    other->out_bf16 = false;
    other->out_step = step;
    other->out_row = b->columns * step;
}

/* From b->sums to the output, with scale and addend. */
static __attribute__((noinline)) void finish(const hew_dwconv_f32_strip *b, size_t step,
                                             size_t offset)
{
    const hew_epilogue *e = b->epilogue;
    const char *sum = (const char *)b->sums;
    for (size_t end = offset + step; offset < end; offset += sizeof(vf), sum += sizeof(vf)) {
        const column col = column_of(e, offset, true, vf_first(LANES));
        for (size_t i = 0; i < b->rows * b->columns; i++) {
            const size_t r = i / b->columns, g = i % b->columns;
            vf v = vf_fma(vf_load(sum + i * step), col.scale, col.bias);
            if (e->add)
                v = vf_fma(col.beta, load_add(b, r, g, offset, true, vf_first(LANES)), v);
            store_out(b, r, g, offset, true, vf_first(LANES), clamp(&col, v));
        }
    }
}

/*
 * All channels.  The last registers may lie over channels that are done, which get the same bits
 * again; not so with an addend, which may be the output itself.
 */
HEW_INLINE void strip(const hew_dwconv_f32_strip *b, const shape s)
{
    const size_t bytes = b->channels * sizeof(float), step = (size_t)s.registers * sizeof(vf);
    const bool over = bytes >= step && !b->epilogue->add;
    const bool plain = !b->epilogue->add && !b->epilogue->scale;
    const size_t count = over ? hew_ceil_div(bytes, step) : bytes / step;
    for (size_t i = 0; i < count; i++) {
        const size_t offset = hew_min(i * step, bytes - step);
        hew_dwconv_f32_strip other;
        if (HEW_UNLIKELY(!plain))
            divert(b, step, offset, &other);
        strip_channels(plain ? b : &other, s, offset);
        if (HEW_UNLIKELY(!plain))
            finish(b, step, offset);
    }
    for (size_t c = count * step / sizeof(float); c < b->channels; c += LANES)
        pixel_by_pixel(b, s, c);
}

/* A function for each number of columns of name(columns), a shape; STRIP_LIST_n: the first n. */
#define STRIP(name, columns)                                                                       \
    static __attribute__((noinline)) void name##_##columns(const hew_dwconv_f32_strip *b)          \
    {                                                                                              \
        strip(b, name(columns));                                                                   \
    }
#define STRIP_2(name) STRIP(name, 1) STRIP(name, 2)
#define STRIP_3(name) STRIP_2(name) STRIP(name, 3)
#define STRIP_4(name) STRIP_3(name) STRIP(name, 4)
#define STRIP_5(name) STRIP_4(name) STRIP(name, 5)
#define STRIP_6(name) STRIP_5(name) STRIP(name, 6)
#define STRIP_7(name) STRIP_6(name) STRIP(name, 7)
#define STRIP_LIST_2(name) name##_1, name##_2
#define STRIP_LIST_3(name) STRIP_LIST_2(name), name##_3
#define STRIP_LIST_4(name) STRIP_LIST_3(name), name##_4
#define STRIP_LIST_5(name) STRIP_LIST_4(name), name##_5
#define STRIP_LIST_6(name) STRIP_LIST_5(name), name##_6
#define STRIP_LIST_7(name) STRIP_LIST_6(name), name##_7
