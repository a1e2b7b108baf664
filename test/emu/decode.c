/*
 * decode.c - the fields of a VEX or EVEX instruction of map 0F38, and its memory operand.
 *
 * VEX   C4 | R X B mmmmm  | W vvvv L pp |                      opcode ModRM [SIB] [disp]
 * EVEX  62 | R X B R' 0mmm | W vvvv 1 pp | z L'L b V' aaa |     opcode ModRM [SIB] [disp]
 *
 * R, X, B, R', vvvv and V' are stored inverted.  No instruction here has an immediate.
 */
#include "emu_internal.h"

#include <asm/prctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAP_0F38 = 2 };

static unsigned bit(unsigned byte, unsigned position) { return byte >> position & 1; }

static uint64_t segment_base(unsigned prefix)
{
    unsigned long base = 0;
    if (prefix != 0)
        syscall(SYS_arch_prctl, prefix == 0x64 ? ARCH_GET_FS : ARCH_GET_GS, &base);
    return base;
}

/* CS, SS, DS and ES prefixes mean nothing; of FS and GS the last one counts. */
static const uint8_t *decode_prefixes(insn *i, const uint8_t *p)
{
    unsigned segment = 0;
    i->address_mask = UINT64_MAX;
    for (;; p++)
        if (*p == 0x64 || *p == 0x65)
            segment = *p;
        else if (*p == 0x67)
            i->address_mask = UINT32_MAX;
        else if (*p != 0x26 && *p != 0x2E && *p != 0x36 && *p != 0x3E)
            break;
    i->segment = segment_base(segment);
    return p;
}

/* The bits with which a register's number goes on behind ModRM's and SIB's three. */
typedef struct high_bits {
    unsigned reg, x, b;
} high_bits;

static const uint8_t *decode_vex(insn *i, high_bits *high, const uint8_t *p)
{
    if ((p[1] & 0x1F) != MAP_0F38)
        return NULL;
    *high = (high_bits){8 * !bit(p[1], 7), 8 * !bit(p[1], 6), 8 * !bit(p[1], 5)};
    i->w = bit(p[2], 7);
    i->vvvv = ~p[2] >> 3 & 15;
    i->vl_code = bit(p[2], 2);
    i->pp = p[2] & 3;
    return p + 3;
}

static const uint8_t *decode_evex(insn *i, high_bits *high, const uint8_t *p)
{
    if ((p[1] & 0x0F) != MAP_0F38 || !bit(p[2], 2))
        return NULL;
    i->evex = true;
    *high = (high_bits){8 * !bit(p[1], 7) + 16 * !bit(p[1], 4), 8 * !bit(p[1], 6),
                        8 * !bit(p[1], 5)};
    i->w = bit(p[2], 7);
    i->vvvv = (~p[2] >> 3 & 15) + 16 * !bit(p[3], 3);
    i->pp = p[2] & 3;
    i->zeroing = bit(p[3], 7);
    i->vl_code = p[3] >> 5 & 3;
    i->broadcast = bit(p[3], 4);
    i->mask = p[3] & 7;
    return p + 4;
}

static int32_t read_disp32(const uint8_t *p)
{
    int32_t value;
    memcpy(&value, p, 4);
    return value;
}

/* ModRM with mod != 3, behind the ModRM byte. */
static const uint8_t *decode_memory(const frame *f, insn *i, high_bits high, const uint8_t *p)
{
    const unsigned mod = i->modrm >> 6;
    unsigned base = i->modrm & 7;
    bool rip_relative = false, no_base = mod == 0 && base == 5;
    i->memory = true;
    i->sib = base == 4;
    if (i->sib) {
        const unsigned sib = *p++, index = (sib >> 3 & 7) + high.x;
        base = sib & 7;
        no_base = mod == 0 && base == 5;
        if (index != 4)
            i->index = frame_gpr(f, index) << (sib >> 6);
    } else {
        rip_relative = no_base;
    }
    if (!no_base)
        i->base = frame_gpr(f, base + high.b);
    if (mod == 1) {
        /* EVEX counts a byte in operands: in elements if it is broadcast. */
        const int64_t unit = !i->evex ? 1 : i->broadcast ? 4 : INT64_C(16) << i->vl_code;
        i->base += (uint64_t)((int8_t)*p++ * unit);
    } else if (mod == 2 || no_base) {
        i->base += (uint64_t)(int64_t)read_disp32(p);
        p += 4;
    }
    if (rip_relative)
        i->base += (uintptr_t)p;
    return p;
}

bool decode(const frame *f, insn *i)
{
    const uint8_t *const start = (const uint8_t *)f->gpr[REG_RIP];
    high_bits high;
    *i = (insn){.at = start};
    const uint8_t *p = decode_prefixes(i, start);
    if (*p == 0xC4)
        p = decode_vex(i, &high, p);
    else if (*p == 0x62)
        p = decode_evex(i, &high, p);
    else
        return false;
    if (p == NULL)
        return false;
    i->opcode = *p++;
    i->modrm = *p++;
    i->reg = (i->modrm >> 3 & 7) + high.reg;
    if (i->modrm >> 6 != 3)
        p = decode_memory(f, i, high, p);
    else /* EVEX uses X for a vector register's bit 4 */
        i->rm = (i->modrm & 7) + high.b + (i->evex ? 2 * high.x : 0);
    i->length = (size_t)(p - start);
    return i->length <= 15;
}
