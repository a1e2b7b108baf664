/* random.c - numbers and addresses for the emulator's own tests. */
#include "machine.h"

uint32_t random_f32(rng *r, bool specials)
{
    const uint32_t x = (uint32_t)rng_next(r), sign = x & 0x80000000;
    if (!specials)
        return (x & 0x807FFFFF) | (uint32_t)rng_between(r, 120, 133) << 23;
    switch (rng_between(r, 0, 13)) {
    case 0: return x & 0x807FFFFF;                    /* denormal */
    case 1: return x | 0x7F800000;                    /* NaN */
    case 2: return sign | 0x7F800000;                 /* Inf */
    case 3: return sign;
    case 4: return (x & 0x80FFFFFF) | 0x01000000;     /* close to the smallest */
    case 5: return (x & 0x80FFFFFF) | 0x7E000000;     /* close to the largest */
    case 6: return (x & 0xFFFF0000) | 0x8000;         /* halfway between bf16s */
    case 7: return sign | 0x3F800000;
    case 8: return sign | 0x00800000;                 /* the smallest */
    case 9: return (x & 0x807FFFFF) | (uint32_t)rng_between(r, 55, 72) << 23;
    default: return x;
    }
}

void pick_address(encoding *e, addressing how, rng *r)
{
    static const uint8_t segments[] = {0, 0, 0x64, 0x65};
    e->how = how;
    e->base = (uint8_t)rng_between(r, 0, 15);
    do
        e->index = (uint8_t)rng_between(r, 0, 15);
    while (e->index == e->base || e->index == 4); /* RSP can't be one */
    e->scale = (uint8_t)rng_between(r, 0, 3);
    e->addr32 = rng_chance(r, 4);
    e->segment = segments[rng_between(r, 0, 3)];
    if (e->segment == 0x64 && (e->addr32 || how >= INDEX_DISP32)) /* FS's base is out of reach */
        e->segment = 0x65;
}

void aim(encoding *e, machine *m, uint64_t target, uint64_t noise)
{
    const int64_t unit = !e->evex ? 1 : e->broadcast ? 4 : 16 << e->vl;
    const uint64_t high = e->addr32 ? noise << 32 : 0; /* must not matter */
    uint64_t rest = target - segment_base_of(e->segment);
    e->disp = 0;
    if (e->how == BASE_DISP8 || e->how == BASE_INDEX_DISP8)
        e->disp = (int32_t)((int8_t)noise * unit);
    if (e->how == BASE_DISP32 || e->how == BASE_INDEX_DISP32)
        e->disp = (int32_t)noise;
    if (encoding_has_index(e)) {
        m->gpr[e->index] = e->how == INDEX_DISP32 ? noise >> 40 & 0xFFFF : noise >> 3;
        rest -= m->gpr[e->index] << e->scale;
        m->gpr[e->index] |= e->how == INDEX_DISP32 ? high : 0;
    }
    if (e->how >= INDEX_DISP32) { /* an absolute target, which encode makes relative to RIP */
        e->disp = (int32_t)rest;
        return;
    }
    rest -= (uint64_t)(int64_t)e->disp;
    m->gpr[e->base] = e->addr32 ? (uint32_t)rest | high : rest;
}

int64_t aim_stride(encoding *e, machine *m, int64_t stride)
{
    if (!encoding_has_index(e))
        return 0;
    const uint64_t was = m->gpr[e->index] << e->scale;
    m->gpr[e->index] = (uint64_t)(stride >> e->scale);
    if (e->how == INDEX_DISP32)
        e->disp = (int32_t)((uint64_t)e->disp + was);
    else
        m->gpr[e->base] += was;
    return (stride >> e->scale) * (1 << e->scale);
}
