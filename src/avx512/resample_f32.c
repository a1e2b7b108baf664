/* blend_f32, taps_f32 and look_f32 over the registers of this folder: src/simd/resample_f32.h. */
#include "narrow.h"

#define HEW_BLEND_F32 hew_blend_f32_avx512
#define HEW_TAPS_F32 hew_taps_f32_avx512
#define HEW_LOOK_F32 hew_look_f32_avx512
#include "../simd/resample_f32.h"
