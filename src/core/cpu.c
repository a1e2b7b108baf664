/*
 * cpu.c - what this CPU can do, and what the operating system lets it do.
 *
 * An instruction set is usable when CPUID offers it and XCR0 says that the system saves its
 * registers; AMX's tiles need a permission besides, which is asked for once, at detection.
 * Detection happens at the first question and never before main.
 */
#include "kernels.h"

#include <cpuid.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum word { LEAF1_ECX, LEAF7_EBX, LEAF7_ECX, LEAF7_EDX, LEAF7_1_EAX, WORDS };

/* What Hew looks at.  The order is that of hew_cpu_info.features. */
enum feature {
    AVX2, FMA, F16C, AVX_VNNI, AVX512F, AVX512BW, AVX512DQ, AVX512VL, AVX512_VNNI, AVX512_BF16,
    AVX512_FP16, AMX_TILE, AMX_INT8, AMX_BF16, FEATURES
};
static const struct {
    char name[12];
    unsigned char word, bit;
} features[FEATURES] = {
    [AVX2] = {"avx2", LEAF7_EBX, 5},
    [FMA] = {"fma", LEAF1_ECX, 12},
    [F16C] = {"f16c", LEAF1_ECX, 29},
    [AVX_VNNI] = {"avx_vnni", LEAF7_1_EAX, 4},
    [AVX512F] = {"avx512f", LEAF7_EBX, 16},
    [AVX512BW] = {"avx512bw", LEAF7_EBX, 30},
    [AVX512DQ] = {"avx512dq", LEAF7_EBX, 17},
    [AVX512VL] = {"avx512vl", LEAF7_EBX, 31},
    [AVX512_VNNI] = {"avx512_vnni", LEAF7_ECX, 11},
    [AVX512_BF16] = {"avx512_bf16", LEAF7_1_EAX, 5},
    [AVX512_FP16] = {"avx512_fp16", LEAF7_EDX, 23},
    [AMX_TILE] = {"amx_tile", LEAF7_EDX, 24},
    [AMX_INT8] = {"amx_int8", LEAF7_EDX, 25},
    [AMX_BF16] = {"amx_bf16", LEAF7_EDX, 22},
};

/*
 * A kernel of a rung may use all that the rung asks for.  AMX asks for everything of AVX-512 that
 * its epilogues want; every CPU with AMX has it.
 */
#define F(feature) (1u << (feature))
#define NEEDS_AVX2 (F(AVX2) | F(FMA) | F(F16C))
#define NEEDS_AVX512 (NEEDS_AVX2 | F(AVX512F) | F(AVX512BW) | F(AVX512DQ) | F(AVX512VL))
#define STATE_YMM 0x6u      /* XMM and the upper halves of YMM */
#define STATE_ZMM 0xE6u     /* and the masks, the upper halves of ZMM, ZMM16-31 */
#define STATE_TILE 0x600E6u /* and tile configuration and data */
static const struct {
    const char *name;
    unsigned features, state;
} rungs[HEW_ISA_COUNT] = {
    [HEW_ISA_REF] = {"ref", 0, 0},
    [HEW_ISA_AVX2] = {"avx2", NEEDS_AVX2, STATE_YMM},
    [HEW_ISA_AVX2_VNNI] = {"avx2_vnni", NEEDS_AVX2 | F(AVX_VNNI), STATE_YMM},
    [HEW_ISA_AVX512] = {"avx512", NEEDS_AVX512, STATE_ZMM},
    [HEW_ISA_AVX512_VNNI] = {"avx512_vnni", NEEDS_AVX512 | F(AVX512_VNNI), STATE_ZMM},
    [HEW_ISA_AVX512_BF16] = {"avx512_bf16", NEEDS_AVX512 | F(AVX512_BF16), STATE_ZMM},
    [HEW_ISA_AMX] = {"amx", NEEDS_AVX512 | F(AVX512_VNNI) | F(AVX512_BF16) | F(AMX_TILE) |
                     F(AMX_INT8) | F(AMX_BF16), STATE_TILE},
};

