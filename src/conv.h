/* conv.h - a created convolution: its descriptor with every default filled in, and its plan. */
#ifndef HEW_CONV_INTERNAL_H
#define HEW_CONV_INTERNAL_H

#include "kernels.h"

struct hew_conv {
    hew_conv_desc d; /* always 3-D: unused ranks lead with extent 1; no zero defaults left */
    int64_t out[3];
    int rank;
    const hew_kernel *kernel;
    size_t packed_bytes;
};

#endif
