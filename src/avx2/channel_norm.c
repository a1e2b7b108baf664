/* channel_norm over the registers of this folder: src/simd/channel_norm.h and what follows it. */
#include <math.h>

#include "narrow.h"

#define HEW_CHANNEL_NORM hew_channel_norm_avx2
#define HEW_CHANNEL_NORM_APPLY hew_channel_norm_apply_avx2
#include "../simd/channel_norm.h"

#define HEW_CHANNEL_NORM_BACKWARD hew_channel_norm_backward_avx2
#define HEW_CHANNEL_NORM_BACKWARD_APPLY hew_channel_norm_backward_apply_avx2
#include "../simd/channel_norm_backward.h"

#define HEW_CHANNEL_NORM_SUMS hew_channel_norm_sums_avx2
#define HEW_CHANNEL_NORM_LINES hew_channel_norm_lines_avx2
#include "../simd/channel_finish.h"
