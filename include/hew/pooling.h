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
    HEW_POOLING_AVG_PADDED = 2   /* over the window's elements inside the padded input, padding as
                                    zeros; what ceil_mode lets it reach beyond isn't counted      */
} hew_pooling_kind;

/*
 * ONNX MaxPool and AveragePool (count_include_pad = AVG_PADDED), 1-D to 3-D, channels-last.
 * Spatial arrays as in hew_conv_desc.  `global` takes the whole input as one window.
 *
 * Of u8 and s8 an average is round((float)sum / count), half to even, of the exact sum, where
 * `zero` is what padding counts as.  A tensor keeps its scale, which isn't asked for.
 * Averages of windows of more than 2^31 / 255 elements are HEW_ERR_UNSUPPORTED.
 */
typedef struct hew_pooling_desc {
    size_t size;
    hew_pooling_kind kind;
    hew_type type;         /* f32, u8, s8                                                         */
    int64_t batch;         /* 0 = 1; -1 = an empty batch                                          */
    int64_t in[3];
    int64_t channels;
    bool global;           /* kernel = in; only the rank is taken from in's nonzero entries       */
    bool ceil_mode;        /* round output extents up (never a window that starts past the input) */
    int64_t kernel[3], stride[3], dilation[3], pad_lo[3], pad_hi[3];
    int64_t in_stride, out_stride; /* between pixels; 0 = channels                                */
    int32_t zero;          /* u8, s8: the zero point, within the range of the type                */
} hew_pooling_desc;
#define HEW_POOLING_DESC(...) ((hew_pooling_desc){.size = sizeof(hew_pooling_desc), __VA_ARGS__})

HEW_API hew_status hew_pooling_out_shape(const hew_pooling_desc *desc, int64_t out[3]);

/* in: [batch][in...][in_stride]; out: [batch][out...][out_stride]; they must not overlap. */
HEW_API hew_status hew_pooling(const hew_pooling_desc *desc, const void *in, void *out,
                               const hew_threads *threads);

HEW_END_C
#endif
