/*
 * The library's detection, unchanged, on CPUs that this machine isn't.  Each is a process of its
 * own: this program, called again with --as and the CPU's name.
 */
#include "harness.h"

#include "emu/emu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { UNAVAILABLE = 77 };
#define R(rung) (1u << HEW_ISA_##rung)
#define UP_TO_AVX512 (R(REF) | R(AVX2) | R(AVX512))
#define BELOW_AMX (UP_TO_AVX512 | R(AVX2_VNNI) | R(AVX512_VNNI) | R(AVX512_BF16))

static const struct {
    unsigned rungs, requests;
    int family, model;
    const char *best;
} wanted[EMU_CPU_COUNT] = {
    [EMU_PENTIUM_4] = {R(REF), 0, 15, 4, "ref"},
    [EMU_NEHALEM] = {R(REF), 0, 6, 0x1A, "ref"},
    [EMU_SKYLAKE_X] = {UP_TO_AVX512, 0, 6, 0x55, "avx512"},
    [EMU_CASCADE_LAKE] = {UP_TO_AVX512 | R(AVX512_VNNI), 0, 6, 0x55, "avx512_vnni"},
    [EMU_COOPER_LAKE] = {UP_TO_AVX512 | R(AVX512_VNNI) | R(AVX512_BF16), 0, 6, 0x55,
                         "avx512_bf16"},
    [EMU_ALDER_LAKE] = {R(REF) | R(AVX2) | R(AVX2_VNNI), 0, 6, 0x97, "avx2_vnni"},
    [EMU_SAPPHIRE_RAPIDS] = {BELOW_AMX | R(AMX), 1, 6, 0x8F, "amx"},
    [EMU_SPR_DENIED] = {BELOW_AMX, 1, 6, 0x8F, "avx512_bf16"},
    [EMU_SPR_OLD_KERNEL] = {BELOW_AMX, 1, 6, 0x8F, "avx512_bf16"},
    [EMU_SPR_NO_TILES] = {BELOW_AMX, 0, 6, 0x8F, "avx512_bf16"},
    [EMU_SPR_NO_ZMM] = {R(REF) | R(AVX2) | R(AVX2_VNNI), 0, 6, 0x8F, "avx2_vnni"},
    [EMU_SPR_NO_YMM] = {R(REF), 0, 6, 0x8F, "ref"},
    [EMU_SPR_NO_XSAVE] = {R(REF), 0, 6, 0x8F, "ref"},
};

/* ----------------------------------------------------------------------- the child --------- */

/* Detects, twice, and says what it found. */
static int detect_as(const char *name)
{
    for (int cpu = 0; cpu < EMU_CPU_COUNT; cpu++) {
        if (strcmp(name, emu_cpu_name((emu_cpu)cpu)) != 0)
            continue;
        const char *const problem = emu_present((emu_cpu)cpu);
        if (problem != NULL) {
            printf("%s", problem);
            return UNAVAILABLE;
        }
        const unsigned rungs = hew_cpu_rungs();
        hew_cpu_restrict(~0u);
        hew_cpu_info info = {.size = sizeof info};
        if (hew_cpu_rungs() != rungs || hew_cpu_query(&info) != HEW_OK)
            return 1;
        if ((rungs >> HEW_ISA_AMX & 1) != 0) /* what is offered can be had */
            __asm__ volatile("tilerelease");
        printf("%u %u %s %d %d %zu|%s|%s|", rungs, emu_permission_requests(),
               hew_isa_name(hew_active_isa()), info.family, info.model, info.l2, info.brand,
               info.features);
        return 0;
    }
    return 1;
}

/* ---------------------------------------------------------------------- the parent --------- */

