/*
 * kernels.h - what a kernel is given, and how the one for this CPU is found.
 *
 * A kernel family <f> has two function types: <f>_ref_fn, the definition in src/ref, which does a
 * whole operation from its descriptor in plain C, and <f>_fn, the unit of work that drivers hand to
 * a kernel.  kernels.def lists the functions of both.
 */
#ifndef HEW_KERNELS_H
#define HEW_KERNELS_H

#include "core.h"

/* ------------------------------------------------------------------------- matrix kernels ---- */

/*
 * What happens to an integer sum s before it is a float, and to a float after:
 *
 *     s = sum - a_zero * b_sums[j] + bias[j]                      modulo 2^32, as the sum is
 *     s = s - b_zero[j] * (row_sums[i] - k * a_zero)              when there is a b_zero
 *     v = the epilogue's, of (float)s, with its bias times c_inverse
 *     C = v, or saturate(round(v) + c_zero)                       half to even; NaN gives c_zero
 *     C = s                                                       S32: no epilogue at all
 *
 * Drivers have put 1 / C's scale into alpha, beta, lo, hi and c_inverse, so that nothing is left to
 * divide (hew_quant_fold); but where another activation comes first, C is F32 here.
 *
 * (A - a_zero)(B - b_zero), multiplied out.  A tile's rows may have zeros and scales of their own.
 */
typedef struct hew_quant {
    const int32_t *b_sums;    /* of B's columns over all k, at the tile's first column */
    const int32_t *bias;      /* likewise, or null: 0 */
    const int32_t *b_zero;    /* likewise, or null: 0 */
    const int32_t *row_sums;  /* with b_zero: of the tile's rows of A over all k */
    const int32_t *row_zero;  /* of the tile's rows, instead of a_zero; or null */
    const float *row_scale;   /* of the tile's rows: factors of the epilogue's; or null */
    int32_t a_zero, k;        /* k: all of it */
    hew_type add_type;        /* of the epilogue's `add`: F32, S8, U8; the last two less add_zero */
    int32_t add_zero;
    hew_type c_type;          /* F32, S8, U8, S32 */
    float c_inverse;          /* of the epilogue's bias: one over C's scale, or 1 */
    int32_t c_zero;
    bool tame;                /* bytes: no v is a NaN or 2^31 or more, whatever s is, and `add`, if
                                 there is one, is of bytes: hew_quant_tame */
} hew_quant;

/*
 * What happens to a sum before it is stored, for columns [0, n) of a tile:
 *
 *     v = fma(sum, alpha * scale[j], bias[j] + 0.0f)     ((alpha * scale[j]) * row_scale[i])
 *     v = fma(beta, add[i][j], v)             when there is an `add`
 *     v = v + residual[i][j]                  when there is a residual beside it
 *     v = min(max(v, lo), hi)                 NaN stays NaN
 *
 * The addition of +0.0f makes a sum of -0.0 and one of +0.0 come out alike, so that a tap of zeros
 * that is multiplied and one that is skipped give the same bits.  Other activations are a pass of
 * act_f32 over the stored tile.
 */
typedef struct hew_epilogue {
    const float *scale; /* at the tile's first column, or null: 1 */
    const float *bias;  /* likewise, or null: 0 */
    const void *add;    /* at the tile's first element, or null; floats unless quant says else */
    size_t add_stride;  /* bytes between rows */
    const float *residual; /* gemm_f32 only, and rare: a lone residual is an `add` with beta 1 */
    size_t residual_stride;
    float alpha, beta, lo, hi;
    bool clamps; /* false: lo and hi are infinite */
} hew_epilogue;

/*
 * One step of the reduction: k elements of each row of A against rows of B.
 * For a GEMM there is one; for a convolution, one for each tap (or row of taps).
 */
enum { HEW_MAX_MR = 8 };
typedef struct hew_reduce_step {
    size_t b_row;              /* its first row in the panel */
    const void *a[HEW_MAX_MR]; /* row pointers, of which the first m are used */
} hew_reduce_step;

