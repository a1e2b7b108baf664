/*
 * The emulator's AMX: random programs beside the model, legal and not; every addressing form; loads
 * that fault half way; and code as a compiler makes it.  On a CPU with AMX the same programs run on
 * it.
 */
#include "harness.h"

#include "emu/emu.h"
#include "emu/machine.h"
#include "emu/model.h"

#include <immintrin.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { DATA = 2048, RESULT = 4096 + 2048 }; /* in the arena */

static model_tiles model;
static unsigned done[EMU_INSN_COUNT], faulted[EMU_INSN_COUNT], addressed[ADDRESSINGS];

/* --------------------------------------------------------------- one instruction ----------- */

static fault_seen issue(encoding *e, machine *m)
{
    uint8_t code[MAX_CODE];
    return machine_try(m, code, encode(e, machine_code(false), code), false);
}

static void random_registers(rng *r, machine *m)
{
    memset(m, 0, sizeof *m);
    for (int g = 0; g < 16; g++)
        m->gpr[g] = rng_next(r);
    m->flags = 0x202;
    m->mxcsr = 0x1F80 | (uint32_t)(rng_next(r) & 0xE040); /* which nothing may heed */
}

static void check_outcome(emu_insn name, model_fault want, const machine *before,
                          const machine *after, fault_seen got)
{
    static const int signal_of[] = {[MODEL_OK] = 0, [MODEL_UD] = SIGILL, [MODEL_GP] = SIGSEGV};
    if (got.signal != signal_of[want] || got.changed)
        fail_case("%s: signal %d, want %d; the emulator says %s", emu_name(name), got.signal,
                  signal_of[want], emu_last_fault());
    if (got.signal == 0 && memcmp(before, after, sizeof *before) != 0)
        fail_case("%s changed a register, or MXCSR", emu_name(name));
    if (want == MODEL_OK)
        done[name]++;
    else
        faulted[name]++;
}

/* With a memory operand `at`; of a tile instruction's, rows are `stride` apart, which is returned
 * as it came out. */
static int64_t issue_memory(rng *r, emu_insn name, unsigned tile, const uint8_t *at,
                            int64_t stride, addressing how, fault_seen *got, machine *after,
                            machine *before)
{
    encoding e = {.reg = (uint8_t)tile};
    const bool rows = name == EMU_TILELOADD || name == EMU_TILELOADDT1 || name == EMU_TILESTORED;
    encode_opcode(&e, name);
    pick_address(&e, how, r);
    e.always_sib = rows;
    random_registers(r, before);
    aim(&e, before, (uintptr_t)at, rng_next(r));
    const int64_t got_stride = rows ? aim_stride(&e, before, stride) : 0;
    *after = *before;
    addressed[how]++;
    *got = issue(&e, after);
    return got_stride;
}

static void do_config(rng *r, const uint8_t config[64], addressing how)
{
    machine before, after;
    fault_seen got;
    uint8_t *const at = machine_arena() + rng_between(r, 0, 500);
    memcpy(at, config, 64);
    const model_fault want = model_configure(&model, config);
    issue_memory(r, EMU_LDTILECFG, 0, at, 0, how, &got, &after, &before);
    check_outcome(EMU_LDTILECFG, want, &before, &after, got);
}

static void do_store_config(rng *r, addressing how)
{
    machine before, after;
    fault_seen got;
    uint8_t *const at = machine_arena() + RESULT + rng_between(r, 0, 500);
    memset(at, 0xEE, 64);
    issue_memory(r, EMU_STTILECFG, 0, at, 0, how, &got, &after, &before);
    check_outcome(EMU_STTILECFG, MODEL_OK, &before, &after, got);
    if (memcmp(at, model.config, 64) != 0)
        fail_case("STTILECFG: not the configuration");
}

static addressing row_addressing(rng *r)
{
    static const addressing with_sib[] = {BASE, BASE_DISP8, BASE_DISP32, BASE_INDEX,
                                          BASE_INDEX_DISP8, BASE_INDEX_DISP32, INDEX_DISP32,
                                          ABSOLUTE};
    return with_sib[rng_between(r, 0, 7)];
}

