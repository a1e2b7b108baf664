/*
 * hew/pooling.h - pooling.
 */
#ifndef HEW_API_POOLING_H
#define HEW_API_POOLING_H

#include "base.h"

HEW_BEGIN_C

/* ------------------------------------------------------------------------------ pooling ----- */

typedef enum hew_pooling_kind {
    HEW_POOLING_MAX = 0,         /* NaN wins; a window of padding alone gives -inf, or the least
                                    value of the type                                             */
    HEW_POOLING_AVG = 1,         /* over the window's elements inside the input; none gives zero  */
    HEW_POOLING_AVG_PADDED = 2,  /* over the window's elements inside the padded input, padding as
                                    zeros; what ceil_mode lets it reach beyond isn't counted      */
    HEW_POOLING_LP = 3           /* floats: (sum of |x|^power)^(1/power) over the window's elements
                                    inside the input; none gives zero                             */
} hew_pooling_kind;

/*
 * ONNX MaxPool, AveragePool (count_include_pad = AVG_PADDED), LpPool and the global ones, 1-D to
 * 3-D, channels-last.  Spatial arrays as in hew_conv_desc.  `global` takes the whole input as one
 * window.  With `adaptive` the windows are those of PyTorch's AdaptiveMaxPool and AdaptiveAvgPool:
 * of `in` elements, output o has [floor(o in / out), ceil((o + 1) in / out)).
 *
 * Of u8 and s8 an average is round((float)sum / count), half to even, of the exact sum, where
 * `zero` is what padding counts as.  A tensor keeps its scale, which isn't asked for.
 * Averages of windows of more than 2^31 / 255 elements are HEW_ERR_UNSUPPORTED.
 */
typedef struct hew_pooling_desc {
    size_t size;
    hew_pooling_kind kind;
    hew_type type;         /* f32, bf16; max and averages: u8, s8                                 */
    int64_t batch;         /* 0 = 1; -1 = an empty batch                                          */
    int64_t in[3];
    int64_t channels;
    bool global;           /* kernel = in; only the rank is taken from in's nonzero entries       */
    bool ceil_mode;        /* round output extents up (never a window that starts past the input) */
    int64_t kernel[3], stride[3], dilation[3], pad_lo[3], pad_hi[3];
    int64_t in_stride, out_stride; /* between pixels; 0 = channels                                */
    int32_t zero;          /* u8, s8: the zero point, within the range of the type                */
    int32_t power;         /* LP: 1 to 16; 0 = 2                                                  */
    int64_t adaptive[3];   /* the output's extents; the rank is taken from here, and windows, pads
                              and ceil_mode are left out                                          */
} hew_pooling_desc;
#define HEW_POOLING_DESC(...) ((hew_pooling_desc){.size = sizeof(hew_pooling_desc), __VA_ARGS__})

HEW_API hew_status hew_pooling_out_shape(const hew_pooling_desc *desc, int64_t out[3]);

/* in: [batch][in...][in_stride]; out: [batch][out...][out_stride]; they must not overlap. */
HEW_API hew_status hew_pooling(const hew_pooling_desc *desc, const void *in, void *out,
                               const hew_threads *threads);

/*
 * HEW_POOLING_MAX of f32 or bf16, and where each maximum stands.  indices:
 * [batch][out...][channels], dense, aligned to 4 bytes: the number of the input pixel within its
 * image, (d height + h) width + w, whatever the window, or -1 for a window of padding alone.  It is
 * the first pixel, counted so, that has a NaN, or else the maximum; `out` is what stands there.
 * (hew_pooling looks column by column, so that of zeros of either sign or several NaNs it may take
 * another.)  An image has at most 2^31 - 1 pixels.
 */
HEW_API hew_status hew_pooling_max(const hew_pooling_desc *desc, const void *in, void *out,
                                   int32_t *indices, const hew_threads *threads);

/* Elements of a whole tensor are counted, too, ... */
typedef enum hew_pooling_order {
    HEW_POOLING_NCHW = 0,        /* (n channels + c) pixels + pixel: ONNX MaxPool's Indices       */
    HEW_POOLING_NHWC = 1,        /* (n pixels + pixel) channels + c                               */
    HEW_POOLING_NCHW_COLUMNS = 2 /* as NCHW, the pixel (w height + h) depth + d: ONNX's
                                    storage_order = 1                                             */
} hew_pooling_order;

/* ... flat[i], aligned to 8 bytes, is indices[i] counted so; -1 stays -1.  Both are as
 * hew_pooling_max has them: [batch][out...][channels]. */
HEW_API hew_status hew_pooling_flat_indices(const hew_pooling_desc *desc, hew_pooling_order order,
                                            const int32_t *indices, int64_t *flat,
                                            const hew_threads *threads);

/*
 * The gradient of the input of a MAX or an average of f32 or bf16 from that of its output: for each
 * input pixel the sum over the windows that it is in.
 *
 *     max       of the outputs whose index it is; others that an index may name count for nothing
 *     averages  of gradient / window size, as a product with 1 / size
 *
 * out_gradient: [batch][out...][out_stride]; indices: hew_pooling_max's, null for averages;
 * in_gradient: [batch][in...][in_stride], all of it written; none overlaps another.
 */
HEW_API hew_status hew_pooling_backward(const hew_pooling_desc *desc, const void *out_gradient,
                                        const int32_t *indices, void *in_gradient,
                                        const hew_threads *threads);

/*
 * The gradient of the input of an LP pooling of f32 or bf16, from what was pooled and the result:
 *
 *     in_gradient = sign(in) * sum over windows of out_gradient * (|in| / out)^(power - 1)
 *
 * without the windows whose out is 0, and 0 where in is.  in: [batch][in...][in_stride]; out, as
 * hew_pooling left it: [batch][out...][out_stride]; the rest as above.  in_gradient overlaps none.
 */
HEW_API hew_status hew_pooling_lp_backward(const hew_pooling_desc *desc, const void *out_gradient,
                                           const void *in, const void *out, void *in_gradient,
                                           const hew_threads *threads);

HEW_END_C
#endif
