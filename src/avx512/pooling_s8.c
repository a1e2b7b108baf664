/* pooling_s8 over the registers of this folder: src/simd/pooling_int8.h. */
#include "bytes.h"

#define HEW_POOLING_INT8 hew_pooling_s8_avx512
#define HEW_POOLING_SIGNED 1
#include "../simd/pooling_int8.h"
