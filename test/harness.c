/* Running, reporting, rungs and the state of the CPU. */
#include "harness.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "emu/emu.h"
#include "harness_internal.h"

enum { MAX_TESTS = 256, NAME_BYTES = 128 };

#ifndef HEW_SANITIZED
#define HEW_SANITIZED 0
#endif
struct harness harness = {.sanitized = HEW_SANITIZED};

/* What cmocka hands to each test. */
typedef struct job {
    const test *test;
    hew_isa rung;
    bool available;
    char name[NAME_BYTES];
} job;
static job jobs[MAX_TESTS];
static size_t job_count;

static void read_seed(void)
{
    if (harness.seeded)
        return;
    const char *text = getenv("HEW_TEST_SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    harness.seed = text ? strtoull(text, NULL, 0)
                        : (uint64_t)now.tv_sec * 1000003u ^ (uint64_t)now.tv_nsec;
    harness.seeded = true;
    const char *filter = getenv("HEW_TEST_FILTER");
    if (filter)
        cmocka_set_test_filter(filter);
}

/* ---------------------------------------------------------------------------- reporting ---- */

static void report(void)
{
    fprintf(stderr, "%s: %s\n  rung %s, threads %s, HEW_TEST_SEED=%#" PRIx64 "\n", harness.test,
            harness.name, hew_isa_name(harness.rung), harness.threads, harness.seed);
}

void fail_case(const char *format, ...)
{
    use_test_rung();
    report();
    va_list args;
    va_start(args, format);
    fputs("  ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    fail();
    abort();
}

/* cmocka turns a signal into a failed test; this says first which case it was.  The instruction
 * faults again under cmocka's handler. */
static struct sigaction cmocka_action[NSIG];
static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)context;
    report();
    fprintf(stderr, "  %s at address %p\n", strsignal(number), info->si_addr);
    sigaction(number, &cmocka_action[number], NULL);
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &action, &cmocka_action[signals[i]]);
}

static void release_signals(void)
{
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &cmocka_action[signals[i]], NULL);
}

void check_status(hew_status got, hew_status want)
{
    if (got != want)
        fail_case("returned %s (\"%s\"), want %s", hew_status_name(got), hew_last_error(),
                  hew_status_name(want));
}

void check_refused(hew_status got, hew_status want, const char *text)
{
    check_status(got, want);
    if (!strstr(hew_last_error(), text))
        fail_case("the message \"%s\" does not say \"%s\"", hew_last_error(), text);
}

void check_kernel(const char *name)
{
    for (size_t i = 0; i < hew_all_kernels_count; i++) {
        const hew_kernel *k = &hew_all_kernels[i];
        if (strcmp(k->name, name) == 0 && k->isa != HEW_ISA_REF && k->isa <= harness.rung)
            return;
    }
    fail_case("the kernel is \"%s\"", name);
}

/* -------------------------------------------------------------------------------- rungs ---- */

/* What the emulator has to do for a rung on a CPU without it. */
static const unsigned emulable[HEW_ISA_COUNT] = {
    [HEW_ISA_AVX2_VNNI] = EMU_AVX_VNNI,
    [HEW_ISA_AVX512_VNNI] = EMU_AVX512_VNNI,
    [HEW_ISA_AVX512_BF16] = EMU_AVX512_BF16,
    [HEW_ISA_AMX] = EMU_AMX | EMU_AVX512_BF16 | EMU_AVX512_VNNI,
};

static bool is_emulated(int rung)
{
    return harness.emulating && (emulable[rung] & ~emu_native()) != 0;
}

/* Where one of the rungs in the mask needs it, the library is shown a CPU that has them all: null,
 * or why not.  It must not have looked before. */
static const char *emulate_rungs(unsigned wanted)
{
    unsigned needed = 0;
    for (int rung = 0; rung < HEW_ISA_COUNT; rung++)
        if (wanted >> rung & 1)
            needed |= emulable[rung];
    if ((needed & ~emu_native()) == 0 || harness.emulating)
        return NULL;
    const char *problem = emu_missing();
    if (!problem)
        problem = emu_present(EMU_HOST_PLUS);
    harness.emulating = !problem;
    return problem;
}

hew_isa test_rung(void) { return harness.rung; }
bool takes_case(const rng *r, int64_t macs)
{
    return !is_emulated(harness.rung) || (r->state % 16 == 0 && macs < 1 << 20);
}
void use_ref(void)
{
    hew_cpu_restrict(1u << HEW_ISA_REF);
    hew_ref_amx = harness.rung == HEW_ISA_AMX;
}

/* Emulated rungs are slow: none but the one under test. */
void use_test_rung(void)
{
    unsigned mask = (2u << harness.rung) - 1;
    for (int rung = 0; rung < (int)harness.rung; rung++)
        if (is_emulated(rung))
            mask &= ~(1u << rung);
    hew_cpu_restrict(mask);
}

static void run_job(void **state)
{
    const job *j = *state;
    if (!j->available)
        skip();
    harness.test = j->name;
    harness.rung = j->rung;
    no_threads();
    harness.name[0] = '\0';
    harness.stream = j->test->name;
    use_test_rung();
    catch_signals();
    if (harness.emulating)
        emu_install(); /* over the handlers of the line above */
    j->test->run();
    release_signals();
    hew_cpu_restrict(~0u);
}

