/* quantize_f32 over the registers of this folder: src/simd/quantize_f32.h. */
#include "narrow.h"

#define HEW_QUANTIZE_F32 hew_quantize_f32_avx512
#include "../simd/quantize_f32.h"
