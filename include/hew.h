/*
 * hew.h - hand-written SIMD kernels for deep learning on x86-64.
 *
 * A 3x3 convolution with bias, residual add and ReLU in one pass over memory:
 *
 *     hew_conv *conv;
 *     hew_conv_desc d = HEW_CONV_DESC(.batch = 1, .in = {56, 56}, .in_c = 64, .out_c = 64,
 *                                     .kernel = {3, 3}, .pad_lo = {1, 1}, .pad_hi = {1, 1},
 *                                     .act.kind = HEW_ACT_RELU);
 *     if (hew_conv_create(&conv, &d) != HEW_OK)
 *         return puts(hew_last_error());
 *     void *packed = hew_alloc(hew_conv_packed_size(conv));
 *     void *scratch = hew_alloc(hew_conv_scratch_size(conv, 1));
 *     hew_conv_pack(conv, weights, packed);            // once; weights are OIHW
 *     hew_conv_run(conv, &HEW_CONV_ARGS(.in = x, .packed = packed, .bias = bias,
 *                                       .residual = shortcut, .out = y, .scratch = scratch));
 *
 * Rules that hold for every call:
 *
 * - Status.    Everything that can fail returns a hew_status.  On failure nothing was written, and
 *              hew_last_error() says in words, for the calling thread, what was wrong.
 * - Structs.   Descriptors and arguments begin with their own size, which the HEW_..._DESC and
 *              HEW_..._ARGS macros fill in.  A field left at zero means its default.
 * - Extents.   Counted in elements, int64_t.  Strides and leading dimensions too.  A product that
 *              overflows is HEW_ERR_OVERFLOW.
 * - Memory.    Tensors need the alignment of their element type and no more; packed operands and
 *              scratch need HEW_ALIGNMENT bytes.  Nothing outside the described elements is read
 *              or written.  Outputs may alias inputs only where a comment says so.
 * - Objects.   A created operation is immutable: any number of threads may run it at once, each
 *              with its own scratch.  A run allocates nothing and takes no lock.
 * - Threads.   Runs stay on the calling thread unless given a hew_threads.  Results have the same
 *              bits for every thread count, batch size and batch position, and on every CPU.
 * - Layout.    Activations are channels-last: [batch][depth][height][width][channels].
 */
#ifndef HEW_H
#define HEW_H

#include "hew/base.h"
#include "hew/gemm.h"
#include "hew/conv.h"
#include "hew/pooling.h"
#include "hew/elementwise.h"
#include "hew/chain.h"
#include "hew/softmax.h"
#include "hew/norm.h"
#include "hew/reduce.h"
#include "hew/order.h"
#include "hew/random.h"
#include "hew/quantize.h"
#include "hew/weights.h"
#include "hew/reorder.h"
#include "hew/move.h"
#include "hew/resample.h"

#endif