static void add_jobs(const char *op, const char *rung_name, hew_isa rung, bool available,
                     const test *tests, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (job_count == MAX_TESTS)
            abort();
        job *j = &jobs[job_count++];
        *j = (job){.test = &tests[i], .rung = rung, .available = available};
        if (rung_name)
            snprintf(j->name, sizeof j->name, "%s__%s__%s", op, rung_name, tests[i].name);
        else
            snprintf(j->name, sizeof j->name, "%s__%s", op, tests[i].name);
    }
}

static int run_jobs(const char *op)
{
    static struct CMUnitTest units[MAX_TESTS];
    read_seed();
    for (size_t i = 0; i < job_count; i++)
        units[i] = (struct CMUnitTest){jobs[i].name, run_job, NULL, NULL, &jobs[i]};
    const int failures = _cmocka_run_group_tests(op, units, job_count, NULL, NULL);
    if (failures)
        fprintf(stderr, "%s: to replay, HEW_TEST_SEED=%#" PRIx64 "\n", op, harness.seed);
    drop_pools();
    drop_regions();
    job_count = 0;
    return failures;
}

int run_once(const char *op, const test *tests, size_t count)
{
    hew_cpu_restrict(~0u);
    harness.rung = hew_active_isa();
    while (!hew_isa_available(harness.rung) || is_emulated(harness.rung))
        harness.rung--;
    add_jobs(op, NULL, harness.rung, true, tests, count);
    return run_jobs(op);
}

/* Kernels of AMX are families of their own. */
static int amx_family(int family)
{
    return family == HEW_FAMILY_gemm_bf16   ? HEW_FAMILY_amx_bf16
           : family == HEW_FAMILY_gemm_u8s8 ? HEW_FAMILY_amx_u8s8
           : family == HEW_FAMILY_gemm_s8s8 ? HEW_FAMILY_amx_s8s8
                                            : family;
}

int run_on_rungs(const char *op, int family, const test *tests, size_t count)
{
    const int amx = amx_family(family);
    unsigned wanted = 0;
    for (const hew_kernel *k = hew_all_kernels; k < hew_all_kernels + hew_all_kernels_count; k++)
        if ((k->family == family || k->family == amx) && k->isa != HEW_ISA_REF)
            wanted |= 1u << k->isa;
    const char *const problem = emulate_rungs(wanted);
    hew_cpu_restrict(~0u);
    const unsigned present = hew_cpu_rungs();
    for (int isa = 0; isa < HEW_ISA_COUNT; isa++) {
        if (!(wanted >> isa & 1))
            continue;
        const bool available = present >> isa & 1;
        const char *const how = is_emulated(isa) ? "emulated" : "native";
        printf("%s on %s: %s%s\n", op, hew_isa_name((hew_isa)isa), available ? how : "SKIPPED: ",
               available ? ""
               : problem ? problem
                         : "not on this machine, or hidden by HEW_MAX_ISA");
        add_jobs(op, hew_isa_name((hew_isa)isa), (hew_isa)isa, available, tests, count);
    }
    if (harness.sanitized)
        printf("%s: vzeroupper is NOT checked, since gcc leaves it out at -O1\n", op);
    fflush(stdout);
    return run_jobs(op);
}

/* -------------------------------------------------------------------- state of the CPU ---- */

enum { MXCSR_FLAGS = 0x3f }; /* sticky: any arithmetic may raise them */

static uint32_t read_mxcsr(void)
{
    uint32_t value;
    __asm__ volatile("stmxcsr %0" : "=m"(value));
    return value;
}

/* Bits 128 and up of registers 0 to 15.  The rest of this program is plain SSE, which leaves them
 * as the library left them.  (XGETBV with ECX = 1 would tell as well, where it is implemented.) */
#define HIGH_YMM(i) "vextractf128 $1, %%ymm" #i ", " #i "*16(%0)\n"
#define HIGH_ZMM(i) "vextractf64x4 $1, %%zmm" #i ", " #i "*32(%0)\n"
#define FOUR(m, a, b, c, d) m(a) m(b) m(c) m(d)
#define ALL(m) FOUR(m, 0, 1, 2, 3) FOUR(m, 4, 5, 6, 7) FOUR(m, 8, 9, 10, 11) FOUR(m, 12, 13, 14, 15)

static bool upper_halves_clear(void)
{
    static uint64_t ymm[32], zmm[64];
    uint64_t any = 0;
    if (harness.sanitized)
        return true;
    if (__builtin_cpu_supports("avx"))
        __asm__ volatile(ALL(HIGH_YMM)::"r"(ymm) : "memory");
    if (__builtin_cpu_supports("avx512f"))
        __asm__ volatile(ALL(HIGH_ZMM)::"r"(zmm) : "memory");
    for (int i = 0; i < 32; i++)
        any |= ymm[i];
    for (int i = 0; i < 64; i++)
        any |= zmm[i];
    return any == 0;
}

void state_save(void)
{
    harness.mxcsr = read_mxcsr();
    if (__builtin_cpu_supports("avx"))
        __asm__ volatile("vzeroupper");
}

void state_check(void)
{
    const bool clear = upper_halves_clear();
    const uint32_t mxcsr = read_mxcsr();
    if (!clear)
        fail_case("the upper halves of the vector registers were left in use: no vzeroupper");
    if ((mxcsr & ~(uint32_t)MXCSR_FLAGS) != (harness.mxcsr & ~(uint32_t)MXCSR_FLAGS))
        fail_case("MXCSR was %#x and is now %#x", harness.mxcsr, mxcsr);
}
