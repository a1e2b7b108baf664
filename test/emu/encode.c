/* encode.c - instructions put together from their fields. */
#include "machine.h"

#include <string.h>

static const struct {
    uint8_t evex, pp, opcode;
} opcodes[EMU_INSN_COUNT] = {
    [EMU_LDTILECFG] = {0, PP_NONE, 0x49},     [EMU_STTILECFG] = {0, PP_66, 0x49},
    [EMU_TILERELEASE] = {0, PP_NONE, 0x49},   [EMU_TILEZERO] = {0, PP_F2, 0x49},
    [EMU_TILELOADD] = {0, PP_F2, 0x4B},       [EMU_TILELOADDT1] = {0, PP_66, 0x4B},
    [EMU_TILESTORED] = {0, PP_F3, 0x4B},      [EMU_TDPBSSD] = {0, PP_F2, 0x5E},
    [EMU_TDPBSUD] = {0, PP_F3, 0x5E},         [EMU_TDPBUSD] = {0, PP_66, 0x5E},
    [EMU_TDPBUUD] = {0, PP_NONE, 0x5E},       [EMU_TDPBF16PS] = {0, PP_F3, 0x5C},
    [EMU_TDPFP16PS] = {0, PP_F2, 0x5C},       [EMU_VDPBF16PS] = {1, PP_F3, 0x52},
    [EMU_VCVTNEPS2BF16] = {1, PP_F3, 0x72},   [EMU_VCVTNE2PS2BF16] = {1, PP_F2, 0x72},
    [EMU_VPDPBUSD] = {1, PP_66, 0x50},        [EMU_VPDPBUSDS] = {1, PP_66, 0x51},
    [EMU_VPDPWSSD] = {1, PP_66, 0x52},        [EMU_VPDPWSSDS] = {1, PP_66, 0x53},
    [EMU_VEX_VPDPBUSD] = {0, PP_66, 0x50},    [EMU_VEX_VPDPBUSDS] = {0, PP_66, 0x51},
    [EMU_VEX_VPDPWSSD] = {0, PP_66, 0x52},    [EMU_VEX_VPDPWSSDS] = {0, PP_66, 0x53},
};

void encode_opcode(encoding *e, emu_insn name)
{
    e->evex = opcodes[name].evex;
    e->pp = opcodes[name].pp;
    e->opcode = opcodes[name].opcode;
}

static unsigned inverted(unsigned number, unsigned bit, unsigned place)
{
    return (~number >> bit & 1) << place;
}

static uint8_t *put_prefix(const encoding *e, uint8_t *p)
{
    /* What extends rm: a vector register's bits 3 and 4, or those of the base and the index. */
    const unsigned b = e->how == NO_MEMORY ? e->rm : e->base;
    const unsigned x = e->how == NO_MEMORY ? e->rm >> 1 : encoding_has_index(e) ? e->index : 0;
    const unsigned rxb = inverted(e->reg, 3, 7) | inverted(x, 3, 6) | inverted(b, 3, 5);
    *p++ = e->evex ? 0x62 : 0xC4;
    *p++ = (uint8_t)(rxb | (e->evex ? inverted(e->reg, 4, 4) : 0) | 2);
    const unsigned wvvvv = (unsigned)e->w << 7 | (~e->vvvv & 15u) << 3 | e->pp;
    *p++ = (uint8_t)(wvvvv | (e->evex ? 4u : (unsigned)e->vl << 2));
    if (e->evex)
        *p++ = (uint8_t)((unsigned)e->zeroing << 7 | (unsigned)e->vl << 5 |
                         (unsigned)e->broadcast << 4 | inverted(e->vvvv, 4, 3) | e->mask);
    return p;
}

static uint8_t *put_disp32(uint8_t *p, int32_t disp)
{
    memcpy(p, &disp, 4);
    return p + 4;
}

static uint8_t *put_memory(const encoding *e, uint64_t start, const uint8_t *code, uint8_t *p)
{
    const unsigned reg = (e->reg & 7u) << 3, no_index = 4, no_base = 5;
    const unsigned index = encoding_has_index(e) ? e->index & 7u : no_index;
    const unsigned sib = (unsigned)e->scale << 6 | index << 3;
    if (e->how == RIP_RELATIVE) {
        *p++ = (uint8_t)(reg | 5);
        const uint64_t next = start + (uint64_t)(p - code) + 4;
        return put_disp32(p, (int32_t)(e->disp - (int64_t)next));
    }
    if (e->how == ABSOLUTE || e->how == INDEX_DISP32) {
        *p++ = (uint8_t)(reg | 4);
        *p++ = (uint8_t)(sib | no_base);
        return put_disp32(p, e->disp);
    }
    const bool disp32 = e->how == BASE_DISP32 || e->how == BASE_INDEX_DISP32;
    const bool rbp = (e->base & 7) == 5, rsp = (e->base & 7) == 4;
    const bool disp8 = e->how == BASE_DISP8 || e->how == BASE_INDEX_DISP8 || (rbp && !disp32);
    const bool with_sib = encoding_has_index(e) || rsp || e->always_sib;
    *p++ = (uint8_t)((disp32 ? 0x80u : disp8 ? 0x40u : 0u) | reg | (with_sib ? 4 : e->base & 7u));
    if (with_sib)
        *p++ = (uint8_t)(sib | (e->base & 7u));
    if (disp32)
        return put_disp32(p, e->disp);
    if (disp8) /* EVEX counts in operands, or in elements if broadcast */
        *p++ = (uint8_t)(e->disp / (!e->evex ? 1 : e->broadcast ? 4 : 16 << e->vl));
    return p;
}

size_t encode(const encoding *e, uint64_t at, uint8_t code[MAX_CODE])
{
    uint8_t *p = code;
    if (e->segment != 0)
        *p++ = e->segment;
    if (e->addr32)
        *p++ = 0x67;
    p = put_prefix(e, p);
    *p++ = e->opcode;
    if (e->how == NO_MEMORY)
        *p++ = (uint8_t)(0xC0 | (e->reg & 7u) << 3 | (e->rm & 7u));
    else
        p = put_memory(e, at, code, p);
    return (size_t)(p - code);
}
