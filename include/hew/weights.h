/*
 * hew/weights.h - weights before they are packed.
 */
#ifndef HEW_API_WEIGHTS_H
#define HEW_API_WEIGHTS_H

#include "base.h"

HEW_BEGIN_C

/* ------------------------------------------------------------------------------ weights ----- */

/*
 * Preparing weights, before they are packed.  They are those of a convolution or a GEMM:
 *
 *     in_first = false    [out_c][in_c / groups][taps]    hew_conv_pack; B with transpose_b
 *     in_first = true     [in_c][out_c]                   B
 *
 * q has their layout.  Of s4, the weights of an output channel (in_first: of an input channel)
 * begin with a byte.
 */
typedef struct hew_weights_desc {
    size_t size;
    int64_t out_c, in_c;   /* channels in all groups together; n and k of a GEMM                  */
    int64_t taps;          /* of a convolution, all spatial dimensions together; 0 = 1            */
    int64_t groups;        /* of a convolution; 0 = 1                                             */
    bool in_first;         /* taps and groups are 1                                               */
    hew_type type;         /* s8, or s4 for weight-only quantisation                              */
    bool asymmetric;       /* with zero points; weight-only too                                   */
    int64_t k_group;       /* weight-only: elements of a channel with one scale, b_group; 0 = all */
} hew_weights_desc;
#define HEW_WEIGHTS_DESC(...) ((hew_weights_desc){.size = sizeof(hew_weights_desc), __VA_ARGS__})

/* Bytes of q. */
HEW_API hew_status hew_weights_size(const hew_weights_desc *desc, size_t *bytes);

/*
 * For each output channel, and each group of k_group elements of it:
 *
 *     symmetric     scale = max |w| / 127 (s8) or 7 (s4)     q = round(w / scale)
 *     asymmetric    scale = (hi - lo) / 255 or 15            q = saturate(round(w / scale) + zero)
 *
 * as hew_scale_of_range has it.  scale and zero: [ceil(k / k_group)][out_c], as hew_gemm takes
 * them; zero may be null unless asymmetric.  A weight that is NaN or infinite is HEW_ERR_INVALID.
 */
HEW_API hew_status hew_quantize_weights(const hew_weights_desc *desc, const float *w, void *q,
                                        float *scale, int8_t *zero);

/* w = (float)(q - zero) * scale.  zero null: 0. */
HEW_API hew_status hew_dequantize_weights(const hew_weights_desc *desc, const void *q,
                                          const float *scale, const int8_t *zero, float *w);

/*
 * Folds the batch normalisation that follows into w and bias, both in place:
 *
 *     f = gamma / sqrt(variance + epsilon)     w = w * f     bias = (bias - mean) * f + beta
 *
 * with f in double precision, and one rounding for each result.
 */
typedef struct hew_fold_norm {
    size_t size;
    const float *gamma, *beta;     /* out_c of each; null: 1, 0                                   */
    const float *mean, *variance;  /* out_c of each                                               */
    float epsilon;                 /* 0 = 1e-5                                                    */
} hew_fold_norm;
#define HEW_FOLD_NORM(...) ((hew_fold_norm){.size = sizeof(hew_fold_norm), __VA_ARGS__})
HEW_API hew_status hew_fold_batch_norm(const hew_weights_desc *desc, const hew_fold_norm *norm,
                                       float *w, float *bias);

/*
 * Takes from the bias the mean error that quantised weights cause in each output channel (Nagel et
 * al., Data-Free Quantization Through Weight Equalization and Bias Correction, 2019):
 *
 *     bias[oc] -= sum over k of ((q - zero) * scale - w)[oc][k] * mean[input channel of k]
 *
 * in double precision, k rising.  mean: in_c averages of the operation's input.
 */
HEW_API hew_status hew_correct_bias(const hew_weights_desc *desc, const float *w, const void *q,
                                    const float *scale, const int8_t *zero, const float *mean,
                                    float *bias);

/* sums[c] += in[p * stride + c] over p < pixels: for the means above.  stride: 0 = channels. */
HEW_API hew_status hew_add_channel_sums(int64_t pixels, int64_t channels, int64_t stride,
                                        const float *in, double *sums);

HEW_END_C
#endif
