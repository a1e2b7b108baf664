/* pooling_f32 over the registers of this folder: src/simd/pooling_f32.h. */
#include "simd.h"

#define HEW_POOLING_F32 hew_pooling_f32_avx2
#include "../simd/pooling_f32.h"