/*
 *     C[m x n] = epilogue( partial + sum over steps s, over kk < k of A_s[i][kk] * B_s[kk][j] )
 *
 * A panel of packed B has rows of nr words of 4 bytes, 64-byte aligned, words past column n zero.
 * A word holds the kernel's `depth` elements of a column, in rising k:
 *
 *     depth 1: one float      2: two 16-bit elements      4: four bytes
 *
 * A step takes ceil(k / depth) rows; where depth doesn't divide k, the last word ends in zeros.
 * Never more than k elements of a row of A are read.
 *
 *     gemm_f32     floats.  The sum over all steps of one call is one chain of fused multiply-adds
 *                  from +0 in rising s, kk.
 *     gemm_u8s8    A u8, B s8; depth 4, or 2 with B widened to s16.  Sums are s32 modulo 2^32.
 *     gemm_s8s8    likewise, A s8.
 *     gemm_bf16    A and B bf16, depth 2; sums f32.  The sum over all steps of one call is one chain
 *                  from +0: of each word, the product of the second elements is added first, then
 *                  that of the first ones, each with one rounding to nearest, even where k ends
 *                  after the first.  Denormals are zeros, in and out.  So VDPBF16PS sums, whatever
 *                  MXCSR says; other kernels, and all epilogues, find it saying so (hew_bf16_mode).
 *                  Of `quant`, c_type and add_type alone are read: F32 or BF16.
 *     direct_f32   gemm_f32's tile on rows of B as the caller stores them; needs columns in the
 *                  last of its registers (a narrower kernel is there for fewer).
 */
typedef struct hew_gemm_tile {
    const hew_reduce_step *steps;
    size_t n_steps;
    size_t a_offset;  /* bytes, added to every row pointer */
    size_t k;         /* elements of every step */
    const void *b;    /* a panel */
    size_t b_stride;  /* direct_f32 only: bytes between the rows of B, any alignment */
    void *partial;    /* [m][nr] running sums, f32 or s32, 64-byte aligned */
    bool add_partial; /* false for the first block of the reduction: partial is not read */
    bool last;        /* true: epilogue to c; false: the sum is stored to partial */
    void *c;
    size_t c_stride;  /* bytes */
    int m, n;         /* 1 <= m <= mr, 1 <= n <= nr */
    const hew_epilogue *epilogue; /* not read for C of S32 */
    const hew_quant *quant;       /* integer sums only */
} hew_gemm_tile;
typedef void hew_gemm_fn(const hew_gemm_tile *tile);
typedef hew_gemm_fn gemm_f32_fn, direct_f32_fn, gemm_u8s8_fn, gemm_s8s8_fn, gemm_bf16_fn;

typedef void hew_gemm_ref_fn(const hew_gemm *op, const hew_gemm_args *args);
typedef hew_gemm_ref_fn gemm_f32_ref_fn, gemm_u8s8_ref_fn, gemm_s8s8_ref_fn, gemm_bf16_ref_fn;
typedef void conv_f32_fn(void); /* these have no kernels of their own */
typedef conv_f32_fn conv_u8s8_fn, conv_s8s8_fn, conv_bf16_fn;
typedef void hew_conv_ref_fn(const hew_conv *op, const hew_conv_args *args);
typedef hew_conv_ref_fn conv_f32_ref_fn, conv_u8s8_ref_fn, conv_s8s8_ref_fn, conv_bf16_ref_fn;

/* ------------------------------------------------------------ gemm_f32s8 and gemm_f32s4 ---- */

/*
 * Weight-only quantisation: floats times small integers q.  For each group g of rows of B:
 *
 *     chain = sum over the group's kk of a[i][kk] * (float)(q[kk][j] - zero[g][j])
 *     sums[i][j] = fma(chain, scale[g][j], sums[i][j])
 *
 * A chain is of fused multiply-adds from +0 in rising kk; sums begin at +0, g rises.
 *
 * Panels as above, depth 4 (s8) or 8 (s4), but the first element of a word in its highest bits,
 * where a shift can leave it alone with its sign:
 *
 *     gemm_f32s8    31|    kk     |   kk+1    |   kk+2    |   kk+3    |0
 *     gemm_f32s4    31| kk  | +1  | +2  | +3  | +4  | +5  | +6  | +7  |0
 */