static int ask_child(emu_cpu cpu, const char *max_isa, char answer[2048])
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        if (max_isa != NULL)
            setenv("HEW_MAX_ISA", max_isa, 1);
        else
            unsetenv("HEW_MAX_ISA");
        execl("/proc/self/exe", "self", "--as", emu_cpu_name(cpu), (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    size_t used = 0;
    for (ssize_t n; (n = read(ends[0], answer + used, 2047 - used)) > 0;)
        used += (size_t)n;
    answer[used] = '\0';
    close(ends[0]);
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* False, after a word about it, if this machine can't be another. */
static bool answers(emu_cpu cpu, const char *max_isa, char answer[2048])
{
    const int status = ask_child(cpu, max_isa, answer);
    if (status == UNAVAILABLE) {
        printf("%s: SKIPPED: %s\n", emu_cpu_name(cpu), answer);
        return false;
    }
    if (status != 0)
        fail_case("%s: status %d, \"%s\"", emu_cpu_name(cpu), status, answer);
    return true;
}

static void each_cpu_has_its_rungs(void)
{
    bool any = false;
    for (int cpu = 0; cpu < EMU_HOST_PLUS; cpu++) {
        char answer[2048], want[128];
        case_rng("%s", emu_cpu_name((emu_cpu)cpu));
        if (!answers((emu_cpu)cpu, NULL, answer))
            continue;
        snprintf(want, sizeof want, "%u %u %s %d %d ", wanted[cpu].rungs, wanted[cpu].requests,
                 wanted[cpu].best, wanted[cpu].family, wanted[cpu].model);
        if (strncmp(answer, want, strlen(want)) != 0)
            fail_case("detected \"%s\", want \"%s\"", answer, want);
        printf("presented: %s\n", answer);
        any = true;
    }
    if (!any)
        skip();
}

static void the_query_shows_it(void)
{
    char answer[2048];
    if (!answers(EMU_SAPPHIRE_RAPIDS, NULL, answer))
        skip();
    assert_non_null(strstr(answer, " 2097152|Intel(R) Xeon(R) Platinum 8480+|avx2 fma f16c "));
    assert_non_null(strstr(answer, "amx_tile amx_int8 amx_bf16|"));
}

/* A cap above AMX's rungs doesn't spare the request; one below leaves what is below it. */
static void capped(void)
{
    char answer[2048];
    if (!answers(EMU_SAPPHIRE_RAPIDS, "avx512_vnni", answer))
        skip();
    assert_int_equal(strtoul(answer, NULL, 10),
                     UP_TO_AVX512 | R(AVX2_VNNI) | R(AVX512_VNNI));
}

static void host_plus_has_all(void)
{
    char answer[2048];
    if (!answers(EMU_HOST_PLUS, NULL, answer))
        skip();
    assert_int_equal(strtoul(answer, NULL, 10), (1u << HEW_ISA_COUNT) - 1);
}

/* ------------------------------------------------------------------ what is exchanged ------ */

typedef struct found {
    emu_site at[EMU_MAX_SITES];
    size_t count;
    uintptr_t bias;
} found;

/* How many CPUID and XGETBV a disassembly has, and how many of them are among the sites. */
static size_t disassemble(const char *path, const found *sites, size_t *met)
{
    char command[4200], line[512], mnemonic[16];
    size_t all = 0;
    snprintf(command, sizeof command, "objdump -d --no-show-raw-insn '%s' 2>/dev/null", path);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        unsigned long at;
        if (sscanf(line, " %lx: %15s", &at, mnemonic) != 2)
            continue;
        const bool xgetbv = strcmp(mnemonic, "xgetbv") == 0;
        if (!xgetbv && strcmp(mnemonic, "cpuid") != 0)
            continue;
        all++;
        for (size_t s = 0; s < sites->count; s++)
            *met += sites->at[s].at == at + sites->bias && sites->at[s].xgetbv == xgetbv;
    }
    pclose(f);
    return all;
}

/* The bytes that emu_present takes for CPUID and XGETBV are these instructions, and the library, in
 * the folder above this program's, has no others. */
static void sites_are_those_of_a_disassembly(void)
{
    found sites = {.count = 0};
    char self[4096], library[4096 + 16];
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(length > 0);
    self[length] = '\0';
    const int folder = (int)(strrchr(self, '/') - self);
    snprintf(library, sizeof library, "%.*s/../libhew.a", folder, self);
    sites.count = emu_find_sites(sites.at, &sites.bias);
    size_t met = 0, unused = 0;
    if (disassemble(self, &sites, &met) == 0 || access(library, R_OK) != 0) {
        printf("sites: SKIPPED: no objdump, or no %s\n", library);
        skip();
    }
    const size_t in_library = disassemble(library, &sites, &unused);
    if (met != sites.count || in_library != sites.count || sites.count < 3)
        fail_case("%zu sites, %zu of them in the disassembly; the library has %zu", sites.count,
                  met, in_library);
}

static const test tests[] = {
    {"each_cpu_has_its_rungs", each_cpu_has_its_rungs},
    {"the_query_shows_it", the_query_shows_it},
    {"capped", capped},
    {"host_plus_has_all", host_plus_has_all},
    {"sites_are_those_of_a_disassembly", sites_are_those_of_a_disassembly},
};

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--as") == 0)
        return detect_as(argv[2]);
    return run_once("emu_cpu", TESTS(tests));
}
