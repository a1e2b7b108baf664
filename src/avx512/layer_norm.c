/* layer_norm over the registers of this folder: src/simd/layer_norm.h and layer_norm_backward.h. */
#include "narrow.h"

#define HEW_LAYER_NORM_FORWARD hew_layer_norm_avx512
#include "../simd/layer_norm.h"

#define HEW_LAYER_NORM_BACKWARD hew_layer_norm_backward_avx512
#include "../simd/layer_norm_backward.h"