/* Rows -72 .. 72 bytes apart, from the middle of what the random numbers fill. */
static void do_load(rng *r, emu_insn name, unsigned tile)
{
    machine before, after;
    fault_seen got;
    const uint8_t *const from = machine_arena() + DATA + rng_between(r, -300, 300);
    const int64_t stride = issue_memory(r, name, tile, from, rng_between(r, -72, 72),
                                        row_addressing(r), &got, &after, &before);
    check_outcome(name, model_load(&model, tile, from, stride), &before, &after, got);
}

static void do_store(rng *r, unsigned tile)
{
    static uint8_t want[ARENA_BYTES];
    machine before, after;
    fault_seen got;
    uint8_t *const arena = machine_arena(), *const to = arena + RESULT + rng_between(r, -300, 300);
    memcpy(want, arena, sizeof want);
    const int64_t stride = issue_memory(r, EMU_TILESTORED, tile, to, rng_between(r, -80, 80),
                                        row_addressing(r), &got, &after, &before);
    check_outcome(EMU_TILESTORED, model_store(&model, tile, want + (to - arena), stride), &before,
                  &after, got);
    if (memcmp(want, arena, sizeof want) != 0)
        fail_case("TILESTORED tmm%u, stride %ld: memory isn't what it should be", tile,
                  (long)stride);
}

static void do_registers(rng *r, emu_insn name, unsigned c, unsigned a, unsigned b)
{
    machine before, after;
    encoding e = {.reg = (uint8_t)c, .rm = (uint8_t)a, .vvvv = (uint8_t)b};
    const uint8_t initial[64] = {0};
    encode_opcode(&e, name);
    random_registers(r, &before);
    after = before;
    const fault_seen got = issue(&e, &after);
    const model_fault want = name == EMU_TILERELEASE ? model_configure(&model, initial)
                             : name == EMU_TILEZERO  ? model_zero(&model, c)
                                                     : model_multiply(&model, name, c, a, b);
    check_outcome(name, want, &before, &after, got);
}

/* ------------------------------------------------------------------- random programs ------- */

static void set_shape(uint8_t config[64], int tile, int rows, int colsb)
{
    config[48 + tile] = (uint8_t)rows;
    config[16 + 2 * tile] = (uint8_t)colsb;
}

/* Tiles of C, A and B in random places, so that most triples agree; then perhaps some damage. */
static void random_config(rng *r, uint8_t config[64])
{
    const int m = (int)rng_between(r, 1, 16), n = (int)rng_between(r, 1, 16),
              k = rng_chance(r, 2) ? n : (int)rng_between(r, 1, 16);
    memset(config, 0, 64);
    config[0] = 1;
    for (int t = 0; t < 8; t++)
        switch (rng_between(r, 0, 2)) {
        case 0: set_shape(config, t, m, 4 * n); break;
        case 1: set_shape(config, t, m, 4 * k); break;
        default: set_shape(config, t, k, 4 * n);
        }
    if (rng_chance(r, 4))
        set_shape(config, (int)rng_between(r, 0, 7), 0, 0);
    if (rng_chance(r, 6))
        set_shape(config, (int)rng_between(r, 0, 7), (int)rng_between(r, 1, 16),
                  (int)rng_between(r, 1, 64));
    if (rng_chance(r, 6))
        config[1] = (uint8_t)rng_between(r, 0, 18);
    if (rng_chance(r, 4)) /* most of these are faults */
        config[rng_between(r, 0, 63)] = (uint8_t)rng_between(r, 0, 70);
}

/* Bytes, or bf16s or f16s among which the peculiar ones are frequent. */
static void random_data(rng *r)
{
    uint32_t *const p = (uint32_t *)machine_arena();
    const int64_t kind = rng_between(r, 0, 3);
    for (size_t i = 0; i < RESULT / 4; i++) {
        const uint32_t x = random_f32(r, kind == 1), y = random_f32(r, kind == 1);
        p[i] = kind == 0   ? (uint32_t)rng_next(r)
               : kind == 3 ? random_f32(r, true)
                           : (x & 0xFFFF0000) | y >> 16;
        if (kind == 0 && rng_chance(r, 8))
            p[i] &= 0x83FF83FF; /* denormal or zero halfs */
    }
}

