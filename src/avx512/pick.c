/* pick on AVX-512. */
#include "lanes.h"

#define HEW_PICK hew_pick_avx512
#include "../simd/pick.h"
