/*
 * conv_amx.h - one task of a convolution in tile registers.
 */
#ifndef HEW_CONV_AMX_H
#define HEW_CONV_AMX_H

#include "conv.h"

typedef struct hew_amx_task {
    const hew_conv *op;
    const hew_conv_args *args;
    size_t group, image, row, column; /* where its band of outputs begins */
    hew_amx_band size;
    const char *in;   /* the group's first channel of the batch's first pixel */
    const char *base; /* A's first row */
} hew_amx_task;

/* The band's input with its padding in place: op->amx.copy_bytes at most. */
void hew_amx_copy(const hew_amx_task *task, uint8_t pad, char *to);

/* Bytes from a position to where a tap lies under it. */
size_t hew_amx_tap(const hew_amx_task *task, int64_t depth, int64_t down, int64_t across);

#endif
