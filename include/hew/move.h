/*
 * hew/move.h - tensors copied, permuted, cut, joined.  Bits are moved as they are.
 *
 * In all of these, `in` and `out` must not overlap, and no two elements of an output may lie at one
 * address.  Types are any with whole bytes; elements of others, bool or double, are moved as those
 * of a type of their size.
 */
#ifndef HEW_API_MOVE_H
#define HEW_API_MOVE_H

#include "base.h"
#include "reorder.h"

HEW_BEGIN_C

/* --------------------------------------------------------------------------------- copy ----- */

/*
 * out = in, index by index: with the strides of a permuted tensor ONNX Transpose, with those of a
 * smaller one Expand.  in is broadcast to the shape of out as in NumPy: dimensions are matched from
 * the last, and one of in's may be 1 or absent where out's is not.
 *
 * Between types, or with a scale or zero, elements are converted, as by hew_dequantize and then
 * hew_quantize; a float type is a value as it is:
 *
 *     x = (float)(q - in_zero) * in_scale       s8, u8, s32
 *     q = saturate(round(x / out_scale) + out_zero)    half to even; NaN gives the zero
 *
 * and bf16 and f16 are rounded to nearest, ties to even.  All but s64 can be converted.
 */
typedef struct hew_copy_desc {
    size_t size;
    hew_tensor in, out;
    const float *in_scale, *out_scale; /* of integers: positive and finite; null: 1               */
    const void *in_zero, *out_zero;    /* of the tensor's type; null: 0                           */
    bool in_per_axis, out_per_axis; /* scale and zero are arrays, one for each index of ..        */
    int axis;                       /* .. this dimension of out                                   */
} hew_copy_desc;
#define HEW_COPY_DESC(...) ((hew_copy_desc){.size = sizeof(hew_copy_desc), __VA_ARGS__})

HEW_API hew_status hew_copy(const hew_copy_desc *desc, const void *in, void *out,
                            const hew_threads *threads);

/* ------------------------------------------------------------------------- concat, split ---- */

/* ONNX Concat: tensors of one shape but for `axis`, one behind the other along it. */
typedef struct hew_concat_desc {
    size_t size;
    int axis;              /* counts from the last if negative, as all axes here                  */
    int count;
    const hew_tensor *in;  /* `count` of them                                                     */
    hew_tensor out;        /* whose extent along the axis is the sum of theirs                    */
} hew_concat_desc;
#define HEW_CONCAT_DESC(...) ((hew_concat_desc){.size = sizeof(hew_concat_desc), __VA_ARGS__})

/* in: `count` addresses. */
HEW_API hew_status hew_concat(const hew_concat_desc *desc, const void *const *in, void *out,
                              const hew_threads *threads);

/* ONNX Split: the way back. */
typedef struct hew_split_desc {
    size_t size;
    int axis, count;
    hew_tensor in;
    const hew_tensor *out; /* `count` of them                                                     */
} hew_split_desc;
#define HEW_SPLIT_DESC(...) ((hew_split_desc){.size = sizeof(hew_split_desc), __VA_ARGS__})

HEW_API hew_status hew_split(const hew_split_desc *desc, const void *in, void *const *out,
                             const hew_threads *threads);

/* --------------------------------------------------------------------------- slice, pad ---- */

/* ONNX Slice: out[i, j, ...] = in[start[0] + i step[0], start[1] + j step[1], ...]. */
typedef struct hew_slice_desc {
    size_t size;
    hew_tensor in, out;    /* of one rank; out's extents say how many elements are taken          */
    int64_t start[HEW_MAX_RANK]; /* >= 0                                                          */
    int64_t step[HEW_MAX_RANK];  /* 0 = 1; may be negative                                        */
} hew_slice_desc;
#define HEW_SLICE_DESC(...) ((hew_slice_desc){.size = sizeof(hew_slice_desc), __VA_ARGS__})

/* HEW_ERR_INVALID if an element that is taken isn't there. */
HEW_API hew_status hew_slice(const hew_slice_desc *desc, const void *in, void *out,
                             const hew_threads *threads);

/* What lies around a tensor abcd: */
typedef enum hew_pad_mode {
    HEW_PAD_CONSTANT = 0,  /* 0 0 0 a b c d 0 0 0                                                 */
    HEW_PAD_REFLECT = 1,   /* d c b a b c d c b a      again and again where that isn't enough    */
    HEW_PAD_EDGE = 2,      /* a a a a b c d d d d                                                 */
    HEW_PAD_WRAP = 3       /* b c d a b c d a b c                                                 */
} hew_pad_mode;

