/* reduce_finish over the registers of this folder: src/simd/reduce_finish.h. */
#include "narrow.h"

#define HEW_REDUCE_FINISH_KERNEL hew_reduce_finish_avx512
#include "../simd/reduce_finish.h"
