/* random_fill and dropout over the registers of this folder: src/simd/random.h. */
#include "narrow.h"
#include "multiply.h"

#define HEW_RANDOM_FILL_KERNEL hew_random_fill_avx512
#define HEW_DROPOUT_KERNEL hew_dropout_avx512
#include "../simd/random.h"
