/*
 * kernels_dwconv.h - what the kernels of depthwise convolutions are given.
 */
#ifndef HEW_KERNELS_DWCONV_H
#define HEW_KERNELS_DWCONV_H

#include "kernels_matrix.h"

/* ---------------------------------------------------------------------------- dwconv_f32 ---- */

/* One row of the kernel that lies inside the input: its first tap's input under the run's first
 * pixel, channel 0, and that tap's weights. */
typedef struct hew_dwconv_row {
    const void *in;
    const float *w;
} hew_dwconv_row;

/*
 * Output pixels side by side that have the same taps inside the input:
 *
 *     out[p][c] = epilogue( sum over rows r, taps t of
 *                           r.in[p * in_step + t * tap_step][c / multiplier]
 *                           * r.w[t * w_step + c] )
 *
 * one chain of fused multiply-adds from +0 in rising r, t.  Steps in bytes.
 */
typedef struct hew_dwconv_f32_run {
    const hew_dwconv_row *rows;
    size_t n_rows, taps, pixels, channels; /* out channels */
    size_t in_step, tap_step, w_step, out_step;
    size_t multiplier;
    const int32_t *spread; /* c / multiplier for every c, for a multiplier over 1 */
    size_t group;          /* gconv_f32 only */
    void *out;
    const hew_epilogue *epilogue; /* at channel 0 of the first pixel; add_stride: between pixels */
    bool out_bf16, add_bf16;      /* dwconv_bf16 only; else floats */
} hew_dwconv_f32_run;
typedef void dwconv_f32_fn(const hew_dwconv_f32_run *run);

/* The same of inputs that are bf16; weights are floats. */
typedef dwconv_f32_fn dwconv_bf16_fn;

/*
 * The same for groups of `group` channels in and out, a power of two up to the kernel's mr:
 *
 *     out[p][c] = epilogue( sum over rows r, taps t, i < group of
 *                           r.in[p * in_step + t * tap_step][c - c % group + i]
 *                           * r.w[t * w_step + i * w_step / group + c] )
 */
typedef dwconv_f32_fn gconv_f32_fn;

/* ---------------------------------------------------------------------- dwconv_strip_f32 ---- */

/*
 * A strip of rows x columns output pixels of a depthwise convolution with k x k taps:
 *
 *     out[r][g][c] = epilogue( sum over ky, kx < k of
 *                              in(r * stride + ky, g * stride + kx)[c] * w[ky * k + kx][c] )
 *
 * one chain of fused multiply-adds from +0 in rising ky, kx.  in(i, j) is the input pixel at
 * offset[i * ((columns - 1) * stride + k) + j] bytes from `in`: padding is a pixel of zeros.  k and
 * stride are the kernel's own; its tile is output rows in flight x columns.
 */
typedef struct hew_dwconv_f32_strip {
    const void *in;
    const ptrdiff_t *offset;
    const float *w; /* padded to 64 bytes a tap */
    size_t w_step;  /* bytes between taps */
    size_t channels, rows, columns; /* all >= 1; rows <= HEW_STRIP_ROWS, columns <= nr */
    void *out;
    bool out_bf16, add_bf16;  /* dwconv_strip_bf16 only; else floats */
    size_t out_step, out_row; /* bytes between pixels, between rows */
    /* The epilogue at channel 0 of the first pixel, and again what most strips need of it. */
    const hew_epilogue *epilogue;
    size_t add_row; /* bytes between rows of epilogue->add; between pixels: its add_stride */
    const float *bias, *zeros; /* zeros where the epilogue has none */
    float lo, hi;
    float *sums; /* scratch: HEW_STRIP_SUMS floats, 64-byte aligned */
} hew_dwconv_f32_strip;
enum { HEW_STRIP_ROWS = 14, HEW_STRIP_SUMS = HEW_STRIP_ROWS * 8 * 16 };
typedef void dwconv_strip_f32_fn(const hew_dwconv_f32_strip *strip);

