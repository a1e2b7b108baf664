/*
 * The emulator among signals: what isn't its business reaches those whose it is, and what it does
 * survives handlers, threads and forks.
 */
#include "harness.h"

#include "emu/emu.h"
#include "emu/machine.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

/* c = a * b, u8 by u8, of whole tiles. */
static void multiply(const uint8_t a[1024], const uint8_t b[1024], int32_t c[256])
{
    __asm__ volatile("tilezero %%tmm0\n\t"
                     "tileloadd (%0,%3,1), %%tmm1\n\t"
                     "tileloadd (%1,%3,1), %%tmm2\n\t"
                     "tdpbuud %%tmm2, %%tmm1, %%tmm0\n\t"
                     "tilestored %%tmm0, (%2,%3,1)"
                     :
                     : "r"(a), "r"(b), "r"(c), "r"(64L)
                     : "memory");
}

static bool lacks_amx(void) { return (emu_native() & EMU_AMX) == 0; }

/* --------------------------------------------------------- what isn't the emulator's ------- */

static fault_seen run_bytes(const char *code, size_t bytes, bool forced)
{
    machine m = {.flags = 0x202, .mxcsr = 0x1F80};
    machine_code(forced);
    return machine_try(&m, (const uint8_t *)code, bytes, forced);
}

static void unknown_instructions(void)
{
    static const struct {
        const char *code;
        size_t bytes;
    } unknown[] = {
        {"\x0f\x0b", 2},                     /* ud2 */
        {"\x0f\xff\xc0", 3},                 /* ud0 */
        {"\xc4\xe2\x78\x5c\xca", 5},         /* of AMX's opcode 5C, the prefix that is free */
        {"\xc4\xe2\xfb\x49\xc0", 5},         /* TILEZERO with W */
        {"\xc4\xe2\x7f\x49\xc0", 5},         /* TILEZERO with L */
        {"\xc4\xe2\x73\x49\xc0", 5},         /* TILEZERO with vvvv */
        {"\x66\xc4\xe2\x7b\x49\xc0", 6},     /* TILEZERO behind an operand-size prefix */
        {"\xc4\xe3\x7b\x49\xc0", 5},         /* TILEZERO in the next map */
        {"\xc4\xe2\x78\x49\xc1", 5},         /* almost TILERELEASE */
        {"\xc4\xe2\x79\x49\xc0", 5},
    };
    machine_begin();
    emu_expect_faults(true);
    machine_tiles();
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        for (int forced = 0; forced < 2; forced++) {
            case_rng("#%zu%s", i, forced ? ", forced" : "");
            const fault_seen got = run_bytes(unknown[i].code, unknown[i].bytes, forced);
            if (got.signal != SIGILL || got.changed || got.address != machine_code(false))
                fail_case("signal %d at %#lx", got.signal, (unsigned long)got.address);
        }
    machine_release();
    machine_end();
}

static void memory_faults_of_others(void)
{
    machine_begin();
    uint8_t *const behind = machine_arena() + ARENA_BYTES;
    machine m = {.flags = 0x202, .mxcsr = 0x1F80, .gpr[0] = (uintptr_t)behind};
    machine_code(false);
    const uint8_t mov_al_from_rax[] = {0x8A, 0x00};
    const fault_seen got = machine_try(&m, mov_al_from_rax, sizeof mov_al_from_rax, false);
    assert_int_equal(got.signal, SIGSEGV);
    assert_int_equal(got.address, (uintptr_t)behind);
    assert_int_equal(got.rip, machine_code(false));
    assert_false(got.changed);
    machine_end();
}

/* ------------------------------------------------------------ without a handler ------------ */

static void die_of_ud2(void) { __builtin_trap(); }
static void die_of_tile(void) { __asm__ volatile("tilezero %tmm0"); }
static void die_of_address(void)
{
    const uint8_t *const behind = machine_arena() + ARENA_BYTES;
    machine_tiles();
    __asm__ volatile("tileloadd (%0), %%tmm0" ::"r"(behind - 8));
}
static void die_of_palette(void)
{
    static const uint8_t config[64] = {2};
    __asm__ volatile("ldtilecfg %0" ::"m"(config));
}

/* What a process dies of if it has no handlers but the emulator's. */
static int death(void (*die)(void), char said[1024])
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        signal(SIGILL, SIG_DFL);
        signal(SIGSEGV, SIG_DFL);
        emu_install();
        die();
        _exit(0);
    }
    close(ends[1]);
    size_t used = 0;
    for (ssize_t n; (n = read(ends[0], said + used, 1023 - used)) > 0;)
        used += (size_t)n;
    said[used] = '\0';
    close(ends[0]);
    int status;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void default_actions(void)
{
    char said[1024];
    machine_begin();
    if (!lacks_amx()) {
        machine_end();
        skip();
    }
    machine_release();
    assert_int_equal(death(die_of_ud2, said), SIGILL);
    assert_non_null(strstr(said, "can't be emulated"));
    assert_non_null(strstr(said, ": 0f 0b"));
    assert_int_equal(death(die_of_tile, said), SIGILL);
    assert_non_null(strstr(said, "tiles are not configured"));
    assert_non_null(strstr(said, ": c4 e2 7b 49 c0"));
    assert_int_equal(death(die_of_palette, said), SIGSEGV);
    assert_non_null(strstr(said, "palette 2"));
    assert_int_equal(death(die_of_address, said), SIGSEGV);
    machine_end();
}

