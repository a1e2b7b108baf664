/* range_f32 over the registers of this folder: src/simd/range_f32.h. */
#include "simd.h"

#define HEW_RANGE_F32 hew_range_f32_avx2
#include "../simd/range_f32.h"