/* The same of inputs that are bf16; weights are floats. */
typedef dwconv_strip_f32_fn dwconv_strip_bf16_fn;

/* ----------------------------------------------------- dwconv_u8s8 and dwconv_slide_u8s8 ---- */

/*
 * Up to nr channels of output pixels of a depthwise convolution of bytes:
 *
 *     out[p][c] = quant and epilogue of sum over slots s of x(s, p)[c / multiplier] * weight(s, c)
 *
 * x(s, p) is the input pixel that a run has for slot s under its output pixel p, u8 or s8; padding
 * is a pixel of zero points.  A slot past the last tap has any pixel and a weight of zero.  Sums
 * are modulo 2^32.
 *
 * Weights are words of `depth` slots of a channel (4: bytes, 2: s16), a row of nr for each depth
 * slots.  They lie in a row as interleaving registers of nr bytes leaves them, in four quarters
 * each of which has four channels of every sixteen:
 *
 *     nr 64    0-3 16-19 32-35 48-51 | 4-7 20-23 36-39 52-55 | 8-11 ... | 12-15 28-31 44-47 60-63
 *     nr 32    0-3 16-19 | 4-7 20-23 | 8-11 24-27 | 12-15 28-31
 *
 * dwconv_slide_u8s8 is for three rows of three taps, or five of five, with no dilation and strides
 * of 1 or 2 along them, which are the kernel's own.  Each column of taps begins a word: with depth
 * 4 tap t of row r is slot 4 t + r, or 8 t + r where there are five rows.
 */
enum {
    HEW_DWCONV_ROWS = 5,   /* at most, where runs slide */
    HEW_DWCONV_RUNS = 16,  /* in a block, at most */
    HEW_DWCONV_PIXELS = 64 /* in a run, at most */
};

/* Output pixels side by side. */
typedef struct hew_dwconv_u8s8_run {
    size_t pixel, pixels; /* the first, counted from the block's; how many, >= 1 */
    /* dwconv_u8s8: x(s, p) is at in + p * in_step + offset[s]. */
    const uint8_t *in;
    const ptrdiff_t *offset;
    /* dwconv_slide_u8s8: what the run passes over is `left` columns of padding, `inside` columns of
     * the input, and padding again.  Of each row of the kernel, the first of those inside, channel
     * 0, and the bytes from one to the next. */
    size_t left, inside;
    const uint8_t *rows[HEW_DWCONV_ROWS];
    size_t steps[HEW_DWCONV_ROWS];
} hew_dwconv_u8s8_run;

typedef struct hew_dwconv_u8s8_block {
    const hew_dwconv_u8s8_run *runs;
    size_t n_runs;
    size_t channel, n;     /* output channels [channel, channel + n) of the runs' pixels, n <= nr */
    const void *w;         /* their weights, 64-byte aligned */
    bool in_signed;        /* s8 */
    const uint8_t *pad;    /* dwconv_slide_u8s8: the pixel of zero points, channel 0 */
    /* dwconv_u8s8 only */
    size_t words;          /* rows of them */
    size_t in_step;        /* bytes between the first taps of two output pixels */
    size_t multiplier;     /* over 1 only where nr is 32 */
    const uint32_t *is_tap;/* with a b_zero, a word for each row: 1 in each slot that is a tap */

    void *out;             /* the first pixel and channel, as in all that follows */
    size_t out_step;       /* bytes between pixels */
    const hew_epilogue *epilogue;
    const hew_quant *quant; /* row_sums, row_zero, row_scale, tame are not used; k: taps */
} hew_dwconv_u8s8_block;
typedef void dwconv_u8s8_fn(const hew_dwconv_u8s8_block *block);
typedef dwconv_u8s8_fn dwconv_slide_u8s8_fn;

#define HEW_KERNELS_LIST "kernels_dwconv.def"
#include "kernels_declare.h"

#endif
