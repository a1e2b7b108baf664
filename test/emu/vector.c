/*
 * vector.c - AVX512_BF16, AVX512_VNNI and AVX-VNNI: operands, masks, results.
 */
#include "emu_internal.h"

#include <string.h>

static uint32_t dword(const vec *v, unsigned n)
{
    uint32_t value;
    memcpy(&value, v->byte + 4 * n, 4);
    return value;
}

static uint16_t word(const vec *v, unsigned n)
{
    uint16_t value;
    memcpy(&value, v->byte + 2 * n, 2);
    return value;
}

/*
 * The last operand.  Elements that are masked off are not read and so can't fault, except in
 * VCVTNE2PS2BF16 (exceptions type E4NF), which reads them all.
 */
static void read_operand(const frame *f, const insn *i, unsigned lanes, uint64_t wanted, vec *v)
{
    memset(v, 0, sizeof *v);
    if (!i->memory) {
        frame_get_vec(f, i->rm, v);
        return;
    }
    const uint8_t *const memory = insn_address(i, i->index);
    const uint64_t all = (UINT64_C(1) << lanes) - 1;
    if (i->broadcast && (wanted & all) != 0) {
        guest_copy(v->byte, memory, 4);
        for (unsigned n = 1; n < lanes; n++)
            memcpy(v->byte + 4 * n, v->byte, 4);
    } else if ((wanted & all) == all) {
        guest_copy(v->byte, memory, 4 * lanes);
    } else {
        for (unsigned n = 0; n < lanes; n++)
            if ((wanted >> n & 1) != 0)
                guest_copy(v->byte + 4 * n, memory + 4 * n, 4);
    }
}

/* Puts into `result` what its masked-off elements become, and zeros behind the last element. */
static void apply_mask(vec *result, const vec *before, uint64_t mask, bool zeroing,
                       unsigned elements, unsigned bytes)
{
    for (unsigned n = 0; n < elements; n++)
        if ((mask >> n & 1) == 0) {
            if (zeroing)
                memset(result->byte + bytes * n, 0, bytes);
            else
                memcpy(result->byte + bytes * n, before->byte + bytes * n, bytes);
        }
    memset(result->byte + bytes * elements, 0, sizeof *result - bytes * elements);
}

/* -------------------------------------------------------------------------- to bf16 -------- */

static uint16_t bf16_from_f32(uint32_t x)
{
    const uint32_t exponent = x >> 23 & 0xFF;
    if (exponent == 0)
        return (uint16_t)(x >> 16 & 0x8000);
    if (exponent == 0xFF)
        return (uint16_t)(x >> 16 | ((x & 0x7FFFFF) != 0 ? 0x40 : 0));
    return (uint16_t)((x + 0x7FFF + (x >> 16 & 1)) >> 16);
}

static void convert(vec *to, unsigned at, const vec *from, unsigned lanes)
{
    for (unsigned n = 0; n < lanes; n++) {
        const uint16_t value = bf16_from_f32(dword(from, n));
        memcpy(to->byte + 2 * (at + n), &value, 2);
    }
}

/* ---------------------------------------------------------------------------- VNNI --------- */

static int32_t saturate(int64_t x)
{
    return (int32_t)(x > INT32_MAX ? INT32_MAX : x < INT32_MIN ? INT32_MIN : x);
}

static void dot_integers(vec *sum, const vec *a, const vec *b, unsigned lanes, bool words,
                         bool saturating)
{
    for (unsigned n = 0; n < lanes; n++) {
        int64_t total = (int32_t)dword(sum, n);
        for (unsigned j = 0; words && j < 2; j++)
            total += (int64_t)(int16_t)word(a, 2 * n + j) * (int16_t)word(b, 2 * n + j);
        for (unsigned j = 0; !words && j < 4; j++)
            total += (int64_t)a->byte[4 * n + j] * (int8_t)b->byte[4 * n + j];
        const int32_t value = saturating ? saturate(total) : (int32_t)(uint32_t)total;
        memcpy(sum->byte + 4 * n, &value, 4);
    }
}

/* Compute on all lanes of `sum`; the caller drops those that are masked off. */
static void compute(emu_insn name, vec *sum, const vec *a, const vec *b, unsigned lanes)
{
    switch (name) {
    case EMU_VDPBF16PS: vector_dot_bf16(sum, a, b); break;
    case EMU_VCVTNEPS2BF16: convert(sum, 0, b, lanes); break;
    case EMU_VCVTNE2PS2BF16:
        convert(sum, 0, b, lanes);
        convert(sum, lanes, a, lanes);
        break;
    case EMU_VPDPBUSD:
    case EMU_VEX_VPDPBUSD: dot_integers(sum, a, b, lanes, false, false); break;
    case EMU_VPDPBUSDS:
    case EMU_VEX_VPDPBUSDS: dot_integers(sum, a, b, lanes, false, true); break;
    case EMU_VPDPWSSD:
    case EMU_VEX_VPDPWSSD: dot_integers(sum, a, b, lanes, true, false); break;
    default: dot_integers(sum, a, b, lanes, true, true); break;
    }
}

outcome execute_vector(const frame *f, const insn *i, emu_insn name)
{
    const bool one_source = name == EMU_VCVTNEPS2BF16, two_to_one = name == EMU_VCVTNE2PS2BF16;
    if (i->vl_code == 3 || (i->zeroing && i->mask == 0) || (i->broadcast && !i->memory) ||
        (one_source && i->vvvv != 0))
        return NOT_KNOWN;
    const unsigned lanes = 4u << i->vl_code;
    const uint64_t mask = i->mask == 0 ? UINT64_MAX : frame_get_mask(f, i->mask);
    vec before, sum, a, b;
    read_operand(f, i, lanes, two_to_one ? UINT64_MAX : mask, &b);
    frame_get_vec(f, i->vvvv, &a);
    frame_get_vec(f, i->reg, &before);
    sum = before;
    compute(name, &sum, &a, &b, lanes);
    apply_mask(&sum, &before, mask, i->zeroing, two_to_one ? 2 * lanes : lanes,
               one_source || two_to_one ? 2 : 4);
    frame_put_vec(f, i->reg, &sum);
    return DONE;
}