typedef struct hew_gemm_wo {
    const float *a;       /* m rows of whole words, zero past k */
    size_t a_stride;      /* bytes between them */
    const void *b;        /* a panel */
    size_t words, group_words; /* >= 1; of k, and of a group: the last one may be shorter */
    const float *scale;   /* at the panel's first column, or null: 1 */
    const int8_t *zero;   /* likewise, or null: 0 */
    size_t scale_stride, zero_stride; /* bytes between groups */
    float *sums;          /* [m][nr], 64-byte aligned; what columns past n hold is left open */
    int m, n;             /* 1 <= m <= mr, 1 <= n <= nr */
} hew_gemm_wo;
typedef void hew_gemm_wo_fn(const hew_gemm_wo *tile);
typedef hew_gemm_wo_fn gemm_f32s8_fn, gemm_f32s4_fn;
typedef hew_gemm_ref_fn gemm_f32s8_ref_fn, gemm_f32s4_ref_fn;

/*
 * For many rows a group's weights become floats once, as panels of gemm_f32:
 *
 *     expand_s8, expand_s4    out[kk][j] = (float)(q[kk][j] - zero[j])      whole words of k
 *     add_scaled_f32          sums[i][j] = fma(x[i][j], scale[j], sums[i][j])
 *
 * `width` is the columns of such a panel, a power of two that divides nr; x and sums are rows of as
 * many floats.  scale may be null: 1.  What columns past n hold is left open.
 */
typedef struct hew_expand {
    const void *b; /* words of a panel of gemm_f32s8 or gemm_f32s4 */
    size_t words;
    const int8_t *zero; /* or null: 0 */
    float *out;         /* nr / width panels, 64-byte aligned */
    size_t width;
    int n;
} hew_expand;
typedef void expand_s8_fn(const hew_expand *e);
typedef expand_s8_fn expand_s4_fn;
typedef void add_scaled_f32_fn(size_t m, size_t n, size_t width, const float *x, const float *scale,
                               float *sums);

/* ---------------------------------------------------------------- gemv_f32 and dots_f32 ---- */

/*
 * A few vectors times a matrix too large to be read twice.  gemv_f32 sums over the matrix's rows,
 * dots_f32 along them:
 *
 *     gemv_f32    sums[i][j] = [sums[i][j] +] sum over kk < k of v[i][kk] * x[kk][j],   j < n
 *     dots_f32    sums[i][j] = [sums[i][j] +] sum over kk < k of v[i][kk] * x[j][kk],   j < n
 *
 * Each sum over kk is one chain of fused multiply-adds from +0 in rising kk; i < m <= HEW_GEMV_M.
 */
enum { HEW_GEMV_M = 4 };
typedef struct hew_gemv_f32_block {
    const float *x, *v;
    size_t x_stride, v_stride; /* bytes between rows */
    size_t k, n;
    int m;
    float *sums;
    size_t sums_stride; /* bytes between rows; also of `chain` */
    float *chain;       /* gemv_f32's own, as large as sums */
    bool add;           /* false: sums are not read */
} hew_gemv_f32_block;
typedef void gemv_f32_fn(const hew_gemv_f32_block *block);
typedef gemv_f32_fn dots_f32_fn;

/* ---------------------------------------------------------------------------- dwconv_f32 ---- */

/* One row of the kernel that lies inside the input: its first tap's input under the run's first
 * pixel, channel 0, and that tap's weights. */
typedef struct hew_dwconv_row {
    const float *in, *w;
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
    float *out;
    const hew_epilogue *epilogue; /* at channel 0 of the first pixel; add_stride: between pixels */
} hew_dwconv_f32_run;
typedef void dwconv_f32_fn(const hew_dwconv_f32_run *run);

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
    const float *in;
    const ptrdiff_t *offset;
    const float *w; /* padded to 64 bytes a tap */
    size_t w_step;  /* bytes between taps */
    size_t channels, rows, columns; /* all >= 1; rows <= HEW_STRIP_ROWS, columns <= nr */
    float *out;
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
 * of 1 or 2 along them, which are the kernel's own.  Each column of taps begins a word: with depth 4
 * tap t of row r is slot 4 t + r, or 8 t + r where there are five rows.
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

/* ------------------------------------------------------------------------------- act_f32 ---- */

/* x[i][j] = act(x[i][j] + add[i][j]), in place, for rows x n elements.  add may be null.
 * `act` has its defaults filled in (hew_act_defaults).  kind may be NONE. */
