/*
 * The emulator's AVX512_BF16, AVX512_VNNI and AVX-VNNI: every form of every instruction against the
 * model, and against the CPU where it has the instruction itself.
 */
#include "harness.h"

#include "emu/emu.h"
#include "emu/machine.h"
#include "emu/model.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { REPEAT = 4 };
enum masking { UNMASKED, MERGED, ZEROED, MASKINGS };
enum source { REGISTER, MEMORY, BROADCAST, SOURCES };

static uint32_t random_dword(rng *r, emu_insn name, bool specials)
{
    if (name > EMU_VCVTNE2PS2BF16)
        return (uint32_t)rng_next(r);
    if (name != EMU_VDPBF16PS || rng_chance(r, 2))
        return random_f32(r, specials);
    return (random_f32(r, specials) & 0xFFFF0000) | random_f32(r, specials) >> 16;
}

static void fill_bits(rng *r, emu_insn name, void *to, size_t bytes)
{
    const bool specials = rng_chance(r, 2);
    for (size_t i = 0; i < bytes; i += 4) {
        const uint32_t x = random_dword(r, name, specials);
        memcpy((uint8_t *)to + i, &x, 4);
    }
}

/* --------------------------------------------------------------------- expectation --------- */

typedef struct form {
    emu_insn name;
    unsigned vl;
    enum source source;
    enum masking masking;
} form;

static uint32_t get(const uint8_t *v, unsigned n)
{
    uint32_t x;
    memcpy(&x, v + 4 * n, 4);
    return x;
}

static uint16_t convert(const form *f, const uint8_t *a, const uint8_t *b, unsigned n)
{
    const unsigned lanes = 4u << f->vl;
    return model_bf16_from_f32(n < lanes ? get(b, n) : get(a, n - lanes));
}

/* What the destination becomes: `b` is the last operand, with a broadcast carried out. */
static void expect(const form *f, const encoding *e, const uint8_t b[64], machine *m)
{
    const unsigned lanes = 4u << f->vl;
    const bool narrow = f->name == EMU_VCVTNEPS2BF16, pack = f->name == EMU_VCVTNE2PS2BF16;
    const unsigned elements = pack ? 2 * lanes : lanes, bytes = narrow || pack ? 2 : 4;
    const uint64_t mask = f->masking == UNMASKED ? ~UINT64_C(0) : m->k[e->mask];
    uint8_t result[64] = {0}, a[64];
    memcpy(a, m->zmm[e->vvvv], 64);
    for (unsigned n = 0; n < elements; n++) {
        uint32_t value = 0;
        if ((mask >> n & 1) != 0)
            value = bytes == 2 ? convert(f, a, b, n)
                               : model_dot(f->name, get(m->zmm[e->reg], n), get(a, n), get(b, n));
        else if (f->masking == MERGED)
            memcpy(&value, m->zmm[e->reg] + bytes * n, bytes);
        memcpy(result + bytes * n, &value, bytes);
    }
    memcpy(m->zmm[e->reg], result, 64);
}

/* -------------------------------------------------------------------------- a case --------- */

static void random_machine(rng *r, const form *f, machine *m)
{
    fill_bits(r, f->name, m->zmm, sizeof m->zmm);
    for (int k = 0; k < 8; k++)
        m->k[k] = rng_next(r);
    for (int g = 0; g < 16; g++)
        m->gpr[g] = rng_next(r);
    m->flags = 0x202 | (rng_next(r) & 0x8D5);
    m->mxcsr = 0x1F80 | (uint32_t)(rng_next(r) & 0xE040); /* any rounding, FTZ, DAZ */
}

static encoding random_encoding(rng *r, const form *f, addressing how)
{
    encoding e = {.vl = (uint8_t)f->vl, .how = NO_MEMORY};
    encode_opcode(&e, f->name);
    const int last = e.evex ? 31 : 15;
    e.reg = (uint8_t)rng_between(r, 0, last);
    e.vvvv = f->name == EMU_VCVTNEPS2BF16 ? 0 : (uint8_t)rng_between(r, 0, last);
    e.rm = (uint8_t)rng_between(r, 0, last);
    e.broadcast = f->source == BROADCAST;
    e.zeroing = f->masking == ZEROED;
    e.mask = f->masking == UNMASKED ? 0 : (uint8_t)rng_between(r, 1, 7);
    if (f->source != REGISTER)
        pick_address(&e, how, r);
    return e;
}

static void compare(const form *f, const char *what, const machine *want, const machine *got)
{
    for (int i = 0; i < 32; i++)
        for (unsigned n = 0; n < 16; n++)
            if (get(want->zmm[i], n) != get(got->zmm[i], n))
                fail_case("%s, %s: zmm%d[%u] is %#x, want %#x", emu_name(f->name), what, i, n,
                          get(got->zmm[i], n), get(want->zmm[i], n));
    if (memcmp(want->k, got->k, sizeof want->k) != 0)
        fail_case("%s, %s: a mask register changed", emu_name(f->name), what);
    if (memcmp(want->gpr, got->gpr, sizeof want->gpr) != 0)
        fail_case("%s, %s: a general register changed", emu_name(f->name), what);
    if (want->flags != got->flags || want->mxcsr != got->mxcsr)
        fail_case("%s, %s: flags %#lx, want %#lx; MXCSR %#x, want %#x", emu_name(f->name), what,
                  (unsigned long)got->flags, (unsigned long)want->flags, got->mxcsr, want->mxcsr);
}

