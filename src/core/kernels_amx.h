/*
 * kernels_amx.h - what the matrix kernels of AMX are given.
 *
 *     C[m x n] = epilogue( partial + sum over steps s, over kk < k of A_s[i][kk] * B_s[kk][j] )
 *
 * It is a hew_gemm_tile of kernels_matrix.h, of which they read some things in another way:
 *
 *     steps        Of a step, a[0] alone: the first row of A.  The others follow at a_stride bytes,
 *                  any number, the same in every step.
 *     m, n         One of four shapes of 16 x 16 tiles of C:
 *                      2x2    m <= 32, 16 < n <= 32     one panel of nr 32
 *                      4x1    m <= 64,      n <= 16     one panel of nr 16
 *                      1x4    m <= 16, 48 < n <= 64     two panels of nr 32, one after the other
 *                  and what is left of them: fewer rows make fewer tiles, the last one lower.
 *     b, b_stride  The panel, and the bytes from a row of it to the next: 4 nr.
 *     b_next       1x4: the second panel; else it isn't read.
 *     k            Elements of every step, in words as in all panels.  They are multiplied `chunk`
 *                  words at a time; where the last time goes past k, a step's part of the panel
 *                  ends in rows of zeros.
 *     chunk        1 to 16: words in a row of a tile of A, rows in a tile of B.
 *     partial      [m][16 ceil(n / 16)], 64-byte aligned; used where `last` too.
 *
 * No more than k elements of a row of A are read.  Where they aren't a whole number of chunks, each
 * step's last chunk of A is copied, with zeros behind it; else nothing is copied.  Of a panel whole
 * rows are read, past column n as well.
 *
 *     amx_u8s8, amx_s8s8    depth 4.  Sums are s32 modulo 2^32.
 *     amx_bf16              depth 2.  Sums are f32.  Of each chunk, the products of the words'
 *                           first elements are one chain of fused multiply-adds from +0, those of
 *                           the second ones another; then
 *                               sum = sum + (first + second)
 *                           from +0, or from `partial` where that is added to: chunks of all calls
 *                           for an element are one chain, however steps are dealt to calls.
 *                           Roundings and denormals as gemm_bf16 has them; so TDPBF16PS sums.
 *
 * The calling thread's tiles must have been configured for m, n and chunk: amx_config.  That takes
 * longer than several multiplies and clears all tiles.  So a driver configures when one of the
 * three changes, keeps the configuration from call to call, and takes it back (null) at the end of
 * each task: tiles in use cost every switch of threads 8 KiB, and some power.
 *
 * GEMM makes two calls of a k that isn't a whole number of chunks, each with its own chunk: whole
 * chunks of all steps first, to `partial`, then what is left of all steps (hew_amx_cut).
 */
#ifndef HEW_KERNELS_AMX_H
#define HEW_KERNELS_AMX_H

#include "kernels_matrix.h"

/* What `last` does, for any m rows of sums in `partial` and no use of tiles: for drivers that leave
 * out rows in between. */
typedef hew_gemm_fn amx_finish_s32_fn, amx_finish_f32_fn;
typedef hew_gemm_fn amx_u8s8_fn, amx_s8s8_fn, amx_bf16_fn;

typedef struct hew_amx_shape {
    int m, n, chunk; /* as of a hew_gemm_tile */
} hew_amx_shape;
typedef void amx_config_fn(const hew_amx_shape *shape); /* null: TILERELEASE */

enum {
    HEW_AMX_WORDS = 16,    /* in a row of a tile, at most */
    HEW_AMX_SUMS = 32 * 32 /* of a call, at most */
};

/*
 * How the words of one step are cut into chunks: as few as can be, and as even.  The last one may
 * be shorter.  Of bf16 this is part of the definition: a step is a row of A, or a tap.
 */
typedef struct hew_amx_cut {
    size_t chunk;       /* words, >= 1 */
    size_t whole, rest; /* words in chunks of that length; in one last, shorter: 0, or < chunk */
} hew_amx_cut;
HEW_INLINE hew_amx_cut hew_amx_cut_of(size_t count)
{
    const size_t chunk =
        count == 0 ? 1 : hew_ceil_div(count, hew_ceil_div(count, HEW_AMX_WORDS));
    return (hew_amx_cut){chunk, count - count % chunk, count % chunk};
}

/*
 * Whether a convolution's step is all taps' elements side by side, not one tap's: where that makes
 * a quarter fewer chunks, of at most 1024.  Of bf16 this is part of the definition, too.
 */
HEW_INLINE bool hew_amx_windows(size_t taps, size_t channels, size_t depth)
{
    const size_t together = hew_ceil_div(taps * channels, depth * HEW_AMX_WORDS);
    const size_t apart = taps * hew_ceil_div(channels, depth * HEW_AMX_WORDS);
    return taps > 1 && together <= 1024 && 4 * together <= 3 * apart;
}

#define HEW_KERNELS_LIST "kernels_amx.def"
#include "kernels_declare.h"

#endif