/* A pair of tiles that goes with c, if there is one. */
static void find_operands(rng *r, unsigned c, unsigned *a, unsigned *b)
{
    for (int attempt = 0; attempt < 64; attempt++) {
        model_tiles copy = model;
        *a = (unsigned)rng_between(r, 0, 7);
        *b = (unsigned)rng_between(r, 0, 7);
        if (model_multiply(&copy, EMU_TDPBUUD, c, *a, *b) == MODEL_OK || rng_chance(r, 60))
            return;
    }
}

static void step(rng *r)
{
    const unsigned tile = (unsigned)rng_between(r, 0, rng_chance(r, 20) ? 15 : 7);
    unsigned a = 0, b = 0;
    uint8_t config[64];
    switch (rng_between(r, 0, 19)) {
    case 0: random_config(r, config); do_config(r, config, (addressing)rng_between(r, 1, 9)); break;
    case 1: do_store_config(r, (addressing)rng_between(r, 1, 9)); break;
    case 2: do_registers(r, EMU_TILEZERO, tile, 0, 0); break;
    case 3:
        if (rng_chance(r, 8))
            do_registers(r, EMU_TILERELEASE, 0, 0, 0);
        random_data(r);
        break;
    case 4: case 5: case 6: case 7: do_load(r, EMU_TILELOADD, tile); break;
    case 8: case 9: do_load(r, EMU_TILELOADDT1, tile); break;
    case 10: case 11: case 12: do_store(r, tile); break;
    default:
        find_operands(r, tile % 8, &a, &b);
        do_registers(r, (emu_insn)rng_between(r, EMU_TDPBSSD, EMU_TDPFP16PS), tile, a, b);
        if (tile < 8)
            do_store(r, tile);
    }
}

static bool fp16_is_missing(void) /* where AMX is native, it is not emulated without its tiles */
{
    return (emu_native() & EMU_AMX) != 0 && (emu_native() & EMU_AMX_FP16) == 0;
}

static void random_programs(void)
{
    machine_begin();
    emu_expect_faults(true);
    for (int program = 0; program < 40 && !fp16_is_missing(); program++) {
        rng r = case_rng("program %d", program);
        uint8_t config[64];
        random_config(&r, config);
        random_data(&r);
        do_registers(&r, EMU_TILERELEASE, 0, 0, 0);
        do_config(&r, config, BASE);
        for (int s = 0; s < 120; s++)
            step(&r);
        do_store_config(&r, BASE);
        do_registers(&r, EMU_TILERELEASE, 0, 0, 0);
    }
    machine_end();
    for (int name = 0; name <= EMU_TDPFP16PS; name++) {
        printf("covered: %-12s %4u times, and %3u faults as they should be\n",
               emu_name((emu_insn)name), done[name], faulted[name]);
        if (done[name] < 20 && !fp16_is_missing())
            fail_case("%s ran %u times only", emu_name((emu_insn)name), done[name]);
    }
    for (int how = BASE; how < ADDRESSINGS; how++)
        if (addressed[how] < 10 && !fp16_is_missing())
            fail_case("addressing form %d was met %u times", how, addressed[how]);
}

/* ------------------------------------------------------------------------ faults ----------- */

static void configure_all(rng *r, int rows, int colsb)
{
    uint8_t config[64] = {1};
    for (int t = 0; t < 8; t++)
        set_shape(config, t, rows, colsb);
    do_config(r, config, BASE);
}

/* Each byte of a configuration by itself. */
static void bad_configurations(void)
{
    machine_begin();
    emu_expect_faults(true);
    rng r = case_rng("every byte");
    for (int byte = 0; byte < 64; byte++)
        for (int bit = 0; bit < 8; bit++) {
            uint8_t config[64] = {1};
            for (int t = 0; t < 8; t++)
                set_shape(config, t, 16, 64);
            config[byte] ^= (uint8_t)(1u << bit);
            do_config(&r, config, BASE);
        }
    do_store_config(&r, BASE);
    do_registers(&r, EMU_TILERELEASE, 0, 0, 0);
    do_store_config(&r, BASE);
    machine_end();
}

