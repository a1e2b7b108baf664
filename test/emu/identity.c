/*
 * identity.c - other CPUs, as the library's detection sees them.
 *
 * The second byte of each CPUID and XGETBV of src/core/cpu.c is overwritten, in this process's
 * memory, so that they become UD2; the handler of SIGILL then answers from the tables below.  The
 * code of the library is otherwise what it ships: no hook, no second path.
 */
#include "emu_internal.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define B(n) (1u << (n))
/* Leaf 1, ECX. */
#define SSE_4_2 (B(0) | B(1) | B(9) | B(13) | B(19) | B(20) | B(23))
#define XSAVE_ON (B(26) | B(27))
#define AVX_FMA_F16C (B(28) | B(12) | B(29))
#define HASWELL_1 (SSE_4_2 | XSAVE_ON | AVX_FMA_F16C)
/* Leaf 7, EBX, ECX, EDX; subleaf 1, EAX. */
#define HASWELL_7 (B(3) | B(5) | B(8) | B(9))
#define SKYLAKE_X_7 (HASWELL_7 | B(16) | B(17) | B(19) | B(28) | B(30) | B(31))
#define AVX512_VNNI_C B(11)
#define AMX_D (B(22) | B(24) | B(25))
#define AVX512_FP16_D B(23)
#define AVX_VNNI_A B(4)
#define AVX512_BF16_A B(5)
#define AMX_FP16_A B(21)
/* XCR0. */
#define SSE_STATE 0x3u
#define YMM_STATE 0x7u
#define ZMM_STATE 0xE7u
#define TILE_STATE 0x600E7u

typedef struct cpu {
    const char *name, *brand;
    uint32_t max_leaf, signature, ecx1, ebx7, ecx7, edx7, eax7_1, xcr0;
    uint32_t l1d, l2, l3; /* KiB */
    permission tiles;
} cpu;

#define SAPPHIRE_RAPIDS(label, ecx1, xcr0, tiles) \
    {label, "Intel(R) Xeon(R) Platinum 8480+", 0x20, 0x806F8, ecx1, SKYLAKE_X_7, AVX512_VNNI_C, \
     AMX_D | AVX512_FP16_D, AVX_VNNI_A | AVX512_BF16_A, xcr0, 48, 2048, 107520, tiles}
static const cpu cpus[EMU_CPU_COUNT] = {
    [EMU_PENTIUM_4] = {"pentium_4", "Intel(R) Pentium(R) 4 CPU 3.60GHz", 5, 0xF43, B(0), 0, 0, 0, 0,
                       0, 16, 2048, 0, PERMISSION_UNKNOWN},
    [EMU_NEHALEM] = {"nehalem", "Intel(R) Xeon(R) CPU X5570 @ 2.93GHz", 0xB, 0x106A5, SSE_4_2, 0, 0,
                     0, 0, 0, 32, 256, 8192, PERMISSION_UNKNOWN},
    [EMU_SKYLAKE_X] = {"skylake_x", "Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz", 0x16, 0x50654,
                       HASWELL_1, SKYLAKE_X_7, 0, 0, 0, ZMM_STATE, 32, 1024, 28160,
                       PERMISSION_UNKNOWN},
    [EMU_CASCADE_LAKE] = {"cascade_lake", "Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz", 0x16, 0x50657,
                          HASWELL_1, SKYLAKE_X_7, AVX512_VNNI_C, 0, 0, ZMM_STATE, 32, 1024, 28160,
                          PERMISSION_UNKNOWN},
    [EMU_COOPER_LAKE] = {"cooper_lake", "Intel(R) Xeon(R) Gold 6348H CPU @ 2.30GHz", 0x16, 0x5065B,
                         HASWELL_1, SKYLAKE_X_7, AVX512_VNNI_C, 0, AVX512_BF16_A, ZMM_STATE, 32,
                         1024, 33792, PERMISSION_UNKNOWN},
    [EMU_ALDER_LAKE] = {"alder_lake", "12th Gen Intel(R) Core(TM) i9-12900K", 0x20, 0x90672,
                        HASWELL_1, HASWELL_7, 0, 0, AVX_VNNI_A, YMM_STATE, 48, 1280, 30720,
                        PERMISSION_UNKNOWN},
    [EMU_SAPPHIRE_RAPIDS] = SAPPHIRE_RAPIDS("sapphire_rapids", HASWELL_1, TILE_STATE,
                                            PERMISSION_GRANTED),
    [EMU_SPR_DENIED] = SAPPHIRE_RAPIDS("spr_denied", HASWELL_1, TILE_STATE, PERMISSION_DENIED),
    [EMU_SPR_OLD_KERNEL] = SAPPHIRE_RAPIDS("spr_old_kernel", HASWELL_1, TILE_STATE,
                                           PERMISSION_UNKNOWN),
    [EMU_SPR_NO_TILES] = SAPPHIRE_RAPIDS("spr_no_tiles", HASWELL_1, ZMM_STATE, PERMISSION_GRANTED),
    [EMU_SPR_NO_ZMM] = SAPPHIRE_RAPIDS("spr_no_zmm", HASWELL_1, YMM_STATE, PERMISSION_GRANTED),
    [EMU_SPR_NO_YMM] = SAPPHIRE_RAPIDS("spr_no_ymm", HASWELL_1, SSE_STATE, PERMISSION_GRANTED),
    [EMU_SPR_NO_XSAVE] = SAPPHIRE_RAPIDS("spr_no_xsave", HASWELL_1 & ~B(27), 0, PERMISSION_GRANTED),
    [EMU_HOST_PLUS] = {.name = "host_plus"},
};