typedef struct leaf {
    unsigned eax, ebx, ecx, edx;
} leaf;

/* A leaf that the CPU doesn't have reads as zeros. */
static leaf cpuid(unsigned number, unsigned sub)
{
    leaf r = {0, 0, 0, 0};
    __get_cpuid_count(number, sub, &r.eax, &r.ebx, &r.ecx, &r.edx);
    return r;
}

static unsigned read_features(void)
{
    const leaf one = cpuid(1, 0), seven = cpuid(7, 0);
    const leaf seven_1 = seven.eax >= 1 ? cpuid(7, 1) : (leaf){0, 0, 0, 0};
    const unsigned words[WORDS] = {
        [LEAF1_ECX] = one.ecx,   [LEAF7_EBX] = seven.ebx,     [LEAF7_ECX] = seven.ecx,
        [LEAF7_EDX] = seven.edx, [LEAF7_1_EAX] = seven_1.eax,
    };
    unsigned found = 0;
    for (int f = 0; f < FEATURES; f++)
        found |= (words[features[f].word] >> features[f].bit & 1) << f;
    return found;
}

/* XCR0: the register state that the system saves and restores; 0 where it can't be read. */
static unsigned read_xcr0(void)
{
    const unsigned osxsave = 1u << 27;
    if ((cpuid(1, 0).ecx & osxsave) == 0)
        return 0;
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

/* The kernel hands out tile data registers (8 KiB for each thread) on request only. */
static bool may_use_tiles(void)
{
    const long arch_req_xcomp_perm = 0x1023, tile_data = 18;
    return syscall(SYS_arch_prctl, arch_req_xcomp_perm, tile_data) == 0;
}

static unsigned detect(void)
{
    const unsigned found = read_features(), state = read_xcr0();
    unsigned mask = 0;
    for (int r = 0; r < HEW_ISA_COUNT; r++)
        if ((rungs[r].features & ~found) == 0 && (rungs[r].state & ~state) == 0)
            mask |= 1u << r;
    if ((mask >> HEW_ISA_AMX & 1) != 0 && !may_use_tiles())
        mask &= ~(1u << HEW_ISA_AMX);
    return mask;
}

static unsigned cap_by_environment(unsigned mask)
{
    const char *cap = getenv("HEW_MAX_ISA");
    if (cap == NULL || *cap == '\0')
        return mask;
    for (unsigned r = 0; r < HEW_ISA_COUNT; r++)
        if (strcmp(cap, rungs[r].name) == 0)
            return mask & ((2u << r) - 1);
    fprintf(stderr, "hew: HEW_MAX_ISA=%.40s is ignored: it is none of ref, avx2, avx2_vnni, "
            "avx512, avx512_vnni, avx512_bf16, amx\n", cap);
    return mask;
}

static unsigned detected;    /* written once, under `once` */
static atomic_uint in_use;   /* detected & what tests left of it; 0 = not yet detected */

static void detect_once(void)
{
    detected = cap_by_environment(detect());
    atomic_store(&in_use, detected);
}

static void ensure_detected(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, detect_once);
}

unsigned hew_cpu_rungs(void)
{
    const unsigned mask = atomic_load_explicit(&in_use, memory_order_relaxed);
    if (HEW_LIKELY(mask != 0))
        return mask;
    ensure_detected();
    return atomic_load(&in_use);
}

void hew_cpu_restrict(unsigned mask)
{
    ensure_detected();
    atomic_store(&in_use, detected & (mask | 1u << HEW_ISA_REF));
}

hew_isa hew_active_isa(void)
{
    return (hew_isa)(31 - __builtin_clz(hew_cpu_rungs()));
}

bool hew_isa_available(hew_isa isa)
{
    return (unsigned)isa < HEW_ISA_COUNT && (hew_cpu_rungs() >> isa & 1) != 0;
}