/* ------------------------------------------------------- handlers that come and go --------- */

static volatile int heard;
static volatile uintptr_t heard_at;
static sigjmp_buf back;

static void hear(int number, siginfo_t *info, void *context)
{
    (void)info;
    heard = number;
    heard_at = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    siglongjmp(back, 1);
}

static void hear_of(int number)
{
    const struct sigaction action = {.sa_sigaction = hear, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(number, &action, NULL);
    heard = 0;
}

/* A handler put over the emulator's for memory faults is found at the next trap, and told of the
 * instruction, not of the emulator. */
static void handlers_put_on_top(void)
{
    machine_begin();
    uintptr_t at = 0;
    const uint8_t *const behind = machine_arena() + ARENA_BYTES;
    machine_tiles();
    hear_of(SIGSEGV);
    if (sigsetjmp(back, 1) == 0)
        __asm__ volatile("lea 1f(%%rip), %%rax\n\tmov %%rax, %0\n\t"
                         "1: tileloadd (%1), %%tmm0"
                         : "=m"(at)
                         : "r"(behind - 8)
                         : "rax");
    assert_int_equal(heard, SIGSEGV);
    assert_int_equal(heard_at, at);
    machine_release();
    machine_end();
}

static void removed(void)
{
    machine_begin();
    emu_remove();
    hear_of(SIGILL);
    if (sigsetjmp(back, 1) == 0)
        __asm__ volatile(".byte 0x0f, 0x0b, 'h', 'e', 'w', 0xc4, 0xe2, 0x78, 0x49, 0xc0");
    assert_int_equal(heard, SIGILL);
    machine_end();
}

/* ----------------------------------------------------- threads, timers, children ----------- */

static atomic_int ticks, wrong_ticks;

/* Emulated code in a handler that interrupts emulated code. */
static void on_tick(int number)
{
    (void)number;
    static const uint8_t pair[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    uint8_t out[16];
    __asm__ volatile("vmovdqu %1, %%xmm3\n\t"
                     "vpxor %%xmm4, %%xmm4, %%xmm4\n\t"
                     ".byte 0xc4, 0xe2, 0x61, 0x50, 0xe3\n\t" /* vpdpbusd xmm4, xmm3, xmm3 */
                     "vmovdqu %%xmm4, %0"
                     : "=m"(out)
                     : "m"(pair)
                     : "xmm3", "xmm4");
    const uint8_t squares = 1 + 4 + 9 + 16;
    atomic_fetch_add(out[0] == squares ? &ticks : &wrong_ticks, 1);
}

static void *multiply_many(void *argument)
{
    const uint8_t value = *(const uint8_t *)argument;
    static _Thread_local uint8_t a[1024], b[1024];
    static _Thread_local int32_t c[256];
    memset(a, value, sizeof a);
    memset(b, 1, sizeof b);
    machine_tiles();
    intptr_t wrong = 0;
    for (int i = 0; i < 300; i++) {
        multiply(a, b, c);
        wrong += c[i % 256] != 64 * value;
    }
    machine_release();
    return (void *)wrong;
}

/* ThreadSanitizer delays signals, and may deliver them inside the emulator's own handler. */
static void tick_every(long microseconds)
{
#ifndef HEW_SANITIZED
    const struct itimerval often = {{0, microseconds}, {0, microseconds}};
    setitimer(ITIMER_REAL, &often, NULL);
#else
    (void)microseconds;
#endif
}

/* Each thread has tiles of its own, and none is disturbed by signals. */
static void threads_and_timers(void)
{
    enum { THREADS = 3 };
    static const uint8_t values[THREADS] = {3, 5, 7};
    pthread_t threads[THREADS];
    machine_begin();
    const struct sigaction tick = {.sa_handler = on_tick, .sa_flags = SA_RESTART | SA_ONSTACK};
    sigaction(SIGALRM, &tick, NULL);
    atomic_store(&ticks, 0);
    tick_every(500);
    for (int t = 0; t < THREADS; t++)
        pthread_create(&threads[t], NULL, multiply_many, (void *)(uintptr_t)&values[t]);
    for (int t = 0; t < THREADS; t++) {
        void *wrong = NULL;
        pthread_join(threads[t], &wrong);
        assert_null(wrong);
    }
    tick_every(0);
    signal(SIGALRM, SIG_DFL);
    machine_end();
    printf("%d signals in between\n", atomic_load(&ticks));
    assert_int_equal(atomic_load(&wrong_ticks), 0);
}

static void children(void)
{
    static uint8_t a[1024], b[1024];
    static int32_t c[256];
    memset(a, 2, sizeof a);
    memset(b, 9, sizeof b);
    machine_begin();
    machine_tiles();
    const pid_t child = fork();
    if (child == 0) { /* the configuration is inherited */
        multiply(a, b, c);
        _exit(c[255] == 64 * 18 ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    machine_release();
    machine_end();
}

static const test tests[] = {
    {"unknown_instructions", unknown_instructions},
    {"memory_faults_of_others", memory_faults_of_others},
    {"default_actions", default_actions},
    {"handlers_put_on_top", handlers_put_on_top},
    {"removed", removed},
    {"threads_and_timers", threads_and_timers},
    {"children", children},
};
int main(void) { return run_once("emu_trap", TESTS(tests)); }
