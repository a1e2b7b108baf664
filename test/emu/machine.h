/*
 * machine.h - for the emulator's own tests: one instruction on a whole set of registers.
 *
 * The instruction is put together here from its fields, by the manual's description of encodings
 * and not by the emulator's decoder, and runs on a page of its own with every register loaded
 * before and stored after it.  What it should have done is computed by model.h.
 */
#ifndef HEW_TEST_EMU_MACHINE_H
#define HEW_TEST_EMU_MACHINE_H

#include "emu.h"
#include "harness.h"

typedef struct machine {
    uint8_t zmm[32][64];
    uint64_t k[8];
    uint64_t gpr[16]; /* in the order of encodings: RAX RCX RDX RBX RSP RBP RSI RDI R8 ... */
    uint64_t flags;   /* the arithmetic ones, and 0x202 */
    uint32_t mxcsr;
} machine;

typedef enum addressing {
    NO_MEMORY,
    BASE,               /* (base), or (base) with disp8 = 0 where the encoding wants one */
    BASE_DISP8,
    BASE_DISP32,
    BASE_INDEX,
    BASE_INDEX_DISP8,
    BASE_INDEX_DISP32,
    INDEX_DISP32,       /* no base */
    ABSOLUTE,           /* neither base nor index */
    RIP_RELATIVE,
    ADDRESSINGS
} addressing;

typedef struct encoding {
    bool evex, w, zeroing, broadcast, addr32, always_sib;
    uint8_t pp, opcode, vl, reg, vvvv, rm, mask, segment;
    addressing how;
    uint8_t base, index, scale;
    int32_t disp;       /* in bytes */
} encoding;

static inline bool encoding_has_index(const encoding *e)
{
    return e->how >= BASE_INDEX && e->how <= INDEX_DISP32;
}

/* Writes at most 16 bytes and returns how many; `at` is where they will run, for RIP. */
enum { MAX_CODE = 16 };
size_t encode(const encoding *e, uint64_t at, uint8_t code[MAX_CODE]);

/* 0F38's prefixes. */
enum { PP_NONE, PP_66, PP_F3, PP_F2 };

/* The instruction's prefix and opcode. */
void encode_opcode(encoding *e, emu_insn name);

/* Registers, a scale, a segment and an address size for an addressing form. */
void pick_address(encoding *e, addressing how, rng *r);

/* Gives base, index and displacement values that make the memory operand lie at `target`, which is
 * below 2 GiB. */
void aim(encoding *e, machine *m, uint64_t target, uint64_t noise);

/* After it: makes the index, which is no part of a tile's address, a row stride.  Without an index
 * the stride is zero; returns what it is. */
int64_t aim_stride(encoding *e, machine *m, int64_t stride);

/* Runs `code` with m's registers, and the emulator's prefix before it if forced. */
void machine_run(machine *m, const uint8_t *code, size_t bytes, bool forced);

/* The same, catching the signals that the instruction raises: the first one's number, or 0. */
typedef struct fault_seen {
    int signal;
    uint64_t address, rip;
    bool changed; /* the general registers are not those that it began with */
} fault_seen;
fault_seen machine_try(machine *m, const uint8_t *code, size_t bytes, bool forced);

/* Call once in a test: skips it, visibly, where nothing can be emulated.  Installs the emulator
 * over handlers that machine_try needs; gives this thread a stack for signals and GS a base. */
void machine_begin(void);
void machine_end(void);
uint64_t segment_base_of(uint8_t prefix);

/* All eight tiles of 16 rows of 64 bytes; and none. */
static inline void machine_tiles(void)
{
    static const uint8_t config[64] = {
        [0] = 1, [16] = 64, [18] = 64, [20] = 64, [22] = 64, [24] = 64, [26] = 64, [28] = 64,
        [30] = 64, [48] = 16, [49] = 16, [50] = 16, [51] = 16, [52] = 16, [53] = 16, [54] = 16,
        [55] = 16};
    __asm__ volatile("ldtilecfg %0" ::"m"(config));
}
static inline void machine_release(void) { __asm__ volatile("tilerelease"); }

/* Bits of floats; with `specials`, those that are treated in a way of their own are frequent. */
uint32_t random_f32(rng *r, bool specials);

/* Where the next machine_run will put its code, the prefix counted: for RIP-relative addresses. */
uint64_t machine_code(bool forced);

/* Memory below 2 GiB with a page before and behind it that can't be touched. */
enum { PAGE = 4096, ARENA_BYTES = 2 * PAGE };
uint8_t *machine_arena(void);

#endif