typedef struct hew_act_f32_rows {
    hew_act act;
    float *x;
    size_t x_stride; /* bytes */
    const float *add;
    size_t add_stride; /* bytes */
    size_t rows, n;
} hew_act_f32_rows;
typedef void act_f32_fn(const hew_act_f32_rows *rows);
typedef act_f32_fn act_f32_ref_fn;

/* Checks an activation and fills in what zeros stand for.  `op` names the caller in the message. */
hew_status hew_act_defaults(const char *op, hew_act *act);

/* ------------------------------------------------------------------------- quantize_f32 ---- */

/*
 * y[i][j] = saturate(round(v) + zero), half to even whatever MXCSR says, where
 *
 *     v = x[i][j] * inverse
 *     v = x[i][j] / scale          if scale is not 0
 *     v = x[i][j] / scales[j]      if there are scales; and zeros[j] is the zero
 *
 * and a v of NaN gives zero, which is within the type's range.  For BF16: the nearest bf16 of
 * x[i][j], ties to even, whatever MXCSR says; a NaN stays one (quieted, its upper half).
 */
typedef struct hew_quantize_rows {
    const float *x;
    size_t x_stride; /* bytes */
    void *y;
    size_t y_stride;
    hew_type type; /* S8, U8, BF16 */
    float inverse, scale;
    int32_t zero;
    size_t rows, n;
    const float *scales; /* n of them, or null */
    const int32_t *zeros; /* n of them, where there are scales */
} hew_quantize_rows;
typedef void quantize_f32_fn(const hew_quantize_rows *rows);
typedef quantize_f32_fn quantize_f32_ref_fn;

/* ----------------------------------------------------------------------- dequantize_f32 ---- */

/* y[i][j] = (float)(x[i][j] - zero) * scale, with scales[j] and zeros[j] if there are scales.  The
 * difference is modulo 2^32. */
typedef struct hew_dequantize_rows {
    const void *x;
    size_t x_stride; /* bytes */
    hew_type type;   /* S8, U8, S32 */
    float *y;
    size_t y_stride;
    float scale;
    int32_t zero;
    size_t rows, n;
    const float *scales;  /* n of them, or null */
    const int32_t *zeros; /* n of them, where there are scales */
} hew_dequantize_rows;
typedef void dequantize_f32_fn(const hew_dequantize_rows *rows);
typedef dequantize_f32_fn dequantize_f32_ref_fn;

/* ----------------------------------------------------------------------------- range_f32 ---- */

/* lo = min(lo, all of x), hi = max(hi, all of x).  NaNs are left out; a zero comes out as +0. */
typedef struct hew_bounds {
    float lo, hi;
} hew_bounds;
typedef hew_bounds range_f32_fn(hew_bounds bounds, size_t n, const float *x);
typedef range_f32_fn range_f32_ref_fn;

/* A row of k floats becomes bytes, with a scale and a zero point of its own: hew_dynamic, symmetric
 * for S8 and asymmetric for U8. */
void hew_quantize_row(quantize_f32_fn *quantize, const float *x, size_t k, hew_type type, void *y,
                      float *scale, int32_t *zero);

/* -------------------------------------------------------------------------------- binary ---- */

/*
 *     v = fma(b_factor, (float)(b[i][j] - b_zero), a_factor * (float)(a[i][j] - a_zero))
 *     v = min(max(v, lo), hi)                     NaN stays NaN
 *     c[i][j] = v, or saturate(round(v) + c_zero) half to even; NaN gives c_zero
 *
 * Floats are taken as they are, without a zero.  C may be A or B, with the same stride.
 */
typedef struct hew_binary_rows {
    hew_type a_type, b_type, c_type; /* F32, U8, S8 */
    const void *a, *b;
    void *c;
    size_t a_stride, b_stride, c_stride; /* bytes */
    float a_factor, b_factor;            /* >= 0 */
    float lo, hi;
    int32_t a_zero, b_zero, c_zero;
    size_t rows, n;
} hew_binary_rows;
typedef void binary_fn(const hew_binary_rows *rows);
typedef void binary_ref_fn(const hew_binary_desc *desc, const void *a, const void *b, void *c);

/* ------------------------------------------------------------------------- transpose_f32 ---- */

/* out[c][r] = in[r][c] for r < rows, c < columns; strides in floats; no overlap. */
typedef void transpose_f32_fn(size_t rows, size_t columns, const float *in, size_t in_stride,
                              float *out, size_t out_stride);
