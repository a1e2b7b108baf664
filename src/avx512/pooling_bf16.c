/* pooling_bf16 over the registers of this folder: src/simd/pooling_bf16.h. */
#include "narrow.h"

#define HEW_POOLING_BF16 hew_pooling_bf16_avx512
#include "../simd/pooling_bf16.h"
