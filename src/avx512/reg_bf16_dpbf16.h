/*
 * reg_bf16_dpbf16.h - reg_bf16.h with AVX512_BF16's rounding: one operation instead of seven.
 *
 * It takes denormals for zeros, of which results in hew_bf16_mode have none.
 */
#define VF_TO_HALVES(x) ((__m256i)_mm512_cvtneps_pbh(x))

#include "reg_bf16.h"
