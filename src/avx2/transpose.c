/* transpose on AVX2. */
#include "lanes.h"

#define HEW_TRANSPOSE hew_transpose_avx2
#define HEW_TRANSPOSE_F32 hew_transpose_f32_avx2
#include "../simd/transpose.h"
