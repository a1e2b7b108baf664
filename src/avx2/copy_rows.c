/* copy_rows on AVX2. */
#include "lanes.h"

#define HEW_COPY_ROWS hew_copy_rows_avx2
#include "../simd/copy_rows.h"
