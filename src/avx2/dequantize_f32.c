/* dequantize_f32 over the registers of this folder: src/simd/dequantize_f32.h. */
#include "narrow.h"

#define HEW_DEQUANTIZE_F32 hew_dequantize_f32_avx2
#include "../simd/dequantize_f32.h"