/* ONNX Pad: out[i, j, ...] = in[i - lo[0], j - lo[1], ...] where in has that. */
typedef struct hew_pad_desc {
    size_t size;
    hew_pad_mode mode;
    hew_tensor in, out;    /* of one rank                                                         */
    int64_t lo[HEW_MAX_RANK]; /* negative: so many elements of in are left out                    */
    const void *value;     /* an element, for HEW_PAD_CONSTANT; null: 0                           */
} hew_pad_desc;
#define HEW_PAD_DESC(...) ((hew_pad_desc){.size = sizeof(hew_pad_desc), __VA_ARGS__})

HEW_API hew_status hew_pad(const hew_pad_desc *desc, const void *in, void *out,
                           const hew_threads *threads);

/* ------------------------------------------------------------------------------ shuffle ---- */

/* Channel shuffle (Zhang et al., ShuffleNet, 2018): the axis, seen as [groups][n], transposed to
 * [n][groups].  The way back, and the gradient, has n groups. */
typedef struct hew_shuffle_desc {
    size_t size;
    hew_tensor in, out;    /* of one shape; rank at most 5                                        */
    int axis;
    int64_t groups;        /* divides the axis                                                    */
} hew_shuffle_desc;
#define HEW_SHUFFLE_DESC(...) ((hew_shuffle_desc){.size = sizeof(hew_shuffle_desc), __VA_ARGS__})

HEW_API hew_status hew_shuffle(const hew_shuffle_desc *desc, const void *in, void *out,
                               const hew_threads *threads);

/* Where channel c of the pixel at (y, x) of a block lies among the channels of the deep tensor:
 *     DCR    (y * block + x) * channels + c
 *     CRD    (c * block + y) * block + x
 */
typedef enum hew_depth_order { HEW_DEPTH_DCR = 0, HEW_DEPTH_CRD = 1 } hew_depth_order;

/* ONNX DepthToSpace: every pixel of block^2 * channels becomes block x block pixels of `channels`.
 * SpaceToDepth, in the order DCR, is the way back. */
typedef struct hew_depth_to_space_desc {
    size_t size;
    hew_layout layout;     /* which dimension of both is the channels: the last, or the second    */
    hew_depth_order order;
    int64_t block;
    hew_tensor in, out;    /* rank 4                                                              */
} hew_depth_to_space_desc;
#define HEW_DEPTH_TO_SPACE_DESC(...)                                                               \
    ((hew_depth_to_space_desc){.size = sizeof(hew_depth_to_space_desc), __VA_ARGS__})

HEW_API hew_status hew_depth_to_space(const hew_depth_to_space_desc *desc, const void *in,
                                      void *out, const hew_threads *threads);
HEW_API hew_status hew_space_to_depth(const hew_depth_to_space_desc *desc, const void *in,
                                      void *out, const hew_threads *threads);

/* ---------------------------------------------------------------------- gather, scatter ---- */

/*
 * ONNX Gather: slices of in along the axis, which indices choose; an embedding, with axis = 0.
 *
 *     out[a..., i..., b...] = in[a..., index[i...], b...]
 *
 * A negative index counts from the last.  One that is out of range is HEW_ERR_INVALID, and then
 * nothing is written.
 */
typedef struct hew_gather_desc {
    size_t size;
    int axis;
    hew_tensor in, index, out; /* index: s32 or s64                                               */
} hew_gather_desc;
#define HEW_GATHER_DESC(...) ((hew_gather_desc){.size = sizeof(hew_gather_desc), __VA_ARGS__})

HEW_API hew_status hew_gather(const hew_gather_desc *desc, const void *in, const void *index,
                              void *out, const hew_threads *threads);

/* What becomes of an element x that is there already and one, y, that comes.  All but SET: f32. */
typedef enum hew_scatter_op {
    HEW_SCATTER_SET = 0,   /* y                                                                   */
    HEW_SCATTER_ADD = 1,   /* x + y                                                               */
    HEW_SCATTER_MUL = 2,   /* x * y                                                               */
    HEW_SCATTER_MAX = 3,   /* the larger; NaN if either is                                        */
    HEW_SCATTER_MIN = 4
} hew_scatter_op;

/*
 * The way back, slices that indices don't name staying as they are:
 *
 *     out[a..., index[i...], b...] op= in[a..., i..., b...]
 *
 * in the order of indices, whatever the threads: of two equal ones, the later comes after.
 */
typedef struct hew_scatter_desc {
    size_t size;
    hew_scatter_op op;
    int axis;              /* of out                                                              */
    hew_tensor in, index, out;
} hew_scatter_desc;
#define HEW_SCATTER_DESC(...) ((hew_scatter_desc){.size = sizeof(hew_scatter_desc), __VA_ARGS__})

HEW_API hew_status hew_scatter(const hew_scatter_desc *desc, const void *in, const void *index,
                               void *out, const hew_threads *threads);

HEW_END_C
#endif
