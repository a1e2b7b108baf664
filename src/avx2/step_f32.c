/* step_f32 over the registers of this folder: src/simd/step_f32.h. */
#include "narrow.h"
#include "stream.h"

#include "../simd/pair.h"

#define HEW_STEP_F32 hew_step_f32_avx2
#include "../simd/step_f32.h"
