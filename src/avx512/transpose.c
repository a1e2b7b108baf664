/* transpose on AVX-512. */
#include "lanes.h"

#define HEW_TRANSPOSE hew_transpose_avx512
#define HEW_TRANSPOSE_F32 hew_transpose_f32_avx512
#include "../simd/transpose.h"
