/* cumsum and topk_keys over the registers of this folder: src/simd/order.h. */
#include "narrow.h"

#define HEW_CUMSUM_KERNEL hew_cumsum_avx512
#define HEW_TOPK_KEYS_KERNEL hew_topk_keys_avx512
#include "../simd/order.h"
