/*
 * kernels_matrix.h - what the kernels of matrix products are given.
 */
#ifndef HEW_KERNELS_MATRIX_H
#define HEW_KERNELS_MATRIX_H

#include "core.h"
#include "hew/conv.h"
#include "hew/gemm.h"

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
 *
 * Where results are known to be tame (hew_quant_tame), a kernel finds that worked out for its
 * columns: zeros past n, up to a multiple of 16.
 */
enum { HEW_MAX_NR = 64 };
typedef struct hew_tame {
    _Alignas(HEW_ALIGNMENT) float scale[HEW_MAX_NR]; /* of the epilogue, alpha included */
    const float *bias;          /* its bias + 0.0f, times c_inverse */
    const int32_t *start;       /* bias - a_zero * b_sums */
    int32_t lo, hi;             /* of bytes: the epilogue's clamp and the type's */
    bool plain;                 /* U8 with c_zero 0, and no clamp but the type's */
    float biases[HEW_MAX_NR];   /* room for these two, if they are not zeros, which lie where */
    int32_t starts[HEW_MAX_NR]; /* nothing was just stored that a load would wait for */
} hew_tame;

typedef struct hew_quant {
    const int32_t *b_sums;    /* of B's columns over the rows that all steps use, at the tile's
                                 first column: a kernel may multiply by A 128 higher */
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
    const hew_tame *tame;     /* or null.  Else C is of bytes, no v is a NaN or 2^31 or more,
                                 whatever s is, and `add`, if there is one, is of bytes, too */
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
    size_t a_stride;  /* amx only: bytes from the one row that a step has to the next */
    size_t k;         /* elements of every step */
    size_t chunk;     /* amx only: words multiplied at a time */
    const void *b;    /* a panel */
    const void *b_next; /* amx only: of its shape 1x4, the second panel */
    size_t b_stride;  /* direct_f32 and amx only: bytes between the rows of B */
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
 *
 * gemm_f32f16 has f16s for small integers, depth 2, and no zero.  Each nr / 4 words are as many
 * first elements, and then as many second ones.
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
typedef hew_gemm_wo_fn gemm_f32s8_fn, gemm_f32s4_fn, gemm_f32f16_fn;
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

/* --------------------------------------------------------------------------- pack_rows ---- */

/*
 * A panel of words (above) from k rows of B, and the sums of its columns:
 *
 *     element 1    bytes, depth 4; or widened to s16, depth 2.  flip: u8, taken as s8 128 lower
 *     element 2    bf16 or f16, depth 2; without sums
 *     element 4    whole words of four bytes, where b may be `out`; columns past n are left alone
 *
 * Else columns past n, and what the last row of words has past k, are zeros.
 */
typedef struct hew_pack_rows {
    const void *b;      /* the first row, at the panel's first column; any alignment */
    size_t b_row;       /* bytes between rows */
    size_t k, n, nr;    /* n <= nr, a multiple of 8 */
    size_t element, depth;
    bool flip;
    void *out;          /* ceil(k / depth) rows of nr words */
    int32_t *sums;      /* nr of them; not of element 2 */
} hew_pack_rows;
typedef void pack_rows_fn(const hew_pack_rows *rows);

#define HEW_KERNELS_LIST "kernels_matrix.def"
#include "kernels_declare.h"

#endif
