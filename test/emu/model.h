/*
 * model.h - what the emulated instructions compute, one element at a time.
 *
 * Written after the operation sections of the instruction set reference, in their words where that
 * can be; it has nothing in common with the emulator.  The sums are exact before they are rounded,
 * so nothing here depends on MXCSR.
 */
#ifndef HEW_TEST_EMU_MODEL_H
#define HEW_TEST_EMU_MODEL_H

#include "emu.h"

/* a * b + c: denormals are zero in and out, one rounding to nearest even.  Of NaNs, the first. */
uint32_t model_fma(uint32_t a, uint32_t b, uint32_t c);
uint32_t model_add(uint32_t a, uint32_t b);
uint32_t model_f32_from_bf16(uint16_t x);
uint32_t model_f32_from_f16(uint16_t x);
uint16_t model_bf16_from_f32(uint32_t x);

/* One dword of a dot product: VDPBF16PS, VPDP*. */
uint32_t model_dot(emu_insn name, uint32_t sum, uint32_t a, uint32_t b);

/* Tiles and their configuration. */
typedef struct model_tiles {
    uint8_t config[64]; /* as STTILECFG writes it */
    uint8_t tile[8][16][64];
} model_tiles;
typedef enum model_fault { MODEL_OK, MODEL_UD, MODEL_GP } model_fault;
model_fault model_configure(model_tiles *t, const uint8_t config[64]);
model_fault model_zero(model_tiles *t, unsigned tile);
model_fault model_load(model_tiles *t, unsigned tile, const uint8_t *from, int64_t stride);
model_fault model_store(model_tiles *t, unsigned tile, uint8_t *to, int64_t stride);
model_fault model_multiply(model_tiles *t, emu_insn name, unsigned c, unsigned a, unsigned b);

#endif
