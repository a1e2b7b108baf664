/*
 * host.c - what the machine under the emulator is.
 */
#include "emu_internal.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#define XCR0_AVX512 UINT64_C(0xE6)
#define XCR0_TILES UINT64_C(0x60000)

cpuid_leaf host_cpuid(uint32_t number, uint32_t sub)
{
    cpuid_leaf r;
    __cpuid_count(number, sub, r.eax, r.ebx, r.ecx, r.edx);
    return r;
}

uint64_t host_xcr0(void)
{
    uint32_t low, high;
    if ((host_cpuid(1, 0).ecx >> 27 & 1) == 0)
        return 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static bool has(uint32_t word, unsigned bit) { return (word >> bit & 1) != 0; }

/* F, DQ, BW, VL and their state; and F16C, of which each such CPU has some. */
static bool has_avx512(void)
{
    if (host_cpuid(0, 0).eax < 7 || (host_xcr0() & XCR0_AVX512) != XCR0_AVX512)
        return false;
    const uint32_t seven = host_cpuid(7, 0).ebx;
    return has(seven, 16) && has(seven, 17) && has(seven, 30) && has(seven, 31) &&
           has(host_cpuid(1, 0).ecx, 29);
}

const char *emu_missing(void)
{
    return has_avx512() && frame_layout() ? NULL : "no AVX-512 F, BW, DQ, VL to compute with";
}

static unsigned find_native(void)
{
    const long arch_req_xcomp_perm = 0x1023, tile_data = 18;
    if (!has_avx512())
        return 0;
    const cpuid_leaf seven = host_cpuid(7, 0);
    const uint32_t more = seven.eax >= 1 ? host_cpuid(7, 1).eax : 0;
    unsigned found = (has(seven.ecx, 11) ? EMU_AVX512_VNNI : 0u) |
                     (has(more, 4) ? EMU_AVX_VNNI : 0u) | (has(more, 5) ? EMU_AVX512_BF16 : 0u);
    if (has(seven.edx, 22) && has(seven.edx, 24) && has(seven.edx, 25) &&
        (host_xcr0() & XCR0_TILES) == XCR0_TILES &&
        syscall(SYS_arch_prctl, arch_req_xcomp_perm, tile_data) == 0)
        found |= EMU_AMX | (has(more, 21) ? EMU_AMX_FP16 : 0u);
    return found;
}

/* Asked once: later the process may be another CPU, with other permissions. */
unsigned emu_native(void)
{
    static bool known;
    static unsigned found;
    if (!known)
        found = find_native();
    known = true;
    return found;
}
