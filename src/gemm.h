/* gemm.h - a created GEMM: its descriptor with every default filled in, and what was decided. */
#ifndef HEW_GEMM_INTERNAL_H
#define HEW_GEMM_INTERNAL_H

#include "kernels.h"

struct hew_gemm {
    hew_gemm_desc d; /* no zero left that stands for something else; batch >= 0 */
    const hew_kernel *kernel;
    size_t packed_bytes;
};

#endif
