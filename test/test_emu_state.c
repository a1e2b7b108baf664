/*
 * The emulator and the state around an instruction: what the CPU can do itself, registers that a
 * frame leaves out, the stack, errno; and encodings that are nearly right.
 */
#include "harness.h"

#include "emu/emu.h"
#include "emu/machine.h"
#include "emu/model.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Behind an instruction that the CPU lacks, one that it has is left to it. */
static void native_ones_are_left_alone(void)
{
    machine_begin();
    machine_tiles();
    const uint64_t before = emu_count(EMU_VDPBF16PS);
    __asm__ volatile("tilezero %%tmm0\n\t"
                     ".byte 0x62, 0xf2, 0x66, 0x08, 0x52, 0xe3" ::: "xmm4"); /* xmm4, xmm3, xmm3 */
    const bool native = (emu_native() & EMU_AVX512_BF16) != 0;
    assert_int_equal(emu_count(EMU_VDPBF16PS) - before, native ? 0 : 1);
    machine_release();
    machine_end();
}

/* XRSTOR puts the vector registers into their initial state, which a frame need not spell out:
 * what is written then must count, and what is read must be zero. */
static void initial_state(void)
{
    static _Alignas(64) uint8_t image[4096];
    static _Alignas(64) uint32_t floats[16];
    static _Alignas(64) uint16_t got[2][32];
    const uint32_t mxcsr = 0x1F80;
    machine_begin();
    rng r = case_rng("zmm5 and zmm17 from nothing");
    for (int i = 0; i < 16; i++)
        floats[i] = random_f32(&r, true);
    memcpy(image + 24, &mxcsr, sizeof mxcsr);
    __asm__ volatile("pxor %%xmm5, %%xmm5\n\t"
                     "xrstor %1\n\t"
                     ".byte 0x0f, 0x0b, 'h', 'e', 'w'\n\t"
                     ".byte 0x62, 0xe2, 0x7e, 0x48, 0x72, 0x09\n\t" /* vcvtneps2bf16 ymm17, m */
                     ".byte 0x0f, 0x0b, 'h', 'e', 'w'\n\t"
                     ".byte 0x62, 0xf2, 0x57, 0x48, 0x72, 0x29\n\t" /* vcvtne2ps2bf16 zmm5 */
                     "vmovdqa64 %%zmm17, (%2)\n\t"
                     "vmovdqa64 %%zmm5, 64(%2)\n\t"
                     "vzeroupper"
                     :
                     : "c"(floats), "m"(image), "r"(got), "a"(0xE4), "d"(0)
                     : "xmm5", "memory");
    for (int i = 0; i < 32; i++) {
        const uint16_t want = i < 16 ? model_bf16_from_f32(floats[i]) : 0;
        if (got[0][i] != want || got[1][i] != want)
            fail_case("word %d is %#x and %#x, want %#x", i, got[0][i], got[1][i], want);
    }
    machine_end();
}

static void errno_is_kept(void)
{
    machine_begin();
    errno = 4321;
    machine_tiles();
    machine_release();
    assert_int_equal(errno, 4321);
    machine_end();
}

/* What a leaf function keeps below RSP is still there after a trap. */
static void red_zone(void)
{
    unsigned long kept;
    machine_begin();
    machine_tiles();
    __asm__ volatile("movabs $0x1122334455667788, %0\n\t"
                     "mov %0, -8(%%rsp)\n\t"
                     "mov %0, -128(%%rsp)\n\t"
                     "tilezero %%tmm0\n\t"
                     "mov -128(%%rsp), %0\n\t"
                     "and -8(%%rsp), %0"
                     : "=&r"(kept)
                     :
                     : "memory");
    machine_release();
    machine_end();
    assert_int_equal(kept, 0x1122334455667788);
}

/* ------------------------------------------------------------- nearly right --------------- */

/* The fields of a VEX instruction with register operands; numbers of tiles may be too large. */
typedef struct vex {
    uint8_t opcode, pp, reg, rm, vvvv;
    bool w, l;
} vex;

/* By the manual's opcode tables, with all tiles configured as 16 x 64 bytes. */
static bool is_legal(const vex *v)
{
    if (v->w || v->l)
        return false;
    if (v->opcode == 0x49 && v->pp == PP_NONE) /* TILERELEASE has all of ModRM for its opcode */
        return v->vvvv == 0 && v->reg % 8 == 0 && v->rm % 8 == 0;
    if (v->opcode == 0x49)
        return v->pp == PP_F2 && v->vvvv == 0 && v->reg < 8 && v->rm % 8 == 0;
    if (v->opcode == 0x4B || (v->opcode == 0x5C && v->pp < PP_F3))
        return false;
    return v->reg < 8 && v->rm < 8 && v->vvvv < 8 && v->reg != v->rm && v->reg != v->vvvv &&
           v->rm != v->vvvv;
}

static vex random_vex(rng *r)
{
    static const uint8_t opcodes[] = {0x49, 0x4B, 0x5C, 0x5E};
    const int top = rng_chance(r, 6) ? 15 : 7;
    return (vex){
        .opcode = opcodes[rng_between(r, 0, 3)],
        .pp = (uint8_t)rng_between(r, 0, 3),
        .reg = rng_chance(r, 3) ? 0 : (uint8_t)rng_between(r, 0, top),
        .rm = rng_chance(r, 3) ? 0 : (uint8_t)rng_between(r, 0, top),
        .vvvv = rng_chance(r, 3) ? 0 : (uint8_t)rng_between(r, 0, top),
        .w = rng_chance(r, 10),
        .l = rng_chance(r, 10),
    };
}

/* On a CPU with AMX these go to it, but for AMX-FP16's opcode, which it may not have. */
static void register_encodings(void)
{
    machine_begin();
    emu_expect_faults(true);
    unsigned legal = 0;
    enum { CASES = 1500 };
    for (int n = 0; n < CASES; n++) {
        rng r = case_rng("#%d", n);
        const vex v = random_vex(&r);
        if (v.opcode == 0x5C && v.pp == PP_F2 && (emu_native() & EMU_AMX) != 0)
            continue;
        encoding e = {.opcode = v.opcode, .pp = v.pp, .reg = v.reg, .rm = v.rm, .vvvv = v.vvvv,
                      .w = v.w, .vl = v.l};
        machine m = {.flags = 0x202, .mxcsr = 0x1F80};
        uint8_t code[MAX_CODE];
        machine_tiles();
        const size_t bytes = encode(&e, machine_code(false), code);
        const fault_seen got = machine_try(&m, code, bytes, false);
        if (got.signal != (is_legal(&v) ? 0 : SIGILL))
            fail_case("opcode %x, prefix %d, tiles %d %d %d, W %d, L %d: signal %d", v.opcode, v.pp,
                      v.reg, v.rm, v.vvvv, v.w, v.l, got.signal);
        legal += is_legal(&v);
    }
    machine_release();
    machine_end();
    printf("covered: %u of %d encodings are instructions\n", legal, CASES);
}

static const test tests[] = {
    {"native_ones_are_left_alone", native_ones_are_left_alone},
    {"initial_state", initial_state},
    {"errno_is_kept", errno_is_kept},
    {"red_zone", red_zone},
    {"register_encodings", register_encodings},
};
int main(void) { return run_once("emu_state", TESTS(tests)); }