/* A load that runs into a page it may not read: start_row tells how far it came, and the load goes
 * on from there, so rows that it had are not read again. */
static void fault_half_way(void)
{
    machine_begin();
    for (int rows = 1; rows < 16; rows += 3) {
        rng r = case_rng("%d rows", rows);
        machine before, after;
        fault_seen got;
        uint8_t *const end = machine_arena() + ARENA_BYTES, *const from = end - 64 * rows - 8;
        for (uint8_t *p = from; p < end; p++)
            *p = (uint8_t)rng_next(&r);
        configure_all(&r, 16, 64);
        issue_memory(&r, EMU_TILELOADD, 3, from, 64, BASE_INDEX, &got, &after, &before);
        if (got.signal != SIGSEGV || got.address != (uintptr_t)end || got.changed)
            fail_case("signal %d for %#lx", got.signal, (unsigned long)got.address);
        model.config[1] = (uint8_t)rows;
        memcpy(model.tile[3], from, 64 * (size_t)rows);
        do_store_config(&r, BASE);
        do_load(&r, EMU_TILELOADD, 3);
        do_store_config(&r, BASE);
        do_store(&r, 3);
    }
    machine_end();
}

/* ------------------------------------------------------------------- compiled code --------- */

#define AMX __attribute__((target("amx-tile,amx-int8,amx-bf16"), noinline))
#define TO_MEMORY __asm__ volatile("" ::: "memory") /* gcc 12: _tile_* don't say what they read */

AMX static void gemm_32x32(size_t k, const uint8_t *a, const int8_t *b, int32_t *c)
{
    TO_MEMORY;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (size_t q = 0; q < k; q += 64) {
        _tile_loadd(4, a + q, k);
        _tile_loadd(5, a + 16 * k + q, k);
        _tile_loadd(6, b + q * 32, 128);
        _tile_stream_loadd(7, b + q * 32 + 64, 128);
        _tile_dpbusd(0, 4, 6);
        _tile_dpbusd(1, 4, 7);
        _tile_dpbusd(2, 5, 6);
        _tile_dpbusd(3, 5, 7);
    }
    _tile_stored(0, c, 128);
    _tile_stored(1, c + 16, 128);
    _tile_stored(2, c + 512, 128);
    _tile_stored(3, c + 528, 128);
    TO_MEMORY;
}

AMX static void load_config(const uint8_t config[64])
{
    TO_MEMORY;
    _tile_loadconfig(config);
}

AMX static void release(void) { _tile_release(); }

/* B is quads: [k / 4][32][4]. */
static void compiled_gemm(void)
{
    enum { K = 192 };
    static uint8_t a[32 * K];
    static int8_t b[K * 32];
    static int32_t c[32 * 32];
    uint8_t config[64] = {1};
    machine_begin();
    rng r = case_rng("32 x 32 x %d", K);
    for (int i = 0; i < 32 * K; i++) {
        a[i] = (uint8_t)rng_next(&r);
        b[i] = (int8_t)rng_next(&r);
    }
    for (int t = 0; t < 8; t++)
        set_shape(config, t, 16, 64);
    const uint64_t before = emu_count(EMU_TDPBUSD);
    load_config(config);
    gemm_32x32(K, a, b, c);
    release();
    machine_end();
    for (int m = 0; m < 32; m++)
        for (int n = 0; n < 32; n++) {
            int32_t sum = 0;
            for (int k = 0; k < K; k++)
                sum += a[m * K + k] * b[k / 4 * 128 + 4 * n + k % 4];
            if (c[32 * m + n] != sum)
                fail_case("C[%d][%d] is %d, want %d", m, n, c[32 * m + n], sum);
        }
    const bool native = (emu_native() & EMU_AMX) != 0;
    assert_int_equal(emu_count(EMU_TDPBUSD) - before, native ? 0 : 4 * K / 64);
}

static const test tests[] = {
    {"random_programs", random_programs},
    {"bad_configurations", bad_configurations},
    {"fault_half_way", fault_half_way},
    {"compiled_gemm", compiled_gemm},
};
int main(void) { return run_once("emu_tile", TESTS(tests)); }
