/*
 * dwconv_s8.h - depthwise convolution of bytes: what its two files share.
 */
#ifndef HEW_DWCONV_S8_INTERNAL_H
#define HEW_DWCONV_S8_INTERNAL_H

#include "conv.h"

/* Block i of channels: its first, how many, and which of the kernels serves it. */
typedef struct hew_dwconv_s8_part {
    size_t channel, n;
    int width;
} hew_dwconv_s8_part;
hew_dwconv_s8_part hew_dwconv_s8_part_of(const hew_conv *op, size_t i);
char *hew_dwconv_s8_packed(const hew_conv *op, const void *packed, hew_dwconv_s8_part part);

/* How far apart the slots of the taps of a row, and of the rows, are. */
typedef struct hew_dwconv_s8_slots {
    size_t tap, row;
} hew_dwconv_s8_slots;
hew_dwconv_s8_slots hew_dwconv_s8_slots_of(const hew_conv *op);

#endif
