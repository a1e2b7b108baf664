/* step_f32 of bf16 alone, rounded by AVX512_BF16: src/simd/step_f32.h. */
#include "narrow.h"
#include "pair_dpbf16.h"
#include "stream.h"

#define HEW_WALK_BF16_ALONE 1
#define HEW_STEP_F32 hew_step_f32_avx512_bf16
#define HEW_STEP_NEXT hew_step_f32_avx512
#include "../simd/step_f32.h"