typedef transpose_f32_fn transpose_f32_ref_fn;

/* --------------------------------------------------------------------------- softmax_f32 ---- */

/* `rows` rows of `columns` floats; strides in floats; out may be in. */
typedef void softmax_f32_fn(bool log, size_t rows, size_t columns, const float *in,
                            size_t in_stride, float *out, size_t out_stride);
typedef softmax_f32_fn softmax_f32_ref_fn;

/* ------------------------------------------------------------- pooling_f32, _u8 and _s8 ---- */

/*
 * A rectangle of output pixels whose windows are alike: the max, or the sum / divisor, over a box
 * of input pixels, for each channel.  Extents and strides of the box are outermost first.
 *
 * Floats: the box is walked by columns, in rising width, and in each in rising depth and height, so
 * that boxes that overlap can share their columns.  Max: the first NaN on that walk, or else the
 * first of the largest elements (+0 and -0 are equal).  Average: in each column a chain of
 * additions from +0, then a chain over the columns, then the division; a NaN becomes 0x7fc00000.
 * A box with a zero extent gives -inf or 0.
 *
 * Bytes: average: the exact sum, to which what the divisor counts beyond the box adds `zero` each,
 * as a float over the divisor, rounded half to even.  A box with a zero extent gives the type's
 * lowest value or `zero`.
 */
typedef struct hew_pooling_block {
    bool max;
    float divisor; /* a whole number; bytes: no more than HEW_POOLING_SUMMANDS */
    int32_t zero;  /* bytes only */
    size_t channels, rows, pixels;
    size_t box[3], step[3];  /* steps in elements, as all that follow */
    const void *in;          /* the first pixel of the first box */
    size_t in_row, in_step;  /* from one box to the next below; to the next in its row */
    void *out;
    size_t out_row, out_step;
} hew_pooling_block;
typedef void hew_pooling_fn(const hew_pooling_block *block);
typedef hew_pooling_fn pooling_f32_fn, pooling_u8_fn, pooling_s8_fn;
typedef void hew_pooling_ref_fn(const hew_pooling_desc *desc, const void *in, void *out);
typedef hew_pooling_ref_fn pooling_f32_ref_fn, pooling_u8_ref_fn, pooling_s8_ref_fn;

/* Bytes whose sum is an s32 for certain. */
enum { HEW_POOLING_SUMMANDS = INT32_MAX / 255 };

/* ------------------------------------------------------------------------------ dispatch ---- */

typedef void hew_any_fn(void);
typedef struct hew_kernel {
    hew_isa isa;
    int family;
    int mr, nr, depth;
    const char *name, *family_name;
    hew_any_fn *fn;
} hew_kernel;

enum {
#define HEW_FAMILY(family) HEW_FAMILY_##family,
#define HEW_REF(family, symbol)
#define HEW_KERNEL(isa, family, mr, nr, depth, symbol)
#include "kernels.def"
#undef HEW_FAMILY
#undef HEW_REF
#undef HEW_KERNEL
    HEW_FAMILY_COUNT
};

#define HEW_FAMILY(family)
#define HEW_REF(family, symbol) family##_ref_fn symbol;
#define HEW_KERNEL(isa, family, mr, nr, depth, symbol) family##_fn symbol;
#include "kernels.def"
#undef HEW_FAMILY
#undef HEW_REF
#undef HEW_KERNEL

/* The lines of kernels.def that serve a family on the rungs in use, in the list's order; none only
 * for a family without a definition of its own, which drivers ask for above ref alone. */
const hew_kernel *hew_kernels(int family, size_t *count);

/* The whole list, for tests and benchmarks. */
extern const hew_kernel hew_all_kernels[];
extern const size_t hew_all_kernels_count;

/* The function of a kernel line, with its type. */
#define HEW_FN(family, kernel) ((family##_fn *)(kernel)->fn)
#define HEW_REF_FN(family, kernel) ((family##_ref_fn *)(kernel)->fn)

/*
 * Rungs in use as a mask of 1 << hew_isa.  The test hook: rungs outside `mask` are taken away from
 * what was detected, ~0u gives all of them back.  Only while nothing runs; operations created
 * before keep their kernels.
 */
unsigned hew_cpu_rungs(void);
void hew_cpu_restrict(unsigned mask);

#endif