static void run_as(const form *f, encoding *e, machine *m, bool forced)
{
    uint8_t code[MAX_CODE];
    const size_t bytes = encode(e, 0, code);
    encode(e, machine_code(forced), code);
    const uint64_t before = emu_count(f->name);
    machine_run(m, code, bytes, forced);
    const bool emulated = forced || (emu_native() & emu_feature_of(f->name)) == 0;
    if (emu_count(f->name) != before + emulated)
        fail_case("%s: counted %lu times", emu_name(f->name),
                  (unsigned long)(emu_count(f->name) - before));
}

/* True if the CPU had a say too. */
static bool run_case(rng *r, const form *f, addressing how)
{
    machine before, want, got;
    uint8_t b[64];
    random_machine(r, f, &before);
    encoding e = random_encoding(r, f, how);
    const unsigned bytes = f->source == BROADCAST ? 4 : 16u << f->vl;
    const bool at_end = rng_chance(r, 2);
    uint8_t *const operand = machine_arena() + (at_end ? ARENA_BYTES - bytes
                                                       : (size_t)rng_between(r, 0, 4096));
    if (e.how != NO_MEMORY) {
        fill_bits(r, f->name, operand, bytes);
        aim(&e, &before, (uintptr_t)operand, rng_next(r));
    }
    for (unsigned n = 0; n < 64; n += 4)
        memcpy(b + n, e.how == NO_MEMORY ? before.zmm[e.rm] + n
                      : operand + (f->source == BROADCAST ? 0 : n % bytes), 4);
    want = got = before;
    expect(f, &e, b, &want);
    run_as(f, &e, &got, true);
    compare(f, "emulated", &want, &got);
    got = before;
    run_as(f, &e, &got, false);
    const bool native = (emu_native() & emu_feature_of(f->name)) != 0;
    compare(f, native ? "by the CPU" : "trapped", &want, &got);
    return native;
}

/* ----------------------------------------------------------------------------- tests ------- */

/* Runs each form with each addressing, and lists what it ran. */
static void all_forms(emu_insn name)
{
    static const char *const vls[] = {"xmm", "ymm", "zmm"};
    static const char *const sources[] = {"register", "memory", "broadcast"};
    static const char *const maskings[] = {"unmasked", "merged", "zeroed"};
    static const char *const addressings[] = {"", "(b)", "d8(b)", "d32(b)", "(b,i)", "d8(b,i)",
                                              "d32(b,i)", "d32(,i)", "d32", "d32(rip)"};
    encoding e = {0};
    encode_opcode(&e, name);
    unsigned forms = 0, cases = 0, native = 0;
    rng r = case_rng("%s", emu_name(name));
    for (unsigned vl = 0; vl < (e.evex ? 3 : 2); vl++)
        for (int s = REGISTER; s < (e.evex ? SOURCES : BROADCAST); s++)
            for (int k = UNMASKED; k < (e.evex ? MASKINGS : MERGED); k++, forms++)
                for (int how = BASE; how < ADDRESSINGS; how++)
                    for (int again = 0; again < REPEAT; again++, cases++) {
                        const form f = {name, vl, (enum source)s, (enum masking)k};
                        r = case_rng("%s %s %s %s %s #%d", emu_name(name), vls[vl], sources[s],
                                     maskings[k], s == REGISTER ? "" : addressings[how], again);
                        native += run_case(&r, &f, (addressing)how);
                    }
    printf("covered: %-16s %2u forms of length, source and mask, %d addressings, %4u cases, %s\n",
           emu_name(name), forms, ADDRESSINGS - 1, cases,
           native > 0 ? "and the CPU agrees" : "which the CPU lacks");
}

static void every_form(void)
{
    machine_begin();
    for (int name = EMU_VDPBF16PS; name < EMU_INSN_COUNT; name++)
        all_forms((emu_insn)name);
    machine_end();
}

/* ---------------------------------------------------------------------- faults ------------- */

/* What became of an instruction, by the emulator or by the CPU. */
typedef struct result {
    fault_seen fault;
    machine m;
} result;

static result attempt(const encoding *e, const machine *before, bool forced)
{
    result r = {.m = *before};
    uint8_t code[MAX_CODE];
    const uint64_t at = machine_code(forced);
    r.fault = machine_try(&r.m, code, encode(e, at, code), forced);
    r.fault.rip -= at - (forced ? EMU_FORCE_BYTES : 0);
    return r;
}

