/* pick on AVX2. */
#include "lanes.h"

#define HEW_PICK hew_pick_avx2
#include "../simd/pick.h"
