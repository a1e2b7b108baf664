/* emu_internal.h - what the emulator's files know of each other. */
#ifndef HEW_TEST_EMU_INTERNAL_H
#define HEW_TEST_EMU_INTERNAL_H

#include "emu.h"

#include <signal.h>
#include <ucontext.h>

/* ---------------------------------------------------------- the frame of the signal -------- */

/* The registers of the interrupted program: what sigreturn will load. */
typedef struct frame {
    greg_t *gpr;    /* in the order of sys/ucontext.h */
    uint8_t *xsave; /* in XSAVE's standard format */
} frame;

typedef struct vec {
    _Alignas(64) uint8_t byte[64];
} vec;

/* Reads once where XSAVE keeps what; false if that isn't all of AVX-512. */
bool frame_layout(void);
bool frame_of(frame *f, ucontext_t *context);
uint64_t frame_gpr(const frame *f, unsigned number);
void frame_get_vec(const frame *f, unsigned number, vec *v);
void frame_put_vec(const frame *f, unsigned number, const vec *v); /* all 64 bytes */
uint64_t frame_get_mask(const frame *f, unsigned number);

/* ------------------------------------------------------------------ an instruction --------- */

/* The encoding's fields with their inversions undone. */
typedef struct insn {
    const uint8_t *at;
    size_t length;
    bool evex, w, zeroing, broadcast, memory, sib;
    unsigned pp, vl_code, opcode, modrm;
    unsigned reg, vvvv, rm, mask;
    uint64_t base, index; /* address: base and displacement; index times scale */
    uint64_t segment, address_mask;
} insn;

/* False if it isn't VEX or EVEX, map 0F38. */
bool decode(const frame *f, insn *i);

/* Where its memory operand lies, `offset` bytes from base and displacement. */
static inline uint8_t *insn_address(const insn *i, uint64_t offset)
{
    return (uint8_t *)(i->segment + ((i->base + offset) & i->address_mask));
}

/* The program's memory, in accesses that no sanitizer sees, as it sees none of the kernels'. */
static inline void guest_copy(void *to, const void *from, size_t bytes)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes)::"memory");
}

typedef enum outcome {
    DONE,
    NOT_KNOWN, /* no encoding of ours */
    FAULT_UD,  /* SIGILL */
    FAULT_GP   /* SIGSEGV */
} outcome;

/* Notes why, for the report. */
__attribute__((format(printf, 2, 3))) outcome fault(outcome kind, const char *format, ...);

/* A CPU finds fault in MXCSR = 9FC0: denormals are zero, to nearest even, all masked. */
enum { MXCSR_DAZ_FTZ_RNE = 0x9FC0 };

/* Decides which instruction it is, and runs it with MXCSR as above. */
bool identify(const insn *i, emu_insn *name);
outcome execute(const frame *f, const insn *i, emu_insn name);

outcome execute_tile(const insn *i, emu_insn name);
outcome execute_vector(const frame *f, const insn *i, emu_insn name);

/* ---------------------------------------------------------------------- arithmetic --------- */

typedef struct tile {
    _Alignas(64) uint8_t row[16][64];
} tile;

/* c[m x n] += a[m x 4k] * b[4k x n], dword by dword; columns past n become zero. */
void tile_dot_bytes(tile *c, const tile *a, const tile *b, int m, int n, int k, bool a_signed,
                    bool b_signed);
void tile_dot_pairs(tile *c, const tile *a, const tile *b, int m, int n, int k, bool fp16);

/* VDPBF16PS for 16 lanes. */
void vector_dot_bf16(vec *sum, const vec *a, const vec *b);

/* ------------------------------------------------------------------------- identity -------- */

/* Answers a CPUID or XGETBV that emu_present exchanged; false if there is none here. */
bool identity_answer(greg_t *gpr);

/* The host's own answers, from instructions that are left alone. */
typedef struct cpuid_leaf {
    uint32_t eax, ebx, ecx, edx;
} cpuid_leaf;
cpuid_leaf host_cpuid(uint32_t number, uint32_t sub);
uint64_t host_xcr0(void);

/* Has the system's answers to requests for tiles come from permission(). */
typedef enum permission {
    PERMISSION_GRANTED,
    PERMISSION_DENIED,
    PERMISSION_UNKNOWN
} permission;
const char *permission_present(permission p);

#endif
