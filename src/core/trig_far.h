/*
 * trig_far.h - x modulo pi/2 for large x, exactly (Payne and Hanek, 1983).
 *
 * Shared by src/ref and src/simd, where a vector that has a large lane takes it for each.
 */
#ifndef HEW_TRIG_FAR_H
#define HEW_TRIG_FAR_H

#include "core.h"

#include <string.h>

/* x = quadrant pi/2 + r, |r| <= pi/4, quadrant modulo 4. */
typedef struct hew_turn {
    float r;
    uint32_t quadrant;
} hew_turn;

__extension__ typedef unsigned __int128 hew_u128;

/*
 * |x| = m 2^e with an integer m < 2^24.  Of the bits of 2/pi, those that times 2^e are multiples of
 * 4 don't matter; the 96 after them times m have the quadrant in their bits 94 and 95, and leave a
 * fraction of which at most some 30 leading bits are zero.
 */
HEW_INLINE hew_turn hew_turn_of(float x)
{
    /* 2/pi in binary, after 32 zeros. */
    static const uint32_t words[] = {0,          0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0,
                                     0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561};
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t biased = bits >> 23 & 255;
    if (biased == 255)
        return (hew_turn){x - x, 0};
    const hew_u128 m = (bits & 0x7fffff) | 0x800000;
    const uint32_t first = biased - 150 + 30; /* of the 96 bits, counted from the first of words */
    const uint32_t *const w = words + first / 32;
    const hew_u128 window = (hew_u128)w[0] << 96 | (hew_u128)w[1] << 64 |
                            (hew_u128)w[2] << 32 | w[3];
    const hew_u128 product = m * (window << first % 32 >> 32);
    uint32_t quadrant = (uint32_t)((product >> 93) + 1) >> 1;
    const int64_t fraction = (int64_t)(uint64_t)(product << 34 >> 64);
    float r = (float)((double)fraction * 0x1.921fb54442d18p-64); /* pi/2 2^-64 */
    if (bits >> 31) {
        r = -r;
        quadrant = 0 - quadrant;
    }
    return (hew_turn){r, quadrant & 3};
}

#endif
