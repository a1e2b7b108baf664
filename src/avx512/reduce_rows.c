/* reduce_rows over the registers of this folder: src/simd/reduce_rows.h. */
#include "narrow.h"

#define HEW_REDUCE_ROWS_KERNEL hew_reduce_rows_avx512
#include "../simd/reduce_rows.h"
