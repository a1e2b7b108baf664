/*
 * emu.h - runs the instructions that this machine lacks, and shows the library other CPUs.
 *
 *     if (emu_missing() != NULL) skip();       // says why, if it can't work here
 *     emu_install();                           // from here on AMX code just runs
 *     ...
 *     emu_remove();
 *
 * An instruction that the CPU doesn't know raises SIGILL; the emulator decodes it, carries it out
 * on the registers in the signal frame, and goes on behind it.  See docs/emulation.md.
 */
#ifndef HEW_TEST_EMU_H
#define HEW_TEST_EMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What can be carried out.  AMX-FP16 counts apart from AMX: Sapphire Rapids doesn't have it. */
typedef enum emu_feature {
    EMU_AMX = 1,
    EMU_AMX_FP16 = 2,
    EMU_AVX512_BF16 = 4,
    EMU_AVX512_VNNI = 8,
    EMU_AVX_VNNI = 16
} emu_feature;

/* Name, feature. */
#define EMU_INSNS(X) \
    X(LDTILECFG, AMX) X(STTILECFG, AMX) X(TILERELEASE, AMX) X(TILEZERO, AMX) \
    X(TILELOADD, AMX) X(TILELOADDT1, AMX) X(TILESTORED, AMX) \
    X(TDPBSSD, AMX) X(TDPBSUD, AMX) X(TDPBUSD, AMX) X(TDPBUUD, AMX) X(TDPBF16PS, AMX) \
    X(TDPFP16PS, AMX_FP16) \
    X(VDPBF16PS, AVX512_BF16) X(VCVTNEPS2BF16, AVX512_BF16) X(VCVTNE2PS2BF16, AVX512_BF16) \
    X(VPDPBUSD, AVX512_VNNI) X(VPDPBUSDS, AVX512_VNNI) X(VPDPWSSD, AVX512_VNNI) \
    X(VPDPWSSDS, AVX512_VNNI) \
    X(VEX_VPDPBUSD, AVX_VNNI) X(VEX_VPDPBUSDS, AVX_VNNI) X(VEX_VPDPWSSD, AVX_VNNI) \
    X(VEX_VPDPWSSDS, AVX_VNNI)
typedef enum emu_insn {
#define X(name, feature) EMU_##name,
    EMU_INSNS(X)
#undef X
    EMU_INSN_COUNT
} emu_insn;

/* ------------------------------------------------------------------------- the emulator ---- */

/* Why nothing can be emulated here (no AVX-512 to compute with), or null. */
const char *emu_missing(void);

/* The features that the CPU has itself: their instructions are not emulated unless forced to. */
unsigned emu_native(void);

/*
 * Takes SIGILL, SIGSEGV and SIGBUS.  What isn't the emulator's business goes to the handlers that
 * it found; a handler installed over it is found in turn at the next trap.  Does nothing the
 * second time.
 */
void emu_install(void);
void emu_remove(void);

/*
 * Gives the calling thread a stack of its own for signal handlers, for code that uses RSP for other
 * things or runs on a very small stack.  Ordinary threads need none.
 */
void emu_thread_stack(void);

/* Before an instruction, has it emulated even if the CPU knows it. */
#define EMU_FORCE "\x0f\x0b" "hew"
enum { EMU_FORCE_BYTES = 5 };

/* How many have run so far, in all threads. */
uint64_t emu_count(emu_insn which);
const char *emu_name(emu_insn which);
emu_feature emu_feature_of(emu_insn which);

/*
 * What the last fault was, in words.  It is also printed, since a fault is a bug in a kernel;
 * emu_expect_faults(true) keeps quiet about those that a test provokes.
 */
const char *emu_last_fault(void);
void emu_expect_faults(bool expected);

/* ------------------------------------------------------------------------- other CPUs ------ */

typedef enum emu_cpu {
    EMU_PENTIUM_4,        /* no AVX; CPUID ends before leaf 7 */
    EMU_NEHALEM,          /* no AVX; no XSAVE switched on */
    EMU_SKYLAKE_X,        /* AVX-512 */
    EMU_CASCADE_LAKE,     /* and AVX512_VNNI */
    EMU_COOPER_LAKE,      /* and AVX512_BF16 */
    EMU_ALDER_LAKE,       /* AVX2 and AVX-VNNI */
    EMU_SAPPHIRE_RAPIDS,  /* everything, AMX included */
    EMU_SPR_DENIED,       /* Sapphire Rapids whose system refuses the permission to use tiles */
    EMU_SPR_OLD_KERNEL,   /* ... whose system knows no such permission */
    EMU_SPR_NO_TILES,     /* ... doesn't save tiles (XCR0) */
    EMU_SPR_NO_ZMM,       /* ... nor ZMM registers */
    EMU_SPR_NO_YMM,       /* ... nor YMM registers */
    EMU_SPR_NO_XSAVE,     /* ... has no XSAVE switched on */
    EMU_HOST_PLUS,        /* this machine, and everything that can be emulated on it */
    EMU_CPU_COUNT
} emu_cpu;

/*
 * From here on the library's detection sees this CPU, which installs the emulator if that must run
 * for it.  Null, or why it can't be done.  Once in a process, before the library is asked anything.
 */
const char *emu_present(emu_cpu cpu);
const char *emu_cpu_name(emu_cpu cpu);
unsigned emu_permission_requests(void);

/* The CPUID and XGETBV instructions that emu_present exchanges: those of src/core/cpu.c. */
typedef struct emu_site {
    uintptr_t at;
    bool xgetbv;
} emu_site;
enum { EMU_MAX_SITES = 128 };
size_t emu_find_sites(emu_site sites[EMU_MAX_SITES], uintptr_t *load_bias);

#endif
