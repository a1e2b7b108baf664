/* reduce_find and reduce_places over the registers of this folder: src/simd/reduce_places.h. */
#include "narrow.h"

#define HEW_REDUCE_FIND_KERNEL hew_reduce_find_avx2
#define HEW_REDUCE_PLACES_KERNEL hew_reduce_places_avx2
#include "../simd/reduce_places.h"