static void check_same(const form *f, const result *emulated, const result *by_cpu)
{
    const uint64_t page = ~(uint64_t)(PAGE - 1);
    const fault_seen a = emulated->fault, b = by_cpu->fault;
    if (a.signal != b.signal || a.rip != b.rip || a.changed || b.changed ||
        (a.signal == SIGSEGV && (a.address & page) != (b.address & page)))
        fail_case("%s: emulated, signal %d at %#lx for %#lx; by the CPU, %d at %#lx for %#lx",
                  emu_name(f->name), a.signal, (unsigned long)a.rip, (unsigned long)a.address,
                  b.signal, (unsigned long)b.rip, (unsigned long)b.address);
    if (a.signal == 0)
        compare(f, "emulated and by the CPU", &by_cpu->m, &emulated->m);
}

/* Lanes behind the end of memory: a mask keeps the CPU from reading them, or doesn't. */
static void masked_fault(rng *r, const form *f)
{
    machine before;
    random_machine(r, f, &before);
    encoding e = random_encoding(r, f, BASE_DISP32);
    const unsigned lanes = 4u << f->vl, behind = (unsigned)rng_between(r, 1, lanes);
    const unsigned inside = f->source == BROADCAST ? 0 : lanes - behind;
    if (rng_chance(r, 2)) /* all those behind are masked off */
        before.k[e.mask] &= (UINT64_C(1) << inside) - 1;
    aim(&e, &before, (uintptr_t)machine_arena() + ARENA_BYTES - 4 * inside, rng_next(r));
    const uint64_t read = f->name == EMU_VCVTNE2PS2BF16 ? ~UINT64_C(0) : before.k[e.mask];
    const bool faults = (read & ((UINT64_C(1) << lanes) - 1)) >> inside != 0;
    const result emulated = attempt(&e, &before, true);
    if (emulated.fault.signal != (faults ? SIGSEGV : 0) || emulated.fault.changed)
        fail_case("%s: signal %d, want %d", emu_name(f->name), emulated.fault.signal,
                  faults ? SIGSEGV : 0);
    if (faults && emulated.fault.address < (uintptr_t)machine_arena() + ARENA_BYTES)
        fail_case("%s: faulted at %#lx", emu_name(f->name), (unsigned long)emulated.fault.address);
    if ((emu_native() & emu_feature_of(f->name)) != 0) {
        const result by_cpu = attempt(&e, &before, false);
        check_same(f, &emulated, &by_cpu);
    }
}

static void masked_faults(void)
{
    machine_begin();
    for (int name = EMU_VDPBF16PS; name < EMU_VEX_VPDPBUSD; name++)
        for (int again = 0; again < 60; again++) {
            const form f = {(emu_insn)name, (unsigned)again % 3,
                            again % 2 == 0 ? MEMORY : BROADCAST, again % 4 < 2 ? MERGED : ZEROED};
            rng r = case_rng("%s #%d", emu_name(f.name), again);
            masked_fault(&r, &f);
        }
    machine_end();
}

/*
 * True if they are an illegal instruction.  Zen 4 takes no offence at a broadcast of a register,
 * where Intel's manual has #UD; the emulator follows the manual.
 */
static bool bits_mean_the_same(const form *f, const encoding *e, const machine *before)
{
    const bool of_register = e->evex && e->broadcast && f->source == REGISTER;
    const bool illegal = of_register || e->w || e->vl == 3 ||
                         (e->evex && e->zeroing && e->mask == 0) ||
                         (f->name == EMU_VCVTNEPS2BF16 && e->vvvv != 0);
    const result emulated = attempt(e, before, true);
    if (emulated.fault.signal != (illegal ? SIGILL : 0))
        fail_case("%s: signal %d", emu_name(f->name), emulated.fault.signal);
    if (!of_register) {
        const result not_forced = attempt(e, before, false);
        check_same(f, &emulated, &not_forced);
    }
    return illegal;
}

/* Random values of all the prefix's fields. */
static void prefix_bits(void)
{
    machine_begin();
    emu_expect_faults(true);
    unsigned refused = 0;
    for (int name = EMU_VDPBF16PS; name < EMU_INSN_COUNT; name++)
        for (int again = 0; again < 200; again++) {
            const form f = {(emu_insn)name, 2, again % 2 == 0 ? MEMORY : REGISTER, UNMASKED};
            rng r = case_rng("%s #%d", emu_name(f.name), again);
            machine before;
            random_machine(&r, &f, &before);
            encoding e = random_encoding(&r, &f, BASE);
            e.w = rng_chance(&r, 4);
            e.vl = (uint8_t)rng_between(&r, 0, e.evex ? 3 : 1);
            e.zeroing = rng_chance(&r, 3);
            e.broadcast = rng_chance(&r, 3);
            e.mask = (uint8_t)rng_between(&r, 0, 7);
            e.vvvv = rng_chance(&r, 2) ? 0 : (uint8_t)rng_between(&r, 0, e.evex ? 31 : 15);
            aim(&e, &before, (uintptr_t)machine_arena(), rng_next(&r));
            refused += bits_mean_the_same(&f, &e, &before);
        }
    machine_end();
    printf("covered: %u encodings refused\n", refused);
}

static const test tests[] = {
    {"every_form", every_form},
    {"masked_faults", masked_faults},
    {"prefix_bits", prefix_bits},
};
int main(void) { return run_once("emu_vector", TESTS(tests)); }