static const cpu *presented;
static emu_cpu presented_id;
static emu_site sites[EMU_MAX_SITES];
static size_t site_count;

const char *emu_cpu_name(emu_cpu id) { return cpus[id].name; }

/* ------------------------------------------------------------------------- answers --------- */

static cpuid_leaf host_plus(uint32_t number, uint32_t sub)
{
    cpuid_leaf r = host_cpuid(number, sub);
    if (number == 7 && sub == 0) {
        r.eax |= 1; /* there is a subleaf 1 */
        r.ecx |= AVX512_VNNI_C;
        r.edx |= AMX_D;
    } else if (number == 7 && sub == 1) {
        if (host_cpuid(7, 0).eax < 1)
            r = (cpuid_leaf){0, 0, 0, 0};
        r.eax |= AVX_VNNI_A | AVX512_BF16_A;
    }
    return r;
}

/* Leaf 4: a data cache of level 1, unified ones above it; eight ways of lines of 64 bytes. */
static cpuid_leaf cache(uint32_t level, uint32_t kib)
{
    if (kib == 0)
        return (cpuid_leaf){0, 0, 0, 0};
    return (cpuid_leaf){level << 5 | (level == 1 ? 1 : 3), 7u << 22 | 63, kib * 2 - 1, 0};
}

static cpuid_leaf of_table(const cpu *c, uint32_t number, uint32_t sub)
{
    cpuid_leaf r = {0, 0, 0, 0};
    const uint32_t first_brand = 0x80000002, last_brand = 0x80000004;
    if (number == 0)
        r = (cpuid_leaf){c->max_leaf, 0x756E6547, 0x6C65746E, 0x49656E69}; /* GenuineIntel */
    else if (number == 1)
        r = (cpuid_leaf){c->signature, 0, c->ecx1, 0x178BFBFF};
    else if (number == 4 && c->max_leaf >= 4)
        r = sub == 0   ? cache(1, c->l1d)
            : sub == 1 ? cache(2, c->l2)
            : sub == 2 ? cache(3, c->l3)
                       : r;
    else if (number == 7 && sub == 0)
        r = (cpuid_leaf){c->eax7_1 != 0, c->ebx7, c->ecx7, c->edx7};
    else if (number == 7 && sub == 1)
        r.eax = c->eax7_1;
    else if (number == 0x80000000)
        r.eax = 0x80000008;
    else if (number >= first_brand && number <= last_brand) {
        char brand[48] = "";
        strncpy(brand, c->brand, sizeof brand - 1);
        memcpy(&r, brand + 16 * (number - first_brand), 16);
    }
    return r;
}

/* XCR0 can be read only where OSXSAVE says so. */
static bool answer_xgetbv(greg_t *gpr)
{
    const bool host = presented_id == EMU_HOST_PLUS;
    if ((uint32_t)gpr[REG_RCX] != 0 || (!host && (presented->ecx1 & B(27)) == 0))
        return false;
    gpr[REG_RAX] = host ? (greg_t)(uint32_t)(host_xcr0() | TILE_STATE) : (greg_t)presented->xcr0;
    gpr[REG_RDX] = 0;
    gpr[REG_RIP] += 3;
    return true;
}

bool identity_answer(greg_t *gpr)
{
    const uint32_t number = (uint32_t)gpr[REG_RAX], sub = (uint32_t)gpr[REG_RCX];
    size_t s = 0;
    while (s < site_count && sites[s].at != (uintptr_t)gpr[REG_RIP])
        s++;
    if (s == site_count)
        return false;
    if (sites[s].xgetbv)
        return answer_xgetbv(gpr);
    const cpuid_leaf r = presented_id == EMU_HOST_PLUS ? host_plus(number, sub)
                                                       : of_table(presented, number, sub);
    gpr[REG_RAX] = r.eax;
    gpr[REG_RBX] = r.ebx;
    gpr[REG_RCX] = r.ecx;
    gpr[REG_RDX] = r.edx;
    gpr[REG_RIP] += 2;
    return true;
}

/* ------------------------------------------------------------------------ presenting ------- */

static const char *exchange_sites(void)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uint8_t ud2_second = 0x0B; /* 0F 0B */
    uintptr_t bias;
    site_count = emu_find_sites(sites, &bias);
    if (site_count == 0)
        return "the program has no symbols, or no CPUID";
    for (size_t s = 0; s < site_count; s++) {
        void *const start = (void *)((sites[s].at + 1) & ~(page - 1));
        if (mprotect(start, page, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
            return "code can't be made writable";
        guest_copy((void *)(sites[s].at + 1), &ud2_second, 1);
        if (mprotect(start, page, PROT_READ | PROT_EXEC) != 0)
            return "code can't be made executable again";
    }
    return NULL;
}

const char *emu_present(emu_cpu id)
{
    const char *problem = emu_missing();
    if (presented != NULL)
        problem = "this process is another CPU already";
    if (problem != NULL)
        return problem;
    const bool native_tiles = (emu_native() & EMU_AMX) != 0;
    presented = &cpus[id];
    presented_id = id;
    emu_install();
    if (!(id == EMU_HOST_PLUS && native_tiles))
        problem = permission_present(presented->tiles);
    return problem != NULL ? problem : exchange_sites();
}
