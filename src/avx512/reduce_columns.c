/* reduce_columns over the registers of this folder: src/simd/reduce_columns.h. */
#include "narrow.h"

#define HEW_REDUCE_COLUMNS_KERNEL hew_reduce_columns_avx512
#include "../simd/reduce_columns.h"
