/* act_f32 over the registers of this folder: src/simd/act_f32.h. */
#include "narrow.h"
#include "stream.h"

#include "../simd/pair.h"

#define HEW_ACT_F32 hew_act_f32_avx2
#include "../simd/act_f32.h"
