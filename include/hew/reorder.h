/*
 * hew/reorder.h - layouts of activations.
 */
#ifndef HEW_API_REORDER_H
#define HEW_API_REORDER_H

#include "base.h"

HEW_BEGIN_C

/* ------------------------------------------------------------------------------ reorder ----- */

typedef enum hew_layout {
    HEW_CHANNELS_LAST = 0, /* NHWC: [batch][pixel][channel]                                       */
    HEW_CHANNELS_FIRST = 1,/* NCHW: [batch][channel][pixel]                                       */
    HEW_BLOCKS_OF_8 = 2,   /* nChw8c: [batch][channel / 8][pixel][channel % 8], the last block    */
    HEW_BLOCKS_OF_16 = 3   /* filled up with zeros; nChw16c likewise.  For hew_reorder alone      */
} hew_layout;

/*
 * Copies a batch of images from one layout to another, and converts them on the way:
 *
 *     f32 -> f32, bf16, f16     to nearest, ties to even, whatever MXCSR says; denormals are kept
 *     bf16, f16 -> f32          exact
 *     t -> t                    any type of whole bytes
 *
 * Blocks of channels keep their type.
 *
 * A NaN stays one, quieted unless the type stays.  ONNX Cast and Transpose.
 */
typedef struct hew_reorder_desc {
    size_t size;
    hew_type in_type, out_type; /* f32, or see above                                              */
    hew_layout from, to;
    int64_t batch;              /* 0 = 1; -1 = an empty batch                                     */
    int64_t pixels, channels;   /* pixels: depth * height * width                                 */
    int64_t in_stride, out_stride; /* between pixels where channels are last, between channels    */
                                   /* where they are first; 0 = dense, as blocks always are       */
} hew_reorder_desc;
#define HEW_REORDER_DESC(...) ((hew_reorder_desc){.size = sizeof(hew_reorder_desc), __VA_ARGS__})

/* in and out must not overlap. */
HEW_API hew_status hew_reorder(const hew_reorder_desc *desc, const void *in, void *out,
                               const hew_threads *threads);

/*
 * Weights of a convolution, between ONNX's order and blocks of 16 x 16 channels, oneDNN's
 * OIw16i16o, OIhw16i16o and OIdhw16i16o:
 *
 *     plain     [out_channels][in_channels][taps]
 *     blocks    [out_channels / 16][in_channels / 16][taps][in_channel % 16][out_channel % 16]
 *
 * of any type of whole bytes, both dense.  Blocks that aren't whole are filled up with zeros, which
 * the way back leaves out.  Weights of groups lie side by side, one call each.
 */
typedef struct hew_reorder_weights_desc {
    size_t size;
    hew_type type;
    bool from_blocks;
    int64_t out_channels, in_channels, taps;
} hew_reorder_weights_desc;
#define HEW_REORDER_WEIGHTS_DESC(...)                                                              \
    ((hew_reorder_weights_desc){.size = sizeof(hew_reorder_weights_desc), __VA_ARGS__})

/* in and out must not overlap. */
HEW_API hew_status hew_reorder_weights(const hew_reorder_weights_desc *desc, const void *in,
                                       void *out, const hew_threads *threads);

HEW_END_C
#endif
