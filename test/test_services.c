/* CPU detection, the table of kernels, status, memory, and the spreading of tasks. */
#include "harness.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ------------------------------------------------------------- this program as a child ---- */

/* What the child says, by argument; see main. */
static void speak(const char *what)
{
    if (strcmp(what, "--rungs") == 0)
        printf("%u %s\n", hew_cpu_rungs(), hew_isa_name(hew_active_isa()));
    else if (hew_verbose())
        hew_verbose_line("%0600d", 7);
}

/* Runs this program with `what` and an environment of one variable, or none. */
static void ask_child(const char *what, const char *variable, char out[1024], char err[1024])
{
    char *const texts[] = {out, err};
    int ends[2][2];
    assert_int_equal(pipe(ends[0]) | pipe(ends[1]), 0);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[0][1], STDOUT_FILENO);
        dup2(ends[1][1], STDERR_FILENO);
        char *const argv[] = {(char[]){"self"}, strdup(what), NULL};
        char *const envp[] = {variable ? strdup(variable) : NULL, NULL};
        execve("/proc/self/exe", argv, envp);
        _exit(127);
    }
    for (int i = 0; i < 2; i++) {
        close(ends[i][1]);
        size_t used = 0;
        for (ssize_t n; (n = read(ends[i][0], texts[i] + used, 1023 - used)) > 0;)
            used += (size_t)n;
        texts[i][used] = '\0';
        close(ends[i][0]);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

/* ---------------------------------------------------------------------------------- CPU ---- */

static void names(void)
{
    static const char *const isa[] = {"ref", "avx2", "avx2_vnni", "avx512", "avx512_vnni",
                                      "avx512_bf16", "amx", "unknown"};
    for (int i = 0; i <= HEW_ISA_COUNT; i++)
        assert_string_equal(hew_isa_name((hew_isa)i), isa[i]);
    assert_string_equal(hew_isa_name((hew_isa)-1), "unknown");
    assert_false(hew_isa_available((hew_isa)-1));
    assert_false(hew_isa_available(HEW_ISA_COUNT));
    assert_false(hew_isa_available((hew_isa)1000));
    assert_true(hew_isa_available(HEW_ISA_REF));
    assert_true(hew_isa_available(hew_active_isa()));
}

static bool has_all(const char *flags, const char *wanted)
{
    char list[128], *rest;
    snprintf(list, sizeof list, "%s", wanted);
    for (char *name = strtok_r(list, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
        char padded[32];
        snprintf(padded, sizeof padded, " %s ", name);
        if (!strstr(flags, padded))
            return false;
    }
    return true;
}

/* The kernel reads the same registers, and drops what XCR0 doesn't allow. */
static void rungs_are_those_of_the_kernel(void)
{
    static char line[16384], flags[16384];
    FILE *f = fopen("/proc/cpuinfo", "r");
    if (!f)
        skip();
    while (!flags[0] && fgets(line, sizeof line, f))
        if (strncmp(line, "flags", 5) == 0)
            snprintf(flags, sizeof flags, "%s", line);
    fclose(f);
    if (strchr(flags, '\n'))
        *strchr(flags, '\n') = ' ';
    static const char *const needs[HEW_ISA_COUNT] = {
        "fpu", "avx2 fma f16c", "avx2 fma f16c avx_vnni",
        "avx2 fma f16c avx512f avx512bw avx512dq avx512vl",
        "avx2 fma f16c avx512f avx512bw avx512dq avx512vl avx512_vnni",
        "avx2 fma f16c avx512f avx512bw avx512dq avx512vl avx512_bf16",
        "avx512f avx512_vnni avx512_bf16 amx_tile amx_int8 amx_bf16",
    };
    char out[1024], err[1024]; /* a child without HEW_MAX_ISA */
    ask_child("--rungs", NULL, out, err);
    for (unsigned i = 0; i < HEW_ISA_AMX; i++)
        if ((strtoul(out, NULL, 10) >> i & 1) != has_all(flags, needs[i]))
            fail_case("%s: mask %s flags %s", hew_isa_name((hew_isa)i), out, flags);
    /* AMX also needs a permission, which may be refused. */
    if (strtoul(out, NULL, 10) >> HEW_ISA_AMX & 1)
        assert_true(has_all(flags, needs[HEW_ISA_AMX]));
}

static void restriction(void)
{
    hew_cpu_restrict(~0u);
    const unsigned all = hew_cpu_rungs();
    for (unsigned mask = 0; mask < 1u << HEW_ISA_COUNT; mask++) {
        hew_cpu_restrict(mask);
        const unsigned want = all & (mask | 1);
        assert_int_equal(hew_cpu_rungs(), want);
        assert_true(want >> hew_active_isa() == 1);
        for (unsigned i = 0; i < HEW_ISA_COUNT; i++)
            assert_int_equal(hew_isa_available((hew_isa)i), want >> i & 1);
    }
    hew_cpu_restrict(~0u);
    assert_int_equal(hew_cpu_rungs(), all);
}

static void max_isa(void)
{
    char out[1024], err[1024], variable[64];
    ask_child("--rungs", NULL, out, err);
    const unsigned long all = strtoul(out, NULL, 10);
    for (unsigned i = 0; i < HEW_ISA_COUNT; i++) {
        snprintf(variable, sizeof variable, "HEW_MAX_ISA=%s", hew_isa_name((hew_isa)i));
        ask_child("--rungs", variable, out, err);
        assert_int_equal(strtoul(out, NULL, 10), all & ((2u << i) - 1));
        assert_string_equal(err, "");
    }
    static const char *const bad[] = {"avx", "AVX2", "avx2 ", "6", "unknown"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(variable, sizeof variable, "HEW_MAX_ISA=%s", bad[i]);
        ask_child("--rungs", variable, out, err);
        assert_int_equal(strtoul(out, NULL, 10), all);
        assert_non_null(strstr(err, variable));
        assert_ptr_equal(strchr(err, '\n'), err + strlen(err) - 1);
    }
    ask_child("--rungs", "HEW_MAX_ISA=", out, err);
    assert_int_equal(strtoul(out, NULL, 10), all);
    assert_string_equal(err, "");
}

static void cpu_query(void)
{
    check_refused(hew_cpu_query(NULL), HEW_ERR_INVALID, "null");
    hew_cpu_info info = {.size = sizeof info - 1, .l2 = 77};
    check_refused(hew_cpu_query(&info), HEW_ERR_INVALID, "size");
    assert_int_equal(info.l2, 77);
    info.size = sizeof info;
    check_status(hew_cpu_query(&info), HEW_OK);
    assert_int_equal(info.size, sizeof info);
    assert_int_equal(strlen(info.vendor), 12);
    assert_true(info.family > 0 && info.model >= 0 && info.stepping >= 0);
    const size_t brand = strlen(info.brand);
    assert_true(brand == 0 || (info.brand[0] != ' ' && info.brand[brand - 1] != ' '));
    for (int i = 1; i < HEW_ISA_AMX; i++) /* what a rung is named after */
        if (hew_isa_available((hew_isa)i))
            assert_non_null(strstr(info.features, i == HEW_ISA_AVX2_VNNI ? "avx_vnni" :
                                   hew_isa_name((hew_isa)i)));
    assert_true(info.l1d <= 1 << 20 && (info.l2 == 0 || info.l1d < info.l2));
}

/* ------------------------------------------------------------------------------ kernels ---- */

static void kernel_list(void)
{
    for (size_t i = 0; i < hew_all_kernels_count; i++) {
        const hew_kernel *k = &hew_all_kernels[i];
        const bool first = i == 0 || k[-1].family != k->family;
        assert_non_null(k->fn);
        assert_true(k->isa != HEW_ISA_REF || first);
        assert_true(first ? i == 0 || k[-1].family < k->family : k[-1].isa <= k->isa);
        const char *suffix = k->name + strlen(k->name) - strlen(hew_isa_name(k->isa));
        assert_string_equal(suffix, hew_isa_name(k->isa));
        assert_memory_equal(k->name, "hew_", 4);
    }
    assert_string_equal(hew_all_kernels[hew_all_kernels_count].name, "");
}

/* The highest rung in use that has lines of the family, with all of them. */
static void kernels_of_a_family(void)
{
    for (unsigned mask = 0; mask < 1u << HEW_ISA_COUNT; mask++) {
        hew_cpu_restrict(mask);
        const unsigned rungs = hew_cpu_rungs();
        size_t active = 0;
        for (int family = 0; family < HEW_FAMILY_COUNT; family++) {
            int best = -1;
            size_t want = 0, got;
            for (size_t i = 0; i < hew_all_kernels_count; i++) {
                const hew_kernel *k = &hew_all_kernels[i];
                if (k->family != family || !(rungs >> k->isa & 1))
                    continue;
                want = (int)k->isa == best ? want + 1 : 1;
                best = (int)k->isa;
            }
            const hew_kernel *k = hew_kernels(family, &got);
            assert_int_equal(got, want);
            for (size_t i = 0; i < got; i++, active++) {
                hew_kernel_info info;
                assert_true(k[i].family == family && (int)k[i].isa == best);
                assert_true(hew_active_kernel(active, &info));
                assert_string_equal(info.family, k[i].family_name);
                assert_string_equal(info.symbol, k[i].name);
                assert_int_equal(info.isa, k[i].isa);
            }
        }
        hew_kernel_info untouched = {.isa = HEW_ISA_AMX};
        assert_false(hew_active_kernel(active, &untouched));
        assert_false(hew_active_kernel(SIZE_MAX, &untouched));
        assert_false(hew_active_kernel(0, NULL));
        assert_int_equal(untouched.isa, HEW_ISA_AMX);
    }
}

/* ------------------------------------------------------------------------------- status ---- */

static void status_names(void)
{
    static const char *const want[] = {"HEW_OK", "HEW_ERR_INVALID", "HEW_ERR_UNSUPPORTED",
                                       "HEW_ERR_OVERFLOW", "HEW_ERR_NO_MEMORY", "HEW_ERR_BUSY",
                                       "HEW_ERR_SYSTEM"};
    for (unsigned i = 0; i < sizeof want / sizeof want[0]; i++)
        assert_string_equal(hew_status_name((hew_status)i), want[i]);
    assert_string_equal(hew_status_name((hew_status)7), "unknown hew_status");
    assert_string_equal(hew_status_name((hew_status)-1), "unknown hew_status");
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", HEW_VERSION_MAJOR, HEW_VERSION_MINOR,
             HEW_VERSION_PATCH);
    assert_string_equal(hew_version(), version);
}

static void *other_thread(void *seen)
{
    snprintf(seen, 64, "<%s>", hew_last_error());
    hew_fail(HEW_ERR_SYSTEM, "another thread's");
    return NULL;
}

static void last_error(void)
{
    char seen[64];
    pthread_t thread;
    assert_int_equal(hew_fail(HEW_ERR_BUSY, "%s %d", "number", 5), HEW_ERR_BUSY);
    pthread_create(&thread, NULL, other_thread, seen);
    pthread_join(thread, NULL);
    assert_string_equal(seen, "<>");
    assert_string_equal(hew_last_error(), "number 5");
    hew_fail(HEW_ERR_INVALID, "%01000d", 0);
    assert_in_range(strlen(hew_last_error()), 100, 999);
}

static void verbose(void)
{
    static const char *const off[] = {NULL, "HEW_VERBOSE=", "HEW_VERBOSE=0", "HEW_VERBOSE=no"};
    char out[1024], err[1024];
    for (size_t i = 0; i < sizeof off / sizeof off[0]; i++) {
        ask_child("--verbose", off[i], out, err);
        assert_string_equal(err, "");
    }
    ask_child("--verbose", "HEW_VERBOSE=1", out, err);
    assert_memory_equal(err, "hew: 000", 8);
    assert_ptr_equal(strchr(err, '\n'), err + strlen(err) - 1);
    const double before = hew_now();
    usleep(2000);
    const double elapsed = hew_now() - before;
    assert_true(elapsed >= 2e-3 && elapsed < 10);
}

/* ------------------------------------------------------------------------------- memory ---- */

static void memory(void)
{
    static const size_t sizes[] = {0, 1, 63, 64, 65, 4096, 1000003};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned char *p = hew_alloc(sizes[i]), *q = hew_malloc(sizes[i]);
        assert_non_null(p);
        assert_non_null(q);
        assert_int_equal((uintptr_t)p % HEW_ALIGNMENT | (uintptr_t)q % HEW_ALIGNMENT, 0);
        for (size_t b = 0; b < sizes[i]; b++)
            assert_int_equal(q[b], 0);
        memset(p, 0xA5, sizes[i]);
        hew_free(p);
        hew_mfree(q);
    }
    hew_free(NULL);
    hew_mfree(NULL);
    volatile size_t too_much = SIZE_MAX;
    for (size_t less = 0; less < 200; less++)
        assert_null(hew_alloc(too_much - less));
    assert_null(hew_malloc(too_much / 2));
    atomic_store(&hew_malloc_fail_after, 2);
    void *first = hew_alloc(1), *second = hew_malloc(1);
    void *third = hew_alloc(1), *fourth = hew_malloc(1);
    atomic_store(&hew_malloc_fail_after, -1);
    assert_true(first && second && !third && !fourth);
    hew_free(first);
    hew_mfree(second);
}

/* ------------------------------------------------------------------------------- main ------ */

static const test tests[] = {
    {"names", names},
    {"rungs_are_those_of_the_kernel", rungs_are_those_of_the_kernel},
    {"restriction", restriction},
    {"max_isa", max_isa},
    {"cpu_query", cpu_query},
    {"kernel_list", kernel_list},
    {"kernels_of_a_family", kernels_of_a_family},
    {"status_names", status_names},
    {"last_error", last_error},
    {"verbose", verbose},
    {"memory", memory},
};

int main(int argc, char **argv)
{
    if (argc > 1) {
        speak(argv[1]);
        return 0;
    }
    return run_once("services", TESTS(tests));
}
