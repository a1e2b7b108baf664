/* softmax_f32 and softmax_bf16 over the registers of this folder: src/simd/softmax_rows.h. */
#include "narrow.h"

#define HEW_SOFTMAX_F32 hew_softmax_f32_avx512
#define HEW_SOFTMAX_BF16 hew_softmax_bf16_avx512
#include "../simd/softmax_rows.h"

/* softmax_axis and gradients: src/simd/softmax_axis.h. */
#define HEW_SOFTMAX_AXIS hew_softmax_axis_avx512
#define HEW_SOFTMAX_GRAD hew_softmax_grad_avx512
#define HEW_SOFTMAX_AXIS_GRAD hew_softmax_axis_grad_avx512
#include "../simd/softmax_axis.h"