const char *hew_isa_name(hew_isa isa)
{
    return (unsigned)isa < HEW_ISA_COUNT ? rungs[isa].name : "unknown";
}

/* ------------------------------------------------------------------------ hew_cpu_query ---- */

static void add_cache(hew_cpu_info *info, unsigned level, size_t bytes)
{
    size_t *const by_level[] = {NULL, &info->l1d, &info->l2, &info->l3};
    if (level >= 1 && level <= 3)
        *by_level[level] = bytes;
}

/* Intel's leaf 4 and AMD's 0x8000001D have one format: a subleaf for each cache.  False if the
 * CPU has nothing there. */
static bool read_cache_leaf(hew_cpu_info *info, unsigned number)
{
    const unsigned data = 1, unified = 3, most = 16;
    unsigned sub = 0;
    for (; sub < most; sub++) {
        const leaf c = cpuid(number, sub);
        const unsigned type = c.eax & 31;
        if (type == 0)
            break;
        if (type == data || type == unified)
            add_cache(info, c.eax >> 5 & 7, (size_t)((c.ebx >> 22) + 1) *
                      ((c.ebx >> 12 & 0x3FF) + 1) * ((c.ebx & 0xFFF) + 1) * ((size_t)c.ecx + 1));
    }
    return sub > 0;
}

static void read_caches(hew_cpu_info *info)
{
    const unsigned topoext = 1u << 22;
    if (read_cache_leaf(info, 4))
        return;
    if ((cpuid(0x80000001, 0).ecx & topoext) != 0 && read_cache_leaf(info, 0x8000001D))
        return;
    const leaf five = cpuid(0x80000005, 0), six = cpuid(0x80000006, 0);
    info->l1d = (size_t)(five.ecx >> 24) << 10;
    info->l2 = (size_t)(six.ecx >> 16) << 10;
    info->l3 = (size_t)(six.edx >> 18) << 19;
}

static void read_brand(char brand[64])
{
    char raw[49] = "";
    if (cpuid(0x80000000, 0).eax >= 0x80000004)
        for (unsigned i = 0; i < 3; i++) {
            const leaf part = cpuid(0x80000002 + i, 0);
            memcpy(raw + 16 * i, &part, 16);
        }
    const char *start = raw + strspn(raw, " ");
    size_t length = strlen(start);
    while (length > 0 && start[length - 1] == ' ')
        length--;
    memcpy(brand, start, length);
}

hew_status hew_cpu_query(hew_cpu_info *info)
{
    if (info == NULL)
        return hew_fail(HEW_ERR_INVALID, "hew_cpu_query: info is null");
    if (info->size != sizeof *info)
        return hew_fail(HEW_ERR_INVALID, "hew_cpu_query: info->size is %zu, not %zu", info->size,
                        sizeof *info);
    *info = (hew_cpu_info){.size = sizeof *info};
    const leaf zero = cpuid(0, 0), one = cpuid(1, 0);
    memcpy(info->vendor, &zero.ebx, 4);
    memcpy(info->vendor + 4, &zero.edx, 4);
    memcpy(info->vendor + 8, &zero.ecx, 4);
    const unsigned family = one.eax >> 8 & 15, model = one.eax >> 4 & 15;
    info->family = (int)(family + (family == 15 ? one.eax >> 20 & 255 : 0));
    info->model = (int)(model + (family == 6 || family == 15 ? (one.eax >> 16 & 15) << 4 : 0));
    info->stepping = (int)(one.eax & 15);
    read_brand(info->brand);
    read_caches(info);
    const unsigned found = read_features();
    for (size_t f = 0, used = 0; f < FEATURES; f++)
        if ((found >> f & 1) != 0)
            used += (size_t)snprintf(info->features + used, sizeof info->features - used, "%s%s",
                                     used > 0 ? " " : "", features[f].name);
    return HEW_OK;
}
