/*
 * execute.c - which instruction an encoding is.
 *
 * All are of map 0F38 and W0.  `form` says what ModRM may be; what more an encoding demands (tiles
 * below 8, vvvv unused, the vector length) is checked where it is carried out.
 */
#include "emu_internal.h"

enum prefix { NONE, P66, PF3, PF2 }; /* the values of VEX.pp */
enum form { REGISTERS, MEMORY, EITHER };

static const struct {
    uint8_t evex, pp, opcode, form;
} encodings[EMU_INSN_COUNT] = {
    [EMU_LDTILECFG] = {0, NONE, 0x49, MEMORY},
    [EMU_STTILECFG] = {0, P66, 0x49, MEMORY},
    [EMU_TILERELEASE] = {0, NONE, 0x49, REGISTERS},
    [EMU_TILEZERO] = {0, PF2, 0x49, REGISTERS},
    [EMU_TILELOADD] = {0, PF2, 0x4B, MEMORY},
    [EMU_TILELOADDT1] = {0, P66, 0x4B, MEMORY},
    [EMU_TILESTORED] = {0, PF3, 0x4B, MEMORY},
    [EMU_TDPBSSD] = {0, PF2, 0x5E, REGISTERS},
    [EMU_TDPBSUD] = {0, PF3, 0x5E, REGISTERS},
    [EMU_TDPBUSD] = {0, P66, 0x5E, REGISTERS},
    [EMU_TDPBUUD] = {0, NONE, 0x5E, REGISTERS},
    [EMU_TDPBF16PS] = {0, PF3, 0x5C, REGISTERS},
    [EMU_TDPFP16PS] = {0, PF2, 0x5C, REGISTERS},
    [EMU_VDPBF16PS] = {1, PF3, 0x52, EITHER},
    [EMU_VCVTNEPS2BF16] = {1, PF3, 0x72, EITHER},
    [EMU_VCVTNE2PS2BF16] = {1, PF2, 0x72, EITHER},
    [EMU_VPDPBUSD] = {1, P66, 0x50, EITHER},
    [EMU_VPDPBUSDS] = {1, P66, 0x51, EITHER},
    [EMU_VPDPWSSD] = {1, P66, 0x52, EITHER},
    [EMU_VPDPWSSDS] = {1, P66, 0x53, EITHER},
    [EMU_VEX_VPDPBUSD] = {0, P66, 0x50, EITHER},
    [EMU_VEX_VPDPBUSDS] = {0, P66, 0x51, EITHER},
    [EMU_VEX_VPDPWSSD] = {0, P66, 0x52, EITHER},
    [EMU_VEX_VPDPWSSDS] = {0, P66, 0x53, EITHER},
};

bool identify(const insn *i, emu_insn *name)
{
    for (int n = 0; n < EMU_INSN_COUNT; n++) {
        const unsigned form = encodings[n].form;
        if (encodings[n].evex != i->evex || encodings[n].pp != i->pp ||
            encodings[n].opcode != i->opcode || i->w ||
            (form != EITHER && (form == MEMORY) != i->memory))
            continue;
        *name = (emu_insn)n;
        return true;
    }
    return false;
}

outcome execute(const frame *f, const insn *i, emu_insn name)
{
    const uint32_t mxcsr = MXCSR_DAZ_FTZ_RNE;
    uint32_t saved;
    __asm__ volatile("stmxcsr %0\n\tldmxcsr %1" : "=m"(saved) : "m"(mxcsr) : "memory");
    const outcome result = name < EMU_VDPBF16PS ? execute_tile(i, name)
                                                : execute_vector(f, i, name);
    __asm__ volatile("ldmxcsr %0" ::"m"(saved) : "memory");
    return result;
}

static const char *const names[EMU_INSN_COUNT] = {
#define X(name, feature) [EMU_##name] = #name,
    EMU_INSNS(X)
#undef X
};
static const uint8_t features[EMU_INSN_COUNT] = {
#define X(name, feature) [EMU_##name] = EMU_##feature,
    EMU_INSNS(X)
#undef X
};

const char *emu_name(emu_insn which) { return names[which]; }
emu_feature emu_feature_of(emu_insn which) { return (emu_feature)features[which]; }
