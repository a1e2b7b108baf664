/* copy_rows on AVX-512. */
#include "lanes.h"

#define HEW_COPY_ROWS hew_copy_rows_avx512
#include "../simd/copy_rows.h"
