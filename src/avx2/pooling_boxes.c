/* pooling_lp, _index and _grad over the registers of this folder: src/simd/pooling_boxes.h. */
#include "narrow.h"

#define HEW_KERNEL_LP hew_pooling_lp_avx2
#define HEW_KERNEL_INDEX hew_pooling_index_avx2
#define HEW_KERNEL_GRAD hew_pooling_grad_avx2
#define HEW_KERNEL_LP_GRAD hew_pooling_lp_grad_avx2
#include "../simd/pooling_boxes.h"
