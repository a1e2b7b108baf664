/* softmax_f32 over the registers of this folder: src/simd/softmax_f32.h. */
#include "simd.h"

#define HEW_SOFTMAX_F32 hew_softmax_f32_avx2
#include "../simd/softmax_f32.h"
