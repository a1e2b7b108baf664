/* lrn over the registers of this folder: src/simd/lrn.h. */
#include "narrow.h"

#define HEW_LRN hew_lrn_avx512
#define HEW_LRN_BACKWARD hew_lrn_backward_avx512
#include "../simd/lrn.h"
