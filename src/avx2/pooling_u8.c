/* pooling_u8 over the registers of this folder: src/simd/pooling_int8.h. */
#include "bytes.h"

#define HEW_POOLING_INT8 hew_pooling_u8_avx2
#define HEW_POOLING_SIGNED 0
#include "../simd/pooling_int8.h"
