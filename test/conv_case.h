/* conv_case.h - one convolution against its definition: the operands, the runs, the comparison. */
#ifndef HEW_TEST_CONV_CASE_H
#define HEW_TEST_CONV_CASE_H

#include "operand.h"

typedef struct conv_case {
    hew_conv_desc d;         /* as a caller writes it */
    bool scale, bias;
    bool bias_s32, zeros;    /* quantised tensors: zero points of the weights */
    int32_t in_zero, out_zero, residual_zero;
    float out_scale, residual_scale;
    residual_kind residual;
    fill in, weights, rest;  /* rest: scale, bias and residual */
    nan_rule nans;
    bool threads;            /* run it with 1, 2, 3 and 8 threads too */
    bool always;             /* even where it is emulated: takes_case isn't asked */
} conv_case;
#define CONV_CASE(...) ((conv_case){.d = {.size = sizeof(hew_conv_desc), __VA_ARGS__}})

/* Where the elements lie, with the descriptor's defaults filled in. */
typedef struct conv_layouts {
    layout in, weights, out, r;
} conv_layouts;
conv_layouts conv_layouts_of(const hew_conv_desc *d);

/* A case of bytes gets an output of this type and at random all that may surround the sum: zero
 * points, scales, biases, an activation, a residual. */
void quantise_case(conv_case *g, rng *r, hew_type out);

/* Like check_gemm. */
void check_conv(const conv_case *g);

#endif
