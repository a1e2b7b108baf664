/*
 * frame.c - the registers in a signal frame.
 *
 * The kernel saves them as XSAVE does, in the standard format: FXSAVE's 512 bytes, a header, then
 * each component where CPUID leaf 0xD says.  A component in its initial state (zeros) may have
 * stale bytes there: only the header's bits say that it counts.
 */
#include "emu_internal.h"

#include <string.h>

enum component { XMM = 1, YMM_HIGH = 2, MASKS = 5, ZMM_HIGH = 6, ZMM16_31 = 7, COMPONENTS };
enum { FXSAVE_XMM = 160, FXSAVE_SOFTWARE = 464, XSTATE_BV = 512 };
#define AVX512_STATE UINT64_C(0xE6)

static struct {
    unsigned offset, bytes;
} layout[COMPONENTS] = {[XMM] = {FXSAVE_XMM, 256}};

bool frame_layout(void)
{
    static const enum component in_leaf[] = {YMM_HIGH, MASKS, ZMM_HIGH, ZMM16_31};
    if (host_cpuid(0, 0).eax < 0xD || (host_xcr0() & AVX512_STATE) != AVX512_STATE)
        return false;
    for (size_t i = 0; i < sizeof in_leaf / sizeof in_leaf[0]; i++) {
        const cpuid_leaf leaf = host_cpuid(0xD, in_leaf[i]);
        layout[in_leaf[i]].bytes = leaf.eax;
        layout[in_leaf[i]].offset = leaf.ebx;
    }
    return true;
}

bool frame_of(frame *f, ucontext_t *context)
{
    struct { /* linux: struct _fpx_sw_bytes */
        uint32_t magic, extended_bytes;
        uint64_t features;
    } software;
    f->gpr = context->uc_mcontext.gregs;
    f->xsave = (uint8_t *)context->uc_mcontext.fpregs;
    if (f->xsave == NULL)
        return false;
    memcpy(&software, f->xsave + FXSAVE_SOFTWARE, sizeof software);
    return software.magic == 0x46505853 && (software.features & AVX512_STATE) == AVX512_STATE;
}

uint64_t frame_gpr(const frame *f, unsigned number)
{
    static const uint8_t place[16] = {
        REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
        REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    return (uint64_t)f->gpr[place[number]];
}

static void get(const frame *f, enum component c, unsigned number, unsigned bytes, void *to)
{
    uint64_t in_use;
    memcpy(&in_use, f->xsave + XSTATE_BV, 8);
    if ((in_use >> c & 1) != 0)
        memcpy(to, f->xsave + layout[c].offset + number * bytes, bytes);
    else
        memset(to, 0, bytes);
}

static void put(const frame *f, enum component c, unsigned number, unsigned bytes, const void *from)
{
    uint64_t in_use;
    memcpy(&in_use, f->xsave + XSTATE_BV, 8);
    if ((in_use >> c & 1) == 0)
        memset(f->xsave + layout[c].offset, 0, layout[c].bytes);
    in_use |= UINT64_C(1) << c;
    memcpy(f->xsave + XSTATE_BV, &in_use, 8);
    memcpy(f->xsave + layout[c].offset + number * bytes, from, bytes);
}

void frame_get_vec(const frame *f, unsigned number, vec *v)
{
    if (number >= 16) {
        get(f, ZMM16_31, number - 16, 64, v->byte);
        return;
    }
    get(f, XMM, number, 16, v->byte);
    get(f, YMM_HIGH, number, 16, v->byte + 16);
    get(f, ZMM_HIGH, number, 32, v->byte + 32);
}

void frame_put_vec(const frame *f, unsigned number, const vec *v)
{
    if (number >= 16) {
        put(f, ZMM16_31, number - 16, 64, v->byte);
        return;
    }
    put(f, XMM, number, 16, v->byte);
    put(f, YMM_HIGH, number, 16, v->byte + 16);
    put(f, ZMM_HIGH, number, 32, v->byte + 32);
}

uint64_t frame_get_mask(const frame *f, unsigned number)
{
    uint64_t mask;
    get(f, MASKS, number, 8, &mask);
    return mask;
}
