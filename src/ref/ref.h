/*
 * ref.h - what the definitions in this folder share.
 *
 * Code here says what a result is, element by element, and takes nothing from the drivers but the
 * rule that cuts a sum into blocks.  Every rounding is written out: fmaf where it is one, and a
 * separate operation where there are two.
 */
#ifndef HEW_REF_H
#define HEW_REF_H

#include "kernels.h"

#include <math.h>
#include <string.h>

/* One element's activation.  `act` has its defaults filled in. */
float hew_ref_act(hew_act act, float x);

/*
 * The first step of the epilogue: column j of a sum, scaled and shifted.  bias + 0.0f turns a bias
 * of -0.0 into +0.0, and with it a sum of -0.0 into +0.0: what a tap of zeros adds can't be told
 * from a tap that is left out.
 */
HEW_INLINE float hew_ref_scale(float sum, float alpha, const float *scale, const float *bias,
                               int64_t j)
{
    const float factor = scale ? alpha * scale[j] : alpha;
    return fmaf(sum, factor, (bias ? bias[j] : 0.0f) + 0.0f);
}

/* All of hew_gemm_run for f32 but the sums, whose definition is given.  Weights in groups have been
 * scaled in the sum. */
typedef float hew_ref_sum_fn(const hew_gemm *op, const hew_gemm_args *args, int64_t member,
                             int64_t i, int64_t j);
void hew_ref_gemm(const hew_gemm *op, const hew_gemm_args *args, hew_ref_sum_fn *sum);

/* The least and the largest number of an 8-bit type. */
HEW_INLINE int32_t hew_ref_lowest(hew_type type) { return type == HEW_S8 ? -128 : 0; }
HEW_INLINE int32_t hew_ref_highest(hew_type type) { return type == HEW_S8 ? 127 : 255; }

/* The nearest integer of a |x| < 2^24, ties to even, in every rounding mode. */
HEW_INLINE int32_t hew_ref_round(float x)
{
    const int32_t whole = (int32_t)x; /* towards zero */
    const float rest = fabsf(x - (float)whole);
    if (rest < 0.5f || (rest == 0.5f && whole % 2 == 0))
        return whole;
    return x < 0.0f ? whole - 1 : whole + 1;
}

/* saturate(round(x) + zero); NaN gives zero. */
HEW_INLINE int32_t hew_ref_quantize(float x, int32_t zero, hew_type type)
{
    const float lowest = (float)(hew_ref_lowest(type) - zero);
    const float highest = (float)(hew_ref_highest(type) - zero);
    if (x != x)
        return zero;
    return hew_ref_round(x < lowest ? lowest : x > highest ? highest : x) + zero;
}

/* The nearest bf16, ties to even, in every rounding mode; a NaN stays one, and is quiet. */
HEW_INLINE uint16_t hew_ref_bf16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

HEW_INLINE float hew_ref_float(uint16_t bf16)
{
    const uint32_t bits = (uint32_t)bf16 << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The nearest f16, ties to even, in every rounding mode; a NaN stays one, and is quiet. */
uint16_t hew_ref_f16(float x);
float hew_ref_from_f16(uint16_t f16);

/* Element `at` of a tensor of F32, BF16 or F16, as a float; and the float rounded to it. */
float hew_ref_load_type(hew_type type, const void *p, int64_t at);
void hew_ref_store_type(hew_type type, void *p, int64_t at, float x);

/*
 * sum + a * b with one rounding, in hew_bf16_mode: denormals are zeros, in and out.  The product of
 * two bf16s is exact in double.  Their sum is rounded to odd there, so that rounding it again, to
 * float, is as if it had been exact (Boldo and Melquiond, "Emulation of FMA and correctly rounded
 * sums", 2008); the conversion flushes what is tiny.
 */
float hew_ref_bf16_fma(uint16_t a, uint16_t b, float sum);

/* What becomes of an integer sum, column j: hew_quant and hew_epilogue in kernels.h. */
typedef struct hew_ref_result {
    const hew_quant *quant;
    const float *scale, *bias;
    float alpha, beta, row_scale; /* row_scale: 1 unless rows have their own */
    hew_act act;
} hew_ref_result;

/* Stores element `at` of c; `sum` has zero points and bias in it.  add: its
 * element `at_add`, or null. */
void hew_ref_store(const hew_ref_result *r, int32_t sum, int64_t j, const void *add, int64_t at_add,
                   void *c, int64_t at);

/* The same of a sum of floats, C being F32 or BF16. */
void hew_ref_store_f32(const hew_ref_result *r, float sum, int64_t j, const void *add,
                       int64_t at_add, void *c, int64_t at);

#endif
